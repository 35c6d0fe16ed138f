/* One pass over a log's epochs, watched by any number of observers. */
#ifndef TIDY_ANALYZE_REPLAY_H
#define TIDY_ANALYZE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/selection.h"
#include "common/tidylog.h"

/* What an observer does with packed epochs, which come by blocks of samples: all epochs of the window that are packed
 * for the samples of one block, in order, then those of another one. Blocks come in any order and on several threads
 * at a time; what is known of the samples of one block may be changed without asking. Each returns 0 or a tidy_error,
 * which ends the pass. */
struct replay_of_blocks {
    int (*open)(void **room, void *context); /* what one thread keeps while it has a block */
    int (*observe)(void *room, const struct tidylog_observations *epoch); /* of the same samples until `end` */
    int (*end)(void *room);                                               /* there was the block's last epoch */
    void (*close)(void *room);
};

/* Sees every prediction once: steps in the order in which they were trained, or, of epochs that are packed, those of a
 * block of samples after another's. So the predictions of each sample come in order. */
struct replay_observer {
    int (*observe)(void *context,
                   const struct tidylog_observations *step); /* 0 or a tidy_error, which ends the pass */
    void *context;
    bool apart; /* `observe` may be called on several threads at a time, for samples of which none is the same */
    const struct replay_of_blocks *of_blocks; /* NULL: packed epochs come by `observe` */
};

/* Replays these epochs of the reader's selected run. Where it is long there are several threads: packed epochs are
 * replayed by as many as there are processors; for steps each observer has one. They share nothing that one of them
 * writes. What observers have seen in the end is the same for any number of threads. */
int replay_epochs(struct tidylog_reader *reader, struct window window, const struct replay_observer *observers,
                  size_t count);

/* Is the whole window packed? Then all comes by blocks. */
bool replay_is_by_blocks(const struct tidylog_reader *reader, struct window window);

#endif
