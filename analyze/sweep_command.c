/* tidy-analyze sweep: every threshold of one score against the planted truth. */
#include <math.h>
#include <stdlib.h>

#include "analyze/analysis.h"
#include "analyze/commands.h"
#include "analyze/evaluation.h"
#include "analyze/ranking.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/table.h"

static const char *const columns[] = {"threshold", "flagged", "precision", "recall", "f1"};

static int print(const struct score *score, const struct ranking *ranking, const struct truth *truth, bool json)
{
    struct table *table = table_begin(columns, sizeof columns / sizeof *columns, json);
    if (table == NULL)
        return TIDY_FAILED;
    struct sweep sweep = {.ranking = ranking, .truth = truth};
    struct set_quality quality;
    float key;
    while (!table_failed(table) && sweep_next(&sweep, &key, &quality)) {
        /* Samples that pass every threshold have a finite value to name theirs by. */
        uint32_t last = ranking->order[quality.flagged - 1];
        table_add_real(table, isinf(key) ? score_value(score, last) : score_from_key(score, key));
        table_add_count(table, quality.flagged);
        table_add_real(table, quality.precision);
        table_add_real(table, quality.recall);
        table_add_real(table, quality.f1);
    }
    return table_end(table);
}

static int sweep(const char *path, const struct selection *selection, const char *score_text, bool json)
{
    struct analysis analysis;
    float *keys = NULL;
    struct ranking ranking = {0};
    struct truth truth = {0};

    int status = analysis_open(&analysis, path);
    analysis.selection = *selection;
    if (status == 0)
        status = truth_create(&truth, analysis.run, path);
    if (status == 0)
        status = analysis_choose_one(&analysis, score_text);
    if (status == 0)
        status = analysis_replay(&analysis, NULL);
    if (status == 0)
        status = memory_allocate(&keys, truth.samples, sizeof *keys, "the ranking");
    if (status == 0) {
        score_keys(&analysis.scores.scores[0], keys, truth.samples);
        status = ranking_create(&ranking, keys, truth.samples);
    }
    if (status == 0)
        status = print(&analysis.scores.scores[0], &ranking, &truth, json);
    truth_destroy(&truth);
    ranking_destroy(&ranking);
    free(keys);
    analysis_close(&analysis);
    return status;
}

int sweep_command(int argc, char **argv)
{
    bool json = false;
    const char *score = DEFAULT_SCORE;
    struct selection selection = {0};
    const struct option_row options[] = {
        {.name = "score",
         .kind = OPTION_TEXT,
         .value = &score,
         .argument = "NAME",
         .help = "the score to cut; 'tidy-analyze samples --help' lists them"},
        SELECTION_OPTIONS(selection),
        JSON_OPTION(json),
    };
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "sweep",
        .arguments = "run.tidy [OPTION...]",
        .summary = "Every threshold of one score: the precision-recall curve as a table.",
        .description =
            "A line for each distinct value of the score, from the most suspicious on: the threshold X and what\n"
            "'flag --threshold value:X' gives: flagged, precision, recall, f1 against the planted truth.",
        .example = "tidy-analyze sweep run.tidy --score aum\n"
                   "tidy-analyze sweep run.tidy --score aum --epochs 1..2",
        OPTION_ROWS(options),
    };
    const char *path;
    bool helped;
    int status = command_parse(&usage, argc, argv, &path, 1, &helped);
    return status != 0 || helped ? status : sweep(path, &selection, score, json);
}
