/* Promises of the linear layer's bias on the device: the very values of the C twins. */
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>

#include "tests/gpu/kernels/tensors.h"

static void check_add(uint32_t count, uint32_t outputs)
{
    size_t values = (size_t)count * outputs;
    float *y = floats_normal(values, TENSOR_F32, 1), *bias = floats_normal(outputs, TENSOR_F32, 2);
    float *actual = floats_allocate(values), *expected = floats_allocate(values);
    for (size_t i = 0; i < values; i++)
        expected[i] = y[i];
    linear_add_bias(expected, bias, count, outputs);
    void *device_bias = device_copy(bias, outputs * sizeof *bias);
    for (int variant = 0; variant < DEVICE_VARIANTS; variant++) {
        struct gpu_queue queue = device_queue(variant);
        void *device_y = device_copy(y, values * sizeof *y);
        device_wait(gpu_linear_add_bias(&queue, device_y, device_bias, count, outputs));
        device_download(actual, device_y, values * sizeof *actual);
        assert_floats_equal(actual, expected, values);
        device_free(device_y);
    }
    device_free(device_bias);
    free(expected);
    free(actual);
    free(bias);
    free(y);
}

/* Whole numbers: their sums are exact in any order. */
static void check_gradient(uint32_t count, uint32_t outputs, enum tensor_type type)
{
    size_t values = (size_t)count * outputs;
    float *dy = floats_normal(values, type, 3);
    for (size_t i = 0; i < values; i++)
        dy[i] = roundf(16 * dy[i]);
    float *actual = floats_allocate(outputs), *expected = floats_allocate(outputs);
    linear_bias_gradient(TENSOR_F32, expected, dy, count, outputs);
    void *device_dy = tensor_upload(dy, values, type);
    for (int variant = 0; variant < DEVICE_VARIANTS; variant++) {
        struct gpu_queue queue = device_queue(variant);
        void *d_bias = device_allocate(outputs * sizeof *actual);
        device_wait(gpu_linear_bias_gradient(&queue, type, d_bias, device_dy, count, outputs));
        device_download(actual, d_bias, outputs * sizeof *actual);
        assert_floats_equal(actual, expected, outputs);
        device_free(d_bias);
    }
    device_free(device_dy);
    free(expected);
    free(actual);
    free(dy);
}

static const uint32_t counts[] = {1, 31, 96, 128, 1000}, outputs[] = {1, 10, 26, 32, 33, 1000};

static void test_bias_is_added_to_each_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (size_t k = 0; k < sizeof outputs / sizeof *outputs; k++)
            check_add(counts[i] == 1000 ? 100 : counts[i], outputs[k]);
    check_add(1000, 10);
    check_add(3, 2500); /* the stride of a grid of one multiprocessor is less than a row */
}

static void test_gradient_is_the_sum_of_each_column(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (size_t k = 0; k < sizeof outputs / sizeof *outputs; k++)
            for (int type = TENSOR_F32; type <= TENSOR_BF16; type++)
                check_gradient(counts[i], outputs[k], (enum tensor_type)type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bias_is_added_to_each_row),
        cmocka_unit_test(test_gradient_is_the_sum_of_each_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
