/* How far off margin and log-odds may be in a log of TIDYLOG_MARGIN, as docs/log-format.md states it. */
#ifndef TIDY_TESTS_CODE_ERRORS_H
#define TIDY_TESTS_CODE_ERRORS_H

#include <math.h>

#include "common/tidylog.h"

static inline double code_margin_error(struct tidylog_codes codes, double margin)
{
    return 2 * (exp(0.5 / codes.margin_scale) - 1) * hypot(1, margin / 2);
}

/* The loss moves by no more than this, the confidence by a quarter of it. */
static inline double code_log_odds_error(struct tidylog_codes codes, uint32_t classes, double margin)
{
    double interval = log(fmax(classes - 1.0, 1)) + 2 * (exp(1.0 / codes.margin_scale) - 1) * hypot(1, margin / 2);
    return interval / (2 * (codes.log_odds_levels - 1.0));
}

#endif
