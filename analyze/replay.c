/* The one loop that reads steps; what is made of them is up to the observers. */
#include "analyze/replay.h"

#include <inttypes.h>

#include "common/error.h"
#include "common/progress.h"

int replay_finished_epochs(struct tidylog_reader *reader, const char *path, const struct replay_observer *observers,
                           size_t count)
{
    uint64_t epochs;
    tidylog_reader_epochs(reader, &epochs);
    if (epochs == 0)
        return tidy_fail("%s: no epoch is finished yet, and only finished epochs count; "
                         "'tidy-analyze info' shows where the recording stands",
                         path);

    struct tidylog_replay *replay;
    int status = tidylog_replay_begin(&replay, reader, 0, epochs);
    if (status != 0)
        return status;

    struct tidylog_observations step;
    uint64_t shown = 0;
    while ((status = tidylog_replay_next(replay, &step)) > 0) {
        if (step.epoch != shown)
            progress_update("replaying epoch %" PRIu64 " of %" PRIu64, (shown = step.epoch) + 1, epochs);
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
