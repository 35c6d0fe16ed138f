/* One pass over a log's epochs, watched by any number of observers. */
#ifndef TIDY_ANALYZE_REPLAY_H
#define TIDY_ANALYZE_REPLAY_H

#include <stddef.h>

#include "analyze/selection.h"
#include "common/tidylog.h"

/* Sees every step once, in the order in which it was trained. */
struct replay_observer {
    int (*observe)(void *context,
                   const struct tidylog_observations *step); /* 0 or a tidy_error, which ends the pass */
    void *context;
};

/* Replays these epochs of the reader's selected run. Where it is long, each observer has a thread of its own: they
 * share nothing that one of them writes. */
int replay_epochs(struct tidylog_reader *reader, struct window window, const struct replay_observer *observers,
                  size_t count);

#endif
