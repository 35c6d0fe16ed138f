/* tidy-analyze flag: the suspects of one score and one rule, or those whose review pays most. */
#include <inttypes.h>

#include "analyze/analysis.h"
#include "analyze/automatic.h"
#include "analyze/commands.h"
#include "analyze/estimated_quality.h"
#include "analyze/suspects.h"
#include "common/error.h"
#include "common/options.h"
#include "common/progress.h"
#include "common/table.h"

static const char *const columns[] = {"sample", "score", "label", "suggested", "probability", "truth"};

struct settings {
    struct suspects_request request;
    struct selection selection;
    bool json;
};

static void add_suspect(struct table *table, const void *context, size_t place)
{
    const struct suspects *suspects = context;
    const struct analysis *analysis = suspects->analysis;
    uint32_t sample = suspects->ranking.order[place];
    if (!suspects->flagged[sample])
        return;
    table_add_count(table, sample);
    table_add_real(table, suspects_value(suspects, sample));
    table_add_count(table, analysis->given[sample]);
    table_add_count(table, suspects->suggestions[sample].label);
    table_add_real(table, (double)suspects->suggestions[sample].probability);
    if (analysis->run->truth != NULL)
        table_add_count(table, analysis->run->truth[sample]);
}

static int print(const struct suspects *suspects, bool json)
{
    const struct tidylog_run *run = suspects->analysis->run;
    size_t count = sizeof columns / sizeof *columns;
    struct table *table = table_begin(columns, run->truth != NULL ? count : count - 1, json);
    if (table == NULL)
        return TIDY_FAILED;
    int status = table_add_rows(table, suspects->ranking.samples, add_suspect, suspects);
    int printed = table_end(table);
    return status != 0 ? status : printed;
}

/* How many wrong labels to expect among the suspects, and among all that were not reviewed. */
static void say_what_to_expect(const struct suspects *suspects)
{
    size_t flagged = suspects->count;
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
static int say_estimate(struct suspects *suspects)
{
    size_t flagged = suspects->count;
    struct analysis *analysis = suspects->analysis;
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

static int flag(const char *path, const struct settings *settings)
{
    const struct suspects_request *request = &settings->request;
    struct analysis analysis;
    struct suspects suspects = {0};
    int status = analysis_open(&analysis, path);
    analysis.selection = settings->selection;
    if (status == 0)
        status = suspects_find(&suspects, &analysis, request);
    if (status == 0)
        status = print(&suspects, settings->json);
    if (status == 0 && request->budget == 0 && request->review == NULL && noise_estimate_is_possible(&analysis))
        status = say_estimate(&suspects);
    else if (status == 0 && score_is_probability(&analysis.scores.scores[0]))
        say_what_to_expect(&suspects);
    suspects_destroy(&suspects);
    analysis_close(&analysis);
    return status;
}

int flag_command(int argc, char **argv)
{
    struct settings settings = {0};
    const struct option_row options[] = {
        {.name = "score",
         .kind = OPTION_TEXT,
         .value = &settings.request.score,
         .argument = "NAME",
         .help =
             "the score to rank by; 'tidy-analyze samples --help' lists them; with --threshold RULE: " DEFAULT_SCORE
             " where not given"},
        {.name = "threshold",
         .kind = OPTION_TEXT,
         .value = &settings.request.rule,
         .argument = "RULE",
         .help = "where to cut, see above; auto where not given"},
        {.name = "budget",
         .kind = OPTION_COUNT,
         .value = &settings.request.budget,
         .argument = "N",
         .help = "in place of a threshold: the N samples whose review finds most wrong labels",
         .least = 1,
         .most = UINT32_MAX},
        {.name = "review",
         .kind = OPTION_TEXT,
         .value = &settings.request.review,
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
    if (settings.request.budget > 0 && settings.request.rule != NULL)
        return tidy_fail_usage("flag: --budget %" PRIu64 " and --threshold %s both say where to cut: leave one out",
                               settings.request.budget, settings.request.rule);
    return flag(path, &settings);
}
