/* A convolution's weights as one matrix of a product, and the matrix's gradient as the weights'. */
#ifndef TIDY_RECORD_CPU_WEIGHT_MATRIX_H
#define TIDY_RECORD_CPU_WEIGHT_MATRIX_H

#include "kernels/tensor_type.h"
#include "record/network.h"

/* Taps of the kernel as blocks [in_channels][out_channels] of a matrix [depth][columns] that is 0 elsewhere. */
struct weight_matrix {
    size_t depth, columns;
    size_t taps, in_channels, out_channels;
    size_t block_count;
    struct weight_block *blocks; /* by rising taps */
    enum tensor_type type;
    void *values; /* NULL: float32 weights that are a matrix as they lie */
    bool current; /* the values are those of the weights of the last use */
};

/* Taps below each other: what an output pixel sees, in the order in which it lies in a row of columns. */
int weight_matrix_create_columns(struct weight_matrix *out, const struct layer *layer, enum tensor_type type);

/* Of all input pixels to all output pixels: what padding would be multiplied with does not occur. */
int weight_matrix_create_dense(struct weight_matrix *out, const struct layer *layer, enum tensor_type type);
void weight_matrix_destroy(struct weight_matrix *matrix);

/* The matrix, made of `weights` where it is not current. */
void *weight_matrix_values(struct weight_matrix *matrix, const float *weights);

/* Where in d_weights the matrix's gradient can be stored, with all that it leaves out set to 0; or NULL, where several
 * blocks have to be added up: then weight_matrix_fold does that. */
float *weight_matrix_gradient(const struct weight_matrix *matrix, float *d_weights);
void weight_matrix_fold(const struct weight_matrix *matrix, float *d_weights, const float *gradient);

#endif
