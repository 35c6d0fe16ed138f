/* Running plans of the simulated cuDNN: what a variant pack must hold, and the work that is enqueued. */
#include <string.h>

#include "tests/gpu/simulated/cudnn_engines.h"
#include "tests/gpu/simulated/cudnn_handle.h"
#include "tests/gpu/simulated/device.h"

static const char execute[] = "cudnnBackendExecute";

/* Device memory is aligned to this by cudaMalloc at least; cuDNN says nothing of the workspace's alignment, and
 * its kernels move 16 bytes at a time. */
enum { WORKSPACE_ALIGNMENT = 16 };

/* What the stream has when it gets to the work; by value, as device.h asks. */
struct run {
    struct simulated_convolution convolution;
    struct simulated_method method;
    void *tensors[TENSORS];
    const struct descriptor *plan;
    const struct cudnnContext *handle;
    bool nondeterministic;
};

/* cudnn_graph library, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR: addresses for tensors' ids, one for each, and the
 * workspace. */
cudnnStatus_t finalize_pack(struct descriptor *pack)
{
    int64_t ids, addresses;
    descriptor_values(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, &ids);
    descriptor_values(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, &addresses);
    if (ids != addresses)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "%lld ids and %lld addresses", (long long)ids,
                          (long long)addresses);
    return CUDNN_STATUS_SUCCESS;
}

static void run_plan(void *argument)
{
    static uint64_t runs;
    struct run *run = argument;
    /* Nothing promises that a plan's kernels outlive it. */
    if (run->plan->destroyed)
        simulated_misuse(execute, "the plan was destroyed before its work ran");
    if (run->handle->destroyed)
        simulated_misuse(execute, "the handle was destroyed before its work ran");
    if (run->nondeterministic)
        run->method.first = runs++;
    simulated_convolve(&run->convolution, &run->method, run->tensors);
}

static bool overlap(const void *a, size_t a_size, const void *b, size_t b_size)
{
    return (uintptr_t)a < (uintptr_t)b + b_size && (uintptr_t)b < (uintptr_t)a + a_size;
}

/* An address that the program gives: its status, and a report, where it cannot be used. */
static cudnnStatus_t check_address(const char *what, const void *address, size_t size, int64_t alignment)
{
    if (address == NULL) {
        simulated_misuse(execute, "%s is null", what);
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "%s is null", what);
    }
    if ((uintptr_t)address % (uintptr_t)alignment != 0) {
        simulated_misuse(execute, "%s is not aligned to %lld bytes", what, (long long)alignment);
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "%s is not aligned to %lld bytes", what,
                          (long long)alignment);
    }
    if (!simulated_device_range(execute, address, size))
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "%s is no device memory of %zu bytes", what, size);
    return CUDNN_STATUS_SUCCESS;
}

/* Finds the graph's tensors in the variant pack. */
static cudnnStatus_t find_tensors(struct run *run, const struct graph_convolution *graph,
                                  const struct descriptor *pack)
{
    static const char *const names[TENSORS] = {"x", "w", "y"};
    int64_t count;
    const int64_t *ids = descriptor_int64s(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, &count);
    void *const *addresses = descriptor_values(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, NULL);
    for (int t = 0; t < TENSORS; t++) {
        int64_t i = 0;
        while (i < count && ids[i] != graph->ids[t])
            i++;
        if (i == count) {
            simulated_misuse(execute, "the variant pack lacks tensor %lld (%s)", (long long)graph->ids[t],
                             names[t]);
            return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "the variant pack lacks tensor %lld",
                              (long long)graph->ids[t]);
        }
        run->tensors[t] = addresses[i];
        cudnnStatus_t status =
            check_address(names[t], addresses[i], simulated_tensor_bytes(&graph->shape, t), graph->alignment[t]);
        if (status != CUDNN_STATUS_SUCCESS)
            return status;
    }
    return CUDNN_STATUS_SUCCESS;
}

