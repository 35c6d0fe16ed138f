/* tidy-analyze flag: the suspects of one score and one rule, or those whose review pays most. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/automatic.h"
#include "analyze/commands.h"
#include "analyze/estimated_quality.h"
#include "analyze/ranking.h"
#include "analyze/review.h"
#include "analyze/sample_list.h"
#include "analyze/suggestions.h"
#include "analyze/thresholds.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/progress.h"
#include "common/table.h"

static const char *const columns[] = {"sample", "score", "label", "suggested", "probability", "truth"};

struct settings {
    const char *score, *rule, *review; /* NULL: not given */
    uint64_t budget;                   /* 0: not given */
    struct selection selection;
    bool json;
};

/* What was replayed, and what follows. */
struct suspects {
    struct analysis analysis;
    float *keys; /* [samples] of the ranking */
    struct suggestion *suggestions;
    struct review review;
    struct ranking ranking;
    bool *flagged;
};

static void add_suspect(struct table *table, const void *context, size_t place)
{
    const struct suspects *suspects = context;
    const struct analysis *analysis = &suspects->analysis;
    uint32_t sample = suspects->ranking.order[place];
    bool updated = suspects->review.decisions > 0;
    if (!suspects->flagged[sample])
        return;
    table_add_count(table, sample);
    table_add_real(table,
                   updated ? (double)suspects->keys[sample] : score_value(&analysis->scores.scores[0], sample));
    table_add_count(table, analysis->given[sample]);
    table_add_count(table, suspects->suggestions[sample].label);
    table_add_real(table, (double)suspects->suggestions[sample].probability);
    if (analysis->run->truth != NULL)
        table_add_count(table, analysis->run->truth[sample]);
}

static int print(const struct suspects *suspects, bool json)
{
    const struct tidylog_run *run = suspects->analysis.run;
    size_t count = sizeof columns / sizeof *columns;
    struct table *table = table_begin(columns, run->truth != NULL ? count : count - 1, json);
    if (table == NULL)
        return TIDY_FAILED;
    int status = table_add_rows(table, suspects->ranking.samples, add_suspect, suspects);
    int printed = table_end(table);
    return status != 0 ? status : printed;
}

/* How many wrong labels to expect among the suspects, and among all that were not reviewed. */
static void say_what_to_expect(const struct suspects *suspects, size_t flagged)
{
    const struct ranking *ranking = &suspects->ranking;
    size_t samples = ranking->samples;
    struct expected_count found = review_expect(&suspects->review, suspects->keys, suspects->flagged, samples);
    struct expected_count all = review_expect(&suspects->review, suspects->keys, NULL, samples);
    if (suspects->review.decisions > 0)
        progress_line("%zu labels reviewed, %zu of them wrong", suspects->review.decisions, suspects->review.wrong);
    if (review_surprises(&suspects->review))
        progress_line("%zu suspects, of which %.0f (%.0f to %.0f) are expected to have a wrong label; of all %zu "
                      "samples nothing can be said: the review found far %s than was expected, as where mistakes "
                      "follow the image",
                      flagged, found.value, found.low, found.high, ranking->scored,
                      suspects->review.offset > 0 ? "more" : "less");
    else
        progress_line(
            "%zu suspects, of which %.0f (%.0f to %.0f) are expected to have a wrong label, of %.0f (%.0f to "
            "%.0f) among %zu samples",
            flagged, found.value, found.low, found.high, all.value, all.low, all.high, ranking->scored);
}

