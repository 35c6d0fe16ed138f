/* Turns error codes of the CUDA runtime and of cuBLAS into one message. (cudnn_descriptor.h has cuDNN's.) */
#ifndef TIDY_RECORD_CUDA_LIBRARY_ERROR_H
#define TIDY_RECORD_CUDA_LIBRARY_ERROR_H

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

/* Each returns 0 on success, else fails with "the GPU failed while DOING: the library's words". `doing` is printf style. */
int check_cuda(cudaError_t error, const char *doing, ...) __attribute__((format(printf, 2, 3)));
int check_cublas(cublasStatus_t status, const char *doing);

#endif
