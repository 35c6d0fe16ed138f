/* How far off the numbers of a log of TIDYLOG_MARGIN may be, as docs/log-format.md states it, for a prediction of this
 * margin. */
#ifndef TIDY_TESTS_CODE_ERRORS_H
#define TIDY_TESTS_CODE_ERRORS_H

#include <math.h>

#include "common/tidylog.h"

static inline double code_margin_error(struct tidylog_codes codes, double margin)
{
    return 2 * (exp(0.5 / codes.margin_scale) - 1) * hypot(1, margin / 2);
}

/* Half a level where there are 256. */
static inline double code_widest_error(struct tidylog_codes codes, uint32_t classes, double margin)
{
    double interval = log(fmax(classes - 1.0, 1)) + 2 * (exp(1.0 / codes.margin_scale) - 1) * hypot(1, margin / 2);
    return interval / (codes.log_odds_density == 0 ? 510 : 512);
}

static inline double code_loss_error(struct tidylog_codes codes, uint32_t classes, double margin)
{
    double widest = code_widest_error(codes, classes, margin);
    return codes.log_odds_density == 0 ? widest : fmax(widest, 0.5 / codes.log_odds_density);
}

static inline double code_confidence_error(struct tidylog_codes codes, uint32_t classes, double margin)
{
    double widest = code_widest_error(codes, classes, margin) / 4;
    return codes.log_odds_density == 0 ? widest : fmax(widest, 0.127 / codes.log_odds_density);
}

#endif
