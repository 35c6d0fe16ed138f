/* Whole numbers throughout, and so exact: a float is scaled by a power of ten so that nine or ten digits stand
 * before the point; of what lies behind it, the last bit kept says whether anything was cut off below. */
#include "common/decimal_text.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

/* ---- digits ---------------------------------------------------------------------------------------------- */

static const char pairs[201] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                               "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                               "8081828384858687888990919293949596979899";

static int count_digits(uint64_t value)
{
    int count = 1;
    for (; value >= 10000; value /= 10000)
        count += 4;
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* Writes `count` digits, with zeros before them where `value` has fewer. */
static void put_digits(char *out, uint64_t value, int count)
{
    for (; count >= 2; count -= 2) {
        memcpy(out + count - 2, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (count == 1)
        *out = (char)('0' + value % 10);
}

size_t decimal_text_of_count(char *out, uint64_t value)
{
    int count = count_digits(value);
    put_digits(out, value, count);
    return (size_t)count;
}

/* ---- scaling --------------------------------------------------------------------------------------------- */

enum { POWERS = 28 }; /* of five, that fit into 64 bits */

static const uint64_t powers_of_five[POWERS] = {
    1u,
    5u,
    25u,
    125u,
    625u,
    3125u,
    15625u,
    78125u,
    390625u,
    1953125u,
    9765625u,
    48828125u,
    244140625u,
    1220703125u,
    6103515625u,
    30517578125u,
    152587890625u,
    762939453125u,
    3814697265625u,
    19073486328125u,
    95367431640625u,
    476837158203125u,
    2384185791015625u,
    11920928955078125u,
    59604644775390625u,
    298023223876953125u,
    1490116119384765625u,
    7450580596923828125u,
};

/* A number of at most ten digits before the point. */
struct scaled {
    uint64_t whole;
    uint64_t fraction; /* times 2^64; the last bit stands for all below it */
};

/* units / 2^shift, 1 <= shift <= 127 */
static struct scaled split_wide(wide units, int shift)
{
    wide fraction = units << (128 - shift);
    return (struct scaled){(uint64_t)(units >> shift), (uint64_t)(fraction >> 64) | ((uint64_t)fraction != 0)};
}

/* mantissa * 2^exponent * 10^scale, where that is of 9 or 10 digits; mantissa <= 2^26 + 2. */
static struct scaled scale_by_ten(uint32_t mantissa, int exponent, int scale)
{
    enum { NARROW = 16 }; /* up to this power, the product has 64 bits */
    exponent += scale;
    if (scale >= 0 && scale <= NARROW) {
        uint64_t product = mantissa * powers_of_five[scale];
        if (exponent >= 0)
            return (struct scaled){product << exponent, 0};
        return (struct scaled){product >> -exponent, product << (64 + exponent)};
    }
    if (scale < 0) {
        /* Of numbers from 10^9 on, so that exponent >= 0; the quotient has 34 bits and the fraction's. */
        enum { FRACTION_BITS = 20 };
        int high = -scale - (POWERS - 1);
        wide divisor = (wide)powers_of_five[high > 0 ? POWERS - 1 : -scale] * powers_of_five[high > 0 ? high : 0];
        wide number = (wide)mantissa << (exponent + FRACTION_BITS), quotient = number / divisor;
        return split_wide(quotient << 1 | (quotient * divisor != number), FRACTION_BITS + 1);
    }
    wide product = (wide)mantissa * powers_of_five[scale < POWERS ? scale : POWERS - 1];
    if (scale < POWERS)
        return split_wide(product, -exponent);
    /* 150 bits, of which the lowest 32 become one. */
    uint64_t factor = powers_of_five[scale - (POWERS - 1)];
    wide low = (wide)(uint64_t)product * factor, high = (product >> 64) * factor + (low >> 64);
    return split_wide((high << 32 | (uint64_t)low >> 32) << 1 | ((uint32_t)low != 0), -exponent - 31);
}

/* ---- floats ---------------------------------------------------------------------------------------------- */

/* digits * 10^exponent, and the least and the largest digits that read back to the same float. */
struct decimal {
    uint64_t digits, least, most;
    int exponent;
};

/* Nine significant digits, as "%.8e" has them. They always suffice to read a float back. */
static struct decimal nine_digits(uint32_t mantissa, int exponent, bool lower_gap_is_half)
{
    /* In quarters of the last place: a float is read from half of it below to half of it above; where the mantissa
     * is the least, the floats below are twice as dense. Both ends are read as the even mantissa. */
    uint32_t quarters = mantissa * 4;
    bool ends_count = mantissa % 2 == 0;
    /* The binary logarithm times log10(2), rounded down: the decimal point's place, or one too few. */
    int binary = exponent + 31 - __builtin_clz(mantissa);
    int scale = 8 - (binary * 315653 >> 20);
    struct scaled value = scale_by_ten(quarters, exponent - 2, scale);
    struct scaled low = scale_by_ten(quarters - (lower_gap_is_half ? 1 : 2), exponent - 2, scale);
    struct scaled high = scale_by_ten(quarters + 2, exponent - 2, scale);

    struct decimal decimal = {
        .least = low.whole + (low.fraction != 0 || !ends_count),
        .most = high.whole - (high.fraction == 0 && !ends_count),
        .exponent = -scale,
    };
    /* Rounded up where it is half-way. A float of so many digits has binary places, so that the digit before the half
     * is 2 or 7; then eight digits read back, and they are the same either way. */
    if (value.whole >= 1000000000) {
        decimal.digits = (value.whole + 5) / 10;
        decimal.least = (decimal.least + 9) / 10;
        decimal.most /= 10;
        decimal.exponent++;
    } else {
        decimal.digits = value.whole + (value.fraction >> 63);
    }
    return decimal;
}

/* Ever fewer digits, as long as one of the two neighbours of that length reads back to the same. */
static void shorten(struct decimal *decimal)
{
    uint64_t nine = decimal->digits, scale = 10, below = nine / 10;
    int exponent = decimal->exponent;
    for (int dropped = 1; dropped < 9; dropped++, scale *= 10, below /= 10) {
        uint64_t down = below * scale, up = down + scale;
        bool down_reads = down >= decimal->least, up_reads = up <= decimal->most;
        if (!down_reads && !up_reads)
            break;
        bool is_up = up_reads && (!down_reads || (nine - down) * 2 >= scale);
        decimal->digits = below + is_up;
        decimal->exponent = exponent + dropped;
    }
    for (; decimal->digits % 10 == 0; decimal->digits /= 10)
        decimal->exponent++;
}

/* Writes digits * 10^exponent as "%.9g" would. */
static size_t put_decimal(char *out, uint64_t digits, int exponent)
{
    char *start = out;
    int count = count_digits(digits), point = count + exponent; /* digits before the decimal point */
    if (point > 9 || point < -3) {
        char text[DECIMAL_TEXT_BYTES];
        put_digits(text, digits, count);
        *out++ = text[0];
        if (count > 1) {
            *out++ = '.';
            memcpy(out, text + 1, (size_t)count - 1);
            out += count - 1;
        }
        *out++ = 'e';
        *out++ = point > 0 ? '+' : '-';
        put_digits(out, (uint64_t)(point > 0 ? point - 1 : 1 - point), 2);
        return (size_t)(out + 2 - start);
    }
    if (point <= 0) {
        memcpy(out, "0.000", 5);
        put_digits(out + 2 - point, digits, count);
        return (size_t)(2 - point + count);
    }
    if (exponent >= 0) {
        put_digits(out, digits, count);
        memset(out + count, '0', (size_t)exponent);
        return (size_t)(count + exponent);
    }
    /* One place to the right, of which those before the point move back over it. */
    put_digits(out + 1, digits, count);
    memmove(out, out + 1, (size_t)point);
    out[point] = '.';
    return (size_t)count + 1;
}

size_t decimal_text_of_float(char *out, float value)
{
    enum { MANTISSA_BITS = 23, BIAS = 150 };
    const float wholes = 1 << 24; /* below, all whole numbers are floats, so that each needs all its digits */
    float size = fabsf(value);
    size_t sign = value < 0;
    *out = '-';
    if (size < wholes && size == (float)(int32_t)size)
        return sign + decimal_text_of_count(out + sign, (uint64_t)size);

    uint32_t bits;
    memcpy(&bits, &size, sizeof bits);
    uint32_t field = bits >> MANTISSA_BITS, mantissa = bits & ((1u << MANTISSA_BITS) - 1);
    bool lower_gap_is_half = mantissa == 0 && field > 1;
    if (field > 0)
        mantissa |= 1u << MANTISSA_BITS;
    struct decimal decimal = nine_digits(mantissa, (int)(field > 0 ? field : 1) - BIAS, lower_gap_is_half);
    shorten(&decimal);
    return sign + put_decimal(out + sign, decimal.digits, decimal.exponent);
}
