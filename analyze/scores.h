/* Scores of training dynamics: a table, one row a score. docs/scores.md has the definitions and their sources. */
#ifndef TIDY_ANALYZE_SCORES_H
#define TIDY_ANALYZE_SCORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/accumulators.h"
#include "common/tidylog.h"

enum suspicious_end { SUSPICIOUS_HIGH, SUSPICIOUS_LOW };

struct score;

struct score_row {
    const char *name;           /* kebab-case, as on the command line */
    enum tidylog_detail detail; /* the least that feeds it */
    enum suspicious_end suspicious;
    unsigned needs; /* accumulators: bit 1 << kind each */

    /* The score of one sample, NaN where it has none. */
    double (*value)(const struct score *score, size_t sample);

    /* What samples are ranked and thresholds compared by, where that is not the value; else NULL. */
    double (*rank)(const struct score *score, size_t sample);

    /* Reads the parameter after "name:" (NULL: the default). NULL where the score takes none. */
    int (*parameter)(const char *text, uint64_t epochs, double *out);

    const char *summary; /* one line */
};

extern const struct score_row score_rows[];
extern const size_t score_row_count;

/* One score that was asked for. */
struct score {
    const struct score_row *row;
    const char *name; /* as asked for: "loss-at:3" */
    double parameter;
    uint64_t epochs; /* that were replayed */
    uint32_t classes;
    const uint16_t *labels;                               /* [samples] */
    const struct accumulator *sources[ACCUMULATOR_KINDS]; /* those in row->needs */

    /* Filled by score_set_finish. Both are float so that a value printed and read back is the same value. */
    float *values; /* [samples]; NaN: none */
    float *keys;   /* [samples] how suspicious: the rank, negated where low is suspicious; NaN is ranked last */
};

struct score_set {
    struct score *scores; /* [count] in the order asked for */
    size_t count;
    char *names; /* what scores[..].name point into */
};

/* Chooses the scores named in `text` ("aum,loss-at:3"; "all": every one that the run's detail feeds) and asks
 * `accumulators` for what they need. `path` is for messages. Freed with score_set_destroy, also after a failure.
 * Errors: unknown (with the nearest name), named twice, a wrong parameter, detail not recorded. */
int score_set_choose(struct score_set *set, const char *text, struct tidylog_reader *reader, const char *path,
                     struct accumulator_set *accumulators);

/* Makes values and keys, after the replay. */
int score_set_finish(struct score_set *set, uint64_t samples);

void score_set_destroy(struct score_set *set);

/* The score's own number for a key: its sign turned back where low is suspicious. */
double score_from_key(const struct score *score, float key);

/* The class most often predicted for a sample, the smallest of several; `counts` is COUNT_CLASSES. */
uint16_t score_majority_class(const struct accumulator *counts, uint32_t classes, size_t sample);

#endif
