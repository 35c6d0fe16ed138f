/* Of the predicted class a bit for each epoch is kept, from which everything is counted once in 64 epochs; of margins
 * an array of each sum. */
#include "analyze/dynamics_block.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/columns.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/vector_clones.h"

enum {
    MOST = (1 << 21) - 1, /* as in dynamics.c */
    HISTORY = 64,         /* epochs */
};

/* Sums over the presentations of each sample. */
struct margin_sums {
    double confidence_mean[COLUMNS_BLOCK], confidence_deviations[COLUMNS_BLOCK];
    double margin_sum[COLUMNS_BLOCK], loss_sum[COLUMNS_BLOCK];
    float loss_average[COLUMNS_BLOCK];
};

struct room {
    struct dynamics_set *set;
    uint32_t samples[COLUMNS_BLOCK];
    uint32_t count;                  /* 0: between blocks */
    uint64_t history[COLUMNS_BLOCK]; /* bit t: right in epoch `first` + t */
    uint64_t first;
    uint32_t epochs;             /* of the history */
    uint64_t presentations;      /* of each sample, this block's among them */
    bool is_uneven;              /* samples were presented differently often: they are added one by one */
    struct margin_sums *margins; /* NULL before the first epoch that has any */
};

static int open_room(void **out, void *context)
{
    struct room *room = NULL;
    int status = memory_allocate(&room, 1, sizeof *room, "scores");
    if (status == 0)
        room->set = context;
    *out = room;
    return status;
}

static void close_room(void *context)
{
    struct room *room = context;
    free(room->margins);
    free(room);
}

/* ---- what the predicted class tells ------------------------------------------------------------------------ */

VECTOR_CLONES static void add_history(uint64_t *history, const uint16_t *predicted, const uint16_t *labels,
                                      uint32_t count, uint32_t place)
{
    for (uint32_t i = 0; i < count; i++)
        history[i] |= (uint64_t)(predicted[i] == labels[i]) << place;
}

/* Sum of the places of the bits that are set. */
static inline uint64_t sum_of_places(uint64_t bits)
{
    static const uint64_t places_with[] = {0xaaaaaaaaaaaaaaaa, 0xcccccccccccccccc, 0xf0f0f0f0f0f0f0f0,
                                           0xff00ff00ff00ff00, 0xffff0000ffff0000, 0xffffffff00000000};
    uint64_t sum = 0;
    for (int k = 0; k < 6; k++)
        sum += (uint64_t)__builtin_popcountll(bits & places_with[k]) << k;
    return sum;
}

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(TIDY_SANITIZE)
#define COUNTING_CLONES __attribute__((target_clones("popcnt", "default")))
#else
#define COUNTING_CLONES
#endif

/* Adds `epochs` epochs from number `first` on to the samples' dynamics. */
COUNTING_CLONES static void count_history(struct dynamics *dynamics, const uint32_t *samples,
                                          const uint64_t *history, uint32_t count, uint64_t first, uint32_t epochs)
{
    const uint64_t all = UINT64_MAX >> (HISTORY - epochs);
    for (uint32_t i = 0; i < count; i++) {
        struct dynamics *d = &dynamics[samples[i]];
        uint64_t right = history[i], wrong = ~right & all, rights = (uint64_t)__builtin_popcountll(right);
        uint64_t forgotten = wrong & (right << 1 | d->was_correct);
        d->presentations = (d->presentations + epochs) & MOST;
        d->correct = (d->correct + rights) & MOST;
        if (d->first_correct == 0 && right != 0)
            d->first_correct = (first + 1 + (uint64_t)__builtin_ctzll(right)) & MOST;
        d->forgetting_events = (d->forgetting_events + (uint64_t)__builtin_popcountll(forgotten)) & (MOST * 2 + 1);
        d->was_correct = right >> (epochs - 1) & 1;
        if (wrong != 0)
            d->last_wrong = (first + HISTORY - (uint64_t)__builtin_clzll(wrong)) & MOST;
        d->correct_epochs += first * rights + sum_of_places(right);
    }
}

static void flush_history(struct room *room)
{
    if (room->epochs > 0)
        count_history(room->set->samples, room->samples, room->history, room->count, room->first, room->epochs);
    memset(room->history, 0, room->count * sizeof *room->history);
    room->epochs = 0;
}

/* ---- what probability and margin tell ------------------------------------------------------------------------ */

