/* Max and average pooling of NHWC tensors.
 *
 * oneDNN 2.6 pools NHWC a pixel at a time, which took as long as the convolutions of a small network; here threads
 * share the images, and a strip of channels is the inner loop: its maxima, or its gradients, stay in registers until
 * all taps are seen. The loops over a strip say `omp simd`: GCC would unroll one of 16 channels before it vectorises. */
#include "kernels/element.h"
#include "kernels/kernels.h"

#include <math.h>

enum { LANES = 32 }; /* channels of a strip */

/* Runs `statement` for each strip of channels, of which `lanes` is a constant where they fill it, or half of it. */
#define FOR_EACH_STRIP(channels, statement)                                                                        \
    do {                                                                                                           \
        for (size_t channel = 0; channel < (channels); channel += LANES) {                                         \
            size_t left = (channels)-channel;                                                                      \
            if (left >= LANES) {                                                                                   \
                enum { lanes = LANES };                                                                            \
                statement;                                                                                         \
            } else if (left == LANES / 2) {                                                                        \
                enum { lanes = LANES / 2 };                                                                        \
                statement;                                                                                         \
            } else {                                                                                               \
                size_t lanes = left;                                                                               \
                statement;                                                                                         \
            }                                                                                                      \
        }                                                                                                          \
    } while (0)

/* ---- max pool ------------------------------------------------------------------------------------------ */

/* The part of one output pixel's window that is inside the image, and where it begins in the input. */
struct window {
    size_t top, left;                 /* input pixel */
    uint32_t first_row, first_column; /* tap of that pixel */
    uint32_t end_row, end_column;
};

static struct window window_at(const struct pool_shape *s, uint32_t out_y, uint32_t out_x)
{
    int64_t top = (int64_t)out_y * s->stride - s->padding, left = (int64_t)out_x * s->stride - s->padding;
    struct window w = {.end_row = s->kernel, .end_column = s->kernel};
    w.first_row = top < 0 ? (uint32_t)-top : 0;
    w.first_column = left < 0 ? (uint32_t)-left : 0;
    if (top + s->kernel > s->height)
        w.end_row = (uint32_t)(s->height - top);
    if (left + s->kernel > s->width)
        w.end_column = (uint32_t)(s->width - left);
    w.top = (size_t)(top + w.first_row);
    w.left = (size_t)(left + w.first_column);
    return w;
}

/* One output pixel's maxima and the taps that they come from; x is the window's first pixel. */
LOOP_BODY void largest_of_window(void *restrict y, uint8_t *restrict winner, const void *restrict x, size_t out,
                                 struct window w, const struct pool_shape *s, size_t channel, size_t lanes,
                                 enum tensor_type type)
{
    float best[LANES];
    uint32_t tap_of[LANES];
#pragma omp simd
    for (size_t c = 0; c < lanes; c++) {
        best[c] = -INFINITY;
        tap_of[c] = w.first_row * s->kernel + w.first_column;
    }
    for (uint32_t row = w.first_row; row < w.end_row; row++) {
        size_t pixel = (w.top + row - w.first_row) * s->width + w.left;
        for (uint32_t column = w.first_column; column < w.end_column; column++, pixel++) {
            uint32_t tap = row * s->kernel + column;
#pragma omp simd
            for (size_t c = 0; c < lanes; c++) {
                float value = element_load(x, pixel * s->channels + channel + c, type);
                float before = best[c];
                bool larger = value > before;
                /* Bits, not a choice: GCC 12 makes a store under a mask of that, behind a branch that is hard to foresee. */
                uint32_t kept = (uint32_t)larger - 1;
                best[c] = larger ? value : before;
                tap_of[c] = (tap_of[c] & kept) | (tap & ~kept);
            }
        }
    }
#pragma omp simd
    for (size_t c = 0; c < lanes; c++) {
        element_store(y, out + channel + c, best[c], type);
        winner[out + channel + c] = (uint8_t)tap_of[c];
    }
}

LOOP_BODY void pool_image(void *restrict y, uint8_t *restrict winner, const void *restrict x,
                          const struct pool_shape *s, enum tensor_type type)
{
    size_t out = 0;
    for (uint32_t out_y = 0; out_y < s->out_height; out_y++)
        for (uint32_t out_x = 0; out_x < s->out_width; out_x++, out += s->channels) {
            struct window w = window_at(s, out_y, out_x);
            FOR_EACH_STRIP(s->channels, largest_of_window(y, winner, x, out, w, s, channel, lanes, type));
        }
}

LOOP_OF_EACH_TYPE(pool_image,
                  (void *restrict y, uint8_t *restrict winner, const void *restrict x, const struct pool_shape *s),
                  y, winner, x, s)

/* Along one axis: the windows that see an input pixel. */
struct windows {
    uint32_t first, end;
};

static struct windows windows_of(uint32_t pixel, const struct pool_shape *s, uint32_t out_size)
{
    uint32_t place = pixel + s->padding;
    struct windows w = {place < s->kernel ? 0 : (place - s->kernel) / s->stride + 1, place / s->stride + 1};
    if (w.end > out_size)
        w.end = out_size;
    return w;
}

