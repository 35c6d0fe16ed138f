/* Engines and knobs, to and from cuDNN's descriptors and text. */
#include "record/cuda/engine_choice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "record/cuda/cudnn_descriptor.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int read_knobs(struct engine_choice *out, cudnnBackendDescriptor_t config)
{
    cudnnBackendDescriptor_t *choices;
    int64_t count;
    int status =
        cudnn_descriptor_get_list(config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR,
                                  ENGINE_KNOBS_MOST, &choices, &count, "an engine's knobs");
    for (int64_t i = 0; status == 0 && i < count; i++) {
        cudnnBackendKnobType_t type;
        int64_t got;
        status = cudnn_descriptor_get(choices[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &got,
                                      &type, "a knob's type");
        if (status == 0)
            status = cudnn_descriptor_get(choices[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &got,
                                          &out->knob[i].value, "a knob's value");
        if (status == 0)
            out->knob[i].type = type;
    }
    if (status == 0)
        out->knobs = count;
    cudnn_descriptor_destroy_list(choices, count);
    return status;
}

int engine_choice_read(struct engine_choice *out, cudnnBackendDescriptor_t engine, cudnnBackendDescriptor_t config)
{
    *out = (struct engine_choice){0};
    int64_t got;
    int status = cudnn_descriptor_get(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &got,
                                      &out->engine, "an engine's index");
    return status != 0 ? status : read_knobs(out, config);
}

int engine_choice_create_config(cudnnBackendDescriptor_t *out, const struct engine_choice *choice,
                                cudnnBackendDescriptor_t graph, const struct convolution_target *target)
{
    *out = NULL;
    cudnnBackendDescriptor_t engine = NULL, knobs[ENGINE_KNOBS_MOST] = {NULL};
    const struct cudnn_attribute engine_attributes[] = {
        {CUDNN_ATTR_ENGINE_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &graph},
        {CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &choice->engine},
        {CUDNN_ATTR_ENGINE_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, target->device != NULL, &target->device},
    };
    int status = cudnn_descriptor_create(&engine, CUDNN_BACKEND_ENGINE_DESCRIPTOR, "the engine", engine_attributes,
                                         COUNT(engine_attributes));
    for (int64_t i = 0; status == 0 && i < choice->knobs; i++) {
        const cudnnBackendKnobType_t type = (cudnnBackendKnobType_t)choice->knob[i].type;
        const struct cudnn_attribute attributes[] = {
            {CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &type},
            {CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &choice->knob[i].value},
        };
        status = cudnn_descriptor_create(&knobs[i], CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, "an engine's knob",
                                         attributes, COUNT(attributes));
    }
    if (status == 0) {
        const struct cudnn_attribute attributes[] = {
            {CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &engine},
            {CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR, choice->knobs, knobs},
        };
        status = cudnn_descriptor_create(out, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, "the engine's configuration",
                                         attributes, COUNT(attributes));
    }
    for (int64_t i = 0; i < choice->knobs; i++)
        cudnn_descriptor_destroy(knobs[i]);
    cudnn_descriptor_destroy(engine);
    return status;
}

/* ---- text ----------------------------------------------------------------------------------------------- */

int engine_choice_print(char text[ENGINE_TEXT_ROOM], const struct engine_choice *choice)
{
    int length =
        snprintf(text, ENGINE_TEXT_ROOM, "engine %" PRId64 "%s", choice->engine, choice->knobs > 0 ? " knobs" : "");
    for (int64_t i = 0; i < choice->knobs && length < ENGINE_TEXT_ROOM; i++)
        length += snprintf(text + length, (size_t)(ENGINE_TEXT_ROOM - length), " %" PRId64 "=%" PRId64,
                           choice->knob[i].type, choice->knob[i].value);
    return length < ENGINE_TEXT_ROOM
               ? 0
               : tidy_fail("cuDNN: the knobs of engine %" PRId64 " are too long", choice->engine);
}

/* Takes `prefix` and a number from *text. */
static bool take_number(const char **text, const char *prefix, int64_t *out)
{
    size_t length = strlen(prefix);
    if (strncmp(*text, prefix, length) != 0)
        return false;
    const char *digits = *text + length;
    const char *first = *digits == '-' ? digits + 1 : digits;
    if (*first < '0' || *first > '9')
        return false;
    char *end;
    *out = strtoll(digits, &end, 10);
    *text = end;
    return true;
}

int engine_choice_parse(struct engine_choice *out, const char *text)
{
    *out = (struct engine_choice){0};
    const char *at = text;
    bool right = take_number(&at, "engine ", &out->engine);
    if (right && *at != 0) {
        right = strncmp(at, " knobs ", 7) == 0;
        for (at += right ? 6 : 0; right && *at != 0; out->knobs++)
            right = out->knobs < ENGINE_KNOBS_MOST && take_number(&at, " ", &out->knob[out->knobs].type) &&
                    take_number(&at, "=", &out->knob[out->knobs].value) && out->knob[out->knobs].type >= 0 &&
                    out->knob[out->knobs].type <= INT32_MAX;
    }
    return right ? 0 : tidy_fail("'%.100s' describes no plan; one reads 'engine 12 knobs 2=5 3=1'", text);
}
