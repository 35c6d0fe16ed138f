/* Which tensors a training step of a network needs, when, and where each lies in one block of memory.
 *
 * Every backend runs the layers forward in their order, then backward, last to first: that fixes from when to when a tensor
 * is needed, and which layer begins a gradient that two layers give. */
#ifndef TIDY_RECORD_TENSOR_PLAN_H
#define TIDY_RECORD_TENSOR_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/network.h"

/* One layer's tensors: offsets in bytes, multiples of 64, valid from when they are made until they were last read. */
struct layer_tensors {
    size_t product;           /* a convolution's output, before batch norm */
    size_t output;            /* the layer's output */
    size_t gradient;          /* of the output; batch norm's backward turns it into product's in place */
    bool accumulate_input;    /* another layer has begun the gradient of this layer's input: add to it */
    bool accumulate_shortcut; /* the same for its shortcut */
};

struct tensor_plan {
    size_t bytes;                 /* of the whole block */
    size_t images;                /* offset of the batch's images */
    struct layer_tensors *layers; /* [layer_count] */
};

/* Plans for `batch_size` images and elements of `element_bytes`. Freed with tensor_plan_destroy. */
int tensor_plan_create(struct tensor_plan *out, const struct network *network, uint32_t batch_size,
                       size_t element_bytes);
void tensor_plan_destroy(struct tensor_plan *plan);

#endif
