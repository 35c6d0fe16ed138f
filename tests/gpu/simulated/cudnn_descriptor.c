/* The simulated cuDNN's descriptors: making, setting, reading, finalising and destroying them, by the tables of
 * cudnn_attributes.c. */
#include "tests/gpu/simulated/cudnn_descriptor.h"

#include <stdlib.h>
#include <string.h>

#include "tests/gpu/simulated/device.h"

static struct descriptor *every_descriptor; /* those destroyed too */

static size_t value_size(cudnnBackendAttributeType_t type)
{
    switch ((int)type) {
    case CUDNN_TYPE_BOOLEAN:
    case CUDNN_TYPE_CHAR:
        return 1;
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
        return 8;
    default:
        return 4;
    }
}

static size_t find_rule(const struct descriptor_kind *kind, cudnnBackendAttributeName_t name)
{
    size_t i = 0;
    while (i < kind->rule_count && kind->rules[i].name != name)
        i++;
    return i;
}

static cudnnStatus_t slot_store(struct slot *slot, const void *values, int64_t count, size_t size)
{
    void *copy = calloc((size_t)count + 1, size); /* text ends with a zero */
    if (copy == NULL)
        return cudnn_fail(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED, "no memory for %lld values",
                          (long long)count);
    if (count > 0)
        memcpy(copy, values, (size_t)count * size);
    free(slot->values);
    slot->values = copy;
    slot->count = count;
    return CUDNN_STATUS_SUCCESS;
}

void descriptor_put(struct descriptor *descriptor, cudnnBackendAttributeName_t name, const void *values,
                    int64_t count)
{
    size_t i = find_rule(descriptor->kind, name);
    slot_store(&descriptor->slots[i], values, count, value_size(descriptor->kind->rules[i].read_type));
}

bool descriptor_is_set(const struct descriptor *descriptor, cudnnBackendAttributeName_t name)
{
    return descriptor->slots[find_rule(descriptor->kind, name)].values != NULL;
}

const void *descriptor_values(const struct descriptor *descriptor, cudnnBackendAttributeName_t name, int64_t *count)
{
    const struct slot *slot = &descriptor->slots[find_rule(descriptor->kind, name)];
    if (count != NULL)
        *count = slot->count;
    return slot->count > 0 ? slot->values : NULL;
}

const int64_t *descriptor_int64s(const struct descriptor *descriptor, cudnnBackendAttributeName_t name,
                                 int64_t *count)
{
    return descriptor_values(descriptor, name, count);
}

int64_t descriptor_int64(const struct descriptor *descriptor, cudnnBackendAttributeName_t name)
{
    const int64_t *value = descriptor_values(descriptor, name, NULL);
    return value == NULL ? 0 : *value;
}

int32_t descriptor_int32(const struct descriptor *descriptor, cudnnBackendAttributeName_t name)
{
    const int32_t *value = descriptor_values(descriptor, name, NULL);
    return value == NULL ? 0 : *value;
}

struct descriptor *descriptor_target(const struct descriptor *descriptor, cudnnBackendAttributeName_t name)
{
    struct descriptor *const *target = descriptor_values(descriptor, name, NULL);
    return target == NULL ? NULL : *target;
}

struct descriptor *descriptor_create(const struct descriptor_kind *kind)
{
    struct descriptor *descriptor = calloc(1, sizeof(*descriptor));
    if (descriptor == NULL)
        return NULL;
    descriptor->kind = kind;
    descriptor->next = every_descriptor;
    every_descriptor = descriptor;
    for (size_t i = 0; i < kind->rule_count; i++) {
        const struct attribute_rule *rule = &kind->rules[i];
        if (rule->reading != READ_ONE || rule->needed != 0)
            continue;
        float real = (float)rule->initial;
        slot_store(&descriptor->slots[i], rule->type == CUDNN_TYPE_FLOAT ? (const void *)&real : &rule->initial, 1,
                   value_size(rule->read_type) < value_size(rule->type) ? value_size(rule->type)
                                                                        : value_size(rule->read_type));
    }
    return descriptor;
}

