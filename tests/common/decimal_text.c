/* Numbers as text, against the C library's own. */
#include "common/decimal_text.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

/* What is promised, by the C library: of ever more digits, the first that read back; the neighbours of that length
 * around the nine digits of "%.8e", the nearer one first. A double tells 15 digits apart, so "%.9g" of one that was
 * read from up to nine digits has these. */
static void expected_text(char out[40], float value)
{
    float size = fabsf(value);
    char nine[32], text[40];
    snprintf(nine, sizeof nine, "%.8e", (double)size);
    uint64_t digits = (uint64_t)(nine[0] - '0') * 100000000 + strtoull(nine + 2, NULL, 10), scale = 100000000;
    int exponent = atoi(strchr(nine, 'e') + 1);
    for (int count = 1; count <= 9; count++, scale /= 10) {
        uint64_t below = digits / scale, nearer = digits % scale * 2 >= scale && count < 9;
        for (int other = 0; other < 2; other++) {
            snprintf(text, sizeof text, "%" PRIu64 "e%d", below + (other == 0 ? nearer : !nearer),
                     exponent - count + 1);
            if (strtof(text, NULL) == size) {
                snprintf(out, 40, "%.9g", copysign(strtod(text, NULL), (double)value));
                return;
            }
        }
    }
    fail_msg("nine digits do not read back: %s", nine);
}

static void check(float value)
{
    char text[DECIMAL_TEXT_BYTES + 1], expected[40];
    text[decimal_text_of_float(text, value)] = 0;
    expected_text(expected, value);
    assert_string_equal(text, expected);
}

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void test_floats_of_every_size_have_the_fewest_digits(void **state)
{
    (void)state;
    enum { INFINITE = 0x7f800000, STEP = 2503 /* a prime, so that all low bits come */ };
    for (uint32_t bits = 1; bits < INFINITE; bits += STEP)
        check(from_bits(bits % 2 == 0 ? bits : bits | UINT32_C(1) << 31));
}

/* Shares, means of epochs, margins: what scores are made of. */
static void test_scores_have_the_fewest_digits(void **state)
{
    (void)state;
    for (int whole = 1; whole <= 300; whole++)
        for (int of = 1; of <= 200; of++) {
            check((float)whole / (float)of);
            check(-(float)whole / (float)(of * 256));
        }
}

/* Where floats get twice as dense below, where digits carry over, and what lies half-way between two decimals. */
static void test_the_edges_have_the_fewest_digits(void **state)
{
    (void)state;
    for (uint32_t field = 0; field < 255; field++)
        for (int32_t near = -3; near <= 3; near++)
            if (field > 0 || near > 0)
                check(from_bits((field << 23) + (uint32_t)near));
    for (int exponent = -45; exponent <= 38; exponent++) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", exponent);
        float below = strtof(text, NULL), above = below;
        for (int i = 0; i < 20; i++) {
            check(above = nextafterf(above, INFINITY));
            if ((below = nextafterf(below, 0)) > 0)
                check(below);
        }
    }
    for (int halves = 1; halves < 4000; halves++) {
        check(134217.0f + (float)halves / 64);
        check(1e9f + (float)halves * 64);
        check(1220703125.0f * (float)halves); /* a power of five, many times over */
    }
    check(FLT_MAX);
    check(FLT_MIN);
    check(nextafterf(FLT_MIN, 0));
    check(nextafterf(0, 1));
}

static void test_whole_numbers_have_all_their_digits(void **state)
{
    (void)state;
    char text[DECIMAL_TEXT_BYTES + 1], expected[32];
    for (int32_t whole = 0; whole <= 1 << 24; whole += whole < 20000 ? 1 : 997) {
        text[decimal_text_of_float(text, (float)-whole)] = 0;
        snprintf(expected, sizeof expected, "%" PRId32, -whole);
        assert_string_equal(text, expected);
    }
    text[decimal_text_of_float(text, -0.0f)] = 0;
    assert_string_equal(text, "0");
}

static void test_counts_have_all_their_digits(void **state)
{
    (void)state;
    char text[DECIMAL_TEXT_BYTES + 1], expected[32];
    for (int bit = 0; bit < 64; bit++)
        for (uint64_t near = 0; near < 9; near++) {
            uint64_t count = (UINT64_C(1) << bit) + near - 4;
            text[decimal_text_of_count(text, count)] = 0;
            snprintf(expected, sizeof expected, "%" PRIu64, count);
            assert_string_equal(text, expected);
        }
    for (uint64_t power = 1, i = 0; i < 20; i++, power *= 10)
        for (uint64_t below = 0; below < 2; below++) {
            text[decimal_text_of_count(text, power - below)] = 0;
            snprintf(expected, sizeof expected, "%" PRIu64, power - below);
            assert_string_equal(text, expected);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floats_of_every_size_have_the_fewest_digits),
        cmocka_unit_test(test_scores_have_the_fewest_digits),
        cmocka_unit_test(test_the_edges_have_the_fewest_digits),
        cmocka_unit_test(test_whole_numbers_have_all_their_digits),
        cmocka_unit_test(test_counts_have_all_their_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
