/* Which samples a step has: derived from the seed, so that the log need not list them. */
#include "common/tidylog.h"

#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/random.h"

#define NO_EPOCH UINT64_MAX

struct tidylog_order {
    uint64_t seed;
    uint64_t steps_per_epoch;
    uint32_t samples, batch_size;
    bool shuffle;
    uint64_t epoch;   /* whose permutation `places` has; NO_EPOCH at first */
    uint32_t *places; /* [samples] */
};

uint64_t tidylog_steps_per_epoch(const struct tidylog_run *run)
{
    return run->samples / run->batch_size + (run->samples % run->batch_size != 0);
}

int tidylog_order_create(struct tidylog_order **out, const struct tidylog_run *run)
{
    struct tidylog_order *order;
    *out = NULL;
    int status = memory_allocate(&order, 1, sizeof *order, "the sample order");
    if (status != TIDY_OK)
        return status;
    *order = (struct tidylog_order){.seed = run->seed,
                                    .steps_per_epoch = tidylog_steps_per_epoch(run),
                                    .samples = (uint32_t)run->samples,
                                    .batch_size = run->batch_size,
                                    .shuffle = run->shuffle,
                                    .epoch = NO_EPOCH};
    status = memory_allocate(&order->places, order->samples, sizeof *order->places, "the sample order");
    if (status != TIDY_OK) {
        free(order);
        return status;
    }
    for (uint32_t i = 0; i < order->samples; i++)
        order->places[i] = i;
    *out = order;
    return TIDY_OK;
}

void tidylog_order_step(struct tidylog_order *order, uint64_t step, const uint32_t **samples, uint32_t *count,
                        uint64_t *epoch)
{
    *epoch = step / order->steps_per_epoch;
    if (order->shuffle && order->epoch != *epoch) {
        struct random_stream stream = random_open(order->seed, RANDOM_ORDER, *epoch);
        random_permutation(&stream, order->places, order->samples);
        order->epoch = *epoch;
    }
    /* Below `samples`, which has 32 bits. */
    uint32_t first = (uint32_t)(step % order->steps_per_epoch * order->batch_size);
    uint32_t left = order->samples - first;
    *samples = order->places + first;
    *count = left < order->batch_size ? left : order->batch_size;
}

void tidylog_order_destroy(struct tidylog_order *order)
{
    if (order == NULL)
        return;
    free(order->places);
    free(order);
}
