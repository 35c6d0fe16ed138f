/* oneDNN's C API behind a few calls; the only file that knows which major version it is. */
#include "record/cpu/onednn.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"

/* ---- what differs between oneDNN 2 and 3: descriptors are structs there and handles here --------------- */

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t shape_reference;
struct shape {
    dnnl_memory_desc_t handle;
};
static shape_reference refer(const struct shape *shape)
{
    return shape->handle;
}
static dnnl_status_t make_shape(struct shape *out, int dimensions, const dnnl_dims_t sizes, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(&out->handle, dimensions, sizes, dnnl_f32, tag);
}
static void destroy_shape(struct shape *shape)
{
    if (shape->handle != NULL)
        dnnl_memory_desc_destroy(shape->handle);
}
#else
typedef const dnnl_memory_desc_t *shape_reference;
struct shape {
    dnnl_memory_desc_t value;
};
static shape_reference refer(const struct shape *shape)
{
    return &shape->value;
}
static dnnl_status_t make_shape(struct shape *out, int dimensions, const dnnl_dims_t sizes, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(&out->value, dimensions, sizes, dnnl_f32, tag);
}
static void destroy_shape(struct shape *shape)
{
    (void)shape;
}
#endif

/* A convolution's geometry as oneDNN wants it. */
struct geometry {
    struct shape in, out, weights;
    dnnl_dims_t stride, dilation, padding_before, padding_after;
};

static dnnl_status_t describe_convolution(dnnl_primitive_desc_t *out, const struct geometry *g,
                                          enum onednn_pass pass, dnnl_engine_t engine,
                                          const_dnnl_primitive_attr_t attributes,
                                          const_dnnl_primitive_desc_t forward)
{
    shape_reference in = refer(&g->in), to = refer(&g->out), weights = refer(&g->weights);
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
            out, engine, dnnl_convolution_direct, in, weights, NULL, to, g->stride, g->dilation, g->padding_before,
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
            dnnl_convolution_backward_weights_desc_init(&description, dnnl_convolution_direct, in, weights, NULL,
                                                        to, g->stride, g->padding_before, g->padding_after);
        break;
    }
    if (status != dnnl_success)
        return status;
    return dnnl_primitive_desc_create(out, &description, attributes, engine, forward);
#endif
}

/* ---- engine and shared buffers ------------------------------------------------------------------------- */

struct buffer {
    float *values;
    size_t bytes;
};

struct onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attributes; /* scratch memory comes from us */
    struct buffer scratch;            /* as large as the hungriest operation wants */
    struct buffer gradient;           /* of weights, in the layout of the operation that runs */
};

static int check(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return TIDY_OK;
    if (status == dnnl_out_of_memory)
        return tidy_fail("oneDNN: no memory for %s; a smaller --batch-size needs less", what);
    return tidy_fail("oneDNN: %s failed with status %d (%s)", what, (int)status, onednn_version());
}

static int grow_buffer(struct buffer *buffer, size_t bytes)
{
    if (bytes <= buffer->bytes)
        return TIDY_OK;
    free(buffer->values);
    *buffer = (struct buffer){0};
    int status = memory_allocate(&buffer->values, bytes, 1, "oneDNN's scratch memory");
    if (status == TIDY_OK)
        buffer->bytes = bytes;
    return status;
}

int onednn_create(struct onednn **out)
{
    int status = memory_allocate(out, 1, sizeof **out, "oneDNN");
    if (status != TIDY_OK)
        return status;
    struct onednn *onednn = *out;
    if ((status = check(dnnl_engine_create(&onednn->engine, dnnl_cpu, 0), "making a CPU engine")) != TIDY_OK ||
        (status = check(dnnl_stream_create(&onednn->stream, onednn->engine, dnnl_stream_default_flags),
                        "making a stream")) != TIDY_OK ||
        (status = check(dnnl_primitive_attr_create(&onednn->attributes), "making attributes")) != TIDY_OK ||
        (status = check(dnnl_primitive_attr_set_scratchpad_mode(onednn->attributes, dnnl_scratchpad_mode_user),
                        "taking over scratch memory")) != TIDY_OK) {
        onednn_destroy(onednn);
        *out = NULL;
    }
    return status;
}

void onednn_destroy(struct onednn *onednn)
{
    if (onednn == NULL)
        return;
    free(onednn->gradient.values);
    free(onednn->scratch.values);
    if (onednn->attributes != NULL)
        dnnl_primitive_attr_destroy(onednn->attributes);
    if (onednn->stream != NULL)
        dnnl_stream_destroy(onednn->stream);
    if (onednn->engine != NULL)
        dnnl_engine_destroy(onednn->engine);
    free(onednn);
}

