/* Promises of the simulated cuDNN's engines: each computes each pass of a convolution, to the accuracy that its
 * notes say, and no more alike from run to run than they say. */
#include "tests/support/support.h"

#include <cuda_runtime_api.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/random.h"
#include "kernels/bf16.h"
#include "tests/gpu/simulated/cudnn_fixture.h"

enum { PLAIN, TENSOR_CORE, SPLIT, ENGINES };

/* All values of the three tensors, the one that the pass writes filled with what it must not read. */
struct numbers {
    float *values[FIXTURE_TENSORS];
    double *expected, *terms; /* of the output: sums, and sums of magnitudes */
    float *got;
};

static int output_of(int pass)
{
    static const int outputs[] = {FIXTURE_Y, FIXTURE_X, FIXTURE_W};
    return outputs[pass];
}

/* A plain loop over every product, in double. */
static void add_products(const struct fixture_shape *s, struct numbers *numbers)
{
    int64_t out_height = fixture_out_size(s, s->height), out_width = fixture_out_size(s, s->width);
    for (int64_t n = 0; n < s->count; n++)
        for (int64_t k = 0; k < s->out_channels; k++)
            for (int64_t oy = 0; oy < out_height; oy++)
                for (int64_t ox = 0; ox < out_width; ox++)
                    for (int64_t c = 0; c < s->in_channels; c++)
                        for (int64_t fy = 0; fy < s->kernel; fy++)
                            for (int64_t fx = 0; fx < s->kernel; fx++) {
                                int64_t iy = oy * s->stride + fy - s->padding,
                                        ix = ox * s->stride + fx - s->padding;
                                if (iy < 0 || iy >= s->height || ix < 0 || ix >= s->width)
                                    continue;
                                int64_t at[FIXTURE_TENSORS] = {
                                    ((n * s->height + iy) * s->width + ix) * s->in_channels + c,
                                    ((k * s->kernel + fy) * s->kernel + fx) * s->in_channels + c,
                                    ((n * out_height + oy) * out_width + ox) * s->out_channels + k};
                                double product = 1;
                                for (int t = 0; t < FIXTURE_TENSORS; t++)
                                    if (t != output_of(s->pass))
                                        product *= (double)numbers->values[t][at[t]];
                                numbers->expected[at[output_of(s->pass)]] += product;
                                numbers->terms[at[output_of(s->pass)]] += fabs(product);
                            }
}

static void numbers_create(struct numbers *out, const struct fixture_shape *s)
{
    struct random_stream random = random_open(7, RANDOM_WEIGHTS, (uint64_t)s->pass);
    for (int t = 0; t < FIXTURE_TENSORS; t++) {
        size_t count = fixture_values(s, t);
        out->values[t] = calloc(count, sizeof(float));
        for (size_t i = 0; i < count; i++) {
            float value = (float)(random_uniform(&random) - 0.5);
            out->values[t][i] = t == output_of(s->pass) ? NAN
                                : s->bf16               ? bf16_to_float(bf16_from_float(value))
                                                        : value;
        }
    }
    size_t count = fixture_values(s, output_of(s->pass));
    out->expected = calloc(count, sizeof(double));
    out->terms = calloc(count, sizeof(double));
    out->got = calloc(count, sizeof(float));
    add_products(s, out);
}

static void numbers_destroy(struct numbers *numbers)
{
    for (int t = 0; t < FIXTURE_TENSORS; t++)
        free(numbers->values[t]);
    free(numbers->expected);
    free(numbers->terms);
    free(numbers->got);
}

static void run(struct fixture *fixture, struct numbers *numbers, cudnnBackendDescriptor_t plan)
{
    void *workspace = NULL;
    int64_t bytes = fixture_workspace(plan);
    if (bytes > 0)
        assert_int_equal(cudaMalloc(&workspace, (size_t)bytes), cudaSuccess);
    for (int t = 0; t < FIXTURE_TENSORS; t++)
        fixture_write(fixture, t, numbers->values[t]);
    assert_int_equal(fixture_execute(fixture, plan, fixture->tensors, workspace), CUDNN_STATUS_SUCCESS);
    fixture_read(fixture, output_of(fixture->shape.pass), numbers->got);
    if (bytes > 0)
        assert_int_equal(cudaFree(workspace), cudaSuccess);
}

/* The largest error, as a share of the sum of the magnitudes that were added. */
static double error_of(const struct fixture_shape *s, const struct numbers *numbers)
{
    double most = 0;
    for (size_t i = 0; i < fixture_values(s, output_of(s->pass)); i++) {
        double error = fabs((double)numbers->got[i] - numbers->expected[i]) / (numbers->terms[i] + 1e-30);
        assert_true(isfinite(numbers->got[i]));
        most = fmax(most, error);
    }
    return most;
}

