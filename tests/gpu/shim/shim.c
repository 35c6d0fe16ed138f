/* The scheduler of a block's threads, and the list of kernels. */
#include "tests/gpu/shim/shim.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gpu/shim/fiber.h"

enum state { ENDED, READY, AT_BARRIER, AT_SHUFFLE, STATES };

struct thread {
    struct fiber *fiber;
    enum state state;
    int site;         /* where it waits */
    uint64_t sent[2]; /* of this shuffle and the one before, which a slower lane may not have read yet */
    unsigned shuffles;
};

struct shim_index threadIdx, blockIdx, blockDim, gridDim;

static const struct shim_kernel *kernels;

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static enum shim_order thread_order;
static uint64_t random_state;

/* Of the kernel that runs. */
static const struct shim_kernel *kernel_now;
static void *const *arguments_now;
static struct thread threads_now[SHIM_MOST_THREADS];
static unsigned sequence[SHIM_MOST_THREADS];

/* All __shared__ arrays, by the linker's names for a section's ends; none where no kernel has any. */
extern unsigned char __start_shim_shared[] __attribute__((weak, visibility("hidden")));
extern unsigned char __stop_shim_shared[] __attribute__((weak, visibility("hidden")));

__attribute__((format(printf, 1, 2))) _Noreturn static void fail(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fprintf(stderr, "gpu shim: kernel %s, block %u of %u: ", kernel_now->name, blockIdx.x, gridDim.x);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    abort();
}

void shim_register(struct shim_kernel *kernel)
{
    if (shim_find(kernel->name) != NULL) {
        fprintf(stderr, "gpu shim: two kernels are called %s\n", kernel->name);
        abort();
    }
    kernel->next = kernels;
    kernels = kernel;
}

const struct shim_kernel *shim_find(const char *name)
{
    const struct shim_kernel *kernel = kernels;
    while (kernel != NULL && strcmp(kernel->name, name) != 0)
        kernel = kernel->next;
    return kernel;
}

const struct shim_kernel *shim_find_function(void (*function)(void))
{
    const struct shim_kernel *kernel = kernels;
    while (kernel != NULL && kernel->function != function)
        kernel = kernel->next;
    return kernel;
}

size_t shim_argument_count(const struct shim_kernel *kernel)
{
    return kernel->argument_count;
}

size_t shim_argument_size(const struct shim_kernel *kernel, size_t argument)
{
    return kernel->argument_sizes[argument];
}

void shim_set_order(enum shim_order order, uint64_t seed)
{
    pthread_mutex_lock(&one_at_a_time);
    thread_order = order;
    random_state = seed;
    pthread_mutex_unlock(&one_at_a_time);
}

/* The body of each fiber: it stays for the next block. */
static void run_threads(void)
{
    for (;;) {
        kernel_now->call(kernel_now->function, arguments_now);
        threads_now[threadIdx.x].state = ENDED;
        fiber_stop();
    }
}

static void wait_as(enum state state, int site)
{
    struct thread *thread = &threads_now[threadIdx.x];
    thread->state = state;
    thread->site = site;
    fiber_stop();
}

void shim_barrier(int site)
{
    wait_as(AT_BARRIER, site);
}

uint64_t shim_shuffle(unsigned mask, uint64_t sent, unsigned from, int site)
{
    unsigned first = threadIdx.x / SHIM_WARP * SHIM_WARP;
    if (mask != 0xffffffff)
        fail("line %d: a shuffle among some lanes only (mask 0x%x)", site, mask);
    if (first + SHIM_WARP > blockDim.x)
        fail("line %d: a shuffle in a warp of %u lanes", site, blockDim.x - first);
    if (from >= SHIM_WARP)
        fail("line %d: a shuffle from lane %u", site, from);
    struct thread *thread = &threads_now[threadIdx.x];
    unsigned turn = thread->shuffles++ % 2;
    thread->sent[turn] = sent;
    wait_as(AT_SHUFFLE, site);
    return threads_now[first + from].sent[turn];
}

/* Makes threads [first, first + count) ready where all of them wait in `state`. */
static bool release(unsigned first, unsigned count, enum state state)
{
    for (unsigned i = first; i < first + count; i++)
        if (threads_now[i].state != state)
            return false;
    for (unsigned i = first; i < first + count; i++) {
        if (threads_now[i].site != threads_now[first].site)
            fail("threads %u and %u wait together, but at lines %d and %d", first, i, threads_now[first].site,
                 threads_now[i].site);
        threads_now[i].state = READY;
    }
    return true;
}

static void choose_sequence(void)
{
    unsigned count = blockDim.x;
    for (unsigned i = 0; i < count; i++)
        sequence[i] = thread_order == SHIM_REVERSE ? count - 1 - i : i;
    for (unsigned i = count; thread_order == SHIM_RANDOM && i > 1; i--) {
        random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        unsigned other = (unsigned)((random_state >> 33) % i), kept = sequence[i - 1];
        sequence[i - 1] = sequence[other];
        sequence[other] = kept;
    }
}

/* Runs all that are ready, each to where it waits next. In reverse order a warp goes on through its shuffles at once,
 * and so runs ahead of the others as far as barriers let it. */
static void run_ready(void)
{
    unsigned count = blockDim.x;
    choose_sequence();
    for (unsigned i = 0; i < count; i++) {
        unsigned thread = sequence[i];
        if (threads_now[thread].state == READY) {
            threadIdx.x = thread;
            fiber_resume(threads_now[thread].fiber);
        }
        bool last_lane = thread_order == SHIM_REVERSE && thread % SHIM_WARP == 0 && thread + SHIM_WARP <= count;
        if (last_lane && release(thread, SHIM_WARP, AT_SHUFFLE))
            i -= SHIM_WARP; /* the same warp again */
    }
}

static void run_block(void)
{
    unsigned count = blockDim.x;
    size_t shared_bytes = (size_t)(__stop_shim_shared - __start_shim_shared);
    if (shared_bytes > 0)
        memset(__start_shim_shared, 0xff, shared_bytes); /* NaN in every type of floating point */
    for (unsigned i = 0; i < count; i++)
        threads_now[i].state = READY;
    for (;;) {
        run_ready();
        unsigned in[STATES] = {0};
        for (unsigned i = 0; i < count; i++)
            in[threads_now[i].state]++;
        if (in[ENDED] == count)
            return;
        bool released = release(0, count, AT_BARRIER);
        for (unsigned first = 0; first + SHIM_WARP <= count; first += SHIM_WARP)
            released = release(first, SHIM_WARP, AT_SHUFFLE) || released;
        if (!released)
            fail("threads have diverged: %u wait at a barrier, %u at a shuffle, %u have ended", in[AT_BARRIER],
                 in[AT_SHUFFLE], in[ENDED]);
    }
}

void shim_run(const struct shim_kernel *kernel, unsigned blocks, unsigned threads, void *const *arguments)
{
    pthread_mutex_lock(&one_at_a_time);
    kernel_now = kernel;
    arguments_now = arguments;
    gridDim = (struct shim_index){blocks, 1, 1};
    blockDim = (struct shim_index){threads, 1, 1};
    blockIdx = (struct shim_index){0, 0, 0};
    if (blocks == 0 || threads == 0 || threads > SHIM_MOST_THREADS)
        fail("cannot be launched with %u blocks of %u threads", blocks, threads);
    for (unsigned i = 0; i < threads; i++)
        if (threads_now[i].fiber == NULL)
            threads_now[i].fiber = fiber_create(run_threads);
    for (; blockIdx.x < blocks; blockIdx.x++)
        run_block();
    pthread_mutex_unlock(&one_at_a_time);
}
