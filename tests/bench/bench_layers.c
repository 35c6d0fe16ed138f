/* Times the three passes of each different convolution of a network: bench-layers NET BATCH SIZE THREADS [f32|bf16].
 * A row a shape and pass: how often it occurs, the formulation, the best of the runs in ms, and the rate by the operations
 * that are needed, which leave out what padding is multiplied with. Then the machine's limit in the same run: the best
 * rate of oneDNN's matrix product, and the time that it would need for all these operations. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/progress.h"
#include "record/cpu/convolution.h"

enum { RUNS = 15 };

struct bench {
    struct onednn *onednn;
    uint32_t batch;
    enum tensor_type type;
    double milliseconds[ONEDNN_PASSES], operations; /* of all layers */
};

struct tensors {
    void *x, *y;
    float *weights;
};

static int run_pass(struct convolution *convolution, enum onednn_pass pass, struct tensors t, uint32_t batch)
{
    switch (pass) {
    case ONEDNN_FORWARD:
        return convolution_forward(convolution, t.y, t.x, t.weights, batch);
    case ONEDNN_BACKWARD_DATA:
        return convolution_backward_data(convolution, t.x, t.y, t.weights, batch, false);
    default:
        return convolution_backward_weights(convolution, t.weights, t.x, t.y, batch);
    }
}

/* Milliseconds of the fastest run of one pass. Weights are new in each, as in training: what the passes share of making
 * copies of them counts as the forward one's. */
static int time_pass(double *best, struct convolution *convolution, enum onednn_pass pass, struct tensors t,
                     uint32_t batch)
{
    int status = TIDY_OK;
    *best = 1e9;
    for (int run = 0; run < RUNS && status == TIDY_OK; run++) {
        double changed = progress_seconds();
        convolution_weights_changed(convolution, t.weights);
        double start = pass == ONEDNN_FORWARD ? changed : progress_seconds();
        status = run_pass(convolution, pass, t, batch);
        double took = 1e3 * (progress_seconds() - start);
        *best = took < *best ? took : *best;
    }
    return status;
}

/* Pairs of an output and a tap, along one side, that do not see padding. */
static double seen(uint32_t in, uint32_t out, const struct layer *layer)
{
    double pairs = 0;
    for (int64_t o = 0; o < out; o++)
        for (int64_t tap = 0; tap < layer->kernel; tap++) {
            int64_t i = o * layer->stride + tap - layer->padding;
            pairs += i >= 0 && i < in;
        }
    return pairs;
}

static double operations_needed(const struct layer *layer, uint32_t batch)
{
    return 2.0 * batch * seen(layer->in_height, layer->out_height, layer) *
           seen(layer->in_width, layer->out_width, layer) * layer->in_channels * layer->out_channels;
}

static const char *const pass_names[ONEDNN_PASSES] = {"forward", "data", "weights"};

static int time_layer(struct bench *bench, const struct layer *layer, int times)
{
    size_t bytes = tensor_type_bytes(bench->type);
    size_t taps = (size_t)layer->kernel * layer->kernel * layer->in_channels * layer->out_channels;
    struct tensors t = {0};
    struct convolution *convolution = NULL;
    int status;
    if ((status = memory_allocate(&t.x, bench->batch * layer_input_size(layer), bytes, "a tensor")) != TIDY_OK ||
        (status = memory_allocate(&t.y, bench->batch * layer_output_size(layer), bytes, "a tensor")) != TIDY_OK ||
        (status = memory_allocate(&t.weights, taps, sizeof(float), "weights")) != TIDY_OK ||
        (status = convolution_create(&convolution, bench->onednn, layer, bench->batch, bench->type)) != TIDY_OK)
        goto done;
    double operations = operations_needed(layer, bench->batch);
    for (enum onednn_pass pass = ONEDNN_FORWARD; pass < ONEDNN_PASSES && status == TIDY_OK; pass++) {
        if (pass == ONEDNN_BACKWARD_DATA && layer->input == LAYER_IMAGES)
            continue;
        double best = 0;
        status = time_pass(&best, convolution, pass, t, bench->batch);
        bench->milliseconds[pass] += times * best;
        bench->operations += times * operations;
        printf("%ux%u/%u %ux%u %u->%u\t%d\t%s\t%s\t%.2f\t%.0f\n", layer->kernel, layer->kernel, layer->stride,
               layer->in_height, layer->in_width, layer->in_channels, layer->out_channels, times, pass_names[pass],
               convolution_formulation(convolution, pass), best, 1e-6 * operations / best);
    }
done:
    convolution_destroy(convolution);
    free(t.weights);
    free(t.y);
    free(t.x);
    return status;
}