/* One input pixel's gradient: that of each window which it has won, in the order of the windows. */
LOOP_BODY void gradient_of_pixel(void *restrict dx, const void *restrict dy, const uint8_t *restrict winner,
                                 uint32_t in_y, uint32_t in_x, struct windows rows, struct windows columns,
                                 const struct pool_shape *s, size_t channel, size_t lanes, enum tensor_type type)
{
    float sum[LANES] = {0};
    for (uint32_t out_y = rows.first; out_y < rows.end; out_y++)
        for (uint32_t out_x = columns.first; out_x < columns.end; out_x++) {
            uint32_t row = in_y + s->padding - out_y * s->stride, column = in_x + s->padding - out_x * s->stride;
            uint8_t tap = (uint8_t)(row * s->kernel + column);
            size_t out = ((size_t)out_y * s->out_width + out_x) * s->channels + channel;
#pragma omp simd
            for (size_t c = 0; c < lanes; c++) {
                float gradient = element_load(dy, out + c, type);
                sum[c] += winner[out + c] == tap ? gradient : 0;
            }
        }
    size_t in = ((size_t)in_y * s->width + in_x) * s->channels + channel;
#pragma omp simd
    for (size_t c = 0; c < lanes; c++)
        element_store(dx, in + c, sum[c], type);
}

LOOP_BODY void unpool_image(void *restrict dx, const void *restrict dy, const uint8_t *restrict winner,
                            const struct pool_shape *s, enum tensor_type type)
{
    for (uint32_t in_y = 0; in_y < s->height; in_y++) {
        struct windows rows = windows_of(in_y, s, s->out_height);
        for (uint32_t in_x = 0; in_x < s->width; in_x++) {
            struct windows columns = windows_of(in_x, s, s->out_width);
            FOR_EACH_STRIP(s->channels,
                           gradient_of_pixel(dx, dy, winner, in_y, in_x, rows, columns, s, channel, lanes, type));
        }
    }
}

LOOP_OF_EACH_TYPE(unpool_image,
                  (void *restrict dx, const void *restrict dy, const uint8_t *restrict winner,
                   const struct pool_shape *s),
                  dx, dy, winner, s)

void max_pool_forward(enum tensor_type type, void *y, uint8_t *winner, const void *x, uint32_t count,
                      const struct pool_shape *s)
{
    size_t in_size = (size_t)s->height * s->width * s->channels;
    size_t out_size = (size_t)s->out_height * s->out_width * s->channels;
#pragma omp parallel for schedule(static)
    for (uint32_t n = 0; n < count; n++)
        LOOP_OF(pool_image, type)
    (tensor_at_to_write(y, type, n * out_size), winner + n * out_size, tensor_at(x, type, n * in_size), s);
}

void max_pool_backward(enum tensor_type type, void *dx, const void *dy, const uint8_t *winner, uint32_t count,
                       const struct pool_shape *s)
{
    size_t in_size = (size_t)s->height * s->width * s->channels;
    size_t out_size = (size_t)s->out_height * s->out_width * s->channels;
#pragma omp parallel for schedule(static)
    for (uint32_t n = 0; n < count; n++)
        LOOP_OF(unpool_image, type)
    (tensor_at_to_write(dx, type, n * in_size), tensor_at(dy, type, n * out_size), winner + n * out_size, s);
}

/* ---- average pool -------------------------------------------------------------------------------------- */

LOOP_BODY void mean_of_strip(void *restrict y, const void *restrict x, size_t pixels, size_t channels,
                             size_t channel, size_t lanes, enum tensor_type type)
{
    float mean[LANES] = {0}, share = 1.0f / (float)pixels;
    for (size_t pixel = 0; pixel < pixels; pixel++)
#pragma omp simd
        for (size_t c = 0; c < lanes; c++)
            mean[c] += share * element_load(x, pixel * channels + channel + c, type);
#pragma omp simd
    for (size_t c = 0; c < lanes; c++)
        element_store(y, channel + c, mean[c], type);
}

LOOP_BODY void average_image(void *restrict y, const void *restrict x, size_t pixels, size_t channels,
                             enum tensor_type type)
{
    FOR_EACH_STRIP(channels, mean_of_strip(y, x, pixels, channels, channel, lanes, type));
}

LOOP_BODY void share_gradient(void *restrict dx, const void *restrict dy, size_t pixels, size_t channels,
                              enum tensor_type type)
{
    float share = 1.0f / (float)pixels;
    for (size_t pixel = 0; pixel < pixels; pixel++)
#pragma omp simd
        for (size_t c = 0; c < channels; c++)
            element_store(dx, pixel * channels + c, share * element_load(dy, c, type), type);
}

LOOP_OF_EACH_TYPE(average_image, (void *restrict y, const void *restrict x, size_t pixels, size_t channels), y, x,
                  pixels, channels)
LOOP_OF_EACH_TYPE(share_gradient, (void *restrict dx, const void *restrict dy, size_t pixels, size_t channels), dx,
                  dy, pixels, channels)

void average_pool_forward(enum tensor_type type, void *y, const void *x, uint32_t count, uint32_t pixels,
                          uint32_t channels)
{
#pragma omp parallel for schedule(static)
    for (size_t n = 0; n < count; n++)
        LOOP_OF(average_image, type)
    (tensor_at_to_write(y, type, n * channels), tensor_at(x, type, n * pixels * channels), pixels, channels);
}

void average_pool_backward(enum tensor_type type, void *dx, const void *dy, uint32_t count, uint32_t pixels,
                           uint32_t channels)
{
#pragma omp parallel for schedule(static)
    for (size_t n = 0; n < count; n++)
        LOOP_OF(share_gradient, type)
    (tensor_at_to_write(dx, type, n * pixels * channels), tensor_at(dy, type, n * channels), pixels, channels);
}
