/* Tensors of either type, and comparisons. */
#include "tests/gpu/kernels/tensors.h"

#include <math.h>
#include <stdlib.h>

#include "common/random.h"
#include "kernels/bf16.h"
#include "tests/support/support.h"

float *floats_allocate(size_t count)
{
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    return values;
}

float *floats_normal(size_t count, enum tensor_type type, uint64_t seed)
{
    float *values = floats_allocate(count);
    struct random_stream random = random_open(seed, RANDOM_WEIGHTS, 0);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)random_normal(&random);
    floats_round(values, count, type);
    return values;
}

void floats_round(float *values, size_t count, enum tensor_type type)
{
    for (size_t i = 0; i < count && type == TENSOR_BF16; i++)
        values[i] = bf16_to_float(bf16_from_float(values[i]));
}

size_t tensor_bytes(size_t count, enum tensor_type type)
{
    return count * (type == TENSOR_BF16 ? sizeof(struct bf16) : sizeof(float));
}

void *device_copy(const void *host, size_t bytes)
{
    void *device = device_allocate(bytes);
    device_upload(device, host, bytes);
    return device;
}

void *tensor_upload(const float *values, size_t count, enum tensor_type type)
{
    if (type == TENSOR_F32)
        return device_copy(values, count * sizeof *values);
    struct bf16 *rounded = malloc(count * sizeof *rounded);
    assert_non_null(rounded);
    for (size_t i = 0; i < count; i++)
        rounded[i] = bf16_from_float(values[i]);
    void *device = device_copy(rounded, count * sizeof *rounded);
    free(rounded);
    return device;
}

void tensor_download(float *values, const void *tensor, size_t count, enum tensor_type type)
{
    if (type == TENSOR_F32) {
        device_download(values, tensor, count * sizeof *values);
        return;
    }
    struct bf16 *rounded = malloc(count * sizeof *rounded);
    assert_non_null(rounded);
    device_download(rounded, tensor, count * sizeof *rounded);
    for (size_t i = 0; i < count; i++)
        values[i] = bf16_to_float(rounded[i]);
    free(rounded);
}

void assert_floats_equal(const float *actual, const float *expected, size_t count)
{
    assert_floats_near(actual, expected, count, 0, 0);
}

void assert_floats_near(const float *actual, const float *expected, size_t count, double absolute, double relative)
{
    for (size_t i = 0; i < count; i++) {
        double a = (double)actual[i], e = (double)expected[i];
        bool near = isfinite(e) ? fabs(a - e) <= absolute + relative * fabs(e) : isnan(e) ? isnan(a) : a == e;
        if (!near)
            fail_msg("value %zu of %zu is %.9g, not %.9g", i, count, a, e);
    }
}

double rounding_of(enum tensor_type type)
{
    return type == TENSOR_BF16 ? 0x1p-8 : 0;
}
