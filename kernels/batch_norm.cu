/* Batch norm + addition + ReLU, forward and backward, on NHWC tensors: twin of batch_norm.c.
 *
 * Few rows: one block takes all rows of its channels, and sums, statistics and values are one launch. Many
 * rows: they are cut into parts, a block sums a part in float32, a second kernel adds the parts in double, a
 * third makes the values. How rows are cut depends on rows and channels alone. Where channels are no multiple
 * of 4, vectors are of one channel: right, but not fast. */
#include "kernels/batch_norm_tile.h"
#include "kernels/gpu_launch.h"
#include "kernels/kernels_gpu.h"

enum {
    FUSED_ROWS = 1024, /* at most in one launch: beyond, the few blocks that channels give leave a large GPU idle */
    FUSED_THREADS = 512,
    FUSED_LANES = 4,   /* at most: 32 bytes of a row in bf16, one sector; and many blocks where rows are few */
    FUSED_AT_ONCE = 2, /* rows that a thread loads before it stores */
    FUSED_RESIDENT = 2,
    TILE_THREADS = 256,
    TILE_LANES = 16, /* at most: 256 bytes of a row in float32 */
    TILE_AT_ONCE = 2,
    TILE_RESIDENT = 4,
    PARTS_WANTED = 512,    /* of all tiles together: four blocks for each multiprocessor of a large GPU */
    LEAST_THREAD_ROWS = 4, /* of a part */
    MOST_THREAD_ROWS = 64, /* summed one after the other in float32 */
    FINISH_THREADS = 256,
    FINISH_CHANNELS = 8, /* side by side in a block that adds parts: 32 bytes, one sector */
    FINISH_RESIDENT = 3
};

/* ..._RESIDENT: blocks that a multiprocessor of every architecture holds at once, since __launch_bounds__ bounds their
 * registers by it. A launch has no more where one block for each tile is not too many, so all run from the start. */

/* How the rows are cut, and where their sums go. */
struct partial_sums {
    float *shift; /* [channels] taken off x before the sums of the forward pass */
    float *sums;  /* [parts][2][channels] */
    size_t parts, part_rows;
};

/* Calls function<N, Type>(...): the type and the width are the same for all threads. */
#define FOR_TYPE_AND_VECTOR(type, channels, function, ...)                                                         \
    do {                                                                                                           \
        if ((type) == TENSOR_F32 && (channels) % 4 == 0)                                                              \
            function<4, float>(__VA_ARGS__);                                                                       \
        else if ((type) == TENSOR_F32)                                                                                \
            function<1, float>(__VA_ARGS__);                                                                       \
        else if ((channels) % 4 == 0)                                                                              \
            function<4, struct bf16>(__VA_ARGS__);                                                                 \
        else                                                                                                       \
            function<1, struct bf16>(__VA_ARGS__);                                                                 \
    } while (0)

/* ---- all in one launch --------------------------------------------------------------------------------- */

template <int N, typename Type>
static __device__ void forward_tiles(const struct forward_tensors &t, const struct forward_statistics &s,
                                     unsigned lanes, float *shared)
{
    float inverse_rows = 1.0f / static_cast<float>(t.rows);
    for (size_t tile = blockIdx.x; tile < tiles_of<N>(lanes, t.channels); tile += gridDim.x) {
        struct place place = place_in<N>(tile, lanes, t.channels);
        struct path path = path_of(place, place.row, t.rows, place.rows, t.channels);
        const Type *x = static_cast<const Type *>(t.x);
        gpu_values<N> shift = zeros<N>();
        two_sums<N> sums = {zeros<N>(), zeros<N>()};
        if (place.inside) {
            shift = rough_mean<N>(x + place.channel, t.rows, t.channels);
            sums = sum_moments<N>(x, shift, path);
        }
        sums = add_threads<N>(sums, shared, lanes);
        if (!place.inside)
            continue;
        gpu_values<N> mean, factor = gpu_load<N>(t.scale + place.channel);
#pragma unroll
        for (int c = 0; c < N; c++) {
            float variance;
            finish_moments(&mean.at[c], &variance, shift.at[c], sums.first.at[c], sums.second.at[c], inverse_rows);
            factor.at[c] *= inverse_deviation(variance);
            if (place.row == 0)
                store_statistics(s, place.channel + static_cast<size_t>(c), mean.at[c], variance);
        }
        normalise<N, FUSED_AT_ONCE, Type>(t, mean, factor, place.channel, path);
    }
}

