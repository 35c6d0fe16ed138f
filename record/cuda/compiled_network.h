/* A network compiled for the device: one block of device memory with everything in it, and a plan for each convolution. */
#ifndef TIDY_RECORD_CUDA_COMPILED_NETWORK_H
#define TIDY_RECORD_CUDA_COMPILED_NETWORK_H

#include "record/backend.h"
#include "record/cuda/convolution_plan.h"
#include "record/cuda/device.h"
#include "record/cuda/parameter_layout.h"
#include "record/cuda/plan_cache.h"
#include "record/tensor_plan.h"

/* What a step reads: one copy to the device. Offsets in bytes from its start, multiples of 16. */
struct step_inputs {
    size_t learning_rate; /* float */
    size_t samples;       /* u32 [batch] */
    size_t labels;        /* u16 [batch] */
    size_t bytes;
};

/* What a step gives: one copy to the host, of `bytes`, or of `logits` bytes where logits are not asked for. */
struct step_outputs {
    size_t margin, log_odds, loss; /* float [batch] */
    size_t predicted;              /* u16 [batch] */
    size_t logits;                 /* float [batch][classes] */
    size_t bytes;
};

/* Device pointers of one layer; tensors are valid as struct layer_tensors says. */
struct compiled_layer {
    const struct layer *layer;
    void *product, *y, *dy;
    uint8_t *winner;           /* [batch][out_height][out_width][out_channels] of a max pool */
    float *mean, *inverse_std; /* [out_channels] of this batch */
    float *running_mean, *running_variance;
    void *weights, *d_weights; /* as the layer multiplies by them: of the tensors' type */
    float *scale, *shift, *d_scale, *d_shift;
    bool accumulate_input, accumulate_shortcut;
};

/* The batch sizes that steps come in: a whole batch, what an epoch's last step has left (where that is not 0), and
 * what it has in the second phase (where that is neither 0 nor the same). */
enum { BATCH_WHOLE, BATCH_LAST, BATCH_LAST_OF_SECOND, BATCHES };

struct compiled_network {
    const struct trainer_config *config; /* the trainer's */
    enum tensor_type type;
    size_t element_bytes;
    uint32_t counts[BATCHES]; /* images; 0: no such batch */
    int layer_count;
    struct parameter_layout layout;
    struct step_inputs input_offsets;
    struct step_outputs output_offsets;

    void *block; /* the one allocation */
    size_t bytes;
    struct gpu_parameters parameters;
    float *gradients; /* parameters.gradients, to be written */
    void *tensor_gradients;
    float *statistics;
    uint8_t *train_images, *test_images;
    char *inputs, *outputs;
    void *images;    /* of the batch */
    void *added;     /* a gradient that is to be added to another */
    void *scratch;   /* batch norm's */
    void *workspace; /* the convolutions' */
    void *cublas_workspace;
    size_t cublas_workspace_bytes;
    struct compiled_layer *layers;                                  /* [layer_count] */
    struct convolution_plan *(*plans)[BATCHES][CONVOLUTION_PASSES]; /* [layer_count]; NULL where there is none */
};

/* Chooses plans (from `cache`, or by timing, which adds to it), puts them into `used` too, takes the device memory, set to 0, and
 * copies the data sets' images there. `state` says where values lie in network_state. Destroyed also where this fails. Errors: a precision
 * that the device has not; no plan; out of memory, with what is needed and which batch size would fit. */
int compiled_network_create(struct compiled_network *out, const struct trainer_config *config,
                            const struct network_state *state, struct device *device, struct plan_cache *cache,
                            struct plan_cache *used);
void compiled_network_destroy(struct compiled_network *network);

#endif
