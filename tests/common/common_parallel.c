/* Shares are taken once each, by threads that have numbers of their own; whoever takes them, sums are the same. */
#include <stdatomic.h>
#include <string.h>

#include "common/parallel.h"
#include "tests/support/support.h"

enum { SHARES = 1000, MOST = 7 };

struct work {
    atomic_int taken[SHARES], busy[MOST];
    atomic_int wrong;
    unsigned threads;
    double sums[SHARES];
};

static void take(void *context, size_t share, unsigned thread)
{
    struct work *work = context;
    if (share >= SHARES || thread >= work->threads || atomic_fetch_add(&work->busy[thread], 1) != 0) {
        atomic_fetch_add(&work->wrong, 1);
        return;
    }
    atomic_fetch_add(&work->taken[share], 1);
    work->sums[share] += 1.0 / (double)(share + 1);
    atomic_fetch_sub(&work->busy[thread], 1);
}

static void test_every_share_is_taken_once_in_every_round(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= MOST; threads++) {
        static struct work work;
        struct parallel *parallel;
        memset(&work, 0, sizeof work);
        parallel_set_available(threads);
        assert_int_equal(parallel_available(), threads);
        assert_int_equal(parallel_create(&parallel, threads == 5 ? 2 : SHARES), 0);
        work.threads = parallel_threads(parallel);
        assert_int_equal(work.threads, threads == 5 ? 2 : threads);
        for (int round = 1; round <= 50; round++) {
            size_t shares = round == 7 ? 1 : round == 8 ? 0 : SHARES;
            parallel_run(parallel, shares, take, &work);
            for (size_t i = 0; i < SHARES && round < 7; i++)
                assert_int_equal(work.taken[i], round);
        }
        assert_int_equal(work.taken[0], 49);
        assert_int_equal(work.taken[SHARES - 1], 48);
        assert_int_equal(work.wrong, 0);
        parallel_destroy(parallel);
    }
    parallel_set_available(0);
    assert_true(parallel_available() >= 1);
    parallel_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_share_is_taken_once_in_every_round)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
