/* Vectors of neighbouring channels: loaded and stored whole, as float32 in registers whatever the tensor's type. */
#ifndef TIDY_KERNELS_GPU_VECTOR_H
#define TIDY_KERNELS_GPU_VECTOR_H

#include "kernels/bf16.h"

/* WIDTH values in memory; aligned so that one instruction moves them. */
template <typename T, int WIDTH> struct alignas(WIDTH * sizeof(T)) packed {
    T value[WIDTH];
};

template <int WIDTH> using floats = packed<float, WIDTH>;

static inline __device__ float to_float(float value)
{
    return value;
}

static inline __device__ float to_float(struct bf16 value)
{
    return bf16_to_float(value);
}

static inline __device__ void round_to(float *out, float value)
{
    *out = value;
}

static inline __device__ void round_to(struct bf16 *out, float value)
{
    *out = bf16_from_float(value);
}

template <int WIDTH, typename T> static inline __device__ floats<WIDTH> load(const T *from)
{
    packed<T, WIDTH> stored = *reinterpret_cast<const packed<T, WIDTH> *>(from);
    floats<WIDTH> out;
    for (int i = 0; i < WIDTH; i++)
        out.value[i] = to_float(stored.value[i]);
    return out;
}

template <int WIDTH, typename T> static inline __device__ void store(T *to, floats<WIDTH> vector)
{
    packed<T, WIDTH> stored;
    for (int i = 0; i < WIDTH; i++)
        round_to(&stored.value[i], vector.value[i]);
    *reinterpret_cast<packed<T, WIDTH> *>(to) = stored;
}

template <int WIDTH> static inline __device__ floats<WIDTH> zeros()
{
    floats<WIDTH> out;
    for (int i = 0; i < WIDTH; i++)
        out.value[i] = 0;
    return out;
}

template <int WIDTH> static inline __device__ floats<WIDTH> operator+(floats<WIDTH> a, floats<WIDTH> b)
{
    for (int i = 0; i < WIDTH; i++)
        a.value[i] += b.value[i];
    return a;
}

template <int WIDTH> static inline __device__ floats<WIDTH> &operator+=(floats<WIDTH> &a, floats<WIDTH> b)
{
    return a = a + b;
}

#endif