VECTOR_CLONES static void add_confidence(double *restrict means, double *restrict deviations,
                                         const float *restrict confidence, uint32_t count, double presentations)
{
    for (uint32_t i = 0; i < count; i++) {
        double deviation = (double)confidence[i] - means[i], mean = means[i] + deviation / presentations;
        deviations[i] += deviation * ((double)confidence[i] - mean);
        means[i] = mean;
    }
}

VECTOR_CLONES static void add_sum(double *restrict sums, const float *restrict values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        sums[i] += (double)values[i];
}

VECTOR_CLONES static void add_average(float *restrict averages, const float *restrict losses, uint32_t count,
                                      double weight)
{
    for (uint32_t i = 0; i < count; i++)
        averages[i] = (float)((1 - weight) * (double)averages[i] + weight * (double)losses[i]);
}

static int begin_margins(struct room *room)
{
    int status = room->margins != NULL ? 0 : memory_allocate(&room->margins, 1, sizeof *room->margins, "scores");
    for (uint32_t i = 0; i < room->count && status == 0; i++) {
        const struct dynamics *d = &room->set->samples[room->samples[i]];
        room->margins->confidence_mean[i] = d->confidence_mean;
        room->margins->confidence_deviations[i] = d->confidence_deviations;
        room->margins->margin_sum[i] = d->margin_sum;
        room->margins->loss_sum[i] = d->loss_sum;
        room->margins->loss_average[i] = d->loss_average;
    }
    return status;
}

static void observe_margins(struct room *room, const struct tidylog_observations *epoch)
{
    struct margin_sums *sums = room->margins;
    double weight = room->presentations == 1 ? 1 : room->set->loss_weight;
    add_confidence(sums->confidence_mean, sums->confidence_deviations, epoch->confidence, epoch->count,
                   (double)room->presentations);
    add_sum(sums->margin_sum, epoch->margin, epoch->count);
    add_sum(sums->loss_sum, epoch->loss, epoch->count);
    add_average(sums->loss_average, epoch->loss, epoch->count, weight);
    for (uint32_t i = 0; i < epoch->count && epoch->epoch == room->set->loss_epoch; i++)
        dynamics_set_loss_at(&room->set->samples[room->samples[i]], epoch->loss[i]);
}

static void end_margins(const struct room *room)
{
    for (uint32_t i = 0; i < room->count; i++) {
        struct dynamics *d = &room->set->samples[room->samples[i]];
        d->confidence_mean = room->margins->confidence_mean[i];
        d->confidence_deviations = room->margins->confidence_deviations[i];
        d->margin_sum = room->margins->margin_sum[i];
        d->loss_sum = room->margins->loss_sum[i];
        d->loss_average = room->margins->loss_average[i];
    }
}

/* ---- blocks --------------------------------------------------------------------------------------------------- */

/* Takes up the samples, as they are before the block's first epoch. */
static int begin_block(struct room *room, const struct tidylog_observations *epoch)
{
    const struct dynamics *dynamics = room->set->samples;
    memcpy(room->samples, epoch->samples, epoch->count * sizeof *room->samples);
    memset(room->history, 0, epoch->count * sizeof *room->history);
    room->count = epoch->count;
    room->epochs = 0;
    room->presentations = dynamics[room->samples[0]].presentations;
    room->is_uneven = false;
    for (uint32_t i = 0; i < room->count; i++)
        room->is_uneven = room->is_uneven || dynamics[room->samples[i]].presentations != room->presentations;
    return epoch->margin != NULL ? begin_margins(room) : 0;
}

static int observe(void *context, const struct tidylog_observations *epoch)
{
    struct room *room = context;
    int status = room->count == 0 ? begin_block(room, epoch) : 0;
    if (status != 0 || room->is_uneven)
        return status != 0 ? status : dynamics_observe(room->set, epoch);
    if (room->presentations++ == MOST)
        return tidy_fail("sample %u is presented more than %d times", room->samples[0], MOST);
    if (room->epochs == HISTORY)
        flush_history(room);
    if (room->epochs == 0)
        room->first = epoch->epoch;
    add_history(room->history, epoch->predicted, epoch->labels, epoch->count, room->epochs++);
    if (epoch->margin != NULL)
        observe_margins(room, epoch);
    return 0;
}

static int end_block(void *context)
{
    struct room *room = context;
    if (!room->is_uneven) {
        flush_history(room);
        if (room->margins != NULL)
            end_margins(room);
    }
    room->count = 0;
    return 0;
}

const struct replay_of_blocks dynamics_of_blocks = {open_room, observe, end_block, close_room};
