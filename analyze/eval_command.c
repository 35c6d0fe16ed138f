/* tidy-analyze eval: scores and rules, or a list from elsewhere, against the planted truth. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/analysis.h"
#include "analyze/automatic.h"
#include "analyze/commands.h"
#include "analyze/eval_estimate.h"
#include "analyze/evaluation.h"
#include "analyze/ranking.h"
#include "analyze/sample_list.h"
#include "analyze/thresholds.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/parallel.h"
#include "common/table.h"

static const char *const columns[] = {"score", "rule", "flagged", "precision", "recall",
                                      "f1",    "ap",   "auroc",   "best_f1"};

/* A line of the table. */
struct result {
    const char *score, *rule;
    bool has_set; /* false: there is no rule, only the ranking counts */
    struct set_quality set;
    struct rank_quality ranks;
    int status; /* of its evaluation */
};

static int print(const struct result *results, size_t count, bool json)
{
    struct table *table = table_begin(columns, sizeof columns / sizeof *columns, json);
    if (table == NULL)
        return TIDY_FAILED;
    for (size_t i = 0; i < count; i++) {
        const struct result *result = &results[i];
        table_add_text(table, result->score);
        table_add_text(table, result->rule);
        if (result->has_set)
            table_add_count(table, result->set.flagged);
        else
            table_add_real(table, NAN);
        table_add_real(table, result->has_set ? result->set.precision : NAN);
        table_add_real(table, result->has_set ? result->set.recall : NAN);
        table_add_real(table, result->has_set ? result->set.f1 : NAN);
        table_add_real(table, result->ranks.average_precision);
        table_add_real(table, result->ranks.auroc);
        table_add_real(table, result->ranks.best_f1);
    }
    return table_end(table);
}

/* What one thread works in. */
struct room {
    float *keys;   /* [samples] */
    bool *flagged; /* [samples] */
};

/* Scores that are evaluated, several at a time. */
struct evaluation {
    struct analysis *analysis;
    const struct truth *truth;
    const struct threshold *threshold; /* NULL: no rule is asked for */
    struct room *rooms;                /* [threads] */
    struct result *results;            /* [scores] */
};

static int evaluate_score(struct evaluation *e, size_t number, struct room *room)
{
    const struct score *score = &e->analysis->scores.scores[number];
    const struct threshold *threshold = e->threshold;
    struct result *out = &e->results[number];
    struct ranking ranking = {0};
    size_t count, samples = e->truth->samples;
    int status = 0;
    if (room->keys == NULL)
        status = memory_allocate(&room->keys, samples, sizeof *room->keys, "the ranking");
    if (status == 0 && threshold != NULL && room->flagged == NULL)
        status = memory_allocate(&room->flagged, samples, sizeof *room->flagged, "suspects");
    if (status != 0)
        return status;
    score_keys(score, room->keys, samples);
    status = ranking_create(&ranking, room->keys, samples);
    if (status == 0 && threshold != NULL && (number == 0 || !threshold_ignores_score(threshold)))
        status = threshold_apply(threshold, e->analysis, score, &ranking, room->flagged, &count);
    if (status == 0) {
        *out = (struct result){.score = score->name, .rule = "-", .ranks = rank_quality_of(&ranking, e->truth)};
        if (threshold != NULL) {
            out->rule = threshold->text;
            out->has_set = true;
            out->set = set_quality_of_flags(room->flagged, e->truth);
        }
    }
    ranking_destroy(&ranking);
    return status;
}

static void evaluate_share(void *context, size_t share, unsigned thread)
{
    struct evaluation *e = context;
    e->results[share].status = evaluate_score(e, share, &e->rooms[thread]);
}

/* Each score on one thread. */
static int evaluate_apart(struct evaluation *e, size_t count, struct parallel *parallel)
{
    int status = 0;
    parallel_run(parallel, count, evaluate_share, e);
    for (size_t i = 0; i < count && status == 0; i++)
        if (e->results[i].status != 0) /* without a rule nothing else can fail, and messages are a thread's own */
            status = tidy_fail_memory("the ranking", e->truth->samples);
    return status;
}

