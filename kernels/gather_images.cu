/* Makes a batch of images from the data set's bytes on the device: gather by index, bilinear resize, scale.
 *
 * The same bytes as gather_images.c, so that both backends train on the same images. nvcc fuses a product and a sum
 * into one instruction that rounds once, where the C twin rounds twice; near a half that gives another byte. So
 * sums of products are written with __fmul_rn and __fadd_rn, which are never fused. No other sum below has a
 * product for a term, and nvcc's division of floats is rounded as C's is (-prec-div=true, its default). */
#include "kernels/gpu_launch.h"

/* For one axis: where an output pixel lies between two input pixels, as in the C twin. */
struct axis_place {
    uint32_t low, high;
    float fraction;
};

static __device__ inline axis_place place_on_axis(uint32_t out, uint32_t in_size, uint32_t out_size)
{
    float centre = __fadd_rn(__fmul_rn((float)out + 0.5f, (float)in_size) / (float)out_size, -0.5f);
    centre = centre < 0 ? 0 : centre;
    uint32_t low = (uint32_t)centre;
    low = low > in_size - 1 ? in_size - 1 : low;
    uint32_t high = low + 1 < in_size ? low + 1 : low;
    return {low, high, centre - (float)low};
}

static __device__ inline float mix(float low, float high, float fraction)
{
    return __fadd_rn(low, __fmul_rn(high - low, fraction));
}

/* A warp makes a row of an output image, each lane every 32nd value of it. */
template <typename Type>
static __device__ void resize_rows(Type *__restrict__ out, const uint8_t *__restrict__ images,
                                   const uint32_t *__restrict__ samples, uint32_t count, uint32_t height,
                                   uint32_t width, uint32_t channels, uint32_t out_height, uint32_t out_width)
{
    uint32_t lane = threadIdx.x % GPU_WARP, row_size = out_width * channels;
    uint32_t x_step = GPU_WARP / channels, channel_step = GPU_WARP % channels;
    for (size_t i = gpu_first_item() / GPU_WARP; i < (size_t)count * out_height; i += gpu_stride() / GPU_WARP) {
        uint32_t image = (uint32_t)i / out_height;
        axis_place row = place_on_axis((uint32_t)i - image * out_height, height, out_height);
        const uint8_t *from = images + (size_t)samples[image] * height * width * channels;
        const uint8_t *low_row = from + (size_t)row.low * width * channels;
        const uint8_t *high_row = from + (size_t)row.high * width * channels;
        Type *to = out + i * row_size;
        uint32_t x = lane / channels, channel = lane % channels;
        for (uint32_t k = lane; k < row_size; k += GPU_WARP) {
            axis_place column = place_on_axis(x, width, out_width);
            uint32_t left = column.low * channels + channel, right = column.high * channels + channel;
            float low = mix((float)low_row[left], (float)low_row[right], column.fraction);
            float high = mix((float)high_row[left], (float)high_row[right], column.fraction);
            uint32_t byte = (uint32_t)(mix(low, high, row.fraction) + 0.5f);
            gpu_store(to + k, gpu_values<1>{{(float)byte / 255.0f}});
            x += x_step;
            channel += channel_step;
            if (channel >= channels) {
                channel -= channels;
                x++;
            }
        }
    }
}

/* No resize: a thread scales N neighbouring bytes. */
template <typename Type, int N>
static __device__ void scale_images(void *__restrict__ out, const uint8_t *__restrict__ images,
                                    const uint32_t *__restrict__ samples, uint32_t count, uint32_t image_size)
{
    uint32_t items = image_size / N;
    for (uint32_t tile = blockIdx.x; tile < gpu_tiles(count, items); tile += gridDim.x) {
        gpu_place place = gpu_place_in_tile(tile, items);
        if (place.item >= items)
            continue;
        const uint8_t *from = images + (size_t)samples[place.image] * image_size + place.item * N;
        gpu_packed<uint8_t, N> bytes = *reinterpret_cast<const gpu_packed<uint8_t, N> *>(from);
        gpu_values<N> values;
#pragma unroll
        for (int k = 0; k < N; k++)
            values.at[k] = (float)bytes.at[k] / 255.0f;
        gpu_store(static_cast<Type *>(out) + (size_t)place.image * image_size + place.item * N, values);
    }
}

GPU_VARIANTS(scale_images,
             (void *__restrict__ out, const uint8_t *__restrict__ images, const uint32_t *__restrict__ samples,
              uint32_t count, uint32_t image_size),
             (out, images, samples, count, image_size))

extern "C" __global__ void __launch_bounds__(GPU_THREADS)
    resize_images_f32(float *__restrict__ out, const uint8_t *__restrict__ images,
                      const uint32_t *__restrict__ samples, uint32_t count, uint32_t height, uint32_t width,
                      uint32_t channels, uint32_t out_height, uint32_t out_width)
{
    resize_rows(out, images, samples, count, height, width, channels, out_height, out_width);
}

extern "C" __global__ void __launch_bounds__(GPU_THREADS)
    resize_images_bf16(struct bf16 *__restrict__ out, const uint8_t *__restrict__ images,
                       const uint32_t *__restrict__ samples, uint32_t count, uint32_t height, uint32_t width,
                       uint32_t channels, uint32_t out_height, uint32_t out_width)
{
    resize_rows(out, images, samples, count, height, width, channels, out_height, out_width);
}

int gpu_gather_images(const struct gpu_queue *queue, enum tensor_type type, void *out, const uint8_t *images,
                      const uint32_t *samples, uint32_t count, uint32_t height, uint32_t width, uint32_t channels,
                      uint32_t out_height, uint32_t out_width)
{
    if (height == out_height && width == out_width) {
        uint32_t image_size = height * width * channels, n = gpu_vector(image_size);
        size_t threads = (size_t)gpu_tiles(count, image_size / n) * GPU_THREADS;
        return gpu_launch(queue, gpu_blocks(queue, threads, GPU_THREADS), GPU_THREADS,
                          GPU_VARIANT(scale_images, type, n), out, images, samples, count, image_size);
    }
    unsigned blocks = gpu_blocks(queue, (size_t)count * out_height * GPU_WARP, GPU_THREADS);
    if (type == TENSOR_F32)
        return gpu_launch(queue, blocks, GPU_THREADS, resize_images_f32, static_cast<float *>(out), images, samples,
                          count, height, width, channels, out_height, out_width);
    return gpu_launch(queue, blocks, GPU_THREADS, resize_images_bf16, static_cast<struct bf16 *>(out), images,
                      samples, count, height, width, channels, out_height, out_width);
}

GPU_KERNELS(GPU_VARIANT_NAMES(scale_images), resize_images_f32, resize_images_bf16);
