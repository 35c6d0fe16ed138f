/* Promises of the CPU backend's convolutions: each pass equals a plain loop in double, in each formulation. */
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/random.h"
#include "record/cpu/convolution.h"

static struct layer make_layer(uint32_t kernel, uint32_t stride, uint32_t height, uint32_t width, uint32_t inputs,
                               uint32_t outputs)
{
    uint32_t padding = (kernel - 1) / 2;
    return (struct layer){.kind = LAYER_CONVOLUTION,
                          .input = 0,
                          .shortcut = LAYER_NONE,
                          .kernel = kernel,
                          .stride = stride,
                          .padding = padding,
                          .in_height = height,
                          .in_width = width,
                          .in_channels = inputs,
                          .out_height = (height + 2 * padding - kernel) / stride + 1,
                          .out_width = (width + 2 * padding - kernel) / stride + 1,
                          .out_channels = outputs};
}

/* Calls visit for every multiplication of the convolution: indices into x, y and weights. */
typedef void visit_term(void *context, size_t x, size_t y, size_t weight);
static void for_each_term(const struct layer *l, uint32_t count, visit_term *visit, void *context)
{
    for (uint32_t n = 0; n < count; n++)
        for (uint32_t oy = 0; oy < l->out_height; oy++)
            for (uint32_t ox = 0; ox < l->out_width; ox++)
                for (uint32_t ky = 0; ky < l->kernel; ky++)
                    for (uint32_t kx = 0; kx < l->kernel; kx++) {
                        int64_t iy = (int64_t)oy * l->stride + ky - l->padding;
                        int64_t ix = (int64_t)ox * l->stride + kx - l->padding;
                        if (iy < 0 || ix < 0 || iy >= l->in_height || ix >= l->in_width)
                            continue;
                        size_t x =
                            ((n * (size_t)l->in_height + (size_t)iy) * l->in_width + (size_t)ix) * l->in_channels;
                        size_t y = ((n * (size_t)l->out_height + oy) * l->out_width + ox) * l->out_channels;
                        size_t w = (size_t)(ky * l->kernel + kx) * l->in_channels * l->out_channels;
                        for (size_t i = 0; i < l->in_channels; i++)
                            for (size_t o = 0; o < l->out_channels; o++)
                                visit(context, x + i, y + o, w + i * l->out_channels + o);
                    }
}

struct sums {
    const float *x, *dy, *weights;
    double *y, *dx, *d_weights;
};

static void add_term(void *context, size_t x, size_t y, size_t weight)
{
    struct sums *s = context;
    s->y[y] += (double)s->x[x] * (double)s->weights[weight];
    s->dx[x] += (double)s->dy[y] * (double)s->weights[weight];
    s->d_weights[weight] += (double)s->x[x] * (double)s->dy[y];
}

static float *random_values(struct random_stream *random, size_t count)
{
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)random_normal(random);
    return values;
}

/* Near `times` what is expected, and `plus`. */
static void check_near(const float *actual, const double *expected, size_t count, double times, double plus)
{
    for (size_t i = 0; i < count; i++)
        assert_near(actual[i], times * expected[i] + plus, 2e-4 * (1 + fabs(expected[i])));
}

