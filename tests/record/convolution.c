/* Promises of the CPU backend's convolutions: each pass equals a plain loop in double, in each formulation. */
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/random.h"
#include "kernels/bf16.h"
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

/* Normal values that `type` holds exactly. */
static float *random_values(struct random_stream *random, size_t count, enum tensor_type type)
{
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) {
        float value = (float)random_normal(random);
        values[i] = type == TENSOR_F32 ? value : bf16_to_float(bf16_from_float(value));
    }
    return values;
}

/* A tensor of `type` with those values; freed by the caller. */
static void *make_tensor(const float *values, size_t count, enum tensor_type type)
{
    void *tensor = malloc(count * tensor_type_bytes(type));
    assert_non_null(tensor);
    for (size_t i = 0; i < count; i++)
        if (type == TENSOR_F32)
            ((float *)tensor)[i] = values[i];
        else
            ((struct bf16 *)tensor)[i] = bf16_from_float(values[i]);
    return tensor;
}

/* Near `times` what is expected, and `plus`: up to what sums in float32 lose, and what rounding to the
 * tensor's type does to what is computed and, once more, to the sum with what it is added to. */
static void check_near(const void *tensor, enum tensor_type type, const double *expected, size_t count,
                       double times, double plus)
{
    for (size_t i = 0; i < count; i++) {
        double value = times * expected[i] + plus;
        double rounding = type == TENSOR_F32 ? 0 : (fabs(times * expected[i]) + fabs(plus != 0 ? value : 0)) / 256;
        double tolerance = 2e-4 * (1 + fabs(expected[i])) + rounding;
        assert_near(type == TENSOR_F32 ? ((const float *)tensor)[i]
                                       : bf16_to_float(((const struct bf16 *)tensor)[i]),
                    value, tolerance);
    }
}

/* What is computed by a layer for a batch: from x, dy and weights; y, dx and d_weights start as noise. */
struct batch {
    struct layer layer;
    enum tensor_type type;
    uint32_t count;
    size_t in, out, taps; /* values of an image, and weights */
    void *x, *dy, *y, *dx;
    float *weights, *d_weights;
};

static void check_passes(struct convolution *convolution, const struct batch *b, const struct sums *sums)
{
    enum tensor_type y_type = b->layer.kind == LAYER_LINEAR ? TENSOR_F32 : b->type;
    size_t ins = b->count * b->in, outs = b->count * b->out;
    assert_int_equal(convolution_forward(convolution, b->y, b->x, b->weights, b->count), TIDY_OK);
    check_near(b->y, y_type, sums->y, outs, 1, 0);
    assert_int_equal(convolution_backward_data(convolution, b->dx, b->dy, b->weights, b->count, false), TIDY_OK);
    check_near(b->dx, b->type, sums->dx, ins, 1, 0);
    for (size_t i = 0; i < ins; i++)
        if (b->type == TENSOR_F32)
            ((float *)b->dx)[i] = 5;
        else
            ((struct bf16 *)b->dx)[i] = bf16_from_float(5);
    assert_int_equal(convolution_backward_data(convolution, b->dx, b->dy, b->weights, b->count, true), TIDY_OK);
    check_near(b->dx, b->type, sums->dx, ins, 1, 5);
    assert_int_equal(convolution_backward_weights(convolution, b->d_weights, b->x, b->dy, b->count), TIDY_OK);
    check_near(b->d_weights, TENSOR_F32, sums->d_weights, b->taps, 1, 0);

    for (size_t i = 0; i < b->taps; i++)
        b->weights[i] *= 2;
    convolution_weights_changed(convolution, b->weights);
    assert_int_equal(convolution_forward(convolution, b->y, b->x, b->weights, b->count), TIDY_OK);
    check_near(b->y, y_type, sums->y, outs, 2, 0);
    assert_int_equal(convolution_backward_data(convolution, b->dx, b->dy, b->weights, b->count, false), TIDY_OK);
    check_near(b->dx, b->type, sums->dx, ins, 2, 0);
}

