/* Lists a step's kernels in the order of record/cuda's trainer: gather, layers forward, softmax, layers
 * backward, update. */
#include "tests/bench/gpu_step.h"

#include <math.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "tests/bench/gpu_layer.h"

const char *const step_pass_names[STEP_PASSES] = {
    "copies",       "gather",        "forward", "data gradient", "weight gradient", "norm forward", "norm backward",
    "pool forward", "pool backward", "add",     "bias",          "softmax",         "momentum",
};

/* Tensors of each layer, and those of the whole step after them. */
enum {
    PRODUCT,
    OUTPUT,
    GRADIENT, /* of OUTPUT; batch norm's backward turns it into PRODUCT's in place */
    SECOND,   /* a second gradient of the layer's input, before it is added */
    WINNER,
    MASK,
    WEIGHTS,
    VELOCITY,
    ROUNDED, /* the weights in bf16 */
    WEIGHT_GRADIENT,
    VECTORS, /* scale and shift, with their velocity: float32 */
    VECTOR_GRADIENTS,
    LAYER_TENSORS
};
enum { DATA_SET, IMAGES, RESULTS, STEP_TENSORS };

/* Operations on each value, exponentials and comparisons counted as one. */
enum {
    SUM_FLOP = 4,          /* subtract a shift, add, square, add */
    NORMALISE_FLOP = 4,    /* scale, shift, shortcut, ReLU */
    GRADIENT_SUM_FLOP = 6, /* mask, normalised x (2), add, multiply, add */
    GRADIENT_FLOP = 7,     /* mask, normalised x (2), two corrections (3), scale */
    SOFTMAX_FLOP = 8,
    MOMENTUM_FLOP = 6
};

/* As kernels/batch_norm.cu: few rows are one launch, which reads its inputs twice all the same; for many rows one
 * launch takes partial sums and another adds them. */
enum { ONE_LAUNCH_ROWS = 1024, SUM_LAUNCHES = 2 };

struct builder {
    struct gpu_step *step;
    const struct network *network;
    double batch, value_bytes;
    bool bf16;
    unsigned changes;
    bool *begun; /* [layers]: a gradient of this layer's output has been written */
    int status;
};

static int layer_tensor(int layer, int tensor)
{
    return layer * LAYER_TENSORS + tensor;
}

static int step_tensor(const struct builder *b, int tensor)
{
    return b->network->layer_count * LAYER_TENSORS + tensor;
}

static int output_of(const struct builder *b, int layer)
{
    return layer == LAYER_IMAGES ? step_tensor(b, IMAGES) : layer_tensor(layer, OUTPUT);
}

static int weights_read(const struct builder *b, int layer)
{
    return layer_tensor(layer, b->bf16 ? ROUNDED : WEIGHTS);
}

static void add_kernel(struct builder *b, struct step_kernel kernel)
{
    struct gpu_step *step = b->step;
    if (b->status == TIDY_OK)
        b->status = memory_grow(&step->kernels, &step->kernel_room, step->kernel_count + 1, sizeof *step->kernels,
                                "a step's kernels");
    if (b->status != TIDY_OK)
        return;
    kernel.first_access = step->access_count;
    kernel.plain_flop = kernel.plain_flop > 0 ? kernel.plain_flop : kernel.flop;
    step->kernels[step->kernel_count++] = kernel;
}

/* The last kernel reads or writes a tensor. */
static void add_access(struct builder *b, int tensor, bool write)
{
    struct gpu_step *step = b->step;
    if (b->status == TIDY_OK)
        b->status = memory_grow(&step->accesses, &step->access_room, step->access_count + 1, sizeof *step->accesses,
                                "a step's accesses");
    if (b->status != TIDY_OK)
        return;
    step->accesses[step->access_count++] = (struct step_access){.tensor = tensor, .write = write};
    step->kernels[step->kernel_count - 1].access_count++;
}

static void reads(struct builder *b, int tensor)
{
    add_access(b, tensor, false);
}

static void writes(struct builder *b, int tensor)
{
    add_access(b, tensor, true);
}

/* The matrix product of a pass: the same count for all three. */
static struct step_kernel product(const struct builder *b, int index, enum step_pass pass)
{
    const struct layer *layer = &b->network->layers[index];
    return (struct step_kernel){.pass = pass,
                                .layer = index,
                                .matrix = true,
                                .flop = 2 * b->batch * layer_products(layer, false),
                                .plain_flop = 2 * b->batch * layer_products(layer, true),
                                .launches = 1};
}

