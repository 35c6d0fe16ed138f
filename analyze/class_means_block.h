/* A block of samples with the sums of their probabilities of all classes. For class_sums.h. */
#ifndef TIDY_ANALYZE_CLASS_MEANS_BLOCK_H
#define TIDY_ANALYZE_CLASS_MEANS_BLOCK_H

#include "analyze/class_sums.h"
#include "common/tidylog.h"

struct class_means_block {
    const uint16_t *given; /* [samples] */
    uint32_t classes;
    size_t first, end;       /* the block's samples */
    double *sums;            /* [end - first][classes] of the probabilities */
    double *error_lengths;   /* [end - first] sums of norm2(probabilities - one-hot label) */
    uint32_t *presentations; /* [end - first] */
    double *means;           /* [classes] of the sample visited */
};

/* Starts a block at sample `first` that takes about `bytes` bytes, at least one sample, of a log of `samples`.
 * `given` must outlive it. Freed with class_means_destroy, also after a failure. */
int class_means_begin(struct class_means_block *out, const uint16_t *given, uint32_t classes, size_t samples,
                      size_t first, size_t bytes);
void class_means_destroy(struct class_means_block *block);

/* Adds one step, with log-probabilities: a replay_observer's function. */
int class_means_observe(void *block, const struct tidylog_observations *step);

/* Visits the block's samples in order. */
int class_means_visit(struct class_means_block *block, class_means_visitor *visit, void *context);

#endif
