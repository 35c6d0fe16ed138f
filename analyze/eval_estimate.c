/* Precision, recall and the noise rate as planted controls say, one line a score. */
#include "analyze/eval_estimate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/estimated_quality.h"
#include "analyze/noise_estimate.h"
#include "analyze/ranking.h"
#include "analyze/sample_list.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/table.h"

static const char *const columns[] = {
    "score",      "rule",        "flagged",    "precision",      "precision_low",   "precision_high", "recall",
    "recall_low", "recall_high", "noise_rate", "noise_rate_low", "noise_rate_high", "verdict"};

static void add_line(struct table *table, const char *score, const char *rule,
                     const struct noise_estimate *estimate, const struct estimated_quality *quality)
{
    bool applies = estimate->verdict == NOISE_APPLIES, has_limit = estimate->verdict == NOISE_NONE_FOUND;
    table_add_text(table, score);
    table_add_text(table, rule);
    table_add_count(table, quality->flagged);
    estimated_add_to(table, quality->precision);
    estimated_add_to(table, quality->recall);
    estimated_add_to(table, applies ? estimate->rate
                                    : (struct estimated){NAN, NAN, has_limit ? estimate->rate.high : NAN});
    table_add_text(table, noise_verdict_names[estimate->verdict]);
}

static int add_scores(struct table *table, struct analysis *analysis, const struct threshold *threshold,
                      const struct noise_estimate *estimate, float *keys, bool *flagged)
{
    size_t samples = analysis->run->samples, count;
    int status = 0;
    for (size_t s = 0; s < analysis->scores.count && status == 0; s++) {
        const struct score *score = &analysis->scores.scores[s];
        struct ranking ranking;
        score_keys(score, keys, samples);
        status = ranking_create(&ranking, keys, samples);
        if (status == 0)
            status = threshold_apply(threshold, analysis, score, &ranking, flagged, &count);
        ranking_destroy(&ranking);
        if (status != 0)
            break;
        struct estimated_quality quality = estimated_quality_of(estimate, score, flagged, samples);
        add_line(table, score->name, threshold->text, estimate, &quality);
    }
    return status;
}

static int add_list(struct table *table, const struct noise_estimate *estimate, const struct sample_list *list)
{
    struct estimated_set set;
    estimated_set_begin(&set, estimate, NULL);
    for (size_t i = 0; i < list->count; i++)
        estimated_set_add(&set, list->samples[i]);
    struct estimated_quality quality = estimated_set_quality(&set);
    add_line(table, "stdin", "-", estimate, &quality);
    return 0;
}

int eval_estimate(struct analysis *analysis, const char *scores, const struct threshold *threshold, bool json)
{
    size_t samples = analysis->run->samples;
    struct noise_estimate estimate = {0};
    struct sample_list list = {0};
    struct table *table = NULL;
    float *keys = NULL;
    bool *flagged = NULL;
    int status = memory_allocate(&keys, samples, sizeof *keys, "the ranking");
    if (status == 0)
        status = memory_allocate(&flagged, samples, sizeof *flagged, "suspects");
    if (status == 0)
        status = noise_estimate_check(analysis);
    if (status == 0)
        status = scores != NULL ? analysis_choose(analysis, scores) : analysis_select_run(analysis, 0);
    if (status == 0 && scores == NULL)
        status = sample_list_read(&list, stdin, "standard input", samples);
    if (status == 0 && scores != NULL)
        status = threshold_announce(threshold, analysis);
    if (status == 0 && scores != NULL)
        status = analysis_replay(analysis, NULL);
    if (status == 0)
        status = noise_estimate_of(&estimate, analysis);
    if (status == 0 && (table = table_begin(columns, sizeof columns / sizeof *columns, json)) == NULL)
        status = TIDY_FAILED;
    if (status == 0)
        status = scores != NULL ? add_scores(table, analysis, threshold, &estimate, keys, flagged)
                                : add_list(table, &estimate, &list);
    if (table != NULL) {
        int ended = table_end(table);
        status = status != 0 ? status : ended;
    }
    noise_estimate_destroy(&estimate);
    sample_list_destroy(&list);
    free(flagged);
    free(keys);
    return status;
}
