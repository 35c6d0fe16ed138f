/* The rule threshold-samples (Pleiss et al. 2020, NeurIPS): some samples were trained on an extra class, which
 * cannot be learned but by heart; a label whose margin is no better than theirs is suspect. */
#ifndef TIDY_ANALYZE_THRESHOLD_SAMPLES_H
#define TIDY_ANALYZE_THRESHOLD_SAMPLES_H

struct analysis;

/* column[samples] of the selected run: 1 where the area under the margin is at most the 99th percentile of the
 * threshold samples' (of the extra class), else 0; NaN for those, and where there is no margin. All NaN where
 * the run has no threshold samples. Replays the run. Needs detail margin. */
int threshold_samples_fill(float *column, struct analysis *analysis);

/* Error: no run of the log has threshold samples. `rule` is for the message. */
int threshold_samples_check(const char *rule, struct analysis *analysis);

#endif
