/* How much of the top of the keys stays from one call to the next: small cases, counted by hand. */
#include "tests/support/support.h"

#include <math.h>

#include "common/random.h"
#include "common/suspect_overlap.h"

/* The overlap of the top of two lists of keys. */
static double overlap_of(size_t samples, size_t top, const float *before, const float *now)
{
    struct suspect_overlap overlap;
    assert_int_equal(suspect_overlap_create(&overlap, samples, top), 0);
    assert_true(isnan(suspect_overlap_next(&overlap, before)));
    double share = suspect_overlap_next(&overlap, now);
    suspect_overlap_destroy(&overlap);
    return share;
}

static void test_the_share_of_the_top_that_was_in_the_top_before(void **state)
{
    (void)state;
    /* The three largest: {0, 2, 4}, then {1, 2, 4}: two of three stayed. */
    const float before[] = {5, -1, 3, 0, 4}, now[] = {-7, 9, 0.5f, 0.25f, 3};
    assert_near(overlap_of(5, 3, before, now), 2.0 / 3, 0);
    /* {0}, then {1}: none did. {0, 4}, then {1, 4}: one of two. */
    assert_near(overlap_of(5, 1, before, now), 0, 0);
    assert_near(overlap_of(5, 2, before, now), 0.5, 0);
    assert_near(overlap_of(5, 3, now, now), 1, 0);
}

static void test_each_call_is_compared_with_the_one_before_it(void **state)
{
    (void)state;
    const float first[] = {1, 0, 0, 0}, second[] = {0, 1, 0, 0};
    struct suspect_overlap overlap;
    assert_int_equal(suspect_overlap_create(&overlap, 4, 1), 0);
    assert_true(isnan(suspect_overlap_next(&overlap, first)));
    assert_near(suspect_overlap_next(&overlap, second), 0, 0);
    assert_near(suspect_overlap_next(&overlap, second), 1, 0);
    assert_near(suspect_overlap_next(&overlap, first), 0, 0);
    suspect_overlap_destroy(&overlap);
}

static void test_ties_go_to_the_smaller_index(void **state)
{
    (void)state;
    /* All equal: the top two are {0, 1}. Then {2, 3}, and with a tie for the second place {3, 0}. */
    const float equal[] = {2, 2, 2, 2}, last[] = {1, 1, 2, 2}, tie[] = {1, 1, 1, 2};
    assert_near(overlap_of(4, 2, equal, equal), 1, 0);
    assert_near(overlap_of(4, 2, equal, last), 0, 0);
    assert_near(overlap_of(4, 2, equal, tie), 0.5, 0);
    /* -0 and 0 are equal: {0, 1} in both. */
    const float zeros[] = {-0.0f, 0.0f, -0.0f, 0.0f};
    assert_near(overlap_of(4, 2, equal, zeros), 1, 0);
}

static void test_what_is_not_a_number_comes_last(void **state)
{
    (void)state;
    /* The top two are {1, 2}, for -infinity is a number; of the third list {2, 0}, 0 being the first without
     * one. */
    const float some[] = {NAN, -INFINITY, INFINITY, NAN}, middle[] = {0, 1, 1, 0};
    const float one[] = {NAN, NAN, -3, NAN}, even[] = {1, 0, 1, 0};
    assert_near(overlap_of(4, 2, middle, some), 1, 0);
    assert_near(overlap_of(4, 2, even, one), 1, 0);
    /* The sign of a NaN is no matter. */
    const float negative[] = {-NAN, NAN, -3, -NAN};
    assert_near(overlap_of(4, 2, even, negative), 1, 0);
}

static void test_a_top_of_all_samples_never_changes(void **state)
{
    (void)state;
    const float before[] = {1, NAN, 3}, now[] = {-INFINITY, 2, NAN};
    assert_near(overlap_of(3, 3, before, now), 1, 0);
    assert_near(overlap_of(1, 1, before + 1, now), 1, 0);
}

/* For the other test: is `sample` among the `top` first, by counting those before it? */
static bool in_top(const float *keys, size_t samples, size_t top, size_t sample)
{
    size_t earlier = 0;
    for (size_t i = 0; i < samples; i++)
        if (i < sample)
            earlier += keys[i] >= keys[sample];
        else
            earlier += keys[i] > keys[sample];
    return earlier < top;
}

static void test_random_keys_give_what_counting_gives(void **state)
{
    (void)state;
    enum { SAMPLES = 300 };
    float before[SAMPLES], now[SAMPLES];
    struct random_stream random = random_open(3, RANDOM_NOISE, 0);
    for (int round = 0; round < 100; round++) {
        size_t top = 1 + random_below(&random, SAMPLES), shared = 0;
        for (size_t i = 0; i < SAMPLES; i++) {
            before[i] = (float)random_normal(&random);
            /* Near each other, many equal, on both sides of 0. */
            now[i] = nextafterf((float)random_below(&random, 5) - 2, random_below(&random, 2) ? 9 : -9);
        }
        for (size_t i = 0; i < SAMPLES; i++)
            shared += in_top(before, SAMPLES, top, i) && in_top(now, SAMPLES, top, i);
        assert_near(overlap_of(SAMPLES, top, before, now), (double)shared / (double)top, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_share_of_the_top_that_was_in_the_top_before),
        cmocka_unit_test(test_each_call_is_compared_with_the_one_before_it),
        cmocka_unit_test(test_ties_go_to_the_smaller_index),
        cmocka_unit_test(test_what_is_not_a_number_comes_last),
        cmocka_unit_test(test_a_top_of_all_samples_never_changes),
        cmocka_unit_test(test_random_keys_give_what_counting_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
