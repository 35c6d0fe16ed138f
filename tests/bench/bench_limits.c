/* The machine's own limit for a training step: bench-limits NET BATCH SIZE THREADS. Lines of name, tab, value:
 *   matmul-f32, matmul-bf16   operations/s of oneDNN's matmul primitive, the best of several shapes and runs; bf16 is
 *                             nan where the processor has none
 *   triad                     bytes/s of a[i] = b[i] + s c[i] over three arrays that no cache holds, counted as STREAM
 *                             does (McCalpin 1995): the line of a that is read before it is written is not counted
 *   flop                      operations that the step's results need, padding left out
 *   bytes-f32, bytes-bf16     what the step moves at the least: every tensor that a kernel reads or writes and the last
 *                             cache no longer holds, where all is fused that can be (enum step_change in gpu_step.h)
 *   limit-f32, limit-bf16     seconds: flop over the rate of that precision, plus bytes over the triad's */
#include <math.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/progress.h"
#include "tests/bench/gpu_bound.h"

enum { RUNS = 6, TRIAD_VALUES = 1 << 24 };

/* Rows, columns and inner size of the products tried: square ones, and one of many pixels by the channels of a ResNet's
 * middle stages. */
static const dnnl_dim_t shapes[][3] = {{1024, 1024, 1024}, {2048, 2048, 2048}, {8192, 256, 1024}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static int check(dnnl_status_t status, const char *what)
{
    return status == dnnl_success ? TIDY_OK : tidy_fail("oneDNN: %s failed with status %d", what, (int)status);
}

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t matrix_shape;
static dnnl_status_t make_matrix(matrix_shape *out, dnnl_dim_t rows, dnnl_dim_t columns, dnnl_data_type_t type)
{
    return dnnl_memory_desc_create_with_tag(out, 2, (dnnl_dims_t){rows, columns}, type, dnnl_ab);
}
static void destroy_matrix(matrix_shape *shape)
{
    dnnl_memory_desc_destroy(*shape);
}
static dnnl_status_t describe_product(dnnl_primitive_desc_t *out, dnnl_engine_t engine, const matrix_shape *of)
{
    return dnnl_matmul_primitive_desc_create(out, engine, of[0], of[1], NULL, of[2], NULL);
}
static dnnl_status_t make_memory(dnnl_memory_t *out, const matrix_shape *shape, dnnl_engine_t engine, void *values)
{
    return dnnl_memory_create(out, *shape, engine, values);
}
#else
typedef dnnl_memory_desc_t matrix_shape;
static dnnl_status_t make_matrix(matrix_shape *out, dnnl_dim_t rows, dnnl_dim_t columns, dnnl_data_type_t type)
{
    return dnnl_memory_desc_init_by_tag(out, 2, (dnnl_dims_t){rows, columns}, type, dnnl_ab);
}
static void destroy_matrix(matrix_shape *shape)
{
    (void)shape;
}
static dnnl_status_t describe_product(dnnl_primitive_desc_t *out, dnnl_engine_t engine, const matrix_shape *of)
{
    dnnl_matmul_desc_t description;
    dnnl_status_t status = dnnl_matmul_desc_init(&description, &of[0], &of[1], NULL, &of[2]);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(out, &description, NULL, engine, NULL);
}
static dnnl_status_t make_memory(dnnl_memory_t *out, const matrix_shape *shape, dnnl_engine_t engine, void *values)
{
    return dnnl_memory_create(out, shape, engine, values);
}
#endif

/* Times one shape; where oneDNN has no such product, *best stays as it is. */
static int time_product(double *best, dnnl_engine_t engine, const dnnl_dim_t sizes[3], dnnl_data_type_t type)
{
    dnnl_dim_t m = sizes[0], n = sizes[1], k = sizes[2];
    const dnnl_dim_t dimensions[3][2] = {{m, k}, {k, n}, {m, n}};
    const int arguments[3] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    matrix_shape of[3] = {0};
    float *values[3] = {NULL};
    dnnl_exec_arg_t passed[3] = {0};
    dnnl_primitive_desc_t description = NULL;
    dnnl_primitive_t product = NULL;
    dnnl_stream_t stream = NULL;
    int status = TIDY_OK, made = 0;
    for (; made < 3 && status == TIDY_OK; made++)
        status = check(make_matrix(&of[made], dimensions[made][0], dimensions[made][1], type), "a matrix");
    if (status != TIDY_OK || describe_product(&description, engine, of) != dnnl_success)
        goto done;
    if ((status = check(dnnl_primitive_create(&product, description), "a product")) != TIDY_OK ||
        (status = check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "a stream")) != TIDY_OK)
        goto done;
    for (int i = 0; i < 3 && status == TIDY_OK; i++) {
        size_t count = (size_t)(dimensions[i][0] * dimensions[i][1]);
        if ((status = memory_allocate(&values[i], count, sizeof(float), "a matrix")) != TIDY_OK)
            goto done;
        passed[i].arg = arguments[i];
        status = check(make_memory(&passed[i].memory, &of[i], engine, values[i]), "a matrix");
    }
    for (int run = 0; run < RUNS && status == TIDY_OK; run++) {
        double start = progress_seconds();
        if ((status = check(dnnl_primitive_execute(product, stream, 3, passed), "a product")) == TIDY_OK)
            status = check(dnnl_stream_wait(stream), "waiting");
        double rate = 2.0 * (double)m * (double)n * (double)k / (progress_seconds() - start);
        *best = run > 0 && !(*best > rate) ? rate : *best; /* nan is not above it */
    }
done:
    for (int i = 0; i < 3; i++) {
        if (passed[i].memory != NULL)
            dnnl_memory_destroy(passed[i].memory);
        free(values[i]);
    }
    for (int i = 0; i < made; i++)
        destroy_matrix(&of[i]);
    if (stream != NULL)
        dnnl_stream_destroy(stream);
    if (product != NULL)
        dnnl_primitive_destroy(product);
    if (description != NULL)
        dnnl_primitive_desc_destroy(description);
    return status;
}

