/* Open, choose, replay, finish: the order in which scores come to be. */
#include "analyze/analysis.h"

#include <string.h>

#include "common/error.h"

int analysis_open(struct analysis *out, const char *path)
{
    *out = (struct analysis){.path = path};
    int status = tidylog_open(&out->reader, path);
    if (status != 0) {
        out->reader = NULL;
        return status;
    }
    out->run = tidylog_reader_run(out->reader);
    tidylog_reader_epochs(out->reader, &out->epochs);
    accumulators_begin(&out->accumulators, out->run);
    return 0;
}

int analysis_choose(struct analysis *analysis, const char *text)
{
    return score_set_choose(&analysis->scores, text, analysis->reader, analysis->path, &analysis->accumulators);
}

int analysis_choose_one(struct analysis *analysis, const char *text)
{
    if (strchr(text, ',') != NULL || strcmp(text, "all") == 0)
        return tidy_fail_usage("--score %s: this command works on one score", text);
    return analysis_choose(analysis, text);
}

int analysis_replay(struct analysis *analysis, const struct replay_observer *also)
{
    struct replay_observer observers[2] = {{accumulators_observe, &analysis->accumulators}};
    size_t count = 1;
    if (also != NULL)
        observers[count++] = *also;
    int status = replay_finished_epochs(analysis->reader, analysis->path, observers, count);
    return status != 0 ? status : score_set_finish(&analysis->scores, analysis->run->samples);
}

void analysis_close(struct analysis *analysis)
{
    score_set_destroy(&analysis->scores);
    accumulators_destroy(&analysis->accumulators);
    if (analysis->reader != NULL)
        tidylog_close_reader(analysis->reader);
}
