/* tidy-analyze flag: the suspects of one score and one rule, or those whose review pays most. */
#include <inttypes.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/automatic.h"
#include "analyze/commands.h"
#include "analyze/flag_summary.h"
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

static int say_what_to_expect(struct suspects *suspects, const struct suspects_request *request)
{
    struct flag_summary summary;
    int status = flag_summary_create(&summary, suspects, request);
    char *rest = summary.text;
    for (char *line; status == 0 && (line = strsep(&rest, "\n")) != NULL && *line != 0;)
        progress_line("%s", line);
    flag_summary_destroy(&summary);
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
    if (status == 0)
        status = say_what_to_expect(&suspects, request);
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
