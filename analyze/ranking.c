/* The order in which suspects are listed, thresholds cut and evaluation counts. */
#include "analyze/ranking.h"

#include <math.h>
#include <stdlib.h>

#include "common/float_order.h"
#include "common/memory.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, PASSES = 3 };

/* Sorted as pairs, because following an index for each comparison costs more than the copy. */
struct place {
    uint32_t order; /* what sorts ascending as the keys do descending */
    uint32_t sample;
};

/* Sorts stably by one digit, the least significant first. */
static void sort_by_digit(struct place *to, const struct place *from, size_t count, int pass)
{
    size_t starts[DIGITS] = {0}, sum = 0;
    for (size_t i = 0; i < count; i++)
        starts[from[i].order >> pass * DIGIT_BITS & (DIGITS - 1)]++;
    for (size_t digit = 0; digit < DIGITS; digit++) {
        size_t of_digit = starts[digit];
        starts[digit] = sum;
        sum += of_digit;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[from[i].order >> pass * DIGIT_BITS & (DIGITS - 1)]++] = from[i];
}

int ranking_create(struct ranking *out, const float *keys, size_t samples)
{
    *out = (struct ranking){.keys = keys, .samples = samples};
    struct place *places = NULL, *others = NULL;
    int status = memory_allocate(&out->order, samples, sizeof *out->order, "the ranking");
    if (status == 0)
        status = memory_allocate(&places, samples, sizeof *places, "the ranking");
    if (status == 0)
        status = memory_allocate(&others, samples, sizeof *others, "the ranking");
    if (status != 0)
        goto end;

    size_t unscored = 0;
    for (size_t i = 0; i < samples; i++)
        if (!isnan(keys[i]))
            places[out->scored++] = (struct place){~float_order(keys[i]), (uint32_t)i};
    for (int pass = 0; pass < PASSES; pass++) {
        sort_by_digit(others, places, out->scored, pass);
        struct place *sorted = others;
        others = places;
        places = sorted;
    }
    for (size_t i = 0; i < out->scored; i++)
        out->order[i] = places[i].sample;
    for (size_t i = 0; i < samples; i++)
        if (isnan(keys[i]))
            out->order[out->scored + unscored++] = (uint32_t)i;
end:
    free(others);
    free(places);
    return status;
}

void ranking_destroy(struct ranking *ranking)
{
    free(ranking->order);
}
