/* What a step of a run does: derived from its seed and splits, so that the log need not list samples. */
#include "common/tidylog.h"

#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/random.h"

#define NO_EPOCH UINT64_MAX

enum { SPLITS = 2 }; /* TIDYLOG_FIRST_SPLIT, TIDYLOG_SECOND_SPLIT */

struct tidylog_order {
    uint64_t seed;
    uint32_t batch_size;
    bool shuffle;
    uint32_t counts[SPLITS];   /* samples of each split */
    uint32_t *members[SPLITS]; /* [counts] in the data set's order; NULL where the first split is everything */
    uint64_t steps[SPLITS];    /* of an epoch that trains on this split */
    uint64_t second_split;     /* the first epoch of the second; NO_EPOCH where there is none */
    uint64_t second_step;      /* its first step; UINT64_MAX where there is none */
    uint64_t epoch;            /* which `places` is of; NO_EPOCH at first */
    uint32_t *places;          /* [larger of counts] the samples that the epoch trains on, in order */
};

static uint64_t steps_of(const struct tidylog_order *order, uint32_t samples)
{
    return samples / order->batch_size + (samples % order->batch_size != 0);
}

/* Lists each split's samples. */
static int read_parts(struct tidylog_order *order, const struct tidylog_run *run)
{
    for (uint64_t i = 0; i < run->samples; i++) {
        if (run->parts[i] < SPLITS)
            order->counts[run->parts[i]]++;
    }
    for (int split = 0; split < SPLITS; split++) {
        uint32_t **members = &order->members[split];
        int status = memory_allocate(members, order->counts[split], sizeof **members, "the sample order");
        if (status != TIDY_OK)
            return status;
        uint32_t count = 0;
        for (uint32_t i = 0; i < run->samples; i++) {
            if (run->parts[i] == split)
                (*members)[count++] = i;
        }
    }
    return TIDY_OK;
}

int tidylog_order_create(struct tidylog_order **out, const struct tidylog_run *run)
{
    struct tidylog_order *order;
    *out = NULL;
    int status = memory_allocate(&order, 1, sizeof *order, "the sample order");
    if (status != TIDY_OK)
        return status;
    *order = (struct tidylog_order){.seed = run->seed,
                                    .batch_size = run->batch_size,
                                    .shuffle = run->shuffle,
                                    .second_split = run->second_split > 0 ? run->second_split : NO_EPOCH,
                                    .second_step = UINT64_MAX,
                                    .epoch = NO_EPOCH};
    if (run->parts != NULL)
        status = read_parts(order, run);
    else
        order->counts[TIDYLOG_FIRST_SPLIT] = (uint32_t)run->samples;
    uint32_t first = order->counts[TIDYLOG_FIRST_SPLIT], second = order->counts[TIDYLOG_SECOND_SPLIT];
    order->steps[TIDYLOG_FIRST_SPLIT] = steps_of(order, first);
    order->steps[TIDYLOG_SECOND_SPLIT] = steps_of(order, second) + steps_of(order, first);
    if (run->second_split <= UINT64_MAX / order->steps[TIDYLOG_FIRST_SPLIT] && run->second_split > 0)
        order->second_step = run->second_split * order->steps[TIDYLOG_FIRST_SPLIT];
    /* Not zeroed, as memory_allocate does: whoever only counts steps would pay for what it never looks at. */
    size_t places = (size_t)(first > second ? first : second) * sizeof *order->places;
    if (status == TIDY_OK && (order->places = malloc(places > 0 ? places : 1)) == NULL)
        status = tidy_fail_memory("the sample order", places);
    if (status != TIDY_OK) {
        tidylog_order_destroy(order);
        return status;
    }
    *out = order;
    return TIDY_OK;
}

static int split_of_epoch(const struct tidylog_order *order, uint64_t epoch)
{
    return epoch >= order->second_split ? TIDYLOG_SECOND_SPLIT : TIDYLOG_FIRST_SPLIT;
}

/* Makes the order in which an epoch trains: a permutation of the list of its split's samples. */
static void begin_epoch(struct tidylog_order *order, uint64_t epoch, int split)
{
    uint32_t count = order->counts[split];
    const uint32_t *members = order->members[split];
    if (order->shuffle) {
        struct random_stream stream = random_open(order->seed, RANDOM_ORDER, epoch);
        random_permutation(&stream, order->places, count);
    } else {
        for (uint32_t i = 0; i < count; i++)
            order->places[i] = i;
    }
    for (uint32_t i = 0; members != NULL && i < count; i++)
        order->places[i] = members[order->places[i]];
    order->epoch = epoch;
}

void tidylog_order_step(struct tidylog_order *order, uint64_t step, struct tidylog_due *out)
{
    int split = step >= order->second_step ? TIDYLOG_SECOND_SPLIT : TIDYLOG_FIRST_SPLIT;
    uint64_t of_split = split == TIDYLOG_SECOND_SPLIT ? step - order->second_step : step;
    uint64_t epoch = of_split / order->steps[split] + (split == TIDYLOG_SECOND_SPLIT ? order->second_split : 0);
    uint64_t place = of_split % order->steps[split];
    uint64_t trained = steps_of(order, order->counts[split]);
    const uint32_t *samples = order->places;
    uint32_t count = order->counts[split];
    if (order->epoch != epoch)
        begin_epoch(order, epoch, split);
    bool evaluated = place >= trained;
    if (evaluated) {
        place -= trained;
        samples = order->members[TIDYLOG_FIRST_SPLIT];
        count = order->counts[TIDYLOG_FIRST_SPLIT];
    }
    /* Below `count`, which has 32 bits. */
    uint32_t first = (uint32_t)(place * order->batch_size);
    uint32_t left = count - first;
    *out = (struct tidylog_due){.epoch = epoch,
                                .samples = samples + first,
                                .count = left < order->batch_size ? left : order->batch_size,
                                .evaluated = evaluated};
}

uint64_t tidylog_order_steps_before(const struct tidylog_order *order, uint64_t epoch)
{
    if (split_of_epoch(order, epoch) == TIDYLOG_FIRST_SPLIT)
        return epoch * order->steps[TIDYLOG_FIRST_SPLIT];
    return order->second_step + (epoch - order->second_split) * order->steps[TIDYLOG_SECOND_SPLIT];
}

uint64_t tidylog_order_trained(const struct tidylog_order *order, uint64_t epoch)
{
    return order->counts[split_of_epoch(order, epoch)];
}

void tidylog_order_destroy(struct tidylog_order *order)
{
    if (order == NULL)
        return;
    free(order->places);
    for (int split = 0; split < SPLITS; split++)
        free(order->members[split]);
    free(order);
}
