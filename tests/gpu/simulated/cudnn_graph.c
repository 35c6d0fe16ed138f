/* Tensors, convolutions, operations, graphs and described devices of the simulated cuDNN: what must hold for
 * them to be finalised. */
#include "tests/gpu/simulated/cudnn_graph.h"

#include <stdlib.h>
#include <string.h>

#include "tests/gpu/simulated/device.h"

/* Bytes of a value by cudnnDataType_t; 0 where no tensor can have it. Types of less than a byte count as one. */
static const int64_t type_sizes[] = {4, 8, 2, 1, 4, 0, 1, 0, 0, 2, 8, 1, 1, 1, 0, 1, 1, 1, 1, 4, 8, 16};

/* cudnn_graph library, CUDNN_BACKEND_TENSOR_DESCRIPTOR: dimensions and strides, as many of the one as of the
 * other and at most CUDNN_DIM_MAX; the alignment is a multiple of the type's size. Dimensions of 0 pass. */
cudnnStatus_t finalize_tensor(struct descriptor *tensor)
{
    int64_t count, stride_count;
    const int64_t *dimensions = descriptor_int64s(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, &count);
    const int64_t *strides = descriptor_int64s(tensor, CUDNN_ATTR_TENSOR_STRIDES, &stride_count);
    int32_t type = descriptor_int32(tensor, CUDNN_ATTR_TENSOR_DATA_TYPE);
    if (type == CUDNN_DATA_INT8x4 || type == CUDNN_DATA_UINT8x4 || type == CUDNN_DATA_INT8x32)
        return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "a tensor of vectors has a vector count instead");
    if (type < 0 || type > CUDNN_DATA_COMPLEX_FP64 || type_sizes[type] == 0)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "no tensor has data type %d", type);
    if (count != stride_count || count > CUDNN_DIM_MAX)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "%lld dimensions, %lld strides", (long long)count,
                          (long long)stride_count);
    for (int64_t i = 0; i < count; i++)
        if (dimensions[i] < 0 || strides[i] < 0)
            return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "dimension %lld is %lld, its stride %lld", (long long)i,
                              (long long)dimensions[i], (long long)strides[i]);
    int64_t alignment = descriptor_int64(tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
    if (alignment <= 0 || alignment % type_sizes[type] != 0)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "aligned to %lld bytes, values have %lld", (long long)alignment,
                          (long long)type_sizes[type]);
    return CUDNN_STATUS_SUCCESS;
}

/* cudnn_graph library, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR: strides and dilations, one positive number for
 * each spatial dimension; paddings, not negative. Paddings are documented as required, and pass where missing. */
cudnnStatus_t finalize_convolution(struct descriptor *convolution)
{
    static const struct {
        cudnnBackendAttributeName_t name;
        int64_t least;
        bool needed;
    } lists[] = {{CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, 0, false},
                 {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, 0, false},
                 {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, 1, true},
                 {CUDNN_ATTR_CONVOLUTION_DILATIONS, 1, true}};
    int64_t spatial = descriptor_int64(convolution, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS);
    if (spatial < 1 || spatial > CUDNN_DIM_MAX - 2)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "%lld spatial dimensions", (long long)spatial);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        int64_t count;
        const int64_t *values = descriptor_int64s(convolution, lists[i].name, &count);
        if (count != spatial && (lists[i].needed || count != 0))
            return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "attribute %d: %lld values for %lld spatial dimensions",
                              (int)lists[i].name, (long long)count, (long long)spatial);
        for (int64_t v = 0; v < count; v++)
            if (values[v] < lists[i].least)
                return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "attribute %d: %lld", (int)lists[i].name,
                                  (long long)values[v]);
    }
    return CUDNN_STATUS_SUCCESS;
}

/* An operation's attributes: x, w, y, convolution, alpha, beta; by pass. */
static const struct operation_names {
    cudnnBackendDescriptorType_t kind;
    cudnnBackendAttributeName_t tensors[TENSORS], convolution, alpha, beta;
} operations[] = {
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
     {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y},
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
     {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY},
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
     {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY},
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
};

static int find_pass(const struct descriptor *operation)
{
    int pass = PASS_FORWARD;
    while (operations[pass].kind != operation->kind->kind)
        pass++;
    return pass;
}

