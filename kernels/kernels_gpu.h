/* The twins of kernels.h for an NVIDIA GPU: same computations, same contracts, enqueued on a stream.
 *
 * All pointers are device memory, aligned to 16 bytes, except `queue`. Nothing is waited for: a call returns once its kernels are
 * enqueued, and may be captured into a CUDA graph. Every function returns a cudaError_t (0: enqueued).
 * Tensors (void *) are NHWC of the given type; statistics, parameters, gradients of parameters, logits and losses
 * are float32 in either type, and all sums are taken in float32 or better. Results depend on nothing but the inputs: no atomics
 * on floating point, and the order of a sum does not depend on the device.
 *
 * A .cu file holds the kernels and launchers of the .c file beside it. This header needs no toolkit. */
#ifndef TIDY_KERNELS_KERNELS_GPU_H
#define TIDY_KERNELS_KERNELS_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where kernels are enqueued. */
struct gpu_queue {
    struct CUstream_st *stream; /* a cudaStream_t */
    int multiprocessors;        /* of the device: no more blocks are launched than keep it busy */
};

/* 0 where this build's kernels have code for the current device (they are all compiled for the same ones), else the
 * cudaError_t that a launch would end with. */
int gpu_kernels_load(void);

/* As gather_images; values are rounded to `type`. */
int gpu_gather_images(const struct gpu_queue *queue, enum tensor_type type, void *out, const uint8_t *images,
                      const uint32_t *samples, uint32_t count, uint32_t height, uint32_t width, uint32_t channels,
                      uint32_t out_height, uint32_t out_width);

/* As batch_norm_forward, _inference, _backward. `scratch` holds partial sums within one call:
 * gpu_batch_norm_scratch bytes, which grow with rows and channels. */
size_t gpu_batch_norm_scratch(size_t rows, size_t channels);
int gpu_batch_norm_forward(const struct gpu_queue *queue, enum tensor_type type, void *y, float *mean,
                           float *inverse_std, float *running_mean, float *running_variance, const void *x,
                           const void *shortcut, const float *scale, const float *shift, void *scratch, size_t rows,
                           size_t channels, bool relu);
int gpu_batch_norm_inference(const struct gpu_queue *queue, enum tensor_type type, void *y,
                             const float *running_mean, const float *running_variance, const void *x,
                             const void *shortcut, const float *scale, const float *shift, size_t rows,
                             size_t channels, bool relu);
int gpu_batch_norm_backward(const struct gpu_queue *queue, enum tensor_type type, void *dx, void *d_shortcut,
                            bool accumulate_shortcut, float *d_scale, float *d_shift, const void *dy, const void *x,
                            const void *y, const float *scale, const float *mean, const float *inverse_std,
                            void *scratch, size_t rows, size_t channels, bool relu);

/* As max_pool_*, average_pool_*. */
int gpu_max_pool_forward(const struct gpu_queue *queue, enum tensor_type type, void *y, uint8_t *winner,
                         const void *x, uint32_t count, const struct pool_shape *shape);
int gpu_max_pool_backward(const struct gpu_queue *queue, enum tensor_type type, void *dx, const void *dy,
                          const uint8_t *winner, uint32_t count, const struct pool_shape *shape);
int gpu_average_pool_forward(const struct gpu_queue *queue, enum tensor_type type, void *y, const void *x,
                             uint32_t count, uint32_t pixels, uint32_t channels);
int gpu_average_pool_backward(const struct gpu_queue *queue, enum tensor_type type, void *dx, const void *dy,
                              uint32_t count, uint32_t pixels, uint32_t channels);

/* sum += added, elementwise: a gradient that comes from two layers. */
int gpu_add(const struct gpu_queue *queue, enum tensor_type type, void *sum, const void *added, size_t count);

/* As linear_add_bias and linear_bias_gradient. */
int gpu_linear_add_bias(const struct gpu_queue *queue, float *y, const float *bias, uint32_t count,
                        uint32_t outputs);
int gpu_linear_bias_gradient(const struct gpu_queue *queue, enum tensor_type type, float *d_bias, const void *dy,
                             uint32_t count, uint32_t outputs);

/* As softmax_cross_entropy; d_logits is of `type`, in float32 arithmetic: log_odds and loss keep their relative
 * accuracy also near 0. */
int gpu_softmax_cross_entropy(const struct gpu_queue *queue, enum tensor_type type, void *d_logits,
                              uint16_t *predicted, float *margin, float *log_odds, float *loss, const float *logits,
                              const uint16_t *labels, uint32_t count, uint32_t classes);

/* All parameters of a network in one flat array: those whose gradients are tensors first, then the rest. */
struct gpu_parameters {
    float *weights, *velocity; /* [count] */
    void *rounded;             /* [tensor_count] bf16: the weights as the convolutions read them; NULL where f32 */
    const void *tensor_gradients; /* [tensor_count] of the type given */
    const float *gradients;       /* [count - tensor_count] of the rest */
    size_t tensor_count, count;   /* multiples of 8 */
};

/* As momentum_update, for all parameters in one launch; learning_rate is read from device memory, so that a captured
 * launch follows a schedule. Where `rounded` is set it gets the new weights in bf16, rounded to nearest even. */
int gpu_momentum_update(const struct gpu_queue *queue, enum tensor_type type,
                        const struct gpu_parameters *parameters, const float *learning_rate, float momentum,
                        float weight_decay);

/* out[i] = values[i] in bf16, rounded to nearest even; count is a multiple of 8. */
int gpu_round_to_bf16(const struct gpu_queue *queue, void *out, const float *values, size_t count);

#ifdef __cplusplus
}
#endif
#endif
