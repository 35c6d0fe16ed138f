/* From a network's table to the lifetimes of its tensors, and from those to their places. */
#include "record/tensor_plan.h"

#include <assert.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "record/arena.h"

/* The tensors of one layer. */
enum { PRODUCT, OUTPUT, GRADIENT, TENSORS };

static void extend(struct arena_request *request, int time)
{
    if (time < request->first)
        request->first = time;
    if (time > request->last)
        request->last = time;
}

/* Sets when each tensor is needed: forward of layer i happens at time i, its backward at 2 * layers - 1 - i.
 * requests: [layer_count][TENSORS], then one for the images. */
static void request_tensors(struct arena_request *requests, const struct network *network, size_t bytes_per_element)
{
    struct arena_request *images = &requests[network->layer_count * TENSORS];
    *images =
        (struct arena_request){.bytes = bytes_per_element * network->height * network->width * network->channels};
    for (int i = 0; i < network->layer_count; i++) {
        const struct layer *layer = &network->layers[i];
        struct arena_request *own = &requests[i * TENSORS];
        size_t bytes = bytes_per_element * layer_output_size(layer);
        int backward = 2 * network->layer_count - 1 - i;
        own[PRODUCT] = own[OUTPUT] = own[GRADIENT] = (struct arena_request){.bytes = bytes, .first = i, .last = i};
        if (layer->kind == LAYER_CONVOLUTION)
            extend(&own[PRODUCT], backward);
        else
            own[PRODUCT].bytes = 0;
        if (layer->relu)
            extend(&own[OUTPUT], backward); /* where y is 0, ReLU passes no gradient */
        own[GRADIENT].first = own[GRADIENT].last = backward;
        struct arena_request *input = layer->input == LAYER_IMAGES ? NULL : &requests[layer->input * TENSORS];
        extend(input != NULL ? &input[OUTPUT] : images, backward); /* the weights' gradient reads it */
        if (input != NULL)
            extend(&input[GRADIENT], backward);
        if (layer->shortcut != LAYER_NONE) {
            extend(&requests[layer->shortcut * TENSORS + OUTPUT], i);
            extend(&requests[layer->shortcut * TENSORS + GRADIENT], backward);
        }
    }
}

/* Who begins a gradient and who adds to it: backward goes from the last layer to the first. */
static int order_gradients(struct layer_tensors *layers, const struct network *network)
{
    bool *begun;
    int status = memory_allocate(&begun, (size_t)network->layer_count, sizeof *begun, "the order of gradients");
    if (status != TIDY_OK)
        return status;
    for (int i = network->layer_count - 1; i >= 0; i--) {
        const struct layer *layer = &network->layers[i];
        if (layer->shortcut != LAYER_NONE) {
            layers[i].accumulate_shortcut = begun[layer->shortcut];
            begun[layer->shortcut] = true;
        }
        if (layer->input != LAYER_IMAGES) {
            layers[i].accumulate_input = begun[layer->input];
            begun[layer->input] = true;
        }
        /* Pools store their gradient. */
        assert(layer->kind == LAYER_CONVOLUTION || layer->kind == LAYER_LINEAR || !layers[i].accumulate_input);
    }
    free(begun);
    return TIDY_OK;
}

int tensor_plan_create(struct tensor_plan *out, const struct network *network, uint32_t batch_size,
                       size_t element_bytes)
{
    *out = (struct tensor_plan){0};
    size_t layers = (size_t)network->layer_count;
    struct arena_request *requests;
    int status = memory_allocate(&requests, layers * TENSORS + 1, sizeof *requests, "the plan of the tensors");
    if (status == TIDY_OK)
        status = memory_allocate(&out->layers, layers, sizeof *out->layers, "the plan of the tensors");
    if (status == TIDY_OK)
        status = order_gradients(out->layers, network);
    if (status == TIDY_OK) {
        request_tensors(requests, network, batch_size * element_bytes);
        out->bytes = arena_plan(requests, layers * TENSORS + 1);
        out->images = requests[layers * TENSORS].offset;
        for (size_t i = 0; i < layers; i++) {
            const struct arena_request *own = &requests[i * TENSORS];
            out->layers[i].product = own[PRODUCT].offset;
            out->layers[i].output = own[OUTPUT].offset;
            out->layers[i].gradient = own[GRADIENT].offset;
        }
    } else {
        tensor_plan_destroy(out);
    }
    free(requests);
    return status;
}

void tensor_plan_destroy(struct tensor_plan *plan)
{
    free(plan->layers);
    *plan = (struct tensor_plan){0};
}
