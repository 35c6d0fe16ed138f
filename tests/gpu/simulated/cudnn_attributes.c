/* The attributes of the simulated cuDNN's descriptors, as tables.
 *
 * NVIDIA cuDNN Backend API, cudnn_graph library, "Backend Descriptor Types": each kind's section lists its
 * attributes with type, count and whether they are required. The status of each wrong use is that of the real
 * library 9.19: the documentation says only that a use is wrong. */
#include "tests/gpu/simulated/cudnn_descriptor.h"

#define OK CUDNN_STATUS_SUCCESS
#define BAD CUDNN_STATUS_BAD_PARAM
#define WRONG_TYPE CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE
#define NULL_POINTER CUDNN_STATUS_BAD_PARAM_NULL_POINTER
#define RAW CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED
#define UNSUPPORTED CUDNN_STATUS_NOT_SUPPORTED
#define UNINITIALIZED CUDNN_STATUS_NOT_INITIALIZED

#define TYPE(type) (UINT64_C(1) << CUDNN_TYPE_##type)
#define KIND(kind) (UINT64_C(1) << CUDNN_BACKEND_##kind##_DESCRIPTOR)
#define MANY 4096 /* more than any list here has */

/* How many values of which type set an attribute, and the answers to other types, too few and too many. */
#define SET(attribute, values, fewest, highest, on_wrong_type, on_too_few, on_too_many)                            \
    .name = CUDNN_ATTR_##attribute, .type = CUDNN_TYPE_##values, .least = (fewest), .most = (highest),             \
    .on_type = (on_wrong_type), .on_few = (on_too_few), .on_many = (on_too_many)
#define SET_ONE(attribute, values, on_wrong_type) SET(attribute, values, 1, 1, on_wrong_type, BAD, BAD)
#define SET_LIST(attribute, values, on_wrong_type) SET(attribute, values, 1, MANY, on_wrong_type, BAD, BAD)
/* It cannot be set: the library works it out. */
#define SET_NEVER(attribute, values, on_set)                                                                       \
    .name = CUDNN_ATTR_##attribute, .type = CUDNN_TYPE_##values, .on_type = (on_set)

/* Of which type it is read, and the answer to other types. */
#define READ(values, how, on_wrong_type)                                                                           \
    .read_type = CUDNN_TYPE_##values, .reading = (how), .read_on_type = (on_wrong_type)
#define READ_NEVER READ(INT64, READ_NOTHING, UNSUPPORTED)

/* Descriptors: of which kinds, and the answers to null and to one that is not finalised. */
#define OF(kinds, on_null_value, on_raw_value)                                                                     \
    .targets = (kinds), .on_null = (on_null_value), .on_raw = (on_raw_value)

#define VALUE(attribute, values, on_wrong_type)                                                                    \
    SET_ONE(attribute, values, on_wrong_type), READ(values, READ_ONE, WRONG_TYPE)
#define LIST(attribute, values, on_wrong_type)                                                                     \
    SET_LIST(attribute, values, on_wrong_type), READ(values, READ_LIST, WRONG_TYPE)
#define RESULT(attribute, values, how, on_set) SET_NEVER(attribute, values, on_set), READ(values, how, WRONG_TYPE)
#define TARGET(attribute, kinds, on_wrong_type, on_too_few, on_too_many)                                           \
    SET(attribute, BACKEND_DESCRIPTOR, 1, 1, on_wrong_type, on_too_few, on_too_many), OF(kinds, BAD, OK), READ_NEVER

static const struct attribute_rule tensor_rules[] = {
    {SET_ONE(TENSOR_BYTE_ALIGNMENT, INT64, WRONG_TYPE), READ_NEVER, .needed = BAD},
    {VALUE(TENSOR_DATA_TYPE, DATA_TYPE, WRONG_TYPE)},
    {LIST(TENSOR_DIMENSIONS, INT64, WRONG_TYPE), .needed = BAD},
    {LIST(TENSOR_STRIDES, INT64, WRONG_TYPE), .needed = BAD},
    {VALUE(TENSOR_VECTOR_COUNT, INT64, WRONG_TYPE), .initial = 1},
    {VALUE(TENSOR_VECTORIZED_DIMENSION, INT64, WRONG_TYPE), .initial = -1},
    {VALUE(TENSOR_UNIQUE_ID, INT64, WRONG_TYPE)},
    {VALUE(TENSOR_IS_VIRTUAL, BOOLEAN, WRONG_TYPE)},
    {VALUE(TENSOR_IS_BY_VALUE, BOOLEAN, WRONG_TYPE)},
    /* Set with its own type, read as a number. */
    {SET_ONE(TENSOR_REORDERING_MODE, TENSOR_REORDERING_MODE, WRONG_TYPE), READ(INT64, READ_ONE, WRONG_TYPE)},
};

