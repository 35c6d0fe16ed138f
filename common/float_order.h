/* Sorting floats by their bits. */
#ifndef TIDY_COMMON_FLOAT_ORDER_H
#define TIDY_COMMON_FLOAT_ORDER_H

#include <stdint.h>
#include <string.h>

/* A number that is in the order of the floats, infinities included, and never 0; -0 has that of 0. `value` is no NaN. IEEE
 * 754 numbers are in the order of their bits, but for the sign: those of negative ones run the other way. */
static inline uint32_t float_order(float value)
{
    uint32_t bits;
    value += 0.0f;
    memcpy(&bits, &value, sizeof bits);
    return (bits >> 31) != 0 ? ~bits : bits | UINT32_C(1) << 31;
}

#endif
