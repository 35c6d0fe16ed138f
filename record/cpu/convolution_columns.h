/* What each output pixel of a convolution sees, side by side: a row of a matrix. */
#ifndef TIDY_RECORD_CPU_CONVOLUTION_COLUMNS_H
#define TIDY_RECORD_CPU_CONVOLUTION_COLUMNS_H

#include "kernels/tensor_type.h"
#include "record/network.h"

/* Bytes of the rows of `count` images. */
size_t columns_bytes(const struct layer *layer, uint32_t count, enum tensor_type type);

/* rows [count][out_height][out_width][kernel][kernel][in_channels] of x; 0 where padding is seen. */
void columns_gather(void *rows, const void *x, const struct layer *layer, uint32_t count, enum tensor_type type);

/* The way back for a 1x1 kernel: each row is stored as its pixel of dx, and 0 as the pixels that none has seen; or, where
 * `accumulate`, each is added to its pixel. */
void columns_scatter(void *dx, const void *rows, const struct layer *layer, uint32_t count, enum tensor_type type,
                     bool accumulate);

/* sum += added, `count` values. */
void columns_add(void *sum, const void *added, size_t count, enum tensor_type type);

#endif
