/* The device that is there, or why none is: SIMULATED_GPU holds words with commas between them.
 *
 * none               no device                          no-driver    no driver is installed
 * old-driver         a driver for CUDA 12.4             old-device   compute capability 6.1
 * device=NAME        one of the table below, as A100    memory=BYTES of the device
 *
 * Without a word for it the device is like an A100, but has 2 multiprocessors, so that bounded grids stay small. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gpu/simulated/runtime.h"

#define GIB ((size_t)1 << 30)

/* From NVIDIA's data sheets and the CUDA C++ Programming Guide, "Compute Capabilities". */
struct device {
    const char *word, *name;
    int major, minor, multiprocessors;
    size_t memory;
    int threads_per_multiprocessor;
    int bus_width; /* bits */
    int l2_bytes;
    int shared_per_multiprocessor;
};

static const struct device devices[] = {
    {"default", "Simulated A100", 8, 0, 2, 40 * GIB, 2048, 5120, 40 << 20, 164 << 10},
    {"A100", "NVIDIA A100-SXM4-40GB", 8, 0, 108, 40 * GIB, 2048, 5120, 40 << 20, 164 << 10},
    {"T4", "Tesla T4", 7, 5, 40, 16 * GIB, 1024, 256, 4 << 20, 64 << 10},
    {"RTX3060", "NVIDIA GeForce RTX 3060", 8, 6, 28, 12 * GIB, 1536, 192, 3 << 20, 100 << 10},
    {"L4", "NVIDIA L4", 8, 9, 58, 24 * GIB, 1536, 192, 48 << 20, 100 << 10},
    {"H100", "NVIDIA H100 80GB HBM3", 9, 0, 132, 80 * GIB, 2048, 5120, 50 << 20, 228 << 10},
    {"old-device", "NVIDIA GeForce GTX 1080", 6, 1, 20, 8 * GIB, 2048, 256, 2 << 20, 96 << 10},
};

enum { RUNTIME_VERSION = CUDART_VERSION, OLD_DRIVER_VERSION = 12040 };

static struct {
    bool read;
    const struct device *device;
    cudaError_t error;
    int driver_version;
    size_t memory;
} scenario;

static const struct device *find_device(const char *word)
{
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (strcmp(devices[i].word, word) == 0)
            return &devices[i];
    return NULL;
}

/* Takes one word: false where it is none of the above. */
static bool take_word(const char *word)
{
    if (strcmp(word, "none") == 0) {
        scenario.error = cudaErrorNoDevice;
    } else if (strcmp(word, "no-driver") == 0) {
        scenario.error = cudaErrorInsufficientDriver;
        scenario.driver_version = 0;
    } else if (strcmp(word, "old-driver") == 0) {
        scenario.error = cudaErrorInsufficientDriver;
        scenario.driver_version = OLD_DRIVER_VERSION;
    } else if (strncmp(word, "memory=", 7) == 0) {
        char *end;
        scenario.memory = strtoull(word + 7, &end, 10);
        return end != word + 7 && *end == '\0';
    } else {
        scenario.device = find_device(strncmp(word, "device=", 7) == 0 ? word + 7 : word);
    }
    return scenario.device != NULL;
}

static void read_scenario(void)
{
    if (scenario.read)
        return;
    scenario.read = true;
    scenario.device = &devices[0];
    scenario.driver_version = RUNTIME_VERSION;
    char words[256];
    const char *wish = getenv("SIMULATED_GPU");
    snprintf(words, sizeof words, "%s", wish != NULL ? wish : "");
    for (char *rest = words, *word = strsep(&rest, ","); word != NULL; word = strsep(&rest, ",")) {
        if (word[0] != '\0' && !take_word(word)) {
            fprintf(stderr, "simulated GPU: SIMULATED_GPU=%s: '%s' is no scenario\n", wish, word);
            exit(SIMULATED_MISUSE_STATUS);
        }
    }
    if (scenario.memory == 0)
        scenario.memory = scenario.device->memory;
}

cudaError_t scenario_error(void)
{
    read_scenario();
    return scenario.error;
}

