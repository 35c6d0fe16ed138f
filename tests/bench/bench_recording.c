/* What logging costs while the CPU backend trains: bench-recording NET BATCH THREADS PRECISION DETAIL STEPS DATA LOG.
 *
 * Trains on the data set in DATA and logs STEPS steps, in as many epochs as that takes.
 * Blocks of steps that are logged and blocks that are not take turns. A line each: name, tab, value:
 *   step-ms, logged-step-ms   median block, a step
 *   append-us, writer-us      processor time a step of the trainer's thread in the log, and of the writer's thread
 *   step-processor-ms         processor time of a step that is not logged, over the threads: what it takes on the clock of
 *                             a machine that is not shared, or a little less
 *   cost                      of the log over that */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/progress.h"
#include "record/backend.h"
#include "tests/bench/log_cost.h"

enum { BLOCK = 20, MOST_BLOCKS = 4096 };

struct request {
    const char *network, *data, *log;
    uint32_t batch, threads;
    enum precision precision;
    enum tidylog_detail detail;
    uint64_t steps;
};

struct recording {
    struct dataset_pair data;
    struct network network;
    struct network_state state;
    struct trainer *trainer;
    struct tidylog_run run;
    struct tidylog_order *order;
    struct tidylog_writer *writer;
    struct log_cost cost;
    uint16_t *labels;
    double with[MOST_BLOCKS], without[MOST_BLOCKS];
    double step_processor; /* seconds of the steps that are not logged, all threads together */
    size_t blocks;
    uint64_t right, seen;
};

static int begin(struct recording *all, const struct request *request)
{
    int status = dataset_load(&all->data, request->data, 0);
    if (status != TIDY_OK)
        return status;
    const struct dataset *train = &all->data.train;
    all->run = (struct tidylog_run){.samples = train->samples,
                                    .classes = train->classes,
                                    .batch_size = request->batch,
                                    .epochs = 1000000,
                                    .seed = 1,
                                    .shuffle = true,
                                    .detail = request->detail,
                                    .labels = train->labels};
    if ((status = memory_allocate(&all->labels, request->batch, sizeof *all->labels, "labels")) != TIDY_OK ||
        (status = network_create(&all->network, request->network, train->height, train->width, train->channels,
                                 train->classes)) != TIDY_OK ||
        (status = network_state_create(&all->state, &all->network, 1)) != TIDY_OK)
        return status;
    const struct dataset none = {0};
    const struct trainer_config config = {.network = &all->network,
                                          .train = train,
                                          .test = &none,
                                          .batch_size = request->batch,
                                          .epoch_samples = {train->samples},
                                          .threads = request->threads,
                                          .momentum = 0.9f,
                                          .precision = request->precision,
                                          .logits = request->detail >= TIDYLOG_PROBS};
    if ((status = cpu_backend.create(&all->trainer, &config)) != TIDY_OK ||
        (status = cpu_backend.load(all->trainer, &all->state)) != TIDY_OK ||
        (status = tidylog_order_create(&all->order, &all->run)) != TIDY_OK)
        return status;
    return log_cost_create(&all->cost, &all->writer, request->log, &all->run, true);
}

/* One training step on what is due, logged or not. */
static int take(struct recording *all, uint64_t step, bool logged)
{
    struct tidylog_due due;
    struct step_result result;
    int status;
    tidylog_order_step(all->order, step, &due);
    for (uint32_t i = 0; i < due.count; i++)
        all->labels[i] = all->data.train.labels[due.samples[i]];
    if ((status = cpu_backend.step(all->trainer, due.samples, all->labels, due.count, 0.05f)) != TIDY_OK ||
        (status = cpu_backend.collect(all->trainer, &result)) != TIDY_OK || !logged)
        return status;
    for (uint32_t i = 0; i < due.count; i++)
        all->right += result.predictions.predicted[i] == all->labels[i];
    all->seen += due.count;
    if ((status = log_cost_step(&all->cost, all->writer, step, &result.predictions)) != TIDY_OK ||
        step + 1 != tidylog_order_steps_before(all->order, due.epoch + 1))
        return status;
    const struct tidylog_epoch epoch = {.epoch = due.epoch,
                                        .accuracy = (double)all->right / (double)all->seen,
                                        .test_accuracy = NAN,
                                        .learning_rate = 0.05};
    all->right = all->seen = 0;
    return log_cost_epoch(&all->cost, all->writer, &epoch);
}

static double process_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int record(struct recording *all, uint64_t steps)
{
    int status = TIDY_OK;
    for (uint64_t first = 0; first < steps && all->blocks < MOST_BLOCKS && status == TIDY_OK; first += BLOCK) {
        uint64_t end = first + BLOCK < steps ? first + BLOCK : steps;
        double start = progress_seconds(), processor = process_seconds();
        for (uint64_t step = first; step < end && status == TIDY_OK; step++)
            status = take(all, step, false);
        all->step_processor += process_seconds() - processor;
        double between = progress_seconds();
        for (uint64_t step = first; step < end && status == TIDY_OK; step++)
            status = take(all, step, true);
        all->without[all->blocks] = (between - start) / (double)(end - first);
        all->with[all->blocks++] = (progress_seconds() - between) / (double)(end - first);
    }
    return status;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return values[count / 2];
}

static int measure(const struct request *request)
{
    struct recording *all;
    int status = memory_allocate(&all, 1, sizeof *all, "a recording");
    if (status != TIDY_OK)
        return status;
    if ((status = begin(all, request)) == TIDY_OK)
        status = record(all, request->steps);
    int closed = all->writer != NULL ? log_cost_close(&all->cost, all->writer) : TIDY_OK;
    status = status != TIDY_OK ? status : closed;
    if (status == TIDY_OK) {
        double steps = (double)request->steps, step = all->step_processor / steps / request->threads;
        double cost = (all->cost.append_processor + all->cost.writer_processor) / steps;
        printf("step-ms\t%.3f\nlogged-step-ms\t%.3f\n", 1e3 * median(all->without, all->blocks),
               1e3 * median(all->with, all->blocks));
        printf("append-us\t%.2f\nwriter-us\t%.2f\n", 1e6 * all->cost.append_processor / steps,
               1e6 * all->cost.writer_processor / steps);
        printf("step-processor-ms\t%.3f\ncost\t%.6f\n", 1e3 * step, cost / step);
    }
    tidylog_order_destroy(all->order);
    cpu_backend.destroy(all->trainer);
    network_state_destroy(&all->state);
    network_destroy(&all->network);
    dataset_unload(&all->data);
    free(all->labels);
    free(all);
    return status;
}

/* The index of `name` in a list that ends with NULL, or -1. */
static int find(const char *const *names, const char *name)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

int main(int argc, char **argv)
{
    int precision = argc == 9 ? find(precision_names, argv[4]) : -1;
    int detail = argc == 9 ? find(tidylog_detail_names, argv[5]) : -1;
    if (precision < 0 || detail < 0) {
        fprintf(stderr, "usage: bench-recording NET BATCH THREADS PRECISION DETAIL STEPS DATA LOG\n");
        return 2;
    }
    const struct request request = {.network = argv[1],
                                    .batch = (uint32_t)atoi(argv[2]),
                                    .threads = (uint32_t)atoi(argv[3]),
                                    .precision = (enum precision)precision,
                                    .detail = (enum tidylog_detail)detail,
                                    .steps = strtoull(argv[6], NULL, 10),
                                    .data = argv[7],
                                    .log = argv[8]};
    return tidy_report_error("bench-recording", measure(&request));
}
