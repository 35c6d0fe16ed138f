/* What one block of batch_norm.cu does with a tile of an NHWC tensor seen as [rows][channels]: sums over rows, statistics
 * from them, and a value for each element.
 *
 * A tile is `lanes` vectors of WIDTH channels side by side (a power of two of them); the threads of a block form rows
 * below each other. Tensors are of type T, statistics float32. */
#ifndef TIDY_KERNELS_BATCH_NORM_TILE_H
#define TIDY_KERNELS_BATCH_NORM_TILE_H

#include "kernels/gpu_vector.h"
#include "kernels/kernels.h"

#include <math.h>

enum {
    SHIFT_ROWS = 4 /* rows whose mean is taken off before squaring */
};

struct forward_tensors {
    void *y;
    const void *x, *shortcut; /* shortcut may be NULL */
    const float *scale, *shift;
    size_t rows, channels;
    bool relu;
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
    bool accumulate;
};

/* ---- a thread's place ---------------------------------------------------------------------------------- */

struct place {
    unsigned lane, row, rows; /* its vector of the tile, its row, and rows of the block's threads */
    size_t channel;           /* first of its vector */
    bool inside;              /* else its vector lies beyond the last channel */
};

template <int WIDTH> static __device__ struct place place_in(size_t tile, unsigned lanes, size_t channels)
{
    struct place place;
    place.lane = threadIdx.x % lanes;
    place.row = threadIdx.x / lanes;
    place.rows = blockDim.x / lanes;
    place.channel = (tile * lanes + place.lane) * WIDTH;
    place.inside = place.channel < channels;
    return place;
}

/* The elements that a thread visits: its vector in every `stride / channels`-th row. */
struct path {
    size_t first, stride, end;
};

static __device__ struct path path_of(struct place place, size_t row, size_t end_row, size_t step, size_t channels)
{
    struct path path = {row * channels + place.channel, step * channels, end_row * channels};
    return path;
}

template <int WIDTH> static __device__ size_t tiles_of(unsigned lanes, size_t channels)
{
    return (channels + lanes * WIDTH - 1) / (lanes * WIDTH);
}

/* ---- sums over rows ------------------------------------------------------------------------------------ */

template <int WIDTH> struct two_sums {
    floats<WIDTH> first, second;
};

/* Adds the sums of all threads of a lane, in pairs; every thread gets the total. All threads of the block come here. */
template <int WIDTH> static __device__ two_sums<WIDTH> add_threads(two_sums<WIDTH> sums, floats<4> *shared, unsigned lanes)
{
    floats<WIDTH> *first = reinterpret_cast<floats<WIDTH> *>(shared), *second = first + blockDim.x;
    first[threadIdx.x] = sums.first;
    second[threadIdx.x] = sums.second;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half >= lanes; half /= 2) {
        if (threadIdx.x < half) {
            first[threadIdx.x] += first[threadIdx.x + half];
            second[threadIdx.x] += second[threadIdx.x + half];
        }
        __syncthreads();
    }
    sums.first = first[threadIdx.x % lanes];
    sums.second = second[threadIdx.x % lanes];
    __syncthreads(); /* before `shared` is written again */
    return sums;
}

/* A rough mean, the same in every block: sums of squares lose digits where the mean is large beside the spread. */
template <int WIDTH, typename T> static __device__ floats<WIDTH> rough_mean(const T *x, size_t rows, size_t channels)
{
    floats<WIDTH> sum = zeros<WIDTH>();
    size_t step = rows / SHIFT_ROWS;
    for (size_t i = 0; i < SHIFT_ROWS; i++) {
        size_t row = step > 0 ? i * step : i < rows ? i : rows - 1;
        sum += load<WIDTH>(x + row * channels);
    }
    for (int c = 0; c < WIDTH; c++)
        sum.value[c] *= 1.0f / SHIFT_ROWS;
    return sum;
}

/* first = sum of x - shift, second = sum of its square. */
template <int WIDTH, typename T>
static __device__ two_sums<WIDTH> sum_moments(const T *x, floats<WIDTH> shift, struct path path)
{
    two_sums<WIDTH> sums = {zeros<WIDTH>(), zeros<WIDTH>()};
    for (size_t at = path.first; at < path.end; at += path.stride) {
        floats<WIDTH> value = load<WIDTH>(x + at);
        for (int c = 0; c < WIDTH; c++) {
            float deviation = value.value[c] - shift.value[c];
            sums.first.value[c] += deviation;
            sums.second.value[c] += deviation * deviation;
        }
    }
    return sums;
}

/* dy where y > 0, else 0; y may be NULL. */
template <int WIDTH, typename T> static __device__ floats<WIDTH> masked(const T *dy, const T *y, size_t offset)
{
    floats<WIDTH> gradient = load<WIDTH>(dy + offset);
    if (y != NULL) {
        floats<WIDTH> mask = load<WIDTH>(y + offset);
        for (int c = 0; c < WIDTH; c++)
            gradient.value[c] = mask.value[c] > 0 ? gradient.value[c] : 0;
    }
    return gradient;
}

