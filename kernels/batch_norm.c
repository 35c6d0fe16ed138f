/* Batch norm + addition + ReLU, forward and backward, on NHWC tensors seen as [rows][channels].
 *
 * Both directions are two passes: sums over the rows, then a value for each element. A thread makes both over the same rows
 * and channels, one block of channels after the other, so that the second finds in the thread's cache what the first has
 * read. Sums are taken in float32 over a few rows and in double beyond, in an order that does not depend on the number
 * of threads. */
#include "kernels/batch_norm_loops.h"
#include "kernels/batch_norm_pool_loops.h"
#include "kernels/kernels.h"

#include <omp.h>
#include <string.h>

enum {
    BLOCK_ROWS = 128,     /* summed in float32 */
    ROW_PARTS = 64,       /* that the rows are cut into at most, for threads to share */
    SHARED_CHANNELS = 64, /* that a thread should have of each row at the least */
    SHIFT_ROWS = 16,      /* rows whose mean is taken off before squaring */
    SHIFT_DRIFT = 23,     /* a prime above SHIFT_ROWS: they drift through the image by parts of it */
    INFERENCE_ROWS = 512, /* for which the channels' factors are made once */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What one call works on: tensors at their beginning, and the loops of its two passes. Where a pool follows, a row of
 * the second pass, and of the sums of gradients, is an image. */
struct call {
    struct tensors tensors, pass_tensors;
    enum tensor_type type;
    size_t rows, pass_rows, channels;
    size_t block_rows; /* summed in float32 */
    sum_loop *sum;
    value_loop *pass;
    bool flag; /* the pass's: whether there is a ReLU, whether the shortcut's gradient is added to */
};

/* ---- threads ------------------------------------------------------------------------------------------- */

/* What one thread does of a call: a part of the rows of all channels, or all rows of some channels. */
struct share {
    size_t first_channel, end_channel, block_channels;
    size_t first_part, end_part; /* of the rows */
    size_t parts, part_rows;     /* of all threads */
    bool of_rows;
};

/* Threads share the channels where each gets whole cache lines of a row, or where there are too few rows to share. */
static struct share share_of_thread(const struct call *call)
{
    size_t thread = (size_t)omp_get_thread_num(), threads = (size_t)omp_get_num_threads();
    size_t rows = call->rows, channels = call->channels;
    struct share share = {.end_channel = channels, .block_channels = BLOCK_CHANNELS};
    /* Whole float32 blocks in every part, so that the order of additions is the same for any number of threads. */
    size_t row_blocks = (rows + call->block_rows - 1) / call->block_rows;
    share.part_rows = (row_blocks + ROW_PARTS - 1) / ROW_PARTS * call->block_rows;
    share.parts = share.end_part = (rows + share.part_rows - 1) / share.part_rows;
    share.of_rows = threads > 1 && channels < threads * SHARED_CHANNELS && share.parts >= threads;
    if (share.of_rows) {
        share.block_channels = SHARED_CHANNELS;
        share.first_part = share.parts * thread / threads;
        share.end_part = share.parts * (thread + 1) / threads;
    } else {
        size_t strips = (channels + LANES - 1) / LANES;
        share.first_channel = strips * thread / threads * LANES;
        share.end_channel = smaller(strips * (thread + 1) / threads * LANES, channels);
    }
    return share;
}

struct two_sums {
    double first, second;
};

/* A block of channels, for one of the threads that work on it. */
struct block {
    size_t channel, channels;
    struct channel_values values;
    struct two_sums sums[BLOCK_CHANNELS];
};

/* Sums of the parts that several threads make of one block: two, because a thread may be a block ahead of another. */
struct part_sums {
    struct two_sums of_part[2][ROW_PARTS][SHARED_CHANNELS];
};

static void add_sums(struct two_sums *total, const struct two_sums *added, size_t channels)
{
    for (size_t c = 0; c < channels; c++) {
        total[c].first += added[c].first;
        total[c].second += added[c].second;
    }
}

static void sum_part(struct two_sums *sums, const struct call *call, const struct share *share,
                     const struct block *block, size_t part)
{
    size_t row = part * share->part_rows, end = smaller(row + share->part_rows, call->rows);
    memset(sums, 0, block->channels * sizeof *sums);
    for (; row < end; row += call->block_rows) {
        struct channel_sums few;
        memset(few.first, 0, block->channels * sizeof *few.first);
        memset(few.second, 0, block->channels * sizeof *few.second);
        call->sum(&few, tensors_from(call->tensors, row, block->channel, call->type), &block->values,
                  smaller(call->block_rows, end - row), block->channels);
        for (size_t c = 0; c < block->channels; c++) {
            sums[c].first += (double)few.first[c];
            sums[c].second += (double)few.second[c];
        }
    }
}

/* The block's sums over all rows, for each thread that works on the block. */
static void sum_block(struct block *block, struct part_sums *parts, const struct call *call,
                      const struct share *share)
{
    memset(block->sums, 0, block->channels * sizeof *block->sums);
    if (!share->of_rows) {
        for (size_t part = 0; part < share->parts; part++) {
            struct two_sums sums[BLOCK_CHANNELS];
            sum_part(sums, call, share, block, part);
            add_sums(block->sums, sums, block->channels);
        }
        return;
    }
    struct two_sums(*sums)[SHARED_CHANNELS] = parts->of_part[block->channel / SHARED_CHANNELS % 2];
    for (size_t part = share->first_part; part < share->end_part; part++)
        sum_part(sums[part], call, share, block, part);
#pragma omp barrier
    for (size_t part = 0; part < share->parts; part++)
        add_sums(block->sums, sums[part], block->channels);
}

/* Is it for this thread to store what its sums say of the channels? */
static bool stores_channels(const struct share *share)
{
    return !share->of_rows || omp_get_thread_num() == 0;
}

/* The second pass over the thread's rows of one block. */
static void pass_values(const struct call *call, const struct share *share, const struct block *block)
{
    size_t row = call->pass_rows * share->first_part / share->parts;
    size_t end = call->pass_rows * share->end_part / share->parts;
    call->pass(tensors_from(call->pass_tensors, row, block->channel, call->type), &block->values, end - row,
               block->channels, call->flag);
}

/* ---- forward ------------------------------------------------------------------------------------------- */

/* Sums of squares lose digits where the mean is large beside the spread, so a rough mean goes off first. Its
 * rows drift: a step of whole images would take the same pixel of each. */
static void find_rough_means(struct block *block, const struct call *call)
{
    size_t count = smaller(call->rows, SHIFT_ROWS), step = call->rows / count;
    for (size_t c = 0; c < block->channels; c++) {
        float sum = 0;
        for (size_t i = 0; i < count; i++) {
            size_t row = i * step + (i + 1) * step / SHIFT_DRIFT;
            sum += element_load(call->tensors.x, row * call->channels + block->channel + c, call->type);
        }
        block->values.mean[c] = sum / (float)count;
    }
}

/* What the forward pass makes of each channel, [channels]. */
struct statistics {
    float *mean, *inverse_std, *running_mean, *running_variance;
};

static void forward(const struct call *call, struct statistics to, const float *scale, const float *shift)
{
    struct part_sums parts;
#pragma omp parallel
    {
        struct share share = share_of_thread(call);
        struct block block;
        struct channel_values *v = &block.values;
        for (size_t channel = share.first_channel; channel < share.end_channel; channel += share.block_channels) {
            block.channel = channel;
            block.channels = smaller(share.block_channels, share.end_channel - channel);
            find_rough_means(&block, call);
            sum_block(&block, &parts, call, &share);
            for (size_t c = 0; c < block.channels; c++) {
                double deviation = block.sums[c].first / (double)call->rows;
                double variance = block.sums[c].second / (double)call->rows - deviation * deviation;
                float batch_variance = variance > 0 ? (float)variance : 0;
                size_t i = channel + c;
                v->mean[c] = (float)((double)v->mean[c] + deviation);
                v->inverse_std[c] = 1.0f / sqrtf(batch_variance + BATCH_NORM_EPSILON);
                v->factor[c] = v->inverse_std[c] * scale[i];
                v->shift[c] = shift[i];
                if (!stores_channels(&share))
                    continue;
                to.mean[i] = v->mean[c];
                to.inverse_std[i] = v->inverse_std[c];
                to.running_mean[i] = BATCH_NORM_KEEP * to.running_mean[i] + (1 - BATCH_NORM_KEEP) * v->mean[c];
                to.running_variance[i] =
                    BATCH_NORM_KEEP * to.running_variance[i] + (1 - BATCH_NORM_KEEP) * batch_variance;
            }
            pass_values(call, &share, &block);
        }
    }
}

void batch_norm_forward(enum tensor_type type, void *y, float *mean, float *inverse_std, float *running_mean,
                        float *running_variance, const void *x, const void *shortcut, const float *scale,
                        const float *shift, size_t rows, size_t channels, bool relu)
{
    const struct tensors tensors = {.x = x, .shortcut = shortcut, .out = y, .stride = channels};
    const struct call call = {.tensors = tensors,
                              .pass_tensors = tensors,
                              .type = type,
                              .rows = rows,
                              .pass_rows = rows,
                              .channels = channels,
                              .block_rows = BLOCK_ROWS,
                              .sum = moment_loops[type],
                              .pass = normalise_loops[type][shortcut != NULL],
                              .flag = relu};
    forward(&call, (struct statistics){mean, inverse_std, running_mean, running_variance}, scale, shift);
}

bool batch_norm_pools(const struct pool_shape *s)
{
    return s->kernel == POOL_SIDE && s->stride == POOL_SIDE && s->padding == 0;
}

/* Tensors of which a row is an image. */
static struct tensors images_of(const struct pool_shape *s)
{
    return (struct tensors){.stride = (size_t)s->height * s->width * s->channels,
                            .pool = s,
                            .pooled_stride = (size_t)s->out_height * s->out_width * s->channels};
}

void batch_norm_pool_forward(enum tensor_type type, void *y, uint8_t *winner, float *mean, float *inverse_std,
                             float *running_mean, float *running_variance, const void *x, const float *scale,
                             const float *shift, uint32_t count, const struct pool_shape *shape)
{
    struct tensors images = images_of(shape);
    images.x = x;
    images.pooled = y;
    images.winner = winner;
    const struct call call = {.tensors = {.x = x, .stride = shape->channels},
                              .pass_tensors = images,
                              .type = type,
                              .rows = (size_t)count * shape->height * shape->width,
                              .pass_rows = count,
                              .channels = shape->channels,
                              .block_rows = BLOCK_ROWS,
                              .sum = moment_loops[type],
                              .pass = pool_loops[type],
                              .flag = true};
    forward(&call, (struct statistics){mean, inverse_std, running_mean, running_variance}, scale, shift);
}

void batch_norm_inference(enum tensor_type type, void *y, const float *running_mean, const float *running_variance,
                          const void *x, const void *shortcut, const float *scale, const float *shift, size_t rows,
                          size_t channels, bool relu)
{
    const struct tensors tensors = {.x = x, .shortcut = shortcut, .out = y, .stride = channels};
#pragma omp parallel for collapse(2) schedule(static)
    for (size_t row = 0; row < rows; row += INFERENCE_ROWS)
        for (size_t channel = 0; channel < channels; channel += BLOCK_CHANNELS) {
            size_t width = smaller(BLOCK_CHANNELS, channels - channel);
            struct channel_values v;
            for (size_t c = 0; c < width; c++) {
                size_t i = channel + c;
                v.mean[c] = running_mean[i];
                v.factor[c] = 1.0f / sqrtf(running_variance[i] + BATCH_NORM_EPSILON) * scale[i];
                v.shift[c] = shift[i];
            }
            normalise_loops[type][shortcut != NULL](tensors_from(tensors, row, channel, type), &v,
                                                    smaller(INFERENCE_ROWS, rows - row), width, relu);
        }
}

/* ---- backward ------------------------------------------------------------------------------------------ */

/* What the backward pass reads and makes of each channel, [channels]; elements: of dx, a channel's. */
struct gradients {
    const float *scale, *shift, *mean, *inverse_std;
    float *d_scale, *d_shift;
    size_t elements;
};

static void backward(const struct call *call, struct gradients of)
{
    float inverse_rows = 1.0f / (float)of.elements;
    struct part_sums parts;
#pragma omp parallel
    {
        struct share share = share_of_thread(call);
        struct block block;
        struct channel_values *v = &block.values;
        for (size_t channel = share.first_channel; channel < share.end_channel; channel += share.block_channels) {
            block.channel = channel;
            block.channels = smaller(share.block_channels, share.end_channel - channel);
            for (size_t c = 0; c < block.channels; c++) {
                size_t i = channel + c;
                v->mean[c] = of.mean[i];
                v->inverse_std[c] = of.inverse_std[i];
                v->factor[c] = of.inverse_std[i] * of.scale[i];
                v->shift[c] = of.shift != NULL ? of.shift[i] : 0;
            }
            sum_block(&block, &parts, call, &share);
            for (size_t c = 0; c < block.channels; c++) {
                float shift_gradient = (float)block.sums[c].first, scale_gradient = (float)block.sums[c].second;
                v->gradient_mean[c] = shift_gradient * inverse_rows;
                v->gradient_slope[c] = v->inverse_std[c] * (scale_gradient * inverse_rows);
                if (!stores_channels(&share))
                    continue;
                of.d_shift[channel + c] = shift_gradient;
                of.d_scale[channel + c] = scale_gradient;
            }
            pass_values(call, &share, &block);
        }
    }
}

void batch_norm_backward(enum tensor_type type, void *dx, void *d_shortcut, bool accumulate_shortcut,
                         float *d_scale, float *d_shift, const void *dy, const void *x, const void *y,
                         const float *scale, const float *shift, const float *mean, const float *inverse_std,
                         size_t rows, size_t channels, bool relu)
{
    enum mask mask = !relu ? MASK_NONE : y != NULL ? MASK_OF_Y : MASK_OF_X;
    const struct tensors tensors = {
        .x = x, .dy = dy, .y = y, .out = dx, .d_shortcut = d_shortcut, .stride = channels};
    const struct call call = {.tensors = tensors,
                              .pass_tensors = tensors,
                              .type = type,
                              .rows = rows,
                              .pass_rows = rows,
                              .channels = channels,
                              .block_rows = BLOCK_ROWS,
                              .sum = gradient_sum_loops[type][mask],
                              .pass = gradient_loops[type][d_shortcut != NULL][mask],
                              .flag = accumulate_shortcut};
    backward(&call, (struct gradients){scale, shift, mean, inverse_std, d_scale, d_shift, rows});
}

void batch_norm_pool_backward(enum tensor_type type, void *dx, float *d_scale, float *d_shift, const void *dy,
                              const uint8_t *winner, const void *x, const float *scale, const float *mean,
                              const float *inverse_std, uint32_t count, const struct pool_shape *shape)
{
    struct tensors images = images_of(shape);
    images.x = x;
    images.dy = dy;
    images.winner = (uint8_t *)winner; /* not written in this direction */
    images.out = dx;
    const struct call call = {.tensors = images,
                              .pass_tensors = images,
                              .type = type,
                              .rows = count,
                              .pass_rows = count,
                              .channels = shape->channels,
                              .block_rows = 1,
                              .sum = winner_sum_loops[type],
                              .pass = pool_gradient_loops[type]};
    size_t elements = (size_t)count * shape->height * shape->width;
    backward(&call, (struct gradients){scale, NULL, mean, inverse_std, d_scale, d_shift, elements});
}
