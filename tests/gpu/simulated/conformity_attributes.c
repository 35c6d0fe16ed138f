/* The transcript's part on descriptors by themselves: for each kind each attribute with right and wrong types
 * and counts, before and after the descriptor is finalised. */
#include "tests/gpu/simulated/conformity.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define KIND(name) CUDNN_BACKEND_##name##_DESCRIPTOR, #name
#define VALUE(name, type) CUDNN_ATTR_##name, #name, CUDNN_TYPE_##type, CUDNN_BACKEND_TENSOR_DESCRIPTOR
#define DESCRIPTOR(name, kind)                                                                                     \
    CUDNN_ATTR_##name, #name, CUDNN_TYPE_BACKEND_DESCRIPTOR, CUDNN_BACKEND_##kind##_DESCRIPTOR
const struct conformity_kind conformity_kinds[] = {
    {KIND(TENSOR),
     {{VALUE(TENSOR_BYTE_ALIGNMENT, INT64)},
      {VALUE(TENSOR_DATA_TYPE, DATA_TYPE)},
      {VALUE(TENSOR_DIMENSIONS, INT64)},
      {VALUE(TENSOR_STRIDES, INT64)},
      {VALUE(TENSOR_VECTOR_COUNT, INT64)},
      {VALUE(TENSOR_VECTORIZED_DIMENSION, INT64)},
      {VALUE(TENSOR_UNIQUE_ID, INT64)},
      {VALUE(TENSOR_IS_VIRTUAL, BOOLEAN)},
      {VALUE(TENSOR_IS_BY_VALUE, BOOLEAN)},
      {VALUE(TENSOR_REORDERING_MODE, TENSOR_REORDERING_MODE)}}},
    {KIND(CONVOLUTION),
     {{VALUE(CONVOLUTION_COMP_TYPE, DATA_TYPE)},
      {VALUE(CONVOLUTION_CONV_MODE, CONVOLUTION_MODE)},
      {VALUE(CONVOLUTION_DILATIONS, INT64)},
      {VALUE(CONVOLUTION_FILTER_STRIDES, INT64)},
      {VALUE(CONVOLUTION_POST_PADDINGS, INT64)},
      {VALUE(CONVOLUTION_PRE_PADDINGS, INT64)},
      {VALUE(CONVOLUTION_SPATIAL_DIMS, INT64)}}},
    {KIND(OPERATION_CONVOLUTION_FORWARD),
     {{VALUE(OPERATION_CONVOLUTION_FORWARD_ALPHA, FLOAT)},
      {VALUE(OPERATION_CONVOLUTION_FORWARD_BETA, FLOAT)},
      {DESCRIPTOR(OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CONVOLUTION)},
      {DESCRIPTOR(OPERATION_CONVOLUTION_FORWARD_W, TENSOR)},
      {DESCRIPTOR(OPERATION_CONVOLUTION_FORWARD_X, TENSOR)},
      {DESCRIPTOR(OPERATION_CONVOLUTION_FORWARD_Y, TENSOR)}}},
    {KIND(OPERATION_CONVOLUTION_BACKWARD_DATA),
     {{VALUE(OPERATION_CONVOLUTION_BWD_DATA_ALPHA, FLOAT)},
      {VALUE(OPERATION_CONVOLUTION_BWD_DATA_BETA, FLOAT)},
      {DESCRIPTOR(OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CONVOLUTION)},
      {DESCRIPTOR(OPERATION_CONVOLUTION_BWD_DATA_W, TENSOR)},
      {DESCRIPTOR(OPERATION_CONVOLUTION_BWD_DATA_DX, TENSOR)},
      {DESCRIPTOR(OPERATION_CONVOLUTION_BWD_DATA_DY, TENSOR)}}},
    {KIND(OPERATION_CONVOLUTION_BACKWARD_FILTER),
     {{VALUE(OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, FLOAT)},
      {VALUE(OPERATION_CONVOLUTION_BWD_FILTER_BETA, FLOAT)},
      {DESCRIPTOR(OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CONVOLUTION)},
      {DESCRIPTOR(OPERATION_CONVOLUTION_BWD_FILTER_DW, TENSOR)},
      {DESCRIPTOR(OPERATION_CONVOLUTION_BWD_FILTER_X, TENSOR)},
      {DESCRIPTOR(OPERATION_CONVOLUTION_BWD_FILTER_DY, TENSOR)}}},
    {KIND(OPERATIONGRAPH),
     {{VALUE(OPERATIONGRAPH_HANDLE, HANDLE)},
      {DESCRIPTOR(OPERATIONGRAPH_OPS, OPERATION_CONVOLUTION_FORWARD)},
      {VALUE(OPERATIONGRAPH_ENGINE_GLOBAL_COUNT, INT64)},
      {VALUE(OPERATIONGRAPH_IS_DYNAMIC_SHAPE_ENABLED, BOOLEAN)},
      {VALUE(OPERATIONGRAPH_IS_SAME_TOPOLOGY, BOOLEAN)}}},
    {KIND(ENGINEHEUR),
     {{VALUE(ENGINEHEUR_MODE, HEUR_MODE)},
      {DESCRIPTOR(ENGINEHEUR_OPERATION_GRAPH, OPERATIONGRAPH)},
      {DESCRIPTOR(ENGINEHEUR_RESULTS, ENGINECFG)},
      {VALUE(ENGINEHEUR_SM_COUNT_TARGET, INT32)},
      {DESCRIPTOR(ENGINEHEUR_DEVICEPROP, DEVICEPROP)}}},
    {KIND(ENGINE),
     {{DESCRIPTOR(ENGINE_OPERATION_GRAPH, OPERATIONGRAPH)},
      {VALUE(ENGINE_GLOBAL_INDEX, INT64)},
      {DESCRIPTOR(ENGINE_KNOB_INFO, KNOB_INFO)},
      {VALUE(ENGINE_NUMERICAL_NOTE, NUMERICAL_NOTE)},
      {DESCRIPTOR(ENGINE_LAYOUT_INFO, LAYOUT_INFO)},
      {VALUE(ENGINE_BEHAVIOR_NOTE, BEHAVIOR_NOTE)},
      {VALUE(ENGINE_SM_COUNT_TARGET, INT32)},
      {DESCRIPTOR(ENGINE_DEVICEPROP, DEVICEPROP)}}},
    {KIND(ENGINECFG),
     {{DESCRIPTOR(ENGINECFG_ENGINE, ENGINE)},
      {VALUE(ENGINECFG_INTERMEDIATE_INFO, BACKEND_DESCRIPTOR)},
      {DESCRIPTOR(ENGINECFG_KNOB_CHOICES, KNOB_CHOICE)},
      {VALUE(ENGINECFG_WORKSPACE_SIZE, INT64)},
      {VALUE(ENGINECFG_SHARED_MEMORY_USED, INT32)}}},
    {KIND(KNOB_CHOICE), {{VALUE(KNOB_CHOICE_KNOB_TYPE, KNOB_TYPE)}, {VALUE(KNOB_CHOICE_KNOB_VALUE, INT64)}}},
    {KIND(KNOB_INFO),
     {{VALUE(KNOB_INFO_TYPE, KNOB_TYPE)},
      {VALUE(KNOB_INFO_MAXIMUM_VALUE, INT64)},
      {VALUE(KNOB_INFO_MINIMUM_VALUE, INT64)},
      {VALUE(KNOB_INFO_STRIDE, INT64)}}},
    {KIND(EXECUTION_PLAN),
     {{VALUE(EXECUTION_PLAN_HANDLE, HANDLE)},
      {DESCRIPTOR(EXECUTION_PLAN_ENGINE_CONFIG, ENGINECFG)},
      {VALUE(EXECUTION_PLAN_WORKSPACE_SIZE, INT64)},
      {VALUE(EXECUTION_PLAN_COMPUTED_INTERMEDIATE_UIDS, INT64)},
      {VALUE(EXECUTION_PLAN_RUN_ONLY_INTERMEDIATE_UIDS, INT64)},
      {DESCRIPTOR(EXECUTION_PLAN_KERNEL_CACHE, KERNEL_CACHE)},
      {DESCRIPTOR(EXECUTION_PLAN_DEVICEPROP, DEVICEPROP)}}},
    {KIND(VARIANT_PACK),
     {{VALUE(VARIANT_PACK_UNIQUE_IDS, INT64)},
      {VALUE(VARIANT_PACK_DATA_POINTERS, VOID_PTR)},
      {VALUE(VARIANT_PACK_INTERMEDIATES, VOID_PTR)},
      {VALUE(VARIANT_PACK_WORKSPACE, VOID_PTR)}}},
    {KIND(DEVICEPROP),
     {{VALUE(DEVICEPROP_DEVICE_ID, INT32)},
      {VALUE(DEVICEPROP_HANDLE, HANDLE)},
      {VALUE(DEVICEPROP_JSON_REPRESENTATION, CHAR)}}},
};
const size_t conformity_kind_count = sizeof(conformity_kinds) / sizeof(conformity_kinds[0]);

