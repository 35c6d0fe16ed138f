/* make-scale-log PATH [OPTION...]: a log of any size, invented step by step, for measuring and for tests of memory.
 *
 * Four of five predictions are right. Each sample has a hardness of its own and a class that it is mostly taken
 * for, so that the classes predicted for it are as few as in a real run; one sample in 20 is mislabelled and
 * hard. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/options.h"
#include "common/random.h"
#include "common/tidylog.h"

enum { MISLABELLED_EVERY = 20 };

struct request {
    uint64_t samples, epochs, classes, batch_size;
    int detail;
};

/* One step's predictions. */
struct step {
    uint16_t *predicted;
    float *margin, *log_odds;
};

/* What is drawn for sample `sample` once and for all: two numbers in 0..1. */
static void draw_sample(uint32_t sample, double *hardness, double *other)
{
    struct random_stream random = random_open(1, RANDOM_NOISE, sample);
    *hardness = random_uniform(&random);
    *other = random_uniform(&random);
}

static uint16_t other_class(uint16_t label, uint32_t classes, double share)
{
    return (uint16_t)((label + 1 + (uint32_t)(share * (classes - 1))) % classes);
}

static void invent(struct step *step, const struct tidylog_run *run, const struct tidylog_due *due,
                   struct random_stream *random)
{
    /* Of the unspoilt ones 1 - 0.33 hardness are right on average, of the mislabelled 0.1. */
    for (uint32_t i = 0; i < due->count; i++) {
        uint32_t sample = due->samples[i];
        uint16_t label = run->labels[sample];
        bool mislabelled = label != run->truth[sample];
        double hardness, other;
        draw_sample(sample, &hardness, &other);
        bool right = random_uniform(random) < (mislabelled ? 0.1 : 1 - 0.33 * hardness);
        double size = 0.1 + 8 * random_uniform(random) * (1 - 0.5 * hardness);
        double share = random_uniform(random) < 0.7 ? other : random_uniform(random);
        step->predicted[i] = right         ? label
                             : mislabelled ? run->truth[sample]
                                           : other_class(label, run->classes, share);
        step->margin[i] = (float)(right ? size : -size);
        step->log_odds[i] = step->margin[i] - 0.5f;
    }
}

static int append(struct tidylog_writer *writer, struct tidylog_order *order, const struct tidylog_run *run,
                  struct step *room)
{
    struct random_stream random = random_open(run->seed, RANDOM_WEIGHTS, 0);
    int status = 0;
    uint64_t step = 0;
    for (uint64_t epoch = 0; epoch < run->epochs && status == 0; epoch++) {
        for (uint64_t end = tidylog_order_steps_before(order, epoch + 1); step < end && status == 0; step++) {
            struct tidylog_due due;
            tidylog_order_step(order, step, &due);
            invent(room, run, &due, &random);
            status = tidylog_append_step(writer, step,
                                         &(struct tidylog_predictions){.count = due.count,
                                                                       .samples = due.samples,
                                                                       .predicted = room->predicted,
                                                                       .margin = room->margin,
                                                                       .log_odds = room->log_odds});
        }
        if (status == 0)
            status = tidylog_append_epoch(
                writer, &(struct tidylog_epoch){
                            .epoch = epoch, .loss = 1, .accuracy = 0.8, .test_accuracy = 0.8, .seconds = 1});
    }
    return status;
}

static int make(const char *path, const struct request *request)
{
    struct tidylog_run run = {.samples = request->samples,
                              .classes = (uint32_t)request->classes,
                              .batch_size = (uint32_t)request->batch_size,
                              .epochs = request->epochs,
                              .seed = 1,
                              .shuffle = true,
                              .detail = (enum tidylog_detail)request->detail};
    uint16_t *labels = calloc(run.samples, sizeof *labels), *truth = calloc(run.samples, sizeof *truth);
    struct step room = {calloc(run.batch_size, sizeof(uint16_t)), calloc(run.batch_size, sizeof(float)),
                        calloc(run.batch_size, sizeof(float))};
    struct tidylog_writer *writer = NULL;
    struct tidylog_order *order = NULL;
    int status =
        labels == NULL || truth == NULL || room.predicted == NULL || room.margin == NULL || room.log_odds == NULL
            ? tidy_fail_memory("a log", run.samples)
            : 0;
    for (uint32_t i = 0; i < run.samples && status == 0; i++) {
        double hardness, other;
        draw_sample(i, &hardness, &other);
        truth[i] = (uint16_t)(i % run.classes);
        labels[i] = i % MISLABELLED_EVERY == 0 ? other_class(truth[i], run.classes, other) : truth[i];
    }
    run.labels = labels;
    run.truth = truth;
    if (status == 0)
        status = tidylog_create(&writer, path, &run, true);
    if (status == 0)
        status = tidylog_order_create(&order, &run);
    if (status == 0)
        status = append(writer, order, &run, &room);
    tidylog_order_destroy(order);
    int closed = tidylog_close(writer);
    free(room.log_odds);
    free(room.margin);
    free(room.predicted);
    free(truth);
    free(labels);
    return status != 0 ? status : closed;
}

int main(int argc, char **argv)
{
    static const char *const details[] = {"class", "margin", NULL};
    struct request request = {20000, 30, 100, 256, TIDYLOG_MARGIN};
    const struct option_row options[] = {
        {.name = "samples",
         .kind = OPTION_COUNT,
         .value = &request.samples,
         .argument = "N",
         .help = "samples",
         .least = 1,
         .most = 1e9},
        {.name = "epochs",
         .kind = OPTION_COUNT,
         .value = &request.epochs,
         .argument = "N",
         .help = "epochs",
         .least = 1,
         .most = 1e5},
        {.name = "classes",
         .kind = OPTION_COUNT,
         .value = &request.classes,
         .argument = "N",
         .help = "classes",
         .least = 2,
         .most = 65535},
        {.name = "batch-size",
         .kind = OPTION_COUNT,
         .value = &request.batch_size,
         .argument = "N",
         .help = "predictions of a step",
         .least = 1,
         .most = 65536},
        {.name = "detail",
         .kind = OPTION_CHOICE,
         .value = &request.detail,
         .argument = "LEVEL",
         .choices = details,
         .help = "what is stored of each prediction"},
    };
    const struct command_usage usage = {.program = "make-scale-log",
                                        .name = "make-scale-log",
                                        .arguments = "run.tidy [OPTION...]",
                                        .summary = "A log of any size, invented.",
                                        .example =
                                            "make-scale-log run.tidy --samples 1280000 --epochs 90 --classes 1000",
                                        OPTION_ROWS(options)};
    const char *path;
    bool helped;
    int status = command_parse(&usage, argc, argv, &path, 1, &helped);
    if (status == 0 && !helped)
        status = make(path, &request);
    return tidy_report_error("make-scale-log", status);
}
