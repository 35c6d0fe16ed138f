/* What the suites of kernels share: tensors of either type from floats and back, and comparisons. */
#ifndef TIDY_TESTS_GPU_KERNELS_TENSORS_H
#define TIDY_TESTS_GPU_KERNELS_TENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/gpu/kernels/device.h"

/* Host memory for `count` floats, freed by the caller; the second fills it with draws from the standard normal
 * distribution, the same for the same seed, rounded to `type`, so that a C twin gets the very values that the
 * kernel gets. */
float *floats_allocate(size_t count);
float *floats_normal(size_t count, enum tensor_type type, uint64_t seed);

/* Rounds values to `type`, as a tensor would hold them. */
void floats_round(float *values, size_t count, enum tensor_type type);

/* Bytes of a tensor of `count` values. */
size_t tensor_bytes(size_t count, enum tensor_type type);

/* Device memory with the values, in `type`; freed with device_free. And back. */
void *tensor_upload(const float *values, size_t count, enum tensor_type type);
void tensor_download(float *values, const void *tensor, size_t count, enum tensor_type type);

/* Device memory with a copy of `bytes` bytes. */
void *device_copy(const void *host, size_t bytes);

/* The same values (any NaN equals any). Says where they differ. */
void assert_floats_equal(const float *actual, const float *expected, size_t count);

/* |actual - expected| <= absolute + relative * |expected|; NaN equals NaN only, infinity itself only. */
void assert_floats_near(const float *actual, const float *expected, size_t count, double absolute, double relative);

/* What rounding a float32 to `type` may change, relative to the value: half the distance of two neighbours. */
double rounding_of(enum tensor_type type);

#endif