/* batch_size images are compiled for, count of them are run: an epoch's last batch is smaller. */
static void check_layer(struct layer layer, uint32_t batch_size, uint32_t count)
{
    size_t in = (size_t)layer.in_height * layer.in_width * layer.in_channels;
    size_t out = (size_t)layer.out_height * layer.out_width * layer.out_channels;
    size_t taps = (size_t)layer.kernel * layer.kernel * layer.in_channels * layer.out_channels;
    struct random_stream random = random_open(in * 31 + out, RANDOM_ORDER, layer.kernel);
    float *x = random_values(&random, batch_size * in), *dy = random_values(&random, batch_size * out);
    float *weights = random_values(&random, taps), *y = random_values(&random, batch_size * out);
    float *dx = random_values(&random, batch_size * in), *d_weights = random_values(&random, taps);
    struct sums sums = {x,
                        dy,
                        weights,
                        calloc(count * out, sizeof(double)),
                        calloc(count * in, sizeof(double)),
                        calloc(taps, sizeof(double))};
    for_each_term(&layer, count, add_term, &sums);

    struct onednn *onednn;
    struct convolution *convolution;
    assert_int_equal(onednn_create(&onednn), TIDY_OK);
    assert_int_equal(convolution_create(&convolution, onednn, &layer, batch_size, TENSOR_F32), TIDY_OK);
    assert_int_equal(convolution_forward(convolution, y, x, weights, count), TIDY_OK);
    check_near(y, sums.y, count * out, 1, 0);
    assert_int_equal(convolution_backward_data(convolution, dx, dy, weights, count, false), TIDY_OK);
    check_near(dx, sums.dx, count * in, 1, 0);
    for (size_t i = 0; i < count * in; i++)
        dx[i] = 5;
    assert_int_equal(convolution_backward_data(convolution, dx, dy, weights, count, true), TIDY_OK);
    check_near(dx, sums.dx, count * in, 1, 5);
    assert_int_equal(convolution_backward_weights(convolution, d_weights, x, dy, count), TIDY_OK);
    check_near(d_weights, sums.d_weights, taps, 1, 0);

    for (size_t i = 0; i < taps; i++)
        weights[i] *= 2;
    convolution_weights_changed(convolution);
    assert_int_equal(convolution_forward(convolution, y, x, weights, count), TIDY_OK);
    check_near(y, sums.y, count * out, 2, 0);
    assert_int_equal(convolution_backward_data(convolution, dx, dy, weights, count, false), TIDY_OK);
    check_near(dx, sums.dx, count * in, 2, 0);
    convolution_destroy(convolution);
    onednn_destroy(onednn);
    free(sums.y);
    free(sums.dx);
    free(sums.d_weights);
    free(d_weights);
    free(dx);
    free(y);
    free(weights);
    free(dy);
    free(x);
}

/* Kernel, stride, height, width, channels in and out: what ResNets have, and sizes that fit nothing. */
static const uint32_t shapes[][6] = {
    {1, 1, 8, 8, 16, 24}, {1, 1, 1, 1, 32, 8},   {1, 2, 8, 8, 16, 32},   {1, 2, 5, 3, 7, 9},  {1, 2, 2, 2, 16, 16},
    {3, 1, 1, 1, 16, 16}, {3, 1, 2, 2, 16, 8},   {3, 1, 4, 4, 8, 16},    {3, 1, 8, 8, 16, 8}, {3, 2, 2, 2, 8, 16},
    {3, 2, 4, 4, 16, 16}, {3, 2, 8, 8, 16, 16},  {3, 1, 3, 5, 5, 3},     {3, 2, 7, 5, 3, 5},  {7, 2, 32, 32, 1, 16},
    {7, 2, 9, 6, 3, 8},   {3, 2, 28, 28, 1, 32}, {3, 2, 14, 14, 32, 16},
};

static void test_full_batches_equal_plain_loops(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const uint32_t *s = shapes[i];
        check_layer(make_layer(s[0], s[1], s[2], s[3], s[4], s[5]), 4, 4);
    }
}

static void test_smaller_batches_equal_plain_loops(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const uint32_t *s = shapes[i];
        check_layer(make_layer(s[0], s[1], s[2], s[3], s[4], s[5]), 5, 3);
    }
}

static void test_batch_of_one_equals_plain_loops(void **state)
{
    (void)state;
    check_layer(make_layer(3, 1, 2, 2, 8, 8), 1, 1);
    check_layer(make_layer(3, 1, 8, 8, 8, 8), 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_batches_equal_plain_loops),
        cmocka_unit_test(test_smaller_batches_equal_plain_loops),
        cmocka_unit_test(test_batch_of_one_equals_plain_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
