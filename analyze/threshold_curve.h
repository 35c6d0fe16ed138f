/* Every threshold of one score, and what is known of each: what `sweep` prints and charts draw. */
#ifndef TIDY_ANALYZE_THRESHOLD_CURVE_H
#define TIDY_ANALYZE_THRESHOLD_CURVE_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/estimated_quality.h"
#include "analyze/evaluation.h"
#include "analyze/ranking.h"

struct analysis;

struct threshold_curve {
    const struct score *score;
    float *keys; /* [samples] */
    struct ranking ranking;
    bool has_truth, has_estimate;
    struct truth truth;             /* where it is known */
    struct noise_estimate estimate; /* where the log has controls */

    /* The walk: the samples and controls so far. */
    struct sweep sweep;
    float *control_keys; /* [controls] for the label trained on; NaN where the score has none */
    struct ranking controls;
    size_t controls_added, samples_added;
    struct estimated_set set;
};

/* A threshold: the score X and what is more suspicious. */
struct threshold_point {
    double value;               /* X */
    struct set_quality quality; /* flagged; the rest is NaN where the truth is not known */
};

/* Ranks the samples of a replayed log by the one score that was chosen, and estimates where there are controls.
 * Freed with threshold_curve_destroy, also after a failure. */
int threshold_curve_create(struct threshold_curve *out, struct analysis *analysis);
void threshold_curve_destroy(struct threshold_curve *curve);

/* Moves on to the next threshold, from the most suspicious on. False: no more. */
bool threshold_curve_next(struct threshold_curve *curve, struct threshold_point *out);

/* X of the threshold that just flags the sample at a place of the ranking's scored ones. */
double threshold_curve_value(const struct threshold_curve *curve, size_t place);

/* What controls say of the threshold that the walk is at. NaN where their verdict is another than NOISE_APPLIES.
 * Only where there are some. */
struct estimated_quality threshold_curve_estimate(struct threshold_curve *curve);

#endif
