/* The suspects of a log: what `flag` lists, charts draw and reports show. */
#ifndef TIDY_ANALYZE_SUSPECTS_H
#define TIDY_ANALYZE_SUSPECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/ranking.h"
#include "analyze/review.h"
#include "analyze/suggestions.h"
#include "analyze/thresholds.h"

struct analysis;

/* What is asked for, as on the command line. */
struct suspects_request {
    const char *score, *rule; /* NULL: auto's, or DEFAULT_SCORE for a rule and auto for a score */
    const char *review;       /* a file of decisions to learn from; NULL: none */
    uint64_t budget;          /* in place of a rule: so many, whose review finds most wrong labels; 0: the rule */
};

struct suspects {
    struct analysis *analysis;
    const char *score, *rule;       /* as chosen; the rule is NULL with a budget */
    float *keys;                    /* [samples] of the ranking: high = suspicious; updated by the review */
    struct suggestion *suggestions; /* [samples] */
    struct review review;
    struct ranking ranking; /* of all samples */
    bool *flagged;          /* [samples] */
    size_t count;           /* flagged */
};

/* Chooses the score and the rule, replays, ranks and flags. `analysis` is open, with its selection set and no
 * scores chosen, and lives as long as *out. Freed with suspects_destroy, also after a failure. Says on stderr what
 * `auto` chose. Errors: the score's, the rule's, the replay's, the review's; a budget or a review of another score
 * than PROBABILITY_SCORE. */
int suspects_find(struct suspects *out, struct analysis *analysis, const struct suspects_request *request);
void suspects_destroy(struct suspects *suspects);

/* The number that a suspect is listed with: the score's value, or the probability as the review has updated it. */
double suspects_value(const struct suspects *suspects, size_t sample);

#endif
