/* The transcript's part on shapes: tensors, convolutions, operations and graphs that fit and that do not. */
#include "tests/gpu/simulated/conformity.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void set_int64(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name, int64_t count,
                      const int64_t *values)
{
    api.set(descriptor, name, CUDNN_TYPE_INT64, count, values);
}

/* Attributes by themselves were said before; here only what is set matters. Counts of 0 leave the attribute out. */
static cudnnBackendDescriptor_t build_tensor(const struct conformity_tensor *t)
{
    cudnnBackendDescriptor_t tensor = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    if (t->type >= 0)
        api.set(tensor, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1,
                &(cudnnDataType_t){(cudnnDataType_t)t->type});
    if (t->dimension_count > 0)
        set_int64(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, t->dimension_count, t->dimensions);
    if (t->stride_count > 0)
        set_int64(tensor, CUDNN_ATTR_TENSOR_STRIDES, t->stride_count, t->strides);
    if (t->alignment != 0)
        set_int64(tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 1, &t->alignment);
    if (t->id != 0)
        set_int64(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, 1, &t->id);
    return tensor;
}

static void say_tensors(void)
{
    static const struct {
        const char *text;
        struct conformity_tensor tensor;
    } rows[] = {
        {"NHWC", {0, 4, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, 16, 1}},
        {"NCHW", {0, 4, 4, {2, 8, 5, 5}, {200, 25, 5, 1}, 16, 1}},
        {"no type", {-1, 4, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, 16, 1}},
        {"no dimensions", {0, 0, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, 16, 1}},
        {"no strides", {0, 4, 0, {2, 8, 5, 5}, {200, 1, 40, 8}, 16, 1}},
        {"no alignment", {0, 4, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, 0, 1}},
        {"no id", {0, 4, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, 16, 0}},
        {"more dimensions than strides", {0, 4, 3, {2, 8, 5, 5}, {200, 1, 40, 8}, 16, 1}},
        {"more strides than dimensions", {0, 3, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, 16, 1}},
        {"one dimension", {0, 1, 1, {2}, {1}, 16, 1}},
        {"two dimensions", {0, 2, 2, {2, 3}, {3, 1}, 16, 1}},
        {"eight dimensions", {0, 8, 8, {2, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1}, 16, 1}},
        {"nine dimensions", {0, 9, 9, {2, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}, 16, 1}},
        {"a dimension of 0", {0, 4, 4, {2, 0, 5, 5}, {200, 1, 40, 8}, 16, 1}},
        {"a negative dimension", {0, 4, 4, {2, -8, 5, 5}, {200, 1, 40, 8}, 16, 1}},
        {"a stride of 0", {0, 4, 4, {2, 8, 5, 5}, {200, 0, 40, 8}, 16, 1}},
        {"a negative stride", {0, 4, 4, {2, 8, 5, 5}, {200, -1, 40, 8}, 16, 1}},
        {"strides that overlap", {0, 4, 4, {2, 8, 5, 5}, {1, 1, 1, 1}, 16, 1}},
        {"strides with gaps", {0, 4, 4, {2, 8, 5, 5}, {800, 2, 80, 16}, 16, 1}},
        {"4 GiB", {0, 4, 4, {1 << 16, 1 << 14, 1, 1}, {1 << 14, 1, 1 << 14, 1 << 14}, 16, 1}},
        {"2^63 values", {0, 4, 4, {1LL << 31, 1LL << 31, 2, 1}, {1LL << 32, 1, 1LL << 31, 1}, 16, 1}},
        {"aligned to 1", {0, 4, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, 1, 1}},
        {"aligned to 2", {0, 4, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, 2, 1}},
        {"aligned to 3", {0, 4, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, 3, 1}},
        {"aligned to 4", {0, 4, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, 4, 1}},
        {"aligned to 12", {0, 4, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, 12, 1}},
        {"aligned to 256", {0, 4, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, 256, 1}},
        {"aligned to -16", {0, 4, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, -16, 1}},
        {"a negative id", {0, 4, 4, {2, 8, 5, 5}, {200, 1, 40, 8}, 16, -5}},
    };
    printf("== tensors\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cudnnBackendDescriptor_t tensor = build_tensor(&rows[i].tensor);
        say(api.finalize(tensor), "%s", rows[i].text);
        api.destroy(tensor);
    }
    for (int type = 0; type <= CUDNN_DATA_COMPLEX_FP64; type++) {
        struct conformity_tensor spec = rows[0].tensor;
        spec.type = type;
        cudnnBackendDescriptor_t tensor = build_tensor(&spec);
        say(api.finalize(tensor), "data type %d", type);
        api.destroy(tensor);
    }
}

