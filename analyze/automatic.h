/* --threshold auto: a score and a rule, by what the log holds. */
#ifndef TIDY_ANALYZE_AUTOMATIC_H
#define TIDY_ANALYZE_AUTOMATIC_H

#include "common/tidylog.h"

/* A line for a --help, after THRESHOLD_HELP's. */
#define AUTOMATIC_HELP                                                                                             \
    "\nauto: label-posterior, cut where the expected F1 is largest; of a log of --detail class,\n"                 \
    "majority-disagreement of 0.6 or more"

/* Where *rule is "auto", puts the score and the rule in its place that are for such a run, and says on stderr which and
 * why; docs/detection.md has how well they do. *score is what the user asks for, NULL: nothing. Error: that is
 * another score. */
int automatic_resolve(const char **score, const char **rule, const struct tidylog_run *run);

#endif
