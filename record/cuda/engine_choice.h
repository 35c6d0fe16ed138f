/* An engine of cuDNN and the values of its knobs: what a plan is made of, besides its graph. Internal to the
 * plans. */
#ifndef TIDY_RECORD_CUDA_ENGINE_CHOICE_H
#define TIDY_RECORD_CUDA_ENGINE_CHOICE_H

#include "record/cuda/convolution_plan.h"

/* cuDNN 9 knows 44 types of knobs; an engine has a dozen of them at most. */
enum { ENGINE_KNOBS_MOST = 64, ENGINE_TEXT_ROOM = 1024 };

struct engine_choice {
    int64_t engine; /* cuDNN's global index */
    int64_t knobs;
    struct {
        int64_t type, value;
    } knob[ENGINE_KNOBS_MOST];
};

/* Reads the choice that a configuration holds; `engine` is the configuration's. */
int engine_choice_read(struct engine_choice *out, cudnnBackendDescriptor_t engine, cudnnBackendDescriptor_t config);

/* Makes the configuration of a choice for a graph. On success the caller frees it with cudnn_descriptor_destroy.
 * Errors: no such engine for the graph, no such knob, a value that it does not take. */
int engine_choice_create_config(cudnnBackendDescriptor_t *out, const struct engine_choice *choice,
                                cudnnBackendDescriptor_t graph, const struct convolution_target *target);

/* "engine 12 knobs 2=5 3=1", "engine 12". Parsing takes nothing else. */
int engine_choice_print(char text[ENGINE_TEXT_ROOM], const struct engine_choice *choice);
int engine_choice_parse(struct engine_choice *out, const char *text);

#endif