extern "C" __global__ void __launch_bounds__(FUSED_THREADS, FUSED_RESIDENT)
    batch_norm_forward_few_rows(enum tensor_type type, struct forward_tensors t, struct forward_statistics s,
                                unsigned lanes)
{
    alignas(16) __shared__ float shared[2 * 4 * FUSED_LANES * FUSED_THREADS / GPU_WARP];
    FOR_TYPE_AND_VECTOR(type, t.channels, forward_tiles, t, s, lanes, shared);
}

template <int N, typename Type>
static __device__ void backward_tiles(const struct backward_tensors &t, unsigned lanes, float *shared)
{
    for (size_t tile = blockIdx.x; tile < tiles_of<N>(lanes, t.channels); tile += gridDim.x) {
        struct place place = place_in<N>(tile, lanes, t.channels);
        struct path path = path_of(place, place.row, t.rows, place.rows, t.channels);
        two_sums<N> sums = {zeros<N>(), zeros<N>()};
        if (place.inside)
            sums = sum_gradients<N, Type>(t, gpu_load<N>(t.mean + place.channel), path);
        sums = add_threads<N>(sums, shared, lanes);
        if (!place.inside)
            continue;
        gpu_values<N> inverse_std = gpu_load<N>(t.inverse_std + place.channel);
#pragma unroll
        for (int c = 0; c < N; c++)
            sums.second.at[c] *= inverse_std.at[c];
        if (place.row == 0) {
            gpu_store(t.d_shift + place.channel, sums.first);
            gpu_store(t.d_scale + place.channel, sums.second);
        }
        spread_gradient<N, FUSED_AT_ONCE, Type>(t, sums.second, sums.first, place.channel, path);
    }
}

extern "C" __global__ void __launch_bounds__(FUSED_THREADS, FUSED_RESIDENT)
    batch_norm_backward_few_rows(enum tensor_type type, struct backward_tensors t, unsigned lanes)
{
    alignas(16) __shared__ float shared[2 * 4 * FUSED_LANES * FUSED_THREADS / GPU_WARP];
    FOR_TYPE_AND_VECTOR(type, t.channels, backward_tiles, t, lanes, shared);
}

/* ---- first launch of three: the sums of each part ------------------------------------------------------ */

static __device__ struct path path_of_part(struct place place, const struct partial_sums &p, size_t part,
                                           size_t rows, size_t channels)
{
    size_t row = part * p.part_rows, end = row + p.part_rows;
    return path_of(place, row + place.row, end < rows ? end : rows, place.rows, channels);
}

template <int N>
static __device__ void store_part(const struct partial_sums &p, size_t part, const two_sums<N> &sums,
                                  size_t channel, size_t channels)
{
    float *first = p.sums + 2 * part * channels + channel;
    gpu_store(first, sums.first);
    gpu_store(first + channels, sums.second);
}

template <int N, typename Type>
static __device__ void moments_of_parts(const struct forward_tensors &t, const struct partial_sums &p,
                                        unsigned lanes, float *shared)
{
    size_t tiles = tiles_of<N>(lanes, t.channels);
    for (size_t i = blockIdx.x; i < p.parts * tiles; i += gridDim.x) {
        struct place place = place_in<N>(i % tiles, lanes, t.channels);
        size_t part = i / tiles;
        struct path path = path_of_part(place, p, part, t.rows, t.channels);
        const Type *x = static_cast<const Type *>(t.x);
        gpu_values<N> shift = zeros<N>();
        two_sums<N> sums = {zeros<N>(), zeros<N>()};
        if (place.inside) {
            shift = rough_mean<N>(x + place.channel, t.rows, t.channels);
            sums = sum_moments<N>(x, shift, path);
        }
        sums = add_threads<N>(sums, shared, lanes);
        if (place.inside && place.row == 0) {
            if (part == 0)
                gpu_store(p.shift + place.channel, shift);
            store_part(p, part, sums, place.channel, t.channels);
        }
    }
}

extern "C" __global__ void __launch_bounds__(TILE_THREADS, TILE_RESIDENT)
    batch_norm_moments(enum tensor_type type, struct forward_tensors t, struct partial_sums p, unsigned lanes)
{
    alignas(16) __shared__ float shared[2 * 4 * TILE_LANES * TILE_THREADS / GPU_WARP];
    FOR_TYPE_AND_VECTOR(type, t.channels, moments_of_parts, t, p, lanes, shared);
}

