/* Chooses a formulation for a convolution layer and runs its three passes in it. */
#include "record/cpu/convolution.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"

/* Output pixels up to which products beat oneDNN 2.6's convolution, for each pass (docs/performance.md). */
static const size_t product_pixels[ONEDNN_PASSES] = {
    [ONEDNN_FORWARD] = 16,
    [ONEDNN_BACKWARD_DATA] = 16,
    [ONEDNN_BACKWARD_WEIGHTS] = 4,
};

/* One product of the sum that makes an output pixel: a run of neighbouring input pixels, which lie side by side in
 * a row of NHWC, times the same run of kernel taps. Offsets in floats. */
struct product {
    size_t in, out, weights;
    size_t depth; /* run length x in_channels */
    bool first;   /* of its output pixel */
};

struct convolution {
    struct onednn *onednn;
    struct layer layer;
    size_t product_count;
    struct product *products;
    size_t in_stride, out_stride; /* floats from one row of the products to the next */
    size_t rows_per_image;
    size_t weight_count;

    uint32_t batch_size;
    struct onednn_operation *direct[ONEDNN_PASSES]; /* compiled for batch_size images; NULL: products */
    float *added;                                   /* direct gradient that is to be added to dx */
};

/* Floats of one image. */
static size_t in_size(const struct convolution *c)
{
    return layer_input_size(&c->layer);
}

static size_t out_size(const struct convolution *c)
{
    return layer_output_size(&c->layer);
}

/* All pixels of all images as rows of one product. */
static int make_one_product(struct convolution *c)
{
    const struct layer *layer = &c->layer;
    int status = memory_allocate(&c->products, 1, sizeof *c->products, "a convolution's products");
    if (status != TIDY_OK)
        return status;
    c->product_count = 1;
    c->products[0] = (struct product){.depth = layer->in_channels, .first = true};
    c->rows_per_image = layer_output_pixels(layer);
    c->in_stride = layer->in_channels;
    c->out_stride = layer->out_channels;
    return TIDY_OK;
}

/* Images as rows, one product for each output pixel and kernel row that is not padding. */
static int make_products(struct convolution *c)
{
    const struct layer *layer = &c->layer;
    size_t most = (size_t)layer->out_height * layer->out_width * layer->kernel;
    int status = memory_allocate(&c->products, most, sizeof *c->products, "a convolution's products");
    if (status != TIDY_OK)
        return status;
    int64_t height = layer->in_height, width = layer->in_width, kernel = layer->kernel;
    for (int64_t out_y = 0; out_y < layer->out_height; out_y++)
        for (int64_t out_x = 0; out_x < layer->out_width; out_x++) {
            int64_t top = out_y * layer->stride - layer->padding, left = out_x * layer->stride - layer->padding;
            int64_t tap_x = left < 0 ? -left : 0, tap_end = left + kernel > width ? width - left : kernel;
            bool first = true;
            for (int64_t tap_y = 0; tap_y < kernel; tap_y++) {
                if (top + tap_y < 0 || top + tap_y >= height)
                    continue;
                size_t in_pixel = (size_t)((top + tap_y) * width + left + tap_x);
                size_t out_pixel = (size_t)(out_y * layer->out_width + out_x);
                c->products[c->product_count++] = (struct product){
                    .in = in_pixel * layer->in_channels,
                    .out = out_pixel * layer->out_channels,
                    .weights = (size_t)(tap_y * kernel + tap_x) * layer->in_channels * layer->out_channels,
                    .depth = (size_t)(tap_end - tap_x) * layer->in_channels,
                    .first = first,
                };
                first = false;
            }
        }
    c->rows_per_image = 1;
    c->in_stride = in_size(c);
    c->out_stride = out_size(c);
    return TIDY_OK;
}

/* Compiles the passes for which the layer has too many pixels for products. */
static int compile_direct(struct convolution *c)
{
    int status = TIDY_OK;
    for (enum onednn_pass pass = ONEDNN_FORWARD; pass < ONEDNN_PASSES && status == TIDY_OK; pass++) {
        bool unused = pass == ONEDNN_BACKWARD_DATA && c->layer.input == LAYER_IMAGES;
        if (!unused && layer_output_pixels(&c->layer) > product_pixels[pass])
            status = onednn_convolution_create(&c->direct[pass], c->onednn, &c->layer, c->batch_size, pass);
    }
    if (status == TIDY_OK && c->direct[ONEDNN_BACKWARD_DATA] != NULL)
        status = memory_allocate(&c->added, c->batch_size * in_size(c), sizeof(float), "a convolution's gradient");
    return status;
}

