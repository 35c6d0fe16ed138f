/* Promises of gpu_momentum_update and gpu_round_to_bf16. */
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/bf16.h"
#include "tests/gpu/kernels/tensors.h"

struct outcome {
    float *weights, *velocity, *rounded;
};

static struct outcome outcome_allocate(size_t count, size_t tensor_count)
{
    return (struct outcome){floats_allocate(count), floats_allocate(count), floats_allocate(tensor_count)};
}

static void outcome_free(struct outcome *o)
{
    free(o->rounded);
    free(o->velocity);
    free(o->weights);
}

static void check_update(size_t tensor_count, size_t count, enum tensor_type type, bool is_rounded)
{
    const float rate = 0.1f, momentum = 0.9f, decay = 1e-4f;
    float *weights = floats_normal(count, TENSOR_F32, 1), *velocity = floats_normal(count, TENSOR_F32, 2);
    float *gradients = floats_normal(count, TENSOR_F32, 3);
    floats_round(gradients, tensor_count, type);
    struct outcome expected = outcome_allocate(count, tensor_count), actual = outcome_allocate(count, tensor_count);
    struct outcome first = outcome_allocate(count, tensor_count);
    memcpy(expected.weights, weights, count * sizeof *weights);
    memcpy(expected.velocity, velocity, count * sizeof *velocity);
    momentum_update(expected.weights, expected.velocity, gradients, count, rate, momentum, decay);

    void *tensor_gradients = tensor_upload(gradients, tensor_count, type);
    void *rest = device_copy(gradients + tensor_count, (count - tensor_count) * sizeof *gradients);
    void *device_rate = device_copy(&rate, sizeof rate);
    for (int variant = 0; variant < DEVICE_VARIANTS; variant++) {
        struct outcome *got = variant == 0 ? &first : &actual;
        struct gpu_queue queue = device_queue(variant);
        struct gpu_parameters p = {
            .weights = device_copy(weights, count * sizeof *weights),
            .velocity = device_copy(velocity, count * sizeof *velocity),
            .rounded = is_rounded ? device_allocate(tensor_bytes(tensor_count, TENSOR_BF16)) : NULL,
            .tensor_gradients = tensor_gradients,
            .gradients = rest,
            .tensor_count = tensor_count,
            .count = count,
        };
        device_wait(gpu_momentum_update(&queue, type, &p, device_rate, momentum, decay));
        device_download(got->weights, p.weights, count * sizeof *weights);
        device_download(got->velocity, p.velocity, count * sizeof *velocity);
        /* Values are below 8; the device may fuse products and sums, so a few roundings may differ. */
        assert_floats_near(got->velocity, expected.velocity, count, 1e-6, 0);
        assert_floats_near(got->weights, expected.weights, count, 1e-6, 0);
        if (is_rounded) {
            tensor_download(got->rounded, p.rounded, tensor_count, TENSOR_BF16);
            for (size_t i = 0; i < tensor_count; i++)
                assert_near(got->rounded[i], bf16_to_float(bf16_from_float(got->weights[i])), 0);
        }
        if (variant > 0) {
            assert_floats_equal(actual.weights, first.weights, count);
            assert_floats_equal(actual.velocity, first.velocity, count);
        }
        device_free(p.rounded);
        device_free(p.velocity);
        device_free(p.weights);
    }
    device_free(device_rate);
    device_free(rest);
    device_free(tensor_gradients);
    outcome_free(&first);
    outcome_free(&actual);
    outcome_free(&expected);
    free(gradients);
    free(velocity);
    free(weights);
}

static void test_update_equals_the_c_twin(void **state)
{
    (void)state;
    const size_t cases[][2] = {{0, 8}, {8, 8}, {8, 16}, {4096, 4104}, {16, 20000}, {30000, 30008}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        check_update(cases[k][0], cases[k][1], TENSOR_F32, false);
        check_update(cases[k][0], cases[k][1], TENSOR_BF16, true);
    }
}

static void test_rounding_takes_the_nearest_bf16(void **state)
{
    (void)state;
    const size_t counts[] = {8, 2048, 20000};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        size_t count = counts[k];
        float *values = floats_normal(count, TENSOR_F32, 1), *actual = floats_allocate(count);
        float *expected = floats_allocate(count);
        values[0] = NAN;
        values[1] = INFINITY;
        /* bf16 keeps 8 digits: from 1 to 2 its step is 1/128. The ties at 1/256 and 3/256 go to the even 0 and
         * 2/128. */
        values[2] = 1 + 1.0f / 256;
        values[3] = 1 + 3.0f / 256;
        memcpy(expected, values, count * sizeof *expected);
        floats_round(expected, count, TENSOR_BF16);
        assert_near(expected[2], 1, 0);
        assert_near(expected[3], 1 + 2.0f / 128, 0);
        void *device_values = device_copy(values, count * sizeof *values);
        for (int variant = 0; variant < DEVICE_VARIANTS; variant++) {
            struct gpu_queue queue = device_queue(variant);
            void *out = device_allocate(tensor_bytes(count, TENSOR_BF16));
            device_wait(gpu_round_to_bf16(&queue, out, device_values, count));
            tensor_download(actual, out, count, TENSOR_BF16);
            assert_floats_equal(actual, expected, count);
            device_free(out);
        }
        device_free(device_values);
        free(expected);
        free(actual);
        free(values);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update_equals_the_c_twin),
        cmocka_unit_test(test_rounding_takes_the_nearest_bf16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