/* All scores: one after the other where there is a rule, which may replay, or where a ranking takes all threads by
 * itself. */
static int evaluate_all(struct evaluation *e, size_t count)
{
    struct parallel *parallel;
    bool apart = e->threshold == NULL && e->truth->samples < RANKING_THREADED;
    int status = parallel_create(&parallel, apart ? count : 1);
    if (status != 0)
        return status;
    unsigned threads = parallel_threads(parallel);
    status = memory_allocate(&e->rooms, threads, sizeof *e->rooms, "the ranking");
    if (status == 0 && threads > 1)
        status = evaluate_apart(e, count, parallel);
    else
        for (size_t i = 0; i < count && status == 0; i++)
            status = evaluate_score(e, i, &e->rooms[0]);
    for (unsigned i = 0; i < threads && e->rooms != NULL; i++) {
        free(e->rooms[i].flagged);
        free(e->rooms[i].keys);
    }
    parallel_destroy(parallel);
    free(e->rooms);
    return status;
}

/* A line for each score of `score_text`; `threshold` is NULL where no rule is asked for. */
static int evaluate_scores(struct analysis *analysis, const struct truth *truth, const char *score_text,
                           const struct threshold *threshold, bool json)
{
    struct evaluation evaluation = {.analysis = analysis, .truth = truth, .threshold = threshold};
    int status = analysis_choose(analysis, score_text);
    size_t count = analysis->scores.count;
    if (status == 0 && threshold != NULL)
        status = threshold_announce(threshold, analysis);
    if (status == 0)
        status = analysis_replay(analysis, NULL);
    if (status == 0)
        status = memory_allocate(&evaluation.results, count, sizeof *evaluation.results, "results");
    if (status == 0)
        status = evaluate_all(&evaluation, count);
    if (status == 0)
        status = print(evaluation.results, count, json);
    free(evaluation.results);
    return status;
}

/* Earlier in the list is more suspicious; what is not listed has no key, so it comes after all that is. */
static int evaluate_list(const struct truth *truth, bool json)
{
    struct sample_list list;
    struct ranking ranking = {0};
    float *keys = NULL;
    size_t hits = 0;

    int status = sample_list_read(&list, stdin, "standard input", truth->samples);
    if (status == 0)
        status = memory_allocate(&keys, truth->samples, sizeof *keys, "the ranking");
    if (status != 0)
        goto end;
    for (size_t i = 0; i < truth->samples; i++)
        keys[i] = NAN;
    float key = FLT_MAX;
    for (size_t i = 0; i < list.count; i++) {
        keys[list.samples[i]] = key;
        key = nextafterf(key, 0); /* distinct for any number of samples, as whole numbers would not be */
        hits += truth->mislabelled[list.samples[i]];
    }
    if ((status = ranking_create(&ranking, keys, truth->samples)) != 0)
        goto end;

    const struct result result = {.score = "stdin",
                                  .rule = "-",
                                  .has_set = true,
                                  .set = set_quality_of(list.count, hits, truth),
                                  .ranks = rank_quality_of(&ranking, truth)};
    status = print(&result, 1, json);
end:
    ranking_destroy(&ranking);
    free(keys);
    sample_list_destroy(&list);
    return status;
}

/* Either text may be NULL: not given. */
static int evaluate(const char *path, const struct selection *selection, const char *score_text,
                    const char *threshold_text, bool estimate, bool json)
{
    struct analysis analysis;
    struct truth truth = {0};
    struct threshold threshold;
    int status = analysis_open(&analysis, path);
    analysis.selection = *selection;
    if (status == 0 && threshold_text != NULL)
        status = automatic_resolve(&score_text, &threshold_text, &analysis);
    if (status == 0 && threshold_text != NULL)
        status = threshold_parse(&threshold, threshold_text);
    if (status == 0 && estimate) {
        status = eval_estimate(&analysis, score_text, &threshold, json);
        goto end;
    }
    if (status == 0)
        status = truth_create(&truth, analysis.run, path);
    if (status == 0)
        status = score_text == NULL ? evaluate_list(&truth, json)
                                    : evaluate_scores(&analysis, &truth, score_text,
                                                      threshold_text != NULL ? &threshold : NULL, json);
end:
    truth_destroy(&truth);
    analysis_close(&analysis);
    return status;
}

