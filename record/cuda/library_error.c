/* The libraries' words for what went wrong, in our sentence. */
#include "record/cuda/library_error.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/error.h"

int check_cuda(cudaError_t error, const char *doing, ...)
{
    if (error == cudaSuccess)
        return TIDY_OK;
    char text[256];
    va_list arguments;
    va_start(arguments, doing);
    vsnprintf(text, sizeof text, doing, arguments);
    va_end(arguments);
    cudaGetLastError(); /* an error that does not stick is not to be seen again by the next launch */
    return tidy_fail("the GPU failed while %s: %s%s", text, cudaGetErrorString(error),
                     error == cudaErrorMemoryAllocation ? "; a smaller --batch-size needs less memory" : "");
}

int check_cublas(cublasStatus_t status, const char *doing)
{
    if (status == CUBLAS_STATUS_SUCCESS)
        return TIDY_OK;
    return tidy_fail("the GPU failed while %s: cuBLAS says %s", doing, cublasGetStatusString(status));
}
