/* Max and average pooling of NHWC tensors.
 *
 * oneDNN 2.6 pools NHWC a pixel at a time, which took as long as the convolutions of a small network; here threads
 * share the images, and channels are the inner loop. */
#include "kernels/kernels.h"
#include "kernels/vector_clones.h"

#include <math.h>
#include <string.h>

/* The part of one output pixel's window that is inside the image, and where it begins in the input. */
struct window {
    size_t top, left;               /* input pixel */
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

/* Takes one tap into account: where it is larger, it is the winner so far. */
VECTOR_CLONES static void take_larger(float *restrict best, uint8_t *restrict winner, const float *restrict x,
                                      uint8_t tap, size_t channels)
{
    for (size_t c = 0; c < channels; c++) {
        bool larger = x[c] > best[c];
        best[c] = larger ? x[c] : best[c];
        winner[c] = larger ? tap : winner[c];
    }
}

/* Adds the gradient to the tap where it has won. */
VECTOR_CLONES static void add_won(float *restrict dx, const float *restrict dy, const uint8_t *restrict winner,
                                  uint8_t tap, size_t channels)
{
    for (size_t c = 0; c < channels; c++)
        dx[c] += winner[c] == tap ? dy[c] : 0;
}

void max_pool_forward(float *y, uint8_t *winner, const float *x, uint32_t count, const struct pool_shape *s)
{
    size_t channels = s->channels;
#pragma omp parallel for schedule(static)
    for (uint32_t n = 0; n < count; n++) {
        const float *image = x + n * (size_t)s->height * s->width * channels;
        size_t out = n * (size_t)s->out_height * s->out_width * channels;
        for (uint32_t out_y = 0; out_y < s->out_height; out_y++)
            for (uint32_t out_x = 0; out_x < s->out_width; out_x++, out += channels) {
                struct window w = window_at(s, out_y, out_x);
                for (size_t c = 0; c < channels; c++)
                    y[out + c] = -INFINITY;
                memset(winner + out, (int)(w.first_row * s->kernel + w.first_column), channels);
                for (uint32_t row = w.first_row; row < w.end_row; row++) {
                    const float *pixel = image + ((w.top + row - w.first_row) * s->width + w.left) * channels;
                    for (uint32_t column = w.first_column; column < w.end_column; column++, pixel += channels)
                        take_larger(y + out, winner + out, pixel, (uint8_t)(row * s->kernel + column), channels);
                }
            }
    }
}

void max_pool_backward(float *dx, const float *dy, const uint8_t *winner, uint32_t count, const struct pool_shape *s)
{
    size_t channels = s->channels, image_size = (size_t)s->height * s->width * channels;
#pragma omp parallel for schedule(static)
    for (uint32_t n = 0; n < count; n++) {
        float *image = dx + n * image_size;
        size_t out = n * (size_t)s->out_height * s->out_width * channels;
        memset(image, 0, image_size * sizeof *image);
        for (uint32_t out_y = 0; out_y < s->out_height; out_y++)
            for (uint32_t out_x = 0; out_x < s->out_width; out_x++, out += channels) {
                struct window w = window_at(s, out_y, out_x);
                for (uint32_t row = w.first_row; row < w.end_row; row++) {
                    float *pixel = image + ((w.top + row - w.first_row) * s->width + w.left) * channels;
                    for (uint32_t column = w.first_column; column < w.end_column; column++, pixel += channels)
                        add_won(pixel, dy + out, winner + out, (uint8_t)(row * s->kernel + column), channels);
                }
            }
    }
}

void average_pool_forward(float *y, const float *x, uint32_t count, uint32_t pixels, uint32_t channels)
{
    float share = 1.0f / (float)pixels;
    for (size_t n = 0; n < count; n++) {
        float *mean = y + n * channels;
        memset(mean, 0, channels * sizeof *mean);
        for (size_t pixel = 0; pixel < pixels; pixel++)
            for (size_t c = 0; c < channels; c++)
                mean[c] += share * x[(n * pixels + pixel) * channels + c];
    }
}

void average_pool_backward(float *dx, const float *dy, uint32_t count, uint32_t pixels, uint32_t channels)
{
    float share = 1.0f / (float)pixels;
    for (size_t n = 0; n < count; n++)
        for (size_t pixel = 0; pixel < pixels; pixel++)
            for (size_t c = 0; c < channels; c++)
                dx[(n * pixels + pixel) * channels + c] = share * dy[n * channels + c];
}
