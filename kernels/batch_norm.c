/* Batch norm + addition + ReLU, forward and backward, on NHWC tensors seen as [rows][channels].
 *
 * Both directions are two passes: sums over the rows, then a value for each element. Sums are taken in float32
 * over a few rows and in double beyond, in an order that does not depend on the number of threads. */
#include "kernels/kernels.h"
#include "kernels/vector_clones.h"

#include <math.h>
#include <omp.h>

enum {
    BLOCK_ROWS = 128,     /* summed in float32 */
    BLOCK_CHANNELS = 64,  /* 256 bytes of each row: whole cache lines, and accumulators that stay in registers */
    ROW_TASKS = 64,       /* parts that the rows are cut into, for threads to share */
    SHIFT_ROWS = 16,      /* rows whose mean is taken off before squaring */
    SHIFT_DRIFT = 23,     /* a prime above SHIFT_ROWS: they drift through the image by parts of it */
};

/* What a sum reads; the unused are NULL. All start at the same row and channel. */
struct tensors {
    const float *x, *dy, *y;
    size_t stride; /* floats from one row to the next: all channels */
};

/* Per-channel values of the block, [BLOCK_CHANNELS] each. */
struct channel_values {
    float shift[BLOCK_CHANNELS];  /* forward sums: taken off x; backward sums: the mean */
    float factor[BLOCK_CHANNELS]; /* backward sums: inverse_std */
};

struct two_sums {
    double first[BLOCK_CHANNELS], second[BLOCK_CHANNELS];
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static struct tensors tensors_at(struct tensors t, size_t row, size_t channel)
{
    size_t offset = row * t.stride + channel;
    return (struct tensors){.x = t.x + offset,
                            .dy = t.dy ? t.dy + offset : NULL,
                            .y = t.y ? t.y + offset : NULL,
                            .stride = t.stride};
}

/* ---- sums over the rows -------------------------------------------------------------------------------- */

/* first = sum of x - shift, second = sum of its square. */
VECTOR_CLONES static void sum_moments(float *restrict first, float *restrict second, struct tensors t,
                                      const struct channel_values *values, size_t rows, size_t channels)
{
    for (size_t row = 0; row < rows; row++) {
        const float *x = t.x + row * t.stride;
        for (size_t c = 0; c < channels; c++) {
            float deviation = x[c] - values->shift[c];
            first[c] += deviation;
            second[c] += deviation * deviation;
        }
    }
}

/* first = sum of dy, second = sum of dy * normalised x. */
VECTOR_CLONES static void sum_gradients(float *restrict first, float *restrict second, struct tensors t,
                                        const struct channel_values *values, size_t rows, size_t channels)
{
    for (size_t row = 0; row < rows; row++) {
        const float *x = t.x + row * t.stride, *dy = t.dy + row * t.stride;
        for (size_t c = 0; c < channels; c++) {
            first[c] += dy[c];
            second[c] += dy[c] * ((x[c] - values->shift[c]) * values->factor[c]);
        }
    }
}

/* The same where dy counts only where y > 0. */
VECTOR_CLONES static void sum_masked_gradients(float *restrict first, float *restrict second, struct tensors t,
                                               const struct channel_values *values, size_t rows, size_t channels)
{
    for (size_t row = 0; row < rows; row++) {
        const float *x = t.x + row * t.stride, *dy = t.dy + row * t.stride, *y = t.y + row * t.stride;
        for (size_t c = 0; c < channels; c++) {
            float gradient = y[c] > 0 ? dy[c] : 0;
            first[c] += gradient;
            second[c] += gradient * ((x[c] - values->shift[c]) * values->factor[c]);
        }
    }
}

typedef void sum_block(float *restrict first, float *restrict second, struct tensors t,
                       const struct channel_values *values, size_t rows, size_t channels);

static void sum_task(struct two_sums *sums, sum_block *sum, struct tensors t, const struct channel_values *values,
                     size_t rows, size_t channels)
{
    *sums = (struct two_sums){0};
    for (size_t row = 0; row < rows; row += BLOCK_ROWS) {
        float first[BLOCK_CHANNELS] = {0}, second[BLOCK_CHANNELS] = {0};
        sum(first, second, tensors_at(t, row, 0), values, smaller(BLOCK_ROWS, rows - row), channels);
        for (size_t c = 0; c < channels; c++) {
            sums->first[c] += (double)first[c];
            sums->second[c] += (double)second[c];
        }
    }
}

/* Sums one block of channels over all rows. Threads share the rows only where `parallel`. */
static void sum_rows(struct two_sums *total, sum_block *sum, struct tensors t, const struct channel_values *values,
                     size_t rows, size_t channels, bool parallel)
{
    struct two_sums parts[ROW_TASKS];
    /* Whole float32 blocks in every part, so that the order of additions is the same for any thread count. */
    size_t blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    size_t part_rows = (blocks + ROW_TASKS - 1) / ROW_TASKS * BLOCK_ROWS;
    size_t count = (rows + part_rows - 1) / part_rows;
#pragma omp parallel for schedule(static) if (parallel)
    for (size_t i = 0; i < count; i++) {
        size_t row = i * part_rows;
        sum_task(&parts[i], sum, tensors_at(t, row, 0), values, smaller(part_rows, rows - row), channels);
    }
    *total = parts[0];
    for (size_t i = 1; i < count; i++)
        for (size_t c = 0; c < channels; c++) {
            total->first[c] += parts[i].first[c];
            total->second[c] += parts[i].second[c];
        }
}

/* Many channels: threads share the blocks of channels. Few: each block's rows. */
static bool enough_blocks(size_t channels)
{
    return (channels + BLOCK_CHANNELS - 1) / BLOCK_CHANNELS >= (size_t)omp_get_max_threads();
}

/* ---- a value for each element -------------------------------------------------------------------------- */

VECTOR_CLONES static void normalise_row(float *restrict y, const float *restrict x, const float *restrict shortcut,
                                        const float *restrict mean, const float *restrict inverse_std,
                                        const float *restrict scale, const float *restrict shift, size_t channels,
                                        bool relu)
{
    float least = relu ? 0 : -INFINITY;
    if (shortcut == NULL) {
        for (size_t c = 0; c < channels; c++) {
            float value = (x[c] - mean[c]) * (inverse_std[c] * scale[c]) + shift[c];
            y[c] = value < least ? least : value;
        }
    } else {
        for (size_t c = 0; c < channels; c++) {
            float value = (x[c] - mean[c]) * (inverse_std[c] * scale[c]) + shift[c] + shortcut[c];
            y[c] = value < least ? least : value;
        }
    }
}

static void normalise(float *y, const float *x, const float *shortcut, const float *mean, const float *inverse_std,
                      const float *scale, const float *shift, size_t rows, size_t channels, bool relu)
{
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++) {
        size_t offset = row * channels;
        normalise_row(y + offset, x + offset, shortcut ? shortcut + offset : NULL, mean, inverse_std, scale, shift,
                      channels, relu);
    }
}

