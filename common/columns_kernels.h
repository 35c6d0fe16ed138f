/* The computations of unpacking that have vector code, for each kind of processor. All give the same bytes. */
#ifndef TIDY_COMMON_COLUMNS_KERNELS_H
#define TIDY_COMMON_COLUMNS_KERNELS_H

#include "common/columns_rans.h"

enum {
    COLUMNS_SIGN = 0x80, /* margin code k as a byte that rises with it: k ^ COLUMNS_SIGN */
    COLUMNS_PLACES_BEHIND = 32
};

struct columns_kernels {
    const char *name;
    /* Decode groups of a column of classes, and of two columns of codes, the second of which has its contexts from
     * the first. NULL: all is decoded by rans_decode_*_plain. */
    rans_groups *class_groups, *code_groups;
    /* columns_passes.h says what these do. */
    void (*class_contexts)(uint8_t *contexts, const uint8_t *history, uint32_t count);
    void (*code_contexts)(uint8_t *contexts, const uint8_t *known, uint32_t count, const struct rans_bins *bins);
    bool (*classes)(uint16_t *predicted, uint8_t *history, const uint8_t *symbols, const uint16_t *labels,
                    const uint16_t *last, uint32_t count, bool *others);
    void (*flip)(uint8_t *out, const uint8_t *in, uint32_t count);
    void (*mean)(uint8_t *mean, const uint8_t *margins, uint32_t count);
    /* Of all bytes; `places` is room for `count` and COLUMNS_PLACES_BEHIND more. */
    uint32_t (*places)(uint16_t *places, const uint8_t *bytes, uint32_t count, uint8_t low, uint8_t high);
};

/* Decodes the symbols of a column of classes, or the codes of two columns. `contexts` is room for as many. Return
 * false where words end too soon. */
bool columns_decode_classes(const struct columns_kernels *kernels, struct rans_column *column, uint32_t count);
bool columns_decode_codes(const struct columns_kernels *kernels, struct rans_column columns[2], uint32_t count,
                          uint8_t *contexts);

/* Of this name; NULL where there are none or this machine cannot run them. */
const struct columns_kernels *columns_kernels_named(const char *name);

/* The fastest that this machine can run. */
const struct columns_kernels *columns_kernels_best(void);

#if defined(__x86_64__)
extern const struct columns_kernels columns_kernels_avx2;
extern const struct columns_kernels columns_kernels_avx512;
#endif

#endif
