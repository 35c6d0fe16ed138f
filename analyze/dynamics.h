/* What is kept of each sample while a log is replayed: 64 bytes, one cache line, from which every score of class
 * and margin detail follows. */
#ifndef TIDY_ANALYZE_DYNAMICS_H
#define TIDY_ANALYZE_DYNAMICS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/tidylog.h"

/* Epochs are counted from 1 here, so that 0 is never. 21 bits count to two million; a run has at most one million
 * epochs. A sample may be presented twice in an epoch, or never: its means are over its presentations. */
struct dynamics {
    uint64_t presentations : 21, correct : 21, first_correct : 21, was_correct : 1;
    uint64_t forgetting_events : 22, last_wrong : 21, last_evaluated_correct : 21;
    uint64_t correct_epochs;                       /* sum of the epochs (from 0) of correct presentations */
    double confidence_mean, confidence_deviations; /* sum of squared deviations from the mean (Welford 1962) */
    double margin_sum, loss_sum;
    float loss_average;    /* of `loss-ema` */
    uint32_t loss_at_bits; /* of `loss-at`, inverted: 0 is NaN, so that what is all 0 has seen nothing */
};
_Static_assert(sizeof(struct dynamics) == 64, "a cache line");

static inline void dynamics_set_loss_at(struct dynamics *dynamics, float loss)
{
    memcpy(&dynamics->loss_at_bits, &loss, sizeof loss);
    dynamics->loss_at_bits = ~dynamics->loss_at_bits;
}

/* NaN where none was set. */
static inline float dynamics_loss_at(const struct dynamics *dynamics)
{
    uint32_t bits = ~dynamics->loss_at_bits;
    float loss;
    memcpy(&loss, &bits, sizeof loss);
    return loss;
}

struct dynamics_set {
    struct dynamics *samples; /* [count] */
    size_t count;
    double loss_weight;  /* of the newest loss in loss_average */
    uint64_t loss_epoch; /* whose loss loss_at keeps, of several the last; UINT64_MAX: of none */
};

/* Nothing is seen yet. Freed with dynamics_destroy, also after a failure. Error: more memory than the machine
 * has. */
int dynamics_create(struct dynamics_set *out, uint64_t samples);
void dynamics_destroy(struct dynamics_set *set);

/* Forgets all, to start with another run. */
void dynamics_reset(struct dynamics_set *set);

/* Adds one step: a replay_observer's function, `set` is a struct dynamics_set. Error: a sample is presented more
 * often than can be counted. */
int dynamics_observe(void *set, const struct tidylog_observations *step);

#endif
