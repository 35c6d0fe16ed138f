/* The passes over blocks of rows. Compiled once for each kind of processor: the others include this file. */
#include "analyze/posterior_passes.h"

#include <float.h>
#include <math.h>
#include <string.h>

#ifndef POSTERIOR_PASSES
#define POSTERIOR_PASSES posterior_passes_plain
#endif

enum { UNMIXING_ROUNDS = 10, FEW_BLOCKS = 16 };
static const double least_of_even_share = 0.01;

/* ---- taking the noise out --------------------------------------------------------------------------------- */

/* Lane by lane of a table of all classes. */
LANES_INLINE void look_up(lanes *out, const float *table, const uint16_t classes[LANES])
{
    float values[LANES];
    for (size_t i = 0; i < LANES; i++)
        values[i] = table[classes[i]];
    memcpy(out, values, sizeof *out);
}

/* What mixing adds over pairs that stand out: to[pair.to] += from[pair.from] * above; where `back`, the other way. */
LANES_INLINE void add_pairs(lanes *to, const lanes *from, const struct posterior_rows *rows,
                            const struct row_block *block, bool back, bool by_class)
{
    size_t first = by_class ? 0 : block->pairs, end = by_class ? rows->pair_count : block->pairs_end;
    for (size_t p = first; p < end; p++) {
        const struct placed_pair *pair = &rows->pairs[p];
        float above = (float)(rows->transition->pairs[pair->pair].probability - rows->transition->other);
        size_t source = back ? pair->to : pair->from, target = back ? pair->from : pair->to;
        if (by_class)
            to[target] += from[source] * above;
        else
            to[target][pair->lane] += from[source][pair->lane] * above;
    }
}

/* Scales what the places' classes sum to to 1. */
LANES_INLINE void normalise(lanes *row, const float *many, size_t places)
{
    lanes sum = {0};
    for (size_t k = 0; k < places; k++)
        sum += many[k] * row[k];
    sum = 1 / sum;
    for (size_t k = 0; k < places; k++)
        row[k] *= sum;
}

/* Rounds of expectation-maximisation, so that the row, with the noise put in, comes near to what it was. */
LANES_INLINE void unmix(struct row_block *block, const struct posterior_rows *rows, bool by_class)
{
    const size_t places = by_class ? PLACES : ROW;
    const float *many = rows->many, other = rows->other;
    lanes above[ROW], mean[ROW], row[ROW], mixed[ROW], ratio[ROW];
    for (size_t k = 0; k < places; k++) {
        mean[k] = row[k] = block->row[k];
        if (by_class)
            above[k] = (lanes){0} + (many[k] > 0 ? rows->above[k] : 0);
        else if (k == REST)
            above[k] = (lanes){0} + (1 - other * (float)rows->transition->classes);
        else
            look_up(&above[k], rows->above, block->classes[k]);
    }
    normalise(row, many, places);
    /* Where all pairs of classes have places, a round leaves the sum at 1 by itself, up to rounding. */
    for (int round = 0; round < UNMIXING_ROUNDS; round++) {
        for (size_t k = 0; k < places; k++)
            mixed[k] = other + row[k] * above[k];
        add_pairs(mixed, row, rows, block, false, by_class);
        lanes ratios = {0};
        for (size_t k = 0; k < places; k++) {
            ratio[k] = mean[k] / mixed[k];
            ratios += many[k] * ratio[k];
        }
        for (size_t k = 0; k < places; k++)
            mixed[k] = other * ratios + ratio[k] * above[k];
        add_pairs(mixed, ratio, rows, block, true, by_class);
        for (size_t k = 0; k < places; k++)
            row[k] *= mixed[k];
        if (!by_class)
            normalise(row, many, places);
    }
    if (by_class)
        normalise(row, many, places);
    const lanes least = (lanes){0} + (float)(least_of_even_share / rows->transition->classes);
    for (size_t k = 0; k < ROW; k++) {
        if (k >= places || many[k] == 0) {
            block->row[k] = (lanes){0} - INFINITY;
            continue;
        }
        lanes_at_least(&row[k], &least);
        lanes_log(&row[k]);
        block->row[k] = row[k];
    }
}

/* The means of the block's samples, to be unmixed. Free names are the given label, which comes last. */
LANES_INLINE void take_means(struct row_block *block, const struct posterior_rows *rows)
{
    float values[ROW][LANES];
    for (size_t i = 0; i < LANES; i++) {
        const struct rebuilt_mean *mean = &rows->means->means[block->samples[i]];
        const float scale = 1 / mean->weight, even = mean->even * scale;
        for (size_t k = 0; k < ROW; k++)
            values[k][i] = even;
        for (size_t k = 0; k < NAMED_CLASSES; k++)
            values[rows->by_class ? mean->named[k] : k][i] = (mean->even + mean->extra[k]) * scale;
        values[block->given[i]][i] = mean->given * scale;
    }
    for (size_t k = 0; k < ROW; k++)
        if (rows->many[k] > 0)
            memcpy(&block->row[k], values[k], sizeof values[k]);
        else
            block->row[k] = (lanes){0};
}

