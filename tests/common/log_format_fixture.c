/* For log_format.sh: writes small logs of every kind, and prints what the C reader sees in one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/packing.h"
#include "tests/common/log_fixture.h"

enum { SAMPLES = 300, CLASSES = 10, BATCH = 64, EPOCHS = 2 };

/* What a log has that is not in every one. */
enum kind {
    SHUFFLED,
    ORDERED, /* in the data set's order */
    LISTED,  /* a step lists its samples; in it one sample is not a number */
    SPLITS,  /* two splits, samples in neither, probes */
    UNEVEN,  /* epochs of another number of steps than is due */
    OLD,     /* does not say its codes, which are those of then */
};

static uint16_t given[SAMPLES], parts[SAMPLES];

static void set_splits(struct log_fixture *fixture)
{
    for (uint32_t i = 0; i < SAMPLES; i++) {
        given[i] = fixture->labels[i];
        if (i % 9 == 4)
            fixture->labels[i] = CLASSES - 1;
        parts[i] = i % 3 == 1 ? TIDYLOG_SECOND_SPLIT : i % 7 == 0 ? TIDYLOG_LEFT_OUT : TIDYLOG_FIRST_SPLIT;
    }
    fixture->run.given = given;
    fixture->run.probes = "threshold-samples";
    fixture->run.parts = parts;
    fixture->run.second_split = 1;
}

static int append_odd_step(struct log_fixture *fixture, struct tidylog_writer *writer)
{
    struct tidylog_predictions predictions = log_fixture_step(fixture, 0);
    uint32_t samples[BATCH];
    for (uint32_t i = 0; i < BATCH; i++)
        samples[i] = 2 * i;
    fixture->margin[3] = fixture->log_odds[3] = NAN;
    fixture->margin[4] = INFINITY;
    predictions.samples = samples;
    return tidylog_append_step(writer, 0, &predictions);
}

/* Ends epoch 0 two steps before it is due, and epoch 1 five after. */
static int append_uneven(struct log_fixture *fixture, struct tidylog_writer *writer)
{
    static const uint64_t ends[EPOCHS] = {3, 15};
    int status = 0;
    for (uint64_t epoch = 0, step = 0; epoch < EPOCHS && status == 0; epoch++) {
        for (; step < ends[epoch] && status == 0; step++) {
            struct tidylog_predictions predictions = log_fixture_step(fixture, step);
            status = tidylog_append_step(writer, step, &predictions);
        }
        struct tidylog_epoch record = log_fixture_epoch(epoch);
        if (status == 0)
            status = tidylog_append_epoch(writer, &record);
    }
    return status;
}

static int write_log(const char *path, enum tidylog_detail detail, enum kind kind)
{
    struct log_fixture fixture;
    struct tidylog_writer *writer = NULL;
    log_fixture_create(&fixture, SAMPLES, CLASSES, BATCH, EPOCHS, detail);
    fixture.run.shuffle = kind != ORDERED;
    if (kind == OLD)
        fixture.run.codes = packing_codes_unsaid;
    if (kind == SPLITS)
        set_splits(&fixture);
    tidylog_order_destroy(fixture.order);
    int status = tidylog_order_create(&fixture.order, &fixture.run);
    if (status == 0)
        status = tidylog_create(&writer, path, &fixture.run, true);
    if (status == 0 && kind == LISTED)
        status = append_odd_step(&fixture, writer);
    if (status == 0 && kind == UNEVEN)
        status = append_uneven(&fixture, writer);
    else if (status == 0)
        status =
            log_fixture_append(&fixture, writer, kind == LISTED, tidylog_order_steps_before(fixture.order, EPOCHS));
    int closed = tidylog_close(writer);
    log_fixture_destroy(&fixture);
    if (kind == OLD && closed == 0)
        log_fixture_edit(path, "meta", "codes", strlen("codes"), 0, 0);
    return status != 0 ? status : closed;
}

static int write_all(const char *folder)
{
    char path[4096];
    int status = 0;
    for (int detail = TIDYLOG_CLASS; detail <= TIDYLOG_FULL && status == 0; detail++) {
        snprintf(path, sizeof path, "%s/%s.tidy", folder, tidylog_detail_names[detail]);
        status = write_log(path, (enum tidylog_detail)detail, SHUFFLED);
    }
    static const struct {
        const char *name;
        enum tidylog_detail detail;
        enum kind kind;
    } others[] = {{"ordered", TIDYLOG_CLASS, ORDERED},
                  {"listed", TIDYLOG_MARGIN, LISTED},
                  {"splits", TIDYLOG_CLASS, SPLITS},
                  {"uneven", TIDYLOG_CLASS, UNEVEN},
                  {"old", TIDYLOG_MARGIN, OLD}};
    for (size_t i = 0; i < sizeof others / sizeof *others && status == 0; i++) {
        snprintf(path, sizeof path, "%s/%s.tidy", folder, others[i].name);
        status = write_log(path, others[i].detail, others[i].kind);
    }
    return status;
}

static void print_step(const struct tidylog_observations *seen, uint32_t classes)
{
    for (uint32_t i = 0; i < seen->count; i++) {
        printf("step %llu %u %u %u %d", (unsigned long long)seen->step, seen->samples[i], seen->labels[i],
               seen->predicted[i], seen->evaluated);
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
    printf("meta batch_size %u\nmeta channels %u\nmeta classes %u\n", run->batch_size, run->channels, run->classes);
    if (run->detail == TIDYLOG_MARGIN && run->codes.margin_scale != packing_codes_unsaid.margin_scale)
        printf("meta codes %u %u\n", run->codes.margin_scale, run->codes.log_odds_density);
    printf("meta command_line %s\nmeta data %s\n", run->command_line, run->data);
    printf("meta data_digest %s\nmeta data_name %s\nmeta detail %s\nmeta deterministic %d\nmeta device %s\n"
           "meta epochs %llu\n",
           run->data_digest, run->data_name, tidylog_detail_names[run->detail], run->deterministic, run->device,
           (unsigned long long)run->epochs);
    printf("meta height %u\nmeta learning_rate %.17g\nmeta lr_schedule %s\nmeta machine %s\nmeta momentum %.17g\n",
           run->height, run->learning_rate, run->lr_schedule, run->machine, run->momentum);
    printf("meta network %s\nmeta noise %s\nmeta precision %s\n", run->network, run->noise, run->precision);
    if (run->probes != NULL)
        printf("meta probes %s\n", run->probes);
    printf("meta resize %u\nmeta samples %llu\n", run->resize, (unsigned long long)run->samples);
    if (run->second_split > 0)
        printf("meta second_split %llu\n", (unsigned long long)run->second_split);
    printf("meta seed %llu\nmeta shuffle %d\n", (unsigned long long)run->seed, run->shuffle);
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