/* The same as planted controls say, which tells more of the recall; or why they do not. */
static int say_estimate(struct suspects *suspects, size_t flagged)
{
    struct analysis *analysis = &suspects->analysis;
    struct noise_estimate estimate;
    int status = noise_estimate_of(&estimate, analysis);
    if (status != 0)
        goto end;
    const struct estimated rate = estimate.rate;
    const struct estimated_quality quality =
        estimated_quality_of(&estimate, &analysis->scores.scores[0], suspects->flagged, analysis->run->samples);
    const struct estimated precision = quality.precision, recall = quality.recall;
    switch (estimate.verdict) {
    case NOISE_APPLIES:
        progress_line(
            "%zu suspects: precision %.3f (%.3f to %.3f), recall %.3f (%.3f to %.3f), where %.2f%% (%.2f to "
            "%.2f) of all labels are wrong; estimated from %zu controls, with 95%% intervals",
            flagged, precision.value, precision.low, precision.high, recall.value, recall.low, recall.high,
            100 * rate.value, 100 * rate.low, 100 * rate.high, estimate.control_count);
        break;
    case NOISE_NONE_FOUND:
        progress_line(
            "%zu suspects; the %zu controls find no labels that are wrong at random, at most %.3f%% of all: what "
            "is suspicious is hard, or wrong because of its image, which controls cannot tell apart; look at "
            "some",
            flagged, estimate.control_count, 100 * rate.high);
        break;
    case NOISE_FEW_CONTROLS:
        progress_line(
            "%zu suspects; no estimate: the %zu controls tell as much as %.0f of the pairs of classes that "
            "are confused, and %d are needed; record with more (train --controls)",
            flagged, estimate.control_count, estimate.effective_controls, ESTIMATE_CONTROLS);
        break;
    case NOISE_MISFIT:
        progress_line("%zu suspects; no estimate: controls say that %.2f%% to %.2f%% of all labels are wrong, and "
                      "label-posterior %.2f%%; record more epochs, or review some (flag --budget)",
                      flagged, 100 * rate.low, 100 * rate.high, 100 * estimate.posterior_rate);
    }
end:
    noise_estimate_destroy(&estimate);
    return status;
}

/* Updates the keys by what was reviewed. */
static int apply_review(struct suspects *suspects, const char *path)
{
    const struct tidylog_run *run = suspects->analysis.run;
    struct sample_list decisions = {0};
    int status = sample_list_open_labels(&decisions, path, run->samples, tidylog_data_classes(run));
    if (status == 0)
        status = review_apply(&suspects->review, suspects->keys, suspects->analysis.given, suspects->suggestions,
                              run->samples, &decisions, path);
    sample_list_destroy(&decisions);
    return status;
}

/* The samples whose review finds most wrong labels are those whose labels are most probably wrong. */
static void flag_budget(struct suspects *suspects, uint64_t budget, size_t *count)
{
    const struct ranking *ranking = &suspects->ranking;
    *count = budget < ranking->scored ? (size_t)budget : ranking->scored;
    for (size_t i = 0; i < *count; i++)
        suspects->flagged[ranking->order[i]] = true;
}

/* Chooses what was not asked for. */
static int choose(const char **score, const char **rule, const struct settings *settings,
                  const struct analysis *analysis)
{
    *score = settings->score;
    *rule = settings->rule != NULL ? settings->rule : "auto";
    if (settings->budget > 0)
        *rule = NULL;
    int status = *rule != NULL ? automatic_resolve(score, rule, analysis) : 0;
    if (status == 0 && *score == NULL)
        *score = DEFAULT_SCORE;
    if (status == 0 && settings->budget > 0 && strcmp(*score, PROBABILITY_SCORE) != 0)
        return tidy_fail_usage("--budget ranks by %s, which says how much a review finds: leave --score %s out",
                               PROBABILITY_SCORE, *score);
    if (status == 0 && settings->review != NULL && strcmp(*score, PROBABILITY_SCORE) != 0)
        return tidy_fail_usage("--review updates %s: leave --score %s out", PROBABILITY_SCORE, *score);
    return status;
}

/* Replays, ranks by what was reviewed, and flags. */
static int find(struct suspects *suspects, const struct settings *settings, const char *score,
                const struct threshold *threshold, size_t *count)
{
    struct analysis *analysis = &suspects->analysis;
    size_t samples = analysis->run->samples;
    int status = analysis_choose_one(analysis, score);
    if (status == 0 && threshold != NULL)
        status = threshold_announce(threshold, analysis);
    if (status != 0)
        return status;
    suggestions_announce(analysis);
    status = analysis_replay(analysis, NULL);
    if (status == 0)
        status = memory_allocate(&suspects->keys, samples, sizeof *suspects->keys, "the ranking");
    if (status == 0)
        status = memory_allocate(&suspects->flagged, samples, sizeof *suspects->flagged, "suspects");
    if (status == 0)
        status = suggestions_create(&suspects->suggestions, analysis);
    if (status == 0)
        score_keys(&analysis->scores.scores[0], suspects->keys, samples);
    if (status == 0 && settings->review != NULL)
        status = apply_review(suspects, settings->review);
    if (status == 0)
        status = ranking_create(&suspects->ranking, suspects->keys, samples);
    if (status == 0 && threshold != NULL)
        status = threshold_apply(threshold, analysis, &analysis->scores.scores[0], &suspects->ranking,
                                 suspects->flagged, count);
    else if (status == 0)
        flag_budget(suspects, settings->budget, count);
    return status;
}

