/* The order in which suspects are listed, thresholds cut and evaluation counts. */
#include "analyze/ranking.h"

#include <math.h>
#include <stdlib.h>

#include "common/memory.h"

/* Sorted as pairs, because following an index for each comparison costs more than the copy. */
struct place {
    float key;
    uint32_t sample;
};

static int compare(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->key != b->key)
        return a->key > b->key ? -1 : 1;
    return a->sample < b->sample ? -1 : a->sample > b->sample;
}

int ranking_create(struct ranking *out, const float *keys, size_t samples)
{
    *out = (struct ranking){.keys = keys, .samples = samples};
    struct place *places = NULL;
    int status = memory_allocate(&out->order, samples, sizeof *out->order, "the ranking");
    if (status == 0)
        status = memory_allocate(&places, samples, sizeof *places, "the ranking");
    if (status != 0)
        return status;

    size_t unscored = 0;
    for (size_t i = 0; i < samples; i++)
        if (!isnan(keys[i]))
            places[out->scored++] = (struct place){keys[i], (uint32_t)i};
    qsort(places, out->scored, sizeof *places, compare);
    for (size_t i = 0; i < out->scored; i++)
        out->order[i] = places[i].sample;
    for (size_t i = 0; i < samples; i++)
        if (isnan(keys[i]))
            out->order[out->scored + unscored++] = (uint32_t)i;
    free(places);
    return 0;
}

void ranking_destroy(struct ranking *ranking)
{
    free(ranking->order);
}
