/* Times training steps of the CPU backend on random images: bench-step NET BATCH STEPS THREADS [SIZE [PRECISION]].
 * Prints one line a step: seconds. scripts/bench sets it beside PyTorch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/progress.h"
#include "common/random.h"
#include "record/backend.h"

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: bench-step NET BATCH STEPS THREADS [SIZE [f32|bf16]]\n");
        return 2;
    }
    uint32_t batch = (uint32_t)atoi(argv[2]), steps = (uint32_t)atoi(argv[3]), threads = (uint32_t)atoi(argv[4]);
    uint32_t size = argc > 5 ? (uint32_t)atoi(argv[5]) : 32, classes = 10;
    bool half = argc > 6 && strcmp(argv[6], "bf16") == 0;
    struct dataset data = {.samples = batch, .height = size, .width = size, .channels = 1, .classes = classes};
    struct dataset none = {0};
    struct network network = {0};
    struct network_state state = {0};
    struct trainer *trainer = NULL;
    uint32_t *samples = NULL;
    int status = TIDY_FAILED;
    if (memory_allocate(&data.images, batch, size * size, "images") != TIDY_OK ||
        memory_allocate(&data.labels, batch, sizeof *data.labels, "labels") != TIDY_OK ||
        memory_allocate(&samples, batch, sizeof *samples, "samples") != TIDY_OK)
        goto done;
    struct random_stream random = random_open(1, RANDOM_ORDER, 0);
    for (size_t i = 0; i < (size_t)batch * size * size; i++)
        data.images[i] = (uint8_t)random_bits(&random);
    for (uint32_t i = 0; i < batch; i++) {
        samples[i] = i;
        data.labels[i] = (uint16_t)random_below(&random, classes);
    }
    if ((status = network_create(&network, argv[1], size, size, 1, classes)) != TIDY_OK ||
        (status = network_state_create(&state, &network, 1)) != TIDY_OK)
        goto done;
    struct trainer_config config = {.network = &network,
                                    .train = &data,
                                    .test = &none,
                                    .batch_size = batch,
                                    .epoch_samples = {batch},
                                    .threads = threads,
                                    .momentum = 0.9f,
                                    .precision = half ? PRECISION_BF16 : PRECISION_F32};
    if ((status = cpu_backend.create(&trainer, &config)) != TIDY_OK ||
        (status = cpu_backend.load(trainer, &state)) != TIDY_OK)
        goto done;
    for (uint32_t i = 0; i < steps && status == TIDY_OK; i++) {
        double start = progress_seconds();
        struct step_result result;
        status = cpu_backend.step(trainer, samples, data.labels, batch, 0.001f);
        if (status == TIDY_OK)
            status = cpu_backend.collect(trainer, &result);
        printf("%.6f\n", progress_seconds() - start);
    }
done:
    cpu_backend.destroy(trainer);
    network_state_destroy(&state);
    network_destroy(&network);
    free(samples);
    free(data.labels);
    free(data.images);
    return tidy_report_error("bench-step", status);
}
