/* Counts from a layer's shape. */
#include "tests/bench/gpu_layer.h"

double layer_input_values(const struct layer *layer)
{
    return (double)layer->in_height * layer->in_width * layer->in_channels;
}

double layer_output_values(const struct layer *layer)
{
    return (double)layer->out_height * layer->out_width * layer->out_channels;
}

double layer_weights(const struct layer *layer)
{
    switch (layer->kind) {
    case LAYER_CONVOLUTION:
        return (double)layer->kernel * layer->kernel * layer->in_channels * layer->out_channels;
    case LAYER_LINEAR:
        return layer_input_values(layer) * layer->out_channels;
    default:
        return 0;
    }
}

double layer_vectors(const struct layer *layer)
{
    switch (layer->kind) {
    case LAYER_CONVOLUTION:
        return 2.0 * layer->out_channels;
    case LAYER_LINEAR:
        return layer->out_channels;
    default:
        return 0;
    }
}

/* Kernel rows that lie inside the image, summed over the output's rows (or columns). */
static double taps_inside(uint32_t in, uint32_t out, const struct layer *layer)
{
    int64_t inside = 0;
    for (int64_t o = 0; o < out; o++)
        for (int64_t tap = 0; tap < layer->kernel; tap++) {
            int64_t at = o * layer->stride - layer->padding + tap;
            inside += at >= 0 && at < in;
        }
    return (double)inside;
}

double layer_products(const struct layer *layer, bool padding)
{
    if (layer->kind == LAYER_LINEAR)
        return layer_weights(layer);
    if (padding)
        return (double)layer->out_height * layer->out_width * layer_weights(layer);
    return taps_inside(layer->in_height, layer->out_height, layer) *
           taps_inside(layer->in_width, layer->out_width, layer) * layer->in_channels * layer->out_channels;
}
