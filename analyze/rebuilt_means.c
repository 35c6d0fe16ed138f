/* One sum for the given label, one for each class predicted, and one that all others have in common. */
#include "analyze/rebuilt_means.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/columns.h"
#include "common/little_endian.h"
#include "common/memory.h"
#include "common/vector_clones.h"

enum { PREFETCH_AHEAD = 8 };
static const double least = 1e-12; /* probability of the given label, and of all that is left */

int rebuilt_means_create(struct rebuilt_means *out, const uint16_t *given, size_t samples, uint32_t classes,
                         uint64_t first_epoch)
{
    *out = (struct rebuilt_means){given, NULL, samples, classes, first_epoch, NULL};
    int status = memory_map(&out->means, samples, sizeof *out->means, "rebuilt probabilities");
    for (size_t i = 0; i < samples && status == 0; i++)
        for (size_t k = 0; k < NAMED_CLASSES; k++)
            out->means[i].named[k] = given[i];
    return status;
}

void rebuilt_means_destroy(struct rebuilt_means *means)
{
    memory_unmap(means->means, means->samples, sizeof *means->means);
}

/* Adds to what `class` has above the others; *even is the mean's, wherever it is kept meanwhile. */
static void add_extra(struct rebuilt_mean *mean, float *even, uint16_t class, uint16_t given, float extra,
                      uint32_t others)
{
    size_t least_at = 0;
    for (size_t k = 0; k < NAMED_CLASSES; k++) {
        if (mean->named[k] == class || mean->named[k] == given) {
            mean->named[k] = class;
            mean->extra[k] += extra;
            return;
        }
        if (mean->extra[k] < mean->extra[least_at])
            least_at = k;
    }
    float given_up = fminf(extra, mean->extra[least_at]);
    *even += given_up / (float)others;
    if (extra > given_up) {
        mean->named[least_at] = class;
        mean->extra[least_at] = extra;
    }
}

/* Adds a presentation in which another class than the given one was predicted, but for weight and given label. */
static void add_other(struct rebuilt_mean *mean, float *even, uint16_t predicted, uint16_t given, double q,
                      float margin, double weight, uint32_t others)
{
    double of_predicted = fmin(q * exp(-(double)margin), 1 - q);
    double of_each = others > 1 ? fmax(1 - q - of_predicted, least) / (others - 1) : 0;
    *even += (float)(weight * of_each);
    add_extra(mean, even, predicted, given, (float)(weight * (of_predicted - of_each)), others);
}

static double weight_of(const struct rebuilt_means *means, uint64_t epoch)
{
    return (double)(epoch - means->first_epoch + 1);
}

int rebuilt_means_observe(void *context, const struct tidylog_observations *step)
{
    struct rebuilt_means *means = context;
    double weight = weight_of(means, step->epoch);
    uint32_t others = means->classes - 1;
    double share = others > 0 ? weight / others : 0;
    for (uint32_t i = 0; i < step->count && !step->evaluated; i++) {
        uint32_t sample = step->samples[i];
        uint16_t predicted = step->predicted[i], given = means->given[sample];
        struct rebuilt_mean *mean = &means->means[sample];
        if (given >= means->classes)
            continue;
        if (isnan(step->margin[i]) || isnan(step->confidence[i])) {
            mean->given = NAN;
            continue;
        }
        double q = fmax((double)step->confidence[i], least);
        mean->weight += (float)weight;
        mean->given += (float)(weight * q);
        if (predicted != given && predicted < means->classes)
            add_other(mean, &mean->even, predicted, given, q, step->margin[i], weight, others);
        else
            mean->even += (float)(fmax(1 - q, least) * share);
    }
    return 0;
}

/* ---- blocks --------------------------------------------------------------------------------------------------- */

/* The sums that every presentation changes, side by side. */
struct room {
    struct rebuilt_means *means;
    uint32_t samples[COLUMNS_BLOCK];
    uint16_t given[COLUMNS_BLOCK];
    float weight_sum[COLUMNS_BLOCK], given_sum[COLUMNS_BLOCK], even_sum[COLUMNS_BLOCK];
    uint8_t other[COLUMNS_BLOCK];   /* 1: another class was predicted in the epoch in hand */
    uint16_t others[COLUMNS_BLOCK]; /* places of those */
    uint32_t count;                 /* 0: between blocks */
};

static int open_room(void **out, void *context)
{
    struct room *room = NULL;
    int status = memory_allocate(&room, 1, sizeof *room, "rebuilt probabilities");
    if (status == 0)
        room->means = context;
    *out = room;
    return status;
}

/* Every prediction as if it were right, but that those of other classes add nothing to what these share. Nothing
 * either where a number is none, or for a given label of another data set. */
