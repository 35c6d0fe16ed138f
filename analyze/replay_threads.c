/* A ring of batches of steps. A batch is filled, then read by every observer's thread, then filled again. */
#include "analyze/replay_threads.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"

enum {
    BATCHES = 4,
    BATCH_BYTES = 1 << 18, /* about: enough that threads seldom wait for one another, and little for a cache */
    MOST_STEPS = 256,      /* of a batch */
    STACK_BYTES = 1 << 18,
};

struct batch {
    uint8_t *bytes; /* [capacity steps][step_bytes] */
    struct tidylog_observations steps[MOST_STEPS];
    size_t count;
};

struct watcher {
    struct replay_threads *threads;
    struct replay_observer observer;
    pthread_t thread;
    uint64_t done; /* batches */
};

struct replay_threads {
    uint32_t classes;
    size_t step_bytes, capacity; /* of the largest step; steps of a batch */
    struct batch batches[BATCHES];
    struct watcher *watchers; /* [count] those whose thread runs */
    size_t count;

    pthread_mutex_t lock; /* guards what follows and each watcher's `done` */
    pthread_cond_t filled, read;
    uint64_t published; /* batches, the n-th being batches[n % BATCHES] */
    bool ended;         /* no more will come */
    int status;         /* of the first observer that failed, with its message */
    char message[1024];
};

static int watch(struct watcher *watcher, const struct batch *batch)
{
    int status = 0;
    for (size_t i = 0; i < batch->count && status == 0; i++)
        status = watcher->observer.observe(watcher->observer.context, &batch->steps[i]);
    return status;
}

static void *run_watcher(void *argument)
{
    struct watcher *watcher = argument;
    struct replay_threads *threads = watcher->threads;
    pthread_mutex_lock(&threads->lock);
    for (;;) {
        while (watcher->done == threads->published && !threads->ended && threads->status == 0)
            pthread_cond_wait(&threads->filled, &threads->lock);
        if (watcher->done == threads->published || threads->status != 0)
            break;
        const struct batch *batch = &threads->batches[watcher->done % BATCHES];
        pthread_mutex_unlock(&threads->lock);
        int status = watch(watcher, batch);
        pthread_mutex_lock(&threads->lock);
        watcher->done++;
        if (status != 0 && threads->status == 0) {
            threads->status = status;
            strncpy(threads->message, tidy_error_message(), sizeof threads->message - 1);
            pthread_cond_broadcast(&threads->filled);
        }
        pthread_cond_signal(&threads->read);
    }
    pthread_mutex_unlock(&threads->lock);
    return NULL;
}

/* Batches that every observer has read. */
static uint64_t least_done(const struct replay_threads *threads)
{
    uint64_t least = threads->published;
    for (size_t i = 0; i < threads->count; i++)
        least = threads->watchers[i].done < least ? threads->watchers[i].done : least;
    return least;
}

int replay_threads_begin(struct replay_threads **out, const struct tidylog_run *run,
                         const struct replay_observer *observers, size_t count)
{
    static const char what[] = "a replay";
    struct replay_threads *threads;
    int status = memory_allocate(&threads, 1, sizeof *threads, what);
    if (status != 0)
        return status;
    size_t most = run->samples < run->batch_size ? run->samples : run->batch_size;
    size_t item_bytes = sizeof(uint32_t) + 2 * sizeof(uint16_t) + 3 * sizeof(float);
    if (run->detail >= TIDYLOG_PROBS)
        item_bytes += run->classes * sizeof(float);
    threads->classes = run->classes;
    threads->step_bytes = most * item_bytes;
    threads->capacity = BATCH_BYTES / threads->step_bytes;
    threads->capacity = threads->capacity < 1 ? 1 : threads->capacity > MOST_STEPS ? MOST_STEPS : threads->capacity;
    pthread_mutex_init(&threads->lock, NULL);
    pthread_cond_init(&threads->filled, NULL);
    pthread_cond_init(&threads->read, NULL);
    for (size_t i = 0; i < BATCHES && status == 0; i++)
        status = memory_allocate(&threads->batches[i].bytes, threads->capacity, threads->step_bytes, what);
    if (status == 0)
        status = memory_allocate(&threads->watchers, count, sizeof *threads->watchers, what);

    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    for (size_t i = 0; i < count && status == 0; i++) {
        threads->watchers[i] = (struct watcher){.threads = threads, .observer = observers[i]};
        int cause = pthread_create(&threads->watchers[i].thread, &attributes, run_watcher, &threads->watchers[i]);
        if (cause != 0)
            status = tidy_fail("a thread cannot be started: %s", strerror(cause));
        else
            threads->count++;
    }
    pthread_attr_destroy(&attributes);
    if (status != 0)
        return replay_threads_end(threads, status);
    *out = threads;
    return 0;
}

/* Copies `bytes` bytes to *to, which moves on. Returns the copy, or NULL of NULL. */
static void *copy(uint8_t **to, const void *from, size_t bytes)
{
    if (from == NULL)
        return NULL;
    void *copied = memcpy(*to, from, bytes);
    *to += bytes;
    return copied;
}

/* Publishes the batch that was filled, and waits until the next one is free. */
static int publish(struct replay_threads *threads)
{
    pthread_mutex_lock(&threads->lock);
    threads->published++;
    pthread_cond_broadcast(&threads->filled);
    while (threads->published - least_done(threads) == BATCHES && threads->status == 0)
        pthread_cond_wait(&threads->read, &threads->lock);
    int status = threads->status;
    pthread_mutex_unlock(&threads->lock);
    if (status == 0) /* else it may be read still */
        threads->batches[threads->published % BATCHES].count = 0;
    return status;
}

int replay_threads_add(struct replay_threads *threads, const struct tidylog_observations *step)
{
    struct batch *batch = &threads->batches[threads->published % BATCHES];
    uint8_t *to = batch->bytes + batch->count * threads->step_bytes;
    struct tidylog_observations *copied = &batch->steps[batch->count++];
    size_t count = step->count, floats = count * sizeof(float);
    *copied = *step;
    /* In the order of their alignment. */
    copied->samples = copy(&to, step->samples, count * sizeof *step->samples);
    copied->margin = copy(&to, step->margin, floats);
    copied->loss = copy(&to, step->loss, floats);
    copied->confidence = copy(&to, step->confidence, floats);
    copied->log_probs = copy(&to, step->log_probs, floats * threads->classes);
    copied->labels = copy(&to, step->labels, count * sizeof *step->labels);
    copied->predicted = copy(&to, step->predicted, count * sizeof *step->predicted);
    return batch->count == threads->capacity ? publish(threads) : 0;
}

int replay_threads_end(struct replay_threads *threads, int status)
{
    if (status == 0 && threads->batches[threads->published % BATCHES].count > 0)
        publish(threads); /* what it returns is kept */
    pthread_mutex_lock(&threads->lock);
    threads->ended = true;
    pthread_cond_broadcast(&threads->filled);
    pthread_mutex_unlock(&threads->lock);
    for (size_t i = 0; i < threads->count; i++)
        pthread_join(threads->watchers[i].thread, NULL);

    if (threads->status == TIDY_USAGE)
        status = tidy_fail_usage("%s", threads->message);
    else if (threads->status != 0)
        status = tidy_fail("%s", threads->message);
    pthread_cond_destroy(&threads->read);
    pthread_cond_destroy(&threads->filled);
    pthread_mutex_destroy(&threads->lock);
    free(threads->watchers);
    for (size_t i = 0; i < BATCHES; i++)
        free(threads->batches[i].bytes);
    free(threads);
    return status;
}
