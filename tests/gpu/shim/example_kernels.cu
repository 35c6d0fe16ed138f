/* Kernels for the shim's own suite: right ones, and ones with each fault that the shim must find. */
#include "kernels/gpu_launch.h"

extern "C" __global__ void example_places(unsigned *out, unsigned char tag, double scale)
{
    out[gpu_first_item()] = static_cast<unsigned>(scale * (1000 * blockIdx.x + threadIdx.x)) + tag;
}

/* out[block] = the sum of in[thread] for 64 threads, by halves. */
template <bool HAS_BARRIER> static __device__ void sum_by_halves(float *out, const float *in)
{
    __shared__ float partial[64];
    partial[threadIdx.x] = in[threadIdx.x];
    __syncthreads();
    for (unsigned half = 32; half > 0; half /= 2) {
        if (threadIdx.x < half)
            partial[threadIdx.x] += partial[threadIdx.x + half];
        if (HAS_BARRIER)
            __syncthreads();
    }
    if (threadIdx.x == 0)
        out[blockIdx.x] = partial[0];
}

extern "C" __global__ void example_sum(float *out, const float *in)
{
    sum_by_halves<true>(out, in);
}

extern "C" __global__ void example_sum_without_barrier(float *out, const float *in)
{
    sum_by_halves<false>(out, in);
}

/* Every lane gets the sum of its warp's lane numbers, and then the number of its neighbour. */
extern "C" __global__ void example_shuffles(unsigned *sums, double *neighbours)
{
    unsigned lane = threadIdx.x % 32, sum = lane;
    for (unsigned lanes = 1; lanes < 32; lanes *= 2)
        sum += __shfl_xor_sync(0xffffffff, sum, lanes);
    sums[threadIdx.x] = sum;
    neighbours[threadIdx.x] = __shfl_xor_sync(0xffffffff, static_cast<double>(lane), 1);
}

/* The second warp writes what the first may not have read. */
extern "C" __global__ void example_shuffle_without_barrier(float *out)
{
    __shared__ float value;
    if (threadIdx.x == 0)
        value = 1;
    __syncthreads();
    float read = value;
    (void)__shfl_xor_sync(0xffffffff, 1, 1);
    if (threadIdx.x == 32)
        value = 2;
    out[threadIdx.x] = read;
}

extern "C" __global__ void example_unwritten(float *out)
{
    __shared__ float never_written[8];
    out[blockIdx.x] = never_written[blockIdx.x];
    __syncthreads();
    never_written[threadIdx.x] = 1;
}

extern "C" __global__ void example_barrier_for_some(unsigned some)
{
    if (threadIdx.x < some)
        __syncthreads();
}

extern "C" __global__ void example_two_barriers(unsigned some)
{
    if (threadIdx.x < some)
        __syncthreads();
    else
        __syncthreads();
}

extern "C" __global__ void example_shuffle_of(unsigned mask)
{
    (void)__shfl_xor_sync(mask, 1, 1);
}

extern "C" __global__ void example_not_registered()
{
}

extern "C" void launch_not_registered(void)
{
    const struct gpu_queue queue = {nullptr, 1};
    gpu_launch(&queue, 1, 1, example_not_registered);
}

GPU_KERNELS(example_places, example_sum, example_sum_without_barrier, example_shuffles,
            example_shuffle_without_barrier, example_unwritten, example_barrier_for_some, example_two_barriers,
            example_shuffle_of);
