/* How a call of the simulated runtime begins and ends: the lock, the errors that any call can give, the last error
 * of a thread, and the texts of errors. */
#include <pthread.h>
#include <string.h>

#include "tests/gpu/simulated/runtime.h"

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static _Thread_local cudaError_t last_error;

void runtime_lock(void)
{
    pthread_mutex_lock(&lock);
}

void runtime_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

/* What a call fails with where a test wants it to: an error that NVIDIA's "CUDA Runtime API" lists under the
 * function's "Returns", or one "from previous, asynchronous launches" where only these are left. `deviceless` calls
 * work whatever state the device is in. */
static const struct {
    const char *function;
    cudaError_t fault;
    bool deviceless;
} calls[] = {
    {"cudaGetDeviceCount", cudaErrorNoDevice, false},
    {"cudaDriverGetVersion", cudaErrorInvalidValue, true},
    {"cudaRuntimeGetVersion", cudaErrorInvalidValue, true},
    {"cudaGetDeviceProperties", cudaErrorInvalidDevice, false},
    {"cudaSetDevice", cudaErrorDevicesUnavailable, false},
    {"cudaMemGetInfo", cudaErrorLaunchFailure, false},
    {"cudaMalloc", cudaErrorMemoryAllocation, false},
    {"cudaMallocHost", cudaErrorMemoryAllocation, false},
    {"cudaFree", cudaErrorInvalidValue, false},
    {"cudaFreeHost", cudaErrorInvalidValue, false},
    {"cudaMemcpyAsync", cudaErrorInvalidValue, false},
    {"cudaMemsetAsync", cudaErrorInvalidValue, false},
    {"cudaStreamCreateWithFlags", cudaErrorMemoryAllocation, false},
    {"cudaStreamDestroy", cudaErrorInvalidResourceHandle, false},
    {"cudaStreamSynchronize", cudaErrorLaunchFailure, false},
    {"cudaStreamBeginCapture", cudaErrorInvalidValue, false},
    {"cudaStreamEndCapture", cudaErrorStreamCaptureInvalidated, false},
    {"cudaFuncGetAttributes", cudaErrorNoKernelImageForDevice, false},
    {"cudaGraphInstantiate", cudaErrorMemoryAllocation, false},
    {"cudaGraphLaunch", cudaErrorInvalidValue, false},
    {"cudaGraphExecDestroy", cudaErrorInvalidValue, false},
    {"cudaGraphDestroy", cudaErrorInvalidValue, false},
    {"cudaEventCreateWithFlags", cudaErrorMemoryAllocation, false},
    {"cudaEventRecord", cudaErrorLaunchFailure, false},
    {"cudaEventSynchronize", cudaErrorLaunchFailure, false},
    {"cudaEventElapsedTime", cudaErrorInvalidResourceHandle, false},
    {"cudaEventDestroy", cudaErrorLaunchFailure, false},
    {"cudaLaunchKernelExC", cudaErrorLaunchOutOfResources, false},
};

enum { CALLS = sizeof calls / sizeof calls[0] };

cudaError_t runtime_enter_from(const char *function, const void *caller)
{
    runtime_lock();
    size_t length = strcspn(function, " "); /* a launch is named "cudaLaunchKernelExC KERNEL" */
    size_t i = 0;
    while (i < CALLS && (strncmp(calls[i].function, function, length) != 0 || calls[i].function[length] != '\0'))
        i++;
    bool deviceless = i < CALLS && calls[i].deviceless;
    enum simulated_outcome outcome = simulated_call_from(function, caller);
    if (!deviceless && scenario_error() != cudaSuccess)
        return scenario_error();
    if (outcome == SIMULATED_DEVICE_LOST)
        return deviceless ? cudaSuccess : cudaErrorIllegalAddress;
    if (outcome == SIMULATED_CALL_FAILS)
        return i < CALLS ? calls[i].fault : cudaErrorUnknown;
    return cudaSuccess;
}

cudaError_t runtime_leave(cudaError_t error)
{
    if (error != cudaSuccess)
        last_error = error;
    runtime_unlock();
    return error;
}

/* "CUDA Runtime API", Error Handling, cudaGetLastError: the last error of the calling thread's runtime calls, which
 * is reset to cudaSuccess. Errors for which cudaError (driver_types.h) says that they leave "the process in an
 * inconsistent state" and that the process must be started again stay: each later call returns them. So does, in
 * the real library, the error of a missing driver. */
cudaError_t cudaGetLastError(void)
{
    runtime_lock();
    cudaError_t error = last_error;
    last_error = cudaSuccess;
    if (faults_device_lost())
        error = cudaErrorIllegalAddress;
    else if (scenario_error() == cudaErrorInsufficientDriver)
        error = cudaErrorInsufficientDriver;
    runtime_unlock();
    return error;
}

/* "CUDA Runtime API", Error Handling, cudaGetErrorString: the description of an error code; for one that is none
 * "unrecognized error code". Touches no device and cannot fail. simulated_calls.c holds the texts against the real
 * library's. */
const char *cudaGetErrorString(cudaError_t error)
{
    static const struct {
        cudaError_t error;
        const char *text;
    } texts[] = {
        {cudaSuccess, "no error"},
        {cudaErrorInvalidValue, "invalid argument"},
        {cudaErrorMemoryAllocation, "out of memory"},
        {cudaErrorInvalidConfiguration, "invalid configuration argument"},
        {cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"},
        {cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version"},
        {cudaErrorDevicesUnavailable, "CUDA-capable device(s) is/are busy or unavailable"},
        {cudaErrorInvalidDeviceFunction, "invalid device function"},
        {cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device"},
        {cudaErrorNoDevice, "no CUDA-capable device is detected"},
        {cudaErrorInvalidDevice, "invalid device ordinal"},
        {cudaErrorInvalidResourceHandle, "invalid resource handle"},
        {cudaErrorIllegalState, "the operation cannot be performed in the present state"},
        {cudaErrorNotReady, "device not ready"},
        {cudaErrorIllegalAddress, "an illegal memory access was encountered"},
        {cudaErrorLaunchOutOfResources, "too many resources requested for launch"},
        {cudaErrorLaunchFailure, "unspecified launch failure"},
        {cudaErrorNotSupported, "operation not supported"},
        {cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"},
        {cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture"},
        {cudaErrorStreamCaptureWrongThread,
         "attempt to terminate a thread-local capture sequence from another thread"},
        {cudaErrorCapturedEvent, "operation not permitted on an event last recorded in a capturing stream"},
        {cudaErrorUnknown, "unknown error"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].error == error)
            return texts[i].text;
    return "unrecognized error code";
}
