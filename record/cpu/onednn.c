/* oneDNN's engine, stream and primitives behind a few calls. */
#include "record/cpu/onednn.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "record/cpu/onednn_primitive.h"

/* ---- shapes -------------------------------------------------------------------------------------------- */

dnnl_status_t shape_make(struct shape *out, int dimensions, const dnnl_dims_t sizes, enum tensor_type type,
                         dnnl_format_tag_t tag)
{
    dnnl_data_type_t data_type = type == TENSOR_F32 ? dnnl_f32 : dnnl_bf16;
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_memory_desc_create_with_tag(&out->handle, dimensions, sizes, data_type, tag);
#else
    return dnnl_memory_desc_init_by_tag(&out->value, dimensions, sizes, data_type, tag);
#endif
}

void shape_destroy(struct shape *shape)
{
#if DNNL_VERSION_MAJOR >= 3
    if (shape->handle != NULL)
        dnnl_memory_desc_destroy(shape->handle);
#else
    (void)shape;
#endif
}

/* ---- engine and shared buffers ------------------------------------------------------------------------- */

int onednn_check(dnnl_status_t status, enum tensor_type type, const char *what)
{
    if (status == dnnl_success)
        return TIDY_OK;
    if (status == dnnl_out_of_memory)
        return tidy_fail("oneDNN: no memory for %s; a smaller --batch-size needs less", what);
    if (status == dnnl_unimplemented && type == TENSOR_BF16)
        return tidy_fail(
            "%s cannot compute in bfloat16 on this processor: leave --precision bf16 out to compute in "
            "float32",
            onednn_version());
    return tidy_fail("oneDNN: %s failed with status %d (%s)", what, (int)status, onednn_version());
}

static int check(dnnl_status_t status, const char *what)
{
    return onednn_check(status, TENSOR_F32, what);
}

int buffer_grow(struct buffer *buffer, size_t bytes)
{
    if (bytes <= buffer->bytes)
        return TIDY_OK;
    free(buffer->values);
    *buffer = (struct buffer){0};
    int status = memory_allocate(&buffer->values, bytes, 1, "oneDNN's scratch memory");
    if (status == TIDY_OK)
        buffer->bytes = bytes;
    return status;
}

static dnnl_status_t make_adding(struct onednn *onednn)
{
    dnnl_post_ops_t sum;
    dnnl_status_t status = dnnl_post_ops_create(&sum);
    if (status != dnnl_success)
        return status;
#if DNNL_VERSION_MAJOR >= 3
    status = dnnl_post_ops_append_sum(sum, 1, 0, dnnl_data_type_undef);
#else
    status = dnnl_post_ops_append_sum(sum, 1);
#endif
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(onednn->adding, sum);
    dnnl_post_ops_destroy(sum);
    return status;
}

int onednn_create(struct onednn **out)
{
    int status = memory_allocate(out, 1, sizeof **out, "oneDNN");
    if (status != TIDY_OK)
        return status;
    struct onednn *onednn = *out;
    if ((status = check(dnnl_engine_create(&onednn->engine, dnnl_cpu, 0), "making a CPU engine")) != TIDY_OK ||
        (status = check(dnnl_stream_create(&onednn->stream, onednn->engine, dnnl_stream_default_flags),
                        "making a stream")) != TIDY_OK ||
        (status = check(dnnl_primitive_attr_create(&onednn->attributes), "making attributes")) != TIDY_OK ||
        (status = check(dnnl_primitive_attr_create(&onednn->adding), "making attributes")) != TIDY_OK ||
        (status = check(dnnl_primitive_attr_set_scratchpad_mode(onednn->attributes, dnnl_scratchpad_mode_user),
                        "taking over scratch memory")) != TIDY_OK ||
        (status = check(dnnl_primitive_attr_set_scratchpad_mode(onednn->adding, dnnl_scratchpad_mode_user),
                        "taking over scratch memory")) != TIDY_OK ||
        (status = check(make_adding(onednn), "making attributes")) != TIDY_OK) {
        onednn_destroy(onednn);
        *out = NULL;
    }
    return status;
}

void onednn_destroy(struct onednn *onednn)
{
    if (onednn == NULL)
        return;
    free(onednn->reserved.values);
    free(onednn->gradient.values);
    free(onednn->scratch.values);
    if (onednn->adding != NULL)
        dnnl_primitive_attr_destroy(onednn->adding);
    if (onednn->attributes != NULL)
        dnnl_primitive_attr_destroy(onednn->attributes);
    if (onednn->stream != NULL)
        dnnl_stream_destroy(onednn->stream);
    if (onednn->engine != NULL)
        dnnl_engine_destroy(onednn->engine);
    free(onednn);
}

int onednn_reserve(struct onednn *onednn, size_t bytes)
{
    return buffer_grow(&onednn->reserved, bytes);
}

void *onednn_reserved(struct onednn *onednn)
{
    return onednn->reserved.values;
}