static const struct attribute_rule convolution_rules[] = {
    {VALUE(CONVOLUTION_COMP_TYPE, DATA_TYPE, WRONG_TYPE)},
    /* Set with its own type, read as a data type. */
    {SET_ONE(CONVOLUTION_CONV_MODE, CONVOLUTION_MODE, WRONG_TYPE), READ(DATA_TYPE, READ_ONE, WRONG_TYPE)},
    {LIST(CONVOLUTION_DILATIONS, INT64, WRONG_TYPE), .needed = BAD},
    {LIST(CONVOLUTION_FILTER_STRIDES, INT64, WRONG_TYPE), .needed = BAD},
    {LIST(CONVOLUTION_POST_PADDINGS, INT64, WRONG_TYPE)},
    {LIST(CONVOLUTION_PRE_PADDINGS, INT64, WRONG_TYPE)},
    {VALUE(CONVOLUTION_SPATIAL_DIMS, INT64, BAD), .needed = BAD},
};

/* Scaling factors are float or double by the documentation; forward takes int32 too. */
#define OPERATION(prefix, x, w, y, scale_types, on_scale_type, x_on_type, x_on_few)                                \
    {SET_ONE(OPERATION_CONVOLUTION_##prefix##_ALPHA, FLOAT, on_scale_type), READ(FLOAT, READ_ONE, BAD),            \
     .more_types = (scale_types), .initial = 1},                                                                   \
        {SET_ONE(OPERATION_CONVOLUTION_##prefix##_BETA, FLOAT, on_scale_type), READ(FLOAT, READ_ONE, BAD),         \
         .more_types = (scale_types)},                                                                             \
        {TARGET(OPERATION_CONVOLUTION_##prefix##_CONV_DESC, KIND(CONVOLUTION), BAD, BAD, UNSUPPORTED),             \
         .needed = BAD},                                                                                           \
        {TARGET(OPERATION_CONVOLUTION_##prefix##_##x, KIND(TENSOR), x_on_type, x_on_few, UNSUPPORTED),             \
         .needed = BAD},                                                                                           \
        {TARGET(OPERATION_CONVOLUTION_##prefix##_##w, KIND(TENSOR), BAD, BAD, UNSUPPORTED), .needed = BAD},        \
    {                                                                                                              \
        TARGET(OPERATION_CONVOLUTION_##prefix##_##y, KIND(TENSOR), BAD, BAD, UNSUPPORTED), .needed = BAD           \
    }

static const struct attribute_rule forward_rules[] = {
    OPERATION(FORWARD, X, W, Y, TYPE(DOUBLE) | TYPE(INT32), BAD, BAD, BAD)};
static const struct attribute_rule backward_data_rules[] = {
    OPERATION(BWD_DATA, DX, W, DY, TYPE(DOUBLE), UNSUPPORTED, BAD, BAD)};
static const struct attribute_rule backward_filter_rules[] = {
    OPERATION(BWD_FILTER, X, DW, DY, TYPE(DOUBLE), BAD, WRONG_TYPE, UNSUPPORTED)};

#define ANY_OPERATION                                                                                              \
    (KIND(OPERATION_CONVOLUTION_FORWARD) | KIND(OPERATION_CONVOLUTION_BACKWARD_DATA) |                             \
     KIND(OPERATION_CONVOLUTION_BACKWARD_FILTER))

static const struct attribute_rule graph_rules[] = {
    {VALUE(OPERATIONGRAPH_HANDLE, HANDLE, UNINITIALIZED), .on_null = NULL_POINTER},
    /* An empty list is taken, and missed when the graph is finalised. */
    {SET(OPERATIONGRAPH_OPS, BACKEND_DESCRIPTOR, 1, MANY, WRONG_TYPE, OK, BAD),
     OF(ANY_OPERATION, NULL_POINTER, RAW), READ_NEVER, .needed = BAD},
    {RESULT(OPERATIONGRAPH_ENGINE_GLOBAL_COUNT, INT64, READ_ONE, BAD)},
    {VALUE(OPERATIONGRAPH_IS_DYNAMIC_SHAPE_ENABLED, BOOLEAN, WRONG_TYPE)},
    {RESULT(OPERATIONGRAPH_IS_SAME_TOPOLOGY, BOOLEAN, READ_ONE, BAD)},
};

static const struct attribute_rule heuristics_rules[] = {
    {VALUE(ENGINEHEUR_MODE, HEUR_MODE, WRONG_TYPE)},
    {TARGET(ENGINEHEUR_OPERATION_GRAPH, KIND(OPERATIONGRAPH), WRONG_TYPE, BAD, BAD), .needed = BAD},
    {RESULT(ENGINEHEUR_RESULTS, BACKEND_DESCRIPTOR, READ_LIST, BAD), .targets = KIND(ENGINECFG)},
    {VALUE(ENGINEHEUR_SM_COUNT_TARGET, INT32, WRONG_TYPE)},
    {TARGET(ENGINEHEUR_DEVICEPROP, KIND(DEVICEPROP), WRONG_TYPE, UNSUPPORTED, UNSUPPORTED)},
};

static const struct attribute_rule engine_rules[] = {
    {TARGET(ENGINE_OPERATION_GRAPH, KIND(OPERATIONGRAPH), WRONG_TYPE, UNSUPPORTED, UNSUPPORTED),
     .needed = NULL_POINTER},
    {VALUE(ENGINE_GLOBAL_INDEX, INT64, BAD)},
    {RESULT(ENGINE_KNOB_INFO, BACKEND_DESCRIPTOR, READ_LIST, UNSUPPORTED), .targets = KIND(KNOB_INFO)},
    {RESULT(ENGINE_NUMERICAL_NOTE, NUMERICAL_NOTE, READ_LIST, UNSUPPORTED)},
    {SET_NEVER(ENGINE_LAYOUT_INFO, BACKEND_DESCRIPTOR, BAD), READ_NEVER},
    {RESULT(ENGINE_BEHAVIOR_NOTE, BEHAVIOR_NOTE, READ_LIST, UNSUPPORTED)},
    {VALUE(ENGINE_SM_COUNT_TARGET, INT32, WRONG_TYPE)},
    {TARGET(ENGINE_DEVICEPROP, KIND(DEVICEPROP), WRONG_TYPE, UNSUPPORTED, UNSUPPORTED)},
};

static const struct attribute_rule configuration_rules[] = {
    {SET(ENGINECFG_ENGINE, BACKEND_DESCRIPTOR, 1, 1, WRONG_TYPE, UNSUPPORTED, UNSUPPORTED),
     OF(KIND(ENGINE), BAD, OK), READ(BACKEND_DESCRIPTOR, READ_LIST, WRONG_TYPE)},
    {SET_NEVER(ENGINECFG_INTERMEDIATE_INFO, BACKEND_DESCRIPTOR, UNSUPPORTED), READ_NEVER},
    {SET(ENGINECFG_KNOB_CHOICES, BACKEND_DESCRIPTOR, 0, MANY, BAD, BAD, BAD),
     OF(KIND(KNOB_CHOICE), BAD, UNINITIALIZED), READ(BACKEND_DESCRIPTOR, READ_LIST, WRONG_TYPE)},
    {RESULT(ENGINECFG_WORKSPACE_SIZE, INT64, READ_ONE, UNSUPPORTED)},
    {SET_ONE(ENGINECFG_SHARED_MEMORY_USED, INT32, WRONG_TYPE), READ(INT32, READ_REFUSED, WRONG_TYPE)},
};

static const struct attribute_rule knob_choice_rules[] = {
    {VALUE(KNOB_CHOICE_KNOB_TYPE, KNOB_TYPE, WRONG_TYPE)},
    {VALUE(KNOB_CHOICE_KNOB_VALUE, INT64, WRONG_TYPE)},
};

static const struct attribute_rule knob_info_rules[] = {
    {RESULT(KNOB_INFO_TYPE, KNOB_TYPE, READ_ONE, UNSUPPORTED)},
    {RESULT(KNOB_INFO_MAXIMUM_VALUE, INT64, READ_ONE, UNSUPPORTED)},
    {RESULT(KNOB_INFO_MINIMUM_VALUE, INT64, READ_ONE, UNSUPPORTED)},
    {RESULT(KNOB_INFO_STRIDE, INT64, READ_ONE, UNSUPPORTED)},
};

static const struct attribute_rule plan_rules[] = {
    {VALUE(EXECUTION_PLAN_HANDLE, HANDLE, UNINITIALIZED), .on_null = OK},
    {TARGET(EXECUTION_PLAN_ENGINE_CONFIG, KIND(ENGINECFG), WRONG_TYPE, UNSUPPORTED, UNSUPPORTED), .needed = RAW},
    {RESULT(EXECUTION_PLAN_WORKSPACE_SIZE, INT64, READ_ONE, UNSUPPORTED)},
    {SET_NEVER(EXECUTION_PLAN_COMPUTED_INTERMEDIATE_UIDS, INT64, UNSUPPORTED), READ_NEVER},
    {SET_ONE(EXECUTION_PLAN_RUN_ONLY_INTERMEDIATE_UIDS, INT64, WRONG_TYPE), READ_NEVER},
    {TARGET(EXECUTION_PLAN_KERNEL_CACHE, KIND(KERNEL_CACHE), WRONG_TYPE, UNSUPPORTED, UNSUPPORTED)},
    {TARGET(EXECUTION_PLAN_DEVICEPROP, KIND(DEVICEPROP), WRONG_TYPE, UNSUPPORTED, UNSUPPORTED)},
};

static const struct attribute_rule pack_rules[] = {
    {SET_LIST(VARIANT_PACK_UNIQUE_IDS, INT64, UNSUPPORTED), READ_NEVER},
    {SET_LIST(VARIANT_PACK_DATA_POINTERS, VOID_PTR, UNSUPPORTED), READ_NEVER},
    {SET_NEVER(VARIANT_PACK_INTERMEDIATES, VOID_PTR, UNSUPPORTED), READ_NEVER},
    {SET_ONE(VARIANT_PACK_WORKSPACE, VOID_PTR, UNSUPPORTED), READ(VOID_PTR, READ_ONE, UNINITIALIZED)},
};

static const struct attribute_rule device_rules[] = {
    {SET_ONE(DEVICEPROP_DEVICE_ID, INT32, WRONG_TYPE), READ_NEVER},
    {SET_ONE(DEVICEPROP_HANDLE, HANDLE, WRONG_TYPE), READ_NEVER, .on_null = NULL_POINTER},
    /* Text: the type that it is said to have is not looked at. */
    {SET(DEVICEPROP_JSON_REPRESENTATION, CHAR, 0, MANY, OK, CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED,
         BAD),
     READ(CHAR, READ_LIST, WRONG_TYPE), .more_types = UINT64_MAX},
};

#define KIND_ROW(kind, rules, on_foreign, finalize)                                                                \
    {                                                                                                              \
        CUDNN_BACKEND_##kind##_DESCRIPTOR, #kind, rules, sizeof(rules) / sizeof((rules)[0]), on_foreign, finalize  \
    }

static const struct descriptor_kind kinds[] = {
    KIND_ROW(TENSOR, tensor_rules, BAD, finalize_tensor),
    KIND_ROW(CONVOLUTION, convolution_rules, BAD, finalize_convolution),
    KIND_ROW(OPERATION_CONVOLUTION_FORWARD, forward_rules, BAD, finalize_operation),
    KIND_ROW(OPERATION_CONVOLUTION_BACKWARD_DATA, backward_data_rules, BAD, finalize_operation),
    KIND_ROW(OPERATION_CONVOLUTION_BACKWARD_FILTER, backward_filter_rules, UNSUPPORTED, finalize_operation),
    KIND_ROW(OPERATIONGRAPH, graph_rules, BAD, finalize_graph),
    KIND_ROW(DEVICEPROP, device_rules, BAD, finalize_device),
    KIND_ROW(ENGINEHEUR, heuristics_rules, BAD, finalize_heuristics),
    KIND_ROW(ENGINE, engine_rules, BAD, finalize_engine),
    KIND_ROW(ENGINECFG, configuration_rules, BAD, finalize_configuration),
    KIND_ROW(KNOB_CHOICE, knob_choice_rules, BAD, finalize_knob),
    KIND_ROW(KNOB_INFO, knob_info_rules, BAD, NULL),
    KIND_ROW(EXECUTION_PLAN, plan_rules, BAD, finalize_plan),
    KIND_ROW(VARIANT_PACK, pack_rules, BAD, finalize_pack),
};

const struct descriptor_kind *descriptor_find_kind(cudnnBackendDescriptorType_t kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].kind == kind)
            return &kinds[i];
    return NULL;
}
