/* Kernels for the tests of the simulated runtime, which launches them by name: compiled for the CPU into the
 * runtime, and by nvcc into what is tested. */
#include "tests/gpu/simulated/example/example.h"

#include "kernels/gpu_launch.h"

/* Arguments of different sizes and alignments. */
extern "C" __global__ void example_line(struct example_line line, float *out, unsigned char from, unsigned count)
{
    for (size_t i = gpu_first_item(); i < count; i += gpu_stride())
        out[i] = static_cast<float>(line.slope * static_cast<double>(from + i)) + static_cast<float>(line.offset);
}

/* The sum of each block's 64 values, through shared memory and barriers. */
extern "C" __global__ void example_block_sums(float *sums, const float *values)
{
    __shared__ float partial[64];
    partial[threadIdx.x] = values[blockIdx.x * 64 + threadIdx.x];
    __syncthreads();
    for (unsigned half = 32; half > 0; half /= 2) {
        if (threadIdx.x < half)
            partial[threadIdx.x] += partial[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0)
        sums[blockIdx.x] = partial[0];
}

int example_launch_line(struct CUstream_st *stream, unsigned blocks, unsigned threads, struct example_line line,
                        float *out, unsigned char from, unsigned count)
{
    const struct gpu_queue queue = {stream, 2};
    return gpu_launch(&queue, blocks, threads, example_line, line, out, from, count);
}

int example_launch_block_sums(struct CUstream_st *stream, unsigned blocks, float *sums, const float *values)
{
    const struct gpu_queue queue = {stream, 2};
    return gpu_launch(&queue, blocks, 64, example_block_sums, sums, values);
}

GPU_KERNELS(example_line, example_block_sums);
