/* Each epoch's record as it stands in the log; right and wrong labels apart by replay. */
#include "analyze/charts/learning_runs.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "analyze/charts/house_style.h"
#include "analyze/evaluation.h"
#include "common/memory.h"

/* What one epoch predicted, by kind of sample. Probes are of neither kind: their wrong label is not the given
 * one. */
struct tally {
    uint64_t clean, wrong;       /* predictions of samples with a right label, with a wrong one */
    uint64_t clean_right;        /* right label, predicted */
    uint64_t wrong_repeated;     /* wrong label, predicted: learnt by heart */
    uint64_t wrong_seen_through; /* wrong label, the true class predicted */
};

struct tallies {
    const struct tidylog_run *run;
    struct tally *epochs; /* [finished epochs] */
};

static int observe(void *context, const struct tidylog_observations *step)
{
    struct tallies *tallies = context;
    if (step->evaluated)
        return 0;
    struct tally *tally = &tallies->epochs[step->epoch];
    for (uint32_t i = 0; i < step->count; i++) {
        uint16_t truth = tallies->run->truth[step->samples[i]];
        if (tidylog_is_probe(tallies->run, step->samples[i]))
            continue;
        bool wrong = truth != step->labels[i], predicted = step->predicted[i] == step->labels[i];
        tally->clean += !wrong;
        tally->wrong += wrong;
        tally->clean_right += !wrong && predicted;
        tally->wrong_repeated += wrong && predicted;
        tally->wrong_seen_through += wrong && step->predicted[i] == truth;
    }
    return 0;
}

/* ---- data blocks ------------------------------------------------------------------------------------------ */

static const char header[] = "# epochs\tloss\ttraining\ttest\tlearning rate";
static const char header_apart[] = "\tright labels\twrong labels\ttrue class of the wrong";

static void note(struct learning *learning, int column, double value)
{
    if (isnan(value))
        return;
    learning->least[column] = learning->has[column] ? fmin(learning->least[column], value) : value;
    learning->most[column] = learning->has[column] ? fmax(learning->most[column], value) : value;
    learning->has[column] = true;
}

/* NaN, of what nobody knows, is the same as NaN here. */
static bool is_same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Writes the data block $rate<number>: the corners of the learning rate's steps. A log has the rate that an epoch
 * ends with. */
static void write_rates(FILE *out, size_t number, const struct tidylog_epoch *epochs, uint64_t count)
{
    fprintf(out, "$rate%zu << EOD\n# epochs\tlearning rate\n0\t%.6g\n", number + 1, epochs[0].learning_rate);
    for (uint64_t i = 0; i < count; i++) {
        const bool is_last = i + 1 == count;
        if (!is_last && is_same(epochs[i + 1].learning_rate, epochs[i].learning_rate))
            continue;
        fprintf(out, "%" PRIu64 "\t%.6g\n", i + 1, epochs[i].learning_rate);
        if (!is_last)
            fprintf(out, "%" PRIu64 "\t%.6g\n", i + 1, epochs[i + 1].learning_rate);
    }
    fputs("EOD\n", out);
}

/* Writes the data block $run<number>. */
static void write_run(FILE *out, struct learning *learning, size_t number, const struct tidylog_epoch *epochs,
                      uint64_t count, const struct tally *tallies)
{
    double *row = learning->runs[number].ends;
    for (int column = LEARNING_EPOCHS; column < LEARNING_COLUMNS; column++)
        row[column] = NAN;
    fprintf(out, "$run%zu << EOD\n%s%s\n", number + 1, header, tallies != NULL ? header_apart : "");
    for (uint64_t i = 0; i < count; i++) {
        struct tally t = tallies != NULL ? tallies[i] : (struct tally){0};
        double clean = (double)t.clean, wrong = (double)t.wrong; /* 0 / 0 is NaN, of which no point is drawn */
        const double values[LEARNING_COLUMNS] = {[LEARNING_EPOCHS] = (double)(i + 1),
                                                 [LEARNING_LOSS] = epochs[i].loss,
                                                 [LEARNING_TRAINING] = 100 * epochs[i].accuracy,
                                                 [LEARNING_TEST] = 100 * epochs[i].test_accuracy,
                                                 [LEARNING_RATE] = epochs[i].learning_rate,
                                                 [LEARNING_RIGHT] = 100 * (double)t.clean_right / clean,
                                                 [LEARNING_REPEATED] = 100 * (double)t.wrong_repeated / wrong,
                                                 [LEARNING_SEEN_THROUGH] =
                                                     100 * (double)t.wrong_seen_through / wrong};
        fprintf(out, "%" PRIu64, i + 1);
        row[LEARNING_EPOCHS] = values[LEARNING_EPOCHS];
        for (int column = LEARNING_LOSS; column < (tallies != NULL ? LEARNING_COLUMNS : LEARNING_RIGHT); column++) {
            fprintf(out, "\t%.6g", values[column]);
            note(learning, column, values[column]);
            if (!isnan(values[column]))
                row[column] = values[column];
        }
        fputc('\n', out);
    }
    fputs("EOD\n", out);
    write_rates(out, number, epochs, count);
    learning->epochs = count > learning->epochs ? count : learning->epochs;
}

static int add_run(FILE *out, struct learning *learning, struct analysis *analysis, uint32_t run, bool several_logs)
{
    struct learning_run *named = &learning->runs[learning->count];
    uint64_t count = 0;
    int status = analysis_select_run(analysis, run); /* also says so where no epoch is finished */
    if (status != 0)
        return status;
    const char *file = house_style_file_name(analysis->path);
    if (!several_logs)
        snprintf(named->name, sizeof named->name, "run %" PRIu32, run);
    else if (analysis->runs > 1)
        snprintf(named->name, sizeof named->name, "run %" PRIu32 " of %.200s", run, file);
    else
        snprintf(named->name, sizeof named->name, "%.200s", file);

    const struct tidylog_epoch *epochs = tidylog_reader_epochs(analysis->reader, &count);
    struct tallies tallies = {.run = analysis->run};
    const struct replay_observer observer = {.observe = observe, .context = &tallies};
    if (learning->apart) {
        status = memory_allocate(&tallies.epochs, count, sizeof *tallies.epochs, "a chart");
        if (status == 0)
            status = replay_epochs(analysis->reader, (struct window){0, count}, &observer, 1);
    }
    if (status == 0)
        write_run(out, learning, learning->count++, epochs, count, tallies.epochs);
    free(tallies.epochs);
    return status;
}

int learning_runs_write(FILE *out, struct learning *learning, const struct chart *chart)
{
    const size_t logs = chart->request->path_count;
    size_t runs = 0;
    for (size_t i = 0; i < logs; i++)
        runs += chart->logs[i].runs;
    int status = memory_allocate(&learning->runs, runs, sizeof *learning->runs, "a chart");
    const struct tidylog_run *run = chart->log->run;
    if (status == 0 && runs == 1 && run->truth != NULL) {
        struct truth truth = {0};
        status = truth_create(&truth, run, chart->log->path);
        learning->apart = truth.count > 0 && truth.count < truth.samples;
        truth_destroy(&truth);
    }
    for (size_t i = 0; i < logs && status == 0; i++)
        for (uint32_t j = 0; j < chart->logs[i].runs && status == 0; j++)
            status = add_run(out, learning, &chart->logs[i], j, logs > 1);
    return status;
}