enum { FIRST_TYPE = -1, LAST_TYPE = CUDNN_TYPE_MOE_GROUPED_MATMUL_MODE + 1, LAST_NAME = 2910 };

/* Zeros as any attribute's values: numbers 0, null pointers and descriptors, false. */
static int64_t zeros[64];

/* Answers to a list of questions: the one that most get, and those that get another. */
struct answers {
    int questions[LAST_NAME + 8];
    cudnnStatus_t statuses[LAST_NAME + 8];
    size_t count;
};

static void add_answer(struct answers *answers, int question, cudnnStatus_t status)
{
    answers->questions[answers->count] = question;
    answers->statuses[answers->count++] = status;
}

static void say_answers(const struct answers *answers, const char *subject)
{
    size_t most = 0, best = 0;
    for (size_t i = 0; i < answers->count; i++) {
        size_t same = 0;
        for (size_t j = 0; j < answers->count; j++)
            same += answers->statuses[j] == answers->statuses[i];
        if (same > most) {
            most = same;
            best = i;
        }
    }
    printf("%s: %s", subject, status_text(answers->statuses[best]));
    for (size_t i = 0; i < answers->count; i++)
        if (answers->statuses[i] != answers->statuses[best])
            printf(", %d %s", answers->questions[i], status_text(answers->statuses[i]));
    printf("\n");
}

