/* A replay in which the log is decoded by one thread and each observer has one of its own. For replay.h. */
#ifndef TIDY_ANALYZE_REPLAY_THREADS_H
#define TIDY_ANALYZE_REPLAY_THREADS_H

#include "analyze/replay.h"

struct replay_threads; /* the observers' threads, and the steps that are on the way to them */

/* Starts the threads for steps of a run. Ended with replay_threads_end, which is not called after a failure. */
int replay_threads_begin(struct replay_threads **out, const struct tidylog_run *run,
                         const struct replay_observer *observers, size_t count);

/* Hands a copy of the step on to all observers, each of which sees the steps in this order. Other than 0: an
 * observer has failed at a step before; replay_threads_end has the message. */
int replay_threads_add(struct replay_threads *threads, const struct tidylog_observations *step);

/* Waits until all have seen everything, or one has failed. `status` is 0 or what the caller failed with. Returns
 * what the first observer failed with, else `status`. */
int replay_threads_end(struct replay_threads *threads, int status);

#endif
