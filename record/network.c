/* The networks that `--net` knows: each row of the table builds a table of layers. */
#include "record/network.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"

/* Appends a layer and returns its index. Room was made before: builders know their layer count's bound. */
static int add_layer(struct network *network, struct layer layer)
{
    int index = network->layer_count++;
    if (layer.input == LAYER_IMAGES) {
        layer.in_height = network->height;
        layer.in_width = network->width;
        layer.in_channels = network->channels;
    } else {
        const struct layer *input = &network->layers[layer.input];
        layer.in_height = input->out_height;
        layer.in_width = input->out_width;
        layer.in_channels = input->out_channels;
    }
    switch (layer.kind) {
    case LAYER_CONVOLUTION:
    case LAYER_MAX_POOL:
        /* A kernel larger than the padded image gives no pixel: network_create refuses that. */
        if (layer.in_height + 2 * layer.padding >= layer.kernel && layer.in_width + 2 * layer.padding >= layer.kernel) {
            layer.out_height = (layer.in_height + 2 * layer.padding - layer.kernel) / layer.stride + 1;
            layer.out_width = (layer.in_width + 2 * layer.padding - layer.kernel) / layer.stride + 1;
        }
        break;
    case LAYER_AVERAGE_POOL:
    case LAYER_LINEAR:
        layer.out_height = layer.out_width = 1;
        break;
    }
    if (layer.kind == LAYER_MAX_POOL || layer.kind == LAYER_AVERAGE_POOL)
        layer.out_channels = layer.in_channels;
    network->layers[index] = layer;
    return index;
}

static int add_convolution(struct network *network, int input, uint32_t channels, uint32_t kernel, uint32_t stride,
                           bool relu, int shortcut)
{
    return add_layer(network, (struct layer){.kind = LAYER_CONVOLUTION,
                                             .input = input,
                                             .shortcut = shortcut,
                                             .relu = relu,
                                             .kernel = kernel,
                                             .stride = stride,
                                             .padding = (kernel - 1) / 2,
                                             .out_channels = channels});
}

static int add_max_pool(struct network *network, int input, uint32_t kernel, uint32_t padding)
{
    return add_layer(network, (struct layer){.kind = LAYER_MAX_POOL,
                                             .input = input,
                                             .shortcut = LAYER_NONE,
                                             .kernel = kernel,
                                             .stride = 2,
                                             .padding = padding});
}

static void add_linear(struct network *network, int input)
{
    add_layer(network, (struct layer){.kind = LAYER_LINEAR,
                                      .input = input,
                                      .shortcut = LAYER_NONE,
                                      .out_channels = network->classes});
}

/* A block's shortcut: its input, through a 1x1 convolution where the shape changes. */
static int add_shortcut(struct network *network, int input, uint32_t channels, uint32_t stride)
{
    if (stride == 1 && network->layers[input].out_channels == channels)
        return input;
    return add_convolution(network, input, channels, 1, stride, false, LAYER_NONE);
}

static int add_bottleneck(struct network *network, int input, uint32_t filters, uint32_t stride)
{
    uint32_t channels = 4 * filters;
    int shortcut = add_shortcut(network, input, channels, stride);
    int narrow = add_convolution(network, input, filters, 1, 1, true, LAYER_NONE);
    int spatial = add_convolution(network, narrow, filters, 3, stride, true, LAYER_NONE);
    return add_convolution(network, spatial, channels, 1, 1, true, shortcut);
}

static int add_basic(struct network *network, int input, uint32_t filters, uint32_t stride)
{
    int shortcut = add_shortcut(network, input, filters, stride);
    int first = add_convolution(network, input, filters, 3, stride, true, LAYER_NONE);
    return add_convolution(network, first, filters, 3, 1, true, shortcut);
}

typedef int add_block(struct network *network, int input, uint32_t filters, uint32_t stride);

enum { RESNET_STAGES = 4, LAYERS_PER_BLOCK = 4, LAYERS_AROUND = 4 };

