/* Graphs, plans and tensors for the suites of the simulated cuDNN: see cudnn_fixture.h. */
#include "tests/gpu/simulated/cudnn_fixture.h"

#include <cuda_runtime_api.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/bf16.h"
#include "tests/gpu/simulated/simulator.h"

int64_t fixture_out_size(const struct fixture_shape *s, int64_t size)
{
    return (size + 2 * s->padding - s->kernel) / s->stride + 1;
}

/* [n, c, h, w] of a tensor. */
static void tensor_dimensions(const struct fixture_shape *s, int tensor, int64_t d[4])
{
    const int64_t all[FIXTURE_TENSORS][4] = {
        {s->count, s->in_channels, s->height, s->width},
        {s->out_channels, s->in_channels, s->kernel, s->kernel},
        {s->count, s->out_channels, fixture_out_size(s, s->height), fixture_out_size(s, s->width)},
    };
    memcpy(d, all[tensor], sizeof(all[tensor]));
}

size_t fixture_values(const struct fixture_shape *s, int tensor)
{
    int64_t d[4];
    tensor_dimensions(s, tensor, d);
    return (size_t)(d[0] * d[1] * d[2] * d[3]);
}

static size_t value_bytes(const struct fixture_shape *s)
{
    return s->bf16 ? 2 : 4;
}

static cudnnBackendDescriptor_t make(cudnnBackendDescriptorType_t kind)
{
    cudnnBackendDescriptor_t descriptor = NULL;
    CHECK(cudnnBackendCreateDescriptor(kind, &descriptor) == CUDNN_STATUS_SUCCESS);
    return descriptor;
}

static void set(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                cudnnBackendAttributeType_t type, int64_t count, const void *values)
{
    CHECK(cudnnBackendSetAttribute(descriptor, name, type, count, values) == CUDNN_STATUS_SUCCESS);
}

static void finalize(cudnnBackendDescriptor_t descriptor)
{
    CHECK(cudnnBackendFinalize(descriptor) == CUDNN_STATUS_SUCCESS);
}

