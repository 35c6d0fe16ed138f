/* A log with the scores asked for: what most subcommands start from. */
#ifndef TIDY_ANALYZE_ANALYSIS_H
#define TIDY_ANALYZE_ANALYSIS_H

#include "analyze/accumulators.h"
#include "analyze/replay.h"
#include "analyze/scores.h"
#include "common/tidylog.h"

struct analysis {
    const char *path; /* for messages and captions */
    struct tidylog_reader *reader;
    const struct tidylog_run *run;
    uint64_t epochs; /* finished */
    struct accumulator_set accumulators;
    struct score_set scores;
};

/* Opens the log. Freed with analysis_close, also after a failure. */
int analysis_open(struct analysis *out, const char *path);

/* Chooses the scores named in `text` (see score_set_choose). */
int analysis_choose(struct analysis *analysis, const char *text);

/* The same for a command that works on one score: a list or "all" is wrong usage. */
int analysis_choose_one(struct analysis *analysis, const char *text);

/* Replays the log once, for the scores and for `also` (NULL: nobody else), and makes the scores' values. */
int analysis_replay(struct analysis *analysis, const struct replay_observer *also);

void analysis_close(struct analysis *analysis);

#endif
