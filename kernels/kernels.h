/* The computations that are ours, one contract for every device.
 *
 * Arrays are dense and row-major; `rows` = batch x height x width of an NHWC tensor. Tensors (void *) are of `type`:
 * values are rounded to it as they are stored, to nearest, ties to even; all else is float32 in either type. Results do
 * not depend on anything but the inputs: not on the number of OpenMP threads. */
#ifndef TIDY_KERNELS_KERNELS_H
#define TIDY_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/tensor_type.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Gathers images by index, resizes and scales to [0, 1].
 * images [..][height][width][channels] bytes; out [count][out_height][out_width][channels].
 * Bilinear with half-pixel centres and clamped edges, as PyTorch's align_corners=False and OpenCV: the result is
 * rounded to a whole byte value (half up), then divided by 255. Same size: bytes / 255. */
void gather_images(enum tensor_type type, void *out, const uint8_t *images, const uint32_t *samples, uint32_t count,
                   uint32_t height, uint32_t width, uint32_t channels, uint32_t out_height, uint32_t out_width);

/* Batch norm in training (Ioffe, Szegedy 2015), + addition, + ReLU, for x and y of [rows][channels]:
 *     y = relu((x - mean) * inverse_std * scale + shift + shortcut)
 * mean and inverse_std = 1 / sqrt(biased variance + BATCH_NORM_EPSILON) are of this batch, [channels], kept for
 * the backward pass; running_* = 0.9 running_* + 0.1 batch's (biased variance). shortcut may be NULL. */
#define BATCH_NORM_EPSILON 1e-5f
#define BATCH_NORM_KEEP 0.9f
void batch_norm_forward(enum tensor_type type, void *y, float *mean, float *inverse_std, float *running_mean,
                        float *running_variance, const void *x, const void *shortcut, const float *scale,
                        const float *shift, size_t rows, size_t channels, bool relu);

/* The same with the running statistics in place of the batch's: for evaluation. */
void batch_norm_inference(enum tensor_type type, void *y, const float *running_mean, const float *running_variance,
                          const void *x, const void *shortcut, const float *scale, const float *shift, size_t rows,
                          size_t channels, bool relu);

/* Gradients of batch_norm_forward. dy [rows][channels] is the gradient of y; where relu, it counts only where y > 0.
 * y may be NULL where nothing was added: whether it is above 0 is then seen from x, which is less to read.
 * dx: gradient of x (may be dy itself). d_shortcut: NULL, or gets the gradient of the shortcut, which is
 * the masked dy: added to what is there where `accumulate_shortcut`, else stored.
 * d_scale, d_shift [channels] are stored. */
void batch_norm_backward(enum tensor_type type, void *dx, void *d_shortcut, bool accumulate_shortcut,
                         float *d_scale, float *d_shift, const void *dy, const void *x, const void *y,
                         const float *scale, const float *shift, const float *mean, const float *inverse_std,
                         size_t rows, size_t channels, bool relu);

/* A max pool's geometry; windows are square, and what they see of the padding never wins. */
struct pool_shape {
    uint32_t height, width, channels; /* of the input */
    uint32_t out_height, out_width;
    uint32_t kernel, stride, padding; /* kernel * kernel <= 256, padding < kernel */
};

/* Max pool of x [count][height][width][channels] into y [count][out_height][out_width][channels]. winner, of y's shape,
 * gets the tap (row * kernel + column) of each maximum, the first of several, for the backward pass. NaN never wins. */
void max_pool_forward(enum tensor_type type, void *y, uint8_t *winner, const void *x, uint32_t count,
                      const struct pool_shape *shape);

/* Gradient of max_pool_forward: dx, of x's shape, is stored. */
void max_pool_backward(enum tensor_type type, void *dx, const void *dy, const uint8_t *winner, uint32_t count,
                       const struct pool_shape *shape);

/* batch_norm_forward with ReLU and max_pool_forward in one, of windows of 2x2 pixels that neither overlap nor see padding
 * (batch_norm_pools says whether): y and the statistics are what the two give, but what lies between is not stored.
 * x [count][height][width][channels] is what batch norm works on. winner gets BATCH_NORM_POOL_NONE where no gradient
 * passes the ReLU. */
#define BATCH_NORM_POOL_NONE 255
bool batch_norm_pools(const struct pool_shape *shape);
void batch_norm_pool_forward(enum tensor_type type, void *y, uint8_t *winner, float *mean, float *inverse_std,
                             float *running_mean, float *running_variance, const void *x, const float *scale,
                             const float *shift, uint32_t count, const struct pool_shape *shape);

/* Gradients of batch_norm_pool_forward: dy and winner are of the pool's output, dx of x; all outputs are stored. */
void batch_norm_pool_backward(enum tensor_type type, void *dx, float *d_scale, float *d_shift, const void *dy,
                              const uint8_t *winner, const void *x, const float *scale, const float *mean,
                              const float *inverse_std, uint32_t count, const struct pool_shape *shape);

/* Mean over the pixels of x [count][pixels][channels], into y [count][channels], and its gradient. */
void average_pool_forward(enum tensor_type type, void *y, const void *x, uint32_t count, uint32_t pixels,
                          uint32_t channels);
void average_pool_backward(enum tensor_type type, void *dx, const void *dy, uint32_t count, uint32_t pixels,
                           uint32_t channels);

/* The linear layer's bias: y [count][outputs], the logits, += bias [outputs], and its gradient d_bias = sum of dy over the
 * rows. */
void linear_add_bias(float *y, const float *bias, uint32_t count, uint32_t outputs);
void linear_bias_gradient(enum tensor_type type, float *d_bias, const void *dy, uint32_t count, uint32_t outputs);

/* Softmax cross-entropy of logits [count][classes] with labels [count], averaged over the batch.
 * d_logits [count][classes] = (softmax - onehot) / count. For each sample: predicted = the first largest logit's
 * class, margin = z_label - max of the others, log_odds = log(q / (1 - q)) and loss = -log q of the label's
 * probability q. Where a logit is NaN: predicted is the largest that is not NaN (0 where none), the rest NaN.
 * One class: margin and log_odds are +infinity, loss 0. d_logits may be NULL (evaluation). */
void softmax_cross_entropy(enum tensor_type type, void *d_logits, uint16_t *predicted, float *margin,
                           float *log_odds, float *loss, const float *logits, const uint16_t *labels,
                           uint32_t count, uint32_t classes);

/* Momentum SGD as PyTorch's: v = momentum v + g + weight_decay w;  w = w - learning_rate v. */
void momentum_update(float *weights, float *velocity, const float *gradients, size_t count, float learning_rate,
                     float momentum, float weight_decay);

#ifdef __cplusplus
}
#endif
#endif
