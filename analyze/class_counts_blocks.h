/* Counts by class of packed epochs: where a window is packed throughout, each block of samples is counted and visited
 * by itself, so that no more than a block a thread is kept. For analysis.c. */
#ifndef TIDY_ANALYZE_CLASS_COUNTS_BLOCKS_H
#define TIDY_ANALYZE_CLASS_COUNTS_BLOCKS_H

#include "analyze/class_sums.h"
#include "analyze/replay.h"
#include "common/tidylog.h"

/* An observer's context: who visits the samples once they are counted, each on the thread that has its block. */
struct class_counts_visits {
    const struct tidylog_run *run;
    class_counts_visitor *visit;
    void *context;
};
extern const struct replay_of_blocks class_counts_of_blocks;

/* Visits the samples that are in no block, afterwards: they have no counts. */
int class_counts_visit_others(const struct class_counts_visits *visits);

#endif
