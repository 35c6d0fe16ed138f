/* The device is a GPU, or what stands for one, through the CUDA runtime. */
#include "tests/gpu/kernels/device.h"

#include <cuda_runtime_api.h>
#include <string.h>

#include "tests/support/support.h"

static void check(cudaError_t error)
{
    if (error != cudaSuccess)
        fail_msg("CUDA: %s", cudaGetErrorString(error));
}

static cudaStream_t stream(void)
{
    static cudaStream_t made;
    if (made == NULL)
        check(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking));
    return made;
}

struct gpu_queue device_queue(int variant)
{
    static const int multiprocessors[DEVICE_VARIANTS] = {1, 2, 132};
    return (struct gpu_queue){stream(), multiprocessors[variant]};
}

void *device_allocate(size_t bytes)
{
    void *memory = NULL;
    check(cudaMalloc(&memory, bytes > 0 ? bytes : 1));
    check(cudaMemsetAsync(memory, 0xff, bytes, stream()));
    check(cudaStreamSynchronize(stream()));
    return memory;
}

void device_free(void *memory)
{
    check(cudaFree(memory));
}

void device_upload(void *device, const void *host, size_t bytes)
{
    void *staged = NULL;
    check(cudaMallocHost(&staged, bytes > 0 ? bytes : 1));
    memcpy(staged, host, bytes);
    check(cudaMemcpyAsync(device, staged, bytes, cudaMemcpyHostToDevice, stream()));
    check(cudaStreamSynchronize(stream()));
    check(cudaFreeHost(staged));
}

void device_download(void *host, const void *device, size_t bytes)
{
    void *staged = NULL;
    check(cudaMallocHost(&staged, bytes > 0 ? bytes : 1));
    check(cudaMemcpyAsync(staged, device, bytes, cudaMemcpyDeviceToHost, stream()));
    check(cudaStreamSynchronize(stream()));
    memcpy(host, staged, bytes);
    check(cudaFreeHost(staged));
}

void device_wait(int launched)
{
    check((cudaError_t)launched);
    check(cudaStreamSynchronize(stream()));
}