/* A list of a convolution's, or `missing` where it was not set. */
static int64_t convolution_value(const struct descriptor *convolution, cudnnBackendAttributeName_t name, int64_t i,
                                 int64_t missing)
{
    int64_t count;
    const int64_t *values = descriptor_int64s(convolution, name, &count);
    return i < count ? values[i] : missing;
}

/* cudnn_graph library, CUDNN_BACKEND_OPERATION_CONVOLUTION_*_DESCRIPTOR: x [n, c, spatial...], w [k, c,
 * spatial...], y [n, k, spatial...], whose spatial dimensions are 1 + (x + paddings - (1 + (w - 1) dilation)) /
 * stride. Groups (c of x a multiple of w's) are not simulated. */
cudnnStatus_t finalize_operation(struct descriptor *operation)
{
    const struct operation_names *names = &operations[find_pass(operation)];
    const struct descriptor *convolution = descriptor_target(operation, names->convolution);
    const int64_t *d[TENSORS];
    if (!convolution->finalized)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "the convolution is not finalised");
    int64_t spatial = descriptor_int64(convolution, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS);
    for (int t = 0; t < TENSORS; t++) {
        const struct descriptor *tensor = descriptor_target(operation, names->tensors[t]);
        if (!tensor->finalized)
            return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "tensor %d is not finalised", t);
        int64_t count;
        d[t] = descriptor_int64s(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, &count);
        if (count != spatial + 2)
            return cudnn_fail(CUDNN_STATUS_BAD_PARAM,
                              "tensor %d has %lld dimensions, %lld of them should be spatial", t, (long long)count,
                              (long long)spatial);
    }
    if (d[TENSOR_X][0] != d[TENSOR_Y][0] || d[TENSOR_X][1] != d[TENSOR_W][1] || d[TENSOR_W][0] != d[TENSOR_Y][1])
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "images and channels of the tensors do not fit");
    for (int64_t i = 0; i < spatial; i++) {
        int64_t padded = d[TENSOR_X][2 + i] +
                         convolution_value(convolution, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, i, 0) +
                         convolution_value(convolution, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, i, 0);
        int64_t filter =
            1 + (d[TENSOR_W][2 + i] - 1) * convolution_value(convolution, CUDNN_ATTR_CONVOLUTION_DILATIONS, i, 1);
        int64_t stride = convolution_value(convolution, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, i, 1);
        if (padded < filter || d[TENSOR_Y][2 + i] != 1 + (padded - filter) / stride)
            return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "spatial dimension %lld of y is %lld", (long long)i,
                              (long long)d[TENSOR_Y][2 + i]);
    }
    return CUDNN_STATUS_SUCCESS;
}

/* cudnn_graph library, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR: the operations, and how many engines the
 * library has for them, some of which may not be able to do it. */
cudnnStatus_t finalize_graph(struct descriptor *graph)
{
    int64_t count;
    descriptor_values(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, &count);
    if (count != 1) {
        simulated_misuse("cudnnBackendFinalize", "a graph of %lld operations: only those of one are simulated",
                         (long long)count);
        return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "%lld operations", (long long)count);
    }
    descriptor_put(graph, CUDNN_ATTR_OPERATIONGRAPH_ENGINE_GLOBAL_COUNT, &(int64_t){4}, 1);
    return CUDNN_STATUS_SUCCESS;
}

/* A device by its handle, its number, or text: JSON with "deviceVer", 100 x major + 10 x minor. */
cudnnStatus_t finalize_device(struct descriptor *device)
{
    const char *text = descriptor_values(device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, NULL);
    if (!descriptor_is_set(device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION)) {
        if (!descriptor_is_set(device, CUDNN_ATTR_DEVICEPROP_DEVICE_ID) &&
            !descriptor_is_set(device, CUDNN_ATTR_DEVICEPROP_HANDLE))
            return cudnn_fail(CUDNN_STATUS_NOT_INITIALIZED, "no device");
        device->compute_capability = simulated_compute_capability();
        return CUDNN_STATUS_SUCCESS;
    }
    const char *found = text == NULL || text[0] != '{' ? NULL : strstr(text, "\"deviceVer\":");
    if (found == NULL)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "no description of a device");
    device->compute_capability = (int)(strtol(found + strlen("\"deviceVer\":"), NULL, 10) / 10);
    return CUDNN_STATUS_SUCCESS;
}

