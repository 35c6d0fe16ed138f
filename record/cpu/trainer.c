/* The CPU backend: compiles a network into buffers and operations, and runs training steps through them.
 *
 * Tensors are NHWC, float32 or bfloat16; parameters, their gradients, statistics and logits are float32. A step is:
 * gather the images; forward layer by layer; loss; backward layer by layer, each layer's weights updated as soon as their
 * gradient is there, while it is in cache. */
#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "kernels/kernels.h"
#include "record/backend.h"
#include "record/cpu/passes.h"
#include "record/machine.h"
#include "record/tensor_plan.h"

/* ---- compiling ----------------------------------------------------------------------------------------- */

/* Plans the tensors and makes room for them. */
static int place_tensors(struct trainer *t)
{
    struct tensor_plan plan;
    int status = tensor_plan_create(&plan, t->config.network, t->config.batch_size, tensor_type_bytes(t->type));
    if (status != TIDY_OK)
        return status;
    t->arena_bytes = plan.bytes;
    status =
        memory_allocate(&t->arena, plan.bytes, 1, "the tensors of a batch (a smaller --batch-size needs less)");
    if (status == TIDY_OK) {
        t->images = t->arena + plan.images;
        for (int i = 0; i < t->layer_count; i++) {
            const struct layer_tensors *tensors = &plan.layers[i];
            struct compiled_layer *compiled = &t->layers[i];
            compiled->product = t->arena + tensors->product;
            compiled->y = t->arena + tensors->output;
            compiled->dy = t->arena + tensors->gradient;
            compiled->accumulate_input = tensors->accumulate_input;
            compiled->accumulate_shortcut = tensors->accumulate_shortcut;
        }
    }
    tensor_plan_destroy(&plan);
    return status;
}

/* Is layer i the only reader of the layer before it? */
static bool reads_alone(const struct network *network, int i)
{
    for (int k = 0; k < network->layer_count; k++)
        if (k != i && (network->layers[k].input == i - 1 || network->layers[k].shortcut == i - 1))
            return false;
    return network->layers[i].input == i - 1;
}

/* Joins max pools with the batch norm before them, where there is a kernel for both. */
static void join_pools(struct trainer *t)
{
    for (int i = 1; i < t->layer_count; i++) {
        const struct layer *pool = t->layers[i].layer, *before = t->layers[i - 1].layer;
        struct pool_shape shape = layer_pool_shape(pool);
        if (pool->kind != LAYER_MAX_POOL || !batch_norm_pools(&shape) || !reads_alone(t->config.network, i) ||
            before->kind != LAYER_CONVOLUTION || !before->relu || before->shortcut != LAYER_NONE)
            continue;
        t->layers[i - 1].normalised_by_pool = true;
        t->layers[i].normalises = &t->layers[i - 1];
    }
}

static int compile_layers(struct trainer *t)
{
    const struct network *network = t->config.network;
    size_t channels = 0, largest = 0;
    for (int i = 0; i < t->layer_count; i++) {
        const struct layer_parameters *place = &t->state.layers[i];
        size_t parameters = place->weight_count + place->scale_count + place->shift_count;
        largest = parameters > largest ? parameters : largest;
        channels += network->layers[i].out_channels;
    }
    int status;
    if ((status = memory_allocate(&t->layers, (size_t)t->layer_count, sizeof *t->layers, "the layers")) !=
            TIDY_OK ||
        (status = memory_allocate(&t->gradient, largest, sizeof(float), "a layer's gradient")) != TIDY_OK ||
        (status = memory_allocate(&t->statistics, 2 * channels, sizeof(float), "batch statistics")) != TIDY_OK)
        return status;
    float *statistics = t->statistics;
    for (int i = 0; i < t->layer_count && status == TIDY_OK; i++) {
        struct compiled_layer *compiled = &t->layers[i];
        const struct layer *layer = compiled->layer = &network->layers[i];
        compiled->place = &t->state.layers[i];
        compiled->mean = statistics;
        compiled->inverse_std = statistics + layer->out_channels;
        statistics += 2 * (size_t)layer->out_channels;
        if (layer->kind == LAYER_CONVOLUTION || layer->kind == LAYER_LINEAR)
            status = convolution_create(&compiled->convolution, t->onednn, layer, t->config.batch_size, t->type);
        else if (layer->kind == LAYER_MAX_POOL)
            status = memory_allocate(&compiled->winner, t->config.batch_size, layer_output_size(layer),
                                     "a pool's winners");
    }
    if (status == TIDY_OK)
        join_pools(t);
    return status;
}

