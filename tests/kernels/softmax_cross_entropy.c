/* Promises of softmax_cross_entropy, against the formulas in long double. */
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>

#include "common/random.h"
#include "kernels/kernels.h"

struct outcome {
    uint16_t predicted;
    float margin, log_odds, loss;
};

static struct outcome run_one(const float *logits, uint16_t label, uint32_t classes, float *gradient)
{
    struct outcome o;
    softmax_cross_entropy(TENSOR_F32, gradient, &o.predicted, &o.margin, &o.log_odds, &o.loss, logits, &label, 1,
                          classes);
    return o;
}

static void test_equals_the_formulas_in_long_double(void **state)
{
    (void)state;
    const uint32_t class_counts[] = {2, 3, 10, 26, 1000};
    struct random_stream random = random_open(1, RANDOM_ORDER, 0);
    for (size_t k = 0; k < sizeof class_counts / sizeof *class_counts; k++) {
        uint32_t classes = class_counts[k];
        float logits[1000], gradient[1000];
        for (int repeat = 0; repeat < 200; repeat++) {
            uint16_t label = (uint16_t)random_below(&random, classes);
            uint32_t best = 0;
            long double sum = 0, others = 0, best_other = -INFINITY;
            for (uint32_t c = 0; c < classes; c++) {
                logits[c] = (float)(8 * random_normal(&random));
                if (logits[c] > logits[best])
                    best = c;
                sum += expl((long double)logits[c]);
                if (c != label) {
                    others += expl((long double)logits[c]);
                    best_other = fmaxl(best_other, (long double)logits[c]);
                }
            }
            long double of_label = (long double)logits[label];
            struct outcome o = run_one(logits, label, classes, gradient);
            assert_int_equal(o.predicted, best);
            assert_near(o.margin, (float)(of_label - best_other), 1e-5);
            assert_near(o.log_odds, (float)(of_label - logl(others)), 2e-5);
            float loss = (float)(logl(sum) - of_label);
            assert_near(o.loss, loss, 1e-6f + 1e-6f * loss);
            for (uint32_t c = 0; c < classes; c++)
                assert_near(gradient[c], (float)(expl((long double)logits[c]) / sum) - (c == label ? 1 : 0), 1e-6);
        }
    }
}

static void test_ties_go_to_the_smallest_class(void **state)
{
    (void)state;
    const float logits[4] = {1, 3, 3, 2};
    struct outcome o = run_one(logits, 2, 4, NULL);
    assert_int_equal(o.predicted, 1);
    assert_near(o.margin, 0, 0);
}

static void test_log_odds_stay_exact_where_the_probability_rounds_to_one(void **state)
{
    (void)state;
    const float logits[2] = {40, 0};
    struct outcome o = run_one(logits, 0, 2, NULL);
    assert_near(o.log_odds, 40, 1e-5);
    assert_true(o.loss >= 0 && o.loss < 1e-17f);
}

static void test_huge_logits_do_not_overflow(void **state)
{
    (void)state;
    const float logits[3] = {1e30f, -1e30f, 0};
    struct outcome o = run_one(logits, 1, 3, NULL);
    assert_int_equal(o.predicted, 0);
    assert_near(o.margin, -2e30f, 1e24);
    assert_near(o.loss, 2e30f, 1e24);
}

static void test_nan_logits_give_the_best_of_the_rest_and_nan(void **state)
{
    (void)state;
    const float logits[4] = {NAN, 1, NAN, 2};
    struct outcome o = run_one(logits, 1, 4, NULL);
    assert_int_equal(o.predicted, 3);
    assert_true(isnan(o.margin) && isnan(o.log_odds) && isnan(o.loss));
    const float none[2] = {NAN, NAN};
    o = run_one(none, 1, 2, NULL);
    assert_int_equal(o.predicted, 0);
    assert_true(isnan(o.margin) && isnan(o.log_odds) && isnan(o.loss));
}

static void test_infinite_logits_give_a_class_and_nan(void **state)
{
    (void)state;
    const float logits[3] = {0, INFINITY, 1};
    struct outcome o = run_one(logits, 0, 3, NULL);
    assert_int_equal(o.predicted, 1);
    assert_true(isnan(o.margin) && isnan(o.log_odds) && isnan(o.loss));
    const float lowest[2] = {-INFINITY, -INFINITY};
    assert_int_equal(run_one(lowest, 1, 2, NULL).predicted, 0);
}

static void test_one_class_is_certain(void **state)
{
    (void)state;
    const float logits[1] = {3};
    float gradient;
    struct outcome o = run_one(logits, 0, 1, &gradient);
    assert_int_equal(o.predicted, 0);
    assert_true(isinf(o.margin) && o.margin > 0);
    assert_true(isinf(o.log_odds) && o.log_odds > 0);
    assert_near(o.loss, 0, 0);
    assert_near(gradient, 0, 0);
}

static void test_gradient_is_averaged_over_the_batch(void **state)
{
    (void)state;
    const float logits[4][2] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}};
    const uint16_t labels[4] = {0, 1, 0, 1};
    uint16_t predicted[4];
    float gradient[4][2], margin[4], log_odds[4], loss[4];
    softmax_cross_entropy(TENSOR_F32, gradient[0], predicted, margin, log_odds, loss, logits[0], labels, 4, 2);
    for (int i = 0; i < 4; i++)
        for (int c = 0; c < 2; c++)
            assert_near(gradient[i][c], (c == labels[i] ? -0.5f : 0.5f) / 4, 1e-7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_the_formulas_in_long_double),
        cmocka_unit_test(test_ties_go_to_the_smallest_class),
        cmocka_unit_test(test_log_odds_stay_exact_where_the_probability_rounds_to_one),
        cmocka_unit_test(test_huge_logits_do_not_overflow),
        cmocka_unit_test(test_nan_logits_give_the_best_of_the_rest_and_nan),
        cmocka_unit_test(test_infinite_logits_give_a_class_and_nan),
        cmocka_unit_test(test_one_class_is_certain),
        cmocka_unit_test(test_gradient_is_averaged_over_the_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
