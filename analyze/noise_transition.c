/* Anchors class by class, so that counts are kept for one true class at a time. */
#include "analyze/noise_transition.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "analyze/percentile.h"
#include "common/memory.h"

/* Of the most probable class: where the lower half of the anchors begins, where the upper one does, and its end. */
static const double percents[] = {20, 59.5, 99};
static const double factor = 3, least_share = 0.02, fading = 0.5;
enum { FEWEST = 10 };
static const char what[] = "the transition of the noise";

/* Given labels of the anchors of one true class: in the lower and in the upper half. */
struct anchor_count {
    uint16_t true_class, given;
    uint32_t halves[2], totals[2]; /* totals: of all given labels */
};

struct anchor_counts {
    struct anchor_count *items; /* [count] those that are not 0, by true class */
    size_t count, capacity;
    double anchors;
};

/* ---- counting ------------------------------------------------------------------------------------------- */

struct likely {
    uint32_t *samples;     /* [starts[classes]] by their most probable class */
    double *probabilities; /* of it, in the same order */
    size_t *starts;        /* [classes + 2] */
};

/* Sorts the samples that count by their most probable class. */
static void sort_by_top(struct likely *to, const struct rebuilt_means *means, uint16_t *tops, float *of_tops)
{
    for (size_t i = 0; i < means->samples; i++) {
        double probability;
        if (!rebuilt_means_counts(means, i))
            continue;
        tops[i] = rebuilt_means_top(means, i, &probability);
        of_tops[i] = (float)probability;
        to->starts[tops[i] + 2]++;
    }
    for (uint32_t c = 1; c <= means->classes; c++)
        to->starts[c + 1] += to->starts[c];
    for (size_t i = 0; i < means->samples; i++)
        if (rebuilt_means_counts(means, i)) {
            size_t at = to->starts[tops[i] + 1]++;
            to->samples[at] = (uint32_t)i;
            to->probabilities[at] = (double)of_tops[i];
        }
}

static int add_count(struct anchor_counts *counts, struct anchor_count item)
{
    if (counts->count == counts->capacity) {
        int status = memory_grow(&counts->items, &counts->capacity, counts->count + 1, sizeof *counts->items, what);
        if (status != 0)
            return status;
    }
    counts->items[counts->count++] = item;
    return 0;
}

/* Counts the anchors of one class among samples[count]. room: [count]; seen: [2][classes], zero before and
 * after. */
static int count_anchors(struct anchor_counts *counts, const struct rebuilt_means *means, uint32_t class,
                         const uint32_t *samples, const double *probabilities, size_t count, double *room,
                         uint32_t *seen)
{
    double borders[3];
    uint32_t totals[2] = {0, 0};
    int status = 0;
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        room[i] = probabilities[i];
    for (size_t k = 0; k < 3; k++)
        borders[k] = percentile_select(room, count, percents[k]);
    for (size_t i = 0; i < count; i++)
        if (probabilities[i] >= borders[0] && probabilities[i] <= borders[2]) {
            size_t upper = probabilities[i] >= borders[1];
            seen[upper * means->classes + means->given[samples[i]]]++;
            totals[upper]++;
        }
    counts->anchors += totals[0] + totals[1];
    for (uint32_t b = 0; b < means->classes; b++) {
        uint32_t *lower = &seen[b], *upper = &seen[means->classes + b];
        if (*lower + *upper > 0 && b != class && status == 0)
            status = add_count(
                counts,
                (struct anchor_count){(uint16_t) class, (uint16_t)b, {*lower, *upper}, {totals[0], totals[1]}});
        *lower = *upper = 0;
    }
    return status;
}

static int count_all_anchors(struct anchor_counts *counts, const struct rebuilt_means *means)
{
    struct likely likely = {0};
    double *room = NULL;
    uint32_t *seen = NULL;
    uint16_t *tops = NULL;
    float *of_tops = NULL;
    int status = memory_allocate(&likely.samples, means->samples, sizeof *likely.samples, what);
    if (status == 0)
        status = memory_allocate(&likely.probabilities, means->samples, sizeof *likely.probabilities, what);
    if (status == 0)
        status = memory_allocate(&likely.starts, (size_t)means->classes + 2, sizeof *likely.starts, what);
    if (status == 0)
        status = memory_allocate(&room, means->samples, sizeof *room, what);
    if (status == 0)
        status = memory_allocate(&seen, means->classes, 2 * sizeof *seen, what);
    if (status == 0)
        status = memory_allocate(&tops, means->samples, sizeof *tops, what);
    if (status == 0)
        status = memory_allocate(&of_tops, means->samples, sizeof *of_tops, what);
    if (status == 0)
        sort_by_top(&likely, means, tops, of_tops);
    for (uint32_t c = 0; c < means->classes && status == 0; c++) {
        size_t start = likely.starts[c];
        status = count_anchors(counts, means, c, likely.samples + start, likely.probabilities + start,
                               likely.starts[c + 1] - start, room, seen);
    }
    free(of_tops);
    free(tops);
    free(seen);
    free(room);
    free(likely.starts);
    free(likely.probabilities);
    free(likely.samples);
    return status;
}

