/* One pass over a log's finished epochs, watched by any number of observers. */
#ifndef TIDY_ANALYZE_REPLAY_H
#define TIDY_ANALYZE_REPLAY_H

#include <stddef.h>

#include "common/tidylog.h"

/* Sees every step once, in the order in which it was trained. */
struct replay_observer {
    int (*observe)(void *context,
                   const struct tidylog_observations *step); /* 0 or a tidy_error, which ends the pass */
    void *context;
};

/* Replays all finished epochs. `path` is for messages: a log without a finished epoch is an error. */
int replay_finished_epochs(struct tidylog_reader *reader, const char *path, const struct replay_observer *observers,
                           size_t count);

#endif
