/* One score out of several runs'. */
#ifndef TIDY_ANALYZE_OVER_RUNS_H
#define TIDY_ANALYZE_OVER_RUNS_H

#include "analyze/score_set.h"

/* Columns of a score that grow with each run. */
struct over_runs_column {
    float *values, *ranks; /* [samples]; ranks is NULL where they are the values */
    uint16_t *runs;        /* [samples] runs in which the sample has a value */
};

struct over_runs_set {
    enum over_runs how;
    struct over_runs_column *columns; /* [count], as the score set's scores */
    size_t count, samples;
};

/* Starts with no run. Freed with over_runs_destroy, also after a failure.
 * Error: OVER_RUNS_TONEVA with a score other than forgetting-events. */
int over_runs_begin(struct over_runs_set *out, enum over_runs how, const struct score_set *scores);
void over_runs_destroy(struct over_runs_set *set);

/* Adds a run that was replayed into `scores`. */
void over_runs_add(struct over_runs_set *set, const struct score_set *scores);

/* Makes the columns those of the scores, which own them from now on. */
void over_runs_end(struct over_runs_set *set, struct score_set *scores);

#endif