/* Spatial dimensions come first; a count of 0 leaves the attribute out. */
struct convolution_spec {
    int spatial;
    int counts[4]; /* of what follows */
    int64_t pre[3], post[3], strides[3], dilations[3];
    int type, mode; /* negative: not set */
};

static cudnnBackendDescriptor_t build_convolution(const struct convolution_spec *c)
{
    cudnnBackendDescriptor_t convolution = make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    int64_t spatial = c->spatial;
    if (spatial != 0)
        set_int64(convolution, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 1, &spatial);
    if (c->type >= 0)
        api.set(convolution, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1,
                &(cudnnDataType_t){(cudnnDataType_t)c->type});
    if (c->mode >= 0)
        api.set(convolution, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1,
                &(cudnnConvolutionMode_t){(cudnnConvolutionMode_t)c->mode});
    const int64_t *values[] = {c->pre, c->post, c->strides, c->dilations};
    static const cudnnBackendAttributeName_t names[] = {
        CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS,
        CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_ATTR_CONVOLUTION_DILATIONS};
    for (int i = 0; i < 4; i++)
        if (c->counts[i] > 0)
            set_int64(convolution, names[i], c->counts[i], values[i]);
    return convolution;
}

#define PLAIN                                                                                                      \
    {                                                                                                              \
        2, {2, 2, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, CUDNN_DATA_FLOAT, CUDNN_CROSS_CORRELATION                 \
    }

static void say_convolutions(void)
{
    static const struct {
        const char *text;
        struct convolution_spec convolution;
    } rows[] = {
        {"plain", PLAIN},
        {"no spatial dimensions", {0, {2, 2, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0, 1}},
        {"no padding before", {2, {0, 2, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0, 1}},
        {"no padding after", {2, {2, 0, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0, 1}},
        {"no strides", {2, {2, 2, 0, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0, 1}},
        {"no dilations", {2, {2, 2, 2, 0}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0, 1}},
        {"no compute type", {2, {2, 2, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, -1, 1}},
        {"no mode", {2, {2, 2, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0, -1}},
        {"mode 7", {2, {2, 2, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0, 7}},
        {"convolution", {2, {2, 2, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0, 0}},
        {"computed in bf16", {2, {2, 2, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 9, 1}},
        {"computed in half", {2, {2, 2, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 2, 1}},
        {"computed in int64", {2, {2, 2, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 10, 1}},
        {"a stride of 0", {2, {2, 2, 2, 2}, {1, 1}, {1, 1}, {0, 1}, {1, 1}, 0, 1}},
        {"a negative stride", {2, {2, 2, 2, 2}, {1, 1}, {1, 1}, {-1, 1}, {1, 1}, 0, 1}},
        {"a dilation of 0", {2, {2, 2, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {0, 1}, 0, 1}},
        {"negative padding", {2, {2, 2, 2, 2}, {-1, 1}, {1, 1}, {1, 1}, {1, 1}, 0, 1}},
        {"uneven padding", {2, {2, 2, 2, 2}, {0, 0}, {1, 1}, {1, 1}, {1, 1}, 0, 1}},
        {"three spatial dimensions, two strides",
         {3, {3, 3, 2, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, 0, 1}},
        {"two spatial dimensions, three strides", {2, {2, 2, 3, 2}, {1, 1}, {1, 1}, {1, 1, 1}, {1, 1}, 0, 1}},
        {"two spatial dimensions, one padding", {2, {1, 2, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0, 1}},
        {"one spatial dimension", {1, {1, 1, 1, 1}, {1}, {1}, {1}, {1}, 0, 1}},
        {"three spatial dimensions", {3, {3, 3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, 0, 1}},
        {"-1 spatial dimensions", {-1, {2, 2, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0, 1}},
    };
    printf("== convolutions\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cudnnBackendDescriptor_t convolution = build_convolution(&rows[i].convolution);
        say(api.finalize(convolution), "%s", rows[i].text);
        api.destroy(convolution);
    }
}

/* x, w, y of an operation, in that order. */
static const cudnnBackendAttributeName_t operation_names[3][6] = {
    {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
};
static const cudnnBackendDescriptorType_t operation_kinds[3] = {
    CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
    CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
    CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR};
const char *const conformity_passes[3] = {"forward", "backward data", "backward filter"};

struct operation_spec {
    struct conformity_tensor tensors[3]; /* x, w, y */
    struct convolution_spec convolution;
};

/* Parts of the operation that are left out or not finalised. */
enum part { PART_X, PART_W, PART_Y, PART_CONVOLUTION, PART_ALPHA, PART_BETA, PART_NONE };

static void dense_nhwc(struct conformity_tensor *t)
{
    t->strides[0] = t->dimensions[1] * t->dimensions[2] * t->dimensions[3];
    t->strides[1] = 1;
    t->strides[2] = t->dimensions[1] * t->dimensions[3];
    t->strides[3] = t->dimensions[1];
}

static struct operation_spec plain_operation(int type)
{
    struct operation_spec spec = {{{type, 4, 4, {2, 8, 6, 6}, {0}, 16, 1},
                                   {type, 4, 4, {16, 8, 3, 3}, {0}, 16, 2},
                                   {type, 4, 4, {2, 16, 6, 6}, {0}, 16, 3}},
                                  PLAIN};
    for (int i = 0; i < 3; i++)
        dense_nhwc(&spec.tensors[i]);
    return spec;
}

static cudnnBackendDescriptor_t build_operation(struct conformity_operation *out, int pass,
                                                const struct operation_spec *spec, enum part missing, enum part raw)
{
    out->operation = make(operation_kinds[pass]);
    out->parts[PART_CONVOLUTION] = build_convolution(&spec->convolution);
    for (int i = PART_X; i <= PART_Y; i++)
        out->parts[i] = build_tensor(&spec->tensors[i]);
    for (int i = PART_X; i <= PART_CONVOLUTION; i++) {
        if (i != (int)raw)
            api.finalize(out->parts[i]);
        if (i != (int)missing)
            api.set(out->operation, operation_names[pass][i], CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &out->parts[i]);
    }
    if (missing != PART_ALPHA)
        api.set(out->operation, operation_names[pass][PART_ALPHA], CUDNN_TYPE_FLOAT, 1, &(float){1});
    if (missing != PART_BETA)
        api.set(out->operation, operation_names[pass][PART_BETA], CUDNN_TYPE_FLOAT, 1, &(float){0});
    return out->operation;
}

void conformity_operation_destroy(struct conformity_operation *operation)
{
    api.destroy(operation->operation);
    for (int i = 0; i < 4; i++)
        api.destroy(operation->parts[i]);
}

cudnnStatus_t conformity_operation_create(struct conformity_operation *out, int pass, int type)
{
    struct operation_spec spec = plain_operation(type);
    return api.finalize(build_operation(out, pass, &spec, PART_NONE, PART_NONE));
}

/* Whether a graph of the operation can be had, in one line after the operation's own. */
static void say_graph(const struct conformity_operation *operation)
{
    cudnnBackendDescriptor_t graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    say(api.set(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &operation->operation),
        "    in a graph");
    say(api.finalize(graph), "    finalised");
    api.destroy(graph);
}

static void say_operation(const char *text, int pass, const struct operation_spec *spec, enum part missing,
                          enum part raw)
{
    struct conformity_operation operation;
    build_operation(&operation, pass, spec, missing, raw);
    cudnnStatus_t status = api.finalize(operation.operation);
    say(status, "  %s", text);
    if (status == CUDNN_STATUS_SUCCESS)
        say_graph(&operation);
    conformity_operation_destroy(&operation);
}

static void say_operations(int pass)
{
    static const char *const parts[] = {"x", "w", "y", "convolution", "alpha", "beta"};
    printf("== operation %s\n", conformity_passes[pass]);
    struct operation_spec plain = plain_operation(CUDNN_DATA_FLOAT), spec;
    say_operation("plain", pass, &plain, PART_NONE, PART_NONE);
    for (int missing = PART_X; missing < PART_NONE; missing++) {
        char text[64];
        snprintf(text, sizeof(text), "no %s", parts[missing]);
        say_operation(text, pass, &plain, (enum part)missing, PART_NONE);
    }
    for (int raw = PART_X; raw <= PART_CONVOLUTION; raw++) {
        char text[64];
        snprintf(text, sizeof(text), "%s not finalised", parts[raw]);
        say_operation(text, pass, &plain, PART_NONE, (enum part)raw);
    }
    static const int types[] = {CUDNN_DATA_BFLOAT16, CUDNN_DATA_HALF, CUDNN_DATA_DOUBLE, CUDNN_DATA_INT8,
                                CUDNN_DATA_INT64};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        char text[64];
        spec = plain_operation(types[i]);
        snprintf(text, sizeof(text), "data type %d", types[i]);
        say_operation(text, pass, &spec, PART_NONE, PART_NONE);
    }
    for (int tensor = PART_X; tensor <= PART_Y; tensor++) {
        char text[64];
        spec = plain;
        spec.tensors[tensor].type = CUDNN_DATA_BFLOAT16;
        snprintf(text, sizeof(text), "%s alone bf16", parts[tensor]);
        say_operation(text, pass, &spec, PART_NONE, PART_NONE);
        for (int dimension = 0; dimension < 4; dimension++)
            for (int change = -1; change <= 1; change += 2) {
                spec = plain;
                spec.tensors[tensor].dimensions[dimension] += change;
                dense_nhwc(&spec.tensors[tensor]);
                snprintf(text, sizeof(text), "%s dimension %d %+d", parts[tensor], dimension, change);
                say_operation(text, pass, &spec, PART_NONE, PART_NONE);
            }
        spec = plain;
        spec.tensors[tensor].id = 1 + (tensor + 1) % 3;
        snprintf(text, sizeof(text), "%s with another's id", parts[tensor]);
        say_operation(text, pass, &spec, PART_NONE, PART_NONE);
        spec = plain;
        spec.tensors[tensor].dimension_count = spec.tensors[tensor].stride_count = 3;
        snprintf(text, sizeof(text), "%s of three dimensions", parts[tensor]);
        say_operation(text, pass, &spec, PART_NONE, PART_NONE);
    }
    spec = plain;
    spec.convolution.strides[0] = spec.convolution.strides[1] = 2;
    say_operation("strides of 2, y not", pass, &spec, PART_NONE, PART_NONE);
    spec.tensors[PART_Y].dimensions[2] = spec.tensors[PART_Y].dimensions[3] = 3;
    dense_nhwc(&spec.tensors[PART_Y]);
    say_operation("strides of 2", pass, &spec, PART_NONE, PART_NONE);
    spec = plain;
    spec.convolution.spatial = 1;
    say_operation("one spatial dimension", pass, &spec, PART_NONE, PART_NONE);
    spec = plain;
    spec.convolution.dilations[0] = spec.convolution.dilations[1] = 2;
    say_operation("dilations of 2, y not", pass, &spec, PART_NONE, PART_NONE);
}

static void say_graphs(void)
{
    printf("== graphs\n");
    struct conformity_operation operation, other;
    conformity_operation_create(&operation, 0, CUDNN_DATA_FLOAT);
    conformity_operation_create(&other, 0, CUDNN_DATA_FLOAT);
    cudnnBackendDescriptor_t graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    say(api.set(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &operation.operation),
        "no operations");
    say(api.finalize(graph), "finalised");
    api.destroy(graph);
    graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    api.set(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &operation.operation);
    api.finalize(graph);
    say(api.set(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &operation.operation),
        "set after finalize");
    say(api.finalize(graph), "finalised again");
    int64_t count = -7, engines = 0;
    say(api.get(graph, CUDNN_ATTR_OPERATIONGRAPH_ENGINE_GLOBAL_COUNT, CUDNN_TYPE_INT64, 1, &count, &engines),
        "engines");
    printf("%lld value: %s\n", (long long)count, engines > 0 ? "more than none" : "none");
    api.destroy(graph);
    conformity_operation_destroy(&operation);
    conformity_operation_destroy(&other);
}

void say_shapes(void)
{
    say_tensors();
    printf("== values of a tensor\n");
    struct operation_spec spec = plain_operation(CUDNN_DATA_FLOAT);
    cudnnBackendDescriptor_t tensor = build_tensor(&spec.tensors[0]);
    api.finalize(tensor);
    say_values(tensor, conformity_find_kind(CUDNN_BACKEND_TENSOR_DESCRIPTOR));
    api.destroy(tensor);
    say_convolutions();
    printf("== values of a convolution\n");
    cudnnBackendDescriptor_t convolution = build_convolution(&spec.convolution);
    api.finalize(convolution);
    say_values(convolution, conformity_find_kind(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR));
    api.destroy(convolution);
    for (int pass = 0; pass < 3; pass++) {
        say_operations(pass);
        printf("== values of an operation\n");
        struct conformity_operation operation;
        conformity_operation_create(&operation, pass, CUDNN_DATA_FLOAT);
        say_values(operation.operation, conformity_find_kind(operation_kinds[pass]));
        conformity_operation_destroy(&operation);
    }
    say_graphs();
}
