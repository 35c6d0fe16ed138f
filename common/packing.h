/* Packing of a step's predictions into bytes and back: the body of a step record, docs/log-format.md.
 *
 * Sections, in order:
 *   wrong      ceil(count / 8) bytes: bit i (least significant first) is set where predicted[i] != label
 *   classes    the classes of the wrong ones, ceil(log2 classes) bits each, least significant first
 *   margins    TIDYLOG_MARGIN: count bytes, signed codes, see packing_margin
 *   log-odds   TIDYLOG_MARGIN: count bytes, see packing_log_odds
 *   log-probs  TIDYLOG_PROBS: count * classes IEEE half, little endian
 *   logits     TIDYLOG_FULL: count * classes IEEE float, little endian
 *
 * Margin code k in -127..127 stands for 2 sinh(k / 20): steps of 0.1 around 0, where it matters, 5% further
 * out. The error is at most 0.051 sqrt(1 + (margin / 2)^2), so 0.05 around 0 and 2.5% far out, up to +-572, where
 * it saturates (infinities too). -128: not a number, which the log-odds then are as well.
 *
 * The given label's log-odds l lies between margin - log(C - 1) and margin, because the other classes'
 * probabilities sum to at least their largest and at most C - 1 times that. So the second byte says where
 * in that interval (widened by the margin code's own interval) it lies, in 255 equal parts: the error is
 * at most (log(C - 1) + width of the margin's interval) / 510: 0.005 for 10 classes near margin 0. */
#ifndef TIDY_COMMON_PACKING_H
#define TIDY_COMMON_PACKING_H

#include <stddef.h>
#include <stdint.h>

#include "common/tidylog.h"

/* Bytes that `count` predictions take at most. Fails (returns 0) where that does not fit 2^31. */
size_t packing_bound(uint32_t count, uint32_t classes, enum tidylog_detail detail);

/* Packs; labels[i] is the given label of predictions->samples[i]. out has packing_bound bytes.
 * Returns the bytes written. */
size_t packing_pack(uint8_t *out, const struct tidylog_predictions *predictions, const uint16_t *labels,
                    uint32_t classes, enum tidylog_detail detail);

/* What every pair of margin and log-odds code stands for, for one number of classes. */
struct packing_tables {
    float margin[256];            /* by margin code as an unsigned byte */
    float loss[256 * 256];        /* by margin code * 256 + log-odds code: log(1 + exp(-log-odds)) */
    float confidence[256 * 256];  /* 1 / (1 + exp(-log-odds)) */
};
void packing_tables_fill(struct packing_tables *tables, uint32_t classes);

/* Where unpacked predictions go; all arrays are set at every detail that has them. */
struct packing_columns {
    uint16_t *predicted; /* [count] */
    float *margin, *loss, *confidence; /* [count]; from TIDYLOG_MARGIN on */
    float *log_probs;    /* [count][classes]; from TIDYLOG_PROBS on */
};

/* Unpacks `bytes` bytes. Returns 0, or TIDY_FAILED without a message where the sizes or classes inside are not
 * possible: the caller knows the step and says so. labels are below `classes`; `tables`, for these classes, are
 * read at TIDYLOG_MARGIN only. */
int packing_unpack(const struct packing_columns *out, const uint8_t *in, size_t bytes, const uint16_t *labels,
                   uint32_t count, uint32_t classes, enum tidylog_detail detail,
                   const struct packing_tables *tables);

/* Packs the predictions at `places` ([kept], in rising order) of `bytes` packed bytes of `count` predictions: bit
 * for bit what they were. `out` has packing_bound(kept, ...) bytes. Returns the bytes written, or 0 where the sizes
 * or classes inside are not possible. kept is at least 1. */
size_t packing_select(uint8_t *out, const uint8_t *in, size_t bytes, uint32_t count, const uint32_t *places,
                      uint32_t kept, uint32_t classes, enum tidylog_detail detail);

/* The codes by themselves. */
int8_t packing_margin_code(float margin);
float packing_margin(int8_t code);
uint8_t packing_log_odds_code(float log_odds, int8_t margin_code, uint32_t classes);
float packing_log_odds(uint8_t code, int8_t margin_code, uint32_t classes);

#endif