static int build_resnet(struct network *network, const int *stage_blocks, add_block *add)
{
    int blocks = 0;
    for (int stage = 0; stage < RESNET_STAGES; stage++)
        blocks += stage_blocks[stage];
    int status = memory_allocate(&network->layers, (size_t)(LAYERS_PER_BLOCK * blocks + LAYERS_AROUND),
                                 sizeof *network->layers, "the network's layers");
    if (status != TIDY_OK)
        return status;
    int top = add_convolution(network, LAYER_IMAGES, 64, 7, 2, true, LAYER_NONE);
    top = add_max_pool(network, top, 3, 1);
    for (int stage = 0; stage < RESNET_STAGES; stage++)
        for (int block = 0; block < stage_blocks[stage]; block++)
            top = add(network, top, 64u << stage, stage > 0 && block == 0 ? 2 : 1);
    top = add_layer(network, (struct layer){.kind = LAYER_AVERAGE_POOL, .input = top, .shortcut = LAYER_NONE});
    add_linear(network, top);
    return TIDY_OK;
}

static int build_bottleneck_resnet(struct network *network, const int *stage_blocks)
{
    return build_resnet(network, stage_blocks, add_bottleneck);
}

static int build_basic_resnet(struct network *network, const int *stage_blocks)
{
    return build_resnet(network, stage_blocks, add_basic);
}

static int build_small(struct network *network, const int *stage_blocks)
{
    (void)stage_blocks;
    int status = memory_allocate(&network->layers, 8, sizeof *network->layers, "the network's layers");
    if (status != TIDY_OK)
        return status;
    int top = add_convolution(network, LAYER_IMAGES, 16, 5, 1, true, LAYER_NONE);
    top = add_max_pool(network, top, 2, 0);
    top = add_convolution(network, top, 32, 3, 1, true, LAYER_NONE);
    top = add_max_pool(network, top, 2, 0);
    top = add_convolution(network, top, 64, 3, 1, true, LAYER_NONE);
    top = add_max_pool(network, top, 2, 0);
    top = add_convolution(network, top, 128, 3, 1, true, LAYER_NONE);
    add_linear(network, top); /* of all pixels: where in the image a stroke is says what it means */
    return TIDY_OK;
}

const struct network_row network_rows[] = {
    {"small", "4 convolutions, 3 max pools, a linear layer; 0.1 million parameters, seconds an epoch", build_small, {0}},
    {"resnet18", "ResNet of 8 basic blocks, 11 million parameters", build_basic_resnet, {2, 2, 2, 2}},
    {"resnet50", "ResNet of 16 bottleneck blocks, 24 million parameters", build_bottleneck_resnet, {3, 4, 6, 3}},
    {"resnet101", "ResNet of 33 bottleneck blocks, 43 million parameters", build_bottleneck_resnet, {3, 4, 23, 3}},
    {"resnet152", "ResNet of 50 bottleneck blocks, 58 million parameters", build_bottleneck_resnet, {3, 8, 36, 3}},
};
const size_t network_row_count = sizeof network_rows / sizeof *network_rows;

static const struct network_row *find_row(const char *name)
{
    for (size_t i = 0; i < network_row_count; i++)
        if (strcmp(network_rows[i].name, name) == 0)
            return &network_rows[i];
    const char *names[sizeof network_rows / sizeof *network_rows];
    for (size_t i = 0; i < network_row_count; i++)
        names[i] = network_rows[i].name;
    const char *nearest = options_nearest(name, names, network_row_count);
    if (nearest != NULL)
        tidy_fail_usage("unknown network '%s'; did you mean '%s'? ('--net list' shows all)", name, nearest);
    else
        tidy_fail_usage("unknown network '%s'; '--net list' shows all", name);
    return NULL;
}

int network_check_name(const char *name)
{
    return find_row(name) != NULL ? TIDY_OK : TIDY_USAGE;
}

int network_create(struct network *out, const char *name, uint32_t height, uint32_t width, uint32_t channels,
                   uint32_t classes)
{
    *out = (struct network){.height = height, .width = width, .channels = channels, .classes = classes};
    const struct network_row *row = find_row(name);
    if (row == NULL)
        return TIDY_USAGE;
    out->name = row->name;
    int status = row->build(out, row->stage_blocks);
    if (status != TIDY_OK)
        return status;
    for (int i = 0; i < out->layer_count; i++)
        if (out->layers[i].out_height == 0 || out->layers[i].out_width == 0) {
            network_destroy(out);
            return tidy_fail("network %s needs larger images than %u x %u; --resize makes them larger", row->name,
                             height, width);
        }
    return TIDY_OK;
}

void network_destroy(struct network *network)
{
    free(network->layers);
    *network = (struct network){0};
}
