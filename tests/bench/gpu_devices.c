/* Published peaks of the devices that docs/gpu.md has figures for: dense (no sparsity), boost clock, sums in
 * float32. */
#include "tests/bench/gpu_bound.h"

#define TERA 1e12
#define GIGA 1e9
#define MIB (1024.0 * 1024.0)

const struct gpu_device gpu_devices[] = {
    /* NVIDIA T4 data sheet: 8.1 TFLOPS single precision, 320 GB/s; Turing has neither TF32 nor bf16. L2 4 MiB:
     * Turing architecture white paper (TU104: 4096 KB). */
    {"T4", {8.1 * TERA, 0, 0}, 320 * GIGA, 4 * MIB},
    /* 28 multiprocessors at 1.777 GHz (GeForce RTX 3060 specification). An operation is half an FMA, and each
     * multiprocessor does 128 FMA a clock in f32, 128 in TF32 and 256 in bf16 with float32 sums: NVIDIA Ampere
     * GA102 white paper, appendix A, whose RTX 3070 of 46 multiprocessors at 1.725 GHz has 20.3, 20.3 and 40.6
     * TFLOPS (sums in float16 would be twice as fast). 192 bits at 15 Gbit/s = 360 GB/s. L2: 2.25 MiB, what the
     * CUDA runtime reports; the chip has 3. */
    {"RTX 3060", {12.74 * TERA, 12.74 * TERA, 25.48 * TERA}, 360 * GIGA, 2.25 * MIB},
    /* NVIDIA L4 data sheet: 30.3 TFLOPS FP32; TF32 120 and BFLOAT16 242 with sparsity, half of that without; 300
     * GB/s. L2 48 MiB: Ada architecture white paper (AD104). The peaks need its full clock, which 72 W rarely
     * allow. */
    {"L4", {30.3 * TERA, 60 * TERA, 121 * TERA}, 300 * GIGA, 48 * MIB},
    /* NVIDIA A100 data sheet and Ampere architecture (GA100) white paper, 40 GB SXM4: 19.5, 156, 312 TFLOPS,
     * 1555 GB/s, L2 40 MiB. */
    {"A100", {19.5 * TERA, 156 * TERA, 312 * TERA}, 1555 * GIGA, 40 * MIB},
    /* NVIDIA Hopper architecture white paper and H100 data sheet, 80 GB SXM5: 66.9, 494.7 and 989.4 TFLOPS, 3.35
     * TB/s, L2 50 MiB. */
    {"H100", {66.9 * TERA, 494.7 * TERA, 989.4 * TERA}, 3350 * GIGA, 50 * MIB},
};
const size_t gpu_device_count = sizeof gpu_devices / sizeof *gpu_devices;
