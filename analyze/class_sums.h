/* What needs a number for each sample and class: how often each class was predicted, and the mean of its
 * probability.
 *
 * Kept for a block of samples at a time; where one block cannot hold all of them the log is replayed once a
 * block. */
#ifndef TIDY_ANALYZE_CLASS_SUMS_H
#define TIDY_ANALYZE_CLASS_SUMS_H

#include <stddef.h>
#include <stdint.h>

struct analysis;

/* One class that was predicted for a sample, and how often. */
struct class_count {
    uint16_t class;
    uint32_t count;
};

typedef int class_counts_visitor(void *context, size_t sample, const struct class_count *counts, size_t count);

/* Visits every sample once, in any order and on several threads at a time: `counts` has the classes predicted for it in the window, in all runs,
 * smallest first; none where it was never presented. What a probe was taken for does not count. Where all fit into
 * one block, and analysis_replay was told (see struct analysis), the log is not replayed again.
 * Errors: a damaged log, no memory, what `visit` returns. */
int class_counts_each(struct analysis *analysis, class_counts_visitor *visit, void *context);

/* A sample's vector over the presentations in the window, in all runs, but those as a probe. */
struct class_means {
    size_t sample;
    const double
        *probabilities; /* [classes] means; all NaN where one of its logits was not a number, or never presented */
    double el2n;        /* mean of norm2(probabilities - one-hot label) */
};

typedef int class_means_visitor(void *context, const struct class_means *means);

/* Visits every sample once, in any order. Needs detail probs. Where all fit into one block a second call does not
 * replay again. */
int class_means_each(struct analysis *analysis, class_means_visitor *visit, void *context);

/* The same over the selected run alone. */
int class_means_each_of_run(struct analysis *analysis, class_means_visitor *visit, void *context);

#endif