template <int N, typename Type>
static __device__ void gradient_sums_of_parts(const struct backward_tensors &t, const struct partial_sums &p,
                                              unsigned lanes, float *shared)
{
    size_t tiles = tiles_of<N>(lanes, t.channels);
    for (size_t i = blockIdx.x; i < p.parts * tiles; i += gridDim.x) {
        struct place place = place_in<N>(i % tiles, lanes, t.channels);
        size_t part = i / tiles;
        struct path path = path_of_part(place, p, part, t.rows, t.channels);
        two_sums<N> sums = {zeros<N>(), zeros<N>()};
        if (place.inside)
            sums = sum_gradients<N, Type>(t, gpu_load<N>(t.mean + place.channel), path);
        sums = add_threads<N>(sums, shared, lanes);
        if (place.inside && place.row == 0)
            store_part(p, part, sums, place.channel, t.channels);
    }
}

extern "C" __global__ void __launch_bounds__(TILE_THREADS, TILE_RESIDENT)
    batch_norm_gradient_sums(enum tensor_type type, struct backward_tensors t, struct partial_sums p, unsigned lanes)
{
    alignas(16) __shared__ float shared[2 * 4 * TILE_LANES * TILE_THREADS / GPU_WARP];
    FOR_TYPE_AND_VECTOR(type, t.channels, gradient_sums_of_parts, t, p, lanes, shared);
}

/* ---- second launch: the sums of all parts -------------------------------------------------------------- */

/* Adds the parts of FINISH_CHANNELS channels in double. True for the thread that gets the sums of `channel`. */
static __device__ bool add_parts(double *first, double *second, double *shared, const struct partial_sums &p,
                                 size_t channel, size_t channels)
{
    double *firsts = shared, *seconds = shared + FINISH_THREADS;
    *first = *second = 0;
    if (channel < channels)
#pragma unroll 4
        for (size_t part = threadIdx.x / FINISH_CHANNELS; part < p.parts;
             part += FINISH_THREADS / FINISH_CHANNELS) {
            const float *sums = p.sums + 2 * part * channels + channel;
            *first += static_cast<double>(sums[0]);
            *second += static_cast<double>(sums[channels]);
        }
    firsts[threadIdx.x] = *first;
    seconds[threadIdx.x] = *second;
    __syncthreads();
    for (unsigned half = FINISH_THREADS / 2; half >= FINISH_CHANNELS; half /= 2) {
        if (threadIdx.x < half) {
            firsts[threadIdx.x] += firsts[threadIdx.x + half];
            seconds[threadIdx.x] += seconds[threadIdx.x + half];
        }
        __syncthreads();
    }
    *first = firsts[threadIdx.x]; /* its own place: no other thread writes there */
    *second = seconds[threadIdx.x];
    return threadIdx.x < FINISH_CHANNELS && channel < channels;
}

extern "C" __global__ void __launch_bounds__(FINISH_THREADS, FINISH_RESIDENT)
    batch_norm_finish_moments(struct forward_statistics s, struct partial_sums p, size_t rows, size_t channels)
{
    __shared__ double shared[2 * FINISH_THREADS];
    double first, second, inverse_rows = 1.0 / static_cast<double>(rows);
    for (size_t group = blockIdx.x; group * FINISH_CHANNELS < channels; group += gridDim.x) {
        size_t channel = group * FINISH_CHANNELS + threadIdx.x % FINISH_CHANNELS;
        if (add_parts(&first, &second, shared, p, channel, channels)) {
            float mean, variance;
            finish_moments(&mean, &variance, p.shift[channel], first, second, inverse_rows);
            store_statistics(s, channel, mean, variance);
        }
    }
}

extern "C" __global__ void __launch_bounds__(FINISH_THREADS, FINISH_RESIDENT)
    batch_norm_finish_gradients(float *d_scale, float *d_shift, const float *inverse_std, struct partial_sums p,
                                size_t channels)
{
    __shared__ double shared[2 * FINISH_THREADS];
    double first, second;
    for (size_t group = blockIdx.x; group * FINISH_CHANNELS < channels; group += gridDim.x) {
        size_t channel = group * FINISH_CHANNELS + threadIdx.x % FINISH_CHANNELS;
        if (add_parts(&first, &second, shared, p, channel, channels)) {
            d_shift[channel] = static_cast<float>(first);
            d_scale[channel] = static_cast<float>(second * static_cast<double>(inverse_std[channel]));
        }
    }
}

/* ---- third launch: a value for each element ------------------------------------------------------------ */

/* A block stays in one tile, so that a thread loads its channels' statistics once; the blocks of a tile share
 * its rows. */
static __device__ struct path path_of_grid(struct place place, unsigned tiles, size_t rows, size_t channels)
{
    return path_of(place, blockIdx.x / tiles * place.rows + place.row, rows, gridDim.x / tiles * place.rows,
                   channels);
}

