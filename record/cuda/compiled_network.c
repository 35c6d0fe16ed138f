/* Chooses a network's plans, and puts together what its steps need. */
#include "record/cuda/compiled_network.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/progress.h"
#include "record/cuda/network_memory.h"
#include "record/cuda/plan_choice.h"

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The plan that an earlier layer of the same shape has, or NULL. Choosing one anew would run it again. */
static struct convolution_plan *find_plan(const struct compiled_network *n, int layer, int batch,
                                          enum convolution_pass pass)
{
    for (int i = 0; i < layer; i++)
        if (n->plans[i][batch][pass] != NULL && layer_same_convolution(n->layers[i].layer, n->layers[layer].layer))
            return n->plans[i][batch][pass];
    return NULL;
}

static int choose_layer_plans(struct compiled_network *n, int index, int batch, const struct plan_timing *timing,
                              struct plan_cache *cache, struct plan_cache *used, size_t *workspace)
{
    const struct layer *layer = n->layers[index].layer;
    int status = TIDY_OK;
    for (enum convolution_pass pass = 0; pass < CONVOLUTION_PASSES && status == TIDY_OK; pass++) {
        struct convolution_plan **plan = &n->plans[index][batch][pass];
        struct convolution_request request = {
            .layer = layer,
            .count = n->counts[batch],
            .pass = pass,
            .precision = n->config->precision,
            .deterministic = n->config->deterministic,
            .workspace_limit = WORKSPACE_LIMIT,
        };
        if (pass == CONVOLUTION_BACKWARD_DATA && layer->input == LAYER_IMAGES)
            continue;
        *plan = find_plan(n, index, batch, pass);
        char key[CONVOLUTION_KEY_ROOM];
        if (*plan == NULL && (status = plan_choose(plan, cache, timing, &request)) == TIDY_OK)
            status = plan_cache_put(used, convolution_request_key(key, &request), convolution_plan_text(*plan));
        if (status == TIDY_OK)
            *workspace = larger(*workspace, convolution_plan_workspace(*plan));
    }
    return status;
}

/* Chooses the plans of all convolutions; *workspace is what the hungriest of them needs. */
static int choose_plans(struct compiled_network *n, struct device *device, struct plan_cache *cache,
                        struct plan_cache *used, size_t *workspace)
{
    struct plan_timing timing;
    void *block = NULL;
    *workspace = 0;
    int status = network_memory_take_timing(&timing, &block, n, device);
    for (int batch = 0; batch < BATCHES; batch++)
        for (int i = 0; i < n->layer_count && status == TIDY_OK; i++)
            if (n->counts[batch] > 0 && n->layers[i].layer->kind == LAYER_CONVOLUTION) {
                progress_update("choosing how to convolve: batch of %" PRIu32 ", layer %d of %d", n->counts[batch],
                                i + 1, n->layer_count);
                status = choose_layer_plans(n, i, batch, &timing, cache, used, workspace);
            }
    progress_clear();
    if (block != NULL) {
        cudaStreamSynchronize(device->queue.stream); /* where a call failed, others are still to run */
        cudaFree(block);
    }
    return status;
}

static int check_precision(const struct trainer_config *config, const struct device *device)
{
    if (config->precision == PRECISION_F32 || device->capability >= 80)
        return TIDY_OK;
    return tidy_fail("%s has compute capability %d.%d and computes no %s (8.0 does): --precision f32", device->name,
                     device->capability / 10, device->capability % 10, precision_names[config->precision]);
}

int compiled_network_create(struct compiled_network *out, const struct trainer_config *config,
                            const struct network_state *state, struct device *device, struct plan_cache *cache,
                            struct plan_cache *used)
{
    uint32_t last = (uint32_t)(config->epoch_samples[0] % config->batch_size);
    uint32_t last_of_second = (uint32_t)(config->epoch_samples[1] % config->batch_size);
    *out = (struct compiled_network){
        .config = config,
        .type = config->precision == PRECISION_BF16 ? TENSOR_BF16 : TENSOR_F32,
        .element_bytes = config->precision == PRECISION_BF16 ? sizeof(uint16_t) : sizeof(float),
        .counts = {config->batch_size, last, last_of_second == last ? 0 : last_of_second},
        .layer_count = config->network->layer_count,
    };
    size_t layers = (size_t)out->layer_count, workspace;
    int status = check_precision(config, device);
    if (status == TIDY_OK)
        status = parameter_layout_create(&out->layout, config->network, state);
    if (status == TIDY_OK)
        status = memory_allocate(&out->layers, layers, sizeof *out->layers, "the layers");
    if (status == TIDY_OK)
        status = memory_allocate(&out->plans, layers, sizeof *out->plans, "the convolutions' plans");
    if (status != TIDY_OK)
        return status;
    for (int i = 0; i < out->layer_count; i++)
        out->layers[i].layer = &config->network->layers[i];
    status = network_memory_check(out, device, 0);
    if (status == TIDY_OK)
        status = choose_plans(out, device, cache, used, &workspace);
    if (status == TIDY_OK)
        status = network_memory_take(out, device, workspace);
    return status;
}

void compiled_network_destroy(struct compiled_network *n)
{
    if (n->block != NULL)
        cudaFree(n->block);
    for (int i = n->layer_count - 1; n->plans != NULL && i >= 0; i--)
        for (int batch = 0; batch < BATCHES; batch++)
            for (enum convolution_pass pass = 0; pass < CONVOLUTION_PASSES; pass++)
                if (find_plan(n, i, batch, pass) == NULL) /* else an earlier layer's */
                    convolution_plan_destroy(n->plans[i][batch][pass]);
    free(n->plans);
    free(n->layers);
    parameter_layout_destroy(&n->layout);
    *n = (struct compiled_network){0};
}