/* cudnn_graph library, cudnnBackendCreateDescriptor(): allocates memory for a descriptor of the kind, and
 * stores its address. A kind that does not exist is said to be not supported; the real library says that it
 * could not allocate one, and so does this. */
cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *out)
{
    /* Kinds that nothing here is for can be had, and nothing can be done with them. */
    static const struct descriptor_kind others[] = {
        {CUDNN_BACKEND_KERNEL_CACHE_DESCRIPTOR, "not simulated", NULL, 0, CUDNN_STATUS_NOT_SUPPORTED, NULL}};
    if (simulated_call("cudnnBackendCreateDescriptor") == SIMULATED_CALL_FAILS)
        return cudnn_fail(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED,
                          "injected: no memory for a descriptor");
    if ((int)type < 0 || (int)type > CUDNN_BACKEND_OPERATION_SDPA_BWD_DESCRIPTOR ||
        type == CUDNN_BACKEND_INTERMEDIATE_INFO_DESCRIPTOR)
        return cudnn_fail(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED, "no descriptors of kind %d",
                          (int)type);
    const struct descriptor_kind *kind = descriptor_find_kind(type);
    if (out == NULL) {
        simulated_misuse("cudnnBackendCreateDescriptor", "no place for the descriptor");
        return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
    }
    struct descriptor *descriptor = descriptor_create(kind != NULL ? kind : others);
    if (descriptor == NULL)
        return cudnn_fail(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED, "no memory for a descriptor");
    simulated_handle_created(DESCRIPTOR_HANDLE, descriptor);
    *out = descriptor;
    return CUDNN_STATUS_SUCCESS;
}

/* cudnn_graph library, cudnnBackendDestroyDescriptor(): destroys what cudnnBackendCreateDescriptor() made; its
 * address must not be used again. Nothing is said of descriptors that were given it: the real library's keep
 * what they were given (conformity.c). */
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t address)
{
    enum simulated_outcome outcome = simulated_call("cudnnBackendDestroyDescriptor");
    if (address == NULL)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the descriptor is null");
    if (!simulated_handle_destroyed("cudnnBackendDestroyDescriptor", DESCRIPTOR_HANDLE, address))
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "no such descriptor");
    ((struct descriptor *)address)->destroyed = true;
    return outcome == SIMULATED_CALL_FAILS ? cudnn_fail(CUDNN_STATUS_INTERNAL_ERROR, "injected")
                                           : CUDNN_STATUS_SUCCESS;
}

/* What is given as a descriptor must be one, live and of a kind that the attribute is for. The real library
 * reads any address as the descriptor that it expects. */
static cudnnStatus_t check_targets(const struct attribute_rule *rule, int64_t count, const void *values)
{
    void *const *addresses = values;
    if (rule->type != CUDNN_TYPE_BACKEND_DESCRIPTOR && rule->type != CUDNN_TYPE_HANDLE)
        return CUDNN_STATUS_SUCCESS;
    for (int64_t i = 0; i < count; i++) {
        if (addresses[i] == NULL) {
            if (rule->on_null != CUDNN_STATUS_SUCCESS)
                return cudnn_fail(rule->on_null, "value %lld is null", (long long)i);
            continue;
        }
        if (rule->type == CUDNN_TYPE_HANDLE) {
            if (!simulated_handle_live("cudnnBackendSetAttribute", "cudnnHandle_t", addresses[i]))
                return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "value %lld is no handle", (long long)i);
            continue;
        }
        if (!simulated_handle_live("cudnnBackendSetAttribute", DESCRIPTOR_HANDLE, addresses[i]))
            return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "value %lld is no descriptor", (long long)i);
        const struct descriptor *target = addresses[i];
        if (!(rule->targets >> target->kind->kind & 1)) {
            simulated_misuse("cudnnBackendSetAttribute", "attribute %d is given a descriptor of kind %s",
                             (int)rule->name, target->kind->text);
            return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "a descriptor of kind %s", target->kind->text);
        }
        if (!target->finalized && rule->on_raw != CUDNN_STATUS_SUCCESS)
            return cudnn_fail(rule->on_raw, "value %lld is not finalised", (long long)i);
    }
    return CUDNN_STATUS_SUCCESS;
}

