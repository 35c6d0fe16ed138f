/* Promises of the CUDA backend's plans on the simulated device: what is chosen runs, computes what the CPU
 * backend does, and keeps to the precision and determinism that were asked for. Run with the simulated
 * libraries on the library path. */
#include "tests/support/support.h"

#include <cuda_runtime_api.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/random.h"
#include "kernels/bf16.h"
#include "record/cpu/convolution.h"
#include "record/cuda/plan_choice.h"

enum { COUNT = 6, MOST_VALUES = 1 << 15, WORKSPACE = 1 << 20 };

static struct plan_timing timing;
static struct onednn *onednn;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(cudaStreamCreateWithFlags(&timing.stream, cudaStreamNonBlocking), cudaSuccess);
    assert_int_equal(cudnnCreate(&timing.handle), CUDNN_STATUS_SUCCESS);
    assert_int_equal(cudnnSetStream(timing.handle, timing.stream), CUDNN_STATUS_SUCCESS);
    void **places[] = {&timing.in, &timing.out, &timing.weights};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        assert_int_equal(cudaMalloc(places[i], MOST_VALUES * sizeof(float)), cudaSuccess);
    assert_int_equal(cudaMalloc(&timing.workspace, WORKSPACE), cudaSuccess);
    return onednn_create(&onednn);
}

static int tear_down(void **state)
{
    (void)state;
    onednn_destroy(onednn);
    void *places[] = {timing.in, timing.out, timing.weights, timing.workspace};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        assert_int_equal(cudaFree(places[i]), cudaSuccess);
    assert_int_equal(cudnnDestroy(timing.handle), CUDNN_STATUS_SUCCESS);
    assert_int_equal(cudaStreamDestroy(timing.stream), cudaSuccess);
    return 0;
}

static struct layer make_layer(uint32_t kernel, uint32_t stride, uint32_t size, uint32_t inputs, uint32_t outputs)
{
    uint32_t padding = (kernel - 1) / 2, out_size = (size + 2 * padding - kernel) / stride + 1;
    return (struct layer){.kind = LAYER_CONVOLUTION,
                          .shortcut = LAYER_NONE,
                          .kernel = kernel,
                          .stride = stride,
                          .padding = padding,
                          .in_height = size,
                          .in_width = size,
                          .in_channels = inputs,
                          .out_height = out_size,
                          .out_width = out_size,
                          .out_channels = outputs};
}

/* The three tensors of a pass; weights as on the device. */
enum { IN, OUT, WEIGHTS, TENSORS };
struct tensors {
    size_t counts[TENSORS];
    float *values[TENSORS];
};

static struct tensors make_tensors(const struct layer *l, bool bf16)
{
    struct tensors t = {{(size_t)COUNT * l->in_height * l->in_width * l->in_channels,
                         (size_t)COUNT * l->out_height * l->out_width * l->out_channels,
                         (size_t)l->kernel * l->kernel * l->in_channels * l->out_channels},
                        {NULL}};
    struct random_stream random = random_open(3, RANDOM_ORDER, l->kernel);
    for (int i = 0; i < TENSORS; i++) {
        assert_true(t.counts[i] <= MOST_VALUES);
        t.values[i] = malloc(t.counts[i] * sizeof(float));
        for (size_t v = 0; v < t.counts[i]; v++) {
            float value = (float)random_normal(&random);
            t.values[i][v] = bf16 ? bf16_to_float(bf16_from_float(value)) : value;
        }
    }
    return t;
}

static void free_tensors(struct tensors *t)
{
    for (int i = 0; i < TENSORS; i++)
        free(t->values[i]);
}

/* [out][kernel][kernel][in] to or from [kernel][kernel][in][out]. */
static void turn_weights(float *to, const float *from, const struct layer *l, bool to_cpu)
{
    size_t taps = (size_t)l->kernel * l->kernel * l->in_channels, outputs = l->out_channels;
    for (size_t o = 0; o < outputs; o++)
        for (size_t i = 0; i < taps; i++)
            if (to_cpu)
                to[i * outputs + o] = from[o * taps + i];
            else
                to[o * taps + i] = from[i * outputs + o];
}

static int output_of(enum convolution_pass pass)
{
    return pass == CONVOLUTION_FORWARD ? OUT : pass == CONVOLUTION_BACKWARD_DATA ? IN : WEIGHTS;
}

/* Replaces the pass's output by what the CPU backend computes. */
static void run_on_cpu(struct tensors *t, const struct layer *l, enum convolution_pass pass)
{
    struct convolution *convolution;
    float *weights = malloc(t->counts[WEIGHTS] * sizeof(float));
    turn_weights(weights, t->values[WEIGHTS], l, true);
    assert_int_equal(convolution_create(&convolution, onednn, l, COUNT, TENSOR_F32), 0);
    if (pass == CONVOLUTION_FORWARD)
        assert_int_equal(convolution_forward(convolution, t->values[OUT], t->values[IN], weights, COUNT), 0);
    else if (pass == CONVOLUTION_BACKWARD_DATA)
        assert_int_equal(
            convolution_backward_data(convolution, t->values[IN], t->values[OUT], weights, COUNT, false), 0);
    else
        assert_int_equal(convolution_backward_weights(convolution, weights, t->values[IN], t->values[OUT], COUNT),
                         0);
    if (pass == CONVOLUTION_BACKWARD_WEIGHTS)
        turn_weights(t->values[WEIGHTS], weights, l, false);
    convolution_destroy(convolution);
    free(weights);
}

