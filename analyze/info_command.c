/* tidy-analyze info: what a run is, where it stands, and what its log costs. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analyze/commands.h"
#include "common/error.h"
#include "common/options.h"
#include "common/table.h"
#include "common/tidylog.h"

static const char *const columns[] = {"key", "value"};

static void add_text(struct table *table, const char *key, const char *value)
{
    if (value == NULL)
        return;
    table_add_text(table, key);
    table_add_text(table, value);
}

static void add_count(struct table *table, const char *key, uint64_t value)
{
    table_add_text(table, key);
    table_add_count(table, value);
}

static void add_real(struct table *table, const char *key, double value)
{
    if (isnan(value))
        return;
    table_add_text(table, key);
    table_add_real(table, value);
}

/* What the run is. What is not known has no line; seed and order are known of what was trained here. */
static void add_run(struct table *table, const struct tidylog_run *run)
{
    char image[64], codes[64];
    snprintf(codes, sizeof codes, "%" PRIu32 " %" PRIu32, run->codes.margin_scale, run->codes.log_odds_density);
    snprintf(image, sizeof image, "%" PRIu32 "x%" PRIu32 "x%" PRIu32, run->height, run->width, run->channels);
    add_text(table, "data-name", run->data_name);
    add_text(table, "data", run->data);
    add_text(table, "data-digest", run->data_digest);
    add_count(table, "samples", run->samples);
    add_count(table, "classes", run->classes);
    add_text(table, "image", run->height > 0 ? image : NULL);
    if (run->resize > 0)
        add_count(table, "resize", run->resize);
    add_text(table, "network", run->network);
    add_count(table, "batch-size", run->batch_size);
    add_real(table, "lr", run->learning_rate);
    add_text(table, "lr-schedule", run->lr_schedule);
    add_real(table, "momentum", run->momentum);
    add_real(table, "weight-decay", run->weight_decay);
    if (run->network != NULL || run->shuffle) {
        add_count(table, "seed", run->seed);
        add_text(table, "order", run->shuffle ? "shuffled" : "as in the data set");
    }
    add_text(table, "noise", run->noise);
    add_text(table, "detail", tidylog_detail_names[run->detail]);
    add_text(table, "codes", run->detail == TIDYLOG_MARGIN ? codes : NULL);
    add_text(table, "device", run->device);
    add_text(table, "precision", run->precision);
    add_text(table, "deterministic", run->deterministic ? "yes" : NULL);
    if (run->threads > 0)
        add_count(table, "threads", run->threads);
    add_text(table, "machine", run->machine);
    add_text(table, "versions", run->versions);
    add_text(table, "started", run->started);
    add_text(table, "command-line", run->command_line);
}

static void add_truth(struct table *table, const struct tidylog_run *run)
{
    if (run->truth == NULL) {
        add_text(table, "mislabelled", "unknown");
        return;
    }
    const uint16_t *given = tidylog_given_labels(run);
    uint64_t count = 0;
    for (uint64_t i = 0; i < run->samples; i++)
        count += given[i] != run->truth[i];
    add_count(table, "mislabelled", count);
    add_real(table, "mislabelled-share", (double)count / (double)run->samples);
}

/* What not every log has: several runs, splits, probes. */
static void add_parts(struct table *table, const struct tidylog_reader *reader)
{
    static const char *const keys[] = {"first-split", "second-split", "left-out"};
    const struct tidylog_run *run = tidylog_reader_run(reader);
    uint64_t counts[TIDYLOG_LEFT_OUT + 1] = {0}, probes = 0;
    if (tidylog_reader_runs(reader) > 1)
        add_count(table, "runs", tidylog_reader_runs(reader));
    for (uint64_t i = 0; run->parts != NULL && i < run->samples; i++)
        counts[run->parts[i]]++;
    for (uint64_t i = 0; run->given != NULL && i < run->samples; i++)
        probes += tidylog_is_probe(run, i);
    for (int part = 0; part <= TIDYLOG_LEFT_OUT && run->parts != NULL; part++)
        add_count(table, keys[part], counts[part]);
    if (run->second_split > 0)
        add_count(table, "second-split-from-epoch", run->second_split);
    add_text(table, "probes", run->probes);
    if (run->given != NULL)
        add_count(table, "probe-samples", probes);
}

