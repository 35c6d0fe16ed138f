/* A convolution layer on the CPU, each pass in whichever formulation suits its shape (docs/performance.md).
 *
 * A matrix product over the whole batch: of all pixels for a 1x1 kernel, of the pixels that it sees for one with a
 * stride, and of whole images where those have so few pixels that most of a kernel would see padding. The weights'
 * gradient of a larger kernel with a stride is a product of what each output pixel sees. The rest is oneDNN's convolution.
 * The choice is a rule of the shape, so that the same run gives the same values. */
#ifndef TIDY_RECORD_CPU_CONVOLUTION_H
#define TIDY_RECORD_CPU_CONVOLUTION_H

#include "kernels/tensor_type.h"
#include "record/cpu/onednn.h"

struct convolution;

/* Prepares `layer` (convolution or linear; copied) for batches of at most `batch_size`, with x, y, dx and dy stored as
 * `type`; but a linear layer's y, the logits, is float32 always. Weights and their gradients are float32 always.
 * Errors: bfloat16 where the processor or oneDNN has none. */
int convolution_create(struct convolution **out, struct onednn *onednn, const struct layer *layer,
                       uint32_t batch_size, enum tensor_type type);
void convolution_destroy(struct convolution *convolution);

/* For `count` images: x and dx have the layer's input shape, y and dy its output shape (NHWC), weights and d_weights
 * are [kernel][kernel][in_channels][out_channels]. Outputs are stored; dx is added to where `accumulate`.
 * All tensors must have room for batch_size images: those after `count` are scratch. */
int convolution_forward(struct convolution *convolution, void *y, void *x, const float *weights, uint32_t count);
int convolution_backward_data(struct convolution *convolution, void *dx, void *dy, const float *weights,
                              uint32_t count, bool accumulate);
int convolution_backward_weights(struct convolution *convolution, float *d_weights, void *x, void *dy,
                                 uint32_t count);

/* To be called after the weights got other values, and before the next pass that reads them: the passes keep copies in the
 * layouts that they prefer. Some are made at once, because the new values are still in cache then. */
void convolution_weights_changed(struct convolution *convolution, const float *weights);

/* How a pass is made: "direct", "pixels", "columns" or "dense". For benchmarks. */
const char *convolution_formulation(const struct convolution *convolution, enum onednn_pass pass);

#endif
