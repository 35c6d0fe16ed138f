/* Enqueues a step's kernels, convolutions and products layer by layer, and captures them. */
#include "record/cuda/step_program.h"

#include "common/error.h"
#include "record/cuda/library_error.h"

/* A program while it is enqueued. */
struct enqueuing {
    struct compiled_network *n;
    struct device *device;
    const struct gpu_queue *queue;
    int batch;
    uint32_t count;
    bool training;
    const struct dataset *data;
    const uint8_t *images; /* data's, on the device */
};

/* The kernels' error code as a message. */
static int check_kernel(int error, const char *kernel)
{
    return check_cuda((cudaError_t)error, "starting the kernel of %s", kernel);
}

static struct compiled_layer *layer_at(const struct enqueuing *e, int index)
{
    return &e->n->layers[index];
}

static void *input_of(const struct enqueuing *e, const struct layer *layer)
{
    return layer->input == LAYER_IMAGES ? e->n->images : layer_at(e, layer->input)->y;
}

static size_t rows_of(const struct enqueuing *e, const struct layer *layer)
{
    return e->count * layer_output_pixels(layer);
}

/* ---- the linear layer ---------------------------------------------------------------------------------- */

/* A product's operand as cuBLAS sees it: column-major, so that a row-major [rows][columns] array is its transpose, with
 * `columns` rows. */
struct operand {
    const void *values;
    bool transposed;
    uint32_t columns; /* of the row-major array: the leading dimension */
    cudaDataType_t type;
};

/* c (m x n, column-major) = a b, or c + a b where `accumulate`; a is m x k and b is k x n. */
static int multiply(const struct enqueuing *e, void *c, cudaDataType_t c_type, struct operand a, struct operand b,
                    uint32_t m, uint32_t n, uint32_t k, bool accumulate)
{
    const float one = 1, kept = accumulate ? 1 : 0;
    /* Pedantic: not by way of bf16, as cuBLAS may on the newest devices. */
    static const cublasComputeType_t computes[] = {
        [PRECISION_F32] = CUBLAS_COMPUTE_32F_PEDANTIC,
        [PRECISION_TF32] = CUBLAS_COMPUTE_32F_FAST_TF32,
        [PRECISION_BF16] = CUBLAS_COMPUTE_32F,
    };
    return check_cublas(cublasGemmEx(e->device->cublas, a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
                                     b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, (int)m, (int)n, (int)k, &one,
                                     a.values, a.type, (int)a.columns, b.values, b.type, (int)b.columns, &kept, c,
                                     c_type, (int)m, computes[e->n->config->precision], CUBLAS_GEMM_DEFAULT),
                        "multiplying for the linear layer");
}

