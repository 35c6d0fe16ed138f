/* What the parts of the conformity transcript share: the library under question, and how its answers are
 * printed. */
#ifndef TIDY_TESTS_GPU_SIMULATED_CONFORMITY_H
#define TIDY_TESTS_GPU_SIMULATED_CONFORMITY_H

#include <cudnn.h>
#include <stddef.h>
#include <stdint.h>

/* The entry points of the library that was opened. */
struct conformity_api {
    size_t (*version)(void);
    size_t (*runtime_version)(void);
    const char *(*error_string)(cudnnStatus_t status);
    void (*last_error)(char *message, size_t size);
    cudnnStatus_t (*destroy_handle)(cudnnHandle_t handle);
    cudnnStatus_t (*set_stream)(cudnnHandle_t handle, cudaStream_t stream);
    cudnnStatus_t (*create)(cudnnBackendDescriptorType_t kind, cudnnBackendDescriptor_t *descriptor);
    cudnnStatus_t (*destroy)(cudnnBackendDescriptor_t descriptor);
    cudnnStatus_t (*set)(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                         cudnnBackendAttributeType_t type, int64_t count, const void *values);
    cudnnStatus_t (*get)(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                         cudnnBackendAttributeType_t type, int64_t room, int64_t *count, void *values);
    cudnnStatus_t (*finalize)(cudnnBackendDescriptor_t descriptor);
    cudnnStatus_t (*execute)(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack);
};
extern struct conformity_api api;

/* An attribute of a descriptor kind. */
struct conformity_attribute {
    cudnnBackendAttributeName_t name;
    const char *text;
    cudnnBackendAttributeType_t type;
    cudnnBackendDescriptorType_t target; /* of CUDNN_TYPE_BACKEND_DESCRIPTOR: the kind it must be */
};
struct conformity_kind {
    cudnnBackendDescriptorType_t kind;
    const char *text;
    struct conformity_attribute attributes[12]; /* ends with a row without text */
};
extern const struct conformity_kind conformity_kinds[];
extern const size_t conformity_kind_count;

/* Prints the format, a colon and the status by name. */
__attribute__((format(printf, 2, 3))) void say(cudnnStatus_t status, const char *format, ...);
const char *status_text(cudnnStatus_t status);

/* A new descriptor; where the library has none the transcript ends. */
cudnnBackendDescriptor_t make(cudnnBackendDescriptorType_t kind);

/* A tensor to be; negative type, and counts, alignment and id of 0, leave the attribute out. */
struct conformity_tensor {
    int type; /* a cudnnDataType_t */
    int dimension_count, stride_count;
    int64_t dimensions[9], strides[9];
    int64_t alignment, id;
};

/* An operation with its x, w, y and convolution; of pass 0 forward, 1 backward data, 2 backward filter. */
struct conformity_operation {
    cudnnBackendDescriptor_t operation, parts[4];
};
extern const char *const conformity_passes[3];

/* A finalised 3x3 convolution of 2 images of 6x6, 8 to 16 channels, with ids 1, 2, 3 for x, w, y. Returns what
 * finalize did. */
cudnnStatus_t conformity_operation_create(struct conformity_operation *out, int pass, int type);
void conformity_operation_destroy(struct conformity_operation *operation);

/* What a finalised descriptor answers for each attribute that is a value. */
void say_values(cudnnBackendDescriptor_t descriptor, const struct conformity_kind *kind);
const struct conformity_kind *conformity_find_kind(cudnnBackendDescriptorType_t kind);

/* The parts of the transcript. */
void say_attributes(void);
void say_shapes(void);
void say_plans(const char *device);

#endif