static cudnnStatus_t set_once(const struct conformity_kind *kind, int name, int type, int64_t count,
                              const void *values)
{
    cudnnBackendDescriptor_t descriptor = make(kind->kind);
    cudnnStatus_t status =
        api.set(descriptor, (cudnnBackendAttributeName_t)name, (cudnnBackendAttributeType_t)type, count, values);
    api.destroy(descriptor);
    return status;
}

static void say_attribute(const struct conformity_kind *kind, const struct conformity_attribute *attribute)
{
    static const int counts[] = {-1, 0, 1, 2, 3, 4, 5, 8, 9, 16};
    static struct answers answers;
    printf("%s\n", attribute->text);
    answers.count = 0;
    for (int type = FIRST_TYPE; type <= LAST_TYPE; type++)
        add_answer(&answers, type, set_once(kind, (int)attribute->name, type, 1, zeros));
    say_answers(&answers, "  set, by type");
    answers.count = 0;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        add_answer(&answers, counts[i],
                   set_once(kind, (int)attribute->name, (int)attribute->type, counts[i], zeros));
    say_answers(&answers, "  set, by count");
    say(set_once(kind, (int)attribute->name, (int)attribute->type, 1, NULL), "  set, no values");
    cudnnBackendDescriptor_t descriptor = make(kind->kind);
    int64_t count = 0, values[64];
    say(api.get(descriptor, attribute->name, attribute->type, 1, &count, values), "  get before finalize");
    api.destroy(descriptor);
    if (attribute->type != CUDNN_TYPE_BACKEND_DESCRIPTOR)
        return;
    /* Of another kind than the attribute is for: the real library takes it at its word and reads it as if it
     * were. */
    cudnnBackendDescriptor_t other = make(attribute->target);
    say(set_once(kind, (int)attribute->name, (int)attribute->type, 1, &other),
        "  set to a descriptor not finalised");
    api.destroy(other);
}

static void say_foreign_attributes(const struct conformity_kind *kind)
{
    static struct answers answers;
    answers.count = 0;
    for (size_t k = 0; k < conformity_kind_count; k++)
        for (const struct conformity_attribute *a = conformity_kinds[k].attributes; a->text != NULL; a++)
            if (kind != &conformity_kinds[k])
                add_answer(&answers, (int)a->name, set_once(kind, (int)a->name, (int)a->type, 1, zeros));
    say_answers(&answers, "set another kind's attribute");
}

/* Room for what a getter may write. */
union values {
    int64_t whole[64];
    int32_t half[128];
    float real[128];
    double wide[64];
    unsigned char bytes[512];
};

/* Whether an attribute's value is each library's own. */
static bool is_own(cudnnBackendAttributeName_t name)
{
    switch ((int)name) {
    case CUDNN_ATTR_OPERATIONGRAPH_ENGINE_GLOBAL_COUNT:
    case CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
    case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE:
    case CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE:
    case CUDNN_ATTR_ENGINECFG_SHARED_MEMORY_USED:
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
        return true;
    default:
        return false;
    }
}

