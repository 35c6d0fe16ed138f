/* The table of choices, the best first. */
#include "analyze/automatic.h"

#include <string.h>

#include "common/error.h"
#include "common/progress.h"

static const struct {
    enum tidylog_detail detail; /* the least that it is for */
    const char *score, *rule;
    const char *why;
} choices[] = {
    {TIDYLOG_MARGIN, "label-posterior", "expected-f1",
     "the probability that a label is wrong, cut where the expected F1 is largest"},
    {TIDYLOG_CLASS, "majority-disagreement", "value:0.6",
     "this log has classes only, which give no probabilities; --detail margin finds more"},
};

int automatic_resolve(const char **score, const char **rule, const struct tidylog_run *run)
{
    size_t i = 0;
    if (strcmp(*rule, "auto") != 0)
        return 0;
    while (choices[i].detail > run->detail)
        i++;
    if (*score != NULL && strcmp(*score, choices[i].score) != 0)
        return tidy_fail_usage(
            "--threshold auto chooses the score too, here %s: leave --score %s out, or give a rule",
            choices[i].score, *score);
    *score = choices[i].score;
    *rule = choices[i].rule;
    progress_line("auto: --score %s --threshold %s: %s", *score, *rule, choices[i].why);
    return 0;
}