bool onednn_has_bf16(void)
{
    /* An instruction set's bits hold those of what it includes. None: no x86 processor; the convolutions say what is
     * missing. */
    unsigned has = (unsigned)dnnl_get_effective_cpu_isa(), wanted = dnnl_cpu_isa_avx512_core_bf16;
    return has == 0 || (has & wanted) == wanted;
}

const char *onednn_version(void)
{
    static char text[64];
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } names[] = {
        {dnnl_cpu_isa_sse41, "SSE4.1"},
        {dnnl_cpu_isa_avx, "AVX"},
        {dnnl_cpu_isa_avx2, "AVX2"},
        {dnnl_cpu_isa_avx2_vnni, "AVX2-VNNI"},
        {dnnl_cpu_isa_avx512_core, "AVX-512"},
        {dnnl_cpu_isa_avx512_core_vnni, "AVX-512-VNNI"},
        {dnnl_cpu_isa_avx512_core_bf16, "AVX-512-BF16"},
        {dnnl_cpu_isa_avx512_core_amx, "AMX"},
    };
    const dnnl_version_t *version = dnnl_version();
    const char *name = "other instructions";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (dnnl_get_effective_cpu_isa() == names[i].isa)
            name = names[i].name;
    snprintf(text, sizeof text, "oneDNN %d.%d.%d (%s)", version->major, version->minor, version->patch, name);
    return text;
}

/* ---- primitives ---------------------------------------------------------------------------------------- */

int primitive_bind_argument(struct bound_primitive *bound, struct onednn *onednn, int role, shape_reference shape)
{
    dnnl_exec_arg_t *argument = &bound->arguments[bound->count];
    int status = check(dnnl_memory_create(&argument->memory, shape, onednn->engine, DNNL_MEMORY_NONE),
                       "binding an argument");
    if (status == TIDY_OK) {
        argument->arg = role;
        bound->count++;
    }
    return status;
}

int primitive_bind(struct bound_primitive *bound, struct onednn *onednn, const_dnnl_primitive_desc_t description)
{
    int status = check(dnnl_primitive_create(&bound->primitive, description), "compiling an operation");
    if (status != TIDY_OK)
        return status;
    shape_reference scratch = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    if ((status = buffer_grow(&onednn->scratch, dnnl_memory_desc_get_size(scratch))) != TIDY_OK)
        return status;
    return primitive_bind_argument(bound, onednn, DNNL_ARG_SCRATCHPAD, scratch);
}

void primitive_destroy(struct bound_primitive *bound)
{
    for (int i = 0; i < bound->count; i++)
        dnnl_memory_destroy(bound->arguments[i].memory);
    if (bound->primitive != NULL)
        dnnl_primitive_destroy(bound->primitive);
}

int primitive_run(struct bound_primitive *bound, struct onednn *onednn, void *const *places, const char *what)
{
    dnnl_status_t status = dnnl_success;
    for (int i = 0; i < bound->count && status == dnnl_success; i++) {
        void *place = i == 0 ? onednn->scratch.values : places[i - 1];
        if (place != bound->places[i])
            status = dnnl_memory_set_data_handle(bound->arguments[i].memory, place);
        bound->places[i] = place;
    }
    if (status == dnnl_success)
        status = dnnl_primitive_execute(bound->primitive, onednn->stream, bound->count, bound->arguments);
    if (status == dnnl_success)
        status = dnnl_stream_wait(onednn->stream);
    return check(status, what);
}

/* ---- operations ---------------------------------------------------------------------------------------- */

void onednn_operation_destroy(struct onednn_operation *operation)
{
    if (operation == NULL)
        return;
    primitive_destroy(&operation->reorder);
    primitive_destroy(&operation->main);
    free(operation->packed.values);
    free(operation);
}

void onednn_weights_changed(struct onednn_operation *operation)
{
    operation->current = false;
}

int operation_bind_reorder(struct onednn_operation *operation, shape_reference from, shape_reference to)
{
    struct onednn *onednn = operation->onednn;
    dnnl_primitive_desc_t description = NULL;
    int status = check(dnnl_reorder_primitive_desc_create(&description, from, onednn->engine, to, onednn->engine,
                                                          onednn->attributes),
                       "describing a reorder");
    if (status == TIDY_OK && (status = primitive_bind(&operation->reorder, onednn, description)) == TIDY_OK &&
        (status = primitive_bind_argument(&operation->reorder, onednn, DNNL_ARG_FROM, from)) == TIDY_OK)
        status = primitive_bind_argument(&operation->reorder, onednn, DNNL_ARG_TO, to);
    if (description != NULL)
        dnnl_primitive_desc_destroy(description);
    return status;
}

int operation_pack(struct onednn_operation *operation, void *weights)
{
    if (operation->current)
        return TIDY_OK;
    int status = primitive_run(&operation->reorder, operation->onednn,
                               (void *[]){weights, operation->packed.values}, "packing weights");
    operation->current = status == TIDY_OK;
    return status;
}
