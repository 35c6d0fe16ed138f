/* Momentum SGD on the device, for all parameters of a network in one launch; and weights rounded to bf16. */
#include "kernels/gpu_launch.h"

template <typename Type>
static __device__ void update(float *__restrict__ weights, float *__restrict__ velocity,
                              struct bf16 *__restrict__ rounded, const Type *__restrict__ tensor_gradients,
                              const float *__restrict__ gradients, size_t tensor_count, size_t count,
                              const float *__restrict__ learning_rate, float momentum, float weight_decay)
{
    float rate = *learning_rate;
    for (size_t i = gpu_first_item() * 4; i < count; i += gpu_stride() * 4) {
        bool of_tensor = i < tensor_count; /* a multiple of 4: all of the vector is */
        gpu_values<4> w = gpu_load<4>(weights + i), v = gpu_load<4>(velocity + i);
        gpu_values<4> g =
            of_tensor ? gpu_load<4>(tensor_gradients + i) : gpu_load<4>(gradients + (i - tensor_count));
#pragma unroll
        for (int k = 0; k < 4; k++) {
            v.at[k] = momentum * v.at[k] + (g.at[k] + weight_decay * w.at[k]);
            w.at[k] -= rate * v.at[k];
        }
        gpu_store(velocity + i, v);
        gpu_store(weights + i, w);
        if (of_tensor && rounded != nullptr)
            gpu_store(rounded + i, w);
    }
}

extern "C" __global__ void __launch_bounds__(GPU_THREADS)
    momentum_update_f32(float *__restrict__ weights, float *__restrict__ velocity,
                        struct bf16 *__restrict__ rounded, const float *__restrict__ tensor_gradients,
                        const float *__restrict__ gradients, size_t tensor_count, size_t count,
                        const float *__restrict__ learning_rate, float momentum, float weight_decay)
{
    update(weights, velocity, rounded, tensor_gradients, gradients, tensor_count, count, learning_rate, momentum,
           weight_decay);
}

extern "C" __global__ void __launch_bounds__(GPU_THREADS)
    momentum_update_bf16(float *__restrict__ weights, float *__restrict__ velocity,
                         struct bf16 *__restrict__ rounded, const struct bf16 *__restrict__ tensor_gradients,
                         const float *__restrict__ gradients, size_t tensor_count, size_t count,
                         const float *__restrict__ learning_rate, float momentum, float weight_decay)
{
    update(weights, velocity, rounded, tensor_gradients, gradients, tensor_count, count, learning_rate, momentum,
           weight_decay);
}

extern "C" __global__ void __launch_bounds__(GPU_THREADS)
    round_to_bf16(struct bf16 *__restrict__ out, const float *__restrict__ values, size_t count)
{
    for (size_t i = gpu_first_item() * 4; i < count; i += gpu_stride() * 4)
        gpu_store(out + i, gpu_load<4>(values + i));
}

int gpu_momentum_update(const struct gpu_queue *queue, enum tensor_type type, const struct gpu_parameters *parameters,
                        const float *learning_rate, float momentum, float weight_decay)
{
    const struct gpu_parameters *p = parameters;
    unsigned blocks = gpu_blocks(queue, p->count / 4, GPU_THREADS);
    struct bf16 *rounded = static_cast<struct bf16 *>(p->rounded);
    if (type == TENSOR_F32)
        return gpu_launch(queue, blocks, GPU_THREADS, momentum_update_f32, p->weights, p->velocity, rounded,
                          static_cast<const float *>(p->tensor_gradients), p->gradients, p->tensor_count, p->count,
                          learning_rate, momentum, weight_decay);
    return gpu_launch(queue, blocks, GPU_THREADS, momentum_update_bf16, p->weights, p->velocity, rounded,
                      static_cast<const struct bf16 *>(p->tensor_gradients), p->gradients, p->tensor_count,
                      p->count, learning_rate, momentum, weight_decay);
}

int gpu_round_to_bf16(const struct gpu_queue *queue, void *out, const float *values, size_t count)
{
    return gpu_launch(queue, gpu_blocks(queue, count / 4, GPU_THREADS), GPU_THREADS, round_to_bf16,
                      static_cast<struct bf16 *>(out), values, count);
}

GPU_KERNELS(momentum_update_f32, momentum_update_bf16, round_to_bf16);