template <int N, typename Type>
static __device__ void normalise_tile(const struct forward_tensors &t, const float *mean, const float *spread,
                                      bool spread_is_variance, unsigned lanes)
{
    unsigned tiles = static_cast<unsigned>(tiles_of<N>(lanes, t.channels));
    struct place place = place_in<N>(blockIdx.x % tiles, lanes, t.channels);
    if (!place.inside)
        return;
    gpu_values<N> factor = gpu_load<N>(spread + place.channel), scale = gpu_load<N>(t.scale + place.channel);
#pragma unroll
    for (int c = 0; c < N; c++)
        factor.at[c] = (spread_is_variance ? inverse_deviation(factor.at[c]) : factor.at[c]) * scale.at[c];
    normalise<N, TILE_AT_ONCE, Type>(t, gpu_load<N>(mean + place.channel), factor, place.channel,
                                     path_of_grid(place, tiles, t.rows, t.channels));
}

extern "C" __global__ void __launch_bounds__(TILE_THREADS, TILE_RESIDENT)
    batch_norm_normalise(enum tensor_type type, struct forward_tensors t, const float *mean, const float *spread,
                         bool spread_is_variance, unsigned lanes)
{
    FOR_TYPE_AND_VECTOR(type, t.channels, normalise_tile, t, mean, spread, spread_is_variance, lanes);
}

template <int N, typename Type>
static __device__ void gradient_tile(const struct backward_tensors &t, unsigned lanes)
{
    unsigned tiles = static_cast<unsigned>(tiles_of<N>(lanes, t.channels));
    struct place place = place_in<N>(blockIdx.x % tiles, lanes, t.channels);
    if (place.inside)
        spread_gradient<N, TILE_AT_ONCE, Type>(t, gpu_load<N>(t.d_scale + place.channel),
                                               gpu_load<N>(t.d_shift + place.channel), place.channel,
                                               path_of_grid(place, tiles, t.rows, t.channels));
}

extern "C" __global__ void __launch_bounds__(TILE_THREADS, TILE_RESIDENT)
    batch_norm_gradient(enum tensor_type type, struct backward_tensors t, unsigned lanes)
{
    FOR_TYPE_AND_VECTOR(type, t.channels, gradient_tile, t, lanes);
}

/* ---- launchers ----------------------------------------------------------------------------------------- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t quotient_up(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* Vectors of a tile: all of a row where they are few. */
static unsigned lanes_for(size_t channels, unsigned most)
{
    size_t vectors = channels % 4 == 0 ? channels / 4 : channels;
    unsigned lanes = 1;
    while (lanes < most && lanes < vectors)
        lanes *= 2;
    return lanes;
}

static size_t tiles_for(size_t channels, unsigned lanes)
{
    return quotient_up(channels % 4 == 0 ? channels / 4 : channels, lanes);
}

/* Enough parts to keep a large GPU busy, but no thread without rows and none with too many. */
static struct partial_sums cut_rows(size_t rows, size_t channels, float *scratch)
{
    unsigned lanes = lanes_for(channels, TILE_LANES);
    size_t thread_rows = quotient_up(rows * tiles_for(channels, lanes), PARTS_WANTED * (TILE_THREADS / lanes));
    if (thread_rows < LEAST_THREAD_ROWS)
        thread_rows = LEAST_THREAD_ROWS;
    thread_rows = smaller(thread_rows, MOST_THREAD_ROWS);
    struct partial_sums p;
    p.shift = scratch;
    p.sums = scratch + channels;
    p.part_rows = thread_rows * (TILE_THREADS / lanes);
    p.parts = quotient_up(rows, p.part_rows);
    return p;
}

size_t gpu_batch_norm_scratch(size_t rows, size_t channels)
{
    return rows <= FUSED_ROWS ? 0 : (2 * cut_rows(rows, channels, NULL).parts + 1) * channels * sizeof(float);
}

/* Blocks for `units` that do not depend on each other. */
static unsigned blocks_for(const struct gpu_queue *queue, size_t units, unsigned resident)
{
    return static_cast<unsigned>(smaller(units, static_cast<size_t>(queue->multiprocessors) * resident));
}

/* Blocks of a pass over all elements: the same number for each tile. */
static unsigned blocks_of_tiles(const struct gpu_queue *queue, size_t rows, size_t channels, unsigned lanes)
{
    size_t tiles = tiles_for(channels, lanes);
    size_t most = static_cast<size_t>(queue->multiprocessors) * TILE_RESIDENT / tiles;
    size_t blocks = smaller(most > 0 ? most : 1, quotient_up(rows, TILE_AT_ONCE * (TILE_THREADS / lanes)));
    return static_cast<unsigned>(tiles * blocks);
}

