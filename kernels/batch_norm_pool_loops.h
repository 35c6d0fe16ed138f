/* Batch norm's inner loops where a max pool of 2x2 pixels follows: some images of one block of channels. Included by
 * batch_norm.c.
 *
 * Windows neither overlap nor see padding, so each pixel belongs to at most one: what lies between batch norm and pool, and
 * its gradient, stay in registers. */
#ifndef TIDY_KERNELS_BATCH_NORM_POOL_LOOPS_H
#define TIDY_KERNELS_BATCH_NORM_POOL_LOOPS_H

#include "kernels/batch_norm_loops.h"

enum { POOL_SIDE = 2, POOL_TAPS = POOL_SIDE * POOL_SIDE };

/* Where the pixels of window (y, x) of an image begin, from top left to bottom right: a tap's number is its place. */
struct window {
    size_t taps[POOL_TAPS];
};

LOOP_BODY struct window window_at(const struct pool_shape *s, size_t image, size_t y, size_t x)
{
    size_t top = image + (y * s->width + x) * POOL_SIDE * s->channels, below = top + s->width * s->channels;
    return (struct window){{top, top + s->channels, below, below + s->channels}};
}

/* The largest value so far and its tap. */
struct largest {
    float value;
    uint32_t tap;
};

LOOP_BODY struct largest larger_of(struct largest best, float value, uint32_t tap)
{
    bool larger = value > best.value;
    /* Bits, not a choice: GCC 12 makes a branch of that. */
    uint32_t kept = (uint32_t)larger - 1;
    return (struct largest){larger ? value : best.value, (best.tap & kept) | (tap & ~kept)};
}

/* max((x - mean) * factor + shift, least), rounded as if it had been stored. */
LOOP_BODY float activation_of(struct tensors t, struct factors f, size_t i, size_t c, float least,
                              enum tensor_type type)
{
    float value = normalised(element_load(t.x, i + c, type) - f.mean[c], f, c);
    return element_rounded(value < least ? least : value, type);
}

/* Bytes in their own loops: beside them, a compiler takes vectors of as few values as there are bytes in short ones. */
LOOP_BODY void load_winners(uint32_t *restrict to, const uint8_t *restrict from, size_t channels)
{
#pragma omp simd
    for (size_t c = 0; c < channels; c++)
        to[c] = from[c];
}

LOOP_BODY void store_winners(uint8_t *restrict to, const uint32_t *restrict from, size_t channels)
{
#pragma omp simd
    for (size_t c = 0; c < channels; c++)
        to[c] = (uint8_t)from[c];
}

/* pooled = the largest activation of each window. */
LOOP_BODY void largest_of(struct tensors t, struct factors f, struct window w, size_t out, size_t channels,
                          float least, enum tensor_type type)
{
    uint32_t winners[BLOCK_CHANNELS];
#pragma omp simd
    for (size_t c = 0; c < channels; c++) {
        struct largest best = {-INFINITY, 0};
        best = larger_of(best, activation_of(t, f, w.taps[0], c, least, type), 0);
        best = larger_of(best, activation_of(t, f, w.taps[1], c, least, type), 1);
        best = larger_of(best, activation_of(t, f, w.taps[2], c, least, type), 2);
        best = larger_of(best, activation_of(t, f, w.taps[3], c, least, type), 3);
        element_store(t.pooled, out + c, best.value, type);
        uint32_t blocked = (uint32_t)(best.value > least) - 1; /* all bits, or none */
        winners[c] = best.tap | (blocked & BATCH_NORM_POOL_NONE);
    }
    store_winners(t.winner + out, winners, channels);
}

/* The value where `keep`, else 0. Bits, not a choice, as above. */
LOOP_BODY float value_where(bool keep, float value)
{
    uint32_t bits, lost = (uint32_t)keep - 1;
    memcpy(&bits, &value, sizeof bits);
    bits &= ~lost;
    memcpy(&value, &bits, sizeof bits);
    return value;
}

/* A tap's value where it has won, else 0. */
LOOP_BODY float won_by(struct tensors t, struct window w, size_t c, uint32_t winner, uint32_t tap,
                       enum tensor_type type)
{
    return value_where(winner == tap, element_load(t.x, w.taps[tap] + c, type));
}

/* first += sum of the gradients that reach a pixel, second += sum of their products with normalised x. */
LOOP_BODY void sum_winners_of(float *restrict first, float *restrict second, struct tensors t, struct factors f,
                              struct window w, size_t out, size_t channels, enum tensor_type type)
{
    uint32_t winners[BLOCK_CHANNELS];
    load_winners(winners, t.winner + out, channels);
#pragma omp simd
    for (size_t c = 0; c < channels; c++) {
        uint32_t winner = winners[c];
        float upper = won_by(t, w, c, winner, 0, type) + won_by(t, w, c, winner, 1, type);
        float lower = won_by(t, w, c, winner, 2, type) + won_by(t, w, c, winner, 3, type);
        float gradient = value_where(winner < POOL_TAPS, element_load(t.dy, out + c, type));
        first[c] += gradient;
        second[c] += gradient * ((upper + lower - f.mean[c]) * f.inverse_std[c]);
    }
}

/* One pixel of gradients_of, which `gradient` has reached. */
LOOP_BODY void spread_to(struct tensors t, struct factors f, size_t i, size_t c, float gradient,
                         enum tensor_type type)
{
    float deviation = element_load(t.x, i + c, type) - f.mean[c];
    float rest = gradient - f.gradient_mean[c] - deviation * f.gradient_slope[c];
    element_store(t.out, i + c, f.factor[c] * rest, type);
}

