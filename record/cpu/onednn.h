/* What the CPU backend asks of oneDNN: convolution of NHWC tensors, and matrix products.
 *
 * Tensors and matrices are float32 or bfloat16, sums float32 in either. All that differs between oneDNN 2 and 3 is
 * behind onednn_primitive.h. */
#ifndef TIDY_RECORD_CPU_ONEDNN_H
#define TIDY_RECORD_CPU_ONEDNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/tensor_type.h"
#include "record/network.h"

/* Engine, stream, and the buffers that all operations share, because they run one after another. */
struct onednn;

int onednn_create(struct onednn **out);
void onednn_destroy(struct onednn *onednn);

/* Library name and version with the instruction set it uses: "oneDNN 2.6.3 (AVX2)". Static text. */
const char *onednn_version(void);

/* Room that any operation's caller may use while it prepares and runs one: at least the most `bytes` that were asked
 * for. The place is valid until the next onednn_reserve. */
int onednn_reserve(struct onednn *onednn, size_t bytes);
void *onednn_reserved(struct onednn *onednn);

/* One direction of one layer, compiled. */
struct onednn_operation;
void onednn_operation_destroy(struct onednn_operation *operation);

/* The operation's packed weights, where it keeps any, are made at the first run, and at the first one after this. */
void onednn_weights_changed(struct onednn_operation *operation);

/* Has the processor instructions for bfloat16 that oneDNN uses? ONEDNN_MAX_CPU_ISA, oneDNN's own variable, may take them
 * away. */
bool onednn_has_bf16(void);

enum onednn_pass { ONEDNN_FORWARD, ONEDNN_BACKWARD_DATA, ONEDNN_BACKWARD_WEIGHTS, ONEDNN_PASSES };

/* Compiles one pass of a convolution layer for `count` images of tensors of `type`.
 * Errors: no memory; bfloat16 where the processor or oneDNN has none. */
int onednn_convolution_create(struct onednn_operation **out, struct onednn *onednn, const struct layer *layer,
                              uint32_t count, enum onednn_pass pass, enum tensor_type type);

/* Runs a convolution pass: `in` and `out` are tensors of the layer's input and output shape (or their gradients),
 * weights float32 [kernel][kernel][in_channels][out_channels] as in network_state, also for their gradient.
 *   forward:          out = in * weights           backward data: in = gradient from `out`, weights
 *   backward weights: weights = gradient from `in`, `out` */
int onednn_convolution_run(struct onednn_operation *operation, void *in, void *out, float *weights);

/* c [rows][columns] = a [rows][depth] * b [depth][columns], or added to c where `accumulate`; dense, row-major. */
struct product {
    size_t rows, columns, depth;
    bool a_transposed, b_transposed; /* a lies as [depth][rows], b as [columns][depth] */
    bool pack_b;                     /* keep b in the layout that oneDNN likes best, until onednn_weights_changed */
    bool accumulate;
    enum tensor_type type, c_type; /* of a and b, and of c */
};

int onednn_product_create(struct onednn_operation **out, struct onednn *onednn, const struct product *product);
int onednn_product_run(struct onednn_operation *operation, void *c, void *a, void *b);

#endif
