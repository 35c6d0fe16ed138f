/* What the device does in a step, as a CUDA graph: captured once, launched for each step.
 *
 * A program reads the step's inputs (learning rate, samples, labels) and writes its outputs, both in device memory, so that
 * nothing in the graph changes from step to step. */
#ifndef TIDY_RECORD_CUDA_STEP_PROGRAM_H
#define TIDY_RECORD_CUDA_STEP_PROGRAM_H

#include "record/cuda/compiled_network.h"

enum program_kind {
    PROGRAM_TRAIN,    /* forward, loss, backward, update on training images */
    PROGRAM_EVALUATE, /* forward with the running statistics on test images, and predictions */
    PROGRAM_PREDICT,  /* the same on training images */
};

struct step_program {
    struct device *device;
    cudaGraphExec_t graph;
};

/* Makes the program for batches of that kind (BATCH_WHOLE, ...). Runs it once, because libraries load code at its
 * first use, which a capture forbids, and captures it. The network's parameters mean nothing after it. Destroyed
 * also where this fails. */
int step_program_create(struct step_program *out, struct compiled_network *network, struct device *device,
                        enum program_kind kind, int batch);
void step_program_destroy(struct step_program *program);

/* Enqueues it once. */
int step_program_launch(const struct step_program *program);

#endif
