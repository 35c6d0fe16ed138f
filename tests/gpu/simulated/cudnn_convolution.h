/* Convolutions on the CPU for the simulated cuDNN: NHWC tensors, filters [out channels][height][width][in
 * channels]. */
#ifndef TIDY_TESTS_GPU_SIMULATED_CUDNN_CONVOLUTION_H
#define TIDY_TESTS_GPU_SIMULATED_CUDNN_CONVOLUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum simulated_pass { PASS_FORWARD, PASS_BACKWARD_DATA, PASS_BACKWARD_FILTER };

struct simulated_convolution {
    enum simulated_pass pass;
    bool bf16;    /* the tensors' type; else float32 */
    bool flipped; /* a convolution proper: the filter is turned by half */
    float alpha, beta;
    int64_t count;
    int64_t in_height, in_width, in_channels;
    int64_t out_height, out_width, out_channels;
    int64_t filter_height, filter_width;
    int64_t stride[2], padding[2], dilation[2]; /* height, width; padding before the first row and column */
};

enum { TENSOR_X, TENSOR_W, TENSOR_Y, TENSORS };

/* Values of a tensor, and bytes. */
size_t simulated_tensor_values(const struct simulated_convolution *convolution, int tensor);
size_t simulated_tensor_bytes(const struct simulated_convolution *convolution, int tensor);

/* The tensor that the pass writes. */
int simulated_output(enum simulated_pass pass);

/* How an engine computes. */
struct simulated_method {
    bool tf32;        /* inputs are rounded to TF32's 10 bits of mantissa */
    int64_t parts;    /* the sum over channels, out channels or images is taken in so many parts */
    uint64_t first;   /* the parts are added from this one on */
    float *workspace; /* simulated_workspace bytes; NULL where that is 0 */
};
size_t simulated_workspace(const struct simulated_convolution *convolution, const struct simulated_method *method);

/* tensors: x, w, y (TENSOR_X, ...); output = alpha * result + beta * output before. Sums are taken in float32. */
void simulated_convolve(const struct simulated_convolution *convolution, const struct simulated_method *method,
                        void *const tensors[TENSORS]);

#endif
