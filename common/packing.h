/* Packing of a step's predictions into bytes and back: the body of a step record, docs/log-format.md.
 *
 * Sections, in order:
 *   wrong      ceil(count / 8) bytes: bit i (least significant first) is set where predicted[i] != label
 *   classes    the classes of the wrong ones, ceil(log2 classes) bits each, least significant first
 *   margins    TIDYLOG_MARGIN: count bytes, signed codes, see packing_margin
 *   log-odds   TIDYLOG_MARGIN: count bytes, codes, see packing_log_odds
 *   log-probs  TIDYLOG_PROBS: count * classes IEEE half, little endian
 *   logits     TIDYLOG_FULL: count * classes IEEE float, little endian
 *
 * Two numbers of the run (struct tidylog_codes) say how fine the codes are: S, the margin's scale, and D, the
 * density of the log-odds' levels.
 *
 * Margin code k in -K..K, K = ceil(127 S / 20), stands for 2 sinh(k / S): steps of 2 / S around 0, where it matters,
 * growing with the margin further out. The error is at most 2 (e^(1 / (2 S)) - 1) sqrt(1 + (margin / 2)^2), up to
 * +-572 or a little more, where it saturates (infinities too). -128: not a number, which the log-odds then are as
 * well.
 *
 * The given label's log-odds l lies between margin - log(C - 1) and margin, because the other classes'
 * probabilities sum to at least their largest and at most C - 1 times that. So the second code says where in that
 * interval (widened by the margin code's own interval) it lies, on a scale y: y = l below 0, and 8 (1 - e^(-l / 8))
 * above, since the surer a prediction, the less its log-odds matter. The interval is cut into equal levels no wider
 * than 1 / D, 256 at most; a code stands for its level's middle. Off by at most 1 / (2 D) in y, the loss is so as
 * well, and the confidence by 0.127 / D; where there are 256 levels by at most the interval's 512th part.
 * D = 0: 256 levels, the ends of the interval among them, at equal distances in l. */
#ifndef TIDY_COMMON_PACKING_H
#define TIDY_COMMON_PACKING_H

#include <stddef.h>
#include <stdint.h>

#include "common/tidylog.h"

/* Bytes that `count` predictions take at most. Fails (returns 0) where that does not fit 2^31. */
size_t packing_bound(uint32_t count, uint32_t classes, enum tidylog_detail detail);

/* What new logs get, and what a log has that does not say it. */
extern const struct tidylog_codes packing_codes_default, packing_codes_unsaid;

/* Are they in the ranges that struct tidylog_codes states? */
bool packing_codes_possible(struct tidylog_codes codes);

/* K: margin codes are -K..K, and PACKING_NOT_A_NUMBER. */
enum { PACKING_NOT_A_NUMBER = -128 };
int packing_largest_margin_code(struct tidylog_codes codes);

/* The levels of the log-odds for each margin code, which as an unsigned byte is the index; for one number of
 * classes. */
struct packing_levels {
    struct tidylog_codes codes;
    uint16_t count[256];         /* log-odds codes are below it; 0: there is no such margin code */
    double low[256], width[256]; /* of all levels together, on their scale */
};
void packing_levels_fill(struct packing_levels *levels, uint32_t classes, struct tidylog_codes codes);

/* Packs; labels[i] is the given label of predictions->samples[i]. out has packing_bound bytes. `levels`, for these
 * classes, are read at TIDYLOG_MARGIN only. Returns the bytes written. */
size_t packing_pack(uint8_t *out, const struct tidylog_predictions *predictions, const uint16_t *labels,
                    uint32_t classes, enum tidylog_detail detail, const struct packing_levels *levels);

/* What every pair of margin and log-odds code stands for, for one number of classes: what one look-up takes lies side
 * by side. Only the pairs that can be are filled, one margin's after the other's. */
struct packing_tables {
    struct packing_levels levels;
    struct packing_margin_values {
        float margin;
        uint16_t first; /* place of the pair with log-odds code 0 */
        uint16_t count; /* log-odds codes are below it */
    } margins[256];     /* by margin code as an unsigned byte */
    struct packing_pair_values {
        float loss;       /* log(1 + exp(-log-odds)) */
        float confidence; /* 1 / (1 + exp(-log-odds)) */
    } pairs[256 * 256];
};
void packing_tables_fill(struct packing_tables *tables, uint32_t classes, struct tidylog_codes codes);

/* Where unpacked predictions go; all arrays are set at every detail that has them. */
struct packing_columns {
    uint16_t *predicted;               /* [count] */
    float *margin, *loss, *confidence; /* [count]; from TIDYLOG_MARGIN on */
    float *log_probs;                  /* [count][classes]; from TIDYLOG_PROBS on */
};

/* What codes stand for: margin, loss and confidence of `count` predictions. Returns false where codes are not possible;
 * what is in `out` then means nothing. */
bool packing_values(const struct packing_columns *out, const int8_t *margin_codes, const uint8_t *log_odds_codes,
                    uint32_t count, const struct packing_tables *tables);

/* Unpacks `bytes` bytes. Returns 0, or TIDY_FAILED without a message where the sizes, classes or codes inside are not
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
int8_t packing_margin_code(float margin, struct tidylog_codes codes);
float packing_margin(int8_t code, struct tidylog_codes codes);
uint8_t packing_log_odds_code(float log_odds, int8_t margin_code, const struct packing_levels *levels);
float packing_log_odds(uint8_t code, int8_t margin_code, const struct packing_levels *levels);

#endif
