/* IEEE 754 half precision (binary16) as bits, for processors and compilers with and without it. */
#ifndef TIDY_COMMON_HALF_H
#define TIDY_COMMON_HALF_H

#include <stddef.h>
#include <stdint.h>

/* Rounds to the nearest, ties to even; too large becomes infinity, any NaN becomes a quiet NaN. */
uint16_t half_from_float(float value);

/* Exact. */
float half_to_float(uint16_t half);

/* The same for `count` halves, stored little endian at any address. */
void half_to_floats(float *out, const uint8_t *halves, size_t count);

#endif
