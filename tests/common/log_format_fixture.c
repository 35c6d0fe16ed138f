/* For log_format.sh: writes small logs of every kind, and prints what the C reader sees in one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "tests/common/log_fixture.h"

enum { SAMPLES = 300, CLASSES = 10, BATCH = 64, EPOCHS = 2 };

/* Kinds beyond the four details: in the data set's order; a step that lists its samples; one sample not a number. */
static int write_log(const char *path, enum tidylog_detail detail, bool shuffle, bool odd)
{
    struct log_fixture fixture;
    struct tidylog_writer *writer;
    log_fixture_create(&fixture, SAMPLES, CLASSES, BATCH, EPOCHS, detail);
    fixture.run.shuffle = shuffle;
    tidylog_order_destroy(fixture.order);
    int status = tidylog_order_create(&fixture.order, &fixture.run);
    if (status == 0)
        status = tidylog_create(&writer, path, &fixture.run, true);
    if (status == 0 && odd) {
        struct tidylog_predictions predictions = log_fixture_step(&fixture, 0);
        uint32_t samples[BATCH];
        for (uint32_t i = 0; i < BATCH; i++)
            samples[i] = 2 * i;
        fixture.margin[3] = fixture.log_odds[3] = NAN;
        fixture.margin[4] = INFINITY;
        predictions.samples = samples;
        status = tidylog_append_step(writer, 0, &predictions);
    }
    if (status == 0)
        status = log_fixture_append(&fixture, writer, odd, tidylog_order_steps_before(fixture.order, EPOCHS));
    if (status == 0)
        status = tidylog_close(writer);
    log_fixture_destroy(&fixture);
    return status;
}

static int write_all(const char *folder)
{
    char path[4096];
    int status = 0;
    for (int detail = TIDYLOG_CLASS; detail <= TIDYLOG_FULL && status == 0; detail++) {
        snprintf(path, sizeof path, "%s/%s.tidy", folder, tidylog_detail_names[detail]);
        status = write_log(path, (enum tidylog_detail)detail, true, false);
    }
    snprintf(path, sizeof path, "%s/ordered.tidy", folder);
    if (status == 0)
        status = write_log(path, TIDYLOG_CLASS, false, false);
    snprintf(path, sizeof path, "%s/listed.tidy", folder);
    if (status == 0)
        status = write_log(path, TIDYLOG_MARGIN, true, true);
    return status;
}

static void print_step(const struct tidylog_observations *seen, uint32_t classes)
{
    for (uint32_t i = 0; i < seen->count; i++) {
        printf("step %llu %u %u %u", (unsigned long long)seen->step, seen->samples[i], seen->labels[i],
               seen->predicted[i]);
        if (seen->margin != NULL)
            printf(" %.9g %.9g %.9g", (double)seen->margin[i], (double)seen->loss[i], (double)seen->confidence[i]);
        for (uint32_t c = 0; c < classes && seen->log_probs != NULL; c++)
            printf(" %.9g", (double)seen->log_probs[i * classes + c]);
        putchar('\n');
    }
}

/* In the order of the names, as a table of LMDB has them. */
static void print_run(const struct tidylog_run *run)
{
    printf("meta batch_size %u\nmeta channels %u\nmeta classes %u\nmeta command_line %s\nmeta data %s\n",
           run->batch_size, run->channels, run->classes, run->command_line, run->data);
    printf("meta data_digest %s\nmeta data_name %s\nmeta detail %s\nmeta deterministic %d\nmeta device %s\n"
           "meta epochs %llu\n",
           run->data_digest, run->data_name, tidylog_detail_names[run->detail], run->deterministic, run->device,
           (unsigned long long)run->epochs);
    printf("meta height %u\nmeta learning_rate %.17g\nmeta lr_schedule %s\nmeta machine %s\nmeta momentum %.17g\n",
           run->height, run->learning_rate, run->lr_schedule, run->machine, run->momentum);
    printf("meta network %s\nmeta noise %s\nmeta precision %s\nmeta resize %u\nmeta samples %llu\nmeta seed %llu\n",
           run->network, run->noise, run->precision, run->resize, (unsigned long long)run->samples,
           (unsigned long long)run->seed);
    printf("meta shuffle %d\n", run->shuffle);
    printf("meta started %s\nmeta threads %u\nmeta versions %s\nmeta weight_decay %.17g\nmeta width %u\n",
           run->started, run->threads, run->versions, run->weight_decay, run->width);
}

static int dump(const char *path)
{
    struct tidylog_reader *reader;
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    uint64_t epochs, printed = 0;
    int status = tidylog_open(&reader, path);
    if (status != 0)
        return status;
    print_run(tidylog_reader_run(reader));
    const struct tidylog_epoch *epoch = tidylog_reader_epochs(reader, &epochs);
    status = tidylog_replay_begin(&replay, reader, 0, UINT64_MAX);
    while (status == 0 && (status = tidylog_replay_next(replay, &seen)) == 1) {
        for (; printed <= seen.epoch; printed++, epoch++)
            printf("epoch %llu %.17g %.17g %.17g %.17g %.17g\n", (unsigned long long)printed, epoch->loss,
                   epoch->accuracy, epoch->test_accuracy, epoch->learning_rate, epoch->seconds);
        print_step(&seen, tidylog_reader_run(reader)->classes);
        status = 0;
    }
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
    return status;
}

int main(int argc, char **argv)
{
    int status = TIDY_USAGE;
    if (argc == 3 && strcmp(argv[1], "write") == 0)
        status = write_all(argv[2]);
    else if (argc == 3 && strcmp(argv[1], "dump") == 0)
        status = dump(argv[2]);
    return tidy_report_error("log_format_fixture", status);
}
