/* Times the three passes of each different convolution of a network: bench-layers NET BATCH SIZE THREADS.
 * A row a shape: how often it occurs, the best of seven runs in ms, and the rate by the operations of the plain
 * definition, padding included: products that leave padding out can seem faster than the machine. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/progress.h"
#include "record/cpu/convolution.h"

enum { RUNS = 7 };

struct tensors {
    float *x, *y, *weights;
};

/* Milliseconds of the fastest run of one pass. */
static int time_pass(double *best, struct convolution *convolution, enum onednn_pass pass, struct tensors t,
                     uint32_t batch)
{
    int status = TIDY_OK;
    *best = 1e9;
    for (int run = 0; run < RUNS && status == TIDY_OK; run++) {
        double start = progress_seconds();
        switch (pass) {
        case ONEDNN_FORWARD:
            status = convolution_forward(convolution, t.y, t.x, t.weights, batch);
            break;
        case ONEDNN_BACKWARD_DATA:
            status = convolution_backward_data(convolution, t.x, t.y, t.weights, batch, false);
            break;
        default:
            status = convolution_backward_weights(convolution, t.weights, t.x, t.y, batch);
        }
        double took = 1e3 * (progress_seconds() - start);
        *best = took < *best ? took : *best;
    }
    return status;
}

static int time_layer(const struct layer *layer, int times, struct onednn *onednn, uint32_t batch,
                      double totals[ONEDNN_PASSES])
{
    size_t in = (size_t)layer->in_height * layer->in_width * layer->in_channels;
    size_t out = (size_t)layer->out_height * layer->out_width * layer->out_channels;
    size_t taps = (size_t)layer->kernel * layer->kernel * layer->in_channels * layer->out_channels;
    struct tensors t = {0};
    struct convolution *convolution = NULL;
    int status;
    if ((status = memory_allocate(&t.x, batch * in, sizeof(float), "a tensor")) != TIDY_OK ||
        (status = memory_allocate(&t.y, batch * out, sizeof(float), "a tensor")) != TIDY_OK ||
        (status = memory_allocate(&t.weights, taps, sizeof(float), "weights")) != TIDY_OK ||
        (status = convolution_create(&convolution, onednn, layer, batch, TENSOR_F32)) != TIDY_OK)
        goto done;
    double giga_operations =
        2e-9 * (double)batch * (double)out * layer->kernel * layer->kernel * layer->in_channels;
    printf("%ux%u/%u %ux%u %u->%u\t%d", layer->kernel, layer->kernel, layer->stride, layer->in_height,
           layer->in_width, layer->in_channels, layer->out_channels, times);
    for (enum onednn_pass pass = ONEDNN_FORWARD; pass < ONEDNN_PASSES && status == TIDY_OK; pass++) {
        double best = 0;
        if (pass == ONEDNN_BACKWARD_DATA && layer->input == LAYER_IMAGES) {
            printf("\t-\t-");
            continue;
        }
        status = time_pass(&best, convolution, pass, t, batch);
        totals[pass] += times * best;
        printf("\t%.2f\t%.0f", best, giga_operations / best * 1e3);
    }
    printf("\n");
done:
    convolution_destroy(convolution);
    free(t.weights);
    free(t.y);
    free(t.x);
    return status;
}

/* The same work, wherever it stands in the network? */
static bool same_shape(const struct layer *a, const struct layer *b)
{
    return a->kind == b->kind && a->kernel == b->kernel && a->stride == b->stride && a->in_height == b->in_height &&
           a->in_width == b->in_width && a->in_channels == b->in_channels && a->out_channels == b->out_channels;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: bench-layers NET BATCH SIZE THREADS\n");
        return 2;
    }
    uint32_t batch = (uint32_t)atoi(argv[2]), size = (uint32_t)atoi(argv[3]);
    omp_set_num_threads(atoi(argv[4]));
    struct network network = {0};
    struct onednn *onednn = NULL;
    double totals[ONEDNN_PASSES] = {0};
    int status = network_create(&network, argv[1], size, size, 1, 10);
    if (status == TIDY_OK)
        status = onednn_create(&onednn);
    printf("#layer\ttimes\tforward_ms\tforward_gflops\tdata_ms\tdata_gflops\tweights_ms\tweights_gflops\n");
    for (int i = 0; i < network.layer_count && status == TIDY_OK; i++) {
        const struct layer *layer = &network.layers[i];
        bool seen = layer->kind != LAYER_CONVOLUTION;
        int times = 0;
        for (int k = 0; k < network.layer_count; k++) {
            bool same = same_shape(layer, &network.layers[k]);
            seen = seen || (same && k < i);
            times += same;
        }
        if (!seen)
            status = time_layer(layer, times, onednn, batch, totals);
    }
    printf("sum\t\t%.1f\t\t%.1f\t\t%.1f\n", totals[0], totals[1], totals[2]);
    onednn_destroy(onednn);
    network_destroy(&network);
    return tidy_report_error("bench-layers", status);
}
