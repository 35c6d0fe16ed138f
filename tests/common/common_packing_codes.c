/* The numbers that a step's predictions are packed in, by themselves: half precision, margin codes. */
#include "tests/support/support.h"

#include <math.h>
#include <string.h>

#include "common/half.h"
#include "common/packing.h"

/* ---- half precision ------------------------------------------------------------------------------------- */

/* What the bits of a half mean, by the definition of IEEE 754 binary16. */
static double half_value(uint16_t half)
{
    int exponent = half >> 10 & 31, mantissa = half & 1023;
    double value = exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, exponent - 25);
    if (exponent == 31)
        value = mantissa != 0 ? NAN : INFINITY;
    return half & 0x8000 ? -value : value;
}

static void test_every_half_reads_as_ieee_754_says(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 65536; half++) {
        double expected = half_value((uint16_t)half);
        float value = half_to_float((uint16_t)half);
        if (isnan(expected))
            assert_true(isnan(value));
        else
            assert_true((double)value == expected && !signbit(value) == !signbit(expected));
    }
}

static void check_half(float value, uint16_t expected)
{
    assert_int_equal(half_from_float(value), expected);
    assert_int_equal(half_from_float(-value), expected | 0x8000);
}

static void test_floats_round_to_the_nearest_half_ties_to_even(void **state)
{
    (void)state;
    /* Between each two neighbours: their middle, which is exact as a float, and the floats next to it. Rounding is
     * monotonic, so these places decide every float. After the largest half comes infinity, as if 65536. */
    for (uint32_t half = 0; half < 0x7c00; half++) {
        double low = half_value((uint16_t)half), high = half == 0x7bff ? 65536 : half_value((uint16_t)(half + 1));
        float middle = (float)((low + high) / 2);
        uint16_t even = (uint16_t)(half % 2 == 0 ? half : half + 1);
        check_half((float)low, (uint16_t)half);
        check_half(nextafterf(middle, -INFINITY), (uint16_t)half);
        check_half(middle, even);
        check_half(nextafterf(middle, INFINITY), (uint16_t)(half + 1));
    }
    check_half(INFINITY, 0x7c00);
    check_half(1e30f, 0x7c00);
    check_half(1e-45f, 0);
    /* Any NaN, also one whose few bits would all be cut off. */
    static const uint32_t smallest_nan = 0x7f800001;
    float value;
    memcpy(&value, &smallest_nan, sizeof value);
    assert_int_equal(half_from_float(NAN) & 0x7e00, 0x7e00);
    assert_int_equal(half_from_float(value) & 0x7e00, 0x7e00);
}

/* ---- margin codes --------------------------------------------------------------------------------------------- */

/* What logs have that do not say their codes, others, and the coarsest and the finest there are. */
static const struct tidylog_codes old_codes = {20, 0};
static const struct tidylog_codes code_sets[] = {{20, 0}, {6, 8}, {1, 1}, {7, 64}, {20, 2}};
enum { CODE_SETS = 5 };

static void test_margin_codes_are_within_their_bound(void **state)
{
    (void)state;
    for (int n = 0; n < CODE_SETS; n++) {
        /* The contract's bound up to +-572, where the codes end, and a little for float's own rounding. */
        double most = 2 * (exp(0.5 / code_sets[n].margin_scale) - 1), step = 2.0 / code_sets[n].margin_scale;
        for (double margin = -572; margin <= 572; margin += 0.03) {
            float decoded = packing_margin(packing_margin_code((float)margin, code_sets[n]), code_sets[n]);
            assert_true(fabs((double)decoded - margin) <= most * hypot(1, margin / 2) + 1e-6 * fabs(margin));
            assert_true(fabs(margin) < 0.6 * step || ((double)decoded > 0) == (margin > 0));
        }
    }
    /* docs/log-format.md: 0.05 and 2.5% for the codes of old logs. */
    assert_true(2 * (exp(0.5 / 20) - 1) < 0.051);
}

static void test_margin_codes_stand_for_2_sinh_of_parts_of_one(void **state)
{
    (void)state;
    static const struct tidylog_codes eighths = {8, 4};
    /* 2 sinh(1/20) = 0.100042, 2 sinh(1) = 2.350402, 2 sinh(127/20) = 572.4910. */
    assert_near(packing_margin(1, old_codes), 0.100042, 1e-6);
    assert_near(packing_margin(-20, old_codes), -2.350402, 1e-6);
    assert_near(packing_margin(127, old_codes), 572.4910, 1e-3);
    /* 2 sinh(1/8) = 0.250651; 127 * 8 / 20 = 50.8, and 2 sinh(51/8) = 586.9837. */
    assert_near(packing_margin(1, eighths), 0.250651, 1e-6);
    assert_near(packing_margin(8, eighths), 2.350402, 1e-6);
    assert_int_equal(packing_largest_margin_code(eighths), 51);
    assert_near(packing_margin(51, eighths), 586.9837, 1e-3);
    for (int n = 0; n < CODE_SETS; n++) {
        int largest = packing_largest_margin_code(code_sets[n]);
        assert_int_equal(largest, ceil(127 * code_sets[n].margin_scale / 20.0));
        assert_true(packing_margin(0, code_sets[n]) == 0);
        assert_int_equal(packing_margin_code(1e6f, code_sets[n]), largest);
        assert_int_equal(packing_margin_code(INFINITY, code_sets[n]), largest);
        assert_int_equal(packing_margin_code(-INFINITY, code_sets[n]), -largest);
        assert_int_equal(packing_margin_code(NAN, code_sets[n]), -128);
        assert_true(isnan(packing_margin(-128, code_sets[n])));
        for (int code = -largest; code <= largest; code++)
            assert_int_equal(packing_margin_code(packing_margin((int8_t)code, code_sets[n]), code_sets[n]), code);
    }
}

static void test_codes_out_of_their_range_are_not_possible(void **state)
{
    (void)state;
    for (int n = 0; n < CODE_SETS; n++)
        assert_true(packing_codes_possible(code_sets[n]));
    assert_true(packing_codes_possible(packing_codes_default));
    assert_false(packing_codes_possible((struct tidylog_codes){0, 16}));
    assert_false(packing_codes_possible((struct tidylog_codes){21, 16}));
    assert_false(packing_codes_possible((struct tidylog_codes){8, 65}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_half_reads_as_ieee_754_says),
        cmocka_unit_test(test_floats_round_to_the_nearest_half_ties_to_even),
        cmocka_unit_test(test_margin_codes_are_within_their_bound),
        cmocka_unit_test(test_margin_codes_stand_for_2_sinh_of_parts_of_one),
        cmocka_unit_test(test_codes_out_of_their_range_are_not_possible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