static cudaDataType_t tensor_type(const struct enqueuing *e)
{
    return e->n->type == TENSOR_BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

/* y [count][out] = x [count][in] w [in][out] + bias; in columns: y' = w' x'. */
static int linear_forward(const struct enqueuing *e, const struct compiled_layer *l)
{
    uint32_t inputs = (uint32_t)layer_input_size(l->layer), outputs = l->layer->out_channels;
    struct operand w = {l->weights, false, outputs, tensor_type(e)};
    struct operand x = {input_of(e, l->layer), false, inputs, tensor_type(e)};
    int status = multiply(e, l->y, CUDA_R_32F, w, x, outputs, e->count, inputs, false);
    if (status == TIDY_OK)
        status = check_kernel(gpu_linear_add_bias(e->queue, l->y, l->shift, e->count, outputs), "a bias");
    return status;
}

/* dx = dy w^T; dw = x^T dy; in columns: dx' = w dy', dw' = dy' x. */
static int linear_backward(const struct enqueuing *e, const struct compiled_layer *l)
{
    uint32_t inputs = (uint32_t)layer_input_size(l->layer), outputs = l->layer->out_channels;
    cudaDataType_t type = tensor_type(e);
    struct operand dy = {l->dy, false, outputs, type};
    int status = check_kernel(gpu_linear_bias_gradient(e->queue, e->n->type, l->d_shift, l->dy, e->count, outputs),
                              "a bias's gradient");
    if (status == TIDY_OK)
        status = multiply(e, l->d_weights, type, dy, (struct operand){input_of(e, l->layer), true, inputs, type},
                          outputs, inputs, e->count, false);
    if (status == TIDY_OK && l->layer->input != LAYER_IMAGES)
        status =
            multiply(e, layer_at(e, l->layer->input)->dy, type, (struct operand){l->weights, true, outputs, type},
                     dy, inputs, e->count, outputs, l->accumulate_input);
    return status;
}

/* ---- convolutions -------------------------------------------------------------------------------------- */

static int convolve(const struct enqueuing *e, int index, enum convolution_pass pass, void *in, void *out,
                    void *weights)
{
    return convolution_plan_run(e->n->plans[index][e->batch][pass], e->device->cudnn, in, out, weights,
                                e->n->workspace);
}

static int convolution_forward(const struct enqueuing *e, int index)
{
    const struct compiled_layer *l = layer_at(e, index);
    const struct layer *layer = l->layer;
    const void *shortcut = layer->shortcut == LAYER_NONE ? NULL : layer_at(e, layer->shortcut)->y;
    int status = convolve(e, index, CONVOLUTION_FORWARD, input_of(e, layer), l->product, l->weights);
    if (status != TIDY_OK)
        return status;
    int error;
    if (e->training)
        error = gpu_batch_norm_forward(e->queue, e->n->type, l->y, l->mean, l->inverse_std, l->running_mean,
                                       l->running_variance, l->product, shortcut, l->scale, l->shift, e->n->scratch,
                                       rows_of(e, layer), layer->out_channels, layer->relu);
    else
        error = gpu_batch_norm_inference(e->queue, e->n->type, l->y, l->running_mean, l->running_variance,
                                         l->product, shortcut, l->scale, l->shift, rows_of(e, layer),
                                         layer->out_channels, layer->relu);
    return check_kernel(error, "batch norm");
}

static int convolution_backward(const struct enqueuing *e, int index)
{
    const struct compiled_layer *l = layer_at(e, index);
    const struct layer *layer = l->layer;
    void *d_shortcut = layer->shortcut == LAYER_NONE ? NULL : layer_at(e, layer->shortcut)->dy;
    int status = check_kernel(
        gpu_batch_norm_backward(e->queue, e->n->type, l->dy, d_shortcut, l->accumulate_shortcut, l->d_scale,
                                l->d_shift, l->dy, l->product, l->y, l->scale, l->mean, l->inverse_std,
                                e->n->scratch, rows_of(e, layer), layer->out_channels, layer->relu),
        "batch norm's gradient");
    if (status == TIDY_OK && layer->input != LAYER_IMAGES) {
        /* Plans store their output: a gradient that another layer has begun is added to. */
        void *dx = layer_at(e, layer->input)->dy;
        void *gradient = l->accumulate_input ? e->n->added : dx;
        status = convolve(e, index, CONVOLUTION_BACKWARD_DATA, gradient, l->dy, l->weights);
        if (status == TIDY_OK && l->accumulate_input)
            status = check_kernel(gpu_add(e->queue, e->n->type, dx, gradient, e->count * layer_input_size(layer)),
                                  "a sum");
    }
    if (status == TIDY_OK)
        status = convolve(e, index, CONVOLUTION_BACKWARD_WEIGHTS, input_of(e, layer), l->dy, l->d_weights);
    return status;
}

/* ---- layers -------------------------------------------------------------------------------------------- */

static int forward_layer(const struct enqueuing *e, int index)
{
    const struct compiled_layer *l = layer_at(e, index);
    const struct layer *layer = l->layer;
    struct pool_shape shape = layer_pool_shape(layer);
    switch (layer->kind) {
    case LAYER_CONVOLUTION:
        return convolution_forward(e, index);
    case LAYER_LINEAR:
        return linear_forward(e, l);
    case LAYER_MAX_POOL:
        return check_kernel(
            gpu_max_pool_forward(e->queue, e->n->type, l->y, l->winner, input_of(e, layer), e->count, &shape),
            "a max pool");
    case LAYER_AVERAGE_POOL:
        return check_kernel(gpu_average_pool_forward(e->queue, e->n->type, l->y, input_of(e, layer), e->count,
                                                     layer->in_height * layer->in_width, layer->in_channels),
                            "an average pool");
    }
    return TIDY_OK;
}

static int backward_layer(const struct enqueuing *e, int index)
{
    const struct compiled_layer *l = layer_at(e, index);
    const struct layer *layer = l->layer;
    struct pool_shape shape = layer_pool_shape(layer);
    if (layer->kind == LAYER_CONVOLUTION)
        return convolution_backward(e, index);
    if (layer->kind == LAYER_LINEAR)
        return linear_backward(e, l);
    if (layer->input == LAYER_IMAGES)
        return TIDY_OK;
    void *dx = layer_at(e, layer->input)->dy;
    if (layer->kind == LAYER_MAX_POOL)
        return check_kernel(gpu_max_pool_backward(e->queue, e->n->type, dx, l->dy, l->winner, e->count, &shape),
                            "a max pool's gradient");
    return check_kernel(gpu_average_pool_backward(e->queue, e->n->type, dx, l->dy, e->count,
                                                  layer->in_height * layer->in_width, layer->in_channels),
                        "an average pool's gradient");
}

/* ---- programs ------------------------------------------------------------------------------------------ */

static int enqueue(const struct enqueuing *e)
{
    struct compiled_network *n = e->n;
    const struct network *network = n->config->network;
    const struct dataset *data = e->data;
    const struct step_inputs *in = &n->input_offsets;
    const struct step_outputs *out = &n->output_offsets;
    const float *learning_rate = (const float *)(n->inputs + in->learning_rate);
    const uint32_t *samples = (const uint32_t *)(n->inputs + in->samples);
    const uint16_t *labels = (const uint16_t *)(n->inputs + in->labels);

    int status =
        check_kernel(gpu_gather_images(e->queue, n->type, n->images, e->images, samples, e->count, data->height,
                                       data->width, data->channels, network->height, network->width),
                     "the images");
    for (int i = 0; i < n->layer_count && status == TIDY_OK; i++)
        status = forward_layer(e, i);
    const struct compiled_layer *top = layer_at(e, n->layer_count - 1);
    if (status == TIDY_OK)
        status = check_kernel(gpu_softmax_cross_entropy(
                                  e->queue, n->type, e->training ? top->dy : NULL,
                                  (uint16_t *)(n->outputs + out->predicted), (float *)(n->outputs + out->margin),
                                  (float *)(n->outputs + out->log_odds), (float *)(n->outputs + out->loss), top->y,
                                  labels, e->count, network->classes),
                              "the loss");
    for (int i = n->layer_count - 1; i >= 0 && e->training && status == TIDY_OK; i--)
        status = backward_layer(e, i);
    if (status == TIDY_OK && e->training)
        status = check_kernel(gpu_momentum_update(e->queue, n->type, &n->parameters, learning_rate,
                                                  n->config->momentum, n->config->weight_decay),
                              "the update");
    return status;
}

int step_program_create(struct step_program *out, struct compiled_network *network, struct device *device,
                        enum program_kind kind, int batch)
{
    *out = (struct step_program){.device = device};
    bool test = kind == PROGRAM_EVALUATE;
    struct enqueuing e = {
        .n = network,
        .device = device,
        .queue = &device->queue,
        .batch = batch,
        .count = network->counts[batch],
        .training = kind == PROGRAM_TRAIN,
        .data = test ? network->config->test : network->config->train,
        .images = test ? network->test_images : network->train_images,
    };
    int status = enqueue(&e);
    if (status == TIDY_OK)
        status = device_wait(device, "running the first step");
    if (status != TIDY_OK)
        return status;

    static const char doing[] = "capturing a step";
    cudaStream_t stream = device->queue.stream;
    cudaGraph_t graph = NULL;
    status = check_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), doing);
    if (status != TIDY_OK)
        return status;
    status = enqueue(&e);
    /* A capture is ended in every case: the stream takes nothing else before. */
    cudaError_t error = cudaStreamEndCapture(stream, &graph);
    if (status == TIDY_OK)
        status = check_cuda(error, doing);
    if (status == TIDY_OK)
        status = check_cuda(cudaGraphInstantiate(&out->graph, graph, 0), doing);
    if (graph != NULL)
        cudaGraphDestroy(graph);
    return status;
}

void step_program_destroy(struct step_program *program)
{
    if (program->graph != NULL)
        cudaGraphExecDestroy(program->graph);
    *program = (struct step_program){0};
}

int step_program_launch(const struct step_program *program)
{
    return check_cuda(cudaGraphLaunch(program->graph, program->device->queue.stream), "starting a step");
}
