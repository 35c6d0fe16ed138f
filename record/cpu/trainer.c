/* The CPU backend: compiles a network into buffers and operations, and runs training steps through them.
 *
 * Tensors are NHWC, float32 or bfloat16; parameters, their gradients, statistics and logits are float32. A step is: gather the images; forward layer by layer; loss; backward layer by layer, each
 * layer's weights updated as soon as their gradient is there, while it is in cache. */
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
#include "record/cpu/convolution.h"
#include "record/machine.h"
#include "record/tensor_plan.h"

/* One layer, compiled. Tensors lie in the arena: valid only while the plan says so. */
struct compiled_layer {
    const struct layer *layer;
    const struct layer_parameters *place;
    struct convolution *convolution; /* convolution and linear layers */
    uint8_t *winner;                 /* [batch][height][width][channels] max pools: where each maximum was */
    void *product;                   /* [batch][height][width][channels] convolution's output, before batch norm */
    void *y;                         /* the layer's output */
    void *dy;                        /* the loss's gradient for y; becomes product's in place */
    float *mean, *inverse_std;       /* [channels] of this batch */
    bool accumulate_input, accumulate_shortcut; /* see struct layer_tensors */
};

struct trainer {
    struct trainer_config config;
    struct onednn *onednn;
    struct network_state state; /* the weights themselves: one layout serves training and checkpoint */
    int layer_count;
    struct compiled_layer *layers;
    enum tensor_type type; /* of all tensors but the logits */
    char *arena;
    size_t arena_bytes;
    void *images;      /* [batch][height][width][channels], in the arena */
    float *statistics; /* mean and inverse_std of all layers */
    float *gradient;   /* of one layer's parameters, in their order; reused by each layer */

    /* The last step's results, [batch] each; logits [batch][classes]. */
    uint32_t count;
    uint32_t *samples;
    uint16_t *labels, *predicted;
    float *margin, *log_odds, *loss, *logits;
};

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

/* ---- forward ------------------------------------------------------------------------------------------- */

static void *input_of(struct trainer *t, const struct layer *layer)
{
    return layer->input == LAYER_IMAGES ? t->images : t->layers[layer->input].y;
}

static void pool_forward(const struct trainer *t, const struct compiled_layer *compiled, const void *x,
                         uint32_t count)
{
    const struct layer *layer = compiled->layer;
    struct pool_shape shape = layer_pool_shape(layer);
    if (layer->kind == LAYER_MAX_POOL)
        max_pool_forward(t->type, compiled->y, compiled->winner, x, count, &shape);
    else
        average_pool_forward(t->type, compiled->y, x, count, layer->in_height * layer->in_width,
                             layer->in_channels);
}

static void pool_backward(const struct trainer *t, const struct compiled_layer *compiled, void *dx)
{
    const struct layer *layer = compiled->layer;
    struct pool_shape shape = layer_pool_shape(layer);
    if (layer->kind == LAYER_MAX_POOL)
        max_pool_backward(t->type, dx, compiled->dy, compiled->winner, t->count, &shape);
    else
        average_pool_backward(t->type, dx, compiled->dy, t->count, layer->in_height * layer->in_width,
                              layer->in_channels);
}

static int forward_layer(struct trainer *t, struct compiled_layer *compiled, uint32_t count, bool training)
{
    const struct layer *layer = compiled->layer;
    const struct layer_parameters *place = compiled->place;
    const float *weights = t->state.parameters + place->weights;
    void *x = input_of(t, layer);
    const float *scale = t->state.parameters + place->scale, *shift = t->state.parameters + place->shift;
    if (compiled->convolution == NULL) {
        pool_forward(t, compiled, x, count);
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

static int forward(struct trainer *t, const struct dataset *data, const uint32_t *samples, uint32_t count,
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
    float *d_weights = t->gradient;
    float *d_scale = d_weights + place->weight_count, *d_shift = d_scale + place->scale_count;
    size_t rows = t->count * layer_output_pixels(layer);
    if (layer->kind == LAYER_LINEAR) {
        linear_bias_gradient(t->type, d_shift, compiled->dy, t->count, layer->out_channels);
    } else {
        void *d_shortcut = layer->shortcut == LAYER_NONE ? NULL : t->layers[layer->shortcut].dy;
        const void *y =
            layer->shortcut == LAYER_NONE ? NULL : compiled->y; /* without it the product tells the mask */
        batch_norm_backward(t->type, compiled->dy, d_shortcut, compiled->accumulate_shortcut, d_scale, d_shift,
                            compiled->dy, compiled->product, y, t->state.parameters + place->scale,
                            t->state.parameters + place->shift, compiled->mean, compiled->inverse_std, rows,
                            layer->out_channels, layer->relu);
    }
    int status = TIDY_OK;
    if (dx != NULL) /* before the update: it needs the weights of the forward pass */
        status = convolution_backward_data(compiled->convolution, dx, compiled->dy, weights, t->count,
                                           compiled->accumulate_input);
    if (status == TIDY_OK)
        status = convolution_backward_weights(compiled->convolution, d_weights, input_of(t, layer), compiled->dy,
                                              t->count);
    if (status != TIDY_OK)
        return status;
    momentum_update(weights, t->state.velocity + place->weights, d_weights,
                    place->weight_count + place->scale_count + place->shift_count, learning_rate,
                    t->config.momentum, t->config.weight_decay);
    convolution_weights_changed(compiled->convolution, weights);
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
    int status = forward(t, t->config.train, t->samples, count, true);
    if (status != TIDY_OK)
        return status;
    softmax_cross_entropy(t->type, t->layers[t->layer_count - 1].dy, t->predicted, t->margin, t->log_odds, t->loss,
                          t->logits, t->labels, count, t->config.network->classes);
    for (int i = t->layer_count - 1; i >= 0 && status == TIDY_OK; i--)
        status = backward_layer(t, &t->layers[i], learning_rate);
    return status;
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
    int status = forward(t, data, samples, count, false);
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
