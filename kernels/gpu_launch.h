/* What the .cu files share: launching, the size of a grid, tensors of either type read and written in vectors. C++.
 *
 * A .cu file is compiled by nvcc for the GPU and, in the tests, by the host's compiler for the CPU, with a shim for
 * CUDA's words included first (tests/gpu/shim/cuda_on_cpu.h). Kernels are extern "C" __global__ functions; every
 * other function and shared array of a .cu file is static. */
#ifndef TIDY_KERNELS_GPU_LAUNCH_H
#define TIDY_KERNELS_GPU_LAUNCH_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/bf16.h"
#include "kernels/kernels_gpu.h"

#ifdef __CUDACC__
#include <cuda_runtime.h>
#endif

enum {
    GPU_WARP = 32,
    GPU_THREADS = 256,  /* of a block, where nothing asks for another number */
    GPU_RESIDENT = 2048 /* threads that a multiprocessor holds at most, of all architectures */
};

/* Enqueues kernel(arguments...) on 1-D grids and blocks: blocks > 0, 0 < threads <= 1024. Returns a cudaError_t. */
template <typename... Parameters, typename... Arguments>
static inline int gpu_launch(const struct gpu_queue *queue, unsigned blocks, unsigned threads,
                             void (*kernel)(Parameters...), Arguments... arguments)
{
#ifdef __CUDACC__
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(blocks);
    config.blockDim = dim3(threads);
    config.stream = queue->stream;
    return cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...);
#else
    (void)queue;
    return shim_launch(blocks, threads, kernel, static_cast<Parameters>(arguments)...);
#endif
}

/* 0, or the cudaError_t why the kernel cannot be loaded on the current device. */
template <typename... Parameters> static inline int gpu_kernel_loads(void (*kernel)(Parameters...))
{
#ifdef __CUDACC__
    cudaFuncAttributes attributes;
    return cudaFuncGetAttributes(&attributes, kernel);
#else
    (void)kernel;
    return 0;
#endif
}

/* Each .cu file ends with GPU_KERNELS(name, ...), all of its kernels: the tests find them by name. */
#ifdef __CUDACC__
#define GPU_KERNELS(...) static_assert(true, "")
#else
#define GPU_KERNELS(...) SHIM_KERNELS(__VA_ARGS__)
#endif

/* Blocks of `threads` threads for `items` items, one for a thread at a time: as many as there is work for, and no
 * more than the device holds at once. Kernels take further items in strides of the grid. At least one, so that a
 * launch is never void. */
static inline unsigned gpu_blocks(const struct gpu_queue *queue, size_t items, unsigned threads)
{
    size_t needed = items / threads + (items % threads != 0);
    size_t most = (size_t)queue->multiprocessors * (GPU_RESIDENT / threads);
    size_t blocks = needed < most ? needed : most;
    return blocks > 0 ? (unsigned)blocks : 1;
}

/* Work on images is cut into tiles of GPU_THREADS items, none across two images: so an item's place in its image is
 * a number of 32 bits, and finding the image is one division for a whole block. Tiles of `images` images of `items`
 * items (this number is below 2^32 for all that fits a device's memory): */
static __host__ __device__ inline uint32_t gpu_tiles(uint32_t images, uint32_t items)
{
    return images * (items / GPU_THREADS + (items % GPU_THREADS != 0));
}

/* Where this thread is in a tile. */
struct gpu_place {
    uint32_t image, item; /* item: nothing to do where it is not below `items` */
};

static __device__ inline gpu_place gpu_place_in_tile(uint32_t tile, uint32_t items)
{
    uint32_t tiles = gpu_tiles(1, items), image = tile / tiles;
    return {image, (tile - image * tiles) * GPU_THREADS + threadIdx.x};
}

/* This thread's number in the grid, and the threads of the grid: where and in which strides it takes items. */
static __device__ inline size_t gpu_first_item()
{
    return (size_t)blockIdx.x * blockDim.x + threadIdx.x;
}

static __device__ inline size_t gpu_stride()
{
    return (size_t)gridDim.x * blockDim.x;
}

/* N neighbouring values of a tensor, as the float32 that they are computed in. */
template <int N> struct gpu_values {
    float at[N];
};

/* The same as they lie in memory. Its alignment makes the compiler read or write all of it in one access. */
template <typename Type, int N> struct alignas(N * sizeof(Type)) gpu_packed {
    Type at[N];
};

static __device__ inline void gpu_convert(float *to, float from)
{
    *to = from;
}

static __device__ inline void gpu_convert(float *to, struct bf16 from)
{
    *to = bf16_to_float(from);
}

static __device__ inline void gpu_convert(struct bf16 *to, float from)
{
    *to = bf16_from_float(from);
}

/* Reads N values (1, 2 or 4) of a tensor of float or struct bf16; `from` is aligned to N of them. */
template <int N, typename Type> static __device__ inline gpu_values<N> gpu_load(const Type *from)
{
    gpu_packed<Type, N> packed = *reinterpret_cast<const gpu_packed<Type, N> *>(from);
    gpu_values<N> values;
#pragma unroll
    for (int i = 0; i < N; i++)
        gpu_convert(&values.at[i], packed.at[i]);
    return values;
}

/* Writes them; rounds where the type is struct bf16. */
template <int N, typename Type> static __device__ inline void gpu_store(Type *to, const gpu_values<N> &values)
{
    gpu_packed<Type, N> packed;
#pragma unroll
    for (int i = 0; i < N; i++)
        gpu_convert(&packed.at[i], values.at[i]);
    *reinterpret_cast<gpu_packed<Type, N> *>(to) = packed;
}

/* A kernel has up to four variants: tensors of float32 or bf16, 1 or 4 values at a time. GPU_VARIANTS(name,
 * (parameters), (arguments)) makes the kernels name_f32_1, name_f32_4, name_bf16_1 and name_bf16_4 of a template
 * name<Type, N>(arguments); GPU_VARIANT_NAMES lists them for GPU_KERNELS, and GPU_VARIANT chooses one. */
#define GPU_VARIANT_OF(kernel, name, type, n, parameters, arguments)                                               \
    extern "C" __global__ void __launch_bounds__(GPU_THREADS) kernel parameters                                    \
    {                                                                                                              \
        name<type, n> arguments;                                                                                   \
    }
#define GPU_VARIANTS(name, parameters, arguments)                                                                  \
    GPU_VARIANT_OF(name##_f32_1, name, float, 1, parameters, arguments)                                            \
    GPU_VARIANT_OF(name##_f32_4, name, float, 4, parameters, arguments)                                            \
    GPU_VARIANT_OF(name##_bf16_1, name, struct bf16, 1, parameters, arguments)                                     \
    GPU_VARIANT_OF(name##_bf16_4, name, struct bf16, 4, parameters, arguments)
#define GPU_VARIANT_NAMES(name) name##_f32_1, name##_f32_4, name##_bf16_1, name##_bf16_4
#define GPU_VARIANT(name, type, n)                                                                                 \
    ((type) == TENSOR_F32 ? ((n) == 4 ? name##_f32_4 : name##_f32_1) : ((n) == 4 ? name##_bf16_4 : name##_bf16_1))

/* How many channels at a time: 4 where every pixel begins at a vector's boundary. */
static inline uint32_t gpu_vector(size_t channels)
{
    return channels % 4 == 0 ? 4 : 1;
}

#endif