void batch_norm_forward(float *y, float *mean, float *inverse_std, float *running_mean, float *running_variance,
                        const float *x, const float *shortcut, const float *scale, const float *shift, size_t rows,
                        size_t channels, bool relu)
{
    bool by_channels = enough_blocks(channels);
#pragma omp parallel for schedule(static) if (by_channels)
    for (size_t channel = 0; channel < channels; channel += BLOCK_CHANNELS) {
        size_t width = smaller(BLOCK_CHANNELS, channels - channel);
        struct tensors t = tensors_at((struct tensors){.x = x, .stride = channels}, 0, channel);

        /* Sums of squares lose digits where the mean is large beside the spread, so a rough mean goes off first. Its
         * rows drift: a step of whole images would take the same pixel of each. */
        struct channel_values values;
        size_t count = smaller(rows, SHIFT_ROWS), step = rows / count;
        for (size_t c = 0; c < width; c++) {
            float sum = 0;
            for (size_t i = 0; i < count; i++)
                sum += t.x[(i * step + (i + 1) * step / SHIFT_DRIFT) * channels + c];
            values.shift[c] = sum / (float)count;
        }

        struct two_sums sums;
        sum_rows(&sums, sum_moments, t, &values, rows, width, !by_channels);
        for (size_t c = 0; c < width; c++) {
            double deviation = sums.first[c] / (double)rows;
            double variance = sums.second[c] / (double)rows - deviation * deviation;
            float batch_mean = (float)((double)values.shift[c] + deviation);
            float batch_variance = variance > 0 ? (float)variance : 0;
            size_t i = channel + c;
            mean[i] = batch_mean;
            inverse_std[i] = 1.0f / sqrtf(batch_variance + BATCH_NORM_EPSILON);
            running_mean[i] = BATCH_NORM_KEEP * running_mean[i] + (1 - BATCH_NORM_KEEP) * batch_mean;
            running_variance[i] = BATCH_NORM_KEEP * running_variance[i] + (1 - BATCH_NORM_KEEP) * batch_variance;
        }
    }
    normalise(y, x, shortcut, mean, inverse_std, scale, shift, rows, channels, relu);
}