static int launch_normalise(const struct gpu_queue *queue, enum tensor_type type, const struct forward_tensors &t,
                            const float *mean, const float *spread, bool spread_is_variance)
{
    unsigned lanes = lanes_for(t.channels, TILE_LANES);
    return gpu_launch(queue, blocks_of_tiles(queue, t.rows, t.channels, lanes), TILE_THREADS, batch_norm_normalise,
                      type, t, mean, spread, spread_is_variance, lanes);
}

int gpu_batch_norm_forward(const struct gpu_queue *queue, enum tensor_type type, void *y, float *mean,
                           float *inverse_std, float *running_mean, float *running_variance, const void *x,
                           const void *shortcut, const float *scale, const float *shift, void *scratch, size_t rows,
                           size_t channels, bool relu)
{
    struct forward_tensors t = {y, x, shortcut, scale, shift, rows, channels, relu};
    struct forward_statistics s = {mean, inverse_std, running_mean, running_variance};
    if (rows <= FUSED_ROWS) {
        unsigned lanes = lanes_for(channels, FUSED_LANES);
        return gpu_launch(queue, blocks_for(queue, tiles_for(channels, lanes), FUSED_RESIDENT), FUSED_THREADS,
                          batch_norm_forward_few_rows, type, t, s, lanes);
    }
    unsigned lanes = lanes_for(channels, TILE_LANES);
    struct partial_sums p = cut_rows(rows, channels, static_cast<float *>(scratch));
    int error = gpu_launch(queue, blocks_for(queue, p.parts * tiles_for(channels, lanes), TILE_RESIDENT),
                           TILE_THREADS, batch_norm_moments, type, t, p, lanes);
    if (error == 0)
        error = gpu_launch(queue, blocks_for(queue, quotient_up(channels, FINISH_CHANNELS), FINISH_RESIDENT),
                           FINISH_THREADS, batch_norm_finish_moments, s, p, rows, channels);
    if (error == 0)
        error = launch_normalise(queue, type, t, mean, inverse_std, false);
    return error;
}

int gpu_batch_norm_inference(const struct gpu_queue *queue, enum tensor_type type, void *y, const float *running_mean,
                             const float *running_variance, const void *x, const void *shortcut, const float *scale,
                             const float *shift, size_t rows, size_t channels, bool relu)
{
    struct forward_tensors t = {y, x, shortcut, scale, shift, rows, channels, relu};
    return launch_normalise(queue, type, t, running_mean, running_variance, true);
}

int gpu_batch_norm_backward(const struct gpu_queue *queue, enum tensor_type type, void *dx, void *d_shortcut,
                            bool accumulate_shortcut, float *d_scale, float *d_shift, const void *dy, const void *x,
                            const void *y, const float *scale, const float *mean, const float *inverse_std,
                            void *scratch, size_t rows, size_t channels, bool relu)
{
    struct backward_tensors t = {dx,      d_shortcut, dy,   x,        relu ? y : NULL,    scale, mean, inverse_std,
                                 d_scale, d_shift,    rows, channels, accumulate_shortcut};
    if (rows <= FUSED_ROWS) {
        unsigned lanes = lanes_for(channels, FUSED_LANES);
        return gpu_launch(queue, blocks_for(queue, tiles_for(channels, lanes), FUSED_RESIDENT), FUSED_THREADS,
                          batch_norm_backward_few_rows, type, t, lanes);
    }
    unsigned lanes = lanes_for(channels, TILE_LANES);
    struct partial_sums p = cut_rows(rows, channels, static_cast<float *>(scratch));
    int error = gpu_launch(queue, blocks_for(queue, p.parts * tiles_for(channels, lanes), TILE_RESIDENT),
                           TILE_THREADS, batch_norm_gradient_sums, type, t, p, lanes);
    if (error == 0)
        error = gpu_launch(queue, blocks_for(queue, quotient_up(channels, FINISH_CHANNELS), FINISH_RESIDENT),
                           FINISH_THREADS, batch_norm_finish_gradients, d_scale, d_shift, inverse_std, p, channels);
    if (error == 0)
        error = gpu_launch(queue, blocks_of_tiles(queue, rows, channels, lanes), TILE_THREADS, batch_norm_gradient,
                           type, t, lanes);
    return error;
}

GPU_KERNELS(batch_norm_forward_few_rows, batch_norm_backward_few_rows, batch_norm_moments, batch_norm_gradient_sums,
            batch_norm_finish_moments, batch_norm_finish_gradients, batch_norm_normalise, batch_norm_gradient);