static void cpu_destroy(struct trainer *t);

bool cpu_computes_in(enum precision precision)
{
    return precision == PRECISION_F32 || (precision == PRECISION_BF16 && onednn_has_bf16());
}

static int cpu_create(struct trainer **out, const struct trainer_config *config)
{
    struct trainer *t;
    *out = NULL;
    if (config->precision == PRECISION_TF32)
        return tidy_fail("the CPU computes in f32 and bf16: --precision %s needs a GPU; 'tidy-record devices' says "
                         "whether there is one that can be used",
                         precision_names[config->precision]);
    if (!cpu_computes_in(config->precision))
        return tidy_fail("this processor has no instructions for %s (%s): leave --precision out to compute in f32",
                         precision_names[config->precision], onednn_version());
    int status = memory_allocate(&t, 1, sizeof *t, "the trainer");
    if (status != TIDY_OK)
        return status;
    t->config = *config;
    t->type = config->precision == PRECISION_BF16 ? TENSOR_BF16 : TENSOR_F32;
    t->layer_count = config->network->layer_count;
    omp_set_num_threads((int)config->threads);
    size_t batch = config->batch_size, classes = config->network->classes;
    if ((status = network_state_allocate(&t->state, config->network)) == TIDY_OK &&
        (status = onednn_create(&t->onednn)) == TIDY_OK && (status = compile_layers(t)) == TIDY_OK &&
        (status = place_tensors(t)) == TIDY_OK &&
        (status = memory_allocate(&t->samples, batch, sizeof *t->samples, "a batch's samples")) == TIDY_OK &&
        (status = memory_allocate(&t->labels, batch, sizeof *t->labels, "a batch's labels")) == TIDY_OK &&
        (status = memory_allocate(&t->predicted, batch, sizeof *t->predicted, "predictions")) == TIDY_OK &&
        (status = memory_allocate(&t->margin, batch, sizeof(float), "predictions")) == TIDY_OK &&
        (status = memory_allocate(&t->log_odds, batch, sizeof(float), "predictions")) == TIDY_OK &&
        (status = memory_allocate(&t->loss, batch, sizeof(float), "predictions")) == TIDY_OK)
        status = memory_allocate(&t->logits, batch, classes * sizeof(float), "a batch's logits");
    if (status != TIDY_OK) {
        cpu_destroy(t);
        return status;
    }
    t->layers[t->layer_count - 1].y = t->logits; /* outlives the step, until it is collected */
    *out = t;
    return TIDY_OK;
}

static void cpu_destroy(struct trainer *t)
{
    if (t == NULL)
        return;
    free(t->logits);
    free(t->loss);
    free(t->log_odds);
    free(t->margin);
    free(t->predicted);
    free(t->labels);
    free(t->samples);
    free(t->arena);
    for (int i = 0; t->layers != NULL && i < t->layer_count; i++) {
        convolution_destroy(t->layers[i].convolution);
        free(t->layers[i].winner);
    }
    free(t->statistics);
    free(t->gradient);
    free(t->layers);
    onednn_destroy(t->onednn);
    network_state_destroy(&t->state);
    free(t);
}

static void copy_state(struct network_state *to, const struct network_state *from)
{
    memcpy(to->parameters, from->parameters, from->parameter_count * sizeof(float));
    memcpy(to->velocity, from->velocity, from->parameter_count * sizeof(float));
    memcpy(to->statistics, from->statistics, from->statistics_count * sizeof(float));
}

static int cpu_load(struct trainer *t, const struct network_state *state)
{
    copy_state(&t->state, state);
    for (int i = 0; i < t->layer_count; i++)
        if (t->layers[i].convolution != NULL)
            convolution_weights_changed(t->layers[i].convolution,
                                        t->state.parameters + t->layers[i].place->weights);
    return TIDY_OK;
}

