/* CUDA's words for a compiler of plain C++: included before all else of a .cu file that is compiled for the CPU.
 *
 * Only what the kernels use. */
#ifndef TIDY_TESTS_GPU_CUDA_ON_CPU_H
#define TIDY_TESTS_GPU_CUDA_ON_CPU_H

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "tests/gpu/shim/shim.h"

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
/* One block runs at a time, so that a block's memory can be static. The section lets the shim find all of it. */
#define __shared__ static __attribute__((section("shim_shared")))

#define __syncthreads() shim_barrier(__LINE__)
#define __shfl_xor_sync(mask, value, lanes) shim_shuffle_xor(mask, value, lanes, __LINE__)

template <typename Value> static inline Value shim_shuffle_xor(unsigned mask, Value value, unsigned lanes, int site)
{
    static_assert(sizeof value == 4 || sizeof value == 8, "CUDA shuffles 4 or 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = shim_shuffle(mask, bits, threadIdx.x % SHIM_WARP ^ lanes, site);
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A product and a sum that are never fused with another, whatever the compiler may do to the rest. */
__attribute__((noinline, unused)) static float __fmul_rn(float a, float b)
{
    return a * b;
}

__attribute__((noinline, unused)) static float __fadd_rn(float a, float b)
{
    return a + b;
}

/* How a kernel's arguments are taken from an array of pointers, as cudaLaunchKernelExC has them. */
template <typename... Parameters> struct shim_signature {
    static constexpr size_t sizes[sizeof...(Parameters)] = {sizeof(Parameters)...};

    template <size_t... I>
    static void unpack(void (*kernel)(Parameters...), void *const *arguments, std::index_sequence<I...>)
    {
        kernel(*static_cast<Parameters *>(arguments[I])...);
    }

    static void call(void (*function)(void), void *const *arguments)
    {
        unpack(reinterpret_cast<void (*)(Parameters...)>(function), arguments,
               std::index_sequence_for<Parameters...>());
    }
};

/* Registers kernels with the names of a list "a, b, c". */
template <size_t N> struct shim_kernels {
    struct shim_kernel rows[N];

    template <typename... Functions> explicit shim_kernels(const char *names, Functions... functions)
    {
        struct shim_kernel *row = rows;
        (add(row++, &names, functions), ...);
    }

    template <typename... Parameters>
    static void add(struct shim_kernel *row, const char **names, void (*function)(Parameters...))
    {
        *row = {};
        size_t length = strcspn(*names, ", ");
        if (length >= sizeof row->name) {
            fprintf(stderr, "gpu shim: too long a kernel's name: %s\n", *names);
            abort();
        }
        memcpy(row->name, *names, length);
        *names += length;
        *names += strspn(*names, ", ");
        row->function = reinterpret_cast<void (*)(void)>(function);
        row->call = shim_signature<Parameters...>::call;
        row->argument_sizes = shim_signature<Parameters...>::sizes;
        row->argument_count = sizeof...(Parameters);
        shim_register(row);
    }
};

template <typename... Functions> shim_kernels(const char *, Functions...) -> shim_kernels<sizeof...(Functions)>;

#define SHIM_KERNELS(...) static shim_kernels shim_kernels_of_this_file(#__VA_ARGS__, __VA_ARGS__)

/* Runs a kernel at once. Returns 0, cudaSuccess. */
template <typename... Parameters>
static inline int shim_launch(unsigned blocks, unsigned threads, void (*kernel)(Parameters...),
                              Parameters... values)
{
    const struct shim_kernel *registered = shim_find_function(reinterpret_cast<void (*)(void)>(kernel));
    if (registered == nullptr) {
        fprintf(stderr, "gpu shim: a kernel that is launched is missing in its file's GPU_KERNELS\n");
        abort();
    }
    void *arguments[] = {const_cast<void *>(static_cast<const void *>(&values))...};
    shim_run(registered, blocks, threads, arguments);
    return 0;
}

#endif
