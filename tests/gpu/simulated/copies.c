/* Asynchronous copies and fills. A copy to the host leaves poison in its destination until it has run, so that a
 * host that does not wait reads garbage; a copy from the host finds out whether its source was changed before it
 * ran. */
#include <stdlib.h>
#include <string.h>

#include "tests/gpu/simulated/runtime.h"

struct copy {
    void *destination;
    const void *source;
    size_t size;
    enum cudaMemcpyKind kind;
    void *snapshot; /* of the source in pinned memory, from when the copy was enqueued */
};

static void arm_copy(void *argument)
{
    struct copy *copy = argument;
    if (copy->kind == cudaMemcpyDeviceToHost)
        memset(copy->destination, MEMORY_POISON, copy->size);
    if (copy->kind == cudaMemcpyHostToDevice) {
        copy->snapshot = simulator_allocate(copy->size);
        memcpy(copy->snapshot, copy->source, copy->size);
    }
}

static void drop_copy(void *argument)
{
    free(((struct copy *)argument)->snapshot);
}

static void run_copy(void *argument)
{
    const struct copy *copy = argument;
    if (copy->snapshot != NULL && memcmp(copy->snapshot, copy->source, copy->size) != 0)
        simulated_misuse("cudaMemcpyAsync",
                         "the source at %p (%zu bytes) was changed before the copy from it had run", copy->source,
                         copy->size);
    memcpy(copy->destination, copy->source, copy->size);
    free(copy->snapshot);
}

/* Reports and returns false where the address is not wholly in live memory of the kind. */
static bool check_side(const char *side, enum memory_kind kind, const void *address, size_t size)
{
    static const char function[] = "cudaMemcpyAsync";
    if (kind == MEMORY_DEVICE)
        return simulated_device_range(function, address, size);
    if (memory_holds(kind, address, size))
        return true;
    if (memory_in_region(MEMORY_PINNED, address))
        simulated_misuse(function, "%s: %zu bytes from %p are not all in one live block of cudaMallocHost", side,
                         size, address);
    else if (memory_in_region(MEMORY_DEVICE, address))
        simulated_misuse(function, "%s: %p is device memory, which the copy's direction does not say", side,
                         address);
    else
        simulated_misuse(function,
                         "%s: %p is pageable memory: the copy is not asynchronous, and in a capture forbidden",
                         side, address);
    return false;
}

/* "CUDA Runtime API", Memory Management, cudaMemcpyAsync: areas must not overlap; pointers that do not match the
 * direction are undefined behaviour; may return before the copy is complete. "API synchronization behavior": with
 * pageable memory it may be staged and may block, so all host memory must be pinned here. cudaMemcpyDefault and
 * host to host are not simulated. */
cudaError_t cudaMemcpyAsync(void *destination, const void *source, size_t size, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    static const char function[] = "cudaMemcpyAsync";
    static const struct {
        enum cudaMemcpyKind kind;
        enum memory_kind to, from;
    } directions[] = {
        {cudaMemcpyHostToDevice, MEMORY_DEVICE, MEMORY_PINNED},
        {cudaMemcpyDeviceToHost, MEMORY_PINNED, MEMORY_DEVICE},
        {cudaMemcpyDeviceToDevice, MEMORY_DEVICE, MEMORY_DEVICE},
    };
    cudaError_t error = runtime_enter(function);
    size_t i = 0;
    while (i < sizeof directions / sizeof directions[0] && directions[i].kind != kind)
        i++;
    if (error == cudaSuccess && i == sizeof directions / sizeof directions[0]) {
        simulated_misuse(function, "direction %d is not simulated", (int)kind);
        error = cudaErrorInvalidMemcpyDirection;
    }
    if (error == cudaSuccess && (!check_side("destination", directions[i].to, destination, size) ||
                                 !check_side("source", directions[i].from, source, size)))
        error = cudaErrorInvalidValue;
    uintptr_t to = (uintptr_t)destination, from = (uintptr_t)source;
    if (error == cudaSuccess && size > 0 && to < from + size && from < to + size) {
        simulated_misuse(function, "source and destination overlap");
        error = cudaErrorInvalidValue;
    }
    if (error == cudaSuccess) {
        struct copy copy = {destination, source, size, kind, NULL};
        struct work *work = work_create(function, run_copy, &copy, sizeof copy);
        work->arm = arm_copy;
        work->drop = drop_copy;
        error = stream_add(function, stream, work);
    }
    return runtime_leave(error);
}

struct fill {
    void *address;
    size_t size;
    int value;
};

static void run_fill(void *argument)
{
    const struct fill *fill = argument;
    memset(fill->address, fill->value, fill->size);
}

/* "CUDA Runtime API", Memory Management, cudaMemsetAsync: sets bytes of device memory; asynchronous, and a node
 * where the stream captures. */
cudaError_t cudaMemsetAsync(void *address, int value, size_t size, cudaStream_t stream)
{
    static const char function[] = "cudaMemsetAsync";
    cudaError_t error = runtime_enter(function);
    if (error == cudaSuccess && !simulated_device_range(function, address, size))
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess) {
        struct fill fill = {address, size, value};
        error = stream_add(function, stream, work_create(function, run_fill, &fill, sizeof fill));
    }
    return runtime_leave(error);
}
