/* The least time that a step can take on a device: of each kernel, the longer of its arithmetic at the device's
 * peak and its traffic at the device's bandwidth (Williams, Waterman, Patterson: Roofline, 2009).
 *
 * Two kinds of traffic. `plain`: all that a kernel reads and writes goes to device memory. `cached`: the L2
 * cache keeps what was touched last; of a tensor of n bytes that is read again after d bytes of other tensors,
 * only the part that exceeds the cache, n + d - size (at least 0, at most n), comes from memory; what is written
 * goes to memory only as far as a later read finds it no longer in the cache, so what is dead before it is
 * evicted costs nothing. L2 itself is taken as infinitely fast (its bandwidth is not published). */
#ifndef TIDY_TESTS_GPU_BOUND_H
#define TIDY_TESTS_GPU_BOUND_H

#include "tests/bench/gpu_step.h"

struct gpu_device {
    const char *name; /* as cudaGetDeviceProperties has it, in part */
    double peak[3];   /* FLOP/s of matrix products, by enum precision; 0 where the backend has not this precision */
    double bandwidth; /* bytes/s of device memory */
    double cache;     /* bytes of L2 */
};
extern const struct gpu_device gpu_devices[];
extern const size_t gpu_device_count;

/* Of one kernel, or a sum of several. */
struct gpu_bound {
    double flop, plain_bytes, cached_bytes;
    double compute, memory; /* seconds: flop at the peak; plain_bytes at the bandwidth */
    double plain, cached;   /* seconds: the bounds */
    double launches;
};

/* bounds: [step->kernel_count]. `padding`: count products with padding as operations too. */
void gpu_bound_kernels(struct gpu_bound *bounds, const struct gpu_step *step, const struct gpu_device *device,
                       enum precision precision, bool padding);
void gpu_bound_add(struct gpu_bound *sum, const struct gpu_bound *added);

#endif
