/* From a log to label-posterior. */
#ifndef TIDY_ANALYZE_LABEL_POSTERIOR_SCORE_H
#define TIDY_ANALYZE_LABEL_POSTERIOR_SCORE_H

struct analysis;
struct replay_observer;

/* Replays the selected run once more, and makes analysis->posterior of it: its suggestions are then the most probable of
 * all runs that it was made of since analysis_replay began, everything else is of this run. */
int label_posterior_replay(struct analysis *analysis);

/* The score label-posterior, a score_row's `fill`: the same, and `wrong`; without a replay of its own where the means are
 * there already. */
int label_posterior_fill(float *column, void *means, struct analysis *analysis);

/* A score_row's `ahead` and `forget`: keeps a struct rebuilt_means, which the replay of other scores fills. */
int label_posterior_ahead(void **means, struct replay_observer *out, struct analysis *analysis);
void label_posterior_forget(void *means);

#endif
