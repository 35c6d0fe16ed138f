/* Batch norm's inner loops: some rows of one block of channels, for each type of tensor. Included by batch_norm.c.
 *
 * Short rows are worked on a strip of LANES channels after the other: what belongs to a channel stays in registers. Long rows
 * are worked on one after the other: the rows of a strip would lie so far apart that caches and prefetching suffer. */
#ifndef TIDY_KERNELS_BATCH_NORM_LOOPS_H
#define TIDY_KERNELS_BATCH_NORM_LOOPS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "kernels/element.h"
#include "kernels/kernels.h"

enum {
    BLOCK_CHANNELS = 512,
    SHORT_ROW = 512, /* bytes up to which a row is short */
    LANES = 32,      /* channels of a strip: their sums and factors fit the registers */
};

/* What the loops read and write: all start at the same row and channel, what a loop does not use is NULL. */
struct tensors {
    const void *x, *shortcut, *dy, *y;
    void *out, *d_shortcut; /* forward: y; backward: dx, which may be dy */
    size_t stride;          /* elements from one row to the next: all channels */
    /* Where a pool follows, a row is an image, and these and dy have rows of its output. */
    const struct pool_shape *pool;
    void *pooled;
    uint8_t *winner;
    size_t pooled_stride;
};

/* Values of each channel of a block. */
struct channel_values {
    float mean[BLOCK_CHANNELS];        /* while moments are summed: what is taken off x */
    float inverse_std[BLOCK_CHANNELS]; /* 1 / sqrt(variance + epsilon) */
    float factor[BLOCK_CHANNELS];      /* inverse_std * scale */
    float shift[BLOCK_CHANNELS];
    float gradient_mean[BLOCK_CHANNELS];  /* of the masked dy */
    float gradient_slope[BLOCK_CHANNELS]; /* inverse_std * mean of masked dy * normalised x */
};

/* Two sums of each channel of a block. */
struct channel_sums {
    float first[BLOCK_CHANNELS], second[BLOCK_CHANNELS];
};

/* Where a gradient passes the ReLU: everywhere; where y > 0; where the y that x makes, without a shortcut, is. */
enum mask { MASK_NONE, MASK_OF_Y, MASK_OF_X };

/* Pointers into channel_values, or to copies of some channels. */
struct factors {
    const float *mean, *inverse_std, *factor, *shift, *gradient_mean, *gradient_slope;
};

LOOP_BODY struct factors factors_of(const struct channel_values *v)
{
    return (struct factors){v->mean, v->inverse_std, v->factor, v->shift, v->gradient_mean, v->gradient_slope};
}

LOOP_BODY struct tensors tensors_from(struct tensors t, size_t row, size_t channel, enum tensor_type type)
{
    size_t index = row * t.stride + channel;
    size_t pooled = t.pool != NULL ? row * t.pooled_stride + channel : index;
    return (struct tensors){.x = tensor_at(t.x, type, index),
                            .shortcut = tensor_at(t.shortcut, type, index),
                            .dy = tensor_at(t.dy, type, pooled),
                            .y = tensor_at(t.y, type, index),
                            .out = tensor_at_to_write(t.out, type, index),
                            .d_shortcut = tensor_at_to_write(t.d_shortcut, type, index),
                            .stride = t.stride,
                            .pool = t.pool,
                            .pooled = tensor_at_to_write(t.pooled, type, pooled),
                            .winner = t.winner != NULL ? t.winner + pooled : NULL,
                            .pooled_stride = t.pooled_stride};
}

/* ---- rows of a number of channels ---------------------------------------------------------------------- */

/* What the forward pass makes of x before shortcut and ReLU; deviation = x - mean. Its bits decide the mask. */
LOOP_BODY float normalised(float deviation, struct factors f, size_t c)
{
    return deviation * f.factor[c] + f.shift[c];
}

