/* What the CPU backend asks of oneDNN: convolution of NHWC tensors, and matrix products.
 *
 * All that differs between oneDNN 2 and 3 is inside onednn.c. */
#ifndef TIDY_RECORD_CPU_ONEDNN_H
#define TIDY_RECORD_CPU_ONEDNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/network.h"

/* Engine, stream, and two buffers that all operations share, because they run one after another. */
struct onednn;

int onednn_create(struct onednn **out);
void onednn_destroy(struct onednn *onednn);

/* Library name and version with the instruction set it uses: "oneDNN 2.6.3 (AVX2)". Static text. */
const char *onednn_version(void);

enum onednn_pass { ONEDNN_FORWARD, ONEDNN_BACKWARD_DATA, ONEDNN_BACKWARD_WEIGHTS, ONEDNN_PASSES };

/* One direction of one layer, compiled for a number of images. */
struct onednn_operation;
void onednn_operation_destroy(struct onednn_operation *operation);

/* Compiles one pass of a convolution layer for `count` images. */
int onednn_convolution_create(struct onednn_operation **out, struct onednn *onednn, const struct layer *layer,
                              uint32_t count, enum onednn_pass pass);

/* Runs a convolution pass: `in` and `out` are tensors of the layer's input and output shape (or their gradients),
 * weights [kernel][kernel][in_channels][out_channels] as in network_state, also for their gradient.
 *   forward:          out = in * weights           backward data: in = gradient from `out`, weights
 *   backward weights: weights = gradient from `in`, `out` */
int onednn_convolution_run(struct onednn_operation *operation, void *in, void *out, float *weights);

/* The weights are packed at the first run, and at the first one after this. */
void onednn_weights_changed(struct onednn_operation *operation);

/* One dense matrix of a product: row-major with `stride` floats from row to row, used transposed or not. */
struct matrix {
    float *values;
    size_t stride;
    bool transposed;
};

/* c [m][n] = a [m][k] * b [k][n], or added to c where `accumulate`. */
int onednn_multiply(struct matrix c, struct matrix a, struct matrix b, size_t m, size_t n, size_t k,
                    bool accumulate);

#endif