static struct step_kernel elementwise(int index, enum step_pass pass, double flop)
{
    return (struct step_kernel){.pass = pass, .layer = index, .flop = flop, .launches = 1};
}

static void size_tensors(const struct builder *b)
{
    struct step_tensor *tensors = b->step->tensors;
    for (int i = 0; i < b->network->layer_count; i++) {
        const struct layer *layer = &b->network->layers[i];
        double in = b->batch * layer_input_values(layer), out = b->batch * layer_output_values(layer);
        double weights = layer_weights(layer), vectors = layer_vectors(layer);
        struct step_tensor *own = &tensors[layer_tensor(i, 0)];
        own[PRODUCT].bytes = own[GRADIENT].bytes = out * b->value_bytes;
        own[OUTPUT].bytes = out * (layer->kind == LAYER_LINEAR ? sizeof(float) : b->value_bytes);
        own[SECOND].bytes = in * b->value_bytes;
        own[WINNER].bytes = out;
        own[MASK].bytes = ceil(out / 8);
        own[WEIGHTS].bytes = own[VELOCITY].bytes = weights * sizeof(float);
        own[ROUNDED].bytes = weights * sizeof(uint16_t);
        own[WEIGHT_GRADIENT].bytes = weights * b->value_bytes;
        own[VECTORS].bytes = 2 * vectors * sizeof(float);
        own[VECTOR_GRADIENTS].bytes = vectors * sizeof(float);
    }
    double pixels = (double)b->network->height * b->network->width * b->network->channels;
    tensors[step_tensor(b, DATA_SET)] = (struct step_tensor){.bytes = b->batch * pixels, .fresh = true};
    tensors[step_tensor(b, IMAGES)].bytes = b->batch * pixels * b->value_bytes;
    /* predicted (2 bytes), margin, log-odds, loss */
    tensors[step_tensor(b, RESULTS)].bytes = b->batch * (sizeof(uint16_t) + 3 * sizeof(float));
}

/* Batch norm's kernel for the sums, which where rows are few is the one for the values too; and the one for the
 * values, unless it is there already. The caller adds what they read and write. */
static void first_norm_kernel(struct builder *b, int index, enum step_pass pass, double sum_flop, double value_flop)
{
    const struct layer *layer = &b->network->layers[index];
    double rows = b->batch * layer->out_height * layer->out_width, values = rows * layer->out_channels;
    struct step_kernel kernel = elementwise(index, pass, sum_flop * values);
    if (rows <= ONE_LAUNCH_ROWS)
        kernel.flop += value_flop * values;
    else
        kernel.launches = SUM_LAUNCHES;
    add_kernel(b, kernel);
}

static void second_norm_kernel(struct builder *b, int index, enum step_pass pass, double value_flop,
                               bool after_sums)
{
    const struct layer *layer = &b->network->layers[index];
    double rows = b->batch * layer->out_height * layer->out_width;
    if (!after_sums || rows > ONE_LAUNCH_ROWS)
        add_kernel(b, elementwise(index, pass, value_flop * rows * layer->out_channels));
}

static void norm_forward(struct builder *b, int index)
{
    const struct layer *layer = &b->network->layers[index];
    bool sums = !(b->changes & STEP_STATISTICS_IN_EPILOGUE);
    if (sums) {
        first_norm_kernel(b, index, STEP_NORM_FORWARD, SUM_FLOP, NORMALISE_FLOP);
        reads(b, layer_tensor(index, PRODUCT));
    }
    second_norm_kernel(b, index, STEP_NORM_FORWARD, NORMALISE_FLOP, sums);
    reads(b, layer_tensor(index, PRODUCT));
    if (layer->shortcut != LAYER_NONE)
        reads(b, layer_tensor(layer->shortcut, OUTPUT));
    writes(b, layer_tensor(index, OUTPUT));
    if (layer->relu && (b->changes & STEP_MASK_BITS))
        writes(b, layer_tensor(index, MASK));
}

static void norm_inputs(struct builder *b, int index)
{
    reads(b, layer_tensor(index, GRADIENT));
    reads(b, layer_tensor(index, PRODUCT));
    if (b->network->layers[index].relu)
        reads(b, layer_tensor(index, b->changes & STEP_MASK_BITS ? MASK : OUTPUT));
}

