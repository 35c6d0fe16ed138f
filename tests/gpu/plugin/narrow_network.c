/* Builds the narrow ResNet by hand: the networks of --net are wider. */
#include "tests/gpu/plugin/narrow_network.h"

#include <stdlib.h>

#include "tests/support/support.h"

enum { MOST_LAYERS = 24 };

static int add(struct network *network, struct layer layer)
{
    assert_true(network->layer_count < MOST_LAYERS);
    const struct layer *input = layer.input == LAYER_IMAGES ? NULL : &network->layers[layer.input];
    layer.in_height = input ? input->out_height : network->height;
    layer.in_width = input ? input->out_width : network->width;
    layer.in_channels = input ? input->out_channels : network->channels;
    layer.out_height = layer.out_width = 1;
    if (layer.kind == LAYER_CONVOLUTION || layer.kind == LAYER_MAX_POOL) {
        layer.out_height = (layer.in_height + 2 * layer.padding - layer.kernel) / layer.stride + 1;
        layer.out_width = (layer.in_width + 2 * layer.padding - layer.kernel) / layer.stride + 1;
    }
    if (layer.out_channels == 0)
        layer.out_channels = layer.in_channels;
    network->layers[network->layer_count] = layer;
    return network->layer_count++;
}

static int convolution(struct network *network, int input, uint32_t channels, uint32_t kernel, uint32_t stride,
                       bool relu, int shortcut)
{
    return add(network, (struct layer){.kind = LAYER_CONVOLUTION,
                                       .input = input,
                                       .shortcut = shortcut,
                                       .relu = relu,
                                       .kernel = kernel,
                                       .stride = stride,
                                       .padding = kernel / 2,
                                       .out_channels = channels});
}

static int bottleneck(struct network *network, int input, int shortcut, uint32_t filters)
{
    int narrow = convolution(network, input, filters, 1, 1, true, LAYER_NONE);
    int spatial = convolution(network, narrow, filters, 3, 1, true, LAYER_NONE);
    return convolution(network, spatial, 4 * filters, 1, 1, true, shortcut);
}

static int basic(struct network *network, int input, int shortcut, uint32_t filters, uint32_t stride)
{
    int first = convolution(network, input, filters, 3, stride, true, LAYER_NONE);
    return convolution(network, first, filters, 3, 1, true, shortcut);
}

void narrow_network_create(struct network *network)
{
    *network = (struct network){.name = "narrow",
                                .layers = calloc(MOST_LAYERS, sizeof(struct layer)),
                                .height = NARROW_SIZE,
                                .width = NARROW_SIZE,
                                .channels = NARROW_CHANNELS,
                                .classes = NARROW_CLASSES};
    assert_non_null(network->layers);
    int top = convolution(network, LAYER_IMAGES, 8, 5, 1, true, LAYER_NONE);
    top = add(
        network,
        (struct layer){
            .kind = LAYER_MAX_POOL, .input = top, .shortcut = LAYER_NONE, .kernel = 3, .stride = 2, .padding = 1});
    int projection = convolution(network, top, 32, 1, 1, false, LAYER_NONE);
    top = bottleneck(network, top, projection, 8);
    top = bottleneck(network, top, top, 8);
    projection = convolution(network, top, 16, 1, 2, false, LAYER_NONE);
    top = basic(network, top, projection, 16, 2);
    top = basic(network, top, top, 16, 1);
    top = add(network, (struct layer){.kind = LAYER_AVERAGE_POOL, .input = top, .shortcut = LAYER_NONE});
    add(network, (struct layer){
                     .kind = LAYER_LINEAR, .input = top, .shortcut = LAYER_NONE, .out_channels = network->classes});
}
