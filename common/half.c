/* Half precision by whole-number arithmetic on the bits of a float. */
#include "common/half.h"

#include <string.h>

#include "common/little_endian.h"

static uint32_t float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint16_t half_from_float(float value)
{
    uint32_t bits = float_bits(value);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    uint32_t half;
    if (magnitude > 0x7f800000) {
        half = 0x7e00;
    } else if (magnitude >= float_bits(65536)) {
        half = 0x7c00;
    } else if (magnitude < float_bits(0x1p-14f)) {
        /* A float between 1/2 and 1 has the step of a half's subnormals, so the addition rounds. */
        half = float_bits(float_of_bits(magnitude) + 0.5f) - float_bits(0.5f);
    } else {
        /* The exponent's bias falls by 127 - 15; a carry out of the mantissa moves on to the exponent, up to infinity. */
        uint32_t odd = magnitude >> 13 & 1;
        half = (magnitude - (UINT32_C(112) << 23) + 0xfff + odd) >> 13;
    }
    return (uint16_t)(sign | half);
}

/* Both cases are computed and one is chosen, so that a loop over this is turned into vector instructions. */
static inline float to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
    uint32_t bias = magnitude >= 0x7c00 ? 255 - 31 : 127 - 15; /* infinity and NaN have the largest exponent */
    uint32_t normal = (magnitude << 13) + (bias << 23);
    uint32_t subnormal = float_bits((float)(int32_t)magnitude * 0x1p-24f);
    return float_of_bits(sign | (magnitude < 0x400 ? subnormal : normal));
}

float half_to_float(uint16_t half)
{
    return to_float(half);
}

void half_to_floats(float *out, const uint8_t *halves, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = to_float(load_u16(halves + i * 2));
}
