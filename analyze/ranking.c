/* The order in which suspects are listed, thresholds cut and evaluation counts: a radix sort, stable, the least
 * significant digit first. Threads share each pass; a digit that all keys have in common needs none: often the last
 * of whole numbers, or the first of shares. */
#include "analyze/ranking.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/float_order.h"
#include "common/memory.h"
#include "common/parallel.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, PASSES = 3, SAMPLES_OF_A_THREAD = RANKING_THREADED / 2 };

/* Sorted as pairs, because following an index for each digit costs more than the copy. */
struct place {
    uint32_t order; /* what sorts ascending as the keys do descending */
    uint32_t sample;
};

/* A range of what is sorted. */
struct share {
    size_t scored;
    size_t counts[PASSES][DIGITS]; /* of the range's places; then where the next place of a digit goes */
};

struct sorting {
    const float *keys;
    uint32_t *order;
    size_t samples, scored;
    struct share *shares; /* [share_count] */
    size_t share_count;
    struct parallel *parallel; /* NULL: one share, which the caller sorts */

    /* One pass. */
    int pass;
    const struct place *from; /* NULL: the keys */
    struct place *to;         /* NULL: the order */
};

static unsigned digit_of(uint32_t order, int pass)
{
    return order >> pass * DIGIT_BITS & (DIGITS - 1);
}

static uint32_t order_of(float key)
{
    return ~float_order(key);
}

static size_t share_begin(const struct sorting *sorting, size_t count, size_t share)
{
    return count / sorting->share_count * share + count % sorting->share_count * share / sorting->share_count;
}

static void count_keys(void *context, size_t number, unsigned thread)
{
    const struct sorting *sorting = context;
    struct share *share = &sorting->shares[number];
    size_t end = share_begin(sorting, sorting->samples, number + 1);
    (void)thread;
    for (size_t i = share_begin(sorting, sorting->samples, number); i < end; i++) {
        if (isnan(sorting->keys[i]))
            continue;
        uint32_t order = order_of(sorting->keys[i]);
        for (int pass = 0; pass < PASSES; pass++)
            share->counts[pass][digit_of(order, pass)]++;
        share->scored++;
    }
}

static void count_places(void *context, size_t number, unsigned thread)
{
    const struct sorting *sorting = context;
    size_t *counts = sorting->shares[number].counts[sorting->pass];
    size_t end = share_begin(sorting, sorting->scored, number + 1);
    (void)thread;
    for (size_t digit = 0; digit < DIGITS; digit++)
        counts[digit] = 0;
    for (size_t i = share_begin(sorting, sorting->scored, number); i < end; i++)
        counts[digit_of(sorting->from[i].order, sorting->pass)]++;
}

static void put(const struct sorting *sorting, size_t *starts, struct place place)
{
    size_t at = starts[digit_of(place.order, sorting->pass)]++;
    if (sorting->to != NULL)
        sorting->to[at] = place;
    else
        sorting->order[at] = place.sample;
}

static void move_places(void *context, size_t number, unsigned thread)
{
    const struct sorting *sorting = context;
    size_t count = sorting->from != NULL ? sorting->scored : sorting->samples;
    size_t *starts = sorting->shares[number].counts[sorting->pass], end = share_begin(sorting, count, number + 1);
    (void)thread;
    for (size_t i = share_begin(sorting, count, number); i < end; i++) {
        if (sorting->from != NULL)
            put(sorting, starts, sorting->from[i]);
        else if (!isnan(sorting->keys[i]))
            put(sorting, starts, (struct place){order_of(sorting->keys[i]), (uint32_t)i});
    }
}

static void each_share(struct sorting *sorting, void (*run)(void *sorting, size_t share, unsigned thread))
{
    if (sorting->parallel != NULL)
        parallel_run(sorting->parallel, sorting->share_count, run, sorting);
    else
        run(sorting, 0, 0);
}

/* Turns counts into places: by digit, and of a digit by share. */
static void find_starts(struct sorting *sorting)
{
    size_t sum = 0;
    for (size_t digit = 0; digit < DIGITS; digit++)
        for (size_t share = 0; share < sorting->share_count; share++) {
            size_t *count = &sorting->shares[share].counts[sorting->pass][digit], of_digit = *count;
            *count = sum;
            sum += of_digit;
        }
}

/* Do not all keys have the same digit? */
static bool pass_matters(const struct sorting *sorting, int pass)
{
    for (size_t digit = 0; digit < DIGITS; digit++) {
        size_t sum = 0;
        for (size_t share = 0; share < sorting->share_count; share++)
            sum += sorting->shares[share].counts[pass][digit];
        if (sum > 0)
            return sum < sorting->scored;
    }
    return false;
}

/* The passes that are needed; at least one, which writes the order. */
static int choose_passes(const struct sorting *sorting, int passes[PASSES])
{
    int count = 0;
    passes[0] = 0;
    for (int pass = 0; pass < PASSES; pass++)
        if (pass_matters(sorting, pass))
            passes[count++] = pass;
    return count > 0 ? count : 1;
}

static int sort(struct sorting *sorting)
{
    struct place *places[2] = {NULL, NULL};
    int passes[PASSES], status = 0;
    each_share(sorting, count_keys);
    for (size_t share = 0; share < sorting->share_count; share++)
        sorting->scored += sorting->shares[share].scored;
    int count = choose_passes(sorting, passes);
    for (int i = 0; i < count && status == 0; i++) {
        struct place **to = &places[i % 2];
        if (i < count - 1 && *to == NULL)
            status = memory_map(to, sorting->scored, sizeof **to, "the ranking");
        if (status != 0)
            break;
        sorting->pass = passes[i];
        sorting->from = i > 0 ? places[(i + 1) % 2] : NULL;
        sorting->to = i < count - 1 ? *to : NULL;
        if (i > 0 && sorting->share_count > 1)
            each_share(sorting, count_places);
        find_starts(sorting);
        each_share(sorting, move_places);
    }
    memory_unmap(places[1], sorting->scored, sizeof **places);
    memory_unmap(places[0], sorting->scored, sizeof **places);
    return status;
}

int ranking_create(struct ranking *out, const float *keys, size_t samples)
{
    struct sorting sorting = {.keys = keys, .samples = samples};
    size_t unscored = 0;
    *out = (struct ranking){.keys = keys, .samples = samples};
    int status = memory_allocate(&out->order, samples, sizeof *out->order, "the ranking");
    if (status == 0 && samples >= RANKING_THREADED)
        status = parallel_create(&sorting.parallel, samples / SAMPLES_OF_A_THREAD);
    if (status != 0)
        return status;
    sorting.order = out->order;
    sorting.share_count = sorting.parallel != NULL ? parallel_threads(sorting.parallel) : 1;
    status = memory_allocate(&sorting.shares, sorting.share_count, sizeof *sorting.shares, "the ranking");
    if (status == 0)
        status = sort(&sorting);
    free(sorting.shares);
    parallel_destroy(sorting.parallel);
    out->scored = sorting.scored;
    for (size_t i = 0; i < samples && out->scored < samples && status == 0; i++)
        if (isnan(keys[i]))
            out->order[out->scored + unscored++] = (uint32_t)i;
    return status;
}

void ranking_destroy(struct ranking *ranking)
{
    free(ranking->order);
}
