/* Primitives of oneDNN with their arguments: what onednn_convolution.c and onednn_product.c are made of. */
#ifndef TIDY_RECORD_CPU_ONEDNN_PRIMITIVE_H
#define TIDY_RECORD_CPU_ONEDNN_PRIMITIVE_H

#include <oneapi/dnnl/dnnl.h>

#include "record/cpu/onednn.h"

/* What differs between oneDNN 2 and 3: descriptors are structs there and handles here. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t shape_reference;
struct shape {
    dnnl_memory_desc_t handle;
};
static inline shape_reference refer(const struct shape *shape)
{
    return shape->handle;
}
#else
typedef const dnnl_memory_desc_t *shape_reference;
struct shape {
    dnnl_memory_desc_t value;
};
static inline shape_reference refer(const struct shape *shape)
{
    return &shape->value;
}
#endif

dnnl_status_t shape_make(struct shape *out, int dimensions, const dnnl_dims_t sizes, enum tensor_type type,
                         dnnl_format_tag_t tag);
void shape_destroy(struct shape *shape); /* nothing where it was never made */

struct buffer {
    void *values;
    size_t bytes;
};
int buffer_grow(struct buffer *buffer, size_t bytes);

struct onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attributes; /* scratch memory comes from us */
    dnnl_primitive_attr_t adding;     /* and results are added to what is there */
    struct buffer scratch;            /* as large as the hungriest operation wants */
    struct buffer gradient;           /* of weights, in the layout of the operation that runs */
    struct buffer reserved;
};

/* 0, or fails with a message that says what was done; unimplemented bfloat16 is the processor's lack of it. */
int onednn_check(dnnl_status_t status, enum tensor_type type, const char *what);

enum { ARGUMENTS = 5 };

/* A primitive with its arguments; those whose place changes from run to run are set before each. */
struct bound_primitive {
    dnnl_primitive_t primitive;
    int count;
    dnnl_exec_arg_t arguments[ARGUMENTS];
    void *places[ARGUMENTS]; /* where they were bound last */
};

int primitive_bind(struct bound_primitive *bound, struct onednn *onednn, const_dnnl_primitive_desc_t description);
int primitive_bind_argument(struct bound_primitive *bound, struct onednn *onednn, int role, shape_reference shape);
void primitive_destroy(struct bound_primitive *bound);

/* Runs with the arguments' data at `places`, in the order they were bound. */
int primitive_run(struct bound_primitive *bound, struct onednn *onednn, void *const *places, const char *what);

struct onednn_operation {
    struct onednn *onednn;
    enum onednn_pass pass;       /* of a convolution */
    struct bound_primitive main; /* the convolution or product */
    struct bound_primitive
        reorder;          /* our layout of the weights to the operation's, or back; none: they are the same */
    struct buffer packed; /* weights in the operation's layout, where it reads them */
    bool current;         /* packed are the weights of the last run */
};

/* Binds operation->reorder. */
int operation_bind_reorder(struct onednn_operation *operation, shape_reference from, shape_reference to);

/* The packed weights, made anew where the last ones are no longer current. */
int operation_pack(struct onednn_operation *operation, void *weights);

#endif
