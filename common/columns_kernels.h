/* The computations of unpacking that have vector code, for each kind of processor. All give the same bytes. */
#ifndef TIDY_COMMON_COLUMNS_KERNELS_H
#define TIDY_COMMON_COLUMNS_KERNELS_H

#include "common/columns_model.h"
#include "common/columns_rans.h"

struct columns_kernels {
    const char *name;
    rans_decode_classes *decode_classes;
    rans_decode_codes *decode_codes;
    /* columns_passes.h says what these do. */
    void (*class_contexts)(uint8_t *contexts, const uint8_t *history, uint32_t count);
    void (*code_contexts)(uint8_t *contexts, const uint8_t *known, uint32_t count, const struct columns_bins *bins);
    bool (*classes)(uint16_t *predicted, uint8_t *history, const uint8_t *symbols, const uint16_t *labels,
                    const uint16_t *last, uint32_t count, bool *others);
};

/* Of this name; NULL where there are none or this machine cannot run them. */
const struct columns_kernels *columns_kernels_named(const char *name);

/* The fastest that this machine can run. */
const struct columns_kernels *columns_kernels_best(void);

#if defined(__x86_64__)
extern const struct columns_kernels columns_kernels_avx2;
extern const struct columns_kernels columns_kernels_avx512;
#endif

#endif
