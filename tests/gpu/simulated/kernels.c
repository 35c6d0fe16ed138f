/* Kernels: what nvcc's host code registers when a library is loaded, and launches. The function on the host that
 * stands for a kernel is mapped to the shim's kernel of the same name, which runs the same source text on the
 * CPU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/gpu/shim/shim.h"
#include "tests/gpu/simulated/runtime.h"

enum { MOST_ARGUMENTS = 64, ARGUMENT_ALIGNMENT = 16, DEFAULT_SHARED_LIMIT = 48 << 10 };

struct function {
    const void *host;               /* what a launch names */
    void **binary;                  /* that it came with */
    char name[SHIM_NAME_ROOM + 24]; /* "cudaLaunchKernelExC NAME" */
    struct function *next;
};

static struct function *functions;
static const char launch[] = "cudaLaunchKernelExC";

/* ---- registration: undocumented; the declarations are those of the toolkit's crt/host_runtime.h, which nvcc's
 * host code includes ---- */

void **__cudaRegisterFatBinary(void *binary);
void __cudaRegisterFatBinaryEnd(void **handle);
void __cudaUnregisterFatBinary(void **handle);
void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int thread_limit,
                            uint3 *thread, uint3 *block, dim3 *block_size, dim3 *grid_size, int *warp_size);
char __cudaInitModule(void **handle);
cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *host);
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **arguments, size_t shared,
                               cudaStream_t stream);
cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream);

/* crt/host_runtime.h: called for each object of device code when its library is loaded; what it returns names the
 * object from then on. */
void **__cudaRegisterFatBinary(void *binary)
{
    void **handle = simulator_allocate(sizeof *handle);
    *handle = binary;
    runtime_lock();
    simulated_handle_created("fat binary", handle);
    runtime_unlock();
    return handle;
}

/* crt/host_runtime.h: called when all functions of the object are registered. */
void __cudaRegisterFatBinaryEnd(void **handle)
{
    simulated_handle_live("__cudaRegisterFatBinaryEnd", "fat binary", handle);
}

/* crt/host_runtime.h: for variables that host and device share, which we have none of; host code that is not optimised refers
 * to it all the same. */
char __cudaInitModule(void **handle)
{
    return simulated_handle_live("__cudaInitModule", "fat binary", handle);
}

/* crt/host_runtime.h: registered with atexit, so called when the library is unloaded or the process ends. */
void __cudaUnregisterFatBinary(void **handle)
{
    runtime_lock();
    if (simulated_handle_destroyed("__cudaUnregisterFatBinary", "fat binary", handle)) {
        for (struct function **link = &functions; *link != NULL;) {
            struct function *function = *link;
            if (function->binary != handle) {
                link = &function->next;
                continue;
            }
            *link = function->next;
            free(function);
        }
        free(handle);
    }
    runtime_unlock();
}

/* crt/host_runtime.h: once for each kernel; `name` is the kernel's name in the device code, which for extern "C" is
 * that of the source. The other arguments are NULL but for limits. */
void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int thread_limit,
                            uint3 *thread, uint3 *block, dim3 *block_size, dim3 *grid_size, int *warp_size)
{
    (void)device, (void)thread_limit, (void)thread, (void)block, (void)block_size, (void)grid_size, (void)warp_size;
    struct function *function = simulator_allocate(sizeof *function);
    function->host = host;
    function->binary = handle;
    snprintf(function->name, sizeof function->name, "%s %s", launch, name);
    runtime_lock();
    function->next = functions;
    functions = function;
    runtime_unlock();
}

/* crt/host_runtime.h, __cudaLaunch: what the host's function of a kernel calls when it is called itself, by <<<>>>.
 * All launches are to go through cudaLaunchKernelEx, which only takes its address; so these three are never
 * called. */
static cudaError_t refuse_triple_brackets(const char *function)
{
    simulated_misuse(function, "a launch by <<<>>> is not simulated; use cudaLaunchKernelEx");
    return cudaErrorNotSupported;
}

/* See refuse_triple_brackets. */
cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *host)
{
    (void)kernel, (void)host;
    return refuse_triple_brackets("__cudaGetKernel");
}

/* See refuse_triple_brackets. */
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **arguments, size_t shared,
                               cudaStream_t stream)
{
    (void)kernel, (void)grid, (void)block, (void)arguments, (void)shared, (void)stream;
    return refuse_triple_brackets("__cudaLaunchKernel");
}

/* See refuse_triple_brackets. */
cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream)
{
    (void)grid, (void)block, (void)shared, (void)stream;
    return refuse_triple_brackets("__cudaPopCallConfiguration");
}

/* ---- launches ---- */

/* A launch's argument: this, and behind it the kernel's arguments, each at the next multiple of 16. */
struct launch {
    alignas(ARGUMENT_ALIGNMENT) const struct shim_kernel *kernel;
    unsigned blocks, threads;
};

static size_t argument_room(size_t size)
{
    return (size + ARGUMENT_ALIGNMENT - 1) / ARGUMENT_ALIGNMENT * ARGUMENT_ALIGNMENT;
}

static void run_launch(void *argument)
{
    const struct launch *header = argument;
    unsigned char *place = (unsigned char *)argument + sizeof *header;
    void *arguments[MOST_ARGUMENTS];
    for (size_t i = 0; i < shim_argument_count(header->kernel); i++) {
        arguments[i] = place;
        place += argument_room(shim_argument_size(header->kernel, i));
    }
    shim_run(header->kernel, header->blocks, header->threads, arguments);
}

/* Whether an argument is an address of mapped memory of the host that is not pinned: what a pointer by mistake
 * looks like. Small numbers and floating point values are no such addresses. */
