/* Opens the GPU, or says in words what is missing for it. */
#include "record/cuda/device.h"

#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "record/cuda/cudnn_descriptor.h"
#include "record/cuda/library_error.h"

enum {
    LEAST_CAPABILITY = 75, /* Turing: what the CUDA 13 toolkit compiles for */
    STAGING_BYTES = 4 << 20,
};

/* CUDA 13.x runs on drivers of the 580 branch and newer (CUDA 13.0 release notes, table "minimum required driver"). */
#define LEAST_DRIVER "580"

#define CUDA_VERSION_FORMAT "%d.%d"
#define CUDA_VERSION_ARGUMENTS(version) (version) / 1000, (version) % 1000 / 10

/* ---- whether it can be used ---------------------------------------------------------------------------- */

/* The driver is there but too old, or it is not there: cudaDriverGetVersion gives 0 then. */
static void explain_driver(char *text, size_t size)
{
    int driver = 0, runtime = 0;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    if (driver == 0)
        snprintf(text, size, "no NVIDIA driver is installed: install version " LEAST_DRIVER " or newer");
    else
        snprintf(text, size,
                 "the NVIDIA driver is for CUDA " CUDA_VERSION_FORMAT ", too old for CUDA " CUDA_VERSION_FORMAT
                 ": update it to version " LEAST_DRIVER " or newer",
                 CUDA_VERSION_ARGUMENTS(driver), CUDA_VERSION_ARGUMENTS(runtime));
}

/* Finds the first device. Returns false, and why in words, where none can be used. */
static bool find_device(struct cudaDeviceProp *properties, int *count, char *text, size_t size)
{
    cudaError_t error = cudaGetDeviceCount(count);
    if (error == cudaSuccess && *count > 0)
        error = cudaGetDeviceProperties(properties, 0);
    if (error != cudaSuccess)
        cudaGetLastError();
    if (error == cudaErrorInsufficientDriver) {
        explain_driver(text, size);
    } else if (error == cudaErrorNoDevice || (error == cudaSuccess && *count == 0)) {
        snprintf(text, size,
                 "the NVIDIA driver shows no GPU: see what nvidia-smi lists, and whether "
                 "CUDA_VISIBLE_DEVICES hides it");
    } else if (error != cudaSuccess) {
        snprintf(text, size, "the GPU cannot be asked what it is: %s; see what nvidia-smi says",
                 cudaGetErrorString(error));
    } else if (properties->major * 10 + properties->minor < LEAST_CAPABILITY) {
        snprintf(text, size, "%s is too old: it has compute capability %d.%d, and %d.%d (Turing) is the least%s",
                 properties->name, properties->major, properties->minor, LEAST_CAPABILITY / 10,
                 LEAST_CAPABILITY % 10, *count > 1 ? "; CUDA_VISIBLE_DEVICES chooses another device" : "");
    } else if (cudnnGetVersion() / 100 < CUDNN_VERSION / 100 ||
               cudnnGetCudartVersion() / 1000 != CUDART_VERSION / 1000) {
        /* A cuDNN that is older than the headers may lack what they promise; those for other CUDA versions have the same
         * file name. */
        snprintf(text, size,
                 "cuDNN %zu.%zu for CUDA %zu was found, and %d.%d or newer for CUDA %d is needed: install it",
                 cudnnGetVersion() / 10000, cudnnGetVersion() % 10000 / 100, cudnnGetCudartVersion() / 1000,
                 CUDNN_MAJOR, CUDNN_MINOR, CUDART_VERSION / 1000);
    } else {
        return true;
    }
    return false;
}

const char *device_versions(void)
{
    static char text[400];
    struct cudaDeviceProp properties;
    char why_not[256];
    int count = 0, runtime = 0;
    bool found = find_device(&properties, &count, why_not, sizeof why_not);
    cudaRuntimeGetVersion(&runtime);
    size_t cudnn = cudnnGetVersion();
    snprintf(text, sizeof text, "CUDA " CUDA_VERSION_FORMAT ", cuDNN %zu.%zu.%zu%s%s",
             CUDA_VERSION_ARGUMENTS(runtime), cudnn / 10000, cudnn % 10000 / 100, cudnn % 100, found ? ", " : "",
             found ? properties.name : "");
    return text;
}

