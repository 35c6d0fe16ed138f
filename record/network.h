/* Networks as data: a table of layers that a backend compiles for its device.
 *
 * A layer reads the output of an earlier one. Convolution layers are convolution (no bias) + batch norm
 * (+ another layer's output added) (+ ReLU), which covers every ResNet. All tensors are [batch][height][width][channels].
 * ResNet after He et al. 2016, with the details of InterpretDL's MNIST example: a block's shortcut is a 1x1
 * projection where its shape changes, and a bottleneck's stride is on its 3x3 convolution. */
#ifndef TIDY_RECORD_NETWORK_H
#define TIDY_RECORD_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

enum layer_kind {
    LAYER_CONVOLUTION,  /* convolution, batch norm, (+ shortcut), (ReLU) */
    LAYER_MAX_POOL,     /* padding never wins */
    LAYER_AVERAGE_POOL, /* over all pixels, to 1 x 1 */
    LAYER_LINEAR,       /* of all values of its input, with bias; the last layer: its output is the logits */
};

enum { LAYER_IMAGES = -1, LAYER_NONE = -2 };

struct layer {
    enum layer_kind kind;
    int input;    /* index of the layer read, or LAYER_IMAGES */
    int shortcut; /* LAYER_CONVOLUTION: index of the layer added before the ReLU, or LAYER_NONE */
    bool relu;
    uint32_t kernel, stride, padding; /* convolution and max pool; square */
    uint32_t in_height, in_width, in_channels;
    uint32_t out_height, out_width, out_channels;
};

/* Values of one image that the layer reads. */
static inline size_t layer_input_size(const struct layer *layer)
{
    return (size_t)layer->in_height * layer->in_width * layer->in_channels;
}

static inline size_t layer_output_pixels(const struct layer *layer)
{
    return (size_t)layer->out_height * layer->out_width;
}

/* Values of one image that the layer gives. */
static inline size_t layer_output_size(const struct layer *layer)
{
    return layer_output_pixels(layer) * layer->out_channels;
}

/* Whether two LAYER_CONVOLUTIONs convolve alike: they differ at most in what is done with the product. */
static inline bool layer_same_convolution(const struct layer *a, const struct layer *b)
{
    return a->kernel == b->kernel && a->stride == b->stride && a->padding == b->padding &&
           a->in_height == b->in_height && a->in_width == b->in_width && a->in_channels == b->in_channels &&
           a->out_channels == b->out_channels;
}

/* The geometry of a LAYER_MAX_POOL, for its kernels. */
static inline struct pool_shape layer_pool_shape(const struct layer *layer)
{
    return (struct pool_shape){layer->in_height, layer->in_width, layer->in_channels, layer->out_height,
                               layer->out_width, layer->kernel,   layer->stride,      layer->padding};
}

struct network {
    const char *name;
    int layer_count;
    struct layer *layers; /* [layer_count], in an order in which inputs come first */
    uint32_t height, width, channels; /* of the images as the network sees them (after resizing) */
    uint32_t classes;
};

/* One row of `--net list`. */
struct network_row {
    const char *name;
    const char *summary;
    int (*build)(struct network *network, const int *stage_blocks);
    int stage_blocks[4]; /* blocks of each stage, for ResNets */
};
extern const struct network_row network_rows[];
extern const size_t network_row_count;

/* 0 where there is a network called `name`, else TIDY_USAGE with the nearest name. */
int network_check_name(const char *name);

/* Builds the network called `name` for images of that size. Errors: unknown name (with the nearest), image too
 * small for the network. On success the caller frees with network_destroy. */
int network_create(struct network *out, const char *name, uint32_t height, uint32_t width, uint32_t channels,
                   uint32_t classes);
void network_destroy(struct network *network);

/* Where a layer's values lie in a network's flat parameter array of float32; counts may be 0.
 * Convolution: weights [kernel][kernel][in_channels][out_channels], scale and shift [out_channels].
 * Linear: weights [in_height][in_width][in_channels][out_channels], shift (the bias) [out_channels]. */
struct layer_parameters {
    size_t weights, weight_count;
    size_t scale, scale_count;
    size_t shift, shift_count;
    size_t running_mean, running_variance; /* places in the statistics array, [out_channels] each */
};

/* A network's state: what a checkpoint holds and a backend loads and saves. The layout is the same for every
 * backend. */
struct network_state {
    size_t parameter_count, statistics_count;
    struct layer_parameters *layers; /* [layer_count] */
    float *parameters;               /* [parameter_count] */
    float *velocity;                 /* [parameter_count] momentum's running sums */
    float *statistics;               /* [statistics_count] running mean and variance of each batch norm */
};

/* Sets the layout and the counts, but no arrays: they are NULL. Freed with network_state_destroy. */
int network_state_lay_out(struct network_state *out, const struct network *network);

/* Allocates the state, all values 0. */
int network_state_allocate(struct network_state *out, const struct network *network);

/* Allocates the state with its initial values: convolutions normal with std sqrt(2 / (kernel^2 x in channels)), batch norm
 * scale 1 and shift 0, running mean 0 and variance 1, linear weights uniform in +-1 / sqrt(inputs) and bias 0, velocity 0.
 * Layer i draws from random_open(seed, RANDOM_WEIGHTS, i), in storage order. */
int network_state_create(struct network_state *out, const struct network *network, uint64_t seed);
void network_state_destroy(struct network_state *state);

#endif
