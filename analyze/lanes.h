/* Numbers of 16 samples side by side: a compiler makes of each operation as few instructions as the processor has
 * registers for. No lane depends on another, so that the results are the same on all.
 *
 * A compiler decides on that before it clones functions, so files that use these are compiled once for each kind of
 * processor. It takes comparisons apart lane by lane where vectors are wider than the processor's, so these are made
 * of signs here. */
#ifndef TIDY_ANALYZE_LANES_H
#define TIDY_ANALYZE_LANES_H

#include <stdint.h>

enum { LANES = 16 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t lanes_mask
    __attribute__((vector_size(LANES * sizeof(int32_t)))); /* of each lane all bits or none */
typedef uint32_t lanes_bits __attribute__((vector_size(LANES * sizeof(uint32_t))));
typedef double lanes_double __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t lanes_long __attribute__((vector_size(LANES * sizeof(int64_t))));

/* Functions take lanes by address: how they are passed by value differs between processors. */
#define LANES_INLINE static inline __attribute__((always_inline))

/* `to` becomes `other` where `mask` is set. */
LANES_INLINE void lanes_replace(lanes *to, const lanes_mask *mask, const lanes *other)
{
    *to = (lanes)(((lanes_mask)*to & ~*mask) | ((lanes_mask)*other & *mask));
}

/* Finite numbers, or infinite ones of one sign. */
LANES_INLINE void lanes_at_least(lanes *to, const lanes *least)
{
    lanes_mask below = (lanes_mask)(*to - *least) >> 31;
    lanes_replace(to, &below, least);
}

/* Sets all bits where a and b differ. */
LANES_INLINE void lanes_differ(lanes_mask *out, const lanes_mask *a, const lanes_mask *b)
{
    lanes_bits difference = (lanes_bits)(*a ^ *b);
    *out = (lanes_mask)(difference | -difference) >> 31;
}

/* e to the `to`, within 2 units in the last place; 0 below -87. At most 88. */
LANES_INLINE void lanes_exp(lanes *to)
{
    const float rounding = 12582912, /* 1.5 * 2^23: a sum with it is rounded to a whole number */
        log2e = 1.44269504F, ln2_high = 0.693359375F, ln2_low = -2.12194440e-4F; /* ln2_high has 9 bits */
    const lanes least = (lanes){0} - 87;
    const lanes_mask too_small = (lanes_mask)(*to - least) >> 31;
    lanes x = *to;
    lanes_replace(&x, &too_small, &least);
    lanes shifted = x * log2e + rounding, power = shifted - rounding;
    lanes r = (x - power * ln2_high) - power * ln2_low;
    /* Minimax for -ln 2 / 2 .. ln 2 / 2, as in Cephes. */
    lanes sum = 1.9875691500e-4F * r + 1.3981999507e-3F;
    sum = sum * r + 8.3334519073e-3F;
    sum = sum * r + 4.1665795894e-2F;
    sum = sum * r + 1.6666665459e-1F;
    sum = sum * r + 5.0000001201e-1F;
    sum = sum * r * r + r + 1;
    /* The whole number is in the last bits of `shifted`, from where it is added to the exponent. */
    lanes_bits bits = ((lanes_bits)shifted - (lanes_bits)((lanes){0} + rounding)) << 23;
    *to = (lanes)((lanes_mask)((lanes_bits)sum + bits) & ~too_small);
}

/* Natural logarithm of positive numbers that are not denormal, within 2 units in the last place. */
LANES_INLINE void lanes_log(lanes *to)
{
    const float ln2_high = 0.693359375F, ln2_low = -2.12194440e-4F;
    /* x = 2^e m with m from sqrt(1/2) to sqrt(2); of the constant the bits of sqrt(1/2). */
    const int32_t root_of_half = 0x3f3504f3;
    lanes_mask bits = (lanes_mask)*to - root_of_half;
    lanes power = __builtin_convertvector(bits >> 23, lanes);
    lanes r = (lanes)((bits & 0x007fffff) + root_of_half) - 1, square = r * r;
    lanes sum = 7.0376836292e-2F * r - 1.1514610310e-1F;
    sum = sum * r + 1.1676998740e-1F;
    sum = sum * r - 1.2420140846e-1F;
    sum = sum * r + 1.4249322787e-1F;
    sum = sum * r - 1.6668057665e-1F;
    sum = sum * r + 2.0000714765e-1F;
    sum = sum * r - 2.4999993993e-1F;
    sum = sum * r + 3.3333331174e-1F;
    sum = sum * r * square + power * ln2_low - 0.5F * square;
    *to = r + sum + power * ln2_high;
}

/* The same of doubles, to about 1e-15. */
LANES_INLINE void lanes_log_double(lanes_double *to)
{
    enum { TERMS = 9 };
    const double ln2 = 0.693147180559945309;
    const int64_t root_of_half = 0x3fe6a09e667f3bcd;
    lanes_long bits = (lanes_long)*to - root_of_half;
    lanes_double power = __builtin_convertvector(__builtin_convertvector(bits >> 52, lanes_mask), lanes_double);
    lanes_double m = (lanes_double)((bits & 0x000fffffffffffff) + root_of_half);
    /* log m = 2 artanh((m - 1) / (m + 1)), whose argument is at most 0.172. */
    lanes_double s = (m - 1) / (m + 1), square = s * s, sum = {0};
    for (int k = TERMS; k >= 0; k--)
        sum = sum * square + 2.0 / (2 * k + 1);
    *to = sum * s + power * ln2;
}

/* Adds the lanes up, in double precision, in their order. */
LANES_INLINE double lanes_sum(const lanes_double *lanes)
{
    double sum = 0;
    for (int i = 0; i < LANES; i++)
        sum += (*lanes)[i];
    return sum;
}

#endif
