/* generate-log -o run.tidy [OPTION...]: a log of any size, of a run that never was (generated_run.h). */
#include <stdio.h>
#include <sys/resource.h>

#include "common/error.h"
#include "common/options.h"
#include "tests/bench/generated_run.h"

/* A line each: name, tab, value. Seconds of one step are microseconds. */
static void print_cost(const struct log_cost *cost, double steps, double predictions)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("append-us\t%.3f\n", 1e6 * cost->append_seconds / steps);
    printf("append-processor-us\t%.3f\n", 1e6 * cost->append_processor / steps);
    printf("longest-append-ms\t%.3f\n", 1e3 * cost->longest_append);
    printf("writer-processor-us\t%.3f\n", 1e6 * cost->writer_processor / steps);
    printf("log-ns-a-prediction\t%.2f\n", 1e9 * (cost->append_processor + cost->writer_processor) / predictions);
    printf("close-s\t%.4f\n", cost->close_seconds);
    printf("largest-memory-mb\t%.1f\n", (double)usage.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"fashion-mnist", "imagenet", NULL};
    uint64_t samples = 60000, classes = 10, epochs = 20, batch_size = 128, seed = 1;
    int detail = TIDYLOG_MARGIN, kind = 0;
    double noise = 0.05;
    bool shuffle = true, force = false, cost = false, helped;
    const char *output = NULL;
    const struct option_row options[] = {
        OUTPUT_OPTION(output, "FILE", "the log"),
        FORCE_OPTION(force, "replaces the file"),
        {.name = "like",
         .kind = OPTION_CHOICE,
         .value = &kind,
         .argument = "DATA",
         .choices = kinds,
         .help = "what the samples are learnt like"},
        {.name = "samples",
         .kind = OPTION_COUNT,
         .value = &samples,
         .argument = "N",
         .help = "samples",
         .least = 1,
         .most = TIDYLOG_MOST_SAMPLES},
        {.name = "classes",
         .kind = OPTION_COUNT,
         .value = &classes,
         .argument = "N",
         .help = "classes",
         .least = 2,
         .most = 65535},
        {.name = "epochs",
         .kind = OPTION_COUNT,
         .value = &epochs,
         .argument = "N",
         .help = "epochs",
         .least = 1,
         .most = 1e5},
        {.name = "batch-size",
         .kind = OPTION_COUNT,
         .value = &batch_size,
         .argument = "N",
         .help = "predictions of a step",
         .least = 1,
         .most = 65536},
        {.name = "detail",
         .kind = OPTION_CHOICE,
         .value = &detail,
         .argument = "LEVEL",
         .choices = tidylog_detail_names,
         .help = "what is stored of each prediction"},
        {.name = "noise",
         .kind = OPTION_REAL,
         .value = &noise,
         .argument = "R",
         .help = "share of wrong labels; the log knows the truth where it is above 0",
         .least = 0,
         .most = 1},
        {.name = "seed",
         .kind = OPTION_COUNT,
         .value = &seed,
         .argument = "N",
         .help = "of all that is drawn",
         .least = 0,
         .most = 1e15},
        {.name = "cost", .kind = OPTION_FLAG, .value = &cost, .help = "prints what the log cost, a line each"},
        {.name = "shuffle", .kind = OPTION_FLAG, .value = &shuffle, .help = "another order in every epoch"},
    };
    const struct command_usage usage = {
        .program = "generate-log",
        .name = "generate-log",
        .arguments = "-o run.tidy [OPTION...]",
        .summary = "A log of any size, of a run that never was.",
        .example = "generate-log -o run.tidy --like imagenet --samples 1280000 --epochs 90 --classes 1000",
        OPTION_ROWS(options)};
    const char *none;
    struct generated_run *generated = NULL;
    struct log_cost spent;
    int status = command_parse(&usage, argc, argv, &none, 0, &helped);
    if (status == 0 && !helped && output == NULL)
        status = tidy_fail_usage("generate-log: -o says where the log goes");
    if (status == 0 && !helped) {
        const struct tidylog_run run = {.samples = samples,
                                        .classes = (uint32_t)classes,
                                        .batch_size = (uint32_t)batch_size,
                                        .epochs = epochs,
                                        .seed = seed,
                                        .shuffle = shuffle,
                                        .detail = (enum tidylog_detail)detail,
                                        .network = "generated",
                                        .learning_rate = 0.1,
                                        .lr_schedule = "cosine",
                                        .data_name = kinds[kind]};
        status = generated_run_create(&generated, &run, &generated_learnings[kind], noise);
        if (status == 0)
            status = generated_run_write(generated, output, force, &spent);
        if (status == 0 && cost)
            print_cost(&spent, (double)(epochs * ((samples + batch_size - 1) / batch_size)),
                       (double)(epochs * samples));
        generated_run_destroy(generated);
    }
    return tidy_report_error("generate-log", status);
}
