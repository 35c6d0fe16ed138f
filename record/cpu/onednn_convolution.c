/* oneDNN's convolution primitive: one pass of a layer, with its weights in the layout it likes best. */
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "record/cpu/onednn_primitive.h"

/* A convolution's geometry as oneDNN wants it. */
struct geometry {
    struct shape in, out, weights, gradient; /* gradient: of the weights, which is float32 */
    dnnl_dims_t stride, dilation, padding_before, padding_after;
};

static dnnl_status_t describe_convolution(dnnl_primitive_desc_t *out, const struct geometry *g,
                                          enum onednn_pass pass, const struct onednn *onednn,
                                          const_dnnl_primitive_desc_t forward)
{
    dnnl_engine_t engine = onednn->engine;
    const_dnnl_primitive_attr_t attributes = onednn->attributes;
    shape_reference in = refer(&g->in), to = refer(&g->out), weights = refer(&g->weights);
    shape_reference gradient = refer(&g->gradient);
#if DNNL_VERSION_MAJOR >= 3
    switch (pass) {
    case ONEDNN_FORWARD:
        return dnnl_convolution_forward_primitive_desc_create(
            out, engine, dnnl_forward_training, dnnl_convolution_direct, in, weights, NULL, to, g->stride,
            g->dilation, g->padding_before, g->padding_after, attributes);
    case ONEDNN_BACKWARD_DATA:
        return dnnl_convolution_backward_data_primitive_desc_create(
            out, engine, dnnl_convolution_direct, in, weights, to, g->stride, g->dilation, g->padding_before,
            g->padding_after, forward, attributes);
    default:
        return dnnl_convolution_backward_weights_primitive_desc_create(
            out, engine, dnnl_convolution_direct, in, gradient, NULL, to, g->stride, g->dilation, g->padding_before,
            g->padding_after, forward, attributes);
    }
#else
    dnnl_convolution_desc_t description;
    dnnl_status_t status;
    switch (pass) {
    case ONEDNN_FORWARD:
        status =
            dnnl_convolution_forward_desc_init(&description, dnnl_forward_training, dnnl_convolution_direct, in,
                                               weights, NULL, to, g->stride, g->padding_before, g->padding_after);
        break;
    case ONEDNN_BACKWARD_DATA:
        status = dnnl_convolution_backward_data_desc_init(&description, dnnl_convolution_direct, in, weights, to,
                                                          g->stride, g->padding_before, g->padding_after);
        break;
    default:
        status =
            dnnl_convolution_backward_weights_desc_init(&description, dnnl_convolution_direct, in, gradient, NULL,
                                                        to, g->stride, g->padding_before, g->padding_after);
        break;
    }
    if (status != dnnl_success)
        return status;
    return dnnl_primitive_desc_create(out, &description, attributes, engine, forward);
#endif
}

static int make_geometry(struct geometry *g, const struct layer *layer, uint32_t count, enum tensor_type type)
{
    const uint32_t ins[2] = {layer->in_height, layer->in_width}, outs[2] = {layer->out_height, layer->out_width};
    *g = (struct geometry){0};
    for (int i = 0; i < 2; i++) {
        g->stride[i] = layer->stride;
        g->padding_before[i] = layer->padding;
        /* What the last window reaches beyond the image: less than `padding` where the stride does not fit. */
        g->padding_after[i] = (dnnl_dim_t)(outs[i] - 1) * layer->stride + layer->kernel - ins[i] - layer->padding;
    }
    const dnnl_dims_t in = {count, layer->in_channels, layer->in_height, layer->in_width};
    const dnnl_dims_t out = {count, layer->out_channels, layer->out_height, layer->out_width};
    const dnnl_dims_t weights = {layer->out_channels, layer->in_channels, layer->kernel, layer->kernel};
    dnnl_status_t status = shape_make(&g->in, 4, in, type, dnnl_nhwc);
    if (status == dnnl_success)
        status = shape_make(&g->out, 4, out, type, dnnl_nhwc);
    if (status == dnnl_success)
        status = shape_make(&g->weights, 4, weights, type, dnnl_format_tag_any);
    if (status == dnnl_success)
        status = shape_make(&g->gradient, 4, weights, TENSOR_F32, dnnl_format_tag_any);
    return onednn_check(status, type, "describing a layer");
}

static void destroy_geometry(struct geometry *g)
{
    shape_destroy(&g->gradient);
    shape_destroy(&g->weights);
    shape_destroy(&g->out);
    shape_destroy(&g->in);
}