bool device_probe(char *text, size_t size)
{
    struct cudaDeviceProp properties;
    int count = 0, driver = 0;
    if (!find_device(&properties, &count, text, size))
        return false;
    cudaDriverGetVersion(&driver);
    char others[96] = "";
    if (count > 1)
        snprintf(others, sizeof others, "; the first of %d: CUDA_VISIBLE_DEVICES chooses another", count);
    snprintf(text, size, "%s, %.0f GiB, compute capability %d.%d, driver for CUDA " CUDA_VERSION_FORMAT "%s",
             device_versions(), (double)properties.totalGlobalMem / (1 << 30), properties.major, properties.minor,
             CUDA_VERSION_ARGUMENTS(driver), others);
    return true;
}

/* ---- opening ------------------------------------------------------------------------------------------- */

int device_open(struct device *out)
{
    struct cudaDeviceProp properties;
    char why_not[512];
    int count = 0;
    *out = (struct device){0};
    if (!find_device(&properties, &count, why_not, sizeof why_not))
        return tidy_fail("--device cuda: %s", why_not);
    snprintf(out->name, sizeof out->name, "%s", properties.name);
    out->capability = properties.major * 10 + properties.minor;
    out->integrated = properties.integrated;
    out->queue.multiprocessors = properties.multiProcessorCount;

    static const char starting[] = "starting it";
    int status = check_cuda(cudaSetDevice(0), starting);
    if (status == TIDY_OK)
        status = check_cuda((cudaError_t)gpu_kernels_load(),
                            "loading this build's kernels (one with -DCMAKE_CUDA_ARCHITECTURES=%d has them for it)",
                            out->capability);
    if (status == TIDY_OK)
        /* Not the legacy stream, which cannot be captured. */
        status = check_cuda(cudaStreamCreateWithFlags(&out->queue.stream, cudaStreamNonBlocking), starting);
    if (status == TIDY_OK)
        status = check_cuda(cudaMallocHost(&out->staging, STAGING_BYTES), "taking pinned memory of the host");
    if (status == TIDY_OK)
        status = cudnn_check(cudnnCreate(&out->cudnn), "its handle");
    if (status == TIDY_OK)
        status = cudnn_check(cudnnSetStream(out->cudnn, out->queue.stream), "its handle's stream");
    if (status == TIDY_OK)
        status = check_cublas(cublasCreate(&out->cublas), starting);
    if (status == TIDY_OK)
        status = check_cublas(cublasSetStream(out->cublas, out->queue.stream), starting);
    if (status == TIDY_OK)
        /* Sums of bf16 products are float32 in the convolutions, and so they are to be here. */
        status = check_cublas(
            cublasSetMathMode(out->cublas, CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION),
            starting);
    return status;
}

void device_close(struct device *device)
{
    if (device->queue.stream != NULL)
        cudaStreamSynchronize(device->queue.stream); /* nothing may be in flight when its memory goes */
    if (device->cublas != NULL)
        cublasDestroy(device->cublas);
    if (device->cudnn != NULL)
        cudnnDestroy(device->cudnn);
    if (device->staging != NULL)
        cudaFreeHost(device->staging);
    if (device->queue.stream != NULL)
        cudaStreamDestroy(device->queue.stream);
    *device = (struct device){0};
}

/* ---- copies -------------------------------------------------------------------------------------------- */

int device_wait(struct device *device, const char *doing)
{
    return check_cuda(cudaStreamSynchronize(device->queue.stream), "%s", doing);
}

int device_upload(struct device *device, void *device_memory, const void *host, size_t bytes)
{
    static const char doing[] = "copying to it";
    for (size_t done = 0; done < bytes;) {
        size_t part = bytes - done < STAGING_BYTES ? bytes - done : STAGING_BYTES;
        memcpy(device->staging, (const char *)host + done, part);
        int status = check_cuda(cudaMemcpyAsync((char *)device_memory + done, device->staging, part,
                                                cudaMemcpyHostToDevice, device->queue.stream),
                                doing);
        if (status == TIDY_OK)
            status = device_wait(device, doing);
        if (status != TIDY_OK)
            return status;
        done += part;
    }
    return TIDY_OK;
}

int device_download(struct device *device, void *host, const void *device_memory, size_t bytes)
{
    static const char doing[] = "copying from it";
    for (size_t done = 0; done < bytes;) {
        size_t part = bytes - done < STAGING_BYTES ? bytes - done : STAGING_BYTES;
        int status = check_cuda(cudaMemcpyAsync(device->staging, (const char *)device_memory + done, part,
                                                cudaMemcpyDeviceToHost, device->queue.stream),
                                doing);
        if (status == TIDY_OK)
            status = device_wait(device, doing);
        if (status != TIDY_OK)
            return status;
        memcpy((char *)host + done, device->staging, part);
        done += part;
    }
    return TIDY_OK;
}
