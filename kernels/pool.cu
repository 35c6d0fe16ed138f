/* Max and average pooling of NHWC tensors on the device. A thread makes one value, or four neighbouring channels,
 * of the output; sums run in the order of the C twins. Shapes are such that an image has fewer than 2^32 values. */
#include "kernels/gpu_launch.h"

#include <math.h>

template <typename Type, int N>
static __device__ void max_forward(void *__restrict__ y, uint8_t *__restrict__ winner, const void *__restrict__ x,
                                   uint32_t count, struct pool_shape s)
{
    uint32_t vectors = s.channels / N, items = s.out_height * s.out_width * vectors;
    for (uint32_t tile = blockIdx.x; tile < gpu_tiles(count, items); tile += gridDim.x) {
        gpu_place place = gpu_place_in_tile(tile, items);
        if (place.item >= items)
            continue;
        uint32_t pixel = place.item / vectors, channel = (place.item - pixel * vectors) * N;
        uint32_t out_y = pixel / s.out_width, out_x = pixel - out_y * s.out_width;
        /* The window, whose part inside the image is taps [first, end) in either direction. */
        int top = (int)(out_y * s.stride) - (int)s.padding, left = (int)(out_x * s.stride) - (int)s.padding;
        int first_row = top < 0 ? -top : 0, first_column = left < 0 ? -left : 0, kernel = (int)s.kernel;
        int end_row = top + kernel > (int)s.height ? (int)s.height - top : kernel;
        int end_column = left + kernel > (int)s.width ? (int)s.width - left : kernel;
        const Type *image = static_cast<const Type *>(x) + (size_t)place.image * s.height * s.width * s.channels;

        gpu_values<N> best;
        gpu_packed<uint8_t, N> best_tap;
#pragma unroll
        for (int k = 0; k < N; k++) {
            best.at[k] = -INFINITY;
            best_tap.at[k] = (uint8_t)(first_row * kernel + first_column);
        }
        for (int row = first_row; row < end_row; row++) {
            uint32_t row_start = (uint32_t)(top + row) * s.width;
            /* Unrolled it would take more registers than leave a multiprocessor full of threads, which hide the
             * wait as well. */
#pragma unroll 1
            for (int column = first_column; column < end_column; column++) {
                uint32_t at = (row_start + (uint32_t)(left + column)) * s.channels + channel;
                gpu_values<N> values = gpu_load<N>(image + at);
#pragma unroll
                for (int k = 0; k < N; k++) {
                    bool larger = values.at[k] > best.at[k];
                    best.at[k] = larger ? values.at[k] : best.at[k];
                    best_tap.at[k] = larger ? (uint8_t)(row * kernel + column) : best_tap.at[k];
                }
            }
        }
        size_t out = (size_t)place.image * items * N + place.item * N;
        gpu_store(static_cast<Type *>(y) + out, best);
        *reinterpret_cast<gpu_packed<uint8_t, N> *>(winner + out) = best_tap;
    }
}

/* The windows that cover a place of the padded input along one axis. */
struct cover {
    uint32_t first, end;
};

static __device__ inline cover windows_over(uint32_t place, uint32_t kernel, uint32_t stride, uint32_t windows)
{
    uint32_t first = place < kernel ? 0 : (place - kernel) / stride + 1, end = place / stride + 1;
    return {first, end < windows ? end : windows};
}

/* Each input value gathers from the windows that it has won, so that nothing is added to by two threads. */
template <typename Type, int N>
static __device__ void max_backward(void *__restrict__ dx, const void *__restrict__ dy,
                                    const uint8_t *__restrict__ winner, uint32_t count, struct pool_shape s)
{
    uint32_t vectors = s.channels / N, items = s.height * s.width * vectors;
    for (uint32_t tile = blockIdx.x; tile < gpu_tiles(count, items); tile += gridDim.x) {
        gpu_place place = gpu_place_in_tile(tile, items);
        if (place.item >= items)
            continue;
        uint32_t pixel = place.item / vectors, channel = (place.item - pixel * vectors) * N;
        uint32_t y = pixel / s.width, x = pixel - y * s.width;
        uint32_t padded_y = y + s.padding, padded_x = x + s.padding;
        cover rows = windows_over(padded_y, s.kernel, s.stride, s.out_height);
        cover columns = windows_over(padded_x, s.kernel, s.stride, s.out_width);
        size_t out_image = (size_t)place.image * s.out_height * s.out_width * s.channels;
        const Type *image_dy = static_cast<const Type *>(dy) + out_image;
        const uint8_t *image_winner = winner + out_image;

        gpu_values<N> sum = {};
        for (uint32_t out_y = rows.first; out_y < rows.end; out_y++) {
            uint32_t row_tap = (padded_y - out_y * s.stride) * s.kernel;
            for (uint32_t out_x = columns.first; out_x < columns.end; out_x++) {
                uint32_t tap = row_tap + padded_x - out_x * s.stride;
                uint32_t at = (out_y * s.out_width + out_x) * s.channels + channel;
                gpu_values<N> values = gpu_load<N>(image_dy + at);
                gpu_packed<uint8_t, N> taps = *reinterpret_cast<const gpu_packed<uint8_t, N> *>(image_winner + at);
#pragma unroll
                for (int k = 0; k < N; k++)
                    sum.at[k] += taps.at[k] == tap ? values.at[k] : 0;
            }
        }
        gpu_store(static_cast<Type *>(dx) + (size_t)place.image * items * N + place.item * N, sum);
    }
}