LOOP_BODY float masked_gradient(struct tensors t, struct factors f, size_t i, size_t c, float deviation,
                                enum mask mask, enum tensor_type type)
{
    float gradient = element_load(t.dy, i, type);
    if (mask == MASK_OF_Y)
        return element_load(t.y, i, type) > 0 ? gradient : 0;
    if (mask == MASK_OF_X)
        return normalised(deviation, f, c) > 0 ? gradient : 0;
    return gradient;
}

/* first += sum of x - mean, second += sum of its square. */
LOOP_BODY void sum_moments_of(float *restrict first, float *restrict second, struct tensors t, struct factors f,
                              size_t rows, size_t channels, enum tensor_type type)
{
    for (size_t row = 0; row < rows; row++)
#pragma omp simd
        for (size_t c = 0; c < channels; c++) {
            float deviation = element_load(t.x, row * t.stride + c, type) - f.mean[c];
            first[c] += deviation;
            second[c] += deviation * deviation;
        }
}

/* first += sum of masked dy, second += sum of masked dy * normalised x. */
LOOP_BODY void sum_gradients_of(float *restrict first, float *restrict second, struct tensors t, struct factors f,
                                size_t rows, size_t channels, enum mask mask, enum tensor_type type)
{
    for (size_t row = 0; row < rows; row++)
#pragma omp simd
        for (size_t c = 0; c < channels; c++) {
            size_t i = row * t.stride + c;
            float deviation = element_load(t.x, i, type) - f.mean[c];
            float gradient = masked_gradient(t, f, i, c, deviation, mask, type);
            first[c] += gradient;
            second[c] += gradient * (deviation * f.inverse_std[c]);
        }
}

/* out = relu((x - mean) * factor + shift + shortcut). */
LOOP_BODY void normalise_of(struct tensors t, struct factors f, size_t rows, size_t channels, bool relu,
                            bool has_shortcut, enum tensor_type type)
{
    float least = relu ? 0 : -INFINITY;
    for (size_t row = 0; row < rows; row++)
#pragma omp simd
        for (size_t c = 0; c < channels; c++) {
            size_t i = row * t.stride + c;
            float value = normalised(element_load(t.x, i, type) - f.mean[c], f, c);
            if (has_shortcut)
                value += element_load(t.shortcut, i, type);
            element_store(t.out, i, value < least ? least : value, type);
        }
}

/* out = scale * inverse_std * (g - mean of g - normalised x * mean of (g * normalised x)), g = masked dy, which is
 * also the shortcut's gradient. Each element is read before it is written, as out may be dy. */
LOOP_BODY void gradients_of(struct tensors t, struct factors f, size_t rows, size_t channels, enum mask mask,
                            bool accumulate, bool has_shortcut, enum tensor_type type)
{
    for (size_t row = 0; row < rows; row++)
#pragma omp simd
        for (size_t c = 0; c < channels; c++) {
            size_t i = row * t.stride + c;
            float deviation = element_load(t.x, i, type) - f.mean[c];
            float gradient = masked_gradient(t, f, i, c, deviation, mask, type);
            if (has_shortcut) {
                float begun =
                    element_load(t.d_shortcut, i, type); /* in either case: a condition would not be vectorised */
                element_store(t.d_shortcut, i, accumulate ? begun + gradient : gradient, type);
            }
            float rest = gradient - f.gradient_mean[c] - deviation * f.gradient_slope[c];
            element_store(t.out, i, f.factor[c] * rest, type);
        }
}

/* ---- strips of short rows, whole long ones ------------------------------------------------------------- */

/* A loop's own copies of a strip's values and sums, which no store to a tensor can change: so they stay in registers. */
struct strip {
    float mean[LANES], inverse_std[LANES], factor[LANES], shift[LANES], gradient_mean[LANES], gradient_slope[LANES];
    float first[LANES], second[LANES];
};

LOOP_BODY void copy_lanes(float *restrict to, const float *restrict from, size_t lanes)
{
    for (size_t c = 0; c < lanes; c++)
        to[c] = from[c];
}

