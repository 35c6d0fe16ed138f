/* --threshold auto: a score and a rule, by what the log holds. */
#ifndef TIDY_ANALYZE_AUTOMATIC_H
#define TIDY_ANALYZE_AUTOMATIC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/tidylog.h"

struct analysis;

/* A line for a --help, after THRESHOLD_HELP's. */
#define AUTOMATIC_HELP                                                                                             \
    "\nauto: label-posterior, cut where the expected F1 is largest; of a log of --detail class,\n"                 \
    "majority-disagreement of 0.6 or more"

/* The score and the rule that are for such a run. */
void automatic_choose(const char **score, const char **rule, const struct analysis *analysis);

/* Where *rule is "auto", puts the score and the rule in its place that are for such a run, and says on stderr
 * which and why, and where fewer epochs would find more; docs/detection.md has how well they do. *score is what
 * the user asks for, NULL: nothing. Error: that is another score. */
int automatic_resolve(const char **score, const char **rule, const struct analysis *analysis);

/* Has the network learnt labels by heart? Where in the last epoch more than 0.1 more of the labels trained on
 * than of the test set's were predicted; false where there was no test set. Wrong labels are then predicted, too,
 * and label-posterior hardly finds any (docs/detection.md). */
bool automatic_learnt_by_heart(const struct tidylog_epoch *epochs, uint64_t count);

#endif
