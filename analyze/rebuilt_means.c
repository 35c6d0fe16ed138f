/* One sum for the given label, one for each class predicted, and one that all others have in common. */
#include "analyze/rebuilt_means.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/columns.h"
#include "common/memory.h"
#include "common/vector_clones.h"

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
            mean->even += (float)(weight * (others > 0 ? fmax(1 - q, least) / others : 0));
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
    uint16_t others[COLUMNS_BLOCK]; /* places of presentations in which another class was predicted */
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
    const float *margin = epoch->margin, *confidence = epoch->confidence;
    const uint16_t *predicted = epoch->predicted;
    const double others = room->means->classes - 1;
    const uint32_t classes = room->means->classes;
    for (uint32_t i = 0; i < epoch->count; i++) {
        bool number = margin[i] == margin[i] && confidence[i] == confidence[i], ours = room->given[i] < classes;
        bool shared = predicted[i] == room->given[i] || predicted[i] >= classes;
        double q = (double)confidence[i] > least ? (double)confidence[i] : least;
        double rest = 1 - q > least ? 1 - q : least;
        room->weight_sum[i] += number & ours ? (float)weight : 0;
        room->given_sum[i] += !ours ? 0 : number ? (float)(weight * q) : NAN;
        room->even_sum[i] += number & ours & shared ? (float)(weight * (rest / others)) : 0;
    }
}

/* Lists the places of other classes' predictions. */
static uint32_t list_others(struct room *room, const struct tidylog_observations *epoch)
{
    const uint32_t classes = room->means->classes;
    uint32_t count = 0;
    for (uint32_t i = 0; i < epoch->count; i++) {
        room->others[count] = (uint16_t)i;
        count += (epoch->predicted[i] != room->given[i]) & (epoch->predicted[i] < classes) &
                 (room->given[i] < classes) & (epoch->margin[i] == epoch->margin[i]) &
                 (epoch->confidence[i] == epoch->confidence[i]);
    }
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

static int observe_block(void *context, const struct tidylog_observations *epoch)
{
    struct room *room = context;
    double weight = weight_of(room->means, epoch->epoch);
    if (room->means->classes < 2)
        return rebuilt_means_observe(room->means, epoch);
    if (room->count == 0)
        begin_block(room, epoch);
    add_all(room, epoch, weight);
    uint32_t count = list_others(room, epoch);
    for (uint32_t k = 0; k < count; k++) {
        uint32_t i = room->others[k];
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
