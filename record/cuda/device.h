/* The GPU: whether there is one to use, its stream and library handles, and copies to and from it. */
#ifndef TIDY_RECORD_CUDA_DEVICE_H
#define TIDY_RECORD_CUDA_DEVICE_H

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <stdbool.h>
#include <stddef.h>

#include "kernels/kernels_gpu.h"

/* What is used: always the first device, which CUDA_VISIBLE_DEVICES can choose. */
struct device {
    char name[256];
    int capability;  /* compute capability, 75 for 7.5 */
    bool integrated; /* shares the host's memory, of which the free part is not all that can be had */
    struct gpu_queue queue;
    cudnnHandle_t cudnn;
    cublasHandle_t cublas;
    void *staging; /* pinned, STAGING_BYTES: what copies go through */
};

/* As backend.probe. Neither takes memory on the device nor starts anything there. */
bool device_probe(char *text, size_t size);

/* "CUDA 13.0, cuDNN 9.19.0, NVIDIA A100-SXM4-40GB". Static text. */
const char *device_versions(void);

/* Opens the device. `out` is to be closed with device_close, also where this fails. */
int device_open(struct device *out);
void device_close(struct device *device);

/* Copies and waits until it is done. `device_memory` is device memory, `host` any memory. */
int device_upload(struct device *device, void *device_memory, const void *host, size_t bytes);
int device_download(struct device *device, void *host, const void *device_memory, size_t bytes);

/* Waits until all that was enqueued is done. */
int device_wait(struct device *device, const char *doing);

#endif
