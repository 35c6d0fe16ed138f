/* Rank correlation against numbers worked out by hand, and the overlap of sets. */
#include "tests/support/support.h"

#include <math.h>

#include "analyze/agreement.h"

static double rho_of(const float *a, const float *b, size_t samples, size_t compared)
{
    struct rank_correlation correlation;
    assert_int_equal(rank_correlation_of(&correlation, a, b, samples), 0);
    assert_int_equal(correlation.samples, compared);
    return correlation.rho;
}

static void test_spearman_without_ties_is_its_textbook_formula(void **state)
{
    (void)state;
    /* rho = 1 - 6 sum d^2 / (n (n^2 - 1)). Ranks of b are 2 1 4 3 5, of a 1 2 3 4 5: d^2 = 1 1 1 1 0, rho = 1 - 24
     * / 120. */
    const float a[] = {-8, 0, 0.5f, 3, 100}, b[] = {7, 6, 9, 8, 1e30f};
    assert_near(rho_of(a, b, 5, 5), 0.8, 1e-12);
    assert_near(rho_of(a, a, 5, 5), 1, 1e-12);
    const float reversed[] = {5, 4, 3, 2, -1};
    assert_near(rho_of(a, reversed, 5, 5), -1, 1e-12);
}

static void test_equal_keys_share_the_mean_of_their_ranks(void **state)
{
    (void)state;
    /* Ranks of a: 1, 2.5, 2.5, 4; of b: 2, 1, 3.5, 3.5. About their mean, 2.5: a -1.5 0 0 1.5, b -.5 -1.5 1 1.
     * Products .75 + 1.5 = 2.25; squares a 4.5, b .25 + 2.25 + 2 = 4.5. rho = 2.25 / 4.5. */
    const float a[] = {1, 2, 2, 3}, b[] = {5, 4, 6, 6};
    assert_near(rho_of(a, b, 4, 4), 0.5, 1e-12);
    /* Three equal ones: a 2 2 2 4 about 2.5: -.5 -.5 -.5 1.5; b 1 2 3 4: -1.5 -.5 .5 1.5.
     * Products .75 + .25 - .25 + 2.25 = 3; squares 3 and 5. */
    const float three[] = {0, -0.0f, 0, 1}, line[] = {1, 2, 3, 4};
    assert_near(rho_of(three, line, 4, 4), 3 / sqrt(15), 1e-12);
}

static void test_samples_without_a_key_on_one_side_are_left_out(void **state)
{
    (void)state;
    /* What remains is the first test's, and infinite keys are keys. */
    const float a[] = {-INFINITY, NAN, 0, 0.5f, 3, NAN, INFINITY}, b[] = {7, 3, 6, 9, 8, NAN, 10};
    assert_near(rho_of(a, b, 7, 5), 0.8, 1e-12);
    const float none[] = {NAN, 1, NAN, NAN, NAN, NAN, NAN};
    assert_true(isnan(rho_of(a, none, 7, 0)));
}

static void test_what_has_no_order_has_no_correlation(void **state)
{
    (void)state;
    const float equal[] = {2, 2, 2}, line[] = {1, 2, 3};
    assert_true(isnan(rho_of(equal, line, 3, 3)));
    assert_true(isnan(rho_of(line, equal, 3, 3)));
    assert_true(isnan(rho_of(line, line, 1, 1)));
}

static void test_the_overlap_of_two_sets(void **state)
{
    (void)state;
    const bool a[] = {true, true, true, false, false, false}, b[] = {false, true, false, true, false, false};
    struct set_overlap overlap = set_overlap_of(a, b, 6);
    assert_int_equal(overlap.a, 3);
    assert_int_equal(overlap.b, 2);
    assert_int_equal(overlap.both, 1);
    assert_near(overlap.jaccard, 1.0 / 4, 0);
    assert_near(overlap.share, 1.0 / 2, 0);
    const bool none[6] = {false};
    overlap = set_overlap_of(a, none, 6);
    assert_near(overlap.jaccard, 0, 0);
    assert_true(isnan(overlap.share));
    assert_true(isnan(set_overlap_of(none, none, 6).jaccard));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spearman_without_ties_is_its_textbook_formula),
        cmocka_unit_test(test_equal_keys_share_the_mean_of_their_ranks),
        cmocka_unit_test(test_samples_without_a_key_on_one_side_are_left_out),
        cmocka_unit_test(test_what_has_no_order_has_no_correlation),
        cmocka_unit_test(test_the_overlap_of_two_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