/* A window's pixels: the gradient has reached the winner alone. */
LOOP_BODY void spread_gradient_of(struct tensors t, struct factors f, struct window w, size_t out, size_t channels,
                                  enum tensor_type type)
{
    uint32_t winners[BLOCK_CHANNELS];
    load_winners(winners, t.winner + out, channels);
#pragma omp simd
    for (size_t c = 0; c < channels; c++) {
        uint32_t winner = winners[c];
        float gradient = element_load(t.dy, out + c, type);
        spread_to(t, f, w.taps[0], c, value_where(winner == 0, gradient), type);
        spread_to(t, f, w.taps[1], c, value_where(winner == 1, gradient), type);
        spread_to(t, f, w.taps[2], c, value_where(winner == 2, gradient), type);
        spread_to(t, f, w.taps[3], c, value_where(winner == 3, gradient), type);
    }
}

/* A pixel that no window sees. */
LOOP_BODY void spread_nothing_of(struct tensors t, struct factors f, size_t in, size_t channels,
                                 enum tensor_type type)
{
#pragma omp simd
    for (size_t c = 0; c < channels; c++)
        spread_to(t, f, in, c, 0, type);
}

/* ---- images ------------------------------------------------------------------------------------------- */

/* Runs `statement` for each window `w` of all images; `out` is where its result begins. */
#define FOR_ALL_WINDOWS(statement)                                                                                 \
    do {                                                                                                           \
        const struct pool_shape shape = *t.pool;                                                                   \
        for (size_t image = 0; image < images; image++)                                                            \
            for (size_t y = 0; y < shape.out_height; y++)                                                          \
                for (size_t x = 0; x < shape.out_width; x++) {                                                     \
                    struct window w = window_at(&shape, image * t.stride, y, x);                                   \
                    size_t out = image * t.pooled_stride + (y * shape.out_width + x) * shape.channels;             \
                    statement;                                                                                     \
                }                                                                                                  \
    } while (0)

LOOP_BODY void pool_images_of(struct tensors t, struct factors f, size_t images, size_t channels, bool relu,
                              enum tensor_type type)
{
    float least = relu ? 0 : -INFINITY;
    FOR_ALL_WINDOWS(largest_of(t, f, w, out, channels, least, type));
}

LOOP_BODY void sum_images_of(float *restrict first, float *restrict second, struct tensors t, struct factors f,
                             size_t images, size_t channels, enum tensor_type type)
{
    FOR_ALL_WINDOWS(sum_winners_of(first, second, t, f, w, out, channels, type));
}

LOOP_BODY void spread_images_of(struct tensors t, struct factors f, size_t images, size_t channels,
                                enum tensor_type type)
{
    FOR_ALL_WINDOWS(spread_gradient_of(t, f, w, out, channels, type));
    size_t seen_rows = (size_t)t.pool->out_height * POOL_SIDE, seen_columns = (size_t)t.pool->out_width * POOL_SIDE;
    for (size_t image = 0; image < images; image++)
        for (size_t row = 0; row < t.pool->height; row++)
            for (size_t column = row < seen_rows ? seen_columns : 0; column < t.pool->width; column++) {
                size_t pixel = row * t.pool->width + column;
                spread_nothing_of(t, f, image * t.stride + pixel * t.pool->channels, channels, type);
            }
}

/* ---- compiled ------------------------------------------------------------------------------------------ */

LOOP_BODY void sum_winners(struct channel_sums *sums, struct tensors t, const struct channel_values *values,
                           size_t images, size_t channels, enum tensor_type type)
{
    FOR_ALL_CHANNELS(SUMS_IN_STRIP(sum_images_of(strip.first, strip.second, at, f, images, width, type);),
                     sum_images_of(sums->first, sums->second, t, f, images, channels, type););
}

LOOP_BODY void normalise_and_pool(struct tensors t, const struct channel_values *values, size_t images,
                                  size_t channels, bool relu, enum tensor_type type)
{
    FOR_ALL_CHANNELS(pool_images_of(at, f, images, width, relu, type);
                     , pool_images_of(t, f, images, channels, relu, type););
}

LOOP_BODY void gradients_of_pool(struct tensors t, const struct channel_values *values, size_t images,
                                 size_t channels, enum tensor_type type)
{
    FOR_ALL_CHANNELS(spread_images_of(at, f, images, width, type);
                     , spread_images_of(t, f, images, channels, type););
}

#define POOL_LOOPS_OF_TYPE(type, name)                                                                             \
    SUM_LOOP(sum_winners_##name, sum_winners(sums, t, values, rows, channels, type))                               \
    VALUE_LOOP(normalise_and_pool_##name, normalise_and_pool(t, values, rows, channels, flag, type))               \
    VALUE_LOOP(gradients_of_pool_##name, (void)flag; gradients_of_pool(t, values, rows, channels, type))
POOL_LOOPS_OF_TYPE(TENSOR_F32, f32)
POOL_LOOPS_OF_TYPE(TENSOR_BF16, bf16)

static sum_loop *const winner_sum_loops[2] = {sum_winners_f32, sum_winners_bf16};
static value_loop *const pool_loops[2] = {normalise_and_pool_f32, normalise_and_pool_bf16};
static value_loop *const pool_gradient_loops[2] = {gradients_of_pool_f32, gradients_of_pool_bf16};

#endif
