/* A network's weights, momentum and running statistics in one layout that every backend and checkpoint shares. */
#include "record/network.h"

#include <math.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/random.h"

/* Hands out the next `count` places of an array. */
static size_t take(size_t *used, size_t count)
{
    size_t start = *used;
    *used += count;
    return start;
}

static void place_layer(struct network_state *state, struct layer_parameters *place, const struct layer *layer)
{
    size_t outputs = layer->out_channels;
    size_t inputs = layer_input_size(layer);
    size_t *used = &state->parameter_count;
    *place = (struct layer_parameters){0};
    switch (layer->kind) {
    case LAYER_CONVOLUTION:
        place->weight_count = (size_t)layer->kernel * layer->kernel * layer->in_channels * outputs;
        place->scale_count = place->shift_count = outputs;
        break;
    case LAYER_LINEAR:
        place->weight_count = inputs * outputs;
        place->shift_count = outputs;
        break;
    case LAYER_MAX_POOL:
    case LAYER_AVERAGE_POOL:
        break;
    }
    place->weights = take(used, place->weight_count);
    place->scale = take(used, place->scale_count);
    place->shift = take(used, place->shift_count);
    if (layer->kind == LAYER_CONVOLUTION) {
        place->running_mean = take(&state->statistics_count, outputs);
        place->running_variance = take(&state->statistics_count, outputs);
    }
}

static void initialise_layer(struct network_state *state, const struct layer_parameters *place,
                             const struct layer *layer, uint64_t seed, int index)
{
    struct random_stream random = random_open(seed, RANDOM_WEIGHTS, (uint64_t)index);
    float *weights = state->parameters + place->weights;
    if (layer->kind == LAYER_CONVOLUTION) {
        double deviation = sqrt(2.0 / ((double)layer->kernel * layer->kernel * layer->in_channels));
        for (size_t i = 0; i < place->weight_count; i++)
            weights[i] = (float)(deviation * random_normal(&random));
        for (size_t i = 0; i < place->scale_count; i++)
            state->parameters[place->scale + i] = 1;
        for (size_t i = 0; i < layer->out_channels; i++)
            state->statistics[place->running_variance + i] = 1;
    } else if (layer->kind == LAYER_LINEAR) {
        double bound = 1 / sqrt((double)place->weight_count / layer->out_channels);
        for (size_t i = 0; i < place->weight_count; i++)
            weights[i] = (float)(bound * (2 * random_uniform(&random) - 1));
    }
}

int network_state_lay_out(struct network_state *out, const struct network *network)
{
    *out = (struct network_state){0};
    int status = memory_allocate(&out->layers, (size_t)network->layer_count, sizeof *out->layers, "the layers");
    for (int i = 0; i < network->layer_count && status == TIDY_OK; i++)
        place_layer(out, &out->layers[i], &network->layers[i]);
    return status;
}

int network_state_allocate(struct network_state *out, const struct network *network)
{
    int status = network_state_lay_out(out, network);
    if (status != TIDY_OK)
        return status;
    if ((status = memory_allocate(&out->parameters, out->parameter_count, sizeof(float), "the weights")) != TIDY_OK ||
        (status = memory_allocate(&out->velocity, out->parameter_count, sizeof(float), "the momentum")) != TIDY_OK ||
        (status = memory_allocate(&out->statistics, out->statistics_count, sizeof(float), "the statistics")) != TIDY_OK) {
        network_state_destroy(out);
        return status;
    }
    return TIDY_OK;
}

int network_state_create(struct network_state *out, const struct network *network, uint64_t seed)
{
    int status = network_state_allocate(out, network);
    for (int i = 0; i < network->layer_count && status == TIDY_OK; i++)
        initialise_layer(out, &out->layers[i], &network->layers[i], seed, i);
    return status;
}

void network_state_destroy(struct network_state *state)
{
    free(state->statistics);
    free(state->velocity);
    free(state->parameters);
    free(state->layers);
    *state = (struct network_state){0};
}
