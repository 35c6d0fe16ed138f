/* A compiled network on the CPU, and the two passes of a step through its layers: what trainer.c is made of. */
#ifndef TIDY_RECORD_CPU_PASSES_H
#define TIDY_RECORD_CPU_PASSES_H

#include "kernels/tensor_type.h"
#include "record/backend.h"
#include "record/cpu/convolution.h"

/* One layer, compiled. Tensors lie in the arena: valid only while the plan says so. */
struct compiled_layer {
    const struct layer *layer;
    const struct layer_parameters *place;
    struct convolution *convolution; /* convolution and linear layers */
    uint8_t *winner;                 /* [batch][height][width][channels] max pools: where each maximum was */
    void *product;                   /* [batch][height][width][channels] convolution's output, before batch norm */
    void *y;                         /* the layer's output */
    void *dy;                        /* the loss's gradient for y; becomes product's in place */
    float *mean, *inverse_std;       /* [channels] of this batch */
    bool accumulate_input, accumulate_shortcut; /* see struct layer_tensors */
    /* In training batch norm and the max pool after it are one kernel, which runs where the pool would: of the
     * convolution, whether its pool normalises; of the pool, the convolution that it normalises, or NULL. */
    bool normalised_by_pool;
    const struct compiled_layer *normalises;
};

struct trainer {
    struct trainer_config config;
    struct onednn *onednn;
    struct network_state state; /* the weights themselves: one layout serves training and checkpoint */
    int layer_count;
    struct compiled_layer *layers;
    enum tensor_type type; /* of all tensors but the logits */
    char *arena;
    size_t arena_bytes;
    void *images;      /* [batch][height][width][channels], in the arena */
    float *statistics; /* mean and inverse_std of all layers */
    float *gradient;   /* of one layer's parameters, in their order; reused by each layer */

    /* The last step's results, [batch] each; logits [batch][classes]. */
    uint32_t count;
    uint32_t *samples;
    uint16_t *labels, *predicted;
    float *margin, *log_odds, *loss, *logits;
};

/* Computes the logits of `count` of the data set's images; in training, with statistics of the batch, which are kept for the
 * backward pass. */
int passes_forward(struct trainer *t, const struct dataset *data, const uint32_t *samples, uint32_t count,
                   bool training);

/* From the logits' gradient, the last layer's dy, to the images: updates the parameters of each layer. */
int passes_backward(struct trainer *t, float learning_rate);

#endif
