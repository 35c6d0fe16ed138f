/* The top of the keys by selection, not by sorting: two histograms find the key at which it ends. */
#include "common/suspect_overlap.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/float_order.h"
#include "common/memory.h"

enum { BINS = 1 << 16 };

int suspect_overlap_create(struct suspect_overlap *out, size_t samples, size_t top)
{
    assert(top >= 1 && top <= samples);
    *out = (struct suspect_overlap){.samples = samples, .top = top};
    int status = memory_allocate(&out->before, samples, sizeof *out->before, "the last epoch's suspects");
    return status != 0 ? status : memory_allocate(&out->counts, BINS, sizeof *out->counts, "counts of keys");
}

void suspect_overlap_destroy(struct suspect_overlap *overlap)
{
    free(overlap->before);
    free(overlap->counts);
}

/* A key's place in the keys' order; NaN comes before all. */
static uint32_t place_of(float key)
{
    return isnan(key) ? 0 : float_order(key);
}

/* The bin in which the `*rank`-th item from the largest on lies; *rank becomes its rank within the bin. */
static uint32_t bin_of_rank(const uint32_t *counts, size_t *rank)
{
    uint32_t bin = BINS - 1;
    for (; *rank > counts[bin]; bin--)
        *rank -= counts[bin];
    return bin;
}

/* The place of the last one of the top; *room is how many with that very place still belong to it. */
static uint32_t last_place(const struct suspect_overlap *overlap, const float *keys, size_t *room)
{
    *room = overlap->top;
    memset(overlap->counts, 0, BINS * sizeof *overlap->counts);
    for (size_t i = 0; i < overlap->samples; i++)
        overlap->counts[place_of(keys[i]) >> 16]++;
    uint32_t high = bin_of_rank(overlap->counts, room);

    memset(overlap->counts, 0, BINS * sizeof *overlap->counts);
    for (size_t i = 0; i < overlap->samples; i++)
        if (place_of(keys[i]) >> 16 == high)
            overlap->counts[place_of(keys[i]) & (BINS - 1)]++;
    return high << 16 | bin_of_rank(overlap->counts, room);
}

double suspect_overlap_next(struct suspect_overlap *overlap, const float *keys)
{
    size_t room, shared = 0;
    uint32_t last = last_place(overlap, keys, &room);
    for (size_t i = 0; i < overlap->samples; i++) {
        uint32_t place = place_of(keys[i]);
        bool in_top = place > last || (place == last && room > 0);
        if (place == last && room > 0)
            room--;
        shared += in_top && overlap->before[i];
        overlap->before[i] = in_top;
    }
    double share = overlap->any ? (double)shared / (double)overlap->top : NAN;
    overlap->any = true;
    return share;
}
