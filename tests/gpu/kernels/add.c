/* Promises of gpu_add: the sum of each pair, rounded once. */
#include "tests/support/support.h"

#include <stdlib.h>

#include "tests/gpu/kernels/tensors.h"

static void test_each_value_is_the_sum_rounded_once(void **state)
{
    (void)state;
    const size_t counts[] = {0, 1, 3, 4, 5, 1023, 4096, 100003};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        for (int type = TENSOR_F32; type <= TENSOR_BF16; type++) {
            size_t count = counts[k];
            enum tensor_type t = (enum tensor_type)type;
            float *a = floats_normal(count, t, 1), *b = floats_normal(count, t, 2);
            float *expected = floats_allocate(count), *actual = floats_allocate(count);
            for (size_t i = 0; i < count; i++)
                expected[i] = a[i] + b[i];
            floats_round(expected, count, t);
            for (int variant = 0; variant < DEVICE_VARIANTS; variant++) {
                struct gpu_queue queue = device_queue(variant);
                void *sum = tensor_upload(a, count, t), *added = tensor_upload(b, count, t);
                device_wait(gpu_add(&queue, t, sum, added, count));
                tensor_download(actual, sum, count, t);
                assert_floats_equal(actual, expected, count);
                device_free(sum);
                device_free(added);
            }
            free(actual);
            free(expected);
            free(b);
            free(a);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_value_is_the_sum_rounded_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
