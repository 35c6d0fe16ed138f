/* Sums up the device memory before any is taken, lays everything out in one block, and gives advice where there is too little. */
#include "record/cuda/network_memory.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/random.h"
#include "record/cuda/library_error.h"

enum {
    ALIGNMENT = 256, /* of every array in the block: what cudaMalloc itself gives */
    STEP_ALIGNMENT = 16,
    /* As cuBLAS's documentation of cublasSetWorkspace recommends: 32 MiB from Hopper on. */
    CUBLAS_WORKSPACE = 4 << 20,
    CUBLAS_WORKSPACE_HOPPER = 32 << 20,
    HOPPER = 90, /* compute capability */
    /* Left free: libraries load their code into the device's memory when they first run, after the block was taken. */
    LIBRARIES_ROOM = 256 << 20,
    LEAST_PIECE = 16 << 20,
};

#define GIB ((double)(1 << 30))

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t align(size_t bytes, size_t alignment)
{
    return (bytes + alignment - 1) / alignment * alignment;
}

static size_t dataset_bytes(const struct dataset *data)
{
    return data->samples * data->height * data->width * data->channels;
}

static size_t take(size_t *used, size_t bytes)
{
    size_t start = *used;
    *used += align(bytes, STEP_ALIGNMENT);
    return start;
}

static void set_step_offsets(struct compiled_network *n, size_t batch)
{
    struct step_inputs *inputs = &n->input_offsets;
    struct step_outputs *outputs = &n->output_offsets;
    inputs->bytes = outputs->bytes = 0;
    inputs->learning_rate = take(&inputs->bytes, sizeof(float));
    inputs->samples = take(&inputs->bytes, batch * sizeof(uint32_t));
    inputs->labels = take(&inputs->bytes, batch * sizeof(uint16_t));
    outputs->margin = take(&outputs->bytes, batch * sizeof(float));
    outputs->log_odds = take(&outputs->bytes, batch * sizeof(float));
    outputs->loss = take(&outputs->bytes, batch * sizeof(float));
    outputs->predicted = take(&outputs->bytes, batch * sizeof(uint16_t));
    outputs->logits = take(&outputs->bytes, batch * n->config->network->classes * sizeof(float));
}

/* ---- laying out ---------------------------------------------------------------------------------------- */

/* Hands out the block's parts in order. */
struct cursor {
    uintptr_t block;
    size_t used;
};

/* Where a block lies that is only being summed up: any aligned address does. */
enum { NO_BLOCK = ALIGNMENT };

static void *hand_out(struct cursor *cursor, size_t bytes)
{
    uintptr_t place = cursor->block + cursor->used;
    cursor->used += align(bytes, ALIGNMENT);
    return (void *)place;
}

/* Bytes of the largest of what only one layer needs at a time. */
struct largest {
    size_t added, scratch;
};

static struct largest find_largest(const struct compiled_network *n, const struct tensor_plan *plan, size_t batch)
{
    struct largest found = {0};
    for (int i = 0; i < n->layer_count; i++) {
        const struct layer *layer = &n->config->network->layers[i];
        if (plan->layers[i].accumulate_input)
            found.added = larger(found.added, batch * layer_input_size(layer) * n->element_bytes);
        if (layer->kind == LAYER_CONVOLUTION)
            found.scratch = larger(found.scratch,
                                   gpu_batch_norm_scratch(batch * layer_output_pixels(layer), layer->out_channels));
    }
    return found;
}

static void lay_out_layer(struct compiled_network *n, int index, const struct tensor_plan *plan, char *tensors,
                          struct cursor *cursor, size_t batch)
{
    struct compiled_layer *compiled = &n->layers[index];
    const struct layer *layer = compiled->layer;
    const struct layer_tensors *own = &plan->layers[index];
    const struct parameter_place *place = &n->layout.places[index];
    uintptr_t base = (uintptr_t)tensors;
    compiled->product = (void *)(base + own->product);
    compiled->y = (void *)(base + own->output);
    compiled->dy = (void *)(base + own->gradient);
    compiled->accumulate_input = own->accumulate_input;
    compiled->accumulate_shortcut = own->accumulate_shortcut;
    if (layer->kind == LAYER_MAX_POOL)
        compiled->winner = hand_out(cursor, batch * layer_output_size(layer));
    if (layer->kind == LAYER_CONVOLUTION) {
        compiled->mean = hand_out(cursor, layer->out_channels * sizeof(float));
        compiled->inverse_std = hand_out(cursor, layer->out_channels * sizeof(float));
        compiled->running_mean = n->statistics + place->running_mean;
        compiled->running_variance = n->statistics + place->running_variance;
    }
    char *weights = n->type == TENSOR_BF16 ? n->parameters.rounded : n->parameters.weights;
    compiled->weights = weights + place->weights * n->element_bytes;
    compiled->d_weights = (char *)n->tensor_gradients + place->weights * n->element_bytes;
    compiled->scale = n->parameters.weights + place->scale;
    compiled->shift = n->parameters.weights + place->shift;
    compiled->d_scale = n->gradients + (place->scale - n->layout.tensor_count);
    compiled->d_shift = n->gradients + (place->shift - n->layout.tensor_count);
}

