/* Fitting to very many values: what stands for them gives what all of them give. */
#include <math.h>
#include <stdlib.h>

#include "analyze/beta_mixture.h"
#include "analyze/two_groups.h"
#include "analyze/weighted_values.h"
#include "common/random.h"
#include "tests/support/support.h"

enum { MANY = 200000 };

static double values[MANY];

/* Two overlapping humps, one of a fifth of all, and both ends of the range. */
static void draw(void)
{
    struct random_stream random = random_open(5, RANDOM_NOISE, 0);
    for (size_t i = 0; i < MANY; i++) {
        double sum = 0;
        for (int j = 0; j < 4; j++)
            sum += random_uniform(&random) / 4;
        values[i] = i % 5 == 0 ? 0.4 + 0.6 * sum : 0.6 * sum;
    }
    values[0] = 0;
    values[1] = 1;
}

static void test_few_values_stay_as_they_are(void **state)
{
    (void)state;
    struct weighted_values all;
    draw();
    assert_int_equal(weighted_values_create(&all, values, WEIGHTED_VALUES_FROM), 0);
    assert_ptr_equal(all.values, values);
    assert_int_equal(all.count, WEIGHTED_VALUES_FROM);
    assert_true(weight_of(&all, 7) == 1);
    assert_true(weighted_values_up_to(&all, 7, values[7]) == 1);
    assert_true(weighted_values_up_to(&all, 7, nextafter(values[7], 0)) == 0);
    weighted_values_destroy(&all);
}

static void test_many_values_are_gathered_by_steps(void **state)
{
    (void)state;
    struct weighted_values gathered;
    double sum = 0, gathered_sum = 0, weight = 0, below = 0, gathered_below = 0;
    const int borders = 100;
    draw();
    for (size_t i = 0; i < MANY; i++) {
        sum += values[i];
        for (int border = 1; border < borders; border++)
            below += values[i] <= (double)border / borders;
    }
    assert_int_equal(weighted_values_create(&gathered, values, MANY), 0);
    assert_in_range(gathered.count, WEIGHTED_VALUES_STEPS / 2, WEIGHTED_VALUES_STEPS);
    for (size_t i = 0; i < gathered.count; i++) {
        const double width = 1.0 / WEIGHTED_VALUES_STEPS, slack = 1e-12;
        assert_true(gathered.most[i] - gathered.least[i] <= width);
        assert_true(gathered.values[i] >= gathered.least[i] - slack &&
                    gathered.values[i] <= gathered.most[i] + slack);
        assert_true(i == 0 || gathered.least[i] > gathered.most[i - 1]);
        weight += gathered.weights[i];
        gathered_sum += gathered.weights[i] * gathered.values[i];
        for (int border = 1; border < borders; border++)
            gathered_below += weighted_values_up_to(&gathered, i, (double)border / borders);
    }
    assert_true(weight == MANY && gathered.total == MANY);
    assert_true(fabs(gathered_sum - sum) < 1e-6);
    assert_true(fabs(gathered_below - below) < 0.5 * borders); /* a step holds ten, of which all would be wrong */
    weighted_values_destroy(&gathered);
}

/* Whole numbers and the like: a value that many have is on one side of a border. */
static void test_equal_values_are_never_divided(void **state)
{
    (void)state;
    struct weighted_values gathered;
    for (size_t i = 0; i < MANY; i++)
        values[i] = (double)(i % 3) / 2;
    assert_int_equal(weighted_values_create(&gathered, values, MANY), 0);
    assert_int_equal(gathered.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(gathered.values[i] == (double)i / 2);
        assert_true(weighted_values_up_to(&gathered, i, (double)i / 2) == weight_of(&gathered, i));
        assert_true(weighted_values_up_to(&gathered, i, (double)i / 2 - 1e-9) == 0);
    }
    weighted_values_destroy(&gathered);
}

static void check_near(double value, double expected)
{
    if (!(fabs(value - expected) < 2e-5))
        fail_msg("%.9g, not %.9g", value, expected);
}

static void test_mixtures_fit_to_what_was_gathered_as_to_all(void **state)
{
    (void)state;
    struct weighted_values gathered;
    const struct weighted_values all = {.values = values, .count = MANY, .total = MANY};
    draw();
    assert_int_equal(weighted_values_create(&gathered, values, MANY), 0);
    const struct gaussian_pair a = two_groups_fit_gaussians(&gathered), b = two_groups_fit_gaussians(&all);
    weighted_values_destroy(&gathered);
    check_near(a.low.mean, b.low.mean);
    check_near(a.low.variance, b.low.variance);
    check_near(a.high.mean, b.high.mean);
    check_near(a.high.variance, b.high.variance);
    check_near(a.high.weight, b.high.weight);
    size_t others = 0;
    for (size_t i = 0; i < MANY; i++)
        others += two_groups_is_high(&a, values[i]) != two_groups_is_high(&b, values[i]);
    assert_true(others <= MANY / 10000);

    struct beta_mixture c, d;
    beta_mixture_bring_inside(values, MANY);
    assert_int_equal(weighted_values_create(&gathered, values, MANY), 0);
    assert_int_equal(beta_mixture_fit(&c, &gathered), 0);
    assert_int_equal(beta_mixture_fit(&d, &all), 0);
    weighted_values_destroy(&gathered);
    for (int j = 0; j < 2; j++) {
        check_near(c.weight[j], d.weight[j]);
        check_near(c.alpha[j] / (c.alpha[j] + c.beta[j]), d.alpha[j] / (d.alpha[j] + d.beta[j]));
    }
    for (int place = 0; place < BETA_PLACES; place++)
        check_near(c.posterior[place], d.posterior[place]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_values_stay_as_they_are),
        cmocka_unit_test(test_many_values_are_gathered_by_steps),
        cmocka_unit_test(test_equal_values_are_never_divided),
        cmocka_unit_test(test_mixtures_fit_to_what_was_gathered_as_to_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
