/* A pool of threads that sleep between the calls of parallel_run. */
#include "common/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/memory.h"

enum { STACK_BYTES = 1 << 18, MOST_THREADS = 256 };

static unsigned wanted; /* 0: as many as there are processors */

struct helper {
    struct parallel *parallel;
    pthread_t thread;
    unsigned number; /* from 1 on */
};

struct parallel {
    struct helper *helpers; /* [count] */
    unsigned count;

    void (*run)(void *context, size_t share, unsigned thread);
    void *context;
    size_t shares;
    _Atomic size_t next; /* the first share that nobody has taken */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t given, done;
    uint64_t round;   /* calls of parallel_run */
    unsigned working; /* helpers that have not ended this round */
    bool ended;
};

unsigned parallel_available(void)
{
    cpu_set_t usable;
    if (wanted > 0)
        return wanted;
    long count =
        sched_getaffinity(0, sizeof usable, &usable) == 0 ? CPU_COUNT(&usable) : sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > MOST_THREADS ? MOST_THREADS : (unsigned)count;
}

void parallel_set_available(unsigned threads)
{
    wanted = threads < MOST_THREADS ? threads : MOST_THREADS;
}

unsigned parallel_threads(const struct parallel *parallel)
{
    return parallel->count + 1;
}

static void take_shares(struct parallel *parallel, unsigned thread)
{
    for (size_t share; (share = atomic_fetch_add(&parallel->next, 1)) < parallel->shares;)
        parallel->run(parallel->context, share, thread);
}

static void *help(void *argument)
{
    struct helper *helper = argument;
    struct parallel *parallel = helper->parallel;
    pthread_mutex_lock(&parallel->lock);
    for (uint64_t seen = 0;; seen++) {
        while (parallel->round == seen && !parallel->ended)
            pthread_cond_wait(&parallel->given, &parallel->lock);
        if (parallel->round == seen)
            break;
        pthread_mutex_unlock(&parallel->lock);
        take_shares(parallel, helper->number);
        pthread_mutex_lock(&parallel->lock);
        if (--parallel->working == 0)
            pthread_cond_signal(&parallel->done);
    }
    pthread_mutex_unlock(&parallel->lock);
    return NULL;
}

int parallel_create(struct parallel **out, size_t most)
{
    static const char what[] = "threads";
    struct parallel *parallel;
    size_t threads = parallel_available() < most ? parallel_available() : most;
    unsigned helpers = threads > 1 ? (unsigned)threads - 1 : 0;
    *out = NULL;
    int status = memory_allocate(&parallel, 1, sizeof *parallel, what);
    if (status == 0) {
        status = memory_allocate(&parallel->helpers, helpers, sizeof *parallel->helpers, what);
        if (status != 0)
            free(parallel);
    }
    if (status != 0)
        return status;
    pthread_mutex_init(&parallel->lock, NULL);
    pthread_cond_init(&parallel->given, NULL);
    pthread_cond_init(&parallel->done, NULL);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    for (unsigned i = 0; i < helpers; i++) {
        struct helper *helper = &parallel->helpers[i];
        *helper = (struct helper){.parallel = parallel, .number = i + 1};
        if (pthread_create(&helper->thread, &attributes, help, helper) != 0)
            break;
        parallel->count++;
    }
    pthread_attr_destroy(&attributes);
    *out = parallel;
    return 0;
}

void parallel_destroy(struct parallel *parallel)
{
    if (parallel == NULL)
        return;
    pthread_mutex_lock(&parallel->lock);
    parallel->ended = true;
    pthread_cond_broadcast(&parallel->given);
    pthread_mutex_unlock(&parallel->lock);
    for (unsigned i = 0; i < parallel->count; i++)
        pthread_join(parallel->helpers[i].thread, NULL);
    pthread_cond_destroy(&parallel->done);
    pthread_cond_destroy(&parallel->given);
    pthread_mutex_destroy(&parallel->lock);
    free(parallel->helpers);
    free(parallel);
}

void parallel_run(struct parallel *parallel, size_t shares,
                  void (*run)(void *context, size_t share, unsigned thread), void *context)
{
    parallel->run = run;
    parallel->context = context;
    parallel->shares = shares;
    atomic_store(&parallel->next, 0);
    if (parallel->count > 0 && shares > 1) {
        pthread_mutex_lock(&parallel->lock);
        parallel->round++;
        parallel->working = parallel->count;
        pthread_cond_broadcast(&parallel->given);
        pthread_mutex_unlock(&parallel->lock);
    }
    take_shares(parallel, 0);
    if (parallel->count > 0 && shares > 1) {
        pthread_mutex_lock(&parallel->lock);
        while (parallel->working > 0)
            pthread_cond_wait(&parallel->done, &parallel->lock);
        pthread_mutex_unlock(&parallel->lock);
    }
}
