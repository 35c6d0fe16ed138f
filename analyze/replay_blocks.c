/* Threads take blocks of samples; of each the epochs are unpacked in order, and seen by all observers while they are
 * in the cache. */
#include "analyze/replay_blocks.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/parallel.h"
#include "common/progress.h"

/* What one thread has: opened with its first block, so that the memory is near its processor. */
struct worker {
    struct tidylog_blocks *blocks;
    void **rooms; /* [observers] NULL: none */
};

struct work {
    struct tidylog_reader *reader;
    struct window window;
    const struct replay_observer *observers;
    size_t count;
    struct worker *workers; /* [threads] */
    uint32_t blocks;

    pthread_mutex_t lock; /* guards what follows, the opening of `blocks`, and observers that want to be alone */
    uint32_t done;        /* blocks */
    int status;           /* of the first that failed, with its message */
    char message[1024];
};

/* Keeps the first failure: messages are the thread's own. */
static void keep_failure(struct work *work, int status)
{
    pthread_mutex_lock(&work->lock);
    if (work->status == 0) {
        work->status = status;
        strncpy(work->message, tidy_error_message(), sizeof work->message - 1);
    }
    pthread_mutex_unlock(&work->lock);
}

/* Has a thread failed? */
static bool is_over(struct work *work)
{
    pthread_mutex_lock(&work->lock);
    bool over = work->status != 0;
    pthread_mutex_unlock(&work->lock);
    return over;
}

static int open_worker(struct worker *worker, struct work *work)
{
    int status =
        worker->rooms != NULL ? 0 : memory_allocate(&worker->rooms, work->count, sizeof *worker->rooms, "a replay");
    if (status == 0 && worker->blocks == NULL) {
        pthread_mutex_lock(&work->lock);
        status = tidylog_blocks_begin(&worker->blocks, work->reader, work->window.first, work->window.end);
        pthread_mutex_unlock(&work->lock);
    }
    for (size_t i = 0; i < work->count && status == 0; i++)
        if (work->observers[i].of_blocks != NULL && worker->rooms[i] == NULL)
            status = work->observers[i].of_blocks->open(&worker->rooms[i], work->observers[i].context);
    return status;
}

static void close_worker(struct worker *worker, const struct work *work)
{
    for (size_t i = 0; i < work->count && worker->rooms != NULL; i++)
        if (worker->rooms[i] != NULL)
            work->observers[i].of_blocks->close(worker->rooms[i]);
    free(worker->rooms);
    tidylog_blocks_end(worker->blocks);
}

static int show(struct work *work, size_t i, void *room, const struct tidylog_observations *epoch)
{
    const struct replay_observer *observer = &work->observers[i];
    if (observer->of_blocks != NULL)
        return observer->of_blocks->observe(room, epoch);
    if (observer->apart)
        return observer->observe(observer->context, epoch);
    pthread_mutex_lock(&work->lock);
    int status = observer->observe(observer->context, epoch);
    pthread_mutex_unlock(&work->lock);
    return status;
}

static int replay_block(struct work *work, struct worker *worker, uint32_t block)
{
    struct tidylog_observations epoch;
    int status = open_worker(worker, work);
    if (status == 0)
        status = tidylog_blocks_seek(worker->blocks, block);
    while (status == 0 && (status = tidylog_blocks_next(worker->blocks, &epoch)) > 0) {
        status = 0;
        for (size_t i = 0; i < work->count && status == 0; i++)
            status = show(work, i, worker->rooms[i], &epoch);
    }
    for (size_t i = 0; i < work->count && status == 0; i++)
        if (worker->rooms[i] != NULL)
            status = work->observers[i].of_blocks->end(worker->rooms[i]);
    return status;
}

static void take_block(void *context, size_t share, unsigned thread)
{
    struct work *work = context;
    if (is_over(work))
        return;
    int status = replay_block(work, &work->workers[thread], (uint32_t)share);
    if (status != 0)
        keep_failure(work, status);
    pthread_mutex_lock(&work->lock);
    work->done++;
    progress_update("replaying block %" PRIu32 " of %" PRIu32 " of samples", work->done, work->blocks);
    pthread_mutex_unlock(&work->lock);
}

int replay_blocks(struct tidylog_reader *reader, struct window window, const struct replay_observer *observers,
                  size_t count, bool is_worth_threads)
{
    struct work work = {.reader = reader,
                        .window = window,
                        .observers = observers,
                        .count = count,
                        .blocks = tidylog_block_count(reader)};
    struct parallel *parallel;
    int status = parallel_create(&parallel, is_worth_threads ? work.blocks : 1);
    if (status == 0)
        status = memory_allocate(&work.workers, parallel_threads(parallel), sizeof *work.workers, "a replay");
    if (status != 0) {
        parallel_destroy(parallel);
        return status;
    }
    pthread_mutex_init(&work.lock, NULL);
    parallel_run(parallel, work.blocks, take_block, &work);
    for (unsigned i = 0; i < parallel_threads(parallel); i++)
        close_worker(&work.workers[i], &work);
    progress_clear();
    parallel_destroy(parallel);
    pthread_mutex_destroy(&work.lock);
    free(work.workers);
    if (work.status == TIDY_USAGE)
        return tidy_fail_usage("%s", work.message);
    return work.status != 0 ? tidy_fail("%s", work.message) : 0;
}
