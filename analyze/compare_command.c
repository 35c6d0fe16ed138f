/* tidy-analyze compare: scores, rules and runs side by side, and how far they agree. */
#include <stdlib.h>

#include "analyze/agreement.h"
#include "analyze/commands.h"
#include "analyze/compare.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"

#define STANDARD_RULES "gmm,bmm,otsu,mean+5std"

static int compare(struct comparison *comparison, const char *rules, bool agreement)
{
    int status = threshold_list_parse(&comparison->rules, rules, NULL);
    if (status == 0)
        status = agreement ? compare_agreement(comparison) : compare_scores(comparison);
    threshold_list_destroy(&comparison->rules);
    return status;
}

int compare_command(int argc, char **argv)
{
    bool agreement = false;
    const char *rules = NULL;
    struct comparison comparison = {.scores = "all"};
    const struct option_row options[] = {
        {.name = "score",
         .kind = OPTION_TEXT,
         .value = &comparison.scores,
         .argument = "NAME[,NAME...]|all",
         .help = "the scores to compare; all are those that the log feeds"},
        {.name = "threshold",
         .kind = OPTION_TEXT,
         .value = &rules,
         .argument = "RULE[,RULE...]",
         .help = "where to cut, see above (default: " STANDARD_RULES "; with --agreement " AGREEMENT_RULE ")"},
        {.name = "agreement",
         .kind = OPTION_FLAG,
         .value = &agreement,
         .help = "how far scores of one log, or several logs, agree, instead of how right each is"},
        SELECTION_OPTIONS(comparison.selection),
        JSON_OPTION(comparison.json),
    };
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "compare",
        .arguments = "run.tidy [MORE.tidy...] [OPTION...]",
        .summary = "Scores, rules and runs side by side, and how far they agree.",
        .description =
            "A line for each log, score and rule. Columns: log, score, rule, flagged; where the truth is known,\n"
            "and else nan: precision, recall and f1 of the suspects, ap, auroc and best_f1 of the ranking (see\n"
            "'eval'). A rule that flags the same samples whatever the score is has one line, '-' for the score.\n"
            "\n"
            "With --agreement: a line for each rule and pair of scores of one log; of several logs, for each pair\n"
            "of logs and each score of both. Columns: log_a, score_a, log_b, score_b; samples that have both\n"
            "scores; spearman, Spearman's correlation of their ranks by suspicion; rule; suspects_a, suspects_b\n"
            "and both, the samples flagged; jaccard, both / any of them; overlap, both / the smaller\n"
            "set.\n\n" THRESHOLD_HELP,
        .example = "tidy-analyze compare run.tidy\n"
                   "tidy-analyze compare run.tidy --score aum,forgetting-events --threshold top:0.01,top:0.05,gmm\n"
                   "tidy-analyze compare run.tidy --agreement --score aum,mean-loss,forgetting-events",
        OPTION_ROWS(options),
    };
    const char **paths;
    int logs;
    bool helped;
    int status = memory_allocate(&paths, (size_t)argc, sizeof *paths, "arguments");
    if (status == 0)
        status = options_parse(&usage, argc, argv, paths, &logs, &helped);
    if (status == 0 && !helped && logs == 0)
        status = tidy_fail_usage("compare: missing argument; usage: tidy-analyze compare %s", usage.arguments);
    if (status == 0 && !helped) {
        comparison.paths = paths;
        comparison.logs = (size_t)logs;
        if (rules == NULL)
            rules = agreement ? AGREEMENT_RULE : STANDARD_RULES;
        status = compare(&comparison, rules, agreement);
    }
    free(paths);
    return status;
}