LOOP_BODY struct factors copy_factors(struct strip *s, const struct channel_values *v, size_t channel, size_t lanes)
{
    copy_lanes(s->mean, v->mean + channel, lanes);
    copy_lanes(s->inverse_std, v->inverse_std + channel, lanes);
    copy_lanes(s->factor, v->factor + channel, lanes);
    copy_lanes(s->shift, v->shift + channel, lanes);
    copy_lanes(s->gradient_mean, v->gradient_mean + channel, lanes);
    copy_lanes(s->gradient_slope, v->gradient_slope + channel, lanes);
    return (struct factors){s->mean, s->inverse_std, s->factor, s->shift, s->gradient_mean, s->gradient_slope};
}

LOOP_BODY bool in_strips(struct tensors t, size_t channels, size_t lanes, enum tensor_type type)
{
    size_t row = t.pool != NULL ? t.pool->channels : t.stride;
    return row * tensor_type_bytes(type) <= SHORT_ROW && channels % lanes == 0;
}

/* Runs `statement` of the tensors `at` and the factors `f` of `width` channels, the first of which is `channel`, for all
 * channels: in strips, of which `width` is a constant, or at once. */
#define IN_STRIPS(lanes, statement)                                                                                \
    for (size_t channel = 0; channel < channels; channel += (lanes)) {                                             \
        enum { width = (lanes) };                                                                                  \
        struct strip strip;                                                                                        \
        struct tensors at = tensors_from(t, 0, channel, type);                                                     \
        struct factors f = copy_factors(&strip, values, channel, width);                                           \
        statement                                                                                                  \
    }
#define FOR_ALL_CHANNELS(in_strip, at_once)                                                                        \
    do {                                                                                                           \
        if (in_strips(t, channels, LANES, type)) {                                                                 \
            IN_STRIPS(LANES, in_strip)                                                                             \
        } else if (in_strips(t, channels, LANES / 2, type)) {                                                      \
            IN_STRIPS(LANES / 2, in_strip)                                                                         \
        } else {                                                                                                   \
            struct factors f = factors_of(values);                                                                 \
            at_once                                                                                                \
        }                                                                                                          \
    } while (0)

#define SUMS_IN_STRIP(statement)                                                                                   \
    copy_lanes(strip.first, sums->first + channel, width);                                                         \
    copy_lanes(strip.second, sums->second + channel, width);                                                       \
    statement copy_lanes(sums->first + channel, strip.first, width);                                               \
    copy_lanes(sums->second + channel, strip.second, width);

LOOP_BODY void sum_moments(struct channel_sums *sums, struct tensors t, const struct channel_values *values,
                           size_t rows, size_t channels, enum tensor_type type)
{
    FOR_ALL_CHANNELS(SUMS_IN_STRIP(sum_moments_of(strip.first, strip.second, at, f, rows, width, type);),
                     sum_moments_of(sums->first, sums->second, t, f, rows, channels, type););
}

LOOP_BODY void sum_gradients(struct channel_sums *sums, struct tensors t, const struct channel_values *values,
                             size_t rows, size_t channels, enum mask mask, enum tensor_type type)
{
    FOR_ALL_CHANNELS(SUMS_IN_STRIP(sum_gradients_of(strip.first, strip.second, at, f, rows, width, mask, type);),
                     sum_gradients_of(sums->first, sums->second, t, f, rows, channels, mask, type););
}

LOOP_BODY void normalise(struct tensors t, const struct channel_values *values, size_t rows, size_t channels,
                         bool relu, bool has_shortcut, enum tensor_type type)
{
    FOR_ALL_CHANNELS(normalise_of(at, f, rows, width, relu, has_shortcut, type);
                     , normalise_of(t, f, rows, channels, relu, has_shortcut, type););
}

