/* The table of choices, the best first. */
#include "analyze/automatic.h"

#include <string.h>

#include "analyze/analysis.h"
#include "common/error.h"
#include "common/progress.h"

static const struct {
    enum tidylog_detail detail; /* the least that it is for */
    const char *score, *rule;
    const char *why;
} choices[] = {
    {TIDYLOG_MARGIN, PROBABILITY_SCORE, "expected-f1",
     "the probability that a label is wrong, cut where the expected F1 is largest"},
    {TIDYLOG_CLASS, "majority-disagreement", "value:0.6",
     "this log has classes only, which give no probabilities; --detail margin finds more"},
};

bool automatic_learnt_by_heart(const struct tidylog_epoch *epochs, uint64_t count)
{
    return count > 0 && epochs[count - 1].accuracy - epochs[count - 1].test_accuracy > 0.1;
}

static void warn_of_by_heart(const struct analysis *analysis)
{
    uint64_t count;
    const struct tidylog_epoch *epochs = tidylog_reader_epochs(analysis->reader, &count);
    if (!selection_is_given(&analysis->selection) && automatic_learnt_by_heart(epochs, count))
        progress_line(
            "auto: the network has learnt labels by heart: it predicts %.3f of those trained on, %.3f of the "
            "test set's; --first N, with fewer epochs, finds more",
            epochs[count - 1].accuracy, epochs[count - 1].test_accuracy);
}

static size_t choice_for(const struct analysis *analysis)
{
    size_t i = 0;
    while (choices[i].detail > analysis->run->detail)
        i++;
    return i;
}

void automatic_choose(const char **score, const char **rule, const struct analysis *analysis)
{
    size_t i = choice_for(analysis);
    *score = choices[i].score;
    *rule = choices[i].rule;
}

int automatic_resolve(const char **score, const char **rule, const struct analysis *analysis)
{
    if (strcmp(*rule, "auto") != 0)
        return 0;
    size_t i = choice_for(analysis);
    if (*score != NULL && strcmp(*score, choices[i].score) != 0)
        return tidy_fail_usage(
            "--threshold auto chooses the score too, here %s: leave --score %s out, or give a rule",
            choices[i].score, *score);
    automatic_choose(score, rule, analysis);
    progress_line("auto: --score %s --threshold %s: %s", *score, *rule, choices[i].why);
    warn_of_by_heart(analysis);
    return 0;
}
