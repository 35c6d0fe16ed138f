/* The passes over rows of label-posterior, for each kind of processor. For posterior_rows.c. */
#ifndef TIDY_ANALYZE_POSTERIOR_PASSES_H
#define TIDY_ANALYZE_POSTERIOR_PASSES_H

#include "analyze/posterior_rows.h"

/* Each over blocks first .. end - 1, as the function of posterior_rows.h says. */
struct posterior_passes {
    void (*begin)(struct posterior_rows *rows, size_t first, size_t end);
    void (*slopes)(struct surprise_slopes *out, const struct posterior_rows *rows, size_t first, size_t end,
                   float temperature);
    void (*raise)(struct posterior_rows *rows, size_t first, size_t end, float temperature);
    void (*sum)(struct row_totals *out, const struct posterior_rows *rows, size_t first, size_t end);
};

/* avx2 and avx512 are there on x86-64 only. All give the same numbers. */
extern const struct posterior_passes posterior_passes_plain, posterior_passes_avx2, posterior_passes_avx512;

#endif
