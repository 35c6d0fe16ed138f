/* Where a network's parameters lie on the device, and the way there and back from network_state's layout.
 *
 * On the device one flat array holds first what convolutions and the linear layer multiply by (gradients of the tensors'
 * type), then the rest (float32 gradients), because one kernel updates all of it. A convolution's weights are
 * [out][kernel][kernel][in] there, cuDNN's NHWC filter. Each block begins at a multiple of 8 elements, so that 16-byte
 * accesses are aligned in float32 and in bf16; what lies between is 0. */
#ifndef TIDY_RECORD_CUDA_PARAMETER_LAYOUT_H
#define TIDY_RECORD_CUDA_PARAMETER_LAYOUT_H

#include "record/network.h"

/* Values that are together in both layouts: [rows][columns] from `canonical` on, transposed from `device` on. */
struct layout_block {
    size_t canonical, device; /* offsets in elements */
    size_t rows, columns;
};

struct array_layout {
    size_t count; /* elements on the device, the gaps included */
    size_t block_count;
    struct layout_block *blocks;
};

/* A layer's places on the device, in elements. */
struct parameter_place {
    size_t weights, scale, shift;          /* in the parameters */
    size_t running_mean, running_variance; /* in the statistics */
};

struct parameter_layout {
    struct array_layout parameters, statistics;
    size_t tensor_count;            /* elements of the parameters' first part */
    struct parameter_place *places; /* [layer_count] */
};

/* `state`: where the layers' values lie in network_state's layout. Destroyed also where this fails. */
int parameter_layout_create(struct parameter_layout *out, const struct network *network,
                            const struct network_state *state);
void parameter_layout_destroy(struct parameter_layout *layout);

/* Copies all values of an array from one layout to the other. What is between the blocks is left as it is. */
void array_to_device_layout(float *device, const float *canonical, const struct array_layout *layout);
void array_from_device_layout(float *canonical, const float *device, const struct array_layout *layout);

#endif