static cudnnBackendDescriptor_t make_tensor(const struct fixture_shape *s, int tensor)
{
    int64_t d[4], id = 100 + tensor, alignment = 16;
    cudnnDataType_t type = s->bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    tensor_dimensions(s, tensor, d);
    int64_t strides[4] = {d[1] * d[2] * d[3], 1, d[1] * d[3], d[1]};
    cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    set(made, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(made, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, d);
    set(made, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides);
    set(made, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id);
    set(made, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    finalize(made);
    return made;
}

static cudnnBackendDescriptor_t make_convolution(const struct fixture_shape *s)
{
    int64_t spatial = 2, padding[2] = {s->padding, s->padding}, strides[2] = {s->stride, s->stride},
            dilations[2] = {1, 1};
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
    cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    set(made, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &spatial);
    set(made, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(made, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(made, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, padding);
    set(made, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, padding);
    set(made, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides);
    set(made, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilations);
    finalize(made);
    return made;
}

void fixture_create(struct fixture *out, const struct fixture_shape *shape)
{
    static const struct {
        cudnnBackendDescriptorType_t kind;
        cudnnBackendAttributeName_t parts[4]; /* x, w, y, convolution */
    } passes[] = {
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
         {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC}},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
         {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC}},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
         {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC}},
    };
    out->shape = *shape;
    CHECK(cudaStreamCreateWithFlags(&out->stream, cudaStreamNonBlocking) == cudaSuccess);
    CHECK(cudnnCreate(&out->handle) == CUDNN_STATUS_SUCCESS);
    CHECK(cudnnSetStream(out->handle, out->stream) == CUDNN_STATUS_SUCCESS);
    out->operation = make(passes[shape->pass].kind);
    for (int i = 0; i < 4; i++) {
        out->parts[i] = i < FIXTURE_TENSORS ? make_tensor(shape, i) : make_convolution(shape);
        set(out->operation, passes[shape->pass].parts[i], CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &out->parts[i]);
    }
    finalize(out->operation);
    out->graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set(out->graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &out->handle);
    set(out->graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &out->operation);
    finalize(out->graph);
    for (int t = 0; t < FIXTURE_TENSORS; t++)
        CHECK(cudaMalloc(&out->tensors[t], fixture_values(shape, t) * value_bytes(shape)) == cudaSuccess);
}

void fixture_destroy(struct fixture *fixture)
{
    for (int t = 0; t < FIXTURE_TENSORS; t++)
        CHECK(cudaFree(fixture->tensors[t]) == cudaSuccess);
    cudnnBackendDestroyDescriptor(fixture->graph);
    cudnnBackendDestroyDescriptor(fixture->operation);
    for (int i = 0; i < 4; i++)
        cudnnBackendDestroyDescriptor(fixture->parts[i]);
    CHECK(cudnnDestroy(fixture->handle) == CUDNN_STATUS_SUCCESS);
    CHECK(cudaStreamDestroy(fixture->stream) == cudaSuccess);
}

/* Copies a tensor to or from pinned memory, and waits. */
static void copy_tensor(struct fixture *fixture, int tensor, void *host, enum cudaMemcpyKind direction)
{
    size_t bytes = fixture_values(&fixture->shape, tensor) * value_bytes(&fixture->shape);
    void *to = direction == cudaMemcpyHostToDevice ? fixture->tensors[tensor] : host;
    const void *from = direction == cudaMemcpyHostToDevice ? host : fixture->tensors[tensor];
    CHECK(cudaMemcpyAsync(to, from, bytes, direction, fixture->stream) == cudaSuccess);
    CHECK(cudaStreamSynchronize(fixture->stream) == cudaSuccess);
}

void fixture_write(struct fixture *fixture, int tensor, const float *values)
{
    size_t count = fixture_values(&fixture->shape, tensor);
    void *host = NULL;
    CHECK(cudaMallocHost(&host, count * sizeof(float)) == cudaSuccess);
    for (size_t i = 0; i < count; i++)
        if (fixture->shape.bf16)
            ((struct bf16 *)host)[i] = bf16_from_float(values[i]);
        else
            ((float *)host)[i] = values[i];
    copy_tensor(fixture, tensor, host, cudaMemcpyHostToDevice);
    CHECK(cudaFreeHost(host) == cudaSuccess);
}

void fixture_read(struct fixture *fixture, int tensor, float *values)
{
    size_t count = fixture_values(&fixture->shape, tensor);
    void *host = NULL;
    CHECK(cudaMallocHost(&host, count * sizeof(float)) == cudaSuccess);
    copy_tensor(fixture, tensor, host, cudaMemcpyDeviceToHost);
    for (size_t i = 0; i < count; i++)
        values[i] = fixture->shape.bf16 ? bf16_to_float(((struct bf16 *)host)[i]) : ((float *)host)[i];
    CHECK(cudaFreeHost(host) == cudaSuccess);
}

static cudnnBackendDescriptor_t make_plan(struct fixture *fixture, cudnnBackendDescriptor_t configuration)
{
    cudnnBackendDescriptor_t plan = make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    set(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &fixture->handle);
    set(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &configuration);
    finalize(plan);
    return plan;
}

cudnnBackendDescriptor_t fixture_preferred_plan(struct fixture *fixture, int preference, int64_t *engine)
{
    enum { ROOM = 16 };
    cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
    cudnnBackendDescriptor_t results[ROOM], plan = NULL, got = make(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    cudnnBackendDescriptor_t heuristics = make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    int64_t count = 0, one = 0;
    set(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &fixture->graph);
    set(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    finalize(heuristics);
    for (int i = 0; i < ROOM; i++)
        results[i] = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    CHECK(cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, ROOM,
                                   &count, results) == CUDNN_STATUS_SUCCESS);
    if (preference < count) {
        CHECK(cudnnBackendGetAttribute(results[preference], CUDNN_ATTR_ENGINECFG_ENGINE,
                                       CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &one, &got) == CUDNN_STATUS_SUCCESS);
        CHECK(cudnnBackendGetAttribute(got, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &one, engine) ==
              CUDNN_STATUS_SUCCESS);
        plan = make_plan(fixture, results[preference]);
    }
    for (int i = 0; i < ROOM; i++)
        cudnnBackendDestroyDescriptor(results[i]);
    cudnnBackendDestroyDescriptor(heuristics);
    cudnnBackendDestroyDescriptor(got);
    return plan;
}

cudnnBackendDescriptor_t fixture_plan(struct fixture *fixture, int64_t engine, int knob, int64_t value,
                                      cudnnStatus_t *status)
{
    cudnnBackendDescriptor_t plan = NULL, choice = make(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
    cudnnBackendDescriptor_t configuration = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR),
                             made = make(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    cudnnBackendKnobType_t type = (cudnnBackendKnobType_t)knob;
    set(made, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &fixture->graph);
    set(made, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &engine);
    *status = cudnnBackendFinalize(made);
    if (*status != CUDNN_STATUS_SUCCESS)
        goto done;
    set(configuration, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &made);
    if (knob >= 0) {
        set(choice, CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &type);
        set(choice, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &value);
        finalize(choice);
        set(configuration, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &choice);
    }
    *status = cudnnBackendFinalize(configuration);
    if (*status == CUDNN_STATUS_SUCCESS)
        plan = make_plan(fixture, configuration);
done:
    cudnnBackendDestroyDescriptor(choice);
    cudnnBackendDestroyDescriptor(configuration);
    cudnnBackendDestroyDescriptor(made);
    return plan;
}

int64_t fixture_workspace(cudnnBackendDescriptor_t plan)
{
    int64_t bytes = -1, count;
    CHECK(cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count,
                                   &bytes) == CUDNN_STATUS_SUCCESS);
    return bytes;
}

cudnnStatus_t fixture_execute(struct fixture *fixture, cudnnBackendDescriptor_t plan,
                              void *const tensors[FIXTURE_TENSORS], void *workspace)
{
    int64_t ids[FIXTURE_TENSORS] = {100, 101, 102};
    cudnnBackendDescriptor_t pack = make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    set(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, FIXTURE_TENSORS, ids);
    set(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, FIXTURE_TENSORS, tensors);
    set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    finalize(pack);
    cudnnStatus_t status = cudnnBackendExecute(fixture->handle, plan, pack);
    cudnnBackendDestroyDescriptor(pack);
    return status;
}
