/* Which kernels a machine can run, and those for every machine. */
#include "common/columns_kernels.h"

#include <string.h>

#include "common/columns_passes.h"

static void class_contexts(uint8_t *contexts, const uint8_t *history, uint32_t count)
{
    pass_class_contexts(contexts, history, count);
}

static void code_contexts(uint8_t *contexts, const uint8_t *known, uint32_t count, const struct columns_bins *bins)
{
    pass_code_contexts(contexts, known, count, bins);
}

static bool classes(uint16_t *predicted, uint8_t *history, const uint8_t *symbols, const uint16_t *labels,
                    const uint16_t *last, uint32_t count, bool *others)
{
    return pass_classes(predicted, history, symbols, labels, last, count, others);
}

static const struct columns_kernels plain = {.name = "plain",
                                             .decode_classes = rans_decode_classes_plain,
                                             .decode_codes = rans_decode_codes_plain,
                                             .class_contexts = class_contexts,
                                             .code_contexts = code_contexts,
                                             .classes = classes};

static bool can_run_plain(void)
{
    return true;
}

#if defined(__x86_64__)
static bool can_run_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

/* Ice Lake's and Zen 4's instructions: bytes are expanded and compressed too. */
static bool can_run_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2");
}
#endif

/* From the fastest on. */
static const struct {
    const struct columns_kernels *kernels;
    bool (*can_run)(void);
} rows[] = {
#if defined(__x86_64__)
    {&columns_kernels_avx512, can_run_avx512},
    {&columns_kernels_avx2, can_run_avx2},
#endif
    {&plain, can_run_plain},
};

const struct columns_kernels *columns_kernels_named(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].kernels->name, name) == 0)
            return rows[i].can_run() ? rows[i].kernels : NULL;
    }
    return NULL;
}

const struct columns_kernels *columns_kernels_best(void)
{
    size_t i = 0;
    while (!rows[i].can_run())
        i++;
    return rows[i].kernels;
}
