/* The CUDA backend: steps are enqueued ahead, and their results are collected one step late, so that the device never waits
 * for the log. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "record/cuda/compiled_network.h"
#include "record/cuda/library_error.h"
#include "record/cuda/plugin.h"
#include "record/cuda/step_program.h"

/* Results stay valid until the next collect, while the next steps are submitted: one slot more than steps ahead. */
enum { STEPS_AHEAD = 2, SLOTS = STEPS_AHEAD + 1 };

/* One step's inputs and outputs in pinned memory, laid out as on the device. */
struct slot {
    char *inputs, *outputs;
    uint32_t count;
    cudaEvent_t done;
};

struct trainer {
    struct trainer_config config;
    struct network_state places; /* where values lie in network_state; it has no arrays */
    struct device device;
    struct plan_cache *cache; /* the user's plans, and those of the run that is gone on with */
    struct plan_cache *used;  /* this network's */
    struct compiled_network network;
    struct step_program train[BATCHES];
    struct step_program evaluate, predict; /* whole batches: what is missing in the last is filled up */
    struct slot slots[SLOTS];
    uint64_t submitted, collected;
    size_t result_bytes; /* that are copied of a step's outputs */
};

/* ---- creating ------------------------------------------------------------------------------------------ */

static int create_slots(struct trainer *t)
{
    const struct step_outputs *outputs = &t->network.output_offsets;
    t->result_bytes = t->config.logits ? outputs->bytes : outputs->logits;
    int status = TIDY_OK;
    for (int i = 0; i < SLOTS && status == TIDY_OK; i++) {
        static const char doing[] = "taking pinned memory of the host";
        struct slot *slot = &t->slots[i];
        status = check_cuda(cudaMallocHost((void **)&slot->inputs, t->network.input_offsets.bytes), doing);
        if (status == TIDY_OK)
            status = check_cuda(cudaMallocHost((void **)&slot->outputs, t->result_bytes), doing);
        if (status == TIDY_OK)
            /* Whoever waits sleeps: the log's writer thread needs the core more than a step late needs microseconds. */
            status =
                check_cuda(cudaEventCreateWithFlags(&slot->done, cudaEventDisableTiming | cudaEventBlockingSync),
                           "making an event");
    }
    return status;
}

/* Plans that the run was recorded with so far come before the user's own. */
static int create_caches(struct trainer *t)
{
    int status = plan_cache_create(&t->used, t->device.name, cudnnGetVersion());
    if (status == TIDY_OK)
        status = plan_cache_create(&t->cache, t->device.name, cudnnGetVersion());
    if (status == TIDY_OK)
        status = plan_cache_load(t->cache);
    if (status == TIDY_OK && t->config.plans != NULL)
        status = plan_cache_add_text(t->cache, t->config.plans);
    return status;
}

static int create_programs(struct trainer *t)
{
    int status = TIDY_OK;
    for (int batch = 0; batch < BATCHES && status == TIDY_OK; batch++)
        if (t->network.counts[batch] > 0)
            status = step_program_create(&t->train[batch], &t->network, &t->device, PROGRAM_TRAIN, batch);
    if (status == TIDY_OK && t->config.test->samples > 0)
        status = step_program_create(&t->evaluate, &t->network, &t->device, PROGRAM_EVALUATE, BATCH_WHOLE);
    if (status == TIDY_OK)
        status = step_program_create(&t->predict, &t->network, &t->device, PROGRAM_PREDICT, BATCH_WHOLE);
    return status;
}

static void cuda_destroy(struct trainer *t);

static int cuda_create(struct trainer **out, const struct trainer_config *config)
{
    struct trainer *t;
    *out = NULL;
    int status = memory_allocate(&t, 1, sizeof *t, "the trainer");
    if (status != TIDY_OK)
        return status;
    t->config = *config;
    if ((status = network_state_lay_out(&t->places, config->network)) == TIDY_OK &&
        (status = device_open(&t->device)) == TIDY_OK && (status = create_caches(t)) == TIDY_OK &&
        (status = compiled_network_create(&t->network, &t->config, &t->places, &t->device, t->cache, t->used)) ==
            TIDY_OK &&
        (status = create_slots(t)) == TIDY_OK)
        status = create_programs(t);
    if (status != TIDY_OK) {
        cuda_destroy(t);
        return status;
    }
    plan_cache_save(t->cache); /* only saves the next run's time: where it fails, nothing is lost */
    *out = t;
    return TIDY_OK;
}