static int cpu_save(struct trainer *t, struct network_state *state)
{
    copy_state(state, &t->state);
    return TIDY_OK;
}

/* ---- the backend's calls ------------------------------------------------------------------------------- */

static int cpu_step(struct trainer *t, const uint32_t *samples, const uint16_t *labels, uint32_t count,
                    float learning_rate)
{
    assert(count > 0 && count <= t->config.batch_size);
    t->count = count;
    memcpy(t->samples, samples, count * sizeof *samples);
    memcpy(t->labels, labels, count * sizeof *labels);
    int status = passes_forward(t, t->config.train, t->samples, count, true);
    if (status != TIDY_OK)
        return status;
    softmax_cross_entropy(t->type, t->layers[t->layer_count - 1].dy, t->predicted, t->margin, t->log_odds, t->loss,
                          t->logits, t->labels, count, t->config.network->classes);
    return passes_backward(t, learning_rate);
}

static int cpu_collect(struct trainer *t, struct step_result *out)
{
    *out = (struct step_result){
        .predictions = {.count = t->count,
                        .samples = t->samples,
                        .predicted = t->predicted,
                        .margin = t->margin,
                        .log_odds = t->log_odds,
                        .logits = t->config.logits ? t->logits : NULL},
        .loss = t->loss,
    };
    return TIDY_OK;
}

/* Classifies images with the running statistics; results are where a step's are. */
static int classify(struct trainer *t, const struct dataset *data, const uint32_t *samples, const uint16_t *labels,
                    uint32_t count)
{
    int status = passes_forward(t, data, samples, count, false);
    if (status == TIDY_OK)
        softmax_cross_entropy(t->type, NULL, t->predicted, t->margin, t->log_odds, t->loss, t->logits, labels,
                              count, t->config.network->classes);
    return status;
}

static int cpu_predict(struct trainer *t, const uint32_t *samples, const uint16_t *labels, uint32_t count,
                       struct step_result *out)
{
    assert(count > 0 && count <= t->config.batch_size);
    t->count = count;
    memcpy(t->samples, samples, count * sizeof *samples);
    int status = classify(t, t->config.train, t->samples, labels, count);
    return status == TIDY_OK ? cpu_collect(t, out) : status;
}

static int cpu_evaluate(struct trainer *t, uint64_t *correct)
{
    const struct dataset *test = t->config.test;
    *correct = 0;
    for (uint64_t start = 0; start < test->samples; start += t->config.batch_size) {
        uint64_t left = test->samples - start;
        uint32_t count = left < t->config.batch_size ? (uint32_t)left : t->config.batch_size;
        for (uint32_t i = 0; i < count; i++)
            t->samples[i] = (uint32_t)(start + i);
        const uint16_t *labels = test->labels + start;
        int status = classify(t, test, t->samples, labels, count);
        if (status != TIDY_OK)
            return status;
        for (uint32_t i = 0; i < count; i++)
            *correct += t->predicted[i] == labels[i];
    }
    return TIDY_OK;
}

static bool cpu_probe(char *text, size_t size)
{
    char machine[320];
    machine_describe(machine, sizeof machine);
    snprintf(text, size, "%s, %s", machine, onednn_version());
    return true;
}

/* Everything that values depend on is fixed by the shapes. */
static const char *cpu_plans(const struct trainer *t)
{
    (void)t;
    return "";
}

static uint64_t cpu_memory(const struct trainer *t)
{
    return t->arena_bytes + 2 * t->state.parameter_count * sizeof(float);
}

const struct backend cpu_backend = {
    .name = "cpu",
    .steps_ahead = 1,
    .probe = cpu_probe,
    .create = cpu_create,
    .destroy = cpu_destroy,
    .load = cpu_load,
    .save = cpu_save,
    .step = cpu_step,
    .collect = cpu_collect,
    .evaluate = cpu_evaluate,
    .predict = cpu_predict,
    .plans = cpu_plans,
    .memory = cpu_memory,
    .versions = onednn_version,
};
