/* tidy-analyze sweep: every threshold of one score against the planted truth, or what controls say. */
#include "analyze/analysis.h"
#include "analyze/commands.h"
#include "analyze/evaluation.h"
#include "analyze/threshold_curve.h"
#include "common/error.h"
#include "common/options.h"
#include "common/table.h"

static const char *const columns[] = {"threshold",
                                      "flagged",
                                      "precision",
                                      "recall",
                                      "f1",
                                      "estimated_precision",
                                      "estimated_precision_low",
                                      "estimated_precision_high",
                                      "estimated_recall",
                                      "estimated_recall_low",
                                      "estimated_recall_high"};
enum { PLAIN_COLUMNS = 5 };

static int print(struct threshold_curve *curve, bool json)
{
    size_t count = curve->has_estimate ? sizeof columns / sizeof *columns : PLAIN_COLUMNS;
    struct table *table = table_begin(columns, count, json);
    if (table == NULL)
        return TIDY_FAILED;
    struct threshold_point point;
    while (!table_failed(table) && threshold_curve_next(curve, &point)) {
        table_add_real(table, point.value);
        table_add_count(table, point.quality.flagged);
        table_add_real(table, point.quality.precision);
        table_add_real(table, point.quality.recall);
        table_add_real(table, point.quality.f1);
        if (!curve->has_estimate)
            continue;
        const struct estimated_quality estimated = threshold_curve_estimate(curve);
        estimated_add_to(table, estimated.precision);
        estimated_add_to(table, estimated.recall);
    }
    return table_end(table);
}

static int sweep(const char *path, const struct selection *selection, const char *score_text, bool json)
{
    struct analysis analysis;
    struct threshold_curve curve = {0};
    int status = analysis_open(&analysis, path);
    analysis.selection = *selection;
    if (status == 0 && !noise_estimate_is_possible(&analysis))
        status = truth_check(analysis.run, path);
    if (status == 0)
        status = analysis_choose_one(&analysis, score_text);
    if (status == 0)
        status = analysis_replay(&analysis, NULL);
    if (status == 0)
        status = threshold_curve_create(&curve, &analysis);
    if (status == 0)
        status = print(&curve, json);
    threshold_curve_destroy(&curve);
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
            "'flag --threshold value:X' gives: flagged, precision, recall, f1 against the planted truth.\n\n"
            "Where the log has controls (train --controls), also estimated_precision and estimated_recall\n"
            "with their 95% intervals (_low, _high), nan where 'eval --estimate' has another verdict than\n"
            "'applies'. The truth is then not needed: what is against it is nan.",
        .example = "tidy-analyze sweep run.tidy --score aum\n"
                   "tidy-analyze sweep run.tidy --score aum --epochs 1..2",
        OPTION_ROWS(options),
    };
    const char *path;
    bool helped;
    int status = command_parse(&usage, argc, argv, &path, 1, &helped);
    return status != 0 || helped ? status : sweep(path, &selection, score, json);
}