static const struct fixture_shape shapes[] = {
    {.count = 2,
     .height = 6,
     .width = 6,
     .in_channels = 8,
     .out_channels = 12,
     .kernel = 3,
     .stride = 1,
     .padding = 1},
    {.count = 3,
     .height = 7,
     .width = 5,
     .in_channels = 8,
     .out_channels = 4,
     .kernel = 3,
     .stride = 2,
     .padding = 1},
    {.count = 2,
     .height = 8,
     .width = 8,
     .in_channels = 1,
     .out_channels = 8,
     .kernel = 3,
     .stride = 1,
     .padding = 1},
    {.count = 2,
     .height = 5,
     .width = 5,
     .in_channels = 16,
     .out_channels = 8,
     .kernel = 1,
     .stride = 1,
     .padding = 0},
    {.count = 2,
     .height = 6,
     .width = 6,
     .in_channels = 4,
     .out_channels = 8,
     .kernel = 1,
     .stride = 2,
     .padding = 0},
    {.count = 2,
     .height = 7,
     .width = 9,
     .in_channels = 3,
     .out_channels = 5,
     .kernel = 5,
     .stride = 1,
     .padding = 2},
    {.count = 1,
     .height = 12,
     .width = 12,
     .in_channels = 1,
     .out_channels = 8,
     .kernel = 7,
     .stride = 2,
     .padding = 3},
    {.count = 9,
     .height = 2,
     .width = 2,
     .in_channels = 8,
     .out_channels = 8,
     .kernel = 3,
     .stride = 1,
     .padding = 1},
    {.count = 2,
     .height = 6,
     .width = 6,
     .in_channels = 3,
     .out_channels = 3,
     .kernel = 3,
     .stride = 1,
     .padding = 0},
};

/* Errors as shares of the magnitudes: float32 sums of some hundred terms; TF32's two inputs, rounded by up to
 * 2^-11 each; a bf16 output, by up to 2^-8. */
static void test_every_engine_computes_every_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        for (int bf16 = 0; bf16 < 2; bf16++)
            for (int pass = 0; pass < 3; pass++) {
                struct fixture_shape shape = shapes[i];
                struct fixture fixture;
                struct numbers numbers;
                shape.pass = pass;
                shape.bf16 = bf16 != 0;
                numbers_create(&numbers, &shape);
                fixture_create(&fixture, &shape);
                for (int engine = 0; engine < ENGINES; engine++) {
                    cudnnStatus_t status;
                    cudnnBackendDescriptor_t plan = fixture_plan(&fixture, engine, -1, 0, &status);
                    assert_int_equal(status, CUDNN_STATUS_SUCCESS);
                    run(&fixture, &numbers, plan);
                    double bound = bf16 ? 1.0 / 250 : engine == TENSOR_CORE ? 1.0 / 1024 : 1e-5;
                    double error = error_of(&shape, &numbers);
                    if (error > bound)
                        fail_msg("shape %zu, bf16 %d, pass %d, engine %d: error %g", i, bf16, pass, engine, error);
                    cudnnBackendDestroyDescriptor(plan);
                }
                fixture_destroy(&fixture);
                numbers_destroy(&numbers);
            }
}

static const struct fixture_shape one_shape = {.count = 2,
                                               .height = 6,
                                               .width = 6,
                                               .in_channels = 8,
                                               .out_channels = 12,
                                               .kernel = 3,
                                               .stride = 1,
                                               .padding = 1};

static void test_the_tensor_core_engine_rounds_its_inputs_to_tf32(void **state)
{
    (void)state;
    struct fixture fixture;
    struct numbers numbers;
    cudnnStatus_t status;
    numbers_create(&numbers, &one_shape);
    fixture_create(&fixture, &one_shape);
    cudnnBackendDescriptor_t plan = fixture_plan(&fixture, TENSOR_CORE, -1, 0, &status);
    run(&fixture, &numbers, plan);
    assert_true(error_of(&one_shape, &numbers) > 1e-5);
    /* 1 + 2^-11 is half way between two TF32 values and goes to the even one, 1; 1 + 3 x 2^-11 goes to 1 + 2^-9. */
    static const float given[] = {1 + 1.0f / 2048, 1 + 3.0f / 2048}, rounded[] = {1, 1 + 1.0f / 512};
    for (int i = 0; i < 2; i++) {
        for (size_t v = 0; v < fixture_values(&one_shape, FIXTURE_X); v++)
            numbers.values[FIXTURE_X][v] = v == 0 ? given[i] : 0;
        for (size_t v = 0; v < fixture_values(&one_shape, FIXTURE_W); v++)
            numbers.values[FIXTURE_W][v] = 1;
        run(&fixture, &numbers, plan);
        assert_true(numbers.got[0] == rounded[i]);
    }
    cudnnBackendDestroyDescriptor(plan);
    fixture_destroy(&fixture);
    numbers_destroy(&numbers);
}