int convolution_create(struct convolution **out, struct onednn *onednn, const struct layer *layer,
                       uint32_t batch_size, enum tensor_type type)
{
    *out = NULL;
    if (type != TENSOR_F32)
        return tidy_fail("the CPU's convolutions are made in float32 alone");
    struct convolution *c;
    int status = memory_allocate(&c, 1, sizeof *c, "a convolution");
    if (status != TIDY_OK)
        return status;
    c->onednn = onednn;
    c->layer = *layer;
    c->batch_size = batch_size;
    if (layer->kind == LAYER_LINEAR) {
        /* A linear layer is a 1x1 convolution of one pixel, which has all values of the input as its channels. */
        c->layer.kernel = c->layer.stride = c->layer.in_height = c->layer.in_width = 1;
        c->layer.padding = 0;
        c->layer.in_channels *= layer->in_height * layer->in_width;
    }
    layer = &c->layer;
    c->weight_count = (size_t)layer->kernel * layer->kernel * layer->in_channels * layer->out_channels;
    if (layer->kernel == 1 && layer->stride == 1)
        status = make_one_product(c);
    else if ((status = make_products(c)) == TIDY_OK)
        status = compile_direct(c);
    if (status == TIDY_OK)
        *out = c;
    else
        convolution_destroy(c);
    return status;
}

void convolution_destroy(struct convolution *c)
{
    if (c == NULL)
        return;
    free(c->added);
    for (int pass = 0; pass < ONEDNN_PASSES; pass++)
        onednn_operation_destroy(c->direct[pass]);
    free(c->products);
    free(c);
}

void convolution_weights_changed(struct convolution *c)
{
    for (int pass = 0; pass < ONEDNN_PASSES; pass++)
        if (c->direct[pass] != NULL)
            onednn_weights_changed(c->direct[pass]);
}

int convolution_forward(struct convolution *c, void *y_tensor, void *x_tensor, const float *weights, uint32_t count)
{
    float *y = y_tensor, *x = x_tensor;
    if (c->direct[ONEDNN_FORWARD] != NULL)
        return onednn_convolution_run(c->direct[ONEDNN_FORWARD], x, y, (float *)weights);
    size_t outputs = c->layer.out_channels;
    int status = TIDY_OK;
    for (size_t i = 0; i < c->product_count && status == TIDY_OK; i++) {
        const struct product *p = &c->products[i];
        status = onednn_multiply((struct matrix){y + p->out, c->out_stride, false},
                                 (struct matrix){x + p->in, c->in_stride, false},
                                 (struct matrix){(float *)weights + p->weights, outputs, false},
                                 count * c->rows_per_image, outputs, p->depth, !p->first);
    }
    return status;
}

static void set_to_zero(float *values, size_t count)
{
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        values[i] = 0;
}

static void add_to(float *restrict sum, const float *restrict added, size_t count)
{
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        sum[i] += added[i];
}

int convolution_backward_data(struct convolution *c, void *dx_tensor, void *dy_tensor, const float *weights,
                              uint32_t count, bool accumulate)
{
    float *dx = dx_tensor, *dy = dy_tensor;
    if (c->direct[ONEDNN_BACKWARD_DATA] != NULL) {
        float *gradient = accumulate ? c->added : dx;
        int status = onednn_convolution_run(c->direct[ONEDNN_BACKWARD_DATA], gradient, dy, (float *)weights);
        if (status == TIDY_OK && accumulate)
            add_to(dx, c->added, count * in_size(c));
        return status;
    }
    size_t outputs = c->layer.out_channels;
    bool one = c->product_count == 1 && c->products[0].depth == c->in_stride;
    if (!accumulate && !one)
        set_to_zero(dx, count * in_size(c));
    int status = TIDY_OK;
    for (size_t i = 0; i < c->product_count && status == TIDY_OK; i++) {
        const struct product *p = &c->products[i];
        status = onednn_multiply((struct matrix){dx + p->in, c->in_stride, false},
                                 (struct matrix){dy + p->out, c->out_stride, false},
                                 (struct matrix){(float *)weights + p->weights, outputs, true},
                                 count * c->rows_per_image, p->depth, outputs, accumulate || !one);
    }
    return status;
}

int convolution_backward_weights(struct convolution *c, float *d_weights, void *x_tensor, void *dy_tensor,
                                 uint32_t count)
{
    float *x = x_tensor, *dy = dy_tensor;
    if (c->direct[ONEDNN_BACKWARD_WEIGHTS] != NULL) {
        /* The compiled pass sums over batch_size images: the missing ones must add nothing. */
        size_t missing = c->batch_size - count;
        memset(x + count * in_size(c), 0, missing * in_size(c) * sizeof(float));
        memset(dy + count * out_size(c), 0, missing * out_size(c) * sizeof(float));
        return onednn_convolution_run(c->direct[ONEDNN_BACKWARD_WEIGHTS], x, dy, d_weights);
    }
    size_t outputs = c->layer.out_channels;
    bool one = c->product_count == 1 && c->products[0].depth * outputs == c->weight_count;
    if (!one)
        set_to_zero(d_weights, c->weight_count);
    int status = TIDY_OK;
    for (size_t i = 0; i < c->product_count && status == TIDY_OK; i++) {
        const struct product *p = &c->products[i];
        status = onednn_multiply(
            (struct matrix){d_weights + p->weights, outputs, false}, (struct matrix){x + p->in, c->in_stride, true},
            (struct matrix){dy + p->out, c->out_stride, false}, p->depth, outputs, count * c->rows_per_image, !one);
    }
    return status;
}
