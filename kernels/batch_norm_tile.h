/* What one block of batch_norm.cu does with a tile of an NHWC tensor seen as [rows][channels]: sums over rows,
 * statistics from them, and a value for each element.
 *
 * A tile is `lanes` vectors of N channels side by side (a power of two of them); the threads of a block form
 * rows below each other. Tensors are of type Type, statistics float32. */
#ifndef TIDY_KERNELS_BATCH_NORM_TILE_H
#define TIDY_KERNELS_BATCH_NORM_TILE_H

#include "kernels/gpu_launch.h"
#include "kernels/kernels.h"

#include <math.h>

enum {
    SHIFT_ROWS = 4,   /* rows whose mean is taken off before squaring */
    SHIFT_DRIFT = 13, /* a prime above SHIFT_ROWS: they drift through the image by parts of it */
    ALL_LANES = -1    /* of a warp */
};

/* Truth values of 64 bits leave no padding: a launch copies it too, and what it holds may look like an address. */
struct forward_tensors {
    void *y;
    const void *x, *shortcut; /* shortcut may be NULL */
    const float *scale, *shift;
    size_t rows, channels;
    uint64_t relu;
};

struct forward_statistics {
    float *mean, *inverse_std, *running_mean, *running_variance;
};

struct backward_tensors {
    void *dx, *d_shortcut;  /* d_shortcut may be NULL */
    const void *dy, *x, *y; /* y is NULL where there is no ReLU */
    const float *scale, *mean, *inverse_std;
    float *d_scale, *d_shift;
    size_t rows, channels;
    uint64_t accumulate;
};

/* ---- a thread's place ---------------------------------------------------------------------------------- */

struct place {
    unsigned lane, row, rows; /* its vector of the tile, its row, and rows of the block's threads */
    size_t channel;           /* first of its vector */
    bool inside;              /* else its vector lies beyond the last channel */
};

template <int N> static __device__ struct place place_in(size_t tile, unsigned lanes, size_t channels)
{
    struct place place;
    place.lane = threadIdx.x % lanes;
    place.row = threadIdx.x / lanes;
    place.rows = blockDim.x / lanes;
    /* The order of factors shows the compiler that a vector is aligned: else it stores its values one by one. */
    place.channel = tile * (lanes * N) + place.lane * N;
    place.inside = place.channel < channels;
    return place;
}

/* The elements that a thread visits: its vector in every `stride / channels`-th row. */
struct path {
    size_t first, stride, end;
    unsigned rows; /* as many; a loop that counts them is unrolled, and then has several loads under way */
};

/* row < end_row + step: the last threads may have no row. */
static __device__ struct path path_of(struct place place, size_t row, size_t end_row, size_t step, size_t channels)
{
    struct path path = {row * channels + place.channel, step * channels, end_row * channels,
                        static_cast<unsigned>((end_row + step - 1 - row) / step)};
    return path;
}

template <int N> static __device__ size_t tiles_of(unsigned lanes, size_t channels)
{
    return (channels + lanes * N - 1) / (lanes * N);
}

/* ---- sums over rows ------------------------------------------------------------------------------------ */

template <int N> static __device__ gpu_values<N> zeros()
{
    gpu_values<N> out;
#pragma unroll
    for (int c = 0; c < N; c++)
        out.at[c] = 0;
    return out;
}

template <int N> static __device__ gpu_values<N> operator+(gpu_values<N> a, const gpu_values<N> &b)
{
#pragma unroll
    for (int c = 0; c < N; c++)
        a.at[c] += b.at[c];
    return a;
}

template <int N> struct two_sums {
    gpu_values<N> first, second;
};

/* Adds the sums of a warp's threads of the same lane, in pairs; each of them gets the total. */
template <int N> static __device__ two_sums<N> add_warp(two_sums<N> sums, unsigned lanes)
{
    for (unsigned distance = GPU_WARP / 2; distance >= lanes; distance /= 2)
#pragma unroll
        for (int c = 0; c < N; c++) {
            sums.first.at[c] += __shfl_xor_sync(static_cast<unsigned>(ALL_LANES), sums.first.at[c], distance);
            sums.second.at[c] += __shfl_xor_sync(static_cast<unsigned>(ALL_LANES), sums.second.at[c], distance);
        }
    return sums;
}

/* Adds the sums of all threads of a lane; every thread gets the total, and each warp makes it in the same order. All
 * threads of the block come here. shared has room for 2 N floats of each lane of each warp, aligned to 16 bytes. */
