/* One sample's predictions in all runs of a log. */
#ifndef TIDY_ANALYZE_CHARTS_TRAJECTORY_H
#define TIDY_ANALYZE_CHARTS_TRAJECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct analysis;

/* A presentation: what an epoch only evaluates is none. */
struct trajectory_point {
    uint32_t run;
    uint32_t epoch;     /* from 0 */
    uint16_t trained;   /* the label trained on */
    uint16_t predicted; /* the class */
    bool forgotten;     /* predicted right in the run's presentation before, and wrong in this one */
    float margin;       /* NaN where the log has none */
};

struct sample_trajectory {
    struct trajectory_point *points; /* [count] run by run, in order */
    size_t count, capacity;
};

/* Reads the sample's predictions in the analysis' window of all runs. Of what is packed by blocks only the sample's
 * own block is read. Freed with free(out->points), also after a failure. Errors: the selection's, damage. */
int sample_trajectory_read(struct sample_trajectory *out, struct analysis *analysis, uint32_t sample);

#endif