/* ---- pairs that stand out -------------------------------------------------------------------------------- */

static double share(const struct anchor_count *item)
{
    return (double)(item->halves[0] + item->halves[1]) / (double)(item->totals[0] + item->totals[1]);
}

static double share_of_half(const struct anchor_count *item, size_t half)
{
    return (double)item->halves[half] / fmax((double)item->totals[half], 1);
}

/* The value at a place of the sorted shares of all pairs, most of which may be 0. */
static double at_place(const double *sorted, size_t count, size_t pairs, size_t place)
{
    return place < pairs - count ? 0 : sorted[place - (pairs - count)];
}

/* The median share of all pairs of two classes. */
static int median_share(double *out, const struct anchor_counts *counts, uint32_t classes)
{
    double *sorted = NULL;
    size_t pairs = (size_t)classes * (classes - 1);
    int status = memory_allocate(&sorted, counts->count, sizeof *sorted, what);
    for (size_t i = 0; i < counts->count && status == 0; i++)
        sorted[i] = share(&counts->items[i]);
    *out = 0;
    if (status == 0 && pairs > 0) {
        percentile_sort(sorted, counts->count);
        *out = (at_place(sorted, counts->count, pairs, (pairs - 1) / 2) +
                at_place(sorted, counts->count, pairs, pairs / 2)) /
               2;
    }
    free(sorted);
    return status;
}

/* Confusions of the network itself fade as it grows surer; noise does not. */
static bool stands_out(const struct anchor_count *item, double other)
{
    return share(item) > fmax(factor * other, least_share) && item->halves[0] + item->halves[1] >= FEWEST &&
           share_of_half(item, 1) > fading * share_of_half(item, 0);
}

static int compare_pairs(const void *left, const void *right)
{
    const struct noise_pair *a = left, *b = right;
    int by_given = (a->given > b->given) - (a->given < b->given);
    return by_given != 0 ? by_given : (a->true_class > b->true_class) - (a->true_class < b->true_class);
}

static void set_pairs(struct noise_transition *to, const struct anchor_counts *counts, double other)
{
    for (size_t i = 0; i < counts->count; i++) {
        const struct anchor_count *item = &counts->items[i];
        if (!stands_out(item, other))
            continue;
        to->pairs[to->count++] = (struct noise_pair){item->true_class, item->given, share(item)};
        to->starts[item->given + 1]++;
        to->paired[item->true_class] += share(item);
        to->pairs_of[item->true_class]++;
    }
    for (uint32_t c = 0; c < to->classes; c++)
        to->starts[c + 1] += to->starts[c];
    qsort(to->pairs, to->count, sizeof *to->pairs, compare_pairs);
}

int noise_transition_create(struct noise_transition *out, const struct rebuilt_means *means)
{
    struct anchor_counts counts = {0};
    double median = 0;
    size_t classes = means->classes;
    *out = (struct noise_transition){.classes = means->classes};
    int status = memory_allocate(&out->starts, classes + 1, sizeof *out->starts, what);
    if (status == 0)
        status = memory_allocate(&out->paired, classes, sizeof *out->paired, what);
    if (status == 0)
        status = memory_allocate(&out->pairs_of, classes, sizeof *out->pairs_of, what);
    if (status == 0)
        status = memory_allocate(&out->kept, classes, sizeof *out->kept, what);
    if (status == 0)
        status = count_all_anchors(&counts, means);
    if (status == 0)
        status = median_share(&median, &counts, means->classes);
    if (status == 0)
        status = memory_allocate(&out->pairs, counts.count, sizeof *out->pairs, what);
    if (status == 0) {
        double other = fmax(median, 1 / fmax(counts.anchors, 1));
        set_pairs(out, &counts, other);
        noise_transition_set_other(out, other);
    }
    free(counts.items);
    return status;
}

void noise_transition_destroy(struct noise_transition *transition)
{
    free(transition->kept);
    free(transition->pairs_of);
    free(transition->paired);
    free(transition->starts);
    free(transition->pairs);
}

void noise_transition_set_other(struct noise_transition *transition, double other)
{
    double classes = transition->classes;
    transition->other = fmin(fmax(other, 1e-4 / classes), 1 / classes);
    for (uint32_t c = 0; c < transition->classes; c++) {
        double rest = transition->other * (classes - 1 - transition->pairs_of[c]);
        transition->kept[c] = fmax(1 - transition->paired[c] - rest, transition->other);
    }
}

size_t noise_transition_find(const struct noise_transition *transition, uint32_t true_class, uint32_t given)
{
    for (size_t p = transition->starts[given]; p < transition->starts[given + 1]; p++)
        if (transition->pairs[p].true_class == true_class)
            return p;
    return transition->count;
}

double noise_transition_probability(const struct noise_transition *transition, uint32_t true_class, uint32_t given)
{
    if (true_class == given)
        return transition->kept[given];
    size_t pair = noise_transition_find(transition, true_class, given);
    return pair < transition->count ? transition->pairs[pair].probability : transition->other;
}