/* first = sum of the masked dy, second = sum of its product with x - mean. */
template <int WIDTH, typename T>
static __device__ two_sums<WIDTH> sum_gradients(const struct backward_tensors &t, floats<WIDTH> mean, struct path path)
{
    const T *dy = static_cast<const T *>(t.dy), *x = static_cast<const T *>(t.x), *y = static_cast<const T *>(t.y);
    two_sums<WIDTH> sums = {zeros<WIDTH>(), zeros<WIDTH>()};
    for (size_t at = path.first; at < path.end; at += path.stride) {
        floats<WIDTH> gradient = masked<WIDTH>(dy, y, at), value = load<WIDTH>(x + at);
        for (int c = 0; c < WIDTH; c++) {
            sums.first.value[c] += gradient.value[c];
            sums.second.value[c] += gradient.value[c] * (value.value[c] - mean.value[c]);
        }
    }
    return sums;
}

/* ---- from sums to statistics --------------------------------------------------------------------------- */

/* One channel's statistics of the batch; `Real` is float where the sums are of few rows, else double. */
template <typename Real>
static __device__ void finish_moments(float *mean, float *variance, float shift, Real first, Real second, Real inverse_rows)
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

static __device__ void store_statistics(const struct forward_statistics &s, size_t channel, float mean, float variance)
{
    s.mean[channel] = mean;
    s.inverse_std[channel] = inverse_deviation(variance);
    s.running_mean[channel] = BATCH_NORM_KEEP * s.running_mean[channel] + (1 - BATCH_NORM_KEEP) * mean;
    s.running_variance[channel] = BATCH_NORM_KEEP * s.running_variance[channel] + (1 - BATCH_NORM_KEEP) * variance;
}

/* ---- a value for each element -------------------------------------------------------------------------- */

/* y = relu((x - mean) * factor + shift + shortcut), factor = inverse_std * scale. */
template <int WIDTH, int AT_ONCE, typename T>
static __device__ void normalise(const struct forward_tensors &t, floats<WIDTH> mean, floats<WIDTH> factor,
                                 size_t channel, struct path path)
{
    T *y = static_cast<T *>(t.y);
    const T *x = static_cast<const T *>(t.x), *shortcut = static_cast<const T *>(t.shortcut);
    floats<WIDTH> shift = load<WIDTH>(t.shift + channel);
    float least = t.relu ? 0 : -INFINITY;
    for (size_t at = path.first; at < path.end; at += AT_ONCE * path.stride) {
        floats<WIDTH> value[AT_ONCE], added[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++) {
            size_t element = at + i * path.stride;
            value[i] = added[i] = zeros<WIDTH>();
            if (element < path.end) {
                value[i] = load<WIDTH>(x + element);
                if (shortcut != NULL)
                    added[i] = load<WIDTH>(shortcut + element);
            }
        }
        for (int i = 0; i < AT_ONCE; i++) {
            size_t element = at + i * path.stride;
            for (int c = 0; c < WIDTH; c++) {
                float normalised = (value[i].value[c] - mean.value[c]) * factor.value[c] + shift.value[c];
                float sum = normalised + added[i].value[c];
                value[i].value[c] = sum < least ? least : sum;
            }
            if (element < path.end)
                store(y + element, value[i]);
        }
    }
}

/* dx = scale * inverse_std * (g - mean of g - normalised x * mean of (g * normalised x)), g = masked dy, and
 * d_shortcut = g. dx and dy may be the same: each element is read before it is written, by the same thread. */
template <int WIDTH, int AT_ONCE, typename T>
static __device__ void spread_gradient(const struct backward_tensors &t, floats<WIDTH> d_scale, floats<WIDTH> d_shift,
                                       size_t channel, struct path path)
{
    T *dx = static_cast<T *>(t.dx), *d_shortcut = static_cast<T *>(t.d_shortcut);
    const T *dy = static_cast<const T *>(t.dy), *x = static_cast<const T *>(t.x), *y = static_cast<const T *>(t.y);
    floats<WIDTH> mean = load<WIDTH>(t.mean + channel), factor = load<WIDTH>(t.scale + channel);
    floats<WIDTH> inverse_std = load<WIDTH>(t.inverse_std + channel);
    float inverse_rows = 1.0f / static_cast<float>(t.rows);
    floats<WIDTH> constant, slope; /* of what is taken off g, as a function of x - mean */
    for (int c = 0; c < WIDTH; c++) {
        factor.value[c] *= inverse_std.value[c];
        constant.value[c] = d_shift.value[c] * inverse_rows;
        slope.value[c] = d_scale.value[c] * inverse_rows * inverse_std.value[c];
    }
    for (size_t at = path.first; at < path.end; at += AT_ONCE * path.stride) {
        floats<WIDTH> gradient[AT_ONCE], value[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++) {
            size_t element = at + i * path.stride;
            gradient[i] = value[i] = zeros<WIDTH>();
            if (element < path.end) {
                gradient[i] = masked<WIDTH>(dy, y, element);
                value[i] = load<WIDTH>(x + element);
            }
        }
        for (int i = 0; i < AT_ONCE; i++) {
            size_t element = at + i * path.stride;
            if (element >= path.end)
                break;
            if (d_shortcut != NULL)
                store(d_shortcut + element,
                      t.accumulate ? load<WIDTH>(d_shortcut + element) + gradient[i] : gradient[i]);
            for (int c = 0; c < WIDTH; c++) {
                float removed = constant.value[c] + slope.value[c] * (value[i].value[c] - mean.value[c]);
                gradient[i].value[c] = factor.value[c] * (gradient[i].value[c] - removed);
            }
            store(dx + element, gradient[i]);
        }
    }
}

#endif
