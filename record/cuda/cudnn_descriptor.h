/* cuDNN's backend descriptors: made from a table of attributes, and asked for their attributes.
 *
 * All of cuDNN's graph API but execution goes through here, so that there is one place where its refusals become
 * messages. */
#ifndef TIDY_RECORD_CUDA_CUDNN_DESCRIPTOR_H
#define TIDY_RECORD_CUDA_CUDNN_DESCRIPTOR_H

#include <cudnn.h>
#include <stddef.h>
#include <stdint.h>

/* One cudnnBackendSetAttribute. A row of count 0 is left out: an attribute that only some descriptors have. */
struct cudnn_attribute {
    cudnnBackendAttributeName_t name;
    cudnnBackendAttributeType_t type;
    int64_t count;
    const void *values; /* [count] of the type */
};

/* 0, or TIDY_FAILED with "cuDNN: WHAT: its name for the status: what it says about it". */
int cudnn_check(cudnnStatus_t status, const char *what);

/* Creates a descriptor, sets its attributes in order and finalises it. `what` names it in messages ("a tensor").
 * On success the caller frees it with cudnn_descriptor_destroy; else *out is NULL. */
int cudnn_descriptor_create(cudnnBackendDescriptor_t *out, cudnnBackendDescriptorType_t type, const char *what,
                            const struct cudnn_attribute *attributes, size_t count);

/* NULL is allowed. */
void cudnn_descriptor_destroy(cudnnBackendDescriptor_t descriptor);

/* Gets up to `room` values of an attribute of a finalised descriptor; *count says how many there are. */
int cudnn_descriptor_get(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                         cudnnBackendAttributeType_t type, int64_t room, int64_t *count, void *values,
                         const char *what);

/* Gets up to `room` descriptors (of `type`) that an attribute holds, as an array that the caller frees with
 * cudnn_descriptor_destroy_list. There may be none. cuDNN does not count all attributes that hold descriptors
 * when asked for the count alone (the heuristics' results it does, knobs not), hence the room. */
int cudnn_descriptor_get_list(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                              cudnnBackendDescriptorType_t type, int64_t room, cudnnBackendDescriptor_t **out,
                              int64_t *count, const char *what);
void cudnn_descriptor_destroy_list(cudnnBackendDescriptor_t *descriptors, int64_t count);

#endif
