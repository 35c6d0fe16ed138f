/* Handles, versions and messages of the simulated cuDNN. */
#include "tests/gpu/simulated/cudnn_handle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gpu/simulated/cudnn_descriptor.h"
#include "tests/gpu/simulated/device.h"

static struct cudnnContext *every_handle; /* those destroyed too */
static _Thread_local char last_error[512];

cudnnStatus_t cudnn_fail(cudnnStatus_t status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_error, sizeof(last_error), format, arguments);
    va_end(arguments);
    return status;
}

/* cudnn_graph library, cudnnGetVersion(): 10000 x major + 100 x minor + patch level. */
size_t cudnnGetVersion(void)
{
    return CUDNN_VERSION;
}

/* cudnn_graph library, cudnnGetCudartVersion(): the version of the CUDA runtime that the library was built with, as
 * CUDART_VERSION. */
size_t cudnnGetCudartVersion(void)
{
    return CUDART_VERSION;
}

/* cudnn_graph library, cudnnGetErrorString(): a status's name. */
const char *cudnnGetErrorString(cudnnStatus_t status)
{
#define NAME(code)                                                                                                 \
    {                                                                                                              \
        CUDNN_STATUS_##code, "CUDNN_STATUS_" #code                                                                 \
    }
    static const struct {
        int status;
        const char *name;
    } names[] = {
        NAME(SUCCESS),
        NAME(NOT_INITIALIZED),
        NAME(SUBLIBRARY_VERSION_MISMATCH),
        NAME(SERIALIZATION_VERSION_MISMATCH),
        NAME(DEPRECATED),
        NAME(LICENSE_ERROR),
        NAME(RUNTIME_IN_PROGRESS),
        NAME(RUNTIME_FP_OVERFLOW),
        NAME(SUBLIBRARY_LOADING_FAILED),
        NAME(BAD_PARAM),
        {2001, "CUDNN_STATUS_INVALID_VALUE"},
        NAME(BAD_PARAM_NULL_POINTER),
        NAME(BAD_PARAM_MISALIGNED_POINTER),
        NAME(BAD_PARAM_NOT_FINALIZED),
        NAME(BAD_PARAM_OUT_OF_BOUND),
        NAME(BAD_PARAM_SIZE_INSUFFICIENT),
        NAME(BAD_PARAM_STREAM_MISMATCH),
        NAME(BAD_PARAM_SHAPE_MISMATCH),
        NAME(BAD_PARAM_DUPLICATED_ENTRIES),
        NAME(BAD_PARAM_ATTRIBUTE_TYPE),
        NAME(BAD_PARAM_CUDA_GRAPH_MISMATCH),
        NAME(BAD_PARAM_DESCRIPTOR_TYPE),
        NAME(NOT_SUPPORTED),
        NAME(NOT_SUPPORTED_GRAPH_PATTERN),
        NAME(NOT_SUPPORTED_SHAPE),
        NAME(NOT_SUPPORTED_DATA_TYPE),
        NAME(NOT_SUPPORTED_LAYOUT),
        NAME(NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER),
        NAME(NOT_SUPPORTED_INCOMPATIBLE_CUDART),
        NAME(NOT_SUPPORTED_ARCH_MISMATCH),
        NAME(NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING),
        NAME(NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE),
        NAME(NOT_SUPPORTED_SHARED_MEMORY_INSUFFICIENT),
        NAME(NOT_SUPPORTED_PADDING),
        NAME(NOT_SUPPORTED_BAD_LAUNCH_PARAM),
        NAME(NOT_SUPPORTED_CUDA_GRAPH_NATIVE_API),
        NAME(NOT_SUPPORTED_INVALID_DYNAMIC_SHAPE),
        NAME(INTERNAL_ERROR),
        NAME(INTERNAL_ERROR_COMPILATION_FAILED),
        NAME(INTERNAL_ERROR_UNEXPECTED_VALUE),
        NAME(INTERNAL_ERROR_HOST_ALLOCATION_FAILED),
        NAME(INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED),
        NAME(INTERNAL_ERROR_BAD_LAUNCH_PARAM),
        NAME(INTERNAL_ERROR_TEXTURE_CREATION_FAILED),
        NAME(EXECUTION_FAILED),
        NAME(EXECUTION_FAILED_CUDA_DRIVER),
        NAME(EXECUTION_FAILED_CUBLAS),
        NAME(EXECUTION_FAILED_CUDART),
        NAME(EXECUTION_FAILED_CURAND),
    };
#undef NAME
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].status == (int)status)
            return names[i].name;
    return "CUDNN_UNKNOWN_STATUS";
}

/* cudnn_graph library, cudnnGetLastErrorString(): the message of the thread's last error, cut to max_size with
 * the zero at its end; reading it clears it. */
void cudnnGetLastErrorString(char *message, size_t max_size)
{
    if (message == NULL || max_size == 0)
        return;
    snprintf(message, max_size, "%s", last_error);
    last_error[0] = '\0';
}

/* cudnn_graph library, cudnnCreate(): the library's context, tied to the calling thread's device; NOT_INITIALIZED
 * where the driver or runtime is missing. The caller destroys it. */
cudnnStatus_t cudnnCreate(cudnnHandle_t *out)
{
    if (simulated_call("cudnnCreate") != SIMULATED_GOES_ON)
        return cudnn_fail(CUDNN_STATUS_NOT_INITIALIZED, "no device");
    if (out == NULL)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no place for the handle");
    struct cudnnContext *handle = calloc(1, sizeof(*handle));
    if (handle == NULL)
        return cudnn_fail(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED, "no memory for a handle");
    handle->next = every_handle;
    every_handle = handle;
    simulated_handle_created(CUDNN_HANDLE, handle);
    *out = handle;
    return CUDNN_STATUS_SUCCESS;
}

/* cudnn_graph library, cudnnDestroy(): releases the context; no call may use it afterwards. Null passes. */
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
    enum simulated_outcome outcome = simulated_call("cudnnDestroy");
    if (handle == NULL)
        return CUDNN_STATUS_SUCCESS;
    if (!simulated_handle_destroyed("cudnnDestroy", CUDNN_HANDLE, handle))
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "no such handle");
    handle->destroyed = true;
    return outcome == SIMULATED_GOES_ON ? CUDNN_STATUS_SUCCESS
                                        : cudnn_fail(CUDNN_STATUS_INTERNAL_ERROR, "the device is lost");
}

/* cudnn_graph library, cudnnSetStream(): from now on the handle's work goes to this stream; in the order of the
 * calls with other work on it. */
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    if (simulated_call("cudnnSetStream") == SIMULATED_CALL_FAILS)
        return cudnn_fail(CUDNN_STATUS_INTERNAL_ERROR, "injected: the stream");
    if (handle == NULL)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "the handle is null");
    if (!simulated_handle_live("cudnnSetStream", CUDNN_HANDLE, handle))
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "no such handle");
    if (stream != NULL && !simulated_stream_live("cudnnSetStream", stream))
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "no such stream");
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}