static void norm_backward(struct builder *b, int index)
{
    const struct layer *layer = &b->network->layers[index];
    bool sums = !(b->changes & STEP_NORM_BACKWARD_ONCE);
    if (sums) {
        first_norm_kernel(b, index, STEP_NORM_BACKWARD, GRADIENT_SUM_FLOP, GRADIENT_FLOP);
        norm_inputs(b, index);
    }
    second_norm_kernel(b, index, STEP_NORM_BACKWARD, GRADIENT_FLOP, sums);
    norm_inputs(b, index);
    writes(b, layer_tensor(index, GRADIENT));
    if (layer->shortcut != LAYER_NONE) {
        if (b->begun[layer->shortcut])
            reads(b, layer_tensor(layer->shortcut, GRADIENT));
        writes(b, layer_tensor(layer->shortcut, GRADIENT));
        b->begun[layer->shortcut] = true;
    }
}

static void forward_layer(struct builder *b, int index)
{
    const struct layer *layer = &b->network->layers[index];
    double outputs = b->batch * layer_output_values(layer);
    switch (layer->kind) {
    case LAYER_CONVOLUTION:
        add_kernel(b, product(b, index, STEP_FORWARD));
        reads(b, output_of(b, layer->input));
        reads(b, weights_read(b, index));
        writes(b, layer_tensor(index, PRODUCT));
        norm_forward(b, index);
        break;
    case LAYER_MAX_POOL:
        add_kernel(b, elementwise(index, STEP_POOL_FORWARD, outputs * layer->kernel * layer->kernel));
        reads(b, output_of(b, layer->input));
        writes(b, layer_tensor(index, OUTPUT));
        writes(b, layer_tensor(index, WINNER));
        break;
    case LAYER_AVERAGE_POOL:
        add_kernel(b, elementwise(index, STEP_POOL_FORWARD, b->batch * layer_input_values(layer)));
        reads(b, output_of(b, layer->input));
        writes(b, layer_tensor(index, OUTPUT));
        break;
    case LAYER_LINEAR:
        add_kernel(b, product(b, index, STEP_FORWARD));
        reads(b, output_of(b, layer->input));
        reads(b, weights_read(b, index));
        writes(b, layer_tensor(index, OUTPUT));
        add_kernel(b, elementwise(index, STEP_BIAS, outputs));
        reads(b, layer_tensor(index, OUTPUT));
        writes(b, layer_tensor(index, OUTPUT));
        break;
    }
}

static void data_gradient(struct builder *b, int index)
{
    const struct layer *layer = &b->network->layers[index];
    if (layer->input == LAYER_IMAGES)
        return;
    int gradient = layer_tensor(layer->input, GRADIENT), second = layer_tensor(index, SECOND);
    bool added = b->begun[layer->input], at_once = b->changes & STEP_ADD_IN_DATA_GRADIENT;
    add_kernel(b, product(b, index, STEP_DATA_GRADIENT));
    reads(b, layer_tensor(index, GRADIENT));
    reads(b, weights_read(b, index));
    if (added && at_once)
        reads(b, gradient);
    writes(b, added && !at_once ? second : gradient);
    if (added && !at_once) {
        add_kernel(b, elementwise(index, STEP_ADD, b->batch * layer_input_values(layer)));
        reads(b, gradient);
        reads(b, second);
        writes(b, gradient);
    }
    b->begun[layer->input] = true;
}

/* What the update reads and writes of a layer's weights, their gradient apart. */
static void update_weights(struct builder *b, int index)
{
    reads(b, layer_tensor(index, WEIGHTS));
    reads(b, layer_tensor(index, VELOCITY));
    writes(b, layer_tensor(index, WEIGHTS));
    writes(b, layer_tensor(index, VELOCITY));
    if (b->bf16)
        writes(b, layer_tensor(index, ROUNDED));
}

static void weight_gradient(struct builder *b, int index)
{
    add_kernel(b, product(b, index, STEP_WEIGHT_GRADIENT));
    reads(b, output_of(b, b->network->layers[index].input));
    reads(b, layer_tensor(index, GRADIENT));
    if (b->changes & STEP_UPDATE_IN_WEIGHT_GRADIENT)
        update_weights(b, index);
    else
        writes(b, layer_tensor(index, WEIGHT_GRADIENT));
}