template <int N> static __device__ two_sums<N> add_threads(two_sums<N> sums, float *shared, unsigned lanes)
{
    unsigned lane = threadIdx.x % lanes, row = threadIdx.x % GPU_WARP / lanes; /* of the warp */
    sums = add_warp<N>(sums, lanes);
    if (row == 0) {
        float *own = shared + (threadIdx.x / GPU_WARP * lanes + lane) * (2 * N);
        gpu_store(own, sums.first);
        gpu_store(own + N, sums.second);
    }
    __syncthreads();
    sums = {zeros<N>(), zeros<N>()};
    for (unsigned warp = row; warp < blockDim.x / GPU_WARP; warp += GPU_WARP / lanes) {
        const float *of_warp = shared + (warp * lanes + lane) * (2 * N);
        sums.first = sums.first + gpu_load<N>(of_warp);
        sums.second = sums.second + gpu_load<N>(of_warp + N);
    }
    __syncthreads(); /* before `shared` is written again */
    return add_warp<N>(sums, lanes);
}

/* A rough mean, the same in every block: sums of squares lose digits where the mean is large beside the spread. Its
 * rows drift: a step of whole images would take the same pixel of each. */
template <int N, typename Type>
static __device__ gpu_values<N> rough_mean(const Type *x, size_t rows, size_t channels)
{
    gpu_values<N> sum = zeros<N>();
    size_t step = rows / SHIFT_ROWS;
#pragma unroll
    for (size_t i = 0; i < SHIFT_ROWS; i++) {
        size_t drifting = i * step + (i + 1) * step / SHIFT_DRIFT; /* below (i + 1) * step */
        size_t row = step > 0 ? drifting : i < rows ? i : rows - 1;
        sum = sum + gpu_load<N>(x + row * channels);
    }
#pragma unroll
    for (int c = 0; c < N; c++)
        sum.at[c] /= static_cast<float>(SHIFT_ROWS);
    return sum;
}

/* first = sum of x - shift, second = sum of its square. */
template <int N, typename Type>
static __device__ two_sums<N> sum_moments(const Type *x, gpu_values<N> shift, struct path path)
{
    two_sums<N> sums = {zeros<N>(), zeros<N>()};
    size_t at = path.first;
#pragma unroll 4
    for (unsigned i = 0; i < path.rows; i++, at += path.stride) {
        gpu_values<N> value = gpu_load<N>(x + at);
#pragma unroll
        for (int c = 0; c < N; c++) {
            float deviation = value.at[c] - shift.at[c];
            sums.first.at[c] += deviation;
            sums.second.at[c] += deviation * deviation;
        }
    }
    return sums;
}

/* dy where y > 0, else 0; y may be NULL. */
template <int N, typename Type> static __device__ gpu_values<N> masked(const Type *dy, const Type *y, size_t offset)
{
    gpu_values<N> gradient = gpu_load<N>(dy + offset);
    if (y != NULL) {
        gpu_values<N> mask = gpu_load<N>(y + offset);
#pragma unroll
        for (int c = 0; c < N; c++)
            gradient.at[c] = mask.at[c] > 0 ? gradient.at[c] : 0;
    }
    return gradient;
}

/* first = sum of the masked dy, second = sum of its product with x - mean. */
template <int N, typename Type>
static __device__ two_sums<N> sum_gradients(const struct backward_tensors &t, gpu_values<N> mean, struct path path)
{
    const Type *dy = static_cast<const Type *>(t.dy), *x = static_cast<const Type *>(t.x),
               *y = static_cast<const Type *>(t.y);
    two_sums<N> sums = {zeros<N>(), zeros<N>()};
    size_t at = path.first;
#pragma unroll 2
    for (unsigned i = 0; i < path.rows; i++, at += path.stride) {
        gpu_values<N> gradient = masked<N>(dy, y, at), value = gpu_load<N>(x + at);
#pragma unroll
        for (int c = 0; c < N; c++) {
            sums.first.at[c] += gradient.at[c];
            sums.second.at[c] += gradient.at[c] * (value.at[c] - mean.at[c]);
        }
    }
    return sums;
}

/* ---- from sums to statistics --------------------------------------------------------------------------- */

/* One channel's statistics of the batch; `Real` is float where the sums are of few rows, else double. */
template <typename Real>
static __device__ void finish_moments(float *mean, float *variance, float shift, Real first, Real second,
                                      Real inverse_rows)
{
    Real deviation = first * inverse_rows;
    Real spread = second * inverse_rows - deviation * deviation;
    *mean = static_cast<float>(static_cast<Real>(shift) + deviation);
    *variance = spread > 0 ? static_cast<float>(spread) : 0;
}

static __device__ float inverse_deviation(float variance)
{
    return 1.0f / sqrtf(variance + BATCH_NORM_EPSILON);
}