template <typename Type, int N>
static __device__ void average_forward(void *__restrict__ y, const void *__restrict__ x, uint32_t count,
                                       uint32_t pixels, uint32_t channels)
{
    uint32_t vectors = channels / N;
    float share = 1.0f / (float)pixels;
    for (size_t i = gpu_first_item(); i < (size_t)count * vectors; i += gpu_stride()) {
        size_t image = i / vectors, channel = (i - image * vectors) * N;
        const Type *from = static_cast<const Type *>(x) + image * pixels * channels + channel;
        gpu_values<N> mean = {};
#pragma unroll 4
        for (uint32_t pixel = 0; pixel < pixels; pixel++, from += channels) {
            gpu_values<N> values = gpu_load<N>(from);
#pragma unroll
            for (int k = 0; k < N; k++)
                mean.at[k] += share * values.at[k];
        }
        gpu_store(static_cast<Type *>(y) + i * N, mean);
    }
}

template <typename Type, int N>
static __device__ void average_backward(void *__restrict__ dx, const void *__restrict__ dy, uint32_t count,
                                        uint32_t pixels, uint32_t channels)
{
    uint32_t vectors = channels / N, items = pixels * vectors;
    float share = 1.0f / (float)pixels;
    for (uint32_t tile = blockIdx.x; tile < gpu_tiles(count, items); tile += gridDim.x) {
        gpu_place place = gpu_place_in_tile(tile, items);
        if (place.item >= items)
            continue;
        uint32_t channel = place.item % vectors * N;
        gpu_values<N> values =
            gpu_load<N>(static_cast<const Type *>(dy) + (size_t)place.image * channels + channel);
#pragma unroll
        for (int k = 0; k < N; k++)
            values.at[k] *= share;
        gpu_store(static_cast<Type *>(dx) + (size_t)place.image * items * N + place.item * N, values);
    }
}

GPU_VARIANTS(max_forward,
             (void *__restrict__ y, uint8_t *__restrict__ winner, const void *__restrict__ x, uint32_t count,
              struct pool_shape shape),
             (y, winner, x, count, shape))
GPU_VARIANTS(max_backward,
             (void *__restrict__ dx, const void *__restrict__ dy, const uint8_t *__restrict__ winner,
              uint32_t count, struct pool_shape shape),
             (dx, dy, winner, count, shape))
GPU_VARIANTS(average_forward,
             (void *__restrict__ y, const void *__restrict__ x, uint32_t count, uint32_t pixels, uint32_t channels),
             (y, x, count, pixels, channels))
GPU_VARIANTS(average_backward,
             (void *__restrict__ dx, const void *__restrict__ dy, uint32_t count, uint32_t pixels,
              uint32_t channels),
             (dx, dy, count, pixels, channels))

/* Blocks for `count` images of `values` values, n at a time. */
static unsigned blocks_for_images(const struct gpu_queue *queue, uint32_t count, uint32_t values, uint32_t n)
{
    return gpu_blocks(queue, (size_t)gpu_tiles(count, values / n) * GPU_THREADS, GPU_THREADS);
}

int gpu_max_pool_forward(const struct gpu_queue *queue, enum tensor_type type, void *y, uint8_t *winner, const void *x,
                         uint32_t count, const struct pool_shape *shape)
{
    uint32_t n = gpu_vector(shape->channels);
    unsigned blocks = blocks_for_images(queue, count, shape->out_height * shape->out_width * shape->channels, n);
    return gpu_launch(queue, blocks, GPU_THREADS, GPU_VARIANT(max_forward, type, n), y, winner, x, count, *shape);
}

int gpu_max_pool_backward(const struct gpu_queue *queue, enum tensor_type type, void *dx, const void *dy,
                          const uint8_t *winner, uint32_t count, const struct pool_shape *shape)
{
    uint32_t n = gpu_vector(shape->channels);
    unsigned blocks = blocks_for_images(queue, count, shape->height * shape->width * shape->channels, n);
    return gpu_launch(queue, blocks, GPU_THREADS, GPU_VARIANT(max_backward, type, n), dx, dy, winner, count,
                      *shape);
}

int gpu_average_pool_forward(const struct gpu_queue *queue, enum tensor_type type, void *y, const void *x,
                             uint32_t count, uint32_t pixels, uint32_t channels)
{
    uint32_t n = gpu_vector(channels);
    unsigned blocks = gpu_blocks(queue, (size_t)count * (channels / n), GPU_THREADS);
    return gpu_launch(queue, blocks, GPU_THREADS, GPU_VARIANT(average_forward, type, n), y, x, count, pixels,
                      channels);
}

int gpu_average_pool_backward(const struct gpu_queue *queue, enum tensor_type type, void *dx, const void *dy,
                              uint32_t count, uint32_t pixels, uint32_t channels)
{
    uint32_t n = gpu_vector(channels);
    unsigned blocks = blocks_for_images(queue, count, pixels * channels, n);
    return gpu_launch(queue, blocks, GPU_THREADS, GPU_VARIANT(average_backward, type, n), dx, dy, count, pixels,
                      channels);
}

GPU_KERNELS(GPU_VARIANT_NAMES(max_forward), GPU_VARIANT_NAMES(max_backward), GPU_VARIANT_NAMES(average_forward),
            GPU_VARIANT_NAMES(average_backward));