/* Chances of the given label, by true class: of a pair that stands out, of the label itself, and of all others. */
LANES_INLINE void set_chances(struct row_block *block, const struct posterior_rows *rows, bool by_class)
{
    const struct noise_transition *transition = rows->transition;
    for (size_t k = 0; k < ROW; k++)
        block->chances[k] = (lanes){0} + (rows->many[k] > 0 ? rows->other : 0);
    for (size_t i = 0; i < LANES; i++)
        block->chances[block->given[i]][i] = (float)transition->kept[rows->means->given[block->samples[i]]];
    size_t first = by_class ? 0 : block->pairs, end = by_class ? rows->pair_count : block->pairs_end;
    for (size_t p = first; p < end; p++) {
        const struct placed_pair *pair = &rows->pairs[p];
        float chance = (float)transition->pairs[pair->pair].probability;
        for (size_t i = by_class ? 0 : pair->lane; i < (by_class ? LANES : pair->lane + 1U); i++)
            if (block->given[i] == pair->to)
                block->chances[pair->from][i] = chance;
    }
}

static void unmix_all(struct posterior_rows *rows, size_t first, size_t end)
{
    for (size_t b = first; b < end; b++) {
        struct row_block *block = &rows->blocks[b];
        take_means(block, rows);
        set_chances(block, rows, rows->by_class);
        if (rows->by_class)
            unmix(block, rows, true);
        else
            unmix(block, rows, false);
    }
}

/* ---- the joint -------------------------------------------------------------------------------------------- */

LANES_INLINE void raise(lanes power[ROW], const lanes row[ROW], float temperature, bool by_class)
{
    const size_t places = by_class ? PLACES : ROW;
    lanes largest = row[0];
    power[REST] = (lanes){0};
    for (size_t k = 1; k < places; k++)
        lanes_at_least(&largest, &row[k]);
    for (size_t k = 0; k < places; k++) {
        power[k] = temperature * (row[k] - largest);
        lanes_exp(&power[k]);
    }
}

/* The joint of true classes and the given label. */
struct joint {
    lanes weights[ROW]; /* of the places' classes */
    lanes all, given;   /* what weights times powers, and that times chances, sum to */
};

LANES_INLINE void join(struct joint *out, const struct posterior_rows *rows, const struct row_block *block,
                       const lanes power[ROW], bool by_class)
{
    const size_t places = by_class ? PLACES : ROW;
    const lanes none = {0};
    if (by_class) {
        for (size_t k = 0; k < PLACES; k++)
            out->weights[k] = none + (rows->many[k] > 0 ? rows->weights[k] : 0);
    } else {
        out->weights[REST] = none + (float)rows->weights_sum;
        for (size_t k = 0; k < PLACES; k++) {
            look_up(&out->weights[k], rows->weights, block->classes[k]);
            out->weights[REST] -= out->weights[k];
        }
        lanes_at_least(&out->weights[REST], &none);
        if (rows->many[REST] == 0)
            out->weights[REST] = none;
    }
    out->all = out->given = (lanes){0};
    for (size_t k = 0; k < places; k++) {
        lanes part = out->weights[k] * power[k];
        out->all += part;
        out->given += part * block->chances[k];
    }
}

/* Adds what lanes have, in double precision. */
LANES_INLINE void add_lanes(lanes_double *to, const lanes *of, const lanes_mask *mask)
{
    lanes masked = (lanes)((lanes_mask)*of & *mask);
    *to += __builtin_convertvector(masked, lanes_double);
}

/* By the temperature, log sum w p^t has the slope E log p, and that the slope Var log p, under weights w p^t. A
 * surprise is that of all classes less that of those classes which leave the given label. */
LANES_INLINE void slopes(struct surprise_slopes *out, const struct posterior_rows *rows, size_t first, size_t end,
                         float temperature, bool by_class)
{
    lanes_double slope_sum = {0}, curvature_sum = {0};
    for (size_t b = first; b < end; b++) {
        const struct row_block *block = &rows->blocks[b];
        lanes power[ROW], all = {0}, given = {0}, all_squares = {0}, given_squares = {0};
        struct joint joint;
        raise(power, block->row, temperature, by_class);
        join(&joint, rows, block, power, by_class);
        for (size_t k = 0; k < (by_class ? PLACES : ROW); k++) {
            /* The logarithm of an unused place is infinite, and its power 0. */
            lanes log = block->row[k], part = joint.weights[k] * power[k];
            const lanes least = (lanes){0} - FLT_MAX;
            lanes_at_least(&log, &least);
            lanes of_all = part * log, of_given = of_all * block->chances[k];
            all += of_all;
            given += of_given;
            all_squares += of_all * log;
            given_squares += of_given * log;
        }
        lanes over_all = 1 / joint.all, over_given = 1 / joint.given;
        all *= over_all;
        given *= over_given;
        lanes slope = all - given;
        lanes curvature = (all_squares * over_all - all * all) - (given_squares * over_given - given * given);
        add_lanes(&slope_sum, &slope, &block->counts);
        add_lanes(&curvature_sum, &curvature, &block->counts);
    }
    *out = (struct surprise_slopes){lanes_sum(&slope_sum), lanes_sum(&curvature_sum)};
}