/* Whether two runs of an engine give the same bits, for each pass. */
static bool repeats(int engine, int pass)
{
    struct fixture_shape shape = one_shape;
    struct fixture fixture;
    struct numbers numbers;
    cudnnStatus_t status;
    shape.pass = pass;
    /* All of the images, channels and out channels are summed over in more than two parts. */
    shape.count = 8;
    numbers_create(&numbers, &shape);
    fixture_create(&fixture, &shape);
    cudnnBackendDescriptor_t plan =
        fixture_plan(&fixture, engine, engine == SPLIT ? CUDNN_KNOB_TYPE_SPLIT_K_SLC : -1, 4, &status);
    size_t bytes = fixture_values(&shape, output_of(pass)) * sizeof(float);
    float *first = malloc(bytes);
    run(&fixture, &numbers, plan);
    memcpy(first, numbers.got, bytes);
    run(&fixture, &numbers, plan);
    bool same = memcmp(first, numbers.got, bytes) == 0;
    free(first);
    cudnnBackendDestroyDescriptor(plan);
    fixture_destroy(&fixture);
    numbers_destroy(&numbers);
    return same;
}

static void test_only_the_engine_that_says_so_is_nondeterministic(void **state)
{
    (void)state;
    for (int pass = 0; pass < 3; pass++)
        for (int engine = 0; engine < ENGINES; engine++)
            assert_int_equal(repeats(engine, pass), engine != SPLIT);
}

static void test_engines_and_knobs_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    cudnnStatus_t status;
    fixture_create(&fixture, &one_shape);
    assert_null(fixture_plan(&fixture, 3, -1, 0, &status));
    assert_int_equal(status, CUDNN_STATUS_NOT_SUPPORTED);
    assert_null(fixture_plan(&fixture, SPLIT, CUDNN_KNOB_TYPE_SPLIT_K_SLC, 3, &status));
    assert_int_equal(status, CUDNN_STATUS_NOT_SUPPORTED);
    assert_null(fixture_plan(&fixture, PLAIN, CUDNN_KNOB_TYPE_STAGES, 1, &status));
    assert_int_equal(status, CUDNN_STATUS_NOT_SUPPORTED);
    fixture_destroy(&fixture);
}

static void test_a_captured_plan_runs_in_each_launch_of_the_graph(void **state)
{
    (void)state;
    struct fixture fixture;
    struct numbers numbers;
    cudnnStatus_t status;
    cudaGraph_t graph;
    cudaGraphExec_t instance;
    numbers_create(&numbers, &one_shape);
    fixture_create(&fixture, &one_shape);
    cudnnBackendDescriptor_t plan = fixture_plan(&fixture, PLAIN, -1, 0, &status);
    assert_int_equal(cudaStreamBeginCapture(fixture.stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    assert_int_equal(fixture_execute(&fixture, plan, fixture.tensors, NULL), CUDNN_STATUS_SUCCESS);
    assert_int_equal(cudaStreamEndCapture(fixture.stream, &graph), cudaSuccess);
    assert_int_equal(cudaGraphInstantiate(&instance, graph, 0), cudaSuccess);
    for (int i = 0; i < 2; i++) {
        for (int t = 0; t < FIXTURE_TENSORS; t++)
            fixture_write(&fixture, t, numbers.values[t]);
        assert_int_equal(cudaGraphLaunch(instance, fixture.stream), cudaSuccess);
        fixture_read(&fixture, FIXTURE_Y, numbers.got);
        assert_true(error_of(&one_shape, &numbers) < 1e-5);
    }
    assert_int_equal(cudaGraphExecDestroy(instance), cudaSuccess);
    assert_int_equal(cudaGraphDestroy(graph), cudaSuccess);
    cudnnBackendDestroyDescriptor(plan);
    fixture_destroy(&fixture);
    numbers_destroy(&numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_engine_computes_every_pass),
        cmocka_unit_test(test_the_tensor_core_engine_rounds_its_inputs_to_tf32),
        cmocka_unit_test(test_only_the_engine_that_says_so_is_nondeterministic),
        cmocka_unit_test(test_engines_and_knobs_that_do_not_exist_are_refused),
        cmocka_unit_test(test_a_captured_plan_runs_in_each_launch_of_the_graph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