int eval_command(int argc, char **argv)
{
    bool json = false, estimate = false;
    const char *score = NULL, *threshold_text = NULL;
    struct selection selection = {0};
    const struct option_row options[] = {
        {.name = "score",
         .kind = OPTION_TEXT,
         .value = &score,
         .argument = "NAME[,NAME...]|all",
         .help = "the scores to evaluate; without it, a list of samples is read from standard input"},
        {.name = "threshold",
         .kind = OPTION_TEXT,
         .value = &threshold_text,
         .argument = "RULE",
         .help = "where to cut, see above; without it, only the ranking is evaluated"},
        {.name = "estimate",
         .kind = OPTION_FLAG,
         .value = &estimate,
         .help = "without the truth, from planted controls (train --controls)"},
        SELECTION_OPTIONS(selection),
        JSON_OPTION(json),
    };
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "eval",
        .arguments = "run.tidy [--score NAME[,NAME...]|all [--threshold RULE]] [OPTION...]",
        .summary = "Precision, recall, F1, AP and AUROC against the planted truth.",
        .description =
            "Columns: score, rule; flagged, precision, recall, f1 of the suspects; of the ranking: ap, average\n"
            "precision with ties in the order of the sample index; auroc, where ties count half; best_f1, the\n"
            "largest F1 of any threshold, chosen in hindsight. A sample without a score (nan) is ranked last.\n\n"
            "A list is read from standard input: the first column of each line, most suspicious first; lines that\n"
            "start with '#' are skipped. All that is listed counts as flagged. For ap and auroc the samples that\n"
            "are not listed come after all listed ones: for ap by sample index, for auroc as one tie. best_f1 is\n"
            "over the places where the list can be cut.\n\n"
            "--estimate needs no truth, but controls. Columns: score, rule, flagged; precision, recall and\n"
            "noise_rate, each with its 95% interval (_low, _high); verdict: applies; none-found, where no wrong\n"
            "labels are like controls, at most noise_rate_high of all; few-controls of the pairs of classes that\n"
            "are confused; misfit, where label-posterior has another rate. Only 'applies' has all "
            "numbers.\n\n" THRESHOLD_HELP AUTOMATIC_HELP,
        .example = "tidy-analyze eval run.tidy --score all\n"
                   "tidy-analyze eval run.tidy --threshold auto\n"
                   "tidy-analyze eval run.tidy --score mean-correct-epoch --threshold mean+5std\n"
                   "tidy-analyze eval run.tidy --score forgetting-events,aum --first 3\n"
                   "tidy-analyze flag run.tidy --threshold top:0.01 | tidy-analyze eval run.tidy",
        OPTION_ROWS(options),
    };
    const char *path;
    bool helped;
    int status = command_parse(&usage, argc, argv, &path, 1, &helped);
    if (status != 0 || helped)
        return status;
    if (score == NULL && threshold_text != NULL && strcmp(threshold_text, "auto") != 0)
        return tidy_fail_usage("eval: --threshold cuts a score, so it needs --score; a list is taken as it is");
    if (score == NULL && threshold_text == NULL && isatty(STDIN_FILENO))
        return tidy_fail_usage("eval: name scores with --score, or pipe a list of samples in: "
                               "tidy-analyze flag %s --threshold top:0.01 | tidy-analyze eval %s",
                               path, path);
    if (estimate && score != NULL && threshold_text == NULL)
        return tidy_fail_usage("eval: --estimate is about suspects, so --score %s needs --threshold", score);
    return evaluate(path, &selection, score, threshold_text, estimate, json);
}
