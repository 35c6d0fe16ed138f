/* generate-log -o run.tidy [OPTION...]: a log of any size, of a run that never was (generated_run.h). */
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/options.h"
#include "tests/bench/generated_run.h"

int main(int argc, char **argv)
{
    static const char *const details[] = {"class", "margin", NULL};
    static const char *const kinds[] = {"fashion-mnist", "imagenet", NULL};
    uint64_t samples = 60000, classes = 10, epochs = 20, batch_size = 128, seed = 1;
    int detail = TIDYLOG_MARGIN, kind = 0;
    double noise = 0.05;
    bool shuffle = true, force = false, helped;
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
         .choices = details,
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
            status = generated_run_write(generated, output, force);
        generated_run_destroy(generated);
    }
    return tidy_report_error("generate-log", status);
}