/* The roles of `in`, `out` and `weights` in each pass, and the query for the weights' layout. */
static const struct {
    int in, out, weights;
    dnnl_query_t weights_query;
} pass_roles[ONEDNN_PASSES] = {
    [ONEDNN_FORWARD] = {DNNL_ARG_SRC, DNNL_ARG_DST, DNNL_ARG_WEIGHTS, dnnl_query_weights_md},
    [ONEDNN_BACKWARD_DATA] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, dnnl_query_weights_md},
    [ONEDNN_BACKWARD_WEIGHTS] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS,
                                 dnnl_query_diff_weights_md},
};

/* Between our layout of the weights and the convolution's. */
static int bind_reorder(struct onednn_operation *operation, const struct layer *layer, shape_reference packed)
{
    bool unpack = operation->pass == ONEDNN_BACKWARD_WEIGHTS;
    const dnnl_dims_t sizes = {layer->out_channels, layer->in_channels, layer->kernel, layer->kernel};
    struct shape plain = {0};
    int status =
        onednn_check(shape_make(&plain, 4, sizes, TENSOR_F32, dnnl_hwio), TENSOR_F32, "describing weights");
    if (status == TIDY_OK)
        status =
            operation_bind_reorder(operation, unpack ? packed : refer(&plain), unpack ? refer(&plain) : packed);
    shape_destroy(&plain);
    return status;
}

int onednn_convolution_create(struct onednn_operation **out, struct onednn *onednn, const struct layer *layer,
                              uint32_t count, enum onednn_pass pass, enum tensor_type type)
{
    struct onednn_operation *operation;
    struct geometry geometry;
    dnnl_primitive_desc_t forward = NULL, description = NULL;
    *out = NULL;
    int status = memory_allocate(&operation, 1, sizeof *operation, "a convolution");
    if (status != TIDY_OK)
        return status;
    operation->onednn = onednn;
    operation->pass = pass;
    if ((status = make_geometry(&geometry, layer, count, type)) != TIDY_OK)
        goto done;
    /* The backward passes ask for the forward one's description as a hint. */
    status = onednn_check(describe_convolution(&forward, &geometry, ONEDNN_FORWARD, onednn, NULL), type,
                          "describing a convolution");
    if (status == TIDY_OK && pass != ONEDNN_FORWARD)
        status = onednn_check(describe_convolution(&description, &geometry, pass, onednn, forward), type,
                              "describing a convolution's gradient");
    if (status != TIDY_OK)
        goto done;
    const_dnnl_primitive_desc_t chosen = pass == ONEDNN_FORWARD ? forward : description;
    shape_reference packed = dnnl_primitive_desc_query_md(chosen, pass_roles[pass].weights_query, 0);
    struct buffer *weights = pass == ONEDNN_BACKWARD_WEIGHTS ? &onednn->gradient : &operation->packed;
    struct bound_primitive *main = &operation->main;
    if ((status = buffer_grow(weights, dnnl_memory_desc_get_size(packed))) != TIDY_OK ||
        (status = primitive_bind(main, onednn, chosen)) != TIDY_OK ||
        (status = primitive_bind_argument(main, onednn, pass_roles[pass].in, refer(&geometry.in))) != TIDY_OK ||
        (status = primitive_bind_argument(main, onednn, pass_roles[pass].out, refer(&geometry.out))) != TIDY_OK ||
        (status = primitive_bind_argument(main, onednn, pass_roles[pass].weights, packed)) != TIDY_OK)
        goto done;
    status = bind_reorder(operation, layer, packed);
done:
    if (description != NULL)
        dnnl_primitive_desc_destroy(description);
    if (forward != NULL)
        dnnl_primitive_desc_destroy(forward);
    destroy_geometry(&geometry);
    if (status == TIDY_OK)
        *out = operation;
    else
        onednn_operation_destroy(operation);
    return status;
}

int onednn_convolution_run(struct onednn_operation *operation, void *in, void *out, float *weights)
{
    struct onednn *onednn = operation->onednn;
    if (operation->pass == ONEDNN_BACKWARD_WEIGHTS) {
        void *gradient = onednn->gradient.values;
        int status = primitive_run(&operation->main, onednn, (void *[]){in, out, gradient}, "a convolution");
        if (status == TIDY_OK)
            status =
                primitive_run(&operation->reorder, onednn, (void *[]){gradient, weights}, "unpacking a gradient");
        return status;
    }
    int status = operation_pack(operation, weights);
    if (status == TIDY_OK)
        status =
            primitive_run(&operation->main, onednn, (void *[]){in, out, operation->packed.values}, "a convolution");
    return status;
}