void batch_norm_inference(float *y, const float *running_mean, const float *running_variance, const float *x,
                          const float *shortcut, const float *scale, const float *shift, size_t rows,
                          size_t channels, bool relu)
{
    for (size_t channel = 0; channel < channels; channel += BLOCK_CHANNELS) {
        size_t width = smaller(BLOCK_CHANNELS, channels - channel);
        float inverse_std[BLOCK_CHANNELS];
        for (size_t c = 0; c < width; c++)
            inverse_std[c] = 1.0f / sqrtf(running_variance[channel + c] + BATCH_NORM_EPSILON);
#pragma omp parallel for schedule(static)
        for (size_t row = 0; row < rows; row++) {
            size_t offset = row * channels + channel;
            normalise_row(y + offset, x + offset, shortcut ? shortcut + offset : NULL, running_mean + channel,
                          inverse_std, scale + channel, shift + channel, width, relu);
        }
    }
}

/* dx = scale * inverse_std * (g - mean of g - normalised x * mean of (g * normalised x)), g = masked dy.
 * dx and dy may be the same array, so neither is restrict; each element is read before it is written. */
VECTOR_CLONES static void gradient_row(float *dx, float *restrict d_shortcut, bool accumulate, const float *dy,
                                       const float *restrict x, const float *restrict y,
                                       const float *restrict scale, const float *restrict mean,
                                       const float *restrict inverse_std, const float *restrict d_scale,
                                       const float *restrict d_shift, float inverse_rows, size_t channels)
{
    if (d_shortcut != NULL) {
#pragma omp simd
        for (size_t c = 0; c < channels; c++) {
            float gradient = y == NULL || y[c] > 0 ? dy[c] : 0;
            d_shortcut[c] = accumulate ? d_shortcut[c] + gradient : gradient;
        }
    }
#pragma omp simd
    for (size_t c = 0; c < channels; c++) {
        float gradient = y == NULL || y[c] > 0 ? dy[c] : 0;
        float normalised = (x[c] - mean[c]) * inverse_std[c];
        float means = (d_shift[c] + normalised * d_scale[c]) * inverse_rows;
        dx[c] = scale[c] * inverse_std[c] * (gradient - means);
    }
}

void batch_norm_backward(float *dx, float *d_shortcut, bool accumulate_shortcut, float *d_scale, float *d_shift,
                         const float *dy, const float *x, const float *y, const float *scale, const float *mean,
                         const float *inverse_std, size_t rows, size_t channels, bool relu)
{
    const float *mask = relu ? y : NULL;
    bool by_channels = enough_blocks(channels);
#pragma omp parallel for schedule(static) if (by_channels)
    for (size_t channel = 0; channel < channels; channel += BLOCK_CHANNELS) {
        size_t width = smaller(BLOCK_CHANNELS, channels - channel);
        struct tensors t = tensors_at((struct tensors){.x = x, .dy = dy, .y = mask, .stride = channels}, 0, channel);
        struct channel_values values;
        for (size_t c = 0; c < width; c++) {
            values.shift[c] = mean[channel + c];
            values.factor[c] = inverse_std[channel + c];
        }
        struct two_sums sums;
        sum_rows(&sums, relu ? sum_masked_gradients : sum_gradients, t, &values, rows, width, !by_channels);
        for (size_t c = 0; c < width; c++) {
            d_shift[channel + c] = (float)sums.first[c];
            d_scale[channel + c] = (float)sums.second[c];
        }
    }
    float inverse_rows = 1.0f / (float)rows;
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++) {
        size_t offset = row * channels;
        gradient_row(dx + offset, d_shortcut ? d_shortcut + offset : NULL, accumulate_shortcut, dy + offset,
                     x + offset, mask ? mask + offset : NULL, scale, mean, inverse_std, d_scale, d_shift,
                     inverse_rows, channels);
    }
}