int graph_device(const struct descriptor *graph, const struct descriptor *device)
{
    if (device != NULL)
        return device->compute_capability;
    return descriptor_target(graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE) != NULL ? simulated_compute_capability() : 0;
}

/* [n, c, h, w] with c innermost and no gaps. */
static bool is_dense_nhwc(const int64_t *dimensions, const int64_t *strides)
{
    return strides[1] == 1 && strides[3] == dimensions[1] && strides[2] == dimensions[3] * strides[3] &&
           strides[0] == dimensions[2] * strides[2];
}

const char *graph_convolution(struct graph_convolution *out, const struct descriptor *graph)
{
    const struct descriptor *operation = descriptor_target(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS);
    int pass = find_pass(operation);
    const struct operation_names *names = &operations[pass];
    const struct descriptor *convolution = descriptor_target(operation, names->convolution);
    const int64_t *d[TENSORS];
    int32_t type = -1;
    if (descriptor_int64(convolution, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS) != 2)
        return "only two spatial dimensions are simulated";
    if (descriptor_int32(convolution, CUDNN_ATTR_CONVOLUTION_COMP_TYPE) != CUDNN_DATA_FLOAT)
        return "only sums in float32 are simulated";
    for (int t = 0; t < TENSORS; t++) {
        const struct descriptor *tensor = descriptor_target(operation, names->tensors[t]);
        int32_t own = descriptor_int32(tensor, CUDNN_ATTR_TENSOR_DATA_TYPE);
        if (own != CUDNN_DATA_FLOAT && own != CUDNN_DATA_BFLOAT16)
            return "only float32 and bf16 are simulated";
        if (type >= 0 && own != type)
            return "tensors of different types";
        type = own;
        d[t] = descriptor_int64s(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, NULL);
        for (int i = 0; i < 4; i++)
            if (d[t][i] <= 0 || d[t][i] > INT32_MAX)
                return "an empty tensor, or one too large";
        if (!is_dense_nhwc(d[t], descriptor_int64s(tensor, CUDNN_ATTR_TENSOR_STRIDES, NULL)))
            return "only NHWC without gaps is simulated";
        const bool *virtual_tensor = descriptor_values(tensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL, NULL);
        const bool *by_value = descriptor_values(tensor, CUDNN_ATTR_TENSOR_IS_BY_VALUE, NULL);
        if (*virtual_tensor || *by_value)
            return "a tensor of the graph's ends must lie in memory";
        out->ids[t] = descriptor_int64(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID);
        out->alignment[t] = descriptor_int64(tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
        for (int other = 0; other < t; other++)
            if (out->ids[other] == out->ids[t])
                return "two tensors with one id";
    }
    const float *alpha = descriptor_values(operation, names->alpha, NULL),
                *beta = descriptor_values(operation, names->beta, NULL);
    out->shape = (struct simulated_convolution){
        .pass = (enum simulated_pass)pass,
        .bf16 = type == CUDNN_DATA_BFLOAT16,
        .flipped = descriptor_int32(convolution, CUDNN_ATTR_CONVOLUTION_CONV_MODE) == CUDNN_CONVOLUTION,
        .alpha = *alpha,
        .beta = *beta,
        .count = d[TENSOR_X][0],
        .in_channels = d[TENSOR_X][1],
        .in_height = d[TENSOR_X][2],
        .in_width = d[TENSOR_X][3],
        .out_channels = d[TENSOR_Y][1],
        .out_height = d[TENSOR_Y][2],
        .out_width = d[TENSOR_Y][3],
        .filter_height = d[TENSOR_W][2],
        .filter_width = d[TENSOR_W][3],
    };
    for (int i = 0; i < 2; i++) {
        out->shape.padding[i] = convolution_value(convolution, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, i, 0);
        out->shape.stride[i] = convolution_value(convolution, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, i, 1);
        out->shape.dilation[i] = convolution_value(convolution, CUDNN_ATTR_CONVOLUTION_DILATIONS, i, 1);
    }
    return NULL;
}