/* batch_size images are compiled for, count of them are run: an epoch's last batch is smaller. */
static void check_layer(struct layer layer, uint32_t batch_size, uint32_t count, enum tensor_type type)
{
    struct onednn *onednn;
    struct convolution *convolution;
    assert_int_equal(onednn_create(&onednn), TIDY_OK);
    int status = convolution_create(&convolution, onednn, &layer, batch_size, type);
    if (status != TIDY_OK && type == TENSOR_BF16) {
        /* A processor that cannot is told so. */
        assert_non_null(strstr(tidy_error_message(), "leave --precision bf16 out"));
        onednn_destroy(onednn);
        return;
    }
    assert_int_equal(status, TIDY_OK);
    struct batch b = {.layer = layer,
                      .type = type,
                      .count = count,
                      .in = layer_input_size(&layer),
                      .out = layer_output_size(&layer),
                      .taps = (size_t)layer.kernel * layer.kernel * layer.in_channels * layer.out_channels};
    struct random_stream random = random_open(b.in * 31 + b.out, RANDOM_ORDER, layer.kernel);
    float *x = random_values(&random, batch_size * b.in, type),
          *dy = random_values(&random, batch_size * b.out, type);
    b.weights = random_values(&random, b.taps, type);
    b.d_weights = random_values(&random, b.taps, TENSOR_F32);
    b.x = make_tensor(x, batch_size * b.in, type);
    b.dx = make_tensor(x, batch_size * b.in, type);
    b.dy = make_tensor(dy, batch_size * b.out, type);
    b.y = make_tensor(dy, batch_size * b.out, TENSOR_F32);
    struct sums sums = {x,
                        dy,
                        b.weights,
                        calloc(count * b.out, sizeof(double)),
                        calloc(count * b.in, sizeof(double)),
                        calloc(b.taps, sizeof(double))};
    for_each_term(&layer, count, add_term, &sums);
    check_passes(convolution, &b, &sums);
    convolution_destroy(convolution);
    onednn_destroy(onednn);
    free(sums.y);
    free(sums.dx);
    free(sums.d_weights);
    free(b.y);
    free(b.dy);
    free(b.dx);
    free(b.x);
    free(b.d_weights);
    free(b.weights);
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

static void check_shapes(uint32_t batch_size, uint32_t count, enum tensor_type type)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const uint32_t *s = shapes[i];
        check_layer(make_layer(s[0], s[1], s[2], s[3], s[4], s[5]), batch_size, count, type);
    }
}

static void test_full_batches_equal_plain_loops(void **state)
{
    (void)state;
    check_shapes(4, 4, TENSOR_F32);
    check_shapes(4, 4, TENSOR_BF16);
}

static void test_smaller_batches_equal_plain_loops(void **state)
{
    (void)state;
    check_shapes(5, 3, TENSOR_F32);
    check_shapes(5, 3, TENSOR_BF16);
}

static void test_batch_of_one_equals_plain_loops(void **state)
{
    (void)state;
    check_shapes(1, 1, TENSOR_F32);
    check_shapes(1, 1, TENSOR_BF16);
}

/* Many rows: weights are packed. */
static void test_large_batches_equal_plain_loops(void **state)
{
    (void)state;
    check_layer(make_layer(1, 1, 8, 8, 16, 24), 20, 18, TENSOR_F32);
    check_layer(make_layer(1, 1, 8, 8, 16, 24), 20, 18, TENSOR_BF16);
    check_layer(make_layer(1, 2, 16, 16, 24, 8), 20, 18, TENSOR_F32);
    check_layer(make_layer(1, 2, 16, 16, 24, 8), 20, 18, TENSOR_BF16);
}

/* Each layer of a network, with a few images. */
static void check_network(const char *name, uint32_t size)
{
    struct network network;
    assert_int_equal(network_create(&network, name, size, size, 1, 10), TIDY_OK);
    for (int i = 0; i < network.layer_count; i++) {
        struct layer layer = network.layers[i];
        bool seen = layer.kind != LAYER_CONVOLUTION && layer.kind != LAYER_LINEAR;
        for (int k = 0; k < i; k++)
            seen = seen ||
                   (network.layers[k].kind == layer.kind && layer_same_convolution(&network.layers[k], &layer));
        if (seen)
            continue;
        if (layer.kind == LAYER_LINEAR) /* as for_each_term sees it: all values are channels of one pixel */
            layer = (struct layer){.kind = LAYER_LINEAR,
                                   .kernel = 1,
                                   .stride = 1,
                                   .in_height = 1,
                                   .in_width = 1,
                                   .in_channels = (uint32_t)layer_input_size(&layer),
                                   .out_height = 1,
                                   .out_width = 1,
                                   .out_channels = layer.out_channels};
        layer.input = 0; /* all have a data gradient */
        check_layer(layer, 3, 2, TENSOR_F32);
        check_layer(layer, 3, 2, TENSOR_BF16);
    }
    network_destroy(&network);
}

static void test_each_layer_of_the_networks_equals_plain_loops(void **state)
{
    (void)state;
    check_network("small", 28);
    check_network("resnet50", 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_batches_equal_plain_loops),
        cmocka_unit_test(test_smaller_batches_equal_plain_loops),
        cmocka_unit_test(test_batch_of_one_equals_plain_loops),
        cmocka_unit_test(test_large_batches_equal_plain_loops),
        cmocka_unit_test(test_each_layer_of_the_networks_equals_plain_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
