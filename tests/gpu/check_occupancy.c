/* Reads the table of scripts/kernel-resources on stdin and computes each kernel's blocks with NVIDIA's own
 * calculator, which comes with the toolkit as a header. Prints each row that differs; exits with 1 where one
 * does, or where there is no row. */
#include <cuda_occupancy.h>
#include <stdio.h>
#include <string.h>

/* A multiprocessor by architecture, from the data that cudaGetDeviceProperties gives on a T4, A100, RTX 3060,
 * L4 and H100; of 10.0 and 12.0 from the CUDA C++ Programming Guide. How many blocks fit it at most the
 * calculator knows itself. */
static const struct multiprocessor {
    int architecture, threads, kibibytes; /* kibibytes of shared memory */
} multiprocessors[] = {{75, 1024, 64},  {80, 2048, 164},  {86, 1536, 100}, {89, 1536, 100},
                       {90, 2048, 228}, {100, 2048, 228}, {120, 1536, 100}};

static int blocks_by_nvidia(int architecture, int registers, size_t shared, int threads)
{
    const struct multiprocessor *m = multiprocessors;
    const struct multiprocessor *end = m + sizeof multiprocessors / sizeof *multiprocessors;
    while (m < end && m->architecture != architecture)
        m++;
    if (m == end)
        return -1;
    size_t reserved = architecture < 80 ? 0 : 1024;
    cudaOccDeviceProp properties = {.computeMajor = architecture / 10,
                                    .computeMinor = architecture % 10,
                                    .maxThreadsPerBlock = 1024,
                                    .maxThreadsPerMultiprocessor = m->threads,
                                    .regsPerBlock = 65536,
                                    .regsPerMultiprocessor = 65536,
                                    .warpSize = 32,
                                    .sharedMemPerBlock = 49152,
                                    .sharedMemPerMultiprocessor = (size_t)m->kibibytes * 1024,
                                    .numSms = 1,
                                    .sharedMemPerBlockOptin = (size_t)m->kibibytes * 1024 - reserved,
                                    .reservedSharedMemPerBlock = reserved};
    cudaOccFuncAttributes attributes = {.maxThreadsPerBlock = threads,
                                        .numRegs = registers,
                                        .sharedSizeBytes = shared,
                                        .maxDynamicSharedSizeBytes = 0,
                                        .numBlockBarriers = 1};
    cudaOccDeviceState state;
    memset(&state, 0, sizeof state);
    state.carveoutConfig = SHAREDMEM_CARVEOUT_MAX_SHARED;
    cudaOccResult result;
    if (cudaOccMaxActiveBlocksPerMultiprocessor(&result, &properties, &attributes, &state, threads, 0) !=
        CUDA_OCC_SUCCESS)
        return -1;
    return result.activeBlocksPerMultiprocessor;
}

int main(void)
{
    char line[512], name[256];
    int rows = 0, differ = 0;
    while (fgets(line, sizeof line, stdin) != NULL) {
        int architecture, registers, stores, loads, stack, threads, blocks;
        size_t shared;
        if (line[0] == '#')
            continue;
        if (sscanf(line, "%255s %d %d %zu %d %d %d %d %d", name, &architecture, &registers, &shared, &stores,
                   &loads, &stack, &threads, &blocks) != 9) {
            printf("not a row: %s", line);
            return 1;
        }
        int expected = blocks_by_nvidia(architecture, registers, shared, threads);
        rows++;
        if (blocks != expected) {
            printf("%s, sm_%d: %d blocks, but by NVIDIA's calculator %d\n", name, architecture, blocks, expected);
            differ++;
        }
    }
    return rows == 0 || differ > 0;
}
