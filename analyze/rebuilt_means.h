/* Mean probability vectors out of margin detail: what class, margin and the given label's probability tell of the
 * others. In one pass, and 68 bytes a sample whatever the number of classes. docs/scores.md has the definition. */
#ifndef TIDY_ANALYZE_REBUILT_MEANS_H
#define TIDY_ANALYZE_REBUILT_MEANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/replay.h"
#include "common/tidylog.h"

/* Classes besides the given label that a sample has a number of its own for: all of them where there are ten. */
enum { NAMED_CLASSES = 9 };

/* Sums over a sample's presentations, each weighted by its epoch. */
struct rebuilt_mean {
    float weight;                  /* what all classes sum to; 0: never presented */
    float given;                   /* of the given label's probability; NaN where one was not a number */
    float even;                    /* of the probability that each class but the given one has at least */
    float extra[NAMED_CLASSES];    /* what named[..] has above that */
    uint16_t named[NAMED_CLASSES]; /* classes, each once; the given label where the place is free */
};

struct rebuilt_means {
    const uint16_t *given; /* [samples] labels trained on */
    const uint16_t
        *unchanged; /* [samples] the data set's: another one where the sample is a probe; NULL: none is */
    size_t samples;
    uint32_t classes;           /* of the data set; a prediction of another one tells nothing of these */
    uint64_t first_epoch;       /* whose weight is 1, that of the next is 2 */
    struct rebuilt_mean *means; /* [samples] */
};

/* Nothing is seen yet. `given` must outlive it. Freed with rebuilt_means_destroy, also after a failure. */
int rebuilt_means_create(struct rebuilt_means *out, const uint16_t *given, size_t samples, uint32_t classes,
                         uint64_t first_epoch);
void rebuilt_means_destroy(struct rebuilt_means *means);

/* Adds one step, with margins: a replay_observer's function. What was presented with a label that is none of the
 * data set's classes is left out. Where a tenth class was predicted for a sample, the least probable so far
 * gives up its place, and what it had above the others is shared evenly. */
int rebuilt_means_observe(void *means, const struct tidylog_observations *step);

/* What that observer does with blocks: the same. */
extern const struct replay_of_blocks rebuilt_means_of_blocks;

/* Takes off what a network knows of a label for having seen it: the given label's probability counts e^-0.1 of
 * itself. Called once, after the last step. */
void rebuilt_means_discount(struct rebuilt_means *means);

/* Has the sample a vector? */
static inline bool rebuilt_means_has(const struct rebuilt_means *means, size_t sample)
{
    const struct rebuilt_mean *mean = &means->means[sample];
    return mean->weight > 0 && mean->given == mean->given;
}

/* Has it one, and is it no probe? Only these tell of the data set's noise. */
static inline bool rebuilt_means_counts(const struct rebuilt_means *means, size_t sample)
{
    return rebuilt_means_has(means, sample) &&
           (means->unchanged == NULL || means->unchanged[sample] == means->given[sample]);
}

/* The most probable class, of equal ones the smallest, and its probability. */
uint16_t rebuilt_means_top(const struct rebuilt_means *means, size_t sample, double *probability);

#endif