LOOP_BODY void gradients(struct tensors t, const struct channel_values *values, size_t rows, size_t channels,
                         enum mask mask, bool accumulate, bool has_shortcut, enum tensor_type type)
{
    FOR_ALL_CHANNELS(gradients_of(at, f, rows, width, mask, accumulate, has_shortcut, type);
                     , gradients_of(t, f, rows, channels, mask, accumulate, has_shortcut, type););
}

/* ---- compiled ------------------------------------------------------------------------------------------ */

typedef void sum_loop(struct channel_sums *sums, struct tensors t, const struct channel_values *values, size_t rows,
                      size_t channels);
typedef void value_loop(struct tensors t, const struct channel_values *values, size_t rows, size_t channels,
                        bool flag);

#define SUM_LOOP(name, call)                                                                                       \
    VECTOR_CLONES static void name(struct channel_sums *sums, struct tensors t,                                    \
                                   const struct channel_values *values, size_t rows, size_t channels)              \
    {                                                                                                              \
        call;                                                                                                      \
    }
#define VALUE_LOOP(name, call)                                                                                     \
    VECTOR_CLONES static void name(struct tensors t, const struct channel_values *values, size_t rows,             \
                                   size_t channels, bool flag)                                                     \
    {                                                                                                              \
        call;                                                                                                      \
    }
#define LOOPS_OF_TYPE(type, name)                                                                                  \
    SUM_LOOP(sum_moments_##name, sum_moments(sums, t, values, rows, channels, type))                               \
    SUM_LOOP(sum_gradients_##name, sum_gradients(sums, t, values, rows, channels, MASK_NONE, type))                \
    SUM_LOOP(sum_gradients_of_y_##name, sum_gradients(sums, t, values, rows, channels, MASK_OF_Y, type))           \
    SUM_LOOP(sum_gradients_of_x_##name, sum_gradients(sums, t, values, rows, channels, MASK_OF_X, type))           \
    VALUE_LOOP(normalise_##name, normalise(t, values, rows, channels, flag, false, type))                          \
    VALUE_LOOP(normalise_and_add_##name, normalise(t, values, rows, channels, flag, true, type))                   \
    VALUE_LOOP(gradients_##name, gradients(t, values, rows, channels, MASK_NONE, flag, false, type))               \
    VALUE_LOOP(gradients_of_y_##name, gradients(t, values, rows, channels, MASK_OF_Y, flag, false, type))          \
    VALUE_LOOP(gradients_of_x_##name, gradients(t, values, rows, channels, MASK_OF_X, flag, false, type))          \
    VALUE_LOOP(both_gradients_##name, gradients(t, values, rows, channels, MASK_NONE, flag, true, type))           \
    VALUE_LOOP(both_gradients_of_y_##name, gradients(t, values, rows, channels, MASK_OF_Y, flag, true, type))      \
    VALUE_LOOP(both_gradients_of_x_##name, gradients(t, values, rows, channels, MASK_OF_X, flag, true, type))
LOOPS_OF_TYPE(TENSOR_F32, f32)
LOOPS_OF_TYPE(TENSOR_BF16, bf16)

/* By type, and what else decides. */
static sum_loop *const moment_loops[2] = {sum_moments_f32, sum_moments_bf16};
static sum_loop *const gradient_sum_loops[2][3] = {
    {sum_gradients_f32, sum_gradients_of_y_f32, sum_gradients_of_x_f32},
    {sum_gradients_bf16, sum_gradients_of_y_bf16, sum_gradients_of_x_bf16}};
static value_loop *const normalise_loops[2][2] = {{normalise_f32, normalise_and_add_f32},
                                                  {normalise_bf16, normalise_and_add_bf16}};
static value_loop *const gradient_loops[2][2][3] = {
    {{gradients_f32, gradients_of_y_f32, gradients_of_x_f32},
     {both_gradients_f32, both_gradients_of_y_f32, both_gradients_of_x_f32}},
    {{gradients_bf16, gradients_of_y_bf16, gradients_of_x_bf16},
     {both_gradients_bf16, both_gradients_of_y_bf16, both_gradients_of_x_bf16}}};

#endif