/* cudnn_graph library, cudnnBackendSetAttribute(): copies elementCount values of the given type into the
 * attribute of a descriptor that is not finalised yet. */
cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t address, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void *values)
{
    if (simulated_call("cudnnBackendSetAttribute") == SIMULATED_CALL_FAILS)
        return cudnn_fail(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED,
                          "injected: no memory for attribute %d", (int)name);
    if (address == NULL)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the descriptor is null");
    if (!simulated_handle_live("cudnnBackendSetAttribute", DESCRIPTOR_HANDLE, address))
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "no such descriptor");
    struct descriptor *descriptor = address;
    if (values == NULL)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "attribute %d: no values", (int)name);
    if (descriptor->finalized)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "attribute %d: the descriptor is finalised", (int)name);
    size_t place = find_rule(descriptor->kind, name);
    if (place == descriptor->kind->rule_count)
        return cudnn_fail(descriptor->kind->on_foreign, "%s has no attribute %d", descriptor->kind->text,
                          (int)name);
    const struct attribute_rule *rule = &descriptor->kind->rules[place];
    bool other_type = (int)type >= 0 && (int)type < 64 && (rule->more_types >> type & 1) != 0;
    if (rule->more_types == UINT64_MAX)
        other_type = true;
    if (rule->most == 0 || (type != rule->type && !other_type))
        return cudnn_fail(rule->on_type, "attribute %d: type %d, should be %d", (int)name, (int)type,
                          (int)rule->type);
    if (count < rule->least)
        return rule->on_few == CUDNN_STATUS_SUCCESS
                   ? CUDNN_STATUS_SUCCESS
                   : cudnn_fail(rule->on_few, "attribute %d: %lld values", (int)name, (long long)count);
    if (count > rule->most)
        return cudnn_fail(rule->on_many, "attribute %d: %lld values", (int)name, (long long)count);
    cudnnStatus_t status = check_targets(rule, count, values);
    if (status != CUDNN_STATUS_SUCCESS)
        return status;
    float real = 0;
    if (rule->type == CUDNN_TYPE_FLOAT && type != CUDNN_TYPE_FLOAT) {
        real = type == CUDNN_TYPE_DOUBLE ? (float)*(const double *)values : (float)*(const int32_t *)values;
        values = &real;
    }
    /* Where it is read as a wider type than it was set, the rest is zero. */
    size_t size = value_size(rule->type);
    if (value_size(rule->read_type) > size) {
        int64_t wide = *(const int32_t *)values;
        return slot_store(&descriptor->slots[place], &wide, 1, sizeof(wide));
    }
    return slot_store(&descriptor->slots[place], values, count, size);
}

/* Descriptors are read into descriptors that the program made: they become copies of the library's own,
 * finalised. */
static cudnnStatus_t copy_descriptors(const struct attribute_rule *rule, struct descriptor *const *from,
                                      void *const *to, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        struct descriptor *out = to[i];
        if (out == NULL || !simulated_handle_live("cudnnBackendGetAttribute", DESCRIPTOR_HANDLE, out))
            return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "attribute %d: no descriptor to read into",
                              (int)rule->name);
        if (out->kind != from[i]->kind) {
            simulated_misuse("cudnnBackendGetAttribute", "attribute %d is read into a descriptor of kind %s",
                             (int)rule->name, out->kind->text);
            return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "a descriptor of kind %s", out->kind->text);
        }
        for (size_t s = 0; s < out->kind->rule_count; s++) {
            size_t size = value_size(out->kind->rules[s].type);
            if (value_size(out->kind->rules[s].read_type) > size)
                size = value_size(out->kind->rules[s].read_type);
            if (slot_store(&out->slots[s], from[i]->slots[s].values, from[i]->slots[s].count, size) !=
                CUDNN_STATUS_SUCCESS)
                return CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;
        }
        out->finalized = true;
    }
    return CUDNN_STATUS_SUCCESS;
}

