/* Handles of the simulated cuDNN. */
#ifndef TIDY_TESTS_GPU_SIMULATED_CUDNN_HANDLE_H
#define TIDY_TESTS_GPU_SIMULATED_CUDNN_HANDLE_H

#include <cudnn.h>
#include <stdbool.h>

#define CUDNN_HANDLE "cudnnHandle_t" /* its kind in device.h's register */

/* Never freed, as descriptors are. */
struct cudnnContext {
    struct CUstream_st *stream;
    bool destroyed;
    struct cudnnContext *next; /* of all that were made */
};

#endif