/* Steps of an epoch that trains on the first split, and on the second where there is one. */
static int add_epoch_steps(struct table *table, const struct tidylog_run *run)
{
    struct tidylog_order *order;
    int status = tidylog_order_create(&order, run);
    if (status != 0)
        return status;
    add_count(table, "steps-per-epoch", tidylog_order_steps_before(order, 1));
    if (run->second_split > 0)
        add_count(table, "steps-per-epoch-of-second-split",
                  tidylog_order_steps_before(order, run->second_split + 1) -
                      tidylog_order_steps_before(order, run->second_split));
    tidylog_order_destroy(order);
    return 0;
}

/* Where the run stands. */
static int add_standing(struct table *table, struct tidylog_reader *reader, uint64_t steps)
{
    const struct tidylog_run *run = tidylog_reader_run(reader);
    uint64_t finished;
    const struct tidylog_epoch *epochs = tidylog_reader_epochs(reader, &finished);
    uint64_t through = finished > 0 ? tidylog_reader_steps_through(reader, finished - 1) : 0;
    add_count(table, "epochs-planned", run->epochs);
    add_count(table, "epochs-finished", finished);
    int status = add_epoch_steps(table, run);
    add_count(table, "steps-of-unfinished-epoch", steps > through ? steps - through : 0);
    if (finished > 0) {
        add_real(table, "accuracy", epochs[finished - 1].accuracy);
        add_real(table, "test-accuracy", epochs[finished - 1].test_accuracy);
    }
    return status;
}

static void add_storage(struct table *table, const struct tidylog_table_size *sizes)
{
    uint64_t stored = 0, predictions = 0;
    for (size_t i = 0; i < TIDYLOG_TABLES && sizes[i].name != NULL; i++) {
        char key[64];
        snprintf(key, sizeof key, "%s-records", sizes[i].name);
        add_count(table, key, sizes[i].records);
        snprintf(key, sizeof key, "%s-bytes", sizes[i].name);
        add_count(table, key, sizes[i].stored_bytes);
        snprintf(key, sizeof key, "%s-pages-bytes", sizes[i].name);
        add_count(table, key, sizes[i].pages_bytes);
        if (strcmp(sizes[i].name, "meta") != 0)
            stored += sizes[i].stored_bytes;
        if (strcmp(sizes[i].name, "steps") == 0 || strcmp(sizes[i].name, "columns") == 0)
            predictions += sizes[i].counts;
    }
    add_count(table, "predictions", predictions);
    add_real(table, "bytes-per-prediction", predictions > 0 ? (double)stored / (double)predictions : NAN);
}

static int print(struct tidylog_reader *reader, bool json)
{
    const struct tidylog_run *run = tidylog_reader_run(reader);
    uint64_t steps = 0;
    struct tidylog_table_size sizes[TIDYLOG_TABLES] = {0};
    int status = tidylog_table_sizes(reader, sizes);
    if (status == 0)
        status = tidylog_reader_steps(reader, &steps);
    if (status != 0)
        return status;

    struct table *table = table_begin(columns, sizeof columns / sizeof *columns, json);
    if (table == NULL)
        return TIDY_FAILED;
    add_run(table, run);
    add_truth(table, run);
    add_parts(table, reader);
    status = add_standing(table, reader, steps);
    add_storage(table, sizes);
    int printed = table_end(table);
    return status != 0 ? status : printed;
}

int info_command(int argc, char **argv)
{
    bool json = false;
    const struct option_row options[] = {JSON_OPTION(json)};
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "info",
        .arguments = "run.tidy [OPTION...]",
        .summary = "What the run is and where it stands, as keys and values.",
        .description =
            "First how the run was recorded, as far as that is known, then how far it got (an epoch that has\n"
            "begun but not ended counts in no score), then what is stored: records, bytes of keys and values,\n"
            "and bytes of the file's pages of each table. bytes-per-prediction leaves out the table meta: labels\n"
            "and the description of the run. Of a table of more than 128 pages, bytes and counts are\n"
            "extrapolated from 128 of them.\n"
            "Of a log that holds several runs, all this is about the first; runs says how many there are.",
        .example = "tidy-analyze info run.tidy",
        OPTION_ROWS(options),
    };
    const char *path;
    bool helped;
    int status = command_parse(&usage, argc, argv, &path, 1, &helped);
    if (status != 0 || helped)
        return status;

    struct tidylog_reader *reader;
    if ((status = tidylog_open(&reader, path)) != 0)
        return status;
    status = print(reader, json);
    tidylog_close_reader(reader);
    return status;
}