static int flag(const char *path, const struct settings *settings)
{
    struct suspects suspects = {.review = review_none()};
    struct threshold threshold;
    const char *score, *rule;
    size_t count = 0;
    int status = analysis_open(&suspects.analysis, path);
    suspects.analysis.selection = settings->selection;
    if (status == 0)
        status = choose(&score, &rule, settings, &suspects.analysis);
    if (status == 0 && rule != NULL)
        status = threshold_parse(&threshold, rule);
    if (status == 0)
        status = find(&suspects, settings, score, rule != NULL ? &threshold : NULL, &count);
    if (status == 0)
        status = print(&suspects, settings->json);
    if (status == 0 && settings->budget == 0 && settings->review == NULL &&
        noise_estimate_is_possible(&suspects.analysis))
        status = say_estimate(&suspects, count);
    else if (status == 0 && score_is_probability(&suspects.analysis.scores.scores[0]))
        say_what_to_expect(&suspects, count);
    free(suspects.flagged);
    ranking_destroy(&suspects.ranking);
    review_destroy(&suspects.review);
    free(suspects.suggestions);
    free(suspects.keys);
    analysis_close(&suspects.analysis);
    return status;
}

int flag_command(int argc, char **argv)
{
    struct settings settings = {0};
    const struct option_row options[] = {
        {.name = "score",
         .kind = OPTION_TEXT,
         .value = &settings.score,
         .argument = "NAME",
         .help =
             "the score to rank by; 'tidy-analyze samples --help' lists them; with --threshold RULE: " DEFAULT_SCORE
             " where not given"},
        {.name = "threshold",
         .kind = OPTION_TEXT,
         .value = &settings.rule,
         .argument = "RULE",
         .help = "where to cut, see above; auto where not given"},
        {.name = "budget",
         .kind = OPTION_COUNT,
         .value = &settings.budget,
         .argument = "N",
         .help = "in place of a threshold: the N samples whose review finds most wrong labels",
         .least = 1,
         .most = UINT32_MAX},
        {.name = "review",
         .kind = OPTION_TEXT,
         .value = &settings.review,
         .argument = "FILE",
         .help = "what was reviewed: a line a sample, its index and the label that is right"},
        SELECTION_OPTIONS(settings.selection),
        JSON_OPTION(settings.json),
    };
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "flag",
        .arguments = "run.tidy [OPTION...]",
        .summary = "The suspects of a score and a rule, most suspicious first.",
        .description =
            "Columns: sample, score (its value), label (as given), suggested and probability, truth (where it is\n"
            "known). Equal scores are listed by sample index. What label-posterior suggests is the most probable\n"
            "other label, given image and label. Of other scores it is the class of the largest mean probability\n"
            "where the log has them, else the class most often predicted, and the share of predictions in which\n"
            "it was.\n"
            "\n"
            "Without options: --threshold auto, and on stderr what it chose and how many wrong labels to expect\n"
            "among the suspects. Where the log has controls (train --controls), stderr has what they say, of\n"
            "any score and rule: precision, recall and the share of wrong labels with 95% intervals, or why\n"
            "they do not.\n"
            "\n"
            "--budget 500 lists the 500 samples whose review finds most wrong labels, with the number to expect.\n"
            "--review takes what was found, as often as one likes: reviewed samples are listed no more, and the\n"
            "others' probabilities follow what was found, all of them and pair of classes by "
            "pair.\n\n" THRESHOLD_HELP AUTOMATIC_HELP,
        .example = "tidy-analyze flag run.tidy >suspects.tsv\n"
                   "tidy-analyze flag run.tidy --budget 500 >to-review.tsv\n"
                   "tidy-analyze flag run.tidy --score aum --threshold top:0.01\n"
                   "tidy-analyze flag run.tidy --score mean-correct-epoch --threshold mean+5std\n"
                   "tidy-analyze flag run.tidy --score forgetting-events --threshold top:0.02 --last 3\n"
                   "tidy-analyze flag run.tidy --threshold count:100 | cut -f1 | tidy-analyze eval run.tidy",
        OPTION_ROWS(options),
    };
    const char *path;
    bool helped;
    int status = command_parse(&usage, argc, argv, &path, 1, &helped);
    if (status != 0 || helped)
        return status;
    if (settings.budget > 0 && settings.rule != NULL)
        return tidy_fail_usage("flag: --budget %" PRIu64 " and --threshold %s both say where to cut: leave one out",
                               settings.budget, settings.rule);
    return flag(path, &settings);
}