/* The answers to one getter for several counts: as many as there are, one, none. */
static void say_get(cudnnBackendDescriptor_t descriptor, const struct conformity_attribute *a, int type)
{
    static const int64_t rooms[] = {8, 1, 0, -1};
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        union values values;
        memset(&values, 0, sizeof(values));
        int64_t count = -7;
        cudnnStatus_t status =
            api.get(descriptor, a->name, (cudnnBackendAttributeType_t)type, rooms[i], &count, &values);
        if (is_own(a->name) && status == CUDNN_STATUS_SUCCESS) {
            printf("  %lld asked for: SUCCESS, %s\n", (long long)rooms[i], count == -7 ? "not set" : "set");
            continue;
        }
        printf("  %lld asked for: %s, %lld", (long long)rooms[i], status_text(status), (long long)count);
        for (int64_t v = 0; status == CUDNN_STATUS_SUCCESS && v < count && v < rooms[i]; v++)
            switch (type) {
            case CUDNN_TYPE_INT64:
                printf(" %lld", (long long)values.whole[v]);
                break;
            case CUDNN_TYPE_BOOLEAN:
                printf(" %d", values.bytes[v]);
                break;
            case CUDNN_TYPE_FLOAT:
                printf(" %g", (double)values.real[v]);
                break;
            case CUDNN_TYPE_DOUBLE:
                printf(" %g", values.wide[v]);
                break;
            default:
                printf(" %d", values.half[v]);
            }
        printf("\n");
    }
    union values values;
    int64_t count = -7;
    say(api.get(descriptor, a->name, (cudnnBackendAttributeType_t)type, 1, NULL, &values),
        "  no place for the count");
    cudnnStatus_t status = api.get(descriptor, a->name, (cudnnBackendAttributeType_t)type, 1, &count, NULL);
    printf("  no place for values: %s, %lld\n", status_text(status),
           is_own(a->name) && count != -7 ? 1 : (long long)count);
}

void say_values(cudnnBackendDescriptor_t descriptor, const struct conformity_kind *kind)
{
    static struct answers answers;
    for (const struct conformity_attribute *a = kind->attributes; a->text != NULL; a++) {
        /* Results that are descriptors need descriptors to be written to. */
        if (a->type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
            continue;
        answers.count = 0;
        int right = -1; /* the first type that it answers to, which is not always the one that sets it */
        for (int type = FIRST_TYPE; type <= LAST_TYPE; type++) {
            union values values;
            int64_t count;
            memset(&values, 0, sizeof(values));
            if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
                continue;
            cudnnStatus_t status =
                api.get(descriptor, a->name, (cudnnBackendAttributeType_t)type, 1, &count, &values);
            add_answer(&answers, type, status);
            if (status == CUDNN_STATUS_SUCCESS && right < 0)
                right = type;
        }
        printf("%s", a->text);
        say_answers(&answers, " get, by type");
        if (right >= 0)
            say_get(descriptor, a, right);
        say(api.set(descriptor, a->name, a->type, 1, zeros), "  set");
    }
    answers.count = 0;
    for (size_t k = 0; k < conformity_kind_count; k++)
        for (const struct conformity_attribute *a = conformity_kinds[k].attributes; a->text != NULL; a++)
            /* Descriptors are left out: some kinds read the place of the result before the name. */
            if (kind != &conformity_kinds[k] && a->type != CUDNN_TYPE_BACKEND_DESCRIPTOR) {
                union values values;
                int64_t count;
                memset(&values, 0, sizeof(values));
                add_answer(&answers, (int)a->name, api.get(descriptor, a->name, a->type, 1, &count, &values));
            }
    say_answers(&answers, "get another kind's attribute");
    say(api.finalize(descriptor), "finalize again");
}

const struct conformity_kind *conformity_find_kind(cudnnBackendDescriptorType_t kind)
{
    const struct conformity_kind *found = conformity_kinds;
    while (found->kind != kind)
        found++;
    return found;
}

void say_attributes(void)
{
    printf("== cudnnBackendCreateDescriptor\n");
    for (int kind = -1; kind <= CUDNN_BACKEND_OPERATION_SDPA_BWD_DESCRIPTOR + 1; kind++) {
        cudnnBackendDescriptor_t descriptor = NULL;
        cudnnStatus_t status = api.create((cudnnBackendDescriptorType_t)kind, &descriptor);
        say(status, "%d%s", kind, descriptor == NULL ? " null" : "");
        if (status == CUDNN_STATUS_SUCCESS)
            say(api.destroy(descriptor), "%d destroyed", kind);
    }
    for (size_t k = 0; k < conformity_kind_count; k++) {
        const struct conformity_kind *kind = &conformity_kinds[k];
        printf("== %s\n", kind->text);
        cudnnBackendDescriptor_t descriptor = make(kind->kind);
        /* The real library crashes on an engine configuration without an engine. */
        if (kind->kind != CUDNN_BACKEND_ENGINECFG_DESCRIPTOR)
            say(api.finalize(descriptor), "finalize with nothing set");
        api.destroy(descriptor);
        for (const struct conformity_attribute *a = kind->attributes; a->text != NULL; a++)
            say_attribute(kind, a);
        say_foreign_attributes(kind);
    }
}
