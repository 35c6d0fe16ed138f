/* The sum of two tensors: a gradient that comes from two layers. */
#include "kernels/gpu_launch.h"

template <typename Type>
static __device__ void add(Type *__restrict__ sum, const Type *__restrict__ added, size_t count)
{
    for (size_t i = gpu_first_item(); i < count / 4; i += gpu_stride()) {
        gpu_values<4> total = gpu_load<4>(sum + i * 4), term = gpu_load<4>(added + i * 4);
#pragma unroll
        for (int k = 0; k < 4; k++)
            total.at[k] += term.at[k];
        gpu_store(sum + i * 4, total);
    }
    /* What is left of the last vector, by the first threads. */
    size_t rest = count - count % 4 + gpu_first_item();
    if (rest < count) {
        gpu_values<1> total = gpu_load<1>(sum + rest);
        total.at[0] += gpu_load<1>(added + rest).at[0];
        gpu_store(sum + rest, total);
    }
}

extern "C" __global__ void __launch_bounds__(GPU_THREADS)
    add_f32(float *__restrict__ sum, const float *__restrict__ added, size_t count)
{
    add(sum, added, count);
}

extern "C" __global__ void __launch_bounds__(GPU_THREADS)
    add_bf16(struct bf16 *__restrict__ sum, const struct bf16 *__restrict__ added, size_t count)
{
    add(sum, added, count);
}

int gpu_kernels_load(void)
{
    return gpu_kernel_loads(add_f32);
}

int gpu_add(const struct gpu_queue *queue, enum tensor_type type, void *sum, const void *added, size_t count)
{
    unsigned blocks = gpu_blocks(queue, count / 4, GPU_THREADS);
    if (type == TENSOR_F32)
        return gpu_launch(queue, blocks, GPU_THREADS, add_f32, static_cast<float *>(sum),
                          static_cast<const float *>(added), count);
    return gpu_launch(queue, blocks, GPU_THREADS, add_bf16, static_cast<struct bf16 *>(sum),
                      static_cast<const struct bf16 *>(added), count);
}

GPU_KERNELS(add_f32, add_bf16);