static bool is_pageable_address(const void *argument, size_t size)
{
    uintptr_t value;
    if (size != sizeof value)
        return false;
    memcpy(&value, argument, sizeof value);
    void *page = (void *)(value & ~(uintptr_t)4095);
    unsigned char resident;
    return value >> 32 != 0 && value >> 47 == 0 && !memory_in_region(MEMORY_DEVICE, page) &&
           !memory_in_region(MEMORY_PINNED, page) && mincore(page, 1, &resident) == 0;
}

/* Copies the arguments behind a header. NULL where one cannot be right. */
static struct work *create_launch(const char *name, const struct launch *header, void **arguments)
{
    size_t count = shim_argument_count(header->kernel), size = sizeof *header;
    for (size_t i = 0; i < count; i++)
        size += argument_room(shim_argument_size(header->kernel, i));
    unsigned char *all = simulator_allocate(size), *place = all + sizeof *header;
    memcpy(all, header, sizeof *header);
    bool right = true;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = shim_argument_size(header->kernel, i);
        memcpy(place, arguments[i], bytes);
        if (is_pageable_address(place, bytes)) {
            simulated_misuse(name, "argument %zu of %zu is an address of the host's pageable memory", i + 1, count);
            right = false;
        }
        place += argument_room(bytes);
    }
    struct work *work = right ? work_create(name, run_launch, all, size) : NULL;
    free(all);
    return work;
}

/* The error of a launch's shape. CUDA C++ Programming Guide, "Compute Capabilities": at most 2^31 - 1 blocks in x,
 * 65535 in y and z, and 1024 threads; a launch out of bounds, or of none, is cudaErrorInvalidConfiguration
 * (driver_types.h). */
static cudaError_t check_shape(const char *name, const cudaLaunchConfig_t *config)
{
    dim3 grid = config->gridDim, block = config->blockDim;
    uint64_t threads = (uint64_t)block.x * block.y * block.z;
    if (grid.x == 0 || grid.x > INT32_MAX || grid.y == 0 || grid.y > 65535 || grid.z == 0 || grid.z > 65535 ||
        threads == 0 || threads > 1024 || block.x > 1024 || block.y > 1024 || block.z > 64) {
        simulated_misuse(name, "a grid of %u x %u x %u blocks of %u x %u x %u threads", grid.x, grid.y, grid.z,
                         block.x, block.y, block.z);
        return cudaErrorInvalidConfiguration;
    }
    if (config->dynamicSmemBytes > DEFAULT_SHARED_LIMIT) {
        simulated_misuse(name, "%zu bytes of dynamic shared memory", config->dynamicSmemBytes);
        return cudaErrorInvalidValue;
    }
    if (grid.y != 1 || grid.z != 1 || block.y != 1 || block.z != 1 || config->dynamicSmemBytes != 0 ||
        config->numAttrs != 0) {
        simulated_misuse(name,
                         "grids or blocks of more than one dimension, dynamic shared memory and attributes are not "
                         "simulated");
        return cudaErrorNotSupported;
    }
    return cudaSuccess;
}

static const struct function *find_function(const void *host)
{
    const struct function *function = functions;
    while (function != NULL && function->host != host)
        function = function->next;
    return function;
}

/* The body of a launch, under the lock. */
static cudaError_t launch_function(const char *name, const cudaLaunchConfig_t *config, void **arguments)
{
    cudaError_t error = check_shape(name, config);
    if (error != cudaSuccess)
        return error;
    struct launch header = {shim_find(name + sizeof launch), config->gridDim.x, config->blockDim.x};
    if (header.kernel == NULL || shim_argument_count(header.kernel) > MOST_ARGUMENTS) {
        simulated_misuse(name, "the kernel is not among those compiled for the CPU");
        return cudaErrorInvalidDeviceFunction;
    }
    struct work *work = create_launch(name, &header, arguments);
    return work != NULL ? stream_add(name, config->stream, work) : cudaErrorInvalidValue;
}

/* "CUDA Runtime API", Execution Control, cudaLaunchKernelExC: arguments[i] points to the i-th parameter's value,
 * which is copied by the call; cudaErrorInvalidDeviceFunction for a function that is no kernel. Enqueued, or a node
 * where the stream captures. Each kernel counts as a call site of its own. */
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *host, void **arguments)
{
    runtime_lock();
    const struct function *function = find_function(host);
    const char *name = function != NULL ? function->name : launch;
    cudaError_t error = runtime_enter(name);
    if (error == cudaSuccess && config == NULL)
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess && function == NULL) {
        simulated_misuse(launch, "%p was not registered as a kernel", host);
        error = cudaErrorInvalidDeviceFunction;
    }
    if (error == cudaSuccess)
        error = launch_function(name, config, arguments);
    runtime_leave(error);
    runtime_unlock();
    return error;
}

/* "CUDA Runtime API", Execution Control, cudaFuncGetAttributes: fills in what the kernel takes; to do so its code is loaded, so that
 * it fails with cudaErrorNoKernelImageForDevice where there is none for the device, cudaErrorInvalidDeviceFunction for a function
 * that is no kernel. Of the attributes only the most threads of a block are simulated. */
cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *host)
{
    cudaError_t error = runtime_enter("cudaFuncGetAttributes");
    if (error == cudaSuccess && attributes == NULL)
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess && find_function(host) == NULL)
        error = cudaErrorInvalidDeviceFunction;
    if (error == cudaSuccess)
        *attributes = (struct cudaFuncAttributes){.maxThreadsPerBlock = 1024};
    return runtime_leave(error);
}
