/* Exponentials and logarithms of lanes are the C library's, but for the last places. */
#include <math.h>
#include <string.h>

#include "analyze/lanes.h"
#include "tests/support/support.h"

/* Distance of a float from the exact value, in units of its last place. */
static double places_off(float got, double expected)
{
    float near = (float)expected;
    double unit = (double)(nextafterf(fabsf(near), INFINITY) - fabsf(near));
    return fabs((double)got - expected) / unit;
}

static void test_exponentials_are_within_two_places(void **state)
{
    (void)state;
    double worst = 0;
    for (int32_t i = 0; i < 2000000; i += LANES) {
        float x[LANES];
        lanes value;
        for (int k = 0; k < LANES; k++)
            x[k] = -87 + (float)(i + k) * (175.0F / 2000000);
        memcpy(&value, x, sizeof value);
        lanes_exp(&value);
        for (int k = 0; k < LANES; k++)
            worst = fmax(worst, places_off(value[k], exp((double)x[k])));
    }
    if (worst > 2)
        fail_msg("%g places", worst);
}

static void test_the_exponential_of_little_is_0_and_of_0_is_1(void **state)
{
    (void)state;
    lanes value = {0, -0.0F, -87.5F, -200, -INFINITY, -1e30F};
    lanes_exp(&value);
    assert_true(value[0] == 1 && value[1] == 1);
    for (int k = 2; k < 6; k++)
        assert_true(value[k] == 0);
}

static void test_logarithms_are_within_two_places(void **state)
{
    (void)state;
    double worst = 0;
    /* From the smallest normal number to the largest, and densely around 1. */
    for (uint32_t i = 0; i < 4000000; i += LANES) {
        uint32_t bits[LANES];
        float x[LANES];
        lanes value;
        for (uint32_t k = 0; k < LANES; k++)
            bits[k] = i / LANES % 2 == 0 ? 0x00800000U + (i + k) * 530 : 0x3f000000U + (i + k) * 4;
        memcpy(x, bits, sizeof x);
        memcpy(&value, x, sizeof value);
        lanes_log(&value);
        for (int k = 0; k < LANES; k++)
            worst = fmax(worst, places_off(value[k], log((double)x[k])));
    }
    if (worst > 2)
        fail_msg("%g places", worst);
}

static void test_logarithms_of_doubles(void **state)
{
    (void)state;
    double worst = 0;
    for (double x = 1e-30; x < 1e30; x *= 1.0001) {
        lanes_double value = (lanes_double){0} + x;
        lanes_log_double(&value);
        worst = fmax(worst, fabs(value[3] - log(x)) / fmax(fabs(log(x)), 1e-3));
    }
    if (worst > 1e-14)
        fail_msg("%g", worst);
}

static void test_choices_and_sums(void **state)
{
    (void)state;
    lanes value = {-1, 2, -INFINITY, 0.25F}, least = {0, 0, -INFINITY, 0.5F};
    lanes_mask a = {7, -1, 0}, b = {7, 1, INT32_MIN}, differ;
    lanes_double sum = {1, 2, 3};
    lanes_at_least(&value, &least);
    assert_true(value[0] == 0 && value[1] == 2 && value[2] == -INFINITY && value[3] == 0.5F);
    lanes_differ(&differ, &a, &b);
    assert_true(differ[0] == 0 && differ[1] == -1 && differ[2] == -1 && differ[3] == 0);
    assert_true(lanes_sum(&sum) == 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exponentials_are_within_two_places),
        cmocka_unit_test(test_the_exponential_of_little_is_0_and_of_0_is_1),
        cmocka_unit_test(test_logarithms_are_within_two_places),
        cmocka_unit_test(test_logarithms_of_doubles),
        cmocka_unit_test(test_choices_and_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
