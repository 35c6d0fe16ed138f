/* What is summed for each sample while a log is replayed: a table, one row a quantity.
 *
 * Scores say which quantities they need; only those are allocated and updated, each once, however many
 * scores share it. All start at zero bytes. */
#ifndef TIDY_ANALYZE_ACCUMULATORS_H
#define TIDY_ANALYZE_ACCUMULATORS_H

#include <stdint.h>

#include "common/tidylog.h"

/* Notation of docs/scores.md: t counts epochs from 0, q is the given label's probability. */
enum accumulator_kind {
    COUNT_CORRECT,      /* uint32_t [samples]: epochs in which the given label was predicted */
    COUNT_FORGETTING,   /* struct forgetting [samples] */
    FIRST_CORRECT,      /* uint32_t [samples]: 1 + first correct t; 0 = never correct */
    LAST_WRONG,         /* uint32_t [samples]: 1 + last wrong t; 0 = never wrong */
    SUM_CORRECT_EPOCHS, /* uint64_t [samples]: sum of t over the correct epochs */
    COUNT_CLASSES,      /* uint32_t [samples][classes]: epochs in which each class was predicted */
    SPREAD_CONFIDENCE,  /* struct spread [samples]: of q */
    SUM_MARGIN,         /* double [samples] */
    SUM_LOSS,           /* double [samples] */
    LOSS_AT,            /* float [samples]: loss in epoch `parameter` */
    LOSS_EMA,           /* double [samples]: m = (1 - parameter) m + parameter loss, from the first loss on */
    SUM_ALEATORIC,      /* double [samples]: sum of q (1 - q) */
    SUM_EL2N,           /* double [samples]: sum of norm2(probabilities - onehot) */
    SUM_PROBABILITIES,  /* double [samples][classes] */
    ACCUMULATOR_KINDS
};

struct forgetting {
    uint32_t events;      /* times a correct epoch was followed by a wrong one */
    uint32_t was_correct; /* in the last epoch seen: 1 or 0 */
};

struct spread {
    double mean;
    double squares; /* sum of squared deviations from the mean (Welford 1962) */
};

struct accumulator {
    enum accumulator_kind kind;
    double parameter; /* LOSS_AT: the epoch; LOSS_EMA: the weight of the newest loss; else 0 */
    void *items;
};

struct accumulator_set {
    uint64_t samples;
    uint32_t classes, batch_size;
    struct accumulator **members; /* [count] */
    size_t count, capacity;
    float *probabilities; /* [batch_size][classes] of the current step; NULL where no member reads it */
};

/* Starts an empty set for a log. Freed with accumulators_destroy, also after a failure. */
void accumulators_begin(struct accumulator_set *set, const struct tidylog_run *run);

/* The member of that kind and parameter, made on first request; lives as long as the set.
 * Error: more memory than the machine has. */
int accumulators_need(struct accumulator_set *set, enum accumulator_kind kind, double parameter,
                      const struct accumulator **out);

/* Adds one step to every member: a replay_observer's function, `set` is a struct accumulator_set. */
int accumulators_observe(void *set, const struct tidylog_observations *step);

void accumulators_destroy(struct accumulator_set *set);

#endif
