/* Runs GPU kernels on the CPU: the threads of a block are fibers that run in turn, from barrier to barrier.
 *
 * A fault that a GPU would show now and then, or never on the device at hand, shows here each time: threads run in
 * an order of the caller's choice, shared memory holds NaN until it is written, and what CUDA leaves undefined (a
 * barrier that not all threads reach, a shuffle in an incomplete warp, a grid that cannot be launched) ends the
 * program with a message. Kernels come from .cu files compiled with cuda_on_cpu.h. One kernel runs at a time,
 * whichever thread asks. C and C++. */
#ifndef TIDY_TESTS_GPU_SHIM_H
#define TIDY_TESTS_GPU_SHIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SHIM_MOST_THREADS = 1024, SHIM_WARP = 32, SHIM_NAME_ROOM = 64 };

/* One kernel, as GPU_KERNELS registers it. */
struct shim_kernel {
    char name[SHIM_NAME_ROOM];
    void (*function)(void);                                       /* of another type in truth */
    void (*call)(void (*function)(void), void *const *arguments); /* with its true type */
    const size_t *argument_sizes;                                 /* bytes */
    size_t argument_count;
    const struct shim_kernel *next;
};

/* Adds a kernel, which must live as long as the program. A second kernel of one name ends the program. */
void shim_register(struct shim_kernel *kernel);

/* NULL where there is none. */
const struct shim_kernel *shim_find(const char *name);
const struct shim_kernel *shim_find_function(void (*function)(void));

size_t shim_argument_count(const struct shim_kernel *kernel);
size_t shim_argument_size(const struct shim_kernel *kernel, size_t argument);

/* Runs the kernel to its end; arguments[i] points to the value of argument i. */
void shim_run(const struct shim_kernel *kernel, unsigned blocks, unsigned threads, void *const *arguments);

/* In which order the threads of a block run between two barriers, from now on. Reverse: warps go on through shuffles,
 * each as far as barriers let it. Random: another order each time, by seed. */
enum shim_order { SHIM_FORWARD, SHIM_REVERSE, SHIM_RANDOM };
void shim_set_order(enum shim_order order, uint64_t seed);

/* What the words of CUDA become. Sites are source lines: all threads must wait at the same one. */
struct shim_index {
    unsigned x, y, z;
};
extern struct shim_index threadIdx, blockIdx, blockDim, gridDim;
void shim_barrier(int site);

/* Hands `sent` to the other lanes of the warp, once all have come, and returns what lane `from` has sent. */
uint64_t shim_shuffle(unsigned mask, uint64_t sent, unsigned from, int site);

#ifdef __cplusplus
}
#endif
#endif