/* cudnn_graph library, cudnnBackendGetAttribute(): copies up to requestedElementCount values of an attribute of
 * a finalised descriptor, and says how many there are. With no place for values it only says how many. */
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const address, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t room, int64_t *count, void *values)
{
    if (simulated_call("cudnnBackendGetAttribute") == SIMULATED_CALL_FAILS)
        return cudnn_fail(CUDNN_STATUS_INTERNAL_ERROR, "injected: attribute %d", (int)name);
    if (address == NULL)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "the descriptor is null");
    if (!simulated_handle_live("cudnnBackendGetAttribute", DESCRIPTOR_HANDLE, address))
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "no such descriptor");
    const struct descriptor *descriptor = address;
    if (!descriptor->finalized)
        return cudnn_fail(CUDNN_STATUS_NOT_INITIALIZED, "attribute %d: the descriptor is not finalised", (int)name);
    size_t place = find_rule(descriptor->kind, name);
    if (place == descriptor->kind->rule_count)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "%s has no attribute %d", descriptor->kind->text, (int)name);
    const struct attribute_rule *rule = &descriptor->kind->rules[place];
    if (rule->reading == READ_NOTHING || type != rule->read_type)
        return cudnn_fail(rule->read_on_type, "attribute %d cannot be read as type %d", (int)name, (int)type);
    if (rule->reading == READ_REFUSED)
        return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "attribute %d is not known", (int)name);
    const struct slot *slot = &descriptor->slots[place];
    if (values == NULL) {
        if (count != NULL)
            *count = name == CUDNN_ATTR_ENGINEHEUR_RESULTS ? descriptor->announced : slot->count;
        return CUDNN_STATUS_SUCCESS;
    }
    if (rule->reading == READ_ONE ? room != 1 : room < 0)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "attribute %d: room for %lld values", (int)name, (long long)room);
    int64_t given = room < slot->count ? room : slot->count;
    if (count != NULL)
        *count = given;
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
        return copy_descriptors(rule, slot->values, values, given);
    if (given > 0)
        memcpy(values, slot->values, (size_t)given * value_size(type));
    return CUDNN_STATUS_SUCCESS;
}

/* cudnn_graph library, cudnnBackendFinalize(): checks the descriptor and its attributes for consistency and
 * completes it; from then on it cannot be set, and can be read. */
cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t address)
{
    if (simulated_call("cudnnBackendFinalize") == SIMULATED_CALL_FAILS)
        return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "injected: not supported");
    if (address == NULL)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the descriptor is null");
    if (!simulated_handle_live("cudnnBackendFinalize", DESCRIPTOR_HANDLE, address))
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "no such descriptor");
    struct descriptor *descriptor = address;
    if (descriptor->finalized)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "%s is finalised already", descriptor->kind->text);
    if (descriptor->kind->finalize == NULL)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "%s is made by the library only", descriptor->kind->text);
    for (size_t i = 0; i < descriptor->kind->rule_count; i++)
        if (descriptor->kind->rules[i].needed != 0 && descriptor->slots[i].count == 0)
            return cudnn_fail(descriptor->kind->rules[i].needed, "%s: attribute %d is not set",
                              descriptor->kind->text, (int)descriptor->kind->rules[i].name);
    cudnnStatus_t status = descriptor->kind->finalize(descriptor);
    descriptor->finalized = status == CUDNN_STATUS_SUCCESS;
    return status;
}
