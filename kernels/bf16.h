/* bfloat16, the upper half of a float32, as bits: for host, device and the kernels' runs on a CPU alike, so that
 * all of them round the same way and no toolkit header is needed. C and C++. */
#ifndef TIDY_KERNELS_BF16_H
#define TIDY_KERNELS_BF16_H

#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define BF16_CALL static inline __host__ __device__
#else
#define BF16_CALL static inline
#endif

struct bf16 {
    uint16_t bits;
};

/* Rounds to the nearest, ties to even; too large becomes infinity, any NaN a quiet NaN of its sign. */
BF16_CALL struct bf16 bf16_from_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    /* A carry out of the mantissa moves on to the exponent, up to infinity. A NaN must not be rounded: its payload
     * may lie in the lower half, and what is left would be infinity. */
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    uint32_t quiet = bits >> 16 | 0x40;
    struct bf16 out;
    out.bits = (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
    return out;
}

/* The same for what arithmetic on bfloat16 and on finite numbers gives: its NaNs have nothing in their lower half, and
 * need no care. */
BF16_CALL struct bf16 bf16_from_result(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    struct bf16 out;
    out.bits = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    return out;
}

/* Exact. */
BF16_CALL float bf16_to_float(struct bf16 value)
{
    uint32_t bits = (uint32_t)value.bits << 16;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

#endif