const char *onednn_version(void)
{
    static char text[64];
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } names[] = {
        {dnnl_cpu_isa_sse41, "SSE4.1"},
        {dnnl_cpu_isa_avx, "AVX"},
        {dnnl_cpu_isa_avx2, "AVX2"},
        {dnnl_cpu_isa_avx2_vnni, "AVX2-VNNI"},
        {dnnl_cpu_isa_avx512_core, "AVX-512"},
        {dnnl_cpu_isa_avx512_core_vnni, "AVX-512-VNNI"},
        {dnnl_cpu_isa_avx512_core_bf16, "AVX-512-BF16"},
        {dnnl_cpu_isa_avx512_core_amx, "AMX"},
    };
    const dnnl_version_t *version = dnnl_version();
    const char *name = "other instructions";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (dnnl_get_effective_cpu_isa() == names[i].isa)
            name = names[i].name;
    snprintf(text, sizeof text, "oneDNN %d.%d.%d (%s)", version->major, version->minor, version->patch, name);
    return text;
}

/* ---- operations ---------------------------------------------------------------------------------------- */

enum { ARGUMENTS = 5 };

/* A primitive with its arguments; those whose place changes from run to run are set before each. */
struct bound_primitive {
    dnnl_primitive_t primitive;
    int count;
    dnnl_exec_arg_t arguments[ARGUMENTS];
};

static int bind_argument(struct bound_primitive *bound, struct onednn *onednn, int role, shape_reference shape)
{
    dnnl_exec_arg_t *argument = &bound->arguments[bound->count];
    int status = check(dnnl_memory_create(&argument->memory, shape, onednn->engine, DNNL_MEMORY_NONE),
                       "binding an argument");
    if (status == TIDY_OK) {
        argument->arg = role;
        bound->count++;
    }
    return status;
}

static int bind_primitive(struct bound_primitive *bound, struct onednn *onednn,
                          const_dnnl_primitive_desc_t description)
{
    int status = check(dnnl_primitive_create(&bound->primitive, description), "compiling an operation");
    if (status != TIDY_OK)
        return status;
    shape_reference scratch = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    if ((status = grow_buffer(&onednn->scratch, dnnl_memory_desc_get_size(scratch))) != TIDY_OK)
        return status;
    return bind_argument(bound, onednn, DNNL_ARG_SCRATCHPAD, scratch);
}

static void destroy_bound(struct bound_primitive *bound)
{
    for (int i = 0; i < bound->count; i++)
        dnnl_memory_destroy(bound->arguments[i].memory);
    if (bound->primitive != NULL)
        dnnl_primitive_destroy(bound->primitive);
}

/* Runs with the arguments' data at `places`, in the order they were bound after the scratch memory. */
static int run_bound(struct bound_primitive *bound, struct onednn *onednn, void *const *places, const char *what)
{
    dnnl_status_t status = dnnl_memory_set_data_handle(bound->arguments[0].memory, onednn->scratch.values);
    for (int i = 1; i < bound->count && status == dnnl_success; i++)
        status = dnnl_memory_set_data_handle(bound->arguments[i].memory, places[i - 1]);
    if (status == dnnl_success)
        status = dnnl_primitive_execute(bound->primitive, onednn->stream, bound->count, bound->arguments);
    if (status == dnnl_success)
        status = dnnl_stream_wait(onednn->stream);
    return check(status, what);
}

static int make_geometry(struct geometry *g, const struct layer *layer, uint32_t count)
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
    dnnl_status_t status = make_shape(&g->in, 4, in, dnnl_nhwc);
    if (status == dnnl_success)
        status = make_shape(&g->out, 4, out, dnnl_nhwc);
    if (status == dnnl_success)
        status = make_shape(&g->weights, 4, weights, dnnl_format_tag_any);
    return check(status, "describing a layer");
}

static void destroy_geometry(struct geometry *g)
{
    destroy_shape(&g->weights);
    destroy_shape(&g->out);
    destroy_shape(&g->in);
}

struct onednn_operation {
    struct onednn *onednn;
    enum onednn_pass pass;
    struct bound_primitive convolution;
    struct bound_primitive reorder; /* our layout of the weights to the convolution's, or back */
    struct buffer packed;           /* weights in the convolution's layout; the backward weights pass has none */
    bool current;                   /* packed are the weights of the last run */
};

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

