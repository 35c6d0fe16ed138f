/* How well suspects match the labels known to be wrong. Definitions in docs/scores.md. */
#ifndef TIDY_ANALYZE_EVALUATION_H
#define TIDY_ANALYZE_EVALUATION_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/ranking.h"
#include "common/tidylog.h"

/* Which samples are mislabelled. */
struct truth {
    bool *mislabelled; /* [samples] */
    size_t samples, count;
};

/* Is the truth known? Error: it is not; `path` is for the message. */
int truth_check(const struct tidylog_run *run, const char *path);

/* Compares the given labels with the true ones. Error: the log does not know the truth; `path` is for the message.
 * Freed with truth_destroy, also after a failure. */
int truth_create(struct truth *out, const struct tidylog_run *run, const char *path);
void truth_destroy(struct truth *truth);

/* What a set of suspects is worth. NaN where nothing is flagged (precision), nothing is mislabelled (recall), or
 * neither (f1). */
struct set_quality {
    size_t flagged, hits; /* hits: flagged and mislabelled */
    double precision, recall, f1;
};
struct set_quality set_quality_of(size_t flagged, size_t hits, const struct truth *truth);
struct set_quality set_quality_of_flags(const bool *flagged, const struct truth *truth);

/* Walks all thresholds of a ranking: one a distinct key, from the most suspicious on. */
struct sweep {
    const struct ranking *ranking;
    const struct truth *truth; /* NULL: not known; the qualities are then NaN */
    size_t flagged, hits;      /* so far */
};

/* Moves on to the next threshold. False: no more. *key is what the last of the flagged have. */
bool sweep_next(struct sweep *sweep, float *key, struct set_quality *out);

/* What an order of samples is worth. NaN where it is undefined: nothing is mislabelled, or everything (auroc). */
struct rank_quality {
    double average_precision; /* over the whole order, ties and the unscored by sample index */
    double auroc;             /* ties count half; the unscored are one tie, after all others */
    double best_f1;           /* over all thresholds, chosen knowing the truth */
};
struct rank_quality rank_quality_of(const struct ranking *ranking, const struct truth *truth);

#endif
