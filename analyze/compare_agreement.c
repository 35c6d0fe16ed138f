/* How far two scores of a log, or two logs by the same score, agree. */
#include <stdlib.h>
#include <string.h>

#include "analyze/agreement.h"
#include "analyze/analysis.h"
#include "analyze/compare.h"
#include "analyze/verdict.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/table.h"

static const char *const columns[] = {"log_a", "score_a",    "log_b",      "score_b", "samples", "spearman",
                                      "rule",  "suspects_a", "suspects_b", "both",    "jaccard", "overlap"};

/* A line of the table. */
struct line {
    const struct analysis *log_a, *log_b;
    const char *score_a, *score_b, *rule;
    struct rank_correlation ranks;
    struct set_overlap sets;
};

struct agreement {
    const struct comparison *comparison;
    struct analysis *logs; /* [comparison->logs] replayed */
    struct verdict a, b;
    struct line *lines;
    size_t count, capacity;
};

static int print(const struct agreement *agreement)
{
    struct table *table = table_begin(columns, sizeof columns / sizeof *columns, agreement->comparison->json);
    if (table == NULL)
        return TIDY_FAILED;
    for (size_t i = 0; i < agreement->count; i++) {
        const struct line *line = &agreement->lines[i];
        table_add_text(table, line->log_a->path);
        table_add_text(table, line->score_a);
        table_add_text(table, line->log_b->path);
        table_add_text(table, line->score_b);
        table_add_count(table, line->ranks.samples);
        table_add_real(table, line->ranks.rho);
        table_add_text(table, line->rule);
        table_add_count(table, line->sets.a);
        table_add_count(table, line->sets.b);
        table_add_count(table, line->sets.both);
        table_add_real(table, line->sets.jaccard);
        table_add_real(table, line->sets.share);
    }
    return table_end(table);
}

/* ---- pairs ----------------------------------------------------------------------------------------------- */

static int add_pair(struct agreement *agreement, struct analysis *log_a, const struct score *score_a,
                    struct analysis *log_b, const struct score *score_b)
{
    const struct comparison *comparison = agreement->comparison;
    size_t samples = log_a->run->samples;
    struct line line = {.log_a = log_a, .log_b = log_b, .score_a = score_a->name, .score_b = score_b->name};
    int status = verdict_set(&agreement->a, &comparison->rules, log_a, score_a);
    if (status == 0)
        status = verdict_set(&agreement->b, &comparison->rules, log_b, score_b);
    if (status == 0)
        status = rank_correlation_of(&line.ranks, agreement->a.keys, agreement->b.keys, samples);
    for (size_t rule = 0; rule < comparison->rules.count && status == 0; rule++) {
        line.rule = comparison->rules.rules[rule].text;
        line.sets = set_overlap_of(agreement->a.flagged[rule], agreement->b.flagged[rule], samples);
        status = memory_grow(&agreement->lines, &agreement->capacity, agreement->count + 1, sizeof line,
                             "the comparison");
        if (status == 0)
            agreement->lines[agreement->count++] = line;
    }
    return status;
}

static int pair_scores(struct agreement *agreement, struct analysis *log)
{
    int status = 0;
    for (size_t i = 0; i < log->scores.count; i++)
        for (size_t j = i + 1; j < log->scores.count && status == 0; j++)
            status = add_pair(agreement, log, &log->scores.scores[i], log, &log->scores.scores[j]);
    return status;
}

static const struct score *find_score(const struct analysis *log, const char *name)
{
    for (size_t i = 0; i < log->scores.count; i++)
        if (strcmp(log->scores.scores[i].name, name) == 0)
            return &log->scores.scores[i];
    return NULL;
}

/* Scores that only one of the two logs feeds are in no pair. */
static int pair_logs(struct agreement *agreement, struct analysis *a, struct analysis *b)
{
    int status = 0;
    for (size_t i = 0; i < a->scores.count && status == 0; i++) {
        const struct score *score = &a->scores.scores[i], *other = find_score(b, score->name);
        if (other != NULL)
            status = add_pair(agreement, a, score, b, other);
    }
    return status;
}

/* ---- logs ------------------------------------------------------------------------------------------------ */

static int open_log(struct agreement *agreement, size_t log)
{
    const struct comparison *comparison = agreement->comparison;
    struct analysis *analysis = &agreement->logs[log];
    const char *path = comparison->paths[log];
    int status = analysis_open(analysis, path);
    analysis->selection = comparison->selection;
    if (status != 0)
        return status;
    status = analysis_check_same_samples(analysis, &agreement->logs[0]);
    if (status == 0)
        status = analysis_choose(analysis, comparison->scores);
    if (status == 0 && comparison->logs == 1 && analysis->scores.count < 2)
        status = tidy_fail_usage("compare: --agreement needs two scores, or two logs");
    if (status == 0)
        status = threshold_list_announce(&comparison->rules, analysis);
    return status;
}

int compare_agreement(const struct comparison *comparison)
{
    struct agreement agreement = {.comparison = comparison};
    size_t logs = comparison->logs, opened = 0;
    int status = memory_allocate(&agreement.logs, logs, sizeof *agreement.logs, "logs");
    for (; opened < logs && status == 0; opened++)
        status = open_log(&agreement, opened);
    for (size_t log = 0; log < logs && status == 0; log++)
        status = analysis_replay(&agreement.logs[log], NULL);
    if (status == 0)
        status = verdict_create(&agreement.a, agreement.logs[0].run->samples, comparison->rules.count);
    if (status == 0)
        status = verdict_create(&agreement.b, agreement.logs[0].run->samples, comparison->rules.count);
    if (status == 0 && logs == 1)
        status = pair_scores(&agreement, &agreement.logs[0]);
    for (size_t a = 0; a < logs && status == 0; a++)
        for (size_t b = a + 1; b < logs && status == 0; b++)
            status = pair_logs(&agreement, &agreement.logs[a], &agreement.logs[b]);
    if (status == 0)
        status = print(&agreement);
    free(agreement.lines);
    verdict_destroy(&agreement.b);
    verdict_destroy(&agreement.a);
    for (size_t log = 0; log < opened; log++)
        analysis_close(&agreement.logs[log]);
    free(agreement.logs);
    return status;
}
