/* tidy-analyze epochs: the epoch records as a table, and how far the suspects still change. */
#include <math.h>
#include <stdlib.h>

#include "analyze/analysis.h"
#include "analyze/commands.h"
#include "analyze/dynamics_block.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/suspect_overlap.h"
#include "common/table.h"

static const char *const columns[] = {"epoch", "loss", "accuracy", "test_accuracy", "lr", "seconds", "overlap"};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* Whose overlap from epoch to epoch is shown. */
struct suspects {
    const char *score; /* NULL: the best that the log feeds */
    double top;        /* a share of the samples where below 1, else a number of them */
};

/* The scores as they stand after each epoch. */
struct progress {
    struct analysis analysis;
    struct suspect_overlap overlap;
    float *keys; /* [samples] */
};

static int begin(struct progress *progress, uint32_t number, const struct suspects *suspects)
{
    struct analysis *analysis = &progress->analysis;
    bool margins = analysis->run->detail >= TIDYLOG_MARGIN;
    uint64_t samples = analysis->run->samples;
    const char *score = suspects->score != NULL ? suspects->score : margins ? "aum" : "correctness";
    double top = suspects->top < 1 ? fmax(1, round(suspects->top * (double)samples)) : floor(suspects->top);
    if (suspects->top >= 1 && top != suspects->top)
        return tidy_fail_usage("--top %g: from 1 on it is a number of samples, and whole", suspects->top);
    if (top > (double)samples)
        return tidy_fail_usage("--top %.0f: %s has only %.0f samples", top, analysis->path, (double)samples);
    int status = analysis_choose_one(analysis, score);
    if (status == 0)
        status = analysis_select_run(analysis, number);
    if (status == 0 && (score_set_needs_counts(&analysis->scores) || score_set_needs_means(&analysis->scores)))
        status =
            tidy_fail_usage("--score %s: it needs a sum for each class, which is not kept from epoch to epoch; "
                            "choose another one, such as %s",
                            score, margins ? "aum" : "correctness");
    if (status == 0)
        status = dynamics_create(&analysis->sources.dynamics, samples);
    if (status == 0)
        status = memory_allocate(&progress->keys, samples, sizeof *progress->keys, "scores");
    if (status == 0)
        status = suspect_overlap_create(&progress->overlap, samples, (size_t)top);
    if (status == 0)
        score_set_begin(&analysis->scores, &analysis->sources);
    return status;
}

/* Replays one more epoch. */
static int replay_next(struct progress *progress, uint64_t epoch, double *overlap)
{
    struct analysis *analysis = &progress->analysis;
    struct score_sources *sources = &analysis->sources;
    const struct score *score = &analysis->scores.scores[0];
    const struct replay_observer observers[] = {
        {.observe = dynamics_observe, .context = &sources->dynamics, .of_blocks = &dynamics_of_blocks},
        {.observe = score_set_observe, .context = &analysis->scores, .apart = true}};
    sources->window.end = epoch + 1;
    if (score->row->keep != NULL &&
        !score->observes) /* `loss-at` is that of the last epoch, which is this one now */
        score->row->keep(score, &sources->dynamics);
    int status =
        replay_epochs(analysis->reader, (struct window){epoch, epoch + 1}, observers, score->observes ? 2 : 1);
    if (status == 0) {
        score_keys(score, progress->keys, analysis->run->samples);
        *overlap = suspect_overlap_next(&progress->overlap, progress->keys);
    }
    return status;
}

/* A line appears as soon as its epoch is replayed. */
static int print(struct progress *progress, const struct tidylog_epoch *epochs, uint64_t count, bool with_overlap,
                 bool json)
{
    struct table *table = table_begin(columns, with_overlap ? COLUMNS : COLUMNS - 1, json);
    if (table == NULL)
        return TIDY_FAILED;
    int status = 0;
    for (uint64_t i = 0; i < count && !table_failed(table); i++) {
        double overlap = NAN;
        if (with_overlap && (status = replay_next(progress, i, &overlap)) != 0)
            break;
        table_add_count(table, epochs[i].epoch);
        table_add_real(table, epochs[i].loss);
        table_add_real(table, epochs[i].accuracy);
        table_add_real(table, epochs[i].test_accuracy);
        table_add_real(table, epochs[i].learning_rate);
        table_add_real(table, epochs[i].seconds);
        if (with_overlap)
            table_add_real(table, overlap);
    }
    int ended = table_end(table);
    return status != 0 ? status : ended;
}

static int show(const char *path, uint32_t run, const struct suspects *suspects, bool with_overlap, bool json)
{
    struct progress progress = {0};
    struct analysis *analysis = &progress.analysis;
    uint64_t count = 0;
    const struct tidylog_epoch *epochs;
    int status = analysis_open(analysis, path);
    if (status == 0 && run > 0)
        status = analysis_select_run(analysis, run);
    if (status == 0 && with_overlap && analysis->epochs > 0)
        status = begin(&progress, run, suspects);
    if (status == 0) {
        epochs = tidylog_reader_epochs(analysis->reader, &count);
        status = print(&progress, epochs, count, with_overlap, json);
    }
    suspect_overlap_destroy(&progress.overlap);
    free(progress.keys);
    analysis_close(analysis);
    return status;
}

int epochs_command(int argc, char **argv)
{
    bool json = false, with_overlap = true;
    uint64_t run = 0;
    struct suspects suspects = {.top = 0.01};
    const struct option_row options[] = {
        {.name = "score",
         .kind = OPTION_TEXT,
         .value = &suspects.score,
         .argument = "NAME",
         .help =
             "whose most suspicious samples are compared (default: aum; of a log of --detail class, correctness)"},
        {.name = "top",
         .kind = OPTION_REAL,
         .value = &suspects.top,
         .argument = "N",
         .most = UINT32_MAX,
         .help = "how many of them; below 1, the share of all samples"},
        {.name = "overlap",
         .kind = OPTION_FLAG,
         .value = &with_overlap,
         .help = "the column overlap, for which the log is replayed"},
        RUN_OPTION(run),
        JSON_OPTION(json),
    };
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "epochs",
        .arguments = "run.tidy [OPTION...]",
        .summary = "A line per finished epoch.",
        .description =
            "Columns: epoch (from 0); loss and accuracy, the means over the epoch's predictions, each made\n"
            "before the update of its step, against the labels trained on; test_accuracy (nan without a test\n"
            "set); lr, the learning rate at the epoch's last step; seconds; overlap, the share of the most\n"
            "suspicious samples after this epoch that were among the most suspicious after the one before\n"
            "(nan for the first epoch): where it stays near 1, further epochs change little.",
        .example = "tidy-analyze epochs run.tidy\n"
                   "tidy-analyze epochs run.tidy --score mean-loss --top 0.05\n"
                   "tidy-analyze epochs run.tidy --no-overlap",
        OPTION_ROWS(options),
    };
    const char *path;
    bool helped;
    int status = command_parse(&usage, argc, argv, &path, 1, &helped);
    return status != 0 || helped ? status : show(path, (uint32_t)run, &suspects, with_overlap, json);
}
