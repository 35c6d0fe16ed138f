/* Scores of training dynamics: a table, one row a score. docs/scores.md has the definitions and their sources. */
#ifndef TIDY_ANALYZE_SCORES_H
#define TIDY_ANALYZE_SCORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/class_sums.h"
#include "analyze/dynamics.h"
#include "analyze/selection.h"
#include "common/tidylog.h"

enum suspicious_end { SUSPICIOUS_HIGH, SUSPICIOUS_LOW };

struct analysis;
struct replay_observer;
struct score;

struct score_row {
    const char *name;           /* kebab-case, as on the command line */
    enum tidylog_detail detail; /* the least that feeds it */
    enum suspicious_end suspicious;

    /* The score of one sample that was presented, NaN where it has none. One of the four: from its dynamics, from
     * the classes predicted for it, from the mean of its probabilities; or that of all samples of the selected run,
     * right after its replay, into column[samples], which is NaN. `kept` is what `ahead` made; NULL: it made nothing. */
    double (*value)(const struct score *score, size_t sample);
    double (*value_of_counts)(const struct score *score, size_t sample, const struct class_count *counts,
                              size_t count);
    double (*value_of_means)(const struct score *score, const struct class_means *means);
    int (*fill)(float *column, void *kept, struct analysis *analysis);

    /* What `fill` needs of the replay before it: makes *kept, and *out the observer that fills it; or leaves both alone
     * where `fill` is to replay by itself. `forget` frees it, also after a failure. NULL: there is nothing. */
    int (*ahead)(void **kept, struct replay_observer *out, struct analysis *analysis);
    void (*forget)(void *kept);

    const char *summary; /* one line */

    /* What samples are ranked and thresholds compared by, where that is not the value; else NULL. */
    double (*rank)(const struct score *score, size_t sample);

    /* Reads the parameter after "name:" (NULL: the default). NULL where the score takes none. */
    int (*parameter)(const char *text, struct window window, double *out);

    /* One that has values only where a run has a second split, also of samples that were never presented. */
    bool of_second_split;

    /* For a score whose parameter says what dynamics keep: tells them, and does the same for a column where another
     * one is kept already (`item` is the sample's, negative at first). Else NULL. */
    void (*keep)(const struct score *score, struct dynamics_set *dynamics);
    float (*observe)(const struct score *score, float item, uint64_t epoch, float loss);
};

/* What commands take where no score is asked for. */
#define DEFAULT_SCORE PROBABILITY_SCORE

/* The score that is a probability: expected counts, budgets and reviews work on it. */
#define PROBABILITY_SCORE "label-posterior"

extern const struct score_row score_rows[];
extern const size_t score_row_count;

/* What all scores of a run are made from. */
struct score_sources {
    struct dynamics_set dynamics;
    struct window window;   /* epochs that were replayed */
    const uint16_t *given;  /* [samples] labels */
    const uint16_t *labels; /* [samples] as trained on: another one where the sample is a probe */
    const uint16_t *parts;  /* [samples] enum tidylog_part, or NULL */
    uint64_t second_split;  /* as in struct tidylog_run */
    uint32_t classes;
};

/* One score that was asked for. */
struct score {
    const struct score_row *row;
    const char *name; /* as asked for: "loss-at:3" */
    double parameter; /* NaN: loss-at of the window's last epoch */
    const struct score_sources *sources;
    float *column; /* [samples] values where they do not follow from the dynamics; or NULL */
    bool observes; /* column is filled while the log is replayed, by row->observe; negative where nothing was */
    void *kept;    /* by row->ahead for row->fill; or NULL */

    /* Over several runs, column has the values, and ranks, [samples], has the ranks where row->rank is not NULL. */
    bool over_runs;
    float *ranks;
};

/* The score of a sample: a number of float's precision, so that a value printed and read back is the same value.
 * NaN where the sample was never presented, or was a probe. */
double score_value(const struct score *score, size_t sample);

/* What it is ranked by, on the score's own scale. */
double score_rank(const struct score *score, size_t sample);

/* Is it PROBABILITY_SCORE? */
bool score_is_probability(const struct score *score);

/* How suspicious it is: the rank, negated where low is suspicious; NaN is ranked last. */
float score_key(const struct score *score, size_t sample);

/* The key that a probe has for the label that it was trained on; NaN where there is none. Only for a score of
 * one run that knows these: one that follows from dynamics, or label-posterior. */
bool score_knows_probes(const struct score *score);
float score_key_of_probe(const struct score *score, size_t sample);

/* The keys of samples 0..samples-1: what a ranking is made of. */
void score_keys(const struct score *score, float *keys, size_t samples);

/* The score's own number for a key: its sign turned back where low is suspicious. */
double score_from_key(const struct score *score, float key);

#endif
