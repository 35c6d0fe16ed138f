/* How the network took some samples, epoch by epoch, in few enough bins for a picture of each. */
#ifndef TIDY_ANALYZE_REPORT_TRAJECTORIES_H
#define TIDY_ANALYZE_REPORT_TRAJECTORIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/report/sparkline.h"

struct analysis;

struct trajectory {
    double sum[SPARKLINE_BINS];     /* of what is shown */
    uint32_t count[SPARKLINE_BINS]; /* presentations that it is the sum of */
    bool forgotten[SPARKLINE_BINS]; /* predicted right before, and wrong in an epoch of the bin */
    bool was_right;                 /* in the last presentation seen */
};

struct trajectories {
    struct trajectory *rows; /* [count] in the order asked for */
    size_t count;
    int bins; /* as many as the longest run has epochs, but no more than SPARKLINE_BINS */
    /* The margin that the curve's top stands for, its bottom being as far below 0: the 95th percentile of what is
     * there. 0: there are no margins, and the curve is the share of right predictions, from 0 to 1. */
    double margin;

    uint32_t *row_of;       /* [samples] 1 + the sample's row, or 0 */
    uint64_t first, epochs; /* of the window replayed */
};

/* Replays the analysis' window of all runs; over several runs a bin has the mean. `samples` has `count` of the
 * log's, each once. What an epoch only evaluates does not count. Freed with trajectories_destroy, also after a
 * failure. */
int trajectories_create(struct trajectories *out, struct analysis *analysis, const uint32_t *samples, size_t count);
void trajectories_destroy(struct trajectories *trajectories);

/* The row as a curve: bins[trajectories->bins]. */
void trajectories_bins(const struct trajectories *trajectories, size_t row, struct sparkline_bin *bins);

#endif
