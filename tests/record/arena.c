/* Promises of the arena: what lives at the same time never overlaps, what does not shares its place. */
#include "tests/support/support.h"

#include <stdbool.h>

#include "common/random.h"
#include "record/arena.h"

static void test_tensors_that_never_meet_share_their_place(void **state)
{
    (void)state;
    /* A chain: each is needed at its own time and the next one's, so two places of 128 bytes are enough for all. */
    struct arena_request chain[6];
    for (int i = 0; i < 6; i++)
        chain[i] = (struct arena_request){.bytes = 128, .first = i, .last = i + 1};
    assert_int_equal(arena_plan(chain, 6), 256);
}

static void test_tensors_that_live_at_the_same_time_never_overlap(void **state)
{
    (void)state;
    enum { COUNT = 60 };
    struct random_stream random = random_open(1, RANDOM_ORDER, 0);
    for (int repeat = 0; repeat < 50; repeat++) {
        struct arena_request requests[COUNT];
        size_t sum = 0;
        for (int i = 0; i < COUNT; i++) {
            int first = (int)random_below(&random, 40);
            requests[i] = (struct arena_request){.bytes = random_below(&random, 5000),
                                                 .first = first,
                                                 .last = first + (int)random_below(&random, 10)};
            sum += requests[i].bytes + 63;
        }
        size_t total = arena_plan(requests, COUNT);
        assert_true(total <= sum);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(requests[i].offset % 64, 0);
            assert_true(requests[i].offset + requests[i].bytes <= total);
            for (int k = 0; k < i; k++) {
                bool meet = requests[i].first <= requests[k].last && requests[k].first <= requests[i].last;
                bool apart = requests[i].offset + requests[i].bytes <= requests[k].offset ||
                             requests[k].offset + requests[k].bytes <= requests[i].offset;
                assert_true(!meet || apart);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors_that_never_meet_share_their_place),
        cmocka_unit_test(test_tensors_that_live_at_the_same_time_never_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