static void cuda_destroy(struct trainer *t)
{
    if (t == NULL)
        return;
    if (t->device.queue.stream != NULL)
        cudaStreamSynchronize(t->device.queue.stream); /* nothing may use what is freed below */
    step_program_destroy(&t->predict);
    step_program_destroy(&t->evaluate);
    for (int batch = 0; batch < BATCHES; batch++)
        step_program_destroy(&t->train[batch]);
    for (int i = 0; i < SLOTS; i++) {
        if (t->slots[i].done != NULL)
            cudaEventDestroy(t->slots[i].done);
        if (t->slots[i].outputs != NULL)
            cudaFreeHost(t->slots[i].outputs);
        if (t->slots[i].inputs != NULL)
            cudaFreeHost(t->slots[i].inputs);
    }
    compiled_network_destroy(&t->network);
    plan_cache_destroy(t->cache);
    plan_cache_destroy(t->used);
    device_close(&t->device);
    network_state_destroy(&t->places);
    free(t);
}

/* ---- the state ----------------------------------------------------------------------------------------- */

/* An array of the state in both layouts. */
struct state_array {
    float *device, *canonical;
    const struct array_layout *layout;
};
enum { STATE_ARRAYS = 3 };

static void list_arrays(struct state_array arrays[STATE_ARRAYS], const struct trainer *t,
                        const struct network_state *state)
{
    const struct compiled_network *n = &t->network;
    const struct parameter_layout *layout = &n->layout;
    arrays[0] = (struct state_array){n->parameters.weights, state->parameters, &layout->parameters};
    arrays[1] = (struct state_array){n->parameters.velocity, state->velocity, &layout->parameters};
    arrays[2] = (struct state_array){n->statistics, state->statistics, &layout->statistics};
}

static int cuda_load(struct trainer *t, const struct network_state *state)
{
    struct state_array arrays[STATE_ARRAYS];
    list_arrays(arrays, t, state);
    int status = TIDY_OK;
    for (int i = 0; i < STATE_ARRAYS && status == TIDY_OK; i++) {
        float *values;
        status = memory_allocate(&values, arrays[i].layout->count, sizeof *values, "the state");
        if (status != TIDY_OK)
            return status;
        array_to_device_layout(values, arrays[i].canonical, arrays[i].layout);
        status = device_upload(&t->device, arrays[i].device, values, arrays[i].layout->count * sizeof *values);
        free(values);
    }
    const struct gpu_parameters *parameters = &t->network.parameters;
    if (status == TIDY_OK && parameters->rounded != NULL) {
        int error =
            gpu_round_to_bf16(&t->device.queue, parameters->rounded, parameters->weights, parameters->tensor_count);
        status = check_cuda((cudaError_t)error, "starting the kernel of rounding");
    }
    return status;
}

static int cuda_save(struct trainer *t, struct network_state *state)
{
    struct state_array arrays[STATE_ARRAYS];
    list_arrays(arrays, t, state);
    int status = TIDY_OK;
    for (int i = 0; i < STATE_ARRAYS && status == TIDY_OK; i++) {
        float *values;
        status = memory_allocate(&values, arrays[i].layout->count, sizeof *values, "the state");
        if (status != TIDY_OK)
            return status;
        status = device_download(&t->device, values, arrays[i].device, arrays[i].layout->count * sizeof *values);
        if (status == TIDY_OK)
            array_from_device_layout(arrays[i].canonical, values, arrays[i].layout);
        free(values);
    }
    return status;
}

/* ---- steps --------------------------------------------------------------------------------------------- */

/* Fills an array of the inputs: `count` elements from `from`, and zeros up to a whole batch. */
static void fill_input(char *input, const void *from, uint32_t count, uint32_t batch, size_t element)
{
    memcpy(input, from, count * element);
    memset(input + count * element, 0, (batch - count) * element);
}

/* Enqueues a program with the inputs of the next slot, and the copy of its outputs. A program of whole batches has
 * sample 0 with label 0 where `count` is less, whose results nobody looks at. */
static int submit(struct trainer *t, const struct step_program *program, const uint32_t *samples,
                  const uint16_t *labels, uint32_t count, float learning_rate)
{
    const struct compiled_network *n = &t->network;
    uint32_t batch = t->config.batch_size;
    cudaStream_t stream = t->device.queue.stream;
    struct slot *slot = &t->slots[t->submitted % SLOTS];
    slot->count = count;
    memcpy(slot->inputs + n->input_offsets.learning_rate, &learning_rate, sizeof learning_rate);
    fill_input(slot->inputs + n->input_offsets.samples, samples, count, batch, sizeof *samples);
    fill_input(slot->inputs + n->input_offsets.labels, labels, count, batch, sizeof *labels);
    int status =
        check_cuda(cudaMemcpyAsync(n->inputs, slot->inputs, n->input_offsets.bytes, cudaMemcpyHostToDevice, stream),
                   "copying a step's samples to it");
    if (status == TIDY_OK)
        status = step_program_launch(program);
    if (status == TIDY_OK)
        status =
            check_cuda(cudaMemcpyAsync(slot->outputs, n->outputs, t->result_bytes, cudaMemcpyDeviceToHost, stream),
                       "copying a step's predictions from it");
    if (status == TIDY_OK)
        status = check_cuda(cudaEventRecord(slot->done, stream), "marking a step's end");
    if (status == TIDY_OK)
        t->submitted++;
    return status;
}

