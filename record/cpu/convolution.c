/* Chooses a formulation for each pass of a convolution layer and runs it. */
#include "record/cpu/convolution.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "record/cpu/convolution_columns.h"
#include "record/cpu/weight_matrix.h"

enum formulation {
    DIRECT,  /* oneDNN's convolution */
    PIXELS,  /* a product of all pixels as rows: 1x1 kernels with stride 1 */
    COLUMNS, /* a product of what each output pixel sees as rows */
    DENSE,   /* a product of images as rows, by a matrix of all input pixels to all output pixels */
};

enum {
    DENSE_BLOCKS = 16,             /* input pixels x output pixels: 2x2 to 2x2 */
    COLUMNS_MOST_BYTES = 16 << 20, /* beyond that they would be in nobody's cache */
    COLUMNS_CHANNELS = 16,         /* below that copies are slower than the product they make */
    PACKED_ROWS = 1024,            /* from there on packing weights costs less than it saves */
};

struct convolution {
    struct onednn *onednn;
    struct layer layer;
    enum tensor_type type, out_type;
    uint32_t batch_size; /* that the passes are compiled for */
    enum formulation formulation[ONEDNN_PASSES];
    struct onednn_operation *operations[ONEDNN_PASSES];
    struct onednn_operation *adding; /* backward data into a dx that is added to: products alone */
    struct weight_matrix matrix;     /* of passes that are products: one formulation serves all of them */
};

/* ---- choosing ------------------------------------------------------------------------------------------ */

/* By measurements of both (docs/performance.md), on AVX-512. */
static enum formulation choose(const struct convolution *c, enum onednn_pass pass)
{
    const struct layer *layer = &c->layer;
    if (layer->kernel == 1)
        return layer->stride == 1 ? PIXELS : COLUMNS;
    if (layer_output_pixels(layer) * layer->in_height * layer->in_width <= DENSE_BLOCKS)
        return DENSE;
    if (pass == ONEDNN_BACKWARD_WEIGHTS && layer->stride > 1 && layer->in_channels >= COLUMNS_CHANNELS &&
        columns_bytes(layer, c->batch_size, c->type) <= COLUMNS_MOST_BYTES)
        return COLUMNS;
    return DIRECT;
}

/* Rows of the product of a whole batch. */
static size_t product_rows(const struct convolution *c, enum formulation formulation)
{
    return c->batch_size * (formulation == DENSE ? 1 : layer_output_pixels(&c->layer));
}

static int compile_product(struct convolution *c, struct onednn_operation **out, enum onednn_pass pass,
                           bool accumulate)
{
    size_t rows = product_rows(c, c->formulation[pass]), depth = c->matrix.depth, columns = c->matrix.columns;
    bool pack = rows >= PACKED_ROWS;
    const struct product products[ONEDNN_PASSES] = {
        [ONEDNN_FORWARD] = {rows, columns, depth, false, false, pack, false, c->type, c->out_type},
        [ONEDNN_BACKWARD_DATA] = {rows, depth, columns, false, true, pack, accumulate, c->type, c->type},
        [ONEDNN_BACKWARD_WEIGHTS] = {depth, columns, rows, true, false, false, false, c->type, TENSOR_F32},
    };
    return onednn_product_create(out, c->onednn, &products[pass]);
}

static int compile_pass(struct convolution *c, enum onednn_pass pass)
{
    size_t image = layer_input_size(&c->layer) * tensor_type_bytes(c->type);
    switch (c->formulation[pass]) {
    case DIRECT: {
        int status =
            onednn_convolution_create(&c->operations[pass], c->onednn, &c->layer, c->batch_size, pass, c->type);
        /* oneDNN's convolution does not add to a gradient. */
        if (status == TIDY_OK && pass == ONEDNN_BACKWARD_DATA)
            status = onednn_reserve(c->onednn, c->batch_size * image);
        return status;
    }
    case COLUMNS: {
        int status = onednn_reserve(c->onednn, columns_bytes(&c->layer, c->batch_size, c->type));
        return status == TIDY_OK ? compile_product(c, &c->operations[pass], pass, false) : status;
    }
    default: {
        int status = compile_product(c, &c->operations[pass], pass, false);
        if (status == TIDY_OK && pass == ONEDNN_BACKWARD_DATA)
            status = compile_product(c, &c->adding, pass, true);
        if (status == TIDY_OK && pass == ONEDNN_BACKWARD_WEIGHTS)
            status = onednn_reserve(c->onednn, c->matrix.depth * c->matrix.columns * sizeof(float));
        return status;
    }
    }
}

static int compile(struct convolution *c)
{
    int status = TIDY_OK;
    for (enum onednn_pass pass = ONEDNN_FORWARD; pass < ONEDNN_PASSES; pass++)
        c->formulation[pass] = choose(c, pass);
    /* Where there are products, backward weights is one. */
    if (c->formulation[ONEDNN_BACKWARD_WEIGHTS] == DENSE)
        status = weight_matrix_create_dense(&c->matrix, &c->layer, c->type);
    else if (c->formulation[ONEDNN_BACKWARD_WEIGHTS] != DIRECT)
        status = weight_matrix_create_columns(&c->matrix, &c->layer, c->type);
    for (enum onednn_pass pass = ONEDNN_FORWARD; pass < ONEDNN_PASSES && status == TIDY_OK; pass++)
        if (pass != ONEDNN_BACKWARD_DATA || c->layer.input != LAYER_IMAGES)
            status = compile_pass(c, pass);
    return status;
}

