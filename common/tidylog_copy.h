/* Copies from logs into a new one, without a prediction that changes by a bit: nothing is unpacked and packed
 * again, but where less detail is asked for.
 *
 * The new log appears at `path` whole or not at all; it may replace one of the inputs (`force`). Memory is that
 * of the largest step, whatever the logs' size. Readers are as opened; which run is selected does not matter. */
#ifndef TIDY_COMMON_TIDYLOG_COPY_H
#define TIDY_COMMON_TIDYLOG_COPY_H

#include "common/tidylog.h"

/* A log of all runs of the inputs, in order, record for record: all have the same samples. Errors: they differ
 * in the number of samples or classes, in a given label or a true one (the first sample is told); more runs than
 * a log can hold; a damaged record; as tidylog_create's. */
int tidylog_copy_runs(const char *path, bool force, struct tidylog_reader *const *inputs, size_t count);

/* For a sample that is not copied. */
#define TIDYLOG_OMITTED UINT32_MAX

/* A log with some of an input's samples, or those of several inputs beside each other (shards). */
struct tidylog_source {
    struct tidylog_reader *reader;
    const uint32_t *renumber; /* [samples of the input] its number in the copy, or TIDYLOG_OMITTED */
};

/* For what the sources have of each prediction. */
#define TIDYLOG_WHOLE_DETAIL (-1)

/* A log of `samples` samples, each of which is one of one source, with their predictions in the finished epochs:
 * epoch e has the steps of each source's epoch e, one source after the other, without the samples that are
 * omitted. detail: an enum tidylog_detail, which the sources have or exceed, or TIDYLOG_WHOLE_DETAIL. What is
 * computed of probabilities in half precision (margin and log-odds) has their error: at most 2^-11 of a
 * log-probability. What the run is, is what the first source says, without its data set, so that nothing is recorded
 * into the copy. An epoch's loss and accuracy are the sources' own, weighted by the predictions copied; its test
 * accuracy NaN where they differ; its seconds their sum. Several runs in the sources (the same number in each)
 * are copied run by run. Errors: sources of different classes, detail, number of runs or of finished epochs
 * (none at all included), or whose probes are of different kinds; less detail than asked for; two splits, but where a
 * log is copied whole, since an evaluated step has to be the one that is due; an epoch without any of the samples; a
 * damaged record; as tidylog_create's. */
int tidylog_copy_samples(const char *path, bool force, const struct tidylog_source *sources, size_t count,
                         uint64_t samples, int detail);

#endif
