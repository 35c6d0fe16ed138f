/* Scores and rules side by side, log by log. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/compare.h"
#include "analyze/evaluation.h"
#include "analyze/ranking.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/table.h"

static const char *const columns[] = {"log",    "score", "rule", "flagged", "precision",
                                      "recall", "f1",    "ap",   "auroc",   "best_f1"};

/* A line of the table. */
struct line {
    const char *log, *rule;
    char *score; /* owned, for the log is closed by the time it is printed */
    struct set_quality set;
    struct rank_quality ranks;
};

struct lines {
    struct line *lines;
    size_t count, capacity;
};

static int print(const struct lines *lines, bool json)
{
    struct table *table = table_begin(columns, sizeof columns / sizeof *columns, json);
    if (table == NULL)
        return TIDY_FAILED;
    for (size_t i = 0; i < lines->count; i++) {
        const struct line *line = &lines->lines[i];
        table_add_text(table, line->log);
        table_add_text(table, line->score);
        table_add_text(table, line->rule);
        table_add_count(table, line->set.flagged);
        table_add_real(table, line->set.precision);
        table_add_real(table, line->set.recall);
        table_add_real(table, line->set.f1);
        table_add_real(table, line->ranks.average_precision);
        table_add_real(table, line->ranks.auroc);
        table_add_real(table, line->ranks.best_f1);
    }
    return table_end(table);
}

static int add_line(struct lines *to, struct line line, const char *score)
{
    int status = memory_grow(&to->lines, &to->capacity, to->count + 1, sizeof *to->lines, "the comparison");
    if (status == 0)
        status = memory_allocate(&line.score, strlen(score) + 1, 1, "the comparison");
    if (status != 0)
        return status;
    strcpy(line.score, score);
    to->lines[to->count++] = line;
    return 0;
}

/* What every line of a log is made with. */
struct context {
    const struct comparison *comparison;
    struct analysis analysis;
    struct truth truth; /* where it is known */
    float *keys;        /* [samples] */
    bool *flagged;      /* [samples] */
};

/* A line for each rule that cuts scores; or, in a line without a score, each that flags the same whatever the score
 * is. */
static int compare_rules(struct lines *to, struct context *context, const struct score *score, bool without_score)
{
    struct analysis *analysis = &context->analysis;
    bool has_truth = analysis->run->truth != NULL;
    struct ranking ranking;
    struct line line = {.log = analysis->path,
                        .set = {.precision = NAN, .recall = NAN, .f1 = NAN},
                        .ranks = {.average_precision = NAN, .auroc = NAN, .best_f1 = NAN}};
    score_keys(score, context->keys, analysis->run->samples);
    int status = ranking_create(&ranking, context->keys, analysis->run->samples);
    if (status == 0 && has_truth && !without_score)
        line.ranks = rank_quality_of(&ranking, &context->truth);
    for (size_t i = 0; i < context->comparison->rules.count && status == 0; i++) {
        const struct threshold *rule = &context->comparison->rules.rules[i];
        if (threshold_ignores_score(rule) != without_score)
            continue;
        line.rule = rule->text;
        status = threshold_apply(rule, analysis, score, &ranking, context->flagged, &line.set.flagged);
        if (status == 0 && has_truth)
            line.set = set_quality_of_flags(context->flagged, &context->truth);
        if (status == 0)
            status = add_line(to, line, without_score ? "-" : score->name);
    }
    ranking_destroy(&ranking);
    return status;
}

static int compare_log(struct lines *to, const struct comparison *comparison, const char *path)
{
    struct context context = {.comparison = comparison};
    struct analysis *analysis = &context.analysis;
    const struct score_set *scores = &analysis->scores;
    int status = analysis_open(analysis, path);
    analysis->selection = comparison->selection;
    if (status == 0)
        status = analysis_choose(analysis, comparison->scores);
    if (status == 0)
        status = threshold_list_announce(&comparison->rules, analysis);
    if (status == 0)
        status = analysis_replay(analysis, NULL);
    if (status == 0 && analysis->run->truth != NULL)
        status = truth_create(&context.truth, analysis->run, path);
    if (status == 0)
        status = memory_allocate(&context.keys, analysis->run->samples, sizeof *context.keys, "the ranking");
    if (status == 0)
        status = memory_allocate(&context.flagged, analysis->run->samples, sizeof *context.flagged, "suspects");
    for (size_t i = 0; i < scores->count && status == 0; i++)
        status = compare_rules(to, &context, &scores->scores[i], false);
    if (status == 0 && scores->count > 0)
        status = compare_rules(to, &context, &scores->scores[0], true);
    free(context.flagged);
    free(context.keys);
    truth_destroy(&context.truth);
    analysis_close(analysis);
    return status;
}

int compare_scores(const struct comparison *comparison)
{
    struct lines lines = {0};
    int status = 0;
    for (size_t i = 0; i < comparison->logs && status == 0; i++)
        status = compare_log(&lines, comparison, comparison->paths[i]);
    if (status == 0)
        status = print(&lines, comparison->json);
    for (size_t i = 0; i < lines.count; i++)
        free(lines.lines[i].score);
    free(lines.lines);
    return status;
}
