/* tidy-analyze sweep: every threshold of one score against the planted truth, or what controls say. */
#include <math.h>
#include <stdlib.h>

#include "analyze/analysis.h"
#include "analyze/commands.h"
#include "analyze/estimated_quality.h"
#include "analyze/evaluation.h"
#include "analyze/ranking.h"
#include "common/error.h"
#include "common/memory.h"
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

/* What is known of the curve. */
struct curve {
    const struct score *score;
    struct ranking ranking;
    struct truth truth;
    bool has_truth, has_estimate;
    struct noise_estimate estimate;
    float *control_keys; /* [controls] for the label trained on; NaN where the score has none */
    struct ranking controls;
    struct estimated_set set; /* of the samples so far */
};

/* The samples and controls that have come since the last threshold. */
static struct estimated_quality add_up_to(struct curve *curve, size_t from, size_t flagged, float key,
                                          size_t *controls)
{
    for (size_t i = from; i < flagged; i++)
        estimated_set_add(&curve->set, curve->ranking.order[i]);
    for (; *controls < curve->controls.scored; ++*controls) {
        uint32_t control = curve->controls.order[*controls];
        if (curve->control_keys[control] < key)
            break;
        estimated_set_add_control(&curve->set, control, 1);
    }
    return estimated_set_quality(&curve->set);
}

static int print(struct curve *curve, bool json)
{
    size_t count = curve->has_estimate ? sizeof columns / sizeof *columns : PLAIN_COLUMNS;
    struct table *table = table_begin(columns, count, json);
    if (table == NULL)
        return TIDY_FAILED;
    struct sweep sweep = {.ranking = &curve->ranking, .truth = curve->has_truth ? &curve->truth : NULL};
    struct set_quality quality;
    size_t flagged = 0, controls = 0;
    float key;
    while (!table_failed(table) && sweep_next(&sweep, &key, &quality)) {
        /* Samples that pass every threshold have a finite value to name theirs by. */
        uint32_t last = curve->ranking.order[quality.flagged - 1];
        table_add_real(table, isinf(key) ? score_value(curve->score, last) : score_from_key(curve->score, key));
        table_add_count(table, quality.flagged);
        table_add_real(table, quality.precision);
        table_add_real(table, quality.recall);
        table_add_real(table, quality.f1);
        if (!curve->has_estimate)
            continue;
        const struct estimated_quality estimated = add_up_to(curve, flagged, quality.flagged, key, &controls);
        estimated_add_to(table, estimated.precision);
        estimated_add_to(table, estimated.recall);
        flagged = quality.flagged;
    }
    return table_end(table);
}

/* Estimates, and ranks the controls. */
static int prepare_estimate(struct curve *curve, struct analysis *analysis)
{
    int status = noise_estimate_of(&curve->estimate, analysis);
    size_t count = curve->estimate.control_count;
    if (status == 0)
        status = memory_allocate(&curve->control_keys, count, sizeof *curve->control_keys, "the ranking");
    for (size_t j = 0; j < count && status == 0; j++)
        curve->control_keys[j] = score_knows_probes(curve->score)
                                     ? score_key_of_probe(curve->score, curve->estimate.controls[j].sample)
                                     : NAN;
    if (status == 0)
        status = ranking_create(&curve->controls, curve->control_keys, count);
    if (status == 0)
        estimated_set_begin(&curve->set, &curve->estimate, curve->score);
    return status;
}

static int sweep(const char *path, const struct selection *selection, const char *score_text, bool json)
{
    struct analysis analysis;
    struct curve curve = {0};
    float *keys = NULL;

    int status = analysis_open(&analysis, path);
    analysis.selection = *selection;
    if (status == 0) {
        curve.has_estimate = noise_estimate_is_possible(&analysis);
        curve.has_truth = analysis.run->truth != NULL || !curve.has_estimate;
    }
    if (status == 0 && curve.has_truth)
        status = truth_create(&curve.truth, analysis.run, path);
    if (status == 0)
        status = analysis_choose_one(&analysis, score_text);
    if (status == 0)
        status = analysis_replay(&analysis, NULL);
    if (status == 0)
        status = memory_allocate(&keys, analysis.run->samples, sizeof *keys, "the ranking");
    if (status == 0) {
        curve.score = &analysis.scores.scores[0];
        score_keys(curve.score, keys, analysis.run->samples);
        status = ranking_create(&curve.ranking, keys, analysis.run->samples);
    }
    if (status == 0 && curve.has_estimate)
        status = prepare_estimate(&curve, &analysis);
    if (status == 0)
        status = print(&curve, json);
    ranking_destroy(&curve.controls);
    free(curve.control_keys);
    noise_estimate_destroy(&curve.estimate);
    truth_destroy(&curve.truth);
    ranking_destroy(&curve.ranking);
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
