/* Launches of the kernels in example.cu. Each returns a cudaError_t. */
#ifndef TIDY_TESTS_GPU_SIMULATED_EXAMPLE_H
#define TIDY_TESTS_GPU_SIMULATED_EXAMPLE_H

#ifdef __cplusplus
extern "C" {
#endif

struct CUstream_st;

struct example_line {
    char offset;
    double slope;
};

/* out[i] = slope x (from + i) + offset, for i < count. */
int example_launch_line(struct CUstream_st *stream, unsigned blocks, unsigned threads, struct example_line line,
                        float *out, unsigned char from, unsigned count);

/* sums[block] = the sum of its 64 values. */
int example_launch_block_sums(struct CUstream_st *stream, unsigned blocks, float *sums, const float *values);

#ifdef __cplusplus
}
#endif
#endif
