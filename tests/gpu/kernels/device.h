/* Device memory and a queue for the suites of kernels: on the CPU (device_shim.c), where AddressSanitizer watches
 * each byte, or through the CUDA runtime (device_cuda.c). A call that fails fails the test. */
#ifndef TIDY_TESTS_GPU_KERNELS_DEVICE_H
#define TIDY_TESTS_GPU_KERNELS_DEVICE_H

#include <stddef.h>

#include "kernels/kernels_gpu.h"

/* Each check runs once for each variant, and gives the same bits. They differ in the multiprocessors that a grid is
 * made for (1, 2, 132) and, on the CPU, in the order in which a block's threads run. */
enum { DEVICE_VARIANTS = 3 };
struct gpu_queue device_queue(int variant);

/* Memory of exactly that size, all bytes 0xff: NaN in either type, until a kernel writes it. */
void *device_allocate(size_t bytes);
void device_free(void *memory);

/* Both wait until the copy is done, and the second for all kernels before it. */
void device_upload(void *device, const void *host, size_t bytes);
void device_download(void *host, const void *device, size_t bytes);

/* Waits for what a kernel's launcher has enqueued. `launched` is what the launcher returned, and must be 0. */
void device_wait(int launched);

#endif
