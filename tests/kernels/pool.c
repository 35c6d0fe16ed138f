/* Promises of the pools: hand-made windows, and plain loops over odd shapes. */
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>

#include "common/random.h"
#include "kernels/kernels.h"

static void test_max_pool_takes_the_largest_and_sends_the_gradient_back_to_it(void **state)
{
    (void)state;
    /* One image of 4x4 pixels, windows of 2x2:   1 2 | 3 3     largest 5, 3 (the first of two)
     *                                             5 4 | 0 1
     *                                             ----+----
     *                                             7 7 | -1 -2  largest 7 (the first), -1
     *                                             6 7 | -3 -4 */
    const float x[16] = {1, 2, 3, 3, 5, 4, 0, 1, 7, 7, -1, -2, 6, 7, -3, -4};
    const struct pool_shape shape = {4, 4, 1, 2, 2, 2, 2, 0};
    float y[4], dx[16];
    uint8_t winner[4];
    max_pool_forward(TENSOR_F32, y, winner, x, 1, &shape);
    const float largest[4] = {5, 3, 7, -1};
    for (int i = 0; i < 4; i++)
        assert_near(y[i], largest[i], 0);
    const float dy[4] = {10, 20, 30, 40};
    const float expected[16] = {0, 0, 20, 0, 10, 0, 0, 0, 30, 0, 40, 0, 0, 0, 0, 0};
    for (int i = 0; i < 16; i++)
        dx[i] = 99; /* must be overwritten */
    max_pool_backward(TENSOR_F32, dx, dy, winner, 1, &shape);
    for (int i = 0; i < 16; i++)
        assert_near(dx[i], expected[i], 0);
}

static void test_padding_never_wins(void **state)
{
    (void)state;
    const float x[4] = {-5, -6, -7, -8}; /* 2x2 pixels, one window of 3x3 with padding 1 that sees all of them */
    const struct pool_shape shape = {2, 2, 1, 1, 1, 3, 2, 1};
    float y, dx[4];
    const float dy = 3;
    uint8_t winner;
    max_pool_forward(TENSOR_F32, &y, &winner, x, 1, &shape);
    assert_near(y, -5, 0);
    max_pool_backward(TENSOR_F32, dx, &dy, &winner, 1, &shape);
    assert_near(dx[0], 3, 0);
    assert_near(dx[1] + dx[2] + dx[3], 0, 0);
}

/* Overlapping windows, sizes that the stride does not divide, channels that fill no vector. */
static void test_odd_shapes_equal_plain_loops(void **state)
{
    (void)state;
    const struct pool_shape shapes[] = {
        {16, 16, 64, 8, 8, 3, 2, 1}, {7, 7, 64, 3, 3, 2, 2, 0}, {5, 9, 3, 3, 5, 3, 2, 1},
        {6, 4, 17, 2, 1, 4, 2, 0},   {1, 1, 5, 1, 1, 3, 2, 1},
    };
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const struct pool_shape *s = &shapes[k];
        enum { IMAGES = 3 };
        size_t in = (size_t)s->height * s->width * s->channels,
               out = (size_t)s->out_height * s->out_width * s->channels;
        float *x = malloc(IMAGES * in * sizeof *x), *dx = malloc(IMAGES * in * sizeof *dx);
        float *y = malloc(IMAGES * out * sizeof *y), *dy = malloc(IMAGES * out * sizeof *dy);
        float *expected = calloc(IMAGES * in, sizeof *expected);
        uint8_t *winner = malloc(IMAGES * out);
        struct random_stream random = random_open(k, RANDOM_ORDER, 0);
        for (size_t i = 0; i < IMAGES * in; i++)
            x[i] = (float)random_normal(&random);
        for (size_t i = 0; i < IMAGES * out; i++)
            dy[i] = (float)random_normal(&random);
        max_pool_forward(TENSOR_F32, y, winner, x, IMAGES, s);
        max_pool_backward(TENSOR_F32, dx, dy, winner, IMAGES, s);
        for (size_t i = 0; i < IMAGES * out; i++) {
            size_t channel = i % s->channels, pixel = i / s->channels;
            size_t column = pixel % s->out_width, row = pixel / s->out_width % s->out_height;
            size_t image = pixel / s->out_width / s->out_height, best = SIZE_MAX;
            for (int64_t ky = 0; ky < s->kernel; ky++)
                for (int64_t kx = 0; kx < s->kernel; kx++) {
                    int64_t iy = (int64_t)row * s->stride + ky - s->padding;
                    int64_t ix = (int64_t)column * s->stride + kx - s->padding;
                    if (iy < 0 || ix < 0 || iy >= s->height || ix >= s->width)
                        continue;
                    size_t place = image * in + ((size_t)iy * s->width + (size_t)ix) * s->channels + channel;
                    if (best == SIZE_MAX || x[place] > x[best])
                        best = place;
                }
            assert_near(y[i], x[best], 0);
            expected[best] += dy[i];
        }
        for (size_t i = 0; i < IMAGES * in; i++)
            assert_near(dx[i], expected[i], 1e-6);
        free(winner);
        free(expected);
        free(dy);
        free(y);
        free(dx);
        free(x);
    }
}

static void test_average_pool_is_the_mean_and_shares_its_gradient(void **state)
{
    (void)state;
    const float x[2][2][2] = {{{1, 10}, {3, 30}}, {{5, 0}, {7, -4}}}; /* [image][pixel][channel] */
    float y[2][2], dx[2][2][2];
    average_pool_forward(TENSOR_F32, y[0], x[0][0], 2, 2, 2);
    assert_near(y[0][0], 2, 1e-6);
    assert_near(y[0][1], 20, 1e-6);
    assert_near(y[1][0], 6, 1e-6);
    assert_near(y[1][1], -2, 1e-6);
    const float dy[2][2] = {{8, 2}, {-4, 6}};
    average_pool_backward(TENSOR_F32, dx[0][0], dy[0], 2, 2, 2);
    for (int image = 0; image < 2; image++)
        for (int pixel = 0; pixel < 2; pixel++)
            for (int c = 0; c < 2; c++)
                assert_near(dx[image][pixel][c], dy[image][c] / 2, 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_max_pool_takes_the_largest_and_sends_the_gradient_back_to_it),
        cmocka_unit_test(test_padding_never_wins),
        cmocka_unit_test(test_odd_shapes_equal_plain_loops),
        cmocka_unit_test(test_average_pool_is_the_mean_and_shares_its_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