/* Sets every pointer and offset for a block at `block`, and returns its size. */
static size_t lay_out(struct compiled_network *n, const struct tensor_plan *plan, size_t batch, size_t workspace,
                      uintptr_t block)
{
    const struct trainer_config *config = n->config;
    struct cursor cursor = {.block = block};
    struct largest largest = find_largest(n, plan, batch);
    set_step_offsets(n, batch);

    size_t count = n->layout.parameters.count, tensor_count = n->layout.tensor_count;
    n->parameters = (struct gpu_parameters){.tensor_count = tensor_count, .count = count};
    n->parameters.weights = hand_out(&cursor, count * sizeof(float));
    n->parameters.velocity = hand_out(&cursor, count * sizeof(float));
    if (n->type == TENSOR_BF16)
        n->parameters.rounded = hand_out(&cursor, tensor_count * n->element_bytes);
    n->parameters.tensor_gradients = n->tensor_gradients = hand_out(&cursor, tensor_count * n->element_bytes);
    n->parameters.gradients = n->gradients = hand_out(&cursor, (count - tensor_count) * sizeof(float));
    n->statistics = hand_out(&cursor, n->layout.statistics.count * sizeof(float));
    n->train_images = hand_out(&cursor, dataset_bytes(config->train));
    n->test_images = hand_out(&cursor, dataset_bytes(config->test));
    n->inputs = hand_out(&cursor, n->input_offsets.bytes);
    n->outputs = hand_out(&cursor, n->output_offsets.bytes);
    n->added = hand_out(&cursor, largest.added);
    n->scratch = hand_out(&cursor, largest.scratch);
    n->workspace = hand_out(&cursor, workspace);
    n->cublas_workspace = hand_out(&cursor, n->cublas_workspace_bytes);
    char *tensors = hand_out(&cursor, plan->bytes);
    n->images = tensors + plan->images;
    for (int i = 0; i < n->layer_count; i++)
        lay_out_layer(n, i, plan, tensors, &cursor, batch);
    /* The logits outlive the step, until they are copied to the host. */
    n->layers[n->layer_count - 1].y = n->outputs + n->output_offsets.logits;
    return cursor.used;
}

/* Bytes that timing takes before the block is there: as much as the largest layer needs. */
struct timing_sizes {
    size_t in, out, weights, bytes;
};

static struct timing_sizes sum_up_timing(const struct compiled_network *n, size_t batch)
{
    struct timing_sizes sizes = {0};
    for (int i = 0; i < n->layer_count; i++) {
        const struct layer *layer = n->layers[i].layer;
        sizes.in = larger(sizes.in, batch * layer_input_size(layer) * n->element_bytes);
        sizes.out = larger(sizes.out, batch * layer_output_size(layer) * n->element_bytes);
        sizes.weights = larger(sizes.weights, (size_t)layer->kernel * layer->kernel * layer->in_channels *
                                                  layer->out_channels * n->element_bytes);
    }
    sizes.bytes = align(sizes.in, ALIGNMENT) + align(sizes.out, ALIGNMENT) + align(sizes.weights, ALIGNMENT) +
                  WORKSPACE_LIMIT;
    return sizes;
}

/* Bytes of device memory that are needed at once for that batch size; n->bytes is the block's. */
static int sum_up(struct compiled_network *n, size_t *bytes, uint32_t batch, size_t workspace)
{
    struct tensor_plan plan;
    int status = tensor_plan_create(&plan, n->config->network, batch, n->element_bytes);
    if (status != TIDY_OK)
        return status;
    n->bytes = lay_out(n, &plan, batch, workspace, NO_BLOCK);
    *bytes = larger(n->bytes, sum_up_timing(n, batch).bytes);
    tensor_plan_destroy(&plan);
    return TIDY_OK;
}

/* Says how much memory is missing, and the largest batch size that would do. */
static int fail_memory(struct compiled_network *n, const struct device *device, size_t needed, size_t available,
                       size_t workspace)
{
    uint32_t fits = 0, too_large = n->config->batch_size;
    while (fits + 1 < too_large) {
        uint32_t batch = fits + (too_large - fits) / 2;
        size_t bytes;
        if (sum_up(n, &bytes, batch, workspace) != TIDY_OK)
            return TIDY_FAILED;
        if (bytes <= available)
            fits = batch;
        else
            too_large = batch;
    }
    char advice[96] = "not even a batch of 1 would fit: --device cpu, or a smaller --net";
    if (fits > 0)
        snprintf(advice, sizeof advice, "--batch-size %" PRIu32 " would fit", fits >= 8 ? fits / 8 * 8 : fits);
    return tidy_fail("out of memory on %s: a batch of %" PRIu32 " needs %.2f GiB, and %.2f GiB can be had; %s",
                     device->name, n->config->batch_size, (double)needed / GIB, (double)available / GIB, advice);
}