/* Copies a tensor's values to or from the device, as its type. */
static void copy(void *device, float *values, size_t count, bool bf16, bool to_device)
{
    void *host;
    size_t bytes = count * (bf16 ? 2 : 4);
    assert_int_equal(cudaMallocHost(&host, bytes), cudaSuccess);
    for (size_t i = 0; to_device && i < count; i++)
        if (bf16)
            ((struct bf16 *)host)[i] = bf16_from_float(values[i]);
        else
            ((float *)host)[i] = values[i];
    assert_int_equal(cudaMemcpyAsync(to_device ? device : host, to_device ? host : device, bytes,
                                     to_device ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost, timing.stream),
                     cudaSuccess);
    assert_int_equal(cudaStreamSynchronize(timing.stream), cudaSuccess);
    for (size_t i = 0; !to_device && i < count; i++)
        values[i] = bf16 ? bf16_to_float(((struct bf16 *)host)[i]) : ((float *)host)[i];
    assert_int_equal(cudaFreeHost(host), cudaSuccess);
}

static void run_on_device(struct tensors *t, const struct convolution_plan *plan, bool bf16,
                          enum convolution_pass pass)
{
    void *places[TENSORS] = {timing.in, timing.out, timing.weights};
    for (int i = 0; i < TENSORS; i++)
        copy(places[i], t->values[i], t->counts[i], bf16, true);
    assert_int_equal(
        convolution_plan_run(plan, timing.handle, timing.in, timing.out, timing.weights, timing.workspace), 0);
    int output = output_of(pass);
    copy(places[output], t->values[output], t->counts[output], bf16, false);
}

/* Errors against the largest value: float32, TF32's 11 bits and bf16's 8. */
static const double bounds[] = {[PRECISION_F32] = 1e-5, [PRECISION_TF32] = 2e-3, [PRECISION_BF16] = 8e-3};

static void check_choice(const struct layer *layer, enum precision precision, bool deterministic)
{
    struct plan_cache *cache;
    assert_int_equal(plan_cache_create(&cache, "Simulated A100 8.0", cudnnGetVersion()), 0);
    for (int pass = 0; pass < CONVOLUTION_PASSES; pass++) {
        struct convolution_request request = {.layer = layer,
                                              .count = COUNT,
                                              .pass = (enum convolution_pass)pass,
                                              .precision = precision,
                                              .deterministic = deterministic,
                                              .workspace_limit = WORKSPACE};
        struct convolution_plan *plan, *again;
        if (plan_choose(&plan, cache, &timing, &request) != 0)
            fail_msg("%s", tidy_error_message());
        bool bf16 = precision == PRECISION_BF16;
        struct tensors cpu = make_tensors(layer, bf16), device = make_tensors(layer, bf16);
        run_on_cpu(&cpu, layer, request.pass);
        run_on_device(&device, plan, bf16, request.pass);
        int output = output_of(request.pass);
        double most = 0;
        for (size_t i = 0; i < cpu.counts[output]; i++)
            most = fmax(most, fabs((double)cpu.values[output][i]));
        for (size_t i = 0; i < cpu.counts[output]; i++)
            assert_near(device.values[output][i], cpu.values[output][i], bounds[precision] * most);
        /* The cache gives the same plan again, without timing. */
        assert_int_equal(plan_choose(&again, cache, &timing, &request), 0);
        assert_string_equal(convolution_plan_text(again), convolution_plan_text(plan));
        /* Engines 1 and 3 of the simulated cuDNN are the tensor core's and the one that never runs, 2 is
         * nondeterministic. */
        const char *text = convolution_plan_text(plan);
        assert_null(strstr(text, "engine 3"));
        if (precision == PRECISION_F32)
            assert_null(strstr(text, "engine 1"));
        if (deterministic)
            assert_null(strstr(text, "engine 2"));
        convolution_plan_destroy(again);
        convolution_plan_destroy(plan);
        free_tensors(&cpu);
        free_tensors(&device);
    }
    plan_cache_destroy(cache);
}

static void check_all_precisions(bool deterministic)
{
    const struct layer layers[] = {make_layer(3, 1, 8, 8, 16), make_layer(3, 2, 8, 8, 16),
                                   make_layer(1, 2, 4, 16, 8), make_layer(7, 2, 16, 1, 8)};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        for (int precision = PRECISION_F32; precision <= PRECISION_BF16; precision++)
            check_choice(&layers[i], (enum precision)precision, deterministic);
}

static void test_chosen_plans_equal_the_cpu_backend(void **state)
{
    (void)state;
    check_all_precisions(false);
}

static void test_deterministic_plans_equal_the_cpu_backend(void **state)
{
    (void)state;
    check_all_precisions(true);
}

static void test_an_engine_that_fails_to_run_is_left_out(void **state)
{
    (void)state;
    setenv("SIMULATED_CUDNN", "bad-engine", 1);
    struct layer layer = make_layer(3, 1, 4, 8, 8);
    check_choice(&layer, PRECISION_TF32, true);
    unsetenv("SIMULATED_CUDNN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chosen_plans_equal_the_cpu_backend),
        cmocka_unit_test(test_deterministic_plans_equal_the_cpu_backend),
        cmocka_unit_test(test_an_engine_that_fails_to_run_is_left_out),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
