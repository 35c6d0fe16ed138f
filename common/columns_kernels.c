/* Which kernels a machine can run, and those for every machine. */
#include "common/columns_kernels.h"

#include <string.h>

#include "common/columns_passes.h"

COLUMNS_PASSES_FOR()

static bool classes(uint16_t *predicted, uint8_t *history, const uint8_t *symbols, const uint16_t *labels,
                    const uint16_t *last, uint32_t count, bool *others)
{
    return pass_classes(predicted, history, symbols, labels, last, count, others);
}

static uint32_t places(uint16_t *list, const uint8_t *bytes, uint32_t count, uint8_t low, uint8_t high)
{
    return pass_places(list, 0, bytes, 0, count, low, high);
}

static const struct columns_kernels plain = {.name = "plain",
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

/* The symbols before the last ones, which are no whole group, where there are kernels for groups. */
static uint32_t in_groups(rans_groups *groups, uint32_t count)
{
    return groups != NULL ? count - count % RANS_LANES : 0;
}

bool columns_decode_classes(const struct columns_kernels *kernels, struct rans_column *column, uint32_t count)
{
    uint32_t done = in_groups(kernels->class_groups, count);
    return rans_decode_groups(kernels->class_groups, column, 1, done / RANS_LANES) &&
           rans_decode_classes_plain(column, done, count);
}

bool columns_decode_codes(const struct columns_kernels *kernels, struct rans_column columns[2], uint32_t count,
                          uint8_t *contexts)
{
    uint32_t done = in_groups(kernels->code_groups, count);
    if (!rans_decode_groups(kernels->code_groups, columns, 2, done / RANS_LANES) ||
        !rans_decode_codes_plain(&columns[0], done, count))
        return false;
    kernels->code_contexts(contexts + done, columns[0].symbols + done, count - done, &columns[1].bins);
    columns[1].contexts = contexts;
    return rans_decode_codes_plain(&columns[1], done, count);
}

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
