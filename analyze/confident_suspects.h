/* Confident learning on a log: the vectors are a sample's mean probabilities over its presentations in the
 * window. */
#ifndef TIDY_ANALYZE_CONFIDENT_SUSPECTS_H
#define TIDY_ANALYZE_CONFIDENT_SUSPECTS_H

#include <stdbool.h>

#include "analyze/confident_learning.h"

struct analysis;

/* Flags by a filter; the means are over all runs. Needs detail probs. */
int confident_suspects_flag(bool *flagged, struct analysis *analysis, enum confident_filter filter);

/* The score confident-learning, a score_row's `fill`: 1 flagged, 0 not, NaN without a vector; of the selected
 * run. */
int confident_suspects_fill(float *column, void *kept, struct analysis *analysis);

#endif
