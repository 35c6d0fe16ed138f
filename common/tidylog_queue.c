/* Records on their way to the writer thread: a list under a lock, and when to commit it. */
#include "common/tidylog_queue.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/error.h"
#include "common/memory.h"

/* From the first record of a batch to its commit: with the commit's own time a second at most. */
#define COMMIT_AFTER_NANOSECONDS 800000000L

/* So many seconds of training even at the fullest detail; and half of it is enough for a commit of its own. */
#define MOST_QUEUED_BYTES ((size_t)64 << 20)

struct queue {
    queue_commit *commit;
    queue_work *work;
    void *context;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* any of what follows, which the mutex guards */
    struct queued *first, *last;
    size_t bytes;              /* of the list and of what is being committed */
    struct timespec commit_at; /* when the list is to be committed at the latest */
    bool busy;                 /* a commit is going on */
    bool has_work;             /* there may be some */
    bool hurry;                /* someone waits for it */
    bool closing;
    int status; /* of the commits so far */
    char message[1024];
};

static void free_list(struct queued *record)
{
    while (record != NULL) {
        struct queued *next = record->next;
        free(record);
        record = next;
    }
}

static struct timespec commit_time(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_nsec += COMMIT_AFTER_NANOSECONDS;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

/* Keeps the first failure. The mutex is held. */
static void take_status(struct queue *queue, int status)
{
    if (status != TIDY_OK && queue->status == TIDY_OK) {
        strncpy(queue->message, tidy_error_message(), sizeof queue->message - 1);
        queue->status = status;
    }
}

/* Commits the list. Entered and left with the mutex held, which is free in between. */
static void commit_list(struct queue *queue)
{
    struct queued *list = queue->first;
    size_t bytes = queue->bytes;
    int status = queue->status;
    queue->first = queue->last = NULL;
    queue->busy = true;
    pthread_mutex_unlock(&queue->mutex);

    if (status == TIDY_OK)
        status = queue->commit(queue->context, list);
    free_list(list);

    pthread_mutex_lock(&queue->mutex);
    take_status(queue, status);
    queue->bytes -= bytes;
    queue->busy = false;
    queue->has_work = true;
    pthread_cond_broadcast(&queue->changed);
}

/* Does a piece of work, like a commit. */
static void do_work(struct queue *queue)
{
    bool more = false;
    int status = queue->status;
    pthread_mutex_unlock(&queue->mutex);

    if (status == TIDY_OK)
        status = queue->work(queue->context, &more);

    pthread_mutex_lock(&queue->mutex);
    take_status(queue, status);
    queue->has_work = status == TIDY_OK && more;
    if (!queue->has_work)
        pthread_cond_broadcast(&queue->changed);
}

static bool must_commit(const struct queue *queue)
{
    struct timespec now;
    if (queue->first == NULL)
        return false;
    if (queue->hurry || queue->closing || queue->bytes >= MOST_QUEUED_BYTES / 2)
        return true;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const struct timespec *due = &queue->commit_at;
    return now.tv_sec != due->tv_sec ? now.tv_sec > due->tv_sec : now.tv_nsec >= due->tv_nsec;
}

static void *run_thread(void *context)
{
    struct queue *queue = context;
    pthread_mutex_lock(&queue->mutex);
    for (;;) {
        if (must_commit(queue))
            commit_list(queue);
        else if (queue->has_work)
            do_work(queue);
        else if (queue->first != NULL)
            pthread_cond_timedwait(&queue->changed, &queue->mutex, &queue->commit_at);
        else if (!queue->closing)
            pthread_cond_wait(&queue->changed, &queue->mutex);
        else
            break;
    }
    pthread_mutex_unlock(&queue->mutex);
    return NULL;
}

int queue_create(struct queue **out, queue_commit *commit, queue_work *work, void *context)
{
    struct queue *queue;
    *out = NULL;
    int status = memory_allocate(&queue, 1, sizeof *queue, "the log's queue");
    if (status != TIDY_OK)
        return status;
    queue->commit = commit;
    queue->work = work;
    queue->has_work = true;
    queue->context = context;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&queue->mutex, NULL);
    /* Signals are for the thread that trains. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&queue->thread, NULL, run_thread, queue);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0) {
        pthread_mutex_destroy(&queue->mutex);
        pthread_cond_destroy(&queue->changed);
        free(queue);
        return tidy_fail("cannot start the log's writer thread: %s", strerror(code));
    }
    *out = queue;
    return TIDY_OK;
}

/* The commits' failure as this thread's. The mutex is held. */
static int pass_on_status(const struct queue *queue)
{
    return queue->status == TIDY_OK ? TIDY_OK : tidy_fail("%s", queue->message);
}

int queue_add(struct queue *queue, struct queued *record)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->status == TIDY_OK && queue->bytes > 0 && queue->bytes + record->bytes > MOST_QUEUED_BYTES)
        pthread_cond_wait(&queue->changed, &queue->mutex);
    int status = pass_on_status(queue);
    if (status == TIDY_OK) {
        /* The thread sleeps until there is a first record, and then until there are very many. */
        bool wakes = queue->first == NULL || queue->bytes + record->bytes >= MOST_QUEUED_BYTES / 2;
        record->next = NULL;
        if (queue->first == NULL) {
            queue->first = record;
            queue->commit_at = commit_time();
        } else {
            queue->last->next = record;
        }
        queue->last = record;
        queue->bytes += record->bytes;
        if (wakes)
            pthread_cond_broadcast(&queue->changed);
    } else {
        free(record);
    }
    pthread_mutex_unlock(&queue->mutex);
    return status;
}

static int wait_for(struct queue *queue, bool for_work)
{
    pthread_mutex_lock(&queue->mutex);
    queue->hurry = true;
    pthread_cond_broadcast(&queue->changed);
    while (queue->first != NULL || queue->busy || (for_work && queue->has_work))
        pthread_cond_wait(&queue->changed, &queue->mutex);
    queue->hurry = false;
    int status = pass_on_status(queue);
    pthread_mutex_unlock(&queue->mutex);
    return status;
}

int queue_flush(struct queue *queue)
{
    return wait_for(queue, false);
}

int queue_settle(struct queue *queue)
{
    return wait_for(queue, true);
}

int queue_destroy(struct queue *queue)
{
    if (queue == NULL)
        return TIDY_OK;
    pthread_mutex_lock(&queue->mutex);
    queue->closing = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
    pthread_join(queue->thread, NULL);
    int status = pass_on_status(queue);
    pthread_mutex_destroy(&queue->mutex);
    pthread_cond_destroy(&queue->changed);
    free(queue);
    return status;
}