size_t scenario_memory(void)
{
    read_scenario();
    return scenario.memory;
}

bool simulated_device_usable(void)
{
    runtime_lock();
    bool usable = scenario_error() == cudaSuccess;
    runtime_unlock();
    return usable;
}

int simulated_compute_capability(void)
{
    runtime_lock();
    read_scenario();
    int capability = 10 * scenario.device->major + scenario.device->minor;
    runtime_unlock();
    return capability;
}

/* "CUDA Runtime API", Device Management, cudaGetDeviceCount: the devices that can execute. cudaErrorNoDevice where
 * there is none; cudaErrorInsufficientDriver (driver_types.h) where the driver is older than the runtime, and also
 * where none is installed, as the real library answers on a machine without one: in both *count is left alone. */
cudaError_t cudaGetDeviceCount(int *count)
{
    cudaError_t error = runtime_enter("cudaGetDeviceCount");
    if (count == NULL && error == cudaSuccess)
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess)
        *count = 1;
    return runtime_leave(error);
}

/* "CUDA Runtime API", Version Management, cudaDriverGetVersion: 1000 x major + 10 x minor of the latest CUDA that
 * the driver supports; 0 and success where no driver is installed; cudaErrorInvalidValue for NULL. */
cudaError_t cudaDriverGetVersion(int *version)
{
    cudaError_t error = runtime_enter("cudaDriverGetVersion");
    if (error == cudaSuccess && version == NULL)
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess) {
        read_scenario();
        *version = scenario.driver_version;
    }
    return runtime_leave(error);
}

/* "CUDA Runtime API", Version Management, cudaRuntimeGetVersion: the runtime's own version, needs no driver;
 * cudaErrorInvalidValue for NULL. */
cudaError_t cudaRuntimeGetVersion(int *version)
{
    cudaError_t error = runtime_enter("cudaRuntimeGetVersion");
    if (error == cudaSuccess && version == NULL)
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess)
        *version = RUNTIME_VERSION;
    return runtime_leave(error);
}

/* "CUDA Runtime API", Device Management, cudaGetDeviceProperties: cudaErrorInvalidDevice for an ordinal that is
 * none. What the table does not give is 0. */
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int ordinal)
{
    cudaError_t error = runtime_enter("cudaGetDeviceProperties");
    if (error == cudaSuccess && properties == NULL)
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess && ordinal != 0)
        error = cudaErrorInvalidDevice;
    if (error == cudaSuccess) {
        const struct device *device = scenario.device;
        memset(properties, 0, sizeof *properties);
        snprintf(properties->name, sizeof properties->name, "%s", device->name);
        properties->totalGlobalMem = scenario.memory;
        properties->major = device->major;
        properties->minor = device->minor;
        properties->multiProcessorCount = device->multiprocessors;
        properties->maxThreadsPerMultiProcessor = device->threads_per_multiprocessor;
        properties->memoryBusWidth = device->bus_width;
        properties->l2CacheSize = device->l2_bytes;
        properties->sharedMemPerMultiprocessor = (size_t)device->shared_per_multiprocessor;
        properties->sharedMemPerBlock = 48 << 10;
        properties->regsPerBlock = properties->regsPerMultiprocessor = 65536;
        properties->warpSize = 32;
        properties->maxThreadsPerBlock = 1024;
        properties->maxThreadsDim[0] = properties->maxThreadsDim[1] = 1024;
        properties->maxThreadsDim[2] = 64;
        properties->maxGridSize[0] = INT32_MAX;
        properties->maxGridSize[1] = properties->maxGridSize[2] = 65535;
        properties->unifiedAddressing = 1;
        properties->concurrentKernels = 1;
    }
    return runtime_leave(error);
}

/* "CUDA Runtime API", Device Management, cudaSetDevice: makes the device the calling thread's;
 * cudaErrorInvalidDevice for an ordinal that is none. */
cudaError_t cudaSetDevice(int ordinal)
{
    cudaError_t error = runtime_enter("cudaSetDevice");
    if (error == cudaSuccess && ordinal != 0)
        error = cudaErrorInvalidDevice;
    return runtime_leave(error);
}
