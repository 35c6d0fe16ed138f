/* Confident learning's filters (Northcutt et al. 2021, JAIR): which labels are likely wrong. docs/scores.md has
 * every rule; the sets are those of the package cleanlab. */
#ifndef TIDY_ANALYZE_CONFIDENT_LEARNING_H
#define TIDY_ANALYZE_CONFIDENT_LEARNING_H

#include <stdbool.h>

#include "analyze/confident_joint.h"

enum confident_filter {
    CONFIDENT_LEARNING,
    PRUNE_BY_CLASS,
    PRUNE_BY_NOISE_RATE,
    PRUNE_BY_BOTH,
    PREDICTED_NEQ_GIVEN,
    LOW_SELF_CONFIDENCE,
    LOW_NORMALIZED_MARGIN,
    CONFIDENT_FILTERS
};

/* Sets flagged[samples] to what the filter says. Visits the vectors two or three times. Of samples that are
 * equal those with the smaller index are flagged. */
int confident_learning_flag(bool *flagged, enum confident_filter filter, const struct probability_vectors *vectors);

#endif
