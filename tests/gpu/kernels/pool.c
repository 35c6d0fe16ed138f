/* Promises of the pools on the device: the very values of the C twins, rounded once where bf16 is stored. */
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>

#include "tests/gpu/kernels/tensors.h"

/* Overlapping windows, windows apart, sizes that the stride does not divide, a window larger than the image;
 * channels that fill vectors and that do not; the largest window there is. */
static const struct pool_shape shapes[] = {
    {4, 4, 1, 2, 2, 2, 2, 0},    {16, 16, 64, 8, 8, 3, 2, 1}, {7, 7, 64, 3, 3, 2, 2, 0}, {5, 9, 3, 3, 5, 3, 2, 1},
    {6, 4, 10, 2, 1, 4, 2, 0},   {1, 1, 4, 1, 1, 3, 2, 1},    {9, 9, 4, 3, 3, 2, 3, 0},  {8, 8, 1, 8, 8, 3, 1, 1},
    {18, 20, 1, 3, 5, 16, 1, 0}, {6, 5, 8, 6, 5, 5, 1, 2},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Normal values on a grid of halves, so that many are equal, with NaN and infinities among them: the first image
 * has nothing but NaN. */
static float *pool_input(size_t values, size_t image, enum tensor_type type)
{
    float *x = floats_normal(values, type, 1);
    for (size_t i = 0; i < values; i++) {
        x[i] = i < image || i % 11 == 0 ? NAN : roundf(2 * x[i]) / 2;
        if (i >= image && i % 13 == 0)
            x[i] = i % 2 ? INFINITY : -INFINITY;
    }
    return x;
}

static void check_max_pool(const struct pool_shape *s, uint32_t count, enum tensor_type type)
{
    size_t in = count * (size_t)s->height * s->width * s->channels;
    size_t out = count * (size_t)s->out_height * s->out_width * s->channels;
    float *x = pool_input(in, in / count, type), *dy = floats_normal(out, type, 2);
    float *y = floats_allocate(out), *dx = floats_allocate(in);
    float *actual_y = floats_allocate(out), *actual_dx = floats_allocate(in);
    uint8_t *winner = malloc(out), *actual_winner = malloc(out);
    assert_true(winner != NULL && actual_winner != NULL);
    max_pool_forward(TENSOR_F32, y, winner, x, count, s);
    max_pool_backward(TENSOR_F32, dx, dy, winner, count, s);
    floats_round(dx, in, type);

    void *device_x = tensor_upload(x, in, type), *device_dy = tensor_upload(dy, out, type);
    for (int variant = 0; variant < DEVICE_VARIANTS; variant++) {
        struct gpu_queue queue = device_queue(variant);
        void *device_y = device_allocate(tensor_bytes(out, type)), *device_winner = device_allocate(out);
        void *device_dx = device_allocate(tensor_bytes(in, type));
        device_wait(gpu_max_pool_forward(&queue, type, device_y, device_winner, device_x, count, s));
        tensor_download(actual_y, device_y, out, type);
        assert_floats_equal(actual_y, y, out);
        device_download(actual_winner, device_winner, out);
        assert_memory_equal(actual_winner, winner, out);
        device_wait(gpu_max_pool_backward(&queue, type, device_dx, device_dy, device_winner, count, s));
        tensor_download(actual_dx, device_dx, in, type);
        assert_floats_equal(actual_dx, dx, in);
        device_free(device_dx);
        device_free(device_winner);
        device_free(device_y);
    }
    device_free(device_dy);
    device_free(device_x);
    free(actual_winner);
    free(winner);
    free(actual_dx);
    free(actual_y);
    free(dx);
    free(y);
    free(dy);
    free(x);
}

static void test_max_pool_and_its_gradient_equal_the_c_twin(void **state)
{
    (void)state;
    for (int k = 0; k < SHAPES; k++)
        for (int type = TENSOR_F32; type <= TENSOR_BF16; type++)
            check_max_pool(&shapes[k], 3, (enum tensor_type)type);
}

static void test_max_pool_of_any_batch_equals_the_c_twin(void **state)
{
    (void)state;
    const uint32_t counts[] = {1, 96, 128, 1000};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        check_max_pool(&shapes[0], counts[k], TENSOR_F32);
        check_max_pool(&shapes[5], counts[k], TENSOR_BF16);
    }
}

static void check_average_pool(uint32_t count, uint32_t pixels, uint32_t channels, enum tensor_type type)
{
    size_t in = (size_t)count * pixels * channels, out = (size_t)count * channels;
    float *x = floats_normal(in, type, 3), *dy = floats_normal(out, type, 4);
    float *y = floats_allocate(out), *dx = floats_allocate(in);
    float *actual_y = floats_allocate(out), *first_y = floats_allocate(out), *actual_dx = floats_allocate(in);
    average_pool_forward(TENSOR_F32, y, x, count, pixels, channels);
    average_pool_backward(TENSOR_F32, dx, dy, count, pixels, channels);
    floats_round(dx, in, type);

    void *device_x = tensor_upload(x, in, type), *device_dy = tensor_upload(dy, out, type);
    for (int variant = 0; variant < DEVICE_VARIANTS; variant++) {
        struct gpu_queue queue = device_queue(variant);
        void *device_y = device_allocate(tensor_bytes(out, type));
        void *device_dx = device_allocate(tensor_bytes(in, type));
        device_wait(gpu_average_pool_forward(&queue, type, device_y, device_x, count, pixels, channels));
        /* Products and sums may be fused on the device: up to a rounding of each of the partial sums, which are
         * below 4. */
        tensor_download(variant == 0 ? first_y : actual_y, device_y, out, type);
        assert_floats_near(variant == 0 ? first_y : actual_y, y, out, 1e-6, rounding_of(type));
        if (variant > 0)
            assert_floats_equal(actual_y, first_y, out);
        device_wait(gpu_average_pool_backward(&queue, type, device_dx, device_dy, count, pixels, channels));
        tensor_download(actual_dx, device_dx, in, type);
        assert_floats_equal(actual_dx, dx, in);
        device_free(device_dx);
        device_free(device_y);
    }
    device_free(device_dy);
    device_free(device_x);
    free(actual_dx);
    free(first_y);
    free(actual_y);
    free(dx);
    free(y);
    free(dy);
    free(x);
}

static void test_average_pool_and_its_gradient_equal_the_c_twin(void **state)
{
    (void)state;
    const uint32_t cases[][3] = {{1, 1, 1},   {3, 64, 64},  {2, 49, 10},  {5, 7, 3},     {4, 300, 1},
                                 {96, 4, 64}, {128, 16, 8}, {1000, 1, 3}, {1000, 4, 12}, {3, 9, 1028}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int type = TENSOR_F32; type <= TENSOR_BF16; type++)
            check_average_pool(cases[k][0], cases[k][1], cases[k][2], (enum tensor_type)type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_max_pool_and_its_gradient_equal_the_c_twin),
        cmocka_unit_test(test_max_pool_of_any_batch_equals_the_c_twin),
        cmocka_unit_test(test_average_pool_and_its_gradient_equal_the_c_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
