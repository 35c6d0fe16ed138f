/* The part of a replay that is packed by sample. For replay.h. */
#ifndef TIDY_ANALYZE_REPLAY_BLOCKS_H
#define TIDY_ANALYZE_REPLAY_BLOCKS_H

#include "analyze/replay.h"

/* Replays these epochs, all of them packed, on several threads where `is_worth_threads`. */
int replay_blocks(struct tidylog_reader *reader, struct window window, const struct replay_observer *observers,
                  size_t count, bool is_worth_threads);

#endif
