/* Places parameters on the device and copies them between the two layouts. */
#include "record/cuda/parameter_layout.h"

#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"

enum {
    ALIGNMENT = 8,   /* elements */
    MOST_BLOCKS = 3, /* of a layer in one array: weights, scale, shift */
};

/* Appends a block of [rows][columns] and returns its place on the device. */
static size_t add_block(struct array_layout *layout, size_t canonical, size_t rows, size_t columns)
{
    size_t place = layout->count;
    layout->blocks[layout->block_count++] = (struct layout_block){canonical, place, rows, columns};
    layout->count += (rows * columns + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return place;
}

int parameter_layout_create(struct parameter_layout *out, const struct network *network,
                            const struct network_state *state)
{
    *out = (struct parameter_layout){0};
    size_t layers = (size_t)network->layer_count;
    int status;
    if ((status = memory_allocate(&out->places, layers, sizeof *out->places, "the layers' places")) != TIDY_OK ||
        (status = memory_allocate(&out->parameters.blocks, layers * MOST_BLOCKS, sizeof(struct layout_block),
                                  "the layers' places")) != TIDY_OK ||
        (status = memory_allocate(&out->statistics.blocks, layers * MOST_BLOCKS, sizeof(struct layout_block),
                                  "the layers' places")) != TIDY_OK)
        return status;
    for (size_t i = 0; i < layers; i++) {
        const struct layer_parameters *from = &state->layers[i];
        size_t outputs = network->layers[i].out_channels;
        if (network->layers[i].kind == LAYER_CONVOLUTION)
            out->places[i].weights =
                add_block(&out->parameters, from->weights, from->weight_count / outputs, outputs);
        else
            out->places[i].weights = add_block(&out->parameters, from->weights, from->weight_count, 1);
    }
    out->tensor_count = out->parameters.count;
    for (size_t i = 0; i < layers; i++) {
        const struct layer_parameters *from = &state->layers[i];
        struct parameter_place *place = &out->places[i];
        place->scale = add_block(&out->parameters, from->scale, from->scale_count, 1);
        place->shift = add_block(&out->parameters, from->shift, from->shift_count, 1);
        if (network->layers[i].kind == LAYER_CONVOLUTION) {
            size_t channels = network->layers[i].out_channels;
            place->running_mean = add_block(&out->statistics, from->running_mean, channels, 1);
            place->running_variance = add_block(&out->statistics, from->running_variance, channels, 1);
        }
    }
    return TIDY_OK;
}

void parameter_layout_destroy(struct parameter_layout *layout)
{
    free(layout->statistics.blocks);
    free(layout->parameters.blocks);
    free(layout->places);
    *layout = (struct parameter_layout){0};
}

void array_to_device_layout(float *device, const float *canonical, const struct array_layout *layout)
{
    for (const struct layout_block *b = layout->blocks; b < layout->blocks + layout->block_count; b++)
        for (size_t row = 0; row < b->rows; row++)
            for (size_t column = 0; column < b->columns; column++)
                device[b->device + column * b->rows + row] = canonical[b->canonical + row * b->columns + column];
}

void array_from_device_layout(float *canonical, const float *device, const struct array_layout *layout)
{
    for (const struct layout_block *b = layout->blocks; b < layout->blocks + layout->block_count; b++)
        for (size_t row = 0; row < b->rows; row++)
            for (size_t column = 0; column < b->columns; column++)
                canonical[b->canonical + row * b->columns + column] = device[b->device + column * b->rows + row];
}