static __device__ void store_statistics(const struct forward_statistics &s, size_t channel, float mean,
                                        float variance)
{
    s.mean[channel] = mean;
    s.inverse_std[channel] = inverse_deviation(variance);
    s.running_mean[channel] = BATCH_NORM_KEEP * s.running_mean[channel] + (1 - BATCH_NORM_KEEP) * mean;
    s.running_variance[channel] = BATCH_NORM_KEEP * s.running_variance[channel] + (1 - BATCH_NORM_KEEP) * variance;
}

/* ---- a value for each element -------------------------------------------------------------------------- */

/* y = relu((x - mean) * factor + shift + shortcut), factor = inverse_std * scale. */
template <int N, int AT_ONCE, typename Type>
static __device__ void normalise(const struct forward_tensors &t, gpu_values<N> mean, gpu_values<N> factor,
                                 size_t channel, struct path path)
{
    Type *y = static_cast<Type *>(t.y);
    const Type *x = static_cast<const Type *>(t.x), *shortcut = static_cast<const Type *>(t.shortcut);
    gpu_values<N> shift = gpu_load<N>(t.shift + channel);
    float least = t.relu ? 0 : -INFINITY;
    for (size_t at = path.first; at < path.end; at += AT_ONCE * path.stride) {
        gpu_values<N> value[AT_ONCE], added[AT_ONCE];
#pragma unroll
        for (size_t i = 0; i < AT_ONCE; i++) {
            size_t element = at + i * path.stride;
            value[i] = added[i] = zeros<N>();
            if (element < path.end) {
                value[i] = gpu_load<N>(x + element);
                if (shortcut != NULL)
                    added[i] = gpu_load<N>(shortcut + element);
            }
        }
#pragma unroll
        for (size_t i = 0; i < AT_ONCE; i++) {
            size_t element = at + i * path.stride;
#pragma unroll
            for (int c = 0; c < N; c++) {
                float normalised = (value[i].at[c] - mean.at[c]) * factor.at[c] + shift.at[c];
                float sum = normalised + added[i].at[c];
                value[i].at[c] = sum < least ? least : sum;
            }
            if (element < path.end)
                gpu_store(y + element, value[i]);
        }
    }
}

/* dx = scale * inverse_std * (g - mean of g - normalised x * mean of (g * normalised x)), g = masked dy, and
 * d_shortcut = g. dx and dy may be the same: each element is read before it is written, by the same thread. */
template <int N, int AT_ONCE, typename Type>
static __device__ void spread_gradient(const struct backward_tensors &t, gpu_values<N> d_scale,
                                       gpu_values<N> d_shift, size_t channel, struct path path)
{
    Type *dx = static_cast<Type *>(t.dx), *d_shortcut = static_cast<Type *>(t.d_shortcut);
    const Type *dy = static_cast<const Type *>(t.dy), *x = static_cast<const Type *>(t.x),
               *y = static_cast<const Type *>(t.y);
    gpu_values<N> mean = gpu_load<N>(t.mean + channel), factor = gpu_load<N>(t.scale + channel);
    gpu_values<N> inverse_std = gpu_load<N>(t.inverse_std + channel);
    float inverse_rows = 1.0f / static_cast<float>(t.rows);
    gpu_values<N> constant, slope; /* of what is taken off g, as a function of x - mean */
#pragma unroll
    for (int c = 0; c < N; c++) {
        factor.at[c] *= inverse_std.at[c];
        constant.at[c] = d_shift.at[c] * inverse_rows;
        slope.at[c] = d_scale.at[c] * inverse_rows * inverse_std.at[c];
    }
    for (size_t at = path.first; at < path.end; at += AT_ONCE * path.stride) {
        gpu_values<N> gradient[AT_ONCE], value[AT_ONCE];
#pragma unroll
        for (size_t i = 0; i < AT_ONCE; i++) {
            size_t element = at + i * path.stride;
            gradient[i] = value[i] = zeros<N>();
            if (element < path.end) {
                gradient[i] = masked<N>(dy, y, element);
                value[i] = gpu_load<N>(x + element);
            }
        }
#pragma unroll
        for (size_t i = 0; i < AT_ONCE; i++) {
            size_t element = at + i * path.stride;
            if (element >= path.end)
                break;
            if (d_shortcut != NULL)
                gpu_store(d_shortcut + element,
                          t.accumulate ? gpu_load<N>(d_shortcut + element) + gradient[i] : gradient[i]);
#pragma unroll
            for (int c = 0; c < N; c++) {
                float removed = constant.at[c] + slope.at[c] * (value[i].at[c] - mean.at[c]);
                gradient[i].at[c] = factor.at[c] * (gradient[i].at[c] - removed);
            }
            gpu_store(dx + element, gradient[i]);
        }
    }
}

#endif
