/* The forward and the backward pass of a step, layer by layer. */
#include "record/cpu/passes.h"

#include "common/error.h"
#include "kernels/kernels.h"

/* ---- forward ------------------------------------------------------------------------------------------- */

static void *input_of(struct trainer *t, const struct layer *layer)
{
    return layer->input == LAYER_IMAGES ? t->images : t->layers[layer->input].y;
}

static void pool_forward(struct trainer *t, const struct compiled_layer *compiled, uint32_t count, bool training)
{
    const struct layer *layer = compiled->layer;
    struct pool_shape shape = layer_pool_shape(layer);
    const struct compiled_layer *before = compiled->normalises;
    const void *x = input_of(t, layer);
    if (training && before != NULL)
        batch_norm_pool_forward(t->type, compiled->y, compiled->winner, before->mean, before->inverse_std,
                                t->state.statistics + before->place->running_mean,
                                t->state.statistics + before->place->running_variance, before->product,
                                t->state.parameters + before->place->scale,
                                t->state.parameters + before->place->shift, count, &shape);
    else if (layer->kind == LAYER_MAX_POOL)
        max_pool_forward(t->type, compiled->y, compiled->winner, x, count, &shape);
    else
        average_pool_forward(t->type, compiled->y, x, count, layer->in_height * layer->in_width,
                             layer->in_channels);
}

/* Where a layer's gradients of its parameters go, in the parameters' order: weights, scale, shift. */
struct parameter_gradients {
    float *weights, *scale, *shift;
};

static struct parameter_gradients gradients_of(const struct trainer *t, const struct layer_parameters *place)
{
    float *scale = t->gradient + place->weight_count;
    return (struct parameter_gradients){t->gradient, scale, scale + place->scale_count};
}

static void pool_backward(const struct trainer *t, const struct compiled_layer *compiled, void *dx)
{
    const struct layer *layer = compiled->layer;
    struct pool_shape shape = layer_pool_shape(layer);
    const struct compiled_layer *before = compiled->normalises;
    if (before != NULL) {
        struct parameter_gradients to = gradients_of(t, before->place);
        batch_norm_pool_backward(t->type, dx, to.scale, to.shift, compiled->dy, compiled->winner, before->product,
                                 t->state.parameters + before->place->scale, before->mean, before->inverse_std,
                                 t->count, &shape);
    } else if (layer->kind == LAYER_MAX_POOL) {
        max_pool_backward(t->type, dx, compiled->dy, compiled->winner, t->count, &shape);
    } else {
        average_pool_backward(t->type, dx, compiled->dy, t->count, layer->in_height * layer->in_width,
                              layer->in_channels);
    }
}

static int forward_layer(struct trainer *t, struct compiled_layer *compiled, uint32_t count, bool training)
{
    const struct layer *layer = compiled->layer;
    const struct layer_parameters *place = compiled->place;
    const float *weights = t->state.parameters + place->weights;
    void *x = input_of(t, layer);
    const float *scale = t->state.parameters + place->scale, *shift = t->state.parameters + place->shift;
    if (compiled->convolution == NULL) {
        pool_forward(t, compiled, count, training);
        return TIDY_OK;
    }
    bool linear = layer->kind == LAYER_LINEAR;
    int status =
        convolution_forward(compiled->convolution, linear ? compiled->y : compiled->product, x, weights, count);
    if (status != TIDY_OK)
        return status;
    if (linear) {
        linear_add_bias(compiled->y, shift, count, layer->out_channels);
        return TIDY_OK;
    }
    if (training && compiled->normalised_by_pool)
        return TIDY_OK;
    const void *shortcut = layer->shortcut == LAYER_NONE ? NULL : t->layers[layer->shortcut].y;
    float *running_mean = t->state.statistics + place->running_mean;
    float *running_variance = t->state.statistics + place->running_variance;
    size_t rows = count * layer_output_pixels(layer);
    if (training)
        batch_norm_forward(t->type, compiled->y, compiled->mean, compiled->inverse_std, running_mean,
                           running_variance, compiled->product, shortcut, scale, shift, rows, layer->out_channels,
                           layer->relu);
    else
        batch_norm_inference(t->type, compiled->y, running_mean, running_variance, compiled->product, shortcut,
                             scale, shift, rows, layer->out_channels, layer->relu);
    return TIDY_OK;
}

int passes_forward(struct trainer *t, const struct dataset *data, const uint32_t *samples, uint32_t count,
                   bool training)
{
    const struct network *network = t->config.network;
    gather_images(t->type, t->images, data->images, samples, count, data->height, data->width, data->channels,
                  network->height, network->width);
    int status = TIDY_OK;
    for (int i = 0; i < t->layer_count && status == TIDY_OK; i++)
        status = forward_layer(t, &t->layers[i], count, training);
    return status;
}

/* ---- backward ------------------------------------------------------------------------------------------ */

static int backward_layer(struct trainer *t, struct compiled_layer *compiled, float learning_rate)
{
    const struct layer *layer = compiled->layer;
    const struct layer_parameters *place = compiled->place;
    void *dx = layer->input == LAYER_IMAGES ? NULL : t->layers[layer->input].dy;
    if (compiled->convolution == NULL) {
        if (dx != NULL)
            pool_backward(t, compiled, dx);
        return TIDY_OK;
    }

    /* The layer's parameters lie one after the other, weights first, and so do their gradients. */
    float *weights = t->state.parameters + place->weights;
    struct parameter_gradients to = gradients_of(t, place);
    size_t rows = t->count * layer_output_pixels(layer);
    if (layer->kind == LAYER_LINEAR) {
        linear_bias_gradient(t->type, to.shift, compiled->dy, t->count, layer->out_channels);
    } else if (!compiled->normalised_by_pool) {
        void *d_shortcut = layer->shortcut == LAYER_NONE ? NULL : t->layers[layer->shortcut].dy;
        const void *y =
            layer->shortcut == LAYER_NONE ? NULL : compiled->y; /* without it the product tells the mask */
        batch_norm_backward(t->type, compiled->dy, d_shortcut, compiled->accumulate_shortcut, to.scale, to.shift,
                            compiled->dy, compiled->product, y, t->state.parameters + place->scale,
                            t->state.parameters + place->shift, compiled->mean, compiled->inverse_std, rows,
                            layer->out_channels, layer->relu);
    }
    int status = TIDY_OK;
    if (dx != NULL) /* before the update: it needs the weights of the forward pass */
        status = convolution_backward_data(compiled->convolution, dx, compiled->dy, weights, t->count,
                                           compiled->accumulate_input);
    if (status == TIDY_OK)
        status = convolution_backward_weights(compiled->convolution, to.weights, input_of(t, layer), compiled->dy,
                                              t->count);
    if (status != TIDY_OK)
        return status;
    momentum_update(weights, t->state.velocity + place->weights, to.weights,
                    place->weight_count + place->scale_count + place->shift_count, learning_rate,
                    t->config.momentum, t->config.weight_decay);
    convolution_weights_changed(compiled->convolution, weights);
    return TIDY_OK;
}

int passes_backward(struct trainer *t, float learning_rate)
{
    int status = TIDY_OK;
    for (int i = t->layer_count - 1; i >= 0 && status == TIDY_OK; i--)
        status = backward_layer(t, &t->layers[i], learning_rate);
    return status;
}
