/* Copies pixels between a tensor and rows of a matrix; images are shared among threads. */
#include "record/cpu/convolution_columns.h"

#include <string.h>

#include "kernels/bf16.h"
#include "kernels/vector_clones.h"

size_t columns_bytes(const struct layer *layer, uint32_t count, enum tensor_type type)
{
    return (size_t)count * layer_output_pixels(layer) * layer->kernel * layer->kernel * layer->in_channels *
           tensor_type_bytes(type);
}

/* One output pixel's row; x is its image. */
static char *gather_pixel(char *row, const char *x, const struct layer *layer, int64_t out_y, int64_t out_x,
                          size_t pixel_bytes)
{
    for (int64_t tap_y = 0; tap_y < layer->kernel; tap_y++)
        for (int64_t tap_x = 0; tap_x < layer->kernel; tap_x++, row += pixel_bytes) {
            int64_t in_y = out_y * layer->stride + tap_y - layer->padding;
            int64_t in_x = out_x * layer->stride + tap_x - layer->padding;
            if (in_y < 0 || in_y >= layer->in_height || in_x < 0 || in_x >= layer->in_width)
                memset(row, 0, pixel_bytes);
            else
                memcpy(row, x + (size_t)(in_y * layer->in_width + in_x) * pixel_bytes, pixel_bytes);
        }
    return row;
}

void columns_gather(void *rows, const void *x, const struct layer *layer, uint32_t count, enum tensor_type type)
{
    size_t pixel_bytes = layer->in_channels * tensor_type_bytes(type);
    size_t image_bytes = layer_input_size(layer) * tensor_type_bytes(type);
    size_t image_rows_bytes = columns_bytes(layer, 1, type);
#pragma omp parallel for schedule(static)
    for (uint32_t n = 0; n < count; n++) {
        char *row = (char *)rows + n * image_rows_bytes;
        for (uint32_t y = 0; y < layer->out_height; y++)
            for (uint32_t out_x = 0; out_x < layer->out_width; out_x++)
                row = gather_pixel(row, (const char *)x + n * image_bytes, layer, y, out_x, pixel_bytes);
    }
}

VECTOR_CLONES static void add_f32(float *restrict sum, const float *restrict added, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += added[i];
}

VECTOR_CLONES static void add_bf16(struct bf16 *restrict sum, const struct bf16 *restrict added, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] = bf16_from_float(bf16_to_float(sum[i]) + bf16_to_float(added[i]));
}

static void add_run(void *sum, const void *added, size_t count, enum tensor_type type)
{
    if (type == TENSOR_F32)
        add_f32(sum, added, count);
    else
        add_bf16(sum, added, count);
}

void columns_scatter(void *dx, const void *rows, const struct layer *layer, uint32_t count, enum tensor_type type,
                     bool accumulate)
{
    size_t channels = layer->in_channels, pixel_bytes = channels * tensor_type_bytes(type);
    size_t image_bytes = layer_input_size(layer) * tensor_type_bytes(type);
    size_t image_rows_bytes = columns_bytes(layer, 1, type);
#pragma omp parallel for schedule(static)
    for (uint32_t n = 0; n < count; n++) {
        char *image = (char *)dx + n * image_bytes;
        const char *row = (const char *)rows + n * image_rows_bytes;
        if (!accumulate)
            memset(image, 0, image_bytes);
        for (size_t y = 0; y < layer->out_height; y++)
            for (size_t x = 0; x < layer->out_width; x++, row += pixel_bytes) {
                char *pixel = image + (y * layer->in_width + x) * layer->stride * pixel_bytes;
                if (accumulate)
                    add_run(pixel, row, channels, type);
                else
                    memcpy(pixel, row, pixel_bytes);
            }
    }
}

void columns_add(void *sum, const void *added, size_t count, enum tensor_type type)
{
    enum { RUN = 4096 };
    size_t bytes = tensor_type_bytes(type);
#pragma omp parallel for schedule(static)
    for (size_t start = 0; start < count; start += RUN)
        add_run((char *)sum + start * bytes, (const char *)added + start * bytes,
                count - start < RUN ? count - start : RUN, type);
}
