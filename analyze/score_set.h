/* The scores that were asked for. */
#ifndef TIDY_ANALYZE_SCORE_SET_H
#define TIDY_ANALYZE_SCORE_SET_H

#include "analyze/scores.h"

struct replay_observer;

struct score_set {
    struct score *scores; /* [count] in the order asked for */
    size_t count, samples;
    char *names; /* what scores[..].name point into */
};

/* Chooses the scores named in `text` ("aum,loss-at:3"; "all": every one that the run feeds), to be made from
 * `sources`, whose window says which epochs there are. `path` is for messages. Freed with
 * score_set_destroy, also after a failure.
 * Errors: unknown (with the nearest name), named twice, a wrong parameter, detail or second split not recorded. */
int score_set_choose(struct score_set *set, const char *text, const struct tidylog_run *run, const char *path,
                     const struct score_sources *sources);
void score_set_destroy(struct score_set *set);

/* Can another run feed the scores chosen? Errors: detail or second split not recorded. */
int score_set_check(const struct score_set *set, const struct tidylog_run *run, const char *path);

/* Does a score need sums by class? */
bool score_set_needs_counts(const struct score_set *set);
bool score_set_needs_means(const struct score_set *set);

/* Is one filled by score_set_observe? */
bool score_set_observes(const struct score_set *set);

/* Before a run is replayed: empties the columns, and tells the sources' dynamics what to keep. */
void score_set_begin(struct score_set *set, struct score_sources *sources);

/* Adds an observer to observers[*count], for which there is room, for each score that can be filled after a replay with
 * others: SCORES_AHEAD at most. */
enum { SCORES_AHEAD = 2 };
int score_set_ahead(struct score_set *set, struct analysis *analysis, struct replay_observer *observers,
                    size_t *count);

/* Fill columns: a replay_observer's function, and visitors of class sums; the context is the score_set. */
int score_set_observe(void *set, const struct tidylog_observations *step);
int score_set_take_counts(void *set, size_t sample, const struct class_count *counts, size_t count);
int score_set_take_means(void *set, const struct class_means *means);

/* Fills the columns that are made of the whole run, after its replay, and frees what was kept for that. */
int score_set_fill(struct score_set *set, struct analysis *analysis);

#endif
