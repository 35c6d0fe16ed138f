/* A training step as the CUDA backend runs it, as a list of kernels: what each computes and which tensors it
 * reads and writes in device memory. Made from a network's table alone; nothing is run.
 *
 * Left out as small: batch norm's vectors and partial sums (some KB a layer), plans' workspaces. */
#ifndef TIDY_TESTS_GPU_STEP_H
#define TIDY_TESTS_GPU_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/backend.h"
#include "record/network.h"

enum step_pass {
    STEP_COPIES, /* indices and labels in, predictions out */
    STEP_GATHER,
    STEP_FORWARD, /* convolution or linear layer */
    STEP_DATA_GRADIENT,
    STEP_WEIGHT_GRADIENT,
    STEP_NORM_FORWARD,
    STEP_NORM_BACKWARD,
    STEP_POOL_FORWARD,
    STEP_POOL_BACKWARD,
    STEP_ADD, /* a gradient that comes from two layers */
    STEP_BIAS,
    STEP_SOFTMAX,
    STEP_MOMENTUM,
    STEP_PASSES
};
extern const char *const step_pass_names[STEP_PASSES];

/* Other designs, to see what they would save: bits that may be combined. */
enum step_change {
    STEP_STATISTICS_IN_EPILOGUE = 1, /* the convolution sums its product for batch norm while it writes it */
    STEP_NORM_BACKWARD_ONCE = 2,   /* batch norm's backward reads its inputs once, not for sums and again for dx */
    STEP_MASK_BITS = 4,            /* ReLU's backward reads a bit a value, not y */
    STEP_ADD_IN_DATA_GRADIENT = 8, /* a second gradient is added where it is computed */
    STEP_UPDATE_IN_WEIGHT_GRADIENT = 16, /* weights are updated where their gradient is computed */
};

struct step_tensor {
    double bytes;
    bool fresh; /* other data in each step: no cache can hold it from the step before */
};

struct step_access {
    int tensor;
    bool write;
    double between; /* bytes of other tensors touched since this tensor was, in this step or the one before */
};

struct step_kernel {
    enum step_pass pass;
    int layer;         /* index, or -1 */
    bool matrix;       /* a matrix product: on tensor cores where the precision has them */
    double flop;       /* multiplications and additions that the result needs: products with padding left out */
    double plain_flop; /* the same with padding multiplied */
    int launches;      /* at the least: a convolution's plan may be more than one kernel */
    size_t first_access, access_count;
};

struct gpu_step {
    struct step_kernel *kernels;
    struct step_access *accesses;
    struct step_tensor *tensors;
    size_t kernel_count, access_count, tensor_count;
    size_t kernel_room, access_room;
};

/* The step of `network` with `batch` images; `changes` are step_change bits. On success freed with
 * gpu_step_destroy. */
int gpu_step_create(struct gpu_step *out, const struct network *network, uint32_t batch, enum precision precision,
                    unsigned changes);
void gpu_step_destroy(struct gpu_step *step);

/* Sets `between` of all accesses. gpu_step_create does it. */
int gpu_step_measure_reuse(struct gpu_step *step);

#endif