/* Operations a second of one product whose second matrix is packed already. */
static int time_product(double *rate, const struct bench *bench, const struct product *product)
{
    struct onednn_operation *operation = NULL;
    size_t bytes = tensor_type_bytes(bench->type);
    void *a = NULL, *b = NULL, *c = NULL;
    int status;
    if ((status = memory_allocate(&a, product->rows * product->depth, bytes, "a matrix")) != TIDY_OK ||
        (status = memory_allocate(&b, product->depth * product->columns, bytes, "a matrix")) != TIDY_OK ||
        (status = memory_allocate(&c, product->rows * product->columns, bytes, "a matrix")) != TIDY_OK ||
        (status = onednn_product_create(&operation, bench->onednn, product)) != TIDY_OK)
        goto done;
    for (int run = 0; run < 2 * RUNS && status == TIDY_OK; run++) {
        double start = progress_seconds();
        status = onednn_product_run(operation, c, a, b);
        double now =
            2.0 * (double)(product->rows * product->columns * product->depth) / (progress_seconds() - start);
        *rate = now > *rate ? now : *rate;
    }
done:
    onednn_operation_destroy(operation);
    free(c);
    free(b);
    free(a);
    return status;
}

static int print_limit(const struct bench *bench)
{
    static const size_t sizes[][3] = {{512, 512, 512}, {1024, 1024, 1024}, {2048, 512, 256}, {128, 2048, 1024}};
    double rate = 0, sum = 0;
    int status = TIDY_OK;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && status == TIDY_OK; i++)
        status = time_product(&rate, bench,
                              &(struct product){.rows = sizes[i][0],
                                                .columns = sizes[i][1],
                                                .depth = sizes[i][2],
                                                .pack_b = true,
                                                .type = bench->type,
                                                .c_type = bench->type});
    for (int pass = 0; pass < ONEDNN_PASSES; pass++) {
        printf("sum\t\t%s\t\t%.1f\n", pass_names[pass], bench->milliseconds[pass]);
        sum += bench->milliseconds[pass];
    }
    if (status == TIDY_OK)
        printf("sum\t\tall\t\t%.1f\t%.0f\nlimit\t\tall\t\t%.1f\t%.0f\n", sum, 1e-6 * bench->operations / sum,
               1e3 * bench->operations / rate, 1e-9 * rate);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: bench-layers NET BATCH SIZE THREADS [f32|bf16]\n");
        return 2;
    }
    struct bench bench = {.batch = (uint32_t)atoi(argv[2]),
                          .type = argc > 5 && strcmp(argv[5], "bf16") == 0 ? TENSOR_BF16 : TENSOR_F32};
    uint32_t size = (uint32_t)atoi(argv[3]);
    omp_set_num_threads(atoi(argv[4]));
    struct network network = {0};
    int status = network_create(&network, argv[1], size, size, 1, 10);
    if (status == TIDY_OK)
        status = onednn_create(&bench.onednn);
    printf("#layer\ttimes\tpass\tformulation\tms\tgflops\n");
    for (int i = 0; i < network.layer_count && status == TIDY_OK; i++) {
        const struct layer *layer = &network.layers[i];
        bool seen_before = layer->kind != LAYER_CONVOLUTION;
        int times = 0;
        for (int k = 0; k < network.layer_count; k++) {
            bool same = network.layers[k].kind == layer->kind && layer_same_convolution(layer, &network.layers[k]);
            seen_before = seen_before || (same && k < i);
            times += same;
        }
        if (!seen_before)
            status = time_layer(&bench, layer, times);
    }
    if (status == TIDY_OK)
        status = print_limit(&bench);
    onednn_destroy(bench.onednn);
    network_destroy(&network);
    return tidy_report_error("bench-layers", status);
}
