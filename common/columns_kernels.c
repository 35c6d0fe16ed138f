/* Which kernels a machine can run, and those for every machine. */
#include "common/columns_kernels.h"

#include <string.h>

#include "common/columns_passes.h"

static void class_contexts(uint8_t *contexts, const uint8_t *history, uint32_t count)
{
    pass_class_contexts(contexts, history, count);
}

static void code_contexts(uint8_t *contexts, const uint8_t *known, uint32_t count, const struct rans_bins *bins)
{
    pass_code_contexts(contexts, known, count, bins);
}

static bool classes(uint16_t *predicted, uint8_t *history, const uint8_t *symbols, const uint16_t *labels,
                    const uint16_t *last, uint32_t count, bool *others)
{
    return pass_classes(predicted, history, symbols, labels, last, count, others);
}

static void flip(uint8_t *out, const uint8_t *in, uint32_t count)
{
    pass_flip(out, in, count);
}

static void mean(uint8_t *means, const uint8_t *margins, uint32_t count)
{
    pass_mean(means, margins, count);
}

static uint32_t places(uint16_t *list, const uint8_t *bytes, uint32_t count, uint8_t low, uint8_t high)
{
    return pass_places(list, 0, bytes, 0, count, low, high);
}

static bool decode_classes(struct rans_column *column, uint32_t count)
{
    return rans_decode_classes_plain(column, 0, count);
}

static bool decode_codes(struct rans_column columns[2], uint32_t count, uint8_t *contexts)
{
    if (!rans_decode_codes_plain(&columns[0], 0, count))
        return false;
    pass_code_contexts(contexts, columns[0].symbols, count, &columns[1].bins);
    columns[1].contexts = contexts;
    return rans_decode_codes_plain(&columns[1], 0, count);
}

static const struct columns_kernels plain = {.name = "plain",
                                             .decode_classes = decode_classes,
                                             .decode_codes = decode_codes,
                                             .class_contexts = class_contexts,
                                             .code_contexts = code_contexts,
                                             .classes = classes,
                                             .flip = flip,
                                             .mean = mean,
                                             .places = places};

static bool can_run_plain(void)
{
    return true;
}

#if defined(__x86_64__)
static bool can_run_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
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
