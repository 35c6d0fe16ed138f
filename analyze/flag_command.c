/* tidy-analyze flag: the suspects of one score and one rule. */
#include <stdlib.h>

#include "analyze/analysis.h"
#include "analyze/commands.h"
#include "analyze/ranking.h"
#include "analyze/suggestions.h"
#include "analyze/thresholds.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/table.h"

static const char *const columns[] = {"sample", "score", "label", "suggested", "probability", "truth"};

static int print(const struct analysis *analysis, const struct ranking *ranking, const bool *flagged,
                 const struct suggestion *suggestions, bool json)
{
    const struct tidylog_run *run = analysis->run;
    size_t count = sizeof columns / sizeof *columns;
    struct table *table = table_begin(columns, run->truth != NULL ? count : count - 1, json);
    if (table == NULL)
        return TIDY_FAILED;
    for (size_t place = 0; place < ranking->samples && !table_failed(table); place++) {
        uint32_t sample = ranking->order[place];
        if (!flagged[sample])
            continue;
        table_add_count(table, sample);
        table_add_real(table, score_value(&analysis->scores.scores[0], sample));
        table_add_count(table, analysis->given[sample]);
        table_add_count(table, suggestions[sample].label);
        table_add_real(table, (double)suggestions[sample].probability);
        if (run->truth != NULL)
            table_add_count(table, run->truth[sample]);
    }
    return table_end(table);
}

static int flag(const char *path, const struct selection *selection, const char *score_text,
                const struct threshold *threshold, bool json)
{
    struct analysis analysis;
    struct ranking ranking = {0};
    struct suggestion *suggestions = NULL;
    float *keys = NULL;
    bool *flagged = NULL;
    size_t count;

    int status = analysis_open(&analysis, path);
    analysis.selection = *selection;
    if (status == 0)
        status = analysis_choose_one(&analysis, score_text);
    if (status == 0)
        status = threshold_announce(threshold, &analysis);
    if (status != 0)
        goto end;
    suggestions_announce(&analysis);
    if ((status = analysis_replay(&analysis, NULL)) != 0 ||
        (status = memory_allocate(&keys, analysis.run->samples, sizeof *keys, "the ranking")) != 0)
        goto end;
    score_keys(&analysis.scores.scores[0], keys, analysis.run->samples);
    status = ranking_create(&ranking, keys, analysis.run->samples);
    if (status == 0)
        status = suggestions_create(&suggestions, &analysis);
    if (status == 0)
        status = memory_allocate(&flagged, analysis.run->samples, sizeof *flagged, "suspects");
    if (status == 0)
        status = threshold_apply(threshold, &analysis, &analysis.scores.scores[0], &ranking, flagged, &count);
    if (status == 0)
        status = print(&analysis, &ranking, flagged, suggestions, json);
end:
    free(flagged);
    free(suggestions);
    ranking_destroy(&ranking);
    free(keys);
    analysis_close(&analysis);
    return status;
}

int flag_command(int argc, char **argv)
{
    bool json = false;
    const char *score = "aum", *threshold_text = NULL;
    struct selection selection = {0};
    const struct option_row options[] = {
        {.name = "score",
         .kind = OPTION_TEXT,
         .value = &score,
         .argument = "NAME",
         .help = "the score to rank by; 'tidy-analyze samples --help' lists them"},
        {.name = "threshold",
         .kind = OPTION_TEXT,
         .value = &threshold_text,
         .argument = "RULE",
         .help = "where to cut, see above; needed: no rule is right for every data set"},
        SELECTION_OPTIONS(selection),
        JSON_OPTION(json),
    };
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "flag",
        .arguments = "run.tidy --threshold RULE [OPTION...]",
        .summary = "The suspects of one score and one rule, most suspicious first.",
        .description =
            "Columns: sample, score (its value), label (as given), suggested and probability (the class of the\n"
            "largest mean probability where the log has them, else the class most often predicted and the share\n"
            "of predictions in which it was; with --score label-posterior the most probable class but the given\n"
            "one, and its posterior probability), truth (where it is known). Equal scores are listed by index.\n"
            "AUM is the default score because it finds most among the scores that need margins only (the README\n"
            "has figures); a log recorded with --detail class needs another.\n\n" THRESHOLD_HELP,
        .example = "tidy-analyze flag run.tidy --score aum --threshold top:0.01\n"
                   "tidy-analyze flag run.tidy --score label-posterior --threshold value:0.5\n"
                   "tidy-analyze flag run.tidy --score mean-correct-epoch --threshold mean+5std\n"
                   "tidy-analyze flag run.tidy --score forgetting-events --threshold top:0.02 --last 3\n"
                   "tidy-analyze flag run.tidy --threshold count:100 | cut -f1 | tidy-analyze eval run.tidy",
        OPTION_ROWS(options),
    };
    const char *path;
    bool helped;
    struct threshold threshold;
    int status = command_parse(&usage, argc, argv, &path, 1, &helped);
    if (status != 0 || helped)
        return status;
    if (threshold_text == NULL)
        return tidy_fail_usage("flag: --threshold RULE is needed: top:0.01 flags the most suspicious 1%%, "
                               "'tidy-analyze flag --help' has the others");
    status = threshold_parse(&threshold, threshold_text);
    return status != 0 ? status : flag(path, &selection, score, &threshold, json);
}
