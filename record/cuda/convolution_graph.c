/* Operation graphs of convolutions: three tensors, the convolution's geometry and the pass. */
#include "record/cuda/convolution_graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "record/cuda/cudnn_descriptor.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What cuDNN calls a pass and the places of its tensors. The one that a pass writes is "dx", "dw" or "y" there. */
static const struct pass_row {
    const char *name;
    cudnnBackendDescriptorType_t operation;
    cudnnBackendAttributeName_t convolution, in, out, weights, alpha, beta;
} pass_rows[CONVOLUTION_PASSES] = {
    [CONVOLUTION_FORWARD] =
        {
            .name = "forward",
            .operation = CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
            .convolution = CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
            .in = CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
            .out = CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
            .weights = CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
            .alpha = CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
            .beta = CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
        },
    [CONVOLUTION_BACKWARD_DATA] =
        {
            .name = "backward-data",
            .operation = CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
            .convolution = CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
            .in = CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
            .out = CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
            .weights = CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
            .alpha = CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
            .beta = CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
        },
    [CONVOLUTION_BACKWARD_WEIGHTS] =
        {
            .name = "backward-weights",
            .operation = CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
            .convolution = CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
            .in = CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
            .out = CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
            .weights = CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
            .alpha = CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
            .beta = CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
        },
};

const char *convolution_request_key(char text[CONVOLUTION_KEY_ROOM], const struct convolution_request *request)
{
    const struct layer *layer = request->layer;
    snprintf(text, CONVOLUTION_KEY_ROOM,
             "%s n%" PRIu32 " in%" PRIu32 "x%" PRIu32 "x%" PRIu32 " out%" PRIu32 "x%" PRIu32 "x%" PRIu32
             " k%" PRIu32 " s%" PRIu32 " p%" PRIu32 " %s%s",
             pass_rows[request->pass].name, request->count, layer->in_height, layer->in_width, layer->in_channels,
             layer->out_height, layer->out_width, layer->out_channels, layer->kernel, layer->stride, layer->padding,
             precision_names[request->precision], request->deterministic ? " deterministic" : "");
    return text;
}

int convolution_describe_device(cudnnBackendDescriptor_t *out, const char *json)
{
    const struct cudnn_attribute attributes[] = {
        {CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, (int64_t)strlen(json) + 1, json},
    };
    return cudnn_descriptor_create(out, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, "the description of a device",
                                   attributes, COUNT(attributes));
}

/* cuDNN names dimensions n, c, h, w whatever their order in memory: the strides say that c is innermost. Weights
 * are out channels, in channels, height, width in the same way. */
static int create_tensor(cudnnBackendDescriptor_t *out, int64_t name, cudnnDataType_t type, const char *what,
                         const int64_t dimensions[4])
{
    const int64_t alignment = 16;
    const int64_t strides[4] = {dimensions[1] * dimensions[2] * dimensions[3], 1, dimensions[1] * dimensions[3],
                                dimensions[1]};
    const struct cudnn_attribute attributes[] = {
        {CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &name},
        {CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type},
        {CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dimensions},
        {CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides},
        {CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment},
    };
    return cudnn_descriptor_create(out, CUDNN_BACKEND_TENSOR_DESCRIPTOR, what, attributes, COUNT(attributes));
}

static int create_geometry(cudnnBackendDescriptor_t *out, const struct layer *layer)
{
    const int64_t dimensions = 2;
    const int64_t padding[2] = {layer->padding, layer->padding}, stride[2] = {layer->stride, layer->stride};
    const int64_t dilation[2] = {1, 1};
    const cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    const struct cudnn_attribute attributes[] = {
        {CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &dimensions},
        {CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &sums},
        {CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode},
        {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, padding},
        {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, padding},
        {CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilation},
        {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, stride},
    };
    return cudnn_descriptor_create(out, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, "the convolution's geometry",
                                   attributes, COUNT(attributes));
}

int convolution_graph_create(cudnnBackendDescriptor_t *out, const struct convolution_target *target,
                             const struct convolution_request *request)
{
    *out = NULL;
    const struct layer *layer = request->layer;
    const struct pass_row *pass = &pass_rows[request->pass];
    const cudnnDataType_t type = request->precision == PRECISION_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    const int64_t in_shape[4] = {request->count, layer->in_channels, layer->in_height, layer->in_width};
    const int64_t out_shape[4] = {request->count, layer->out_channels, layer->out_height, layer->out_width};
    const int64_t weights_shape[4] = {layer->out_channels, layer->in_channels, layer->kernel, layer->kernel};
    const double alpha = 1, beta = 0;
    cudnnBackendDescriptor_t in = NULL, out_tensor = NULL, weights = NULL, geometry = NULL, operation = NULL;

    int status = create_tensor(&in, CONVOLUTION_IN, type, "the input's tensor", in_shape);
    if (status == 0)
        status = create_tensor(&out_tensor, CONVOLUTION_OUT, type, "the output's tensor", out_shape);
    if (status == 0)
        status = create_tensor(&weights, CONVOLUTION_WEIGHTS, type, "the weights' tensor", weights_shape);
    if (status == 0)
        status = create_geometry(&geometry, layer);
    if (status != 0)
        goto done;

    const struct cudnn_attribute operation_attributes[] = {
        {pass->convolution, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &geometry},
        {pass->in, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &in},
        {pass->out, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &out_tensor},
        {pass->weights, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &weights},
        {pass->alpha, CUDNN_TYPE_DOUBLE, 1, &alpha},
        {pass->beta, CUDNN_TYPE_DOUBLE, 1, &beta},
    };
    status = cudnn_descriptor_create(&operation, pass->operation, "the convolution's pass", operation_attributes,
                                     COUNT(operation_attributes));
    if (status != 0)
        goto done;
    const struct cudnn_attribute graph_attributes[] = {
        {CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &operation},
        {CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, target->handle != NULL, &target->handle},
    };
    status = cudnn_descriptor_create(out, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, "the operation graph",
                                     graph_attributes, COUNT(graph_attributes));
done:
    cudnn_descriptor_destroy(operation);
    cudnn_descriptor_destroy(geometry);
    cudnn_descriptor_destroy(weights);
    cudnn_descriptor_destroy(out_tensor);
    cudnn_descriptor_destroy(in);
    return status;
}
