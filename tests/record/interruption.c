/* Promises of interruptions: a signal is noted, and what is computed while it comes is not touched. */
#include "tests/support/support.h"

#include <oneapi/dnnl/dnnl.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "record/interruption.h"

static void test_the_first_signal_is_noted(void **state)
{
    (void)state;
    interruption_watch();
    assert_int_equal(interruption_signal(), 0);
    kill(getpid(), SIGTERM);
    assert_int_equal(interruption_signal(), SIGTERM);
    kill(getpid(), SIGINT);
    assert_int_equal(interruption_signal(), SIGTERM);
    kill(getpid(), SIGINT);
    interruption_watch();
    assert_int_equal(interruption_signal(), 0);
}

static void test_threads_made_later_run_no_handler(void **state)
{
    (void)state;
    interruption_watch();
    atomic_int blocked = 0;
#pragma omp parallel num_threads(3)
    {
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
        blocked += sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1;
    }
    assert_int_equal(blocked, 3);
}

static void *signal_often(void *stop)
{
    const struct timespec pause = {.tv_nsec = 100000};
    while (!atomic_load((atomic_bool *)stop)) {
        kill(getpid(), SIGINT);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

/* oneDNN 2.6 points the stack pointer at its buffers in kernels for one thread: a handler's frame below it would
 * overwrite the heap. Runs in a child, because that shows as an abort in malloc or as a fault. */
static void multiply_under_signals(void)
{
    enum { SMALL = 128, MIDDLE = 512, LARGE = 2048, RUNS = 40 };
    static const int sizes[][3] = {
        {SMALL, LARGE, MIDDLE}, {MIDDLE, LARGE, SMALL}, {SMALL, MIDDLE, LARGE}, {LARGE, MIDDLE, SMALL}};
    atomic_bool stop = false;
    pthread_t sender;
    interruption_watch();
    omp_set_num_threads(1);
    if (pthread_create(&sender, NULL, signal_often, &stop) != 0)
        _exit(2);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int rows = sizes[i][0], columns = sizes[i][1], depth = sizes[i][2];
        float *a = calloc((size_t)(rows * depth), sizeof *a), *b = calloc((size_t)(depth * columns), sizeof *b);
        float *c = calloc((size_t)(rows * columns), sizeof *c);
        for (int run = 0; run < RUNS; run++) {
            dnnl_sgemm('T', 'N', rows, columns, depth, 1, a, rows, b, columns, 0, c, columns);
            dnnl_sgemm('N', 'N', rows, columns, depth, 1, a, depth, b, columns, 0, c, columns);
        }
        free(c);
        free(b);
        free(a);
    }
    atomic_store(&stop, true);
    pthread_join(sender, NULL);
    _exit(interruption_signal() == SIGINT ? 0 : 1);
}

static void test_matrix_products_survive_signals(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0)
        multiply_under_signals();
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_signal_is_noted),
        cmocka_unit_test(test_threads_made_later_run_no_handler),
        cmocka_unit_test(test_matrix_products_survive_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
