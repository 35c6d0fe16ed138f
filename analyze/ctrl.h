/* CTRL on a log (Yue & Jha 2022): in each class the cluster of samples whose losses stay high. See
 * loss_clusters.h. */
#ifndef TIDY_ANALYZE_CTRL_H
#define TIDY_ANALYZE_CTRL_H

struct analysis;
struct replay_observer;

/* The score ctrl, a score_row's `fill`, of the selected run: 1 suspect, 0 not, NaN where the sample was never
 * presented, was a probe, or had a loss that is not a number. An epoch in which it was presented several times
 * has the last loss, one in which it was not that of the epoch before, or of the first that has one. Keeps a
 * loss for each epoch and sample of as many classes as analysis->block_bytes have room for, and replays the run
 * once for each such block. Needs detail margin. Error: one class alone does not fit. */
int ctrl_fill(float *column, void *losses, struct analysis *analysis);

/* The same without an `ahead`: a threshold_row's `fill`. */
int ctrl_replay(float *column, struct analysis *analysis);

/* A score_row's `ahead` and `forget`: where all classes fit into a quarter of the room, one replay with other scores
 * is enough. Keeps a struct ctrl_losses. */
int ctrl_ahead(void **losses, struct replay_observer *out, struct analysis *analysis);
void ctrl_forget(void *losses);

#endif
