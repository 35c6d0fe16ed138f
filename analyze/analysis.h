/* A log with the scores asked for: what most subcommands start from. */
#ifndef TIDY_ANALYZE_ANALYSIS_H
#define TIDY_ANALYZE_ANALYSIS_H

#include "analyze/class_counts.h"
#include "analyze/class_means_block.h"
#include "analyze/label_posterior.h"
#include "analyze/replay.h"
#include "analyze/score_set.h"
#include "analyze/scores.h"
#include "analyze/selection.h"
#include "common/tidylog.h"

struct analysis {
    const char *path; /* for messages and captions */

    /* What may be set between analysis_open and the rest. */
    struct selection selection;
    size_t block_bytes; /* memory for sums by class; a quarter of the machine's where not set otherwise */
    bool keeps_counts, keeps_means; /* class_counts_each or class_means_each comes after analysis_replay, which then
                                     * sums for it what fits into one block */

    struct tidylog_reader *reader;
    uint32_t runs;                 /* of the log */
    const struct tidylog_run *run; /* the one selected: the first, but during a replay */
    uint64_t epochs;               /* of the run: finished */
    struct window window;          /* of the run */
    const uint16_t *given;         /* [samples] the data set's labels, the same in all runs */
    uint16_t *given_room;          /* a copy, where another run is turned to; else NULL */

    struct score_sources sources; /* of the run replayed last */
    struct score_set scores;
    struct label_posterior *posterior; /* what label-posterior was made from; NULL where it was not chosen */

    /* Sums of all samples and runs, where they fit into one block; or of the selected run. */
    struct class_counts counts;
    struct class_means_block means;
    bool has_counts, has_means, has_run_means;
};

/* Opens the log. Freed with analysis_close, also after a failure. *out stays where it is meanwhile. */
int analysis_open(struct analysis *out, const char *path);
void analysis_close(struct analysis *analysis);

/* Are both of the same number of samples, so that one log's can be set beside the other's? Error: no, says both. */
int analysis_check_same_samples(const struct analysis *analysis, const struct analysis *other);

/* Frees the posterior and sets it to NULL. */
void analysis_forget_posterior(struct analysis *analysis);

/* Chooses the scores named in `text` (see score_set_choose). Errors also: the selection's. */
int analysis_choose(struct analysis *analysis, const char *text);

/* The same for a command that works on one score: a list or "all" is wrong usage. */
int analysis_choose_one(struct analysis *analysis, const char *text);

/* Replays all runs, once or, where sums by class need it, once a block, and makes the scores. `also` (NULL: nobody
 * else) sees the first pass; it needs a log of one run. */
int analysis_replay(struct analysis *analysis, const struct replay_observer *also);

/* The same of run `run` alone. */
int analysis_replay_run(struct analysis *analysis, uint32_t run, const struct replay_observer *also);

/* Turns to another run: run, epochs and window are then its own. Errors: its window is empty, its record is
 * damaged. */
int analysis_select_run(struct analysis *analysis, uint32_t run);

#endif