static void backward_layer(struct builder *b, int index)
{
    const struct layer *layer = &b->network->layers[index];
    switch (layer->kind) {
    case LAYER_CONVOLUTION:
        norm_backward(b, index);
        data_gradient(b, index);
        weight_gradient(b, index);
        break;
    case LAYER_LINEAR:
        add_kernel(b, elementwise(index, STEP_BIAS, b->batch * layer_output_values(layer)));
        reads(b, layer_tensor(index, GRADIENT));
        data_gradient(b, index);
        weight_gradient(b, index);
        break;
    case LAYER_MAX_POOL:
    case LAYER_AVERAGE_POOL:
        if (layer->input == LAYER_IMAGES)
            break;
        add_kernel(b, elementwise(index, STEP_POOL_BACKWARD, b->batch * layer_input_values(layer)));
        reads(b, layer_tensor(index, GRADIENT));
        if (layer->kind == LAYER_MAX_POOL)
            reads(b, layer_tensor(index, WINNER));
        writes(b, layer_tensor(layer->input, GRADIENT));
        b->begun[layer->input] = true;
        break;
    }
}

static void momentum(struct builder *b)
{
    double parameters = 0;
    for (int i = 0; i < b->network->layer_count; i++)
        parameters += layer_weights(&b->network->layers[i]) + layer_vectors(&b->network->layers[i]);
    add_kernel(b, elementwise(-1, STEP_MOMENTUM, MOMENTUM_FLOP * parameters));
    for (int i = 0; i < b->network->layer_count; i++) {
        if (layer_vectors(&b->network->layers[i]) <= 0)
            continue;
        if (!(b->changes & STEP_UPDATE_IN_WEIGHT_GRADIENT)) {
            reads(b, layer_tensor(i, WEIGHT_GRADIENT));
            update_weights(b, i);
        }
        reads(b, layer_tensor(i, VECTOR_GRADIENTS));
        reads(b, layer_tensor(i, VECTORS));
        writes(b, layer_tensor(i, VECTORS));
    }
}

static void list_kernels(struct builder *b)
{
    int last = b->network->layer_count - 1;
    double pixels = (double)b->network->height * b->network->width * b->network->channels;
    add_kernel(b, elementwise(-1, STEP_COPIES, 0)); /* in: some hundred bytes */
    add_kernel(b, elementwise(-1, STEP_GATHER, b->batch * pixels));
    reads(b, step_tensor(b, DATA_SET));
    writes(b, step_tensor(b, IMAGES));
    for (int i = 0; i <= last; i++)
        forward_layer(b, i);
    add_kernel(b, elementwise(last, STEP_SOFTMAX, SOFTMAX_FLOP * b->batch * b->network->classes));
    reads(b, layer_tensor(last, OUTPUT));
    writes(b, layer_tensor(last, GRADIENT));
    writes(b, step_tensor(b, RESULTS));
    for (int i = last; i >= 0; i--)
        backward_layer(b, i);
    momentum(b);
    add_kernel(b, elementwise(-1, STEP_COPIES, 0)); /* out */
    reads(b, step_tensor(b, RESULTS));
}

int gpu_step_create(struct gpu_step *out, const struct network *network, uint32_t batch, enum precision precision,
                    unsigned changes)
{
    *out = (struct gpu_step){.tensor_count = (size_t)network->layer_count * LAYER_TENSORS + STEP_TENSORS};
    struct builder b = {
        .step = out,
        .network = network,
        .batch = batch,
        .bf16 = precision == PRECISION_BF16,
        .value_bytes = precision == PRECISION_BF16 ? sizeof(uint16_t) : sizeof(float),
        .changes = changes,
    };
    if ((b.status = memory_allocate(&out->tensors, out->tensor_count, sizeof *out->tensors, "tensors")) ==
            TIDY_OK &&
        (b.status = memory_allocate(&b.begun, (size_t)network->layer_count, sizeof *b.begun, "gradients")) ==
            TIDY_OK) {
        size_tensors(&b);
        list_kernels(&b);
        if (b.status == TIDY_OK)
            b.status = gpu_step_measure_reuse(out);
    }
    free(b.begun);
    if (b.status != TIDY_OK)
        gpu_step_destroy(out);
    return b.status;
}

void gpu_step_destroy(struct gpu_step *step)
{
    free(step->tensors);
    free(step->accesses);
    free(step->kernels);
    *step = (struct gpu_step){0};
}