static void slopes_all(struct surprise_slopes *out, const struct posterior_rows *rows, size_t first, size_t end,
                       float temperature)
{
    if (rows->by_class)
        slopes(out, rows, first, end, temperature, true);
    else
        slopes(out, rows, first, end, temperature, false);
}

static void raise_all(struct posterior_rows *rows, size_t first, size_t end, float temperature)
{
    for (size_t b = first; b < end; b++) {
        lanes power[ROW];
        if (rows->by_class)
            raise(power, rows->blocks[b].row, temperature, true);
        else
            raise(power, rows->blocks[b].row, temperature, false);
        memcpy(rows->blocks[b].row, power, sizeof power);
    }
}

/* ---- sums ------------------------------------------------------------------------------------------------- */

/* Of each place, where places are classes. */
struct place_sums {
    lanes before[PLACES], after[PLACES];
};

LANES_INLINE void flush_places(lanes_double before[PLACES], lanes_double after[PLACES], struct place_sums *sums)
{
    for (size_t k = 0; k < PLACES; k++) {
        before[k] += __builtin_convertvector(sums->before[k], lanes_double);
        after[k] += __builtin_convertvector(sums->after[k], lanes_double);
        sums->before[k] = sums->after[k] = (lanes){0};
    }
}

LANES_INLINE void sum_up(struct row_totals *out, const struct posterior_rows *rows, size_t first, size_t end,
                         bool by_class)
{
    const lanes_mask other = (lanes_mask)((lanes){0} + rows->other);
    lanes_double before_rest = {0}, after_rest = {0}, wrong = {0};
    lanes_double before_of[PLACES] = {{0}}, after_of[PLACES] = {{0}};
    struct place_sums sums = {0}; /* of few blocks: in single precision, which is faster */
    memset(out->sums, 0, rows->transition->classes * sizeof *out->sums);
    for (size_t b = first; b < end; b++) {
        const struct row_block *block = &rows->blocks[b];
        const lanes_mask counts = block->counts;
        struct joint joint;
        join(&joint, rows, block, block->row, by_class);
        lanes over_all = 1 / joint.all, over_given = 1 / joint.given, before = {0}, after = {0}, wrong_here = {0};
        if (!by_class) {
            before = block->row[REST] * over_all;
            after = block->row[REST] * block->chances[REST] * over_given;
            add_lanes(&before_rest, &before, &counts);
            add_lanes(&after_rest, &after, &counts);
            wrong_here = joint.weights[REST] * after;
        }
        for (size_t k = 0; k < PLACES; k++) {
            lanes seen = block->row[k] * over_all - before;
            lanes posterior = block->row[k] * block->chances[k] * over_given, left = posterior - after;
            lanes_mask is_other, is_paired, place = (lanes_mask){0} + (int32_t)k,
                                            chance = (lanes_mask)block->chances[k];
            lanes_differ(&is_other, &block->given, &place);
            lanes_differ(&is_paired, &chance, &other);
            wrong_here += (lanes)((lanes_mask)(joint.weights[k] * posterior) & is_other & ~is_paired);
            if (by_class) {
                sums.before[k] += (lanes)((lanes_mask)seen & counts);
                sums.after[k] += (lanes)((lanes_mask)left & counts);
                continue;
            }
            for (size_t i = 0; i < LANES; i++) {
                struct class_sum *sum = &out->sums[block->classes[k][i]];
                sum->before += counts[i] ? (double)seen[i] : 0;
                sum->after += counts[i] ? (double)left[i] : 0;
            }
        }
        add_lanes(&wrong, &wrong_here, &counts);
        if (by_class && (b - first) % FEW_BLOCKS == FEW_BLOCKS - 1)
            flush_places(before_of, after_of, &sums);
    }
    flush_places(before_of, after_of, &sums);
    out->rest = (struct class_sum){lanes_sum(&before_rest), lanes_sum(&after_rest)};
    out->wrong = lanes_sum(&wrong);
    for (size_t k = 0; k < PLACES && by_class; k++)
        if (rows->many[k] > 0)
            out->sums[k] = (struct class_sum){lanes_sum(&before_of[k]), lanes_sum(&after_of[k])};
}

static void sum_all(struct row_totals *out, const struct posterior_rows *rows, size_t first, size_t end)
{
    if (rows->by_class)
        sum_up(out, rows, first, end, true);
    else
        sum_up(out, rows, first, end, false);
}

const struct posterior_passes POSTERIOR_PASSES = {unmix_all, slopes_all, raise_all, sum_all};
