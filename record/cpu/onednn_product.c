/* oneDNN's matrix product primitive. */
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "record/cpu/onednn_primitive.h"

struct operands {
    struct shape a, b, c;
    struct shape any; /* b in the layout of oneDNN's choice */
};

static int make_operands(struct operands *o, const struct product *p)
{
    const dnnl_dims_t a = {(dnnl_dim_t)p->rows, (dnnl_dim_t)p->depth};
    const dnnl_dims_t b = {(dnnl_dim_t)p->depth, (dnnl_dim_t)p->columns};
    const dnnl_dims_t c = {(dnnl_dim_t)p->rows, (dnnl_dim_t)p->columns};
    *o = (struct operands){0};
    dnnl_status_t status = shape_make(&o->a, 2, a, p->type, p->a_transposed ? dnnl_ba : dnnl_ab);
    if (status == dnnl_success)
        status = shape_make(&o->b, 2, b, p->type, p->b_transposed ? dnnl_ba : dnnl_ab);
    if (status == dnnl_success)
        status = shape_make(&o->any, 2, b, p->type, dnnl_format_tag_any);
    if (status == dnnl_success)
        status = shape_make(&o->c, 2, c, p->c_type, dnnl_ab);
    return onednn_check(status, p->type, "describing a matrix");
}

static void destroy_operands(struct operands *o)
{
    shape_destroy(&o->c);
    shape_destroy(&o->any);
    shape_destroy(&o->b);
    shape_destroy(&o->a);
}

static dnnl_status_t describe_product(dnnl_primitive_desc_t *out, const struct onednn *onednn,
                                      const struct operands *o, const struct product *p)
{
    const_dnnl_primitive_attr_t attributes = p->accumulate ? onednn->adding : onednn->attributes;
    shape_reference b = refer(p->pack_b ? &o->any : &o->b);
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_matmul_primitive_desc_create(out, onednn->engine, refer(&o->a), b, NULL, refer(&o->c), attributes);
#else
    dnnl_matmul_desc_t description;
    dnnl_status_t status = dnnl_matmul_desc_init(&description, refer(&o->a), b, NULL, refer(&o->c));
    if (status != dnnl_success)
        return status;
    return dnnl_primitive_desc_create(out, &description, attributes, onednn->engine, NULL);
#endif
}

int onednn_product_create(struct onednn_operation **out, struct onednn *onednn, const struct product *product)
{
    struct onednn_operation *operation;
    struct operands operands;
    dnnl_primitive_desc_t description = NULL;
    *out = NULL;
    int status = memory_allocate(&operation, 1, sizeof *operation, "a matrix product");
    if (status != TIDY_OK)
        return status;
    operation->onednn = onednn;
    struct bound_primitive *main = &operation->main;
    if ((status = make_operands(&operands, product)) != TIDY_OK ||
        (status = onednn_check(describe_product(&description, onednn, &operands, product), product->type,
                               "describing a matrix product")) != TIDY_OK)
        goto done;
    shape_reference b = dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0);
    if ((status = primitive_bind(main, onednn, description)) != TIDY_OK ||
        (status = primitive_bind_argument(main, onednn, DNNL_ARG_DST, refer(&operands.c))) != TIDY_OK ||
        (status = primitive_bind_argument(main, onednn, DNNL_ARG_SRC, refer(&operands.a))) != TIDY_OK ||
        (status = primitive_bind_argument(main, onednn, DNNL_ARG_WEIGHTS, b)) != TIDY_OK)
        goto done;
    if (!dnnl_memory_desc_equal(b, refer(&operands.b)) &&
        (status = buffer_grow(&operation->packed, dnnl_memory_desc_get_size(b))) == TIDY_OK)
        status = operation_bind_reorder(operation, refer(&operands.b), b);
done:
    if (description != NULL)
        dnnl_primitive_desc_destroy(description);
    destroy_operands(&operands);
    if (status == TIDY_OK)
        *out = operation;
    else
        onednn_operation_destroy(operation);
    return status;
}

int onednn_product_run(struct onednn_operation *operation, void *c, void *a, void *b)
{
    int status = TIDY_OK;
    if (operation->reorder.primitive != NULL) {
        status = operation_pack(operation, b);
        b = operation->packed.values;
    }
    return status == TIDY_OK
               ? primitive_run(&operation->main, operation->onednn, (void *[]){c, a, b}, "a matrix product")
               : status;
}
