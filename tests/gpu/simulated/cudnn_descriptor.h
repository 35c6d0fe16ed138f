/* Descriptors of the simulated cuDNN: attributes as tables, values as they were set.
 *
 * A descriptor that was destroyed is never freed: other descriptors keep what they were given, and work that is
 * enqueued can still see that its plan is gone. Used by one thread at a time. */
#ifndef TIDY_TESTS_GPU_SIMULATED_CUDNN_DESCRIPTOR_H
#define TIDY_TESTS_GPU_SIMULATED_CUDNN_DESCRIPTOR_H

#include <cudnn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DESCRIPTOR_HANDLE "cudnnBackendDescriptor_t" /* its kind in device.h's register */

struct descriptor;

/* How an attribute can be read: not at all; its type is known, but nothing is given; one value; a list. */
enum reading { READ_NOTHING, READ_REFUSED, READ_ONE, READ_LIST };

/* One attribute of a kind: what may be set, and what the library answers to anything else. The statuses are the
 * real library's, which follow no rule across attributes (see conformity.c). */
struct attribute_rule {
    cudnnBackendAttributeName_t name;
    cudnnBackendAttributeType_t type; /* of the values that set it */
    cudnnBackendAttributeType_t read_type;
    enum reading reading;
    uint64_t more_types; /* bit by type: set it too */
    int64_t least, most; /* how many values; most 0: it cannot be set, which is answered with on_type */
    cudnnStatus_t on_type, on_few, on_many;
    cudnnStatus_t on_null, on_raw; /* among handles and descriptors: a null one, one that is not finalised */
    cudnnStatus_t read_on_type;    /* READ_NOTHING: the answer to any type */
    uint64_t targets;              /* of descriptors: bit by kind */
    cudnnStatus_t needed;          /* what finalize answers where it was not set; 0: it need not be */
    int64_t initial;               /* READ_ONE: the value before it is set */
};

struct descriptor_kind {
    cudnnBackendDescriptorType_t kind;
    const char *text;
    const struct attribute_rule *rules;
    size_t rule_count;
    cudnnStatus_t on_foreign;                                 /* set another kind's attribute */
    cudnnStatus_t (*finalize)(struct descriptor *descriptor); /* checks, and works out what can only be read */
};

/* NULL where the library has no descriptor of that kind, or none that is simulated. */
const struct descriptor_kind *descriptor_find_kind(cudnnBackendDescriptorType_t kind);

/* An attribute's values. values NULL: not set. */
struct slot {
    void *values;
    int64_t count;
};

enum { DESCRIPTOR_SLOTS = 12 };
struct descriptor {
    const struct descriptor_kind *kind;
    bool finalized, destroyed;
    int compute_capability; /* CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR: 10 x major + minor */
    int64_t announced;      /* CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR: results that it says there may be */
    struct slot slots[DESCRIPTOR_SLOTS]; /* by the kind's rules */
    struct descriptor *next;             /* of all that were made */
};

/* A descriptor of the library's own, which no program destroys. NULL: no memory. */
struct descriptor *descriptor_create(const struct descriptor_kind *kind);

/* Stores values without asking the rules. */
void descriptor_put(struct descriptor *descriptor, cudnnBackendAttributeName_t name, const void *values,
                    int64_t count);

/* Whether the attribute was set, be it to no values. */
bool descriptor_is_set(const struct descriptor *descriptor, cudnnBackendAttributeName_t name);

/* The values of an attribute of its kind; count may be NULL. NULL where there are none. */
const void *descriptor_values(const struct descriptor *descriptor, cudnnBackendAttributeName_t name,
                              int64_t *count);
const int64_t *descriptor_int64s(const struct descriptor *descriptor, cudnnBackendAttributeName_t name,
                                 int64_t *count);
int64_t descriptor_int64(const struct descriptor *descriptor, cudnnBackendAttributeName_t name);
int32_t descriptor_int32(const struct descriptor *descriptor, cudnnBackendAttributeName_t name);
struct descriptor *descriptor_target(const struct descriptor *descriptor, cudnnBackendAttributeName_t name);

/* Sets what cudnnGetLastErrorString says, and returns the status. */
cudnnStatus_t cudnn_fail(cudnnStatus_t status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The finalisers of the kinds. */
cudnnStatus_t finalize_tensor(struct descriptor *tensor);
cudnnStatus_t finalize_convolution(struct descriptor *convolution);
cudnnStatus_t finalize_operation(struct descriptor *operation);
cudnnStatus_t finalize_graph(struct descriptor *graph);
cudnnStatus_t finalize_device(struct descriptor *device);
cudnnStatus_t finalize_heuristics(struct descriptor *heuristics);
cudnnStatus_t finalize_engine(struct descriptor *engine);
cudnnStatus_t finalize_configuration(struct descriptor *configuration);
cudnnStatus_t finalize_knob(struct descriptor *knob);
cudnnStatus_t finalize_plan(struct descriptor *plan);
cudnnStatus_t finalize_pack(struct descriptor *pack);

#endif