/* Adds to a failure in the middle of a run what is left and how to go on. */
static int step_status(int status)
{
    if (status == TIDY_OK)
        return status;
    return tidy_fail("%s; the log keeps the steps before, and 'tidy-record resume' goes on", tidy_error_message());
}

/* Waits for the oldest submitted slot. */
static int wait_for_slot(struct trainer *t, const struct slot **out)
{
    assert(t->collected < t->submitted);
    *out = &t->slots[t->collected % SLOTS];
    t->collected++;
    return step_status(check_cuda(cudaEventSynchronize((*out)->done), "computing a step"));
}

static int cuda_step(struct trainer *t, const uint32_t *samples, const uint16_t *labels, uint32_t count,
                     float learning_rate)
{
    assert(t->submitted - t->collected < STEPS_AHEAD);
    for (int batch = 0; batch < BATCHES; batch++)
        if (t->network.counts[batch] == count)
            return step_status(submit(t, &t->train[batch], samples, labels, count, learning_rate));
    return tidy_fail("a step of %u samples, where batches of %u and an epoch's last of %u and %u were prepared",
                     count, t->network.counts[BATCH_WHOLE], t->network.counts[BATCH_LAST],
                     t->network.counts[BATCH_LAST_OF_SECOND]);
}

static int cuda_collect(struct trainer *t, struct step_result *out)
{
    const struct compiled_network *n = &t->network;
    const struct slot *slot;
    int status = wait_for_slot(t, &slot);
    if (status != TIDY_OK)
        return status;
    const struct step_outputs *at = &n->output_offsets;
    *out = (struct step_result){
        .predictions = {.count = slot->count,
                        .samples = (const uint32_t *)(slot->inputs + n->input_offsets.samples),
                        .predicted = (const uint16_t *)(slot->outputs + at->predicted),
                        .margin = (const float *)(slot->outputs + at->margin),
                        .log_odds = (const float *)(slot->outputs + at->log_odds),
                        .logits = t->config.logits ? (const float *)(slot->outputs + at->logits) : NULL},
        .loss = (const float *)(slot->outputs + at->loss),
    };
    return TIDY_OK;
}

static int cuda_predict(struct trainer *t, const uint32_t *samples, const uint16_t *labels, uint32_t count,
                        struct step_result *out)
{
    assert(t->submitted == t->collected);
    int status = step_status(submit(t, &t->predict, samples, labels, count, 0));
    return status == TIDY_OK ? cuda_collect(t, out) : status;
}

/* Counts the right ones of the oldest submitted batch. */
static int count_correct(struct trainer *t, uint64_t *correct)
{
    const struct slot *slot;
    int status = wait_for_slot(t, &slot);
    if (status != TIDY_OK)
        return status;
    const uint16_t *predicted = (const uint16_t *)(slot->outputs + t->network.output_offsets.predicted);
    const uint16_t *labels = (const uint16_t *)(slot->inputs + t->network.input_offsets.labels);
    for (uint32_t i = 0; i < slot->count; i++)
        *correct += predicted[i] == labels[i];
    return TIDY_OK;
}

static int cuda_evaluate(struct trainer *t, uint64_t *correct)
{
    const struct dataset *test = t->config.test;
    uint32_t batch = t->config.batch_size;
    uint32_t *samples;
    *correct = 0;
    int status = memory_allocate(&samples, batch, sizeof *samples, "a batch's samples");
    for (uint64_t start = 0; start < test->samples && status == TIDY_OK; start += batch) {
        uint64_t left = test->samples - start;
        uint32_t count = left < batch ? (uint32_t)left : batch;
        for (uint32_t i = 0; i < count; i++)
            samples[i] = (uint32_t)(start + i);
        if (t->submitted - t->collected == STEPS_AHEAD)
            status = count_correct(t, correct);
        if (status == TIDY_OK)
            status = submit(t, &t->evaluate, samples, test->labels + start, count, 0);
    }
    while (status == TIDY_OK && t->collected < t->submitted)
        status = count_correct(t, correct);
    free(samples);
    return status;
}

static const char *cuda_plans(const struct trainer *t)
{
    return plan_cache_text(t->used);
}

static uint64_t cuda_memory(const struct trainer *t)
{
    return t->network.bytes;
}

static const struct backend cuda_backend = {
    .name = "cuda",
    .steps_ahead = STEPS_AHEAD,
    .probe = device_probe,
    .create = cuda_create,
    .destroy = cuda_destroy,
    .load = cuda_load,
    .save = cuda_save,
    .step = cuda_step,
    .collect = cuda_collect,
    .evaluate = cuda_evaluate,
    .predict = cuda_predict,
    .plans = cuda_plans,
    .memory = cuda_memory,
    .versions = device_versions,
};

__attribute__((visibility("default"))) const struct cuda_plugin tidy_cuda_plugin = {TIDY_VERSION, &cuda_backend};
