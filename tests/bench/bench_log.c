/* Measures the log: stored bytes, the file's size, what recording costs the trainer, what a commit takes, and how
 * fast a replay is. A simulated run of 60,000 samples of 10 classes, 15 epochs, batch 128, at every detail. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/options.h"
#include "common/progress.h"
#include "common/table.h"
#include "tests/common/log_fixture.h"

enum {
    SAMPLES = 60000,
    CLASSES = 10,
    BATCH = 128,
    EPOCHS = 15,
    STEPS_A_COMMIT = 40,
    MOST_COMMITS = 1000,
    REPLAYS = 5
};

struct figures {
    uint64_t predictions, wrong;
    double append_seconds;
    double commit_seconds[MOST_COMMITS];
    size_t commits;
    uint64_t stored_bytes, file_bytes;
    double open_seconds, replay_seconds;
};

/* Records the run with a commit every 40 steps, which is a second of training at 5,000 images a second. */
static int record(struct figures *figures, struct log_fixture *fixture, const char *path)
{
    struct tidylog_writer *writer;
    uint64_t steps_per_epoch = tidylog_order_steps_before(fixture->order, 1);
    int status = tidylog_create(&writer, path, &fixture->run, true);
    for (uint64_t step = 0; step < EPOCHS * steps_per_epoch && status == 0; step++) {
        struct tidylog_predictions predictions = log_fixture_step(fixture, step);
        double start = progress_seconds();
        status = tidylog_append_step(writer, step, &predictions);
        figures->append_seconds += progress_seconds() - start;
        figures->predictions += predictions.count;
        for (uint32_t i = 0; i < predictions.count; i++)
            figures->wrong += predictions.predicted[i] != fixture->labels[predictions.samples[i]];
        if (status == 0 && (step + 1) % steps_per_epoch == 0) {
            struct tidylog_epoch epoch = log_fixture_epoch(step / steps_per_epoch);
            status = tidylog_append_epoch(writer, &epoch);
        }
        if (status == 0 && step % STEPS_A_COMMIT == STEPS_A_COMMIT - 1 && figures->commits < MOST_COMMITS) {
            start = progress_seconds();
            status = tidylog_sync(writer);
            figures->commit_seconds[figures->commits++] = progress_seconds() - start;
        }
    }
    int closed = tidylog_close(writer);
    return status != 0 ? status : closed;
}

/* Opens and replays everything once; keeps the best times. */
static int replay(struct figures *figures, const char *path)
{
    struct tidylog_reader *reader;
    struct tidylog_replay *replay = NULL;
    struct tidylog_table_size sizes[TIDYLOG_TABLES];
    struct tidylog_observations seen;
    uint64_t predictions = 0;
    double start = progress_seconds();
    int status = tidylog_open(&reader, path);
    if (status != 0)
        return status;
    double opened = progress_seconds();
    status = tidylog_replay_begin(&replay, reader, 0, UINT64_MAX);
    if (status == 0) {
        while ((status = tidylog_replay_next(replay, &seen)) == 1)
            predictions += seen.count;
    }
    double replayed = progress_seconds();
    tidylog_replay_end(replay);
    if (status == 0)
        status = tidylog_table_sizes(reader, sizes);
    if (status == 0 && predictions != figures->predictions)
        status = tidy_fail("%s: replayed %llu predictions", path, (unsigned long long)predictions);
    if (figures->open_seconds == 0 || opened - start < figures->open_seconds)
        figures->open_seconds = opened - start;
    if (figures->replay_seconds == 0 || replayed - opened < figures->replay_seconds)
        figures->replay_seconds = replayed - opened;
    figures->stored_bytes = sizes[1].stored_bytes;
    tidylog_close_reader(reader);
    return status;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_row(struct table *table, const char *detail, struct figures *figures)
{
    double predictions = (double)figures->predictions;
    qsort(figures->commit_seconds, figures->commits, sizeof(double), compare_doubles);
    table_add_text(table, detail);
    table_add_real(table, (double)figures->wrong / predictions);
    table_add_real(table, (double)figures->stored_bytes / predictions);
    table_add_real(table, (double)figures->file_bytes / (double)figures->stored_bytes);
    table_add_real(table, figures->append_seconds / (predictions / BATCH) * 1e6);
    table_add_real(table, figures->commit_seconds[figures->commits / 2] * 1e3);
    table_add_real(table, figures->commit_seconds[figures->commits - 1] * 1e3);
    table_add_real(table, figures->open_seconds * 1e3);
    table_add_real(table, figures->replay_seconds * 1e3);
    table_add_real(table, predictions / figures->replay_seconds / 1e6);
}

static int measure(struct table *table, enum tidylog_detail detail, const char *path)
{
    static struct figures figures;
    struct log_fixture fixture;
    struct stat file;
    figures = (struct figures){0};
    log_fixture_create(&fixture, SAMPLES, CLASSES, BATCH, EPOCHS, detail);
    int status = record(&figures, &fixture, path);
    for (int i = 0; i < REPLAYS && status == 0; i++)
        status = replay(&figures, path);
    if (status == 0 && stat(path, &file) == 0) {
        figures.file_bytes = (uint64_t)file.st_size;
        print_row(table, tidylog_detail_names[detail], &figures);
    }
    log_fixture_destroy(&fixture);
    return status;
}

int main(int argc, char **argv)
{
    static const char *const columns[] = {"detail",
                                          "wrong",
                                          "bytes_per_prediction",
                                          "file_over_stored",
                                          "append_us",
                                          "commit_ms",
                                          "longest_commit_ms",
                                          "open_ms",
                                          "replay_ms",
                                          "million_predictions_per_s"};
    char path[4096], lock[4096];
    snprintf(path, sizeof path - 8, "%s/bench-log.tidy", argc > 1 ? argv[1] : ".");
    snprintf(lock, sizeof lock, "%.4000s-lock", path);
    struct table *table = table_begin(columns, sizeof columns / sizeof *columns, false);
    int status = table == NULL ? TIDY_FAILED : TIDY_OK;
    for (int detail = TIDYLOG_CLASS; detail <= TIDYLOG_FULL && status == 0; detail++)
        status = measure(table, (enum tidylog_detail)detail, path);
    if (table != NULL && table_end(table) != 0 && status == 0)
        status = TIDY_FAILED;
    unlink(path);
    unlink(lock);
    return tidy_report_error("bench-log", status);
}
