/* `tidy-analyze eval --estimate`: suspects without the truth. */
#ifndef TIDY_ANALYZE_EVAL_ESTIMATE_H
#define TIDY_ANALYZE_EVAL_ESTIMATE_H

#include <stdbool.h>

#include "analyze/analysis.h"
#include "analyze/thresholds.h"

/* Prints what planted controls say of the suspects of each score and the rule; `scores` is NULL: of a list on
 * standard input. Errors: the log has no controls. */
int eval_estimate(struct analysis *analysis, const char *scores, const struct threshold *threshold, bool json);

#endif