/* No two of what is read and written may share memory, but for two that are only read. */
static bool check_overlaps(const struct run *run, size_t workspace)
{
    int output = simulated_output(run->convolution.pass);
    for (int t = 0; t < TENSORS; t++) {
        size_t size = simulated_tensor_bytes(&run->convolution, t);
        if (t != output && overlap(run->tensors[t], size, run->tensors[output],
                                   simulated_tensor_bytes(&run->convolution, output))) {
            simulated_misuse(execute, "the output overlaps an input");
            return false;
        }
        if (workspace > 0 && overlap(run->tensors[t], size, run->method.workspace, workspace)) {
            simulated_misuse(execute, "the workspace overlaps a tensor");
            return false;
        }
    }
    return true;
}

/* A live, finalised descriptor of that kind. */
static cudnnStatus_t check_descriptor(const struct descriptor *descriptor, cudnnBackendDescriptorType_t kind)
{
    if (descriptor == NULL)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "a descriptor is null");
    if (!simulated_handle_live(execute, DESCRIPTOR_HANDLE, descriptor))
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "no such descriptor");
    if (descriptor->kind->kind != kind) {
        simulated_misuse(execute, "a descriptor of kind %s", descriptor->kind->text);
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "a descriptor of kind %s",
                          descriptor->kind->text);
    }
    if (!descriptor->finalized) {
        simulated_misuse(execute, "%s is not finalised", descriptor->kind->text);
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "%s is not finalised", descriptor->kind->text);
    }
    return CUDNN_STATUS_SUCCESS;
}

/* cudnn_graph library, cudnnBackendExecute(): enqueues a plan on the handle's stream, with the addresses of the
 * variant pack, which is not needed afterwards. BAD_PARAM where a value is wrong or an address is missing;
 * EXECUTION_FAILED where the device does not take it. While the stream captures, the work becomes part of the
 * CUDA graph ("CUDA graph capture" in the developer guide: all memory, the workspace too, must stay where it is
 * for as long as the graph is launched). */
cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan_address,
                                  cudnnBackendDescriptor_t pack_address)
{
    if (simulated_call(execute) != SIMULATED_GOES_ON)
        return cudnn_fail(CUDNN_STATUS_EXECUTION_FAILED_CUDART, "the launch failed");
    if (handle == NULL)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "the handle is null");
    if (!simulated_handle_live(execute, CUDNN_HANDLE, handle))
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "no such handle");
    const struct descriptor *plan = plan_address, *pack = pack_address;
    cudnnStatus_t status = check_descriptor(plan, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    if (status == CUDNN_STATUS_SUCCESS)
        status = check_descriptor(pack, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    if (status != CUDNN_STATUS_SUCCESS)
        return status;
    if (descriptor_target(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE) == NULL) {
        simulated_misuse(execute, "a plan for a device that is only described");
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "the plan has no handle");
    }
    struct engine_choice choice;
    plan_choice(&choice, plan);
    if (choice.fails)
        return cudnn_fail(CUDNN_STATUS_EXECUTION_FAILED, "this engine never runs");
    struct run run;
    memset(&run, 0, sizeof(run));
    run.convolution = choice.convolution.shape;
    run.method = choice.method;
    run.plan = plan;
    run.handle = handle;
    run.nondeterministic = choice.nondeterministic;
    status = find_tensors(&run, &choice.convolution, pack);
    if (status == CUDNN_STATUS_SUCCESS && choice.workspace > 0) {
        void *const *workspace = descriptor_values(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, NULL);
        run.method.workspace = *workspace;
        status = check_address("the workspace", *workspace, choice.workspace, WORKSPACE_ALIGNMENT);
    }
    if (status != CUDNN_STATUS_SUCCESS)
        return status;
    if (!check_overlaps(&run, choice.workspace))
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "memory overlaps");
    if (!simulated_stream_live(execute, handle->stream))
        return cudnn_fail(CUDNN_STATUS_EXECUTION_FAILED, "the handle's stream is gone");
    if (simulated_enqueue(handle->stream, execute, run_plan, &run, sizeof(run)) != 0)
        return cudnn_fail(CUDNN_STATUS_EXECUTION_FAILED_CUDART, "the stream does not take the work");
    return CUDNN_STATUS_SUCCESS;
}