int convolution_create(struct convolution **out, struct onednn *onednn, const struct layer *layer,
                       uint32_t batch_size, enum tensor_type type)
{
    struct convolution *c;
    *out = NULL;
    int status = memory_allocate(&c, 1, sizeof *c, "a convolution");
    if (status != TIDY_OK)
        return status;
    c->onednn = onednn;
    c->layer = *layer;
    c->batch_size = batch_size;
    c->type = type;
    c->out_type = layer->kind == LAYER_LINEAR ? TENSOR_F32 : type;
    if (layer->kind == LAYER_LINEAR) {
        /* A linear layer is a 1x1 convolution of one pixel, which has all values of the input as its channels. */
        c->layer.kernel = c->layer.stride = c->layer.in_height = c->layer.in_width = 1;
        c->layer.padding = 0;
        c->layer.in_channels *= layer->in_height * layer->in_width;
    }
    status = compile(c);
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
    weight_matrix_destroy(&c->matrix);
    onednn_operation_destroy(c->adding);
    for (int pass = 0; pass < ONEDNN_PASSES; pass++)
        onednn_operation_destroy(c->operations[pass]);
    free(c);
}

const char *convolution_formulation(const struct convolution *c, enum onednn_pass pass)
{
    static const char *const names[] = {
        [DIRECT] = "direct", [PIXELS] = "pixels", [COLUMNS] = "columns", [DENSE] = "dense"};
    return names[c->formulation[pass]];
}

/* ---- running ------------------------------------------------------------------------------------------- */

void convolution_weights_changed(struct convolution *c, const float *weights)
{
    c->matrix.current = false;
    if (c->formulation[ONEDNN_FORWARD] != DIRECT)
        weight_matrix_values(&c->matrix, weights);
    for (int pass = 0; pass < ONEDNN_PASSES; pass++)
        if (c->operations[pass] != NULL)
            onednn_weights_changed(c->operations[pass]);
    if (c->adding != NULL)
        onednn_weights_changed(c->adding);
}

int convolution_forward(struct convolution *c, void *y, void *x, const float *weights, uint32_t count)
{
    struct onednn_operation *operation = c->operations[ONEDNN_FORWARD];
    if (c->formulation[ONEDNN_FORWARD] == DIRECT)
        return onednn_convolution_run(operation, x, y, (float *)weights);
    void *rows = x;
    if (c->formulation[ONEDNN_FORWARD] == COLUMNS) {
        rows = onednn_reserved(c->onednn);
        columns_gather(rows, x, &c->layer, count, c->type);
    }
    return onednn_product_run(operation, y, rows, weight_matrix_values(&c->matrix, weights));
}

int convolution_backward_data(struct convolution *c, void *dx, void *dy, const float *weights, uint32_t count,
                              bool accumulate)
{
    struct onednn_operation *operation = c->operations[ONEDNN_BACKWARD_DATA];
    void *reserved = onednn_reserved(c->onednn);
    if (c->formulation[ONEDNN_BACKWARD_DATA] == DIRECT) {
        int status = onednn_convolution_run(operation, accumulate ? reserved : dx, dy, (float *)weights);
        if (status == TIDY_OK && accumulate)
            columns_add(dx, reserved, count * layer_input_size(&c->layer), c->type);
        return status;
    }
    void *values = weight_matrix_values(&c->matrix, weights);
    if (c->formulation[ONEDNN_BACKWARD_DATA] != COLUMNS)
        return onednn_product_run(accumulate ? c->adding : operation, dx, dy, values);
    int status = onednn_product_run(operation, reserved, dy, values);
    if (status == TIDY_OK)
        columns_scatter(dx, reserved, &c->layer, count, c->type, accumulate);
    return status;
}

/* Sets the images after `count` to 0. */
static void clear_missing(void *tensor, size_t image_bytes, uint32_t count, uint32_t batch_size)
{
    memset((char *)tensor + count * image_bytes, 0, (batch_size - count) * image_bytes);
}

int convolution_backward_weights(struct convolution *c, float *d_weights, void *x, void *dy, uint32_t count)
{
    struct onednn_operation *operation = c->operations[ONEDNN_BACKWARD_WEIGHTS];
    void *reserved = onednn_reserved(c->onednn);
    size_t element = tensor_type_bytes(c->type);
    /* The compiled pass sums over batch_size images: the missing ones must add nothing. */
    clear_missing(x, layer_input_size(&c->layer) * element, count, c->batch_size);
    clear_missing(dy, layer_output_size(&c->layer) * element, count, c->batch_size);
    if (c->formulation[ONEDNN_BACKWARD_WEIGHTS] == DIRECT)
        return onednn_convolution_run(operation, x, dy, d_weights);
    void *rows = x;
    if (c->formulation[ONEDNN_BACKWARD_WEIGHTS] == COLUMNS) {
        rows = reserved;
        columns_gather(rows, x, &c->layer, c->batch_size, c->type);
    }
    float *gradient = weight_matrix_gradient(&c->matrix, d_weights);
    int status = onednn_product_run(operation, gradient != NULL ? gradient : reserved, rows, dy);
    if (status == TIDY_OK && gradient == NULL)
        weight_matrix_fold(&c->matrix, d_weights, reserved);
    return status;
}