VECTOR_CLONES static void add_all(struct room *restrict room, const struct tidylog_observations *epoch,
                                  double weight)
{
    const float *restrict margin = epoch->margin, *restrict confidence = epoch->confidence;
    const uint16_t *restrict predicted = epoch->predicted, *restrict given = room->given;
    float *restrict weights = room->weight_sum, *restrict givens = room->given_sum,
                    *restrict evens = room->even_sum;
    uint8_t *restrict other = room->other;
    const uint32_t classes = room->means->classes, count = epoch->count;
    const double share = weight / (classes - 1);
    for (uint32_t i = 0; i < count; i++) {
        double q = (double)confidence[i] > least ? (double)confidence[i] : least,
               rest = 1 - q > least ? 1 - q : least;
        float of_given = (float)(weight * q), of_each = (float)(rest * share), none = given[i] < classes ? NAN : 0;
        int counts = (margin[i] == margin[i]) & (confidence[i] == confidence[i]) & (given[i] < classes);
        int is_other = counts & (predicted[i] != given[i]) & (predicted[i] < classes);
        weights[i] += counts ? (float)weight : 0;
        givens[i] += counts ? of_given : none;
        evens[i] += counts & !is_other ? of_each : 0;
        other[i] = (uint8_t)is_other;
    }
}

/* Lists the places of other classes' predictions, passing over eight at a time that are none. */
static uint32_t list_others(struct room *room)
{
    uint32_t count = 0;
    memset(room->other + room->count, 0, (8 - room->count % 8) % 8);
    for (uint32_t first = 0; first < room->count; first += 8)
        for (uint64_t eight = load_u64(room->other + first); eight != 0; eight &= eight - 1)
            room->others[count++] = (uint16_t)(first + (uint32_t)__builtin_ctzll(eight) / 8);
    return count;
}

static void begin_block(struct room *room, const struct tidylog_observations *epoch)
{
    room->count = epoch->count;
    memcpy(room->samples, epoch->samples, epoch->count * sizeof *room->samples);
    for (uint32_t i = 0; i < room->count; i++) {
        const struct rebuilt_mean *mean = &room->means->means[room->samples[i]];
        room->given[i] = room->means->given[room->samples[i]];
        room->weight_sum[i] = mean->weight;
        room->given_sum[i] = mean->given;
        room->even_sum[i] = mean->even;
    }
}

/* Two cache lines. */
static void prefetch(const struct rebuilt_mean *mean)
{
    __builtin_prefetch(mean, 1);
    __builtin_prefetch((const char *)(mean + 1) - 1, 1);
}

static int observe_block(void *context, const struct tidylog_observations *epoch)
{
    struct room *room = context;
    double weight = weight_of(room->means, epoch->epoch);
    if (room->means->classes < 2)
        return rebuilt_means_observe(room->means, epoch);
    if (room->count == 0)
        begin_block(room, epoch);
    add_all(room, epoch, weight);
    uint32_t count = list_others(room);
    for (uint32_t k = 0; k < count; k++) {
        uint32_t i = room->others[k];
        if (k + PREFETCH_AHEAD < count)
            prefetch(&room->means->means[room->samples[room->others[k + PREFETCH_AHEAD]]]);
        double q = fmax((double)epoch->confidence[i], least);
        add_other(&room->means->means[room->samples[i]], &room->even_sum[i], epoch->predicted[i], room->given[i], q,
                  epoch->margin[i], weight, room->means->classes - 1);
    }
    return 0;
}

static int end_block(void *context)
{
    struct room *room = context;
    for (uint32_t i = 0; i < room->count; i++) {
        struct rebuilt_mean *mean = &room->means->means[room->samples[i]];
        mean->weight = room->weight_sum[i];
        mean->given = room->given_sum[i];
        mean->even = room->even_sum[i];
    }
    room->count = 0;
    return 0;
}

const struct replay_of_blocks rebuilt_means_of_blocks = {open_room, observe_block, end_block, free};

/* ---- means ---------------------------------------------------------------------------------------------------- */

void rebuilt_means_discount(struct rebuilt_means *means)
{
    const float kept = expf(-0.1F);
    for (size_t i = 0; i < means->samples; i++) {
        struct rebuilt_mean *mean = &means->means[i];
        mean->given *= kept;
        mean->weight = mean->given + (float)(means->classes - 1) * mean->even;
        for (size_t k = 0; k < NAMED_CLASSES; k++)
            mean->weight += mean->extra[k];
    }
}

/* The smallest class that has no place of its own; `classes` where all have. */
static uint32_t smallest_unnamed(const struct rebuilt_mean *mean, uint16_t given, uint32_t classes)
{
    uint32_t class = 0;
    bool taken = true;
    while (taken && class < classes) {
        taken = class == given;
        for (size_t k = 0; k < NAMED_CLASSES; k++)
            taken = taken || mean->named[k] == class;
        class += taken;
    }
    return class;
}

uint16_t rebuilt_means_top(const struct rebuilt_means *means, size_t sample, double *probability)
{
    const struct rebuilt_mean *mean = &means->means[sample];
    uint16_t given = means->given[sample];
    uint32_t top = smallest_unnamed(mean, given, means->classes);
    float most = top < means->classes ? mean->even : -1;
    for (size_t k = 0; k < NAMED_CLASSES; k++) {
        float sum = mean->even + mean->extra[k];
        if (mean->named[k] != given && (sum > most || (sum == most && mean->named[k] < top))) {
            top = mean->named[k];
            most = sum;
        }
    }
    if (mean->given > most || (mean->given == most && given < top)) {
        top = given;
        most = mean->given;
    }
    *probability = (double)most / (double)mean->weight;
    return (uint16_t)top;
}
