/* Which sample lies in which lane, and which class at which place. */
#include <stdlib.h>

#include "analyze/posterior_rows.h"
#include "common/memory.h"

static const char what[] = "posteriors of labels";
enum { UNPLACED = UINT8_MAX };

static bool names(const struct rebuilt_mean *mean, uint32_t class)
{
    for (size_t k = 0; k < NAMED_CLASSES; k++)
        if (mean->named[k] == class)
            return true;
    return false;
}

/* Fills free places: with true classes that are often given this label, then with any. */
static void complete_names(struct rebuilt_mean *mean, uint16_t given, const struct noise_transition *transition)
{
    size_t pair = transition->starts[given], end = transition->starts[given + 1];
    uint32_t class = 0;
    for (size_t k = 0; k < NAMED_CLASSES; k++) {
        if (mean->named[k] != given)
            continue;
        while (pair < end && names(mean, transition->pairs[pair].true_class))
            pair++;
        while (class < transition->classes && (class == given || names(mean, class)))
            class ++;
        if (pair < end)
            mean->named[k] = transition->pairs[pair].true_class;
        else if (class < transition->classes)
            mean->named[k] = (uint16_t) class;
    }
}

/* The lanes of the samples: those that the temperature is fitted to first, then the others, from a new block on. */
static void fill_lanes(struct posterior_rows *rows, bool chosen, size_t stride)
{
    size_t counted = 0;
    uint32_t lane = LANES;
    struct row_block *block = NULL;
    for (size_t i = 0; i < rows->means->samples; i++) {
        bool counts = rebuilt_means_counts(rows->means, i);
        bool is_chosen = counts && counted++ % stride == 0;
        if (!rebuilt_means_has(rows->means, i) || is_chosen != chosen)
            continue;
        if (lane == LANES) {
            block = &rows->blocks[rows->count++];
            lane = 0;
        }
        block->samples[lane] = (uint32_t)i;
        block->counts[lane] = counts ? -1 : 0;
        block->filled = ++lane;
    }
    for (; block != NULL && lane < LANES; lane++)
        block->samples[lane] = block->samples[0];
}

static void place_classes(struct row_block *block, const struct posterior_rows *rows)
{
    for (size_t i = 0; i < LANES; i++) {
        uint16_t given = rows->means->given[block->samples[i]];
        const struct rebuilt_mean *mean = &rows->means->means[block->samples[i]];
        block->given[i] = rows->by_class ? given : NAMED_CLASSES;
        for (uint16_t k = 0; k < PLACES; k++)
            block->classes[k][i] = rows->by_class ? k : k < NAMED_CLASSES ? mean->named[k] : given;
    }
}

static int add_pair(struct posterior_rows *rows, struct placed_pair pair)
{
    int status = 0;
    if (rows->pair_count == rows->pair_capacity)
        status = memory_grow(&rows->pairs, &rows->pair_capacity, rows->pair_count + 1, sizeof *rows->pairs, what);
    if (status == 0)
        rows->pairs[rows->pair_count++] = pair;
    return status;
}

/* Lists the pairs that stand out between two places of a lane. places: [classes], UNPLACED before and after. */
static int place_pairs(struct posterior_rows *rows, const struct row_block *block, uint8_t lane, uint8_t *places)
{
    const struct noise_transition *transition = rows->transition;
    int status = 0;
    for (uint8_t k = 0; k < PLACES; k++)
        places[block->classes[k][lane]] = k;
    for (uint8_t k = 0; k < PLACES; k++) {
        uint32_t class = block->classes[k][lane];
        for (size_t p = transition->starts[class]; p < transition->starts[class + 1] && status == 0; p++) {
            uint8_t from = places[transition->pairs[p].true_class];
            if (from != UNPLACED)
                status = add_pair(rows, (struct placed_pair){lane, from, k, (uint32_t)p});
        }
    }
    for (uint8_t k = 0; k < PLACES; k++)
        places[block->classes[k][lane]] = UNPLACED;
    return status;
}

static int place_all_pairs(struct posterior_rows *rows)
{
    const struct noise_transition *transition = rows->transition;
    uint8_t *places = NULL;
    int status = 0;
    for (size_t p = 0; p < transition->count && rows->by_class && status == 0; p++) {
        const struct noise_pair *pair = &transition->pairs[p];
        status =
            add_pair(rows, (struct placed_pair){0, (uint8_t)pair->true_class, (uint8_t)pair->given, (uint32_t)p});
    }
    if (rows->by_class || transition->count == 0)
        return status;
    status = memory_allocate(&places, transition->classes, sizeof *places, what);
    for (uint32_t c = 0; c < transition->classes && status == 0; c++)
        places[c] = UNPLACED;
    for (size_t b = 0; b < rows->count && status == 0; b++) {
        rows->blocks[b].pairs = rows->pair_count;
        for (uint8_t lane = 0; lane < LANES && status == 0; lane++)
            status = place_pairs(rows, &rows->blocks[b], lane, places);
        rows->blocks[b].pairs_end = rows->pair_count;
    }
    free(places);
    return status;
}

int posterior_rows_create(struct posterior_rows *out, struct rebuilt_means *means,
                          const struct noise_transition *transition, size_t stride, struct parallel *parallel)
{
    uint32_t classes = transition->classes;
    *out = (struct posterior_rows){.means = means,
                                   .transition = transition,
                                   .parallel = parallel,
                                   .by_class = classes <= PLACES,
                                   .capacity = means->samples / LANES + 2 /* both kinds may leave lanes over */};
    for (uint32_t k = 0; k < PLACES; k++)
        out->many[k] = k < classes ? 1 : 0;
    out->many[REST] = out->by_class ? 0 : (float)(classes - PLACES);
    int status = memory_map(&out->blocks, out->capacity, sizeof *out->blocks, what);
    if (status == 0)
        status = memory_allocate(&out->above, classes, sizeof *out->above, what);
    if (status == 0)
        status = memory_allocate(&out->weights, classes, sizeof *out->weights, what);
    if (status == 0)
        status = memory_allocate(&out->shares, ROW_SHARES, sizeof *out->shares, what);
    for (size_t s = 0; s < ROW_SHARES && status == 0; s++)
        status = memory_allocate(&out->shares[s].totals.sums, classes, sizeof *out->shares[s].totals.sums, what);
    if (status != 0)
        return status;
    for (size_t i = 0; i < means->samples && !out->by_class; i++)
        if (rebuilt_means_has(means, i)) /* a threshold sample's label is none of the data set's */
            complete_names(&means->means[i], means->given[i], transition);
    fill_lanes(out, true, stride);
    out->chosen = out->count;
    fill_lanes(out, false, stride);
    for (size_t b = 0; b < out->count; b++)
        place_classes(&out->blocks[b], out);
    return place_all_pairs(out);
}

void posterior_rows_destroy(struct posterior_rows *rows)
{
    for (size_t s = 0; rows->shares != NULL && s < ROW_SHARES; s++)
        free(rows->shares[s].totals.sums);
    free(rows->shares);
    free(rows->weights);
    free(rows->above);
    free(rows->pairs);
    memory_unmap(rows->blocks, rows->capacity, sizeof *rows->blocks);
}
