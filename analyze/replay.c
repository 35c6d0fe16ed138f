/* Packed epochs by blocks, then the one loop that reads steps; what is made of them is up to the observers. */
#include "analyze/replay.h"

#include <inttypes.h>

#include "analyze/replay_blocks.h"
#include "analyze/replay_threads.h"
#include "common/error.h"
#include "common/parallel.h"
#include "common/progress.h"

/* Predictions from which on threads cost less than they gain. */
enum { WORTH_THREADS = 1 << 18 };

static bool is_worth_threads(const struct tidylog_run *run, struct window window)
{
    double predictions = (double)run->samples * (double)(window.end - window.first);
    return predictions >= WORTH_THREADS && parallel_available() > 1;
}

static int observe_all(const struct replay_observer *observers, size_t count,
                       const struct tidylog_observations *step)
{
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = observers[i].observe(observers[i].context, step);
    return status;
}

/* The first epoch of the window that is not packed. */
static uint64_t packed_end(const struct tidylog_reader *reader, struct window window)
{
    uint64_t end = tidylog_reader_packed_end(reader, window.first);
    return end < window.end ? end : window.end;
}

bool replay_is_by_blocks(const struct tidylog_reader *reader, struct window window)
{
    return packed_end(reader, window) == window.end;
}

static int replay_steps(struct tidylog_reader *reader, struct window window,
                        const struct replay_observer *observers, size_t count)
{
    const struct tidylog_run *run = tidylog_reader_run(reader);
    struct replay_threads *threads = NULL;
    struct tidylog_replay *replay;
    int status = tidylog_replay_begin(&replay, reader, window.first, window.end);
    if (status == 0 && is_worth_threads(run, window))
        status = replay_threads_begin(&threads, run, observers, count);
    if (status != 0)
        goto end;

    struct tidylog_observations step;
    uint64_t shown = window.first;
    while ((status = tidylog_replay_next(replay, &step)) > 0) {
        if (step.epoch != shown)
            progress_update("replaying epoch %" PRIu64 " of %" PRIu64, (shown = step.epoch) - window.first + 1,
                            window.end - window.first);
        status = threads != NULL ? replay_threads_add(threads, &step) : observe_all(observers, count, &step);
        if (status != 0)
            break;
    }
    if (threads != NULL)
        status = replay_threads_end(threads, status);
    progress_clear();
end:
    tidylog_replay_end(replay);
    return status;
}

int replay_epochs(struct tidylog_reader *reader, struct window window, const struct replay_observer *observers,
                  size_t count)
{
    struct window packed = {window.first, packed_end(reader, window)}, rest = {packed.end, window.end};
    int status = 0;
    if (packed.first < packed.end)
        status =
            replay_blocks(reader, packed, observers, count, is_worth_threads(tidylog_reader_run(reader), packed));
    if (status == 0 && rest.first < rest.end)
        status = replay_steps(reader, rest, observers, count);
    return status;
}