static int time_products(double *best, dnnl_data_type_t type)
{
    dnnl_engine_t engine;
    int status = check(dnnl_engine_create(&engine, dnnl_cpu, 0), "the engine");
    *best = NAN;
    if (status != TIDY_OK)
        return status;
    for (int i = 0; i < SHAPES && status == TIDY_OK; i++)
        status = time_product(best, engine, shapes[i], type);
    dnnl_engine_destroy(engine);
    return status;
}

static int time_triad(double *best)
{
    float *a, *b = NULL, *c = NULL;
    int status;
    *best = 0;
    if ((status = memory_allocate(&a, TRIAD_VALUES, sizeof *a, "the triad")) != TIDY_OK ||
        (status = memory_allocate(&b, TRIAD_VALUES, sizeof *b, "the triad")) != TIDY_OK ||
        (status = memory_allocate(&c, TRIAD_VALUES, sizeof *c, "the triad")) != TIDY_OK)
        goto done;
    for (int run = 0; run < RUNS + 1; run++) { /* the first touches the pages */
        double start = progress_seconds();
#pragma omp parallel for schedule(static)
        for (size_t i = 0; i < TRIAD_VALUES; i++)
            a[i] = b[i] + 3 * c[i];
        double rate = 3.0 * sizeof *a * TRIAD_VALUES / (progress_seconds() - start);
        *best = rate > *best ? rate : *best;
    }
done:
    free(c);
    free(b);
    free(a);
    return status;
}

static double last_cache_bytes(void)
{
    long bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
    return bytes > 0 ? (double)bytes : 0;
}

static int bound_step(struct gpu_bound *sum, const struct network *network, uint32_t batch,
                      enum precision precision)
{
    const unsigned all = STEP_STATISTICS_IN_EPILOGUE | STEP_NORM_BACKWARD_ONCE | STEP_MASK_BITS |
                         STEP_ADD_IN_DATA_GRADIENT | STEP_UPDATE_IN_WEIGHT_GRADIENT;
    const struct gpu_device machine = {"this machine", {1, 1, 1}, 1, last_cache_bytes()};
    struct gpu_step step;
    struct gpu_bound *bounds = NULL;
    int status = gpu_step_create(&step, network, batch, precision, all);
    if (status != TIDY_OK)
        return status;
    if ((status = memory_allocate(&bounds, step.kernel_count, sizeof *bounds, "bounds")) == TIDY_OK) {
        gpu_bound_kernels(bounds, &step, &machine, precision, false);
        for (size_t k = 0; k < step.kernel_count; k++)
            if (step.kernels[k].pass != STEP_COPIES)
                gpu_bound_add(sum, &bounds[k]);
    }
    free(bounds);
    gpu_step_destroy(&step);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: bench-limits NET BATCH SIZE THREADS\n");
        return 2;
    }
    uint32_t batch = (uint32_t)atoi(argv[2]), size = (uint32_t)atoi(argv[3]);
    omp_set_num_threads(atoi(argv[4]));
    struct network network = {0};
    struct gpu_bound f32 = {0}, bf16 = {0};
    double f32_rate = NAN, bf16_rate = NAN, triad = NAN;
    int status;
    if ((status = network_create(&network, argv[1], size, size, 1, 10)) == TIDY_OK &&
        (status = bound_step(&f32, &network, batch, PRECISION_F32)) == TIDY_OK &&
        (status = bound_step(&bf16, &network, batch, PRECISION_BF16)) == TIDY_OK &&
        (status = time_products(&f32_rate, dnnl_f32)) == TIDY_OK &&
        (status = time_products(&bf16_rate, dnnl_bf16)) == TIDY_OK && (status = time_triad(&triad)) == TIDY_OK) {
        printf("matmul-f32\t%.4g\nmatmul-bf16\t%.4g\ntriad\t%.4g\n", f32_rate, bf16_rate, triad);
        printf("flop\t%.4g\nbytes-f32\t%.4g\nbytes-bf16\t%.4g\n", f32.flop, f32.cached_bytes, bf16.cached_bytes);
        printf("limit-f32\t%.5f\nlimit-bf16\t%.5f\n", f32.flop / f32_rate + f32.cached_bytes / triad,
               bf16.flop / bf16_rate + bf16.cached_bytes / triad);
    }
    network_destroy(&network);
    return tidy_report_error("bench-limits", status);
}