/* The most that can be had in one piece; what is free may be in several. */
static size_t find_largest_piece(size_t at_most)
{
    size_t found = 0;
    for (size_t more = at_most / 2; more >= LEAST_PIECE; more /= 2) {
        void *piece;
        if (cudaMalloc(&piece, found + more) == cudaSuccess) {
            cudaFree(piece);
            found += more;
        } else {
            cudaGetLastError();
        }
    }
    return found;
}

/* cudaMalloc, with advice where there is not as much. */
static int take_memory(void **out, struct compiled_network *n, const struct device *device, size_t bytes,
                       size_t workspace)
{
    cudaError_t error = cudaMalloc(out, bytes);
    if (error != cudaErrorMemoryAllocation)
        return check_cuda(error, "taking %.2f GiB of its memory", (double)bytes / GIB);
    cudaGetLastError();
    return fail_memory(n, device, bytes, find_largest_piece(bytes), workspace);
}

int network_memory_check(struct compiled_network *n, const struct device *device, size_t workspace)
{
    size_t needed, available = 0, all;
    n->cublas_workspace_bytes = device->capability >= HOPPER ? CUBLAS_WORKSPACE_HOPPER : CUBLAS_WORKSPACE;
    int status = sum_up(n, &needed, n->config->batch_size, workspace);
    if (status == TIDY_OK)
        status = check_cuda(cudaMemGetInfo(&available, &all), "asking for its free memory");
    available -= available < LIBRARIES_ROOM ? available : LIBRARIES_ROOM;
    /* An integrated device can have more than is free: the host gives up its caches. */
    if (status == TIDY_OK && needed > available && !device->integrated)
        status = fail_memory(n, device, needed, available, workspace);
    return status;
}

int network_memory_take(struct compiled_network *n, struct device *device, size_t workspace)
{
    int status = network_memory_check(n, device, workspace);
    if (status != TIDY_OK)
        return status;
    size_t bytes = n->bytes;
    status = take_memory(&n->block, n, device, bytes, workspace);
    if (status != TIDY_OK)
        return status;

    struct tensor_plan plan;
    status = tensor_plan_create(&plan, n->config->network, n->config->batch_size, n->element_bytes);
    if (status != TIDY_OK)
        return status;
    lay_out(n, &plan, n->config->batch_size, workspace, (uintptr_t)n->block);
    tensor_plan_destroy(&plan);
    status = check_cuda(cudaMemsetAsync(n->block, 0, n->bytes, device->queue.stream), "clearing its memory");
    if (status == TIDY_OK)
        status = check_cublas(cublasSetWorkspace(device->cublas, n->cublas_workspace, n->cublas_workspace_bytes),
                              "giving cuBLAS its memory");
    if (status == TIDY_OK)
        status = device_upload(device, n->train_images, n->config->train->images, dataset_bytes(n->config->train));
    if (status == TIDY_OK)
        status = device_upload(device, n->test_images, n->config->test->images, dataset_bytes(n->config->test));
    return status;
}

/* Fills memory with numbers that are +-(.008 to 2) in bf16, and in float32, whose upper half they are: with zeros, or one value
 * everywhere, convolutions draw less power, and are faster, than in training. The same numbers each MiB. */
static int fill_with_numbers(struct device *device, char *memory, size_t bytes)
{
    enum { NUMBERS = 1 << 19 };
    uint16_t *numbers;
    int status = memory_allocate(&numbers, NUMBERS, sizeof *numbers, "numbers to time convolutions with");
    if (status != TIDY_OK)
        return status;
    struct random_stream random = random_open(0, RANDOM_WEIGHTS, 0);
    for (size_t i = 0; i < NUMBERS; i++)
        numbers[i] = (uint16_t)(0x3c00 | (random_bits(&random) & 0x83ff));
    for (size_t done = 0; done < bytes && status == TIDY_OK; done += NUMBERS * sizeof *numbers) {
        size_t left = bytes - done, all = NUMBERS * sizeof *numbers;
        status = device_upload(device, memory + done, numbers, left < all ? left : all);
    }
    free(numbers);
    return status;
}

int network_memory_take_timing(struct plan_timing *timing, void **block, struct compiled_network *n,
                               struct device *device)
{
    struct timing_sizes sizes = sum_up_timing(n, n->counts[BATCH_WHOLE]);
    int status = take_memory(block, n, device, sizes.bytes, 0);
    if (status != TIDY_OK)
        return status;
    status = fill_with_numbers(device, *block, sizes.bytes - WORKSPACE_LIMIT);
    struct cursor cursor = {.block = (uintptr_t)*block};
    *timing = (struct plan_timing){.handle = device->cudnn, .stream = device->queue.stream};
    timing->in = hand_out(&cursor, sizes.in);
    timing->out = hand_out(&cursor, sizes.out);
    timing->weights = hand_out(&cursor, sizes.weights);
    timing->workspace = hand_out(&cursor, WORKSPACE_LIMIT);
    return status;
}
