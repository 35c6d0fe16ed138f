/* Promises of bf16: values by hand from the format, 1 sign, 8 exponent and 7 mantissa bits. */
#include "tests/support/support.h"

#include <float.h>
#include <math.h>

#include "kernels/bf16.h"

static void test_floats_round_to_the_nearest_and_ties_to_even(void **state)
{
    (void)state;
    const struct {
        float value;
        uint16_t bits;
    } cases[] = {
        {0.0f, 0x0000},
        {-0.0f, 0x8000},
        {1.0f, 0x3f80},
        {-2.0f, 0xc000},
        {3.140625f, 0x4049}, /* 1.1001001b x 2: exact */
        {0x1.01p0f, 0x3f80}, /* half a step above 1: to the even one below */
        {0x1.03p0f, 0x3f82}, /* half a step above 1 + 1/128: to the even one above */
        {0x1.010002p0f, 0x3f81},
        {0x1.00fffep0f, 0x3f80},
        {0x1.ffp0f, 0x4000}, /* a carry into the exponent */
        {FLT_MAX, 0x7f80},   /* nearer to 2^128 than to the largest bf16 */
        {0x1.fep127f, 0x7f7f},
        {-INFINITY, 0xff80},
        {0x1p-133f, 0x0001}, /* the smallest subnormal */
        {0x1p-134f, 0x0000}, /* half of it: to 0, which is even */
        {0x1.8p-133f, 0x0002},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(bf16_from_float(cases[i].value).bits, cases[i].bits);
}

static void test_every_number_survives_a_way_there_and_back(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits <= UINT16_MAX; bits++) {
        struct bf16 value = {(uint16_t)bits};
        float wide = bf16_to_float(value);
        if (isnan(wide))
            assert_true(isnan(bf16_to_float(bf16_from_float(wide))));
        else
            assert_int_equal(bf16_from_float(wide).bits, bits);
    }
    assert_near(bf16_to_float((struct bf16){0x4049}), 3.140625, 0);
}

static void test_a_nan_whose_payload_is_cut_off_stays_nan(void **state)
{
    (void)state;
    const uint32_t nans[] = {0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x7fc00000};
    for (size_t i = 0; i < sizeof nans / sizeof *nans; i++) {
        float value;
        memcpy(&value, &nans[i], sizeof value);
        assert_true(isnan(bf16_to_float(bf16_from_float(value))));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floats_round_to_the_nearest_and_ties_to_even),
        cmocka_unit_test(test_every_number_survives_a_way_there_and_back),
        cmocka_unit_test(test_a_nan_whose_payload_is_cut_off_stays_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
