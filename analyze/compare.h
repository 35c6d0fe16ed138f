/* The two tables of `tidy-analyze compare`. */
#ifndef TIDY_ANALYZE_COMPARE_H
#define TIDY_ANALYZE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/selection.h"
#include "analyze/threshold_list.h"

/* What is compared. */
struct comparison {
    const char *const *paths; /* [logs] */
    size_t logs;
    const char *scores; /* as after --score */
    struct threshold_list rules;
    struct selection selection;
    bool json;
};

/* A line for each log, score and rule: what is flagged, and where the truth is known how right that is. The logs
 * are replayed one after the other. */
int compare_scores(const struct comparison *comparison);

/* A line for each pair of the scores of one log, or for each score and pair of several logs, and each rule: how far
 * both agree. All logs' dynamics are in memory, and the keys of one pair. Error: logs of different numbers of
 * samples. */
int compare_agreement(const struct comparison *comparison);

#endif
