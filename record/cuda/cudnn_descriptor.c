/* cuDNN's backend descriptors, and its refusals as messages. */
#include "record/cuda/cudnn_descriptor.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"

int cudnn_check(cudnnStatus_t status, const char *what)
{
    if (status == CUDNN_STATUS_SUCCESS)
        return 0;
    char said[512] = "";
    cudnnGetLastErrorString(said, sizeof said);
    said[sizeof said - 1] = 0;
    for (char *at = said; *at != 0; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    return tidy_fail("cuDNN: %s: %s%s%s", what, cudnnGetErrorString(status), said[0] != 0 ? ": " : "", said);
}

int cudnn_descriptor_create(cudnnBackendDescriptor_t *out, cudnnBackendDescriptorType_t type, const char *what,
                            const struct cudnn_attribute *attributes, size_t count)
{
    *out = NULL;
    cudnnBackendDescriptor_t descriptor = NULL;
    int status = cudnn_check(cudnnBackendCreateDescriptor(type, &descriptor), what);
    if (status != 0)
        return status;
    for (size_t i = 0; status == 0 && i < count; i++)
        if (attributes[i].count > 0)
            status = cudnn_check(cudnnBackendSetAttribute(descriptor, attributes[i].name, attributes[i].type,
                                                          attributes[i].count, attributes[i].values),
                                 what);
    if (status == 0)
        status = cudnn_check(cudnnBackendFinalize(descriptor), what);
    if (status == 0)
        *out = descriptor;
    else
        cudnn_descriptor_destroy(descriptor);
    return status;
}

void cudnn_descriptor_destroy(cudnnBackendDescriptor_t descriptor)
{
    if (descriptor != NULL)
        cudnnBackendDestroyDescriptor(descriptor);
}

int cudnn_descriptor_get(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                         cudnnBackendAttributeType_t type, int64_t room, int64_t *count, void *values,
                         const char *what)
{
    *count = 0;
    return cudnn_check(cudnnBackendGetAttribute(descriptor, name, type, room, count, values), what);
}

int cudnn_descriptor_get_list(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                              cudnnBackendDescriptorType_t type, int64_t room, cudnnBackendDescriptor_t **out,
                              int64_t *count, const char *what)
{
    *out = NULL;
    *count = 0;
    cudnnBackendDescriptor_t *list;
    int status = memory_allocate(&list, (size_t)room, sizeof *list, what);
    if (status != 0)
        return status;
    /* cuDNN fills descriptors that the caller made. */
    for (int64_t i = 0; status == 0 && i < room; i++)
        status = cudnn_check(cudnnBackendCreateDescriptor(type, &list[i]), what);
    int64_t filled = 0;
    if (status == 0)
        status = cudnn_descriptor_get(descriptor, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, room, &filled, list, what);
    if (status == 0 && filled > room)
        status = tidy_fail("cuDNN: %s: %lld, where %lld were expected at most", what, (long long)filled,
                           (long long)room);
    if (status != 0)
        filled = 0;
    for (int64_t i = filled; i < room; i++)
        cudnn_descriptor_destroy(list[i]);
    if (status == 0) {
        *out = list;
        *count = filled;
    } else {
        free(list);
    }
    return status;
}

void cudnn_descriptor_destroy_list(cudnnBackendDescriptor_t *descriptors, int64_t count)
{
    for (int64_t i = count; i > 0; i--)
        cudnn_descriptor_destroy(descriptors[i - 1]);
    free(descriptors);
}
