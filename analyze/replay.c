/* The one loop that reads steps; what is made of them is up to the observers. */
#include "analyze/replay.h"

#include <inttypes.h>

#include "common/error.h"
#include "common/progress.h"

int replay_epochs(struct tidylog_reader *reader, struct window window, const struct replay_observer *observers,
                  size_t count)
{
    struct tidylog_replay *replay;
    int status = tidylog_replay_begin(&replay, reader, window.first, window.end);
    if (status != 0)
        return status;

    struct tidylog_observations step;
    uint64_t shown = window.first;
    while ((status = tidylog_replay_next(replay, &step)) > 0) {
        if (step.epoch != shown)
            progress_update("replaying epoch %" PRIu64 " of %" PRIu64, (shown = step.epoch) - window.first + 1,
                            window.end - window.first);
        status = 0;
        for (size_t i = 0; i < count && status == 0; i++)
            status = observers[i].observe(observers[i].context, &step);
        if (status != 0)
            break;
    }
    progress_clear();
    tidylog_replay_end(replay);
    return status;
}