static int bind_reorder(struct onednn_operation *operation, const struct layer *layer, shape_reference packed)
{
    struct onednn *onednn = operation->onednn;
    bool unpack = operation->pass == ONEDNN_BACKWARD_WEIGHTS;
    const dnnl_dims_t sizes = {layer->out_channels, layer->in_channels, layer->kernel, layer->kernel};
    struct shape plain = {0};
    dnnl_primitive_desc_t description = NULL;
    int status = check(make_shape(&plain, 4, sizes, dnnl_hwio), "describing weights");
    if (status != TIDY_OK)
        return status;
    shape_reference from = unpack ? packed : refer(&plain), to = unpack ? refer(&plain) : packed;
    status = check(dnnl_reorder_primitive_desc_create(&description, from, onednn->engine, to, onednn->engine,
                                                      onednn->attributes),
                   "describing a reorder");
    if (status == TIDY_OK && (status = bind_primitive(&operation->reorder, onednn, description)) == TIDY_OK &&
        (status = bind_argument(&operation->reorder, onednn, DNNL_ARG_FROM, from)) == TIDY_OK)
        status = bind_argument(&operation->reorder, onednn, DNNL_ARG_TO, to);
    if (description != NULL)
        dnnl_primitive_desc_destroy(description);
    destroy_shape(&plain);
    return status;
}

int onednn_convolution_create(struct onednn_operation **out, struct onednn *onednn, const struct layer *layer,
                              uint32_t count, enum onednn_pass pass)
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
    if ((status = make_geometry(&geometry, layer, count)) != TIDY_OK)
        goto done;
    /* The backward passes ask for the forward one's description as a hint. */
    status =
        check(describe_convolution(&forward, &geometry, ONEDNN_FORWARD, onednn->engine, onednn->attributes, NULL),
              "describing a convolution");
    if (status == TIDY_OK && pass != ONEDNN_FORWARD)
        status =
            check(describe_convolution(&description, &geometry, pass, onednn->engine, onednn->attributes, forward),
                  "describing a convolution's gradient");
    if (status != TIDY_OK)
        goto done;
    const_dnnl_primitive_desc_t chosen = pass == ONEDNN_FORWARD ? forward : description;
    shape_reference packed = dnnl_primitive_desc_query_md(chosen, pass_roles[pass].weights_query, 0);
    if ((status = grow_buffer(pass == ONEDNN_BACKWARD_WEIGHTS ? &onednn->gradient : &operation->packed,
                              dnnl_memory_desc_get_size(packed))) != TIDY_OK ||
        (status = bind_primitive(&operation->convolution, onednn, chosen)) != TIDY_OK ||
        (status = bind_argument(&operation->convolution, onednn, pass_roles[pass].in, refer(&geometry.in))) !=
            TIDY_OK ||
        (status = bind_argument(&operation->convolution, onednn, pass_roles[pass].out, refer(&geometry.out))) !=
            TIDY_OK ||
        (status = bind_argument(&operation->convolution, onednn, pass_roles[pass].weights, packed)) != TIDY_OK)
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

void onednn_operation_destroy(struct onednn_operation *operation)
{
    if (operation == NULL)
        return;
    destroy_bound(&operation->reorder);
    destroy_bound(&operation->convolution);
    free(operation->packed.values);
    free(operation);
}

void onednn_weights_changed(struct onednn_operation *operation)
{
    operation->current = false;
}

int onednn_convolution_run(struct onednn_operation *operation, void *in, void *out, float *weights)
{
    struct onednn *onednn = operation->onednn;
    if (operation->pass == ONEDNN_BACKWARD_WEIGHTS) {
        float *packed = onednn->gradient.values;
        int status = run_bound(&operation->convolution, onednn, (void *[]){in, out, packed}, "a convolution");
        if (status == TIDY_OK)
            status = run_bound(&operation->reorder, onednn, (void *[]){packed, weights}, "unpacking weights");
        return status;
    }
    float *packed = operation->packed.values;
    int status = TIDY_OK;
    if (!operation->current)
        status = run_bound(&operation->reorder, onednn, (void *[]){weights, packed}, "packing weights");
    operation->current = status == TIDY_OK;
    if (status == TIDY_OK)
        status = run_bound(&operation->convolution, onednn, (void *[]){in, out, packed}, "a convolution");
    return status;
}

/* ---- matrix products ----------------------------------------------------------------------------------- */

int onednn_multiply(struct matrix c, struct matrix a, struct matrix b, size_t m, size_t n, size_t k,
                    bool accumulate)
{
    return check(dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', (dnnl_dim_t)m, (dnnl_dim_t)n,
                            (dnnl_dim_t)k, 1.0f, a.values, (dnnl_dim_t)a.stride, b.values, (dnnl_dim_t)b.stride,
                            accumulate ? 1.0f : 0.0f, c.values, (dnnl_dim_t)c.stride),
                 "a matrix product");
}
