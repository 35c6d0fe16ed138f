/* Which frequencies a packed column of codes is coded with, and how a record says so: docs/log-format.md, section
 * "columns". Codes are unsigned bytes here; a margin code is stored as code + 128. */
#ifndef TIDY_COMMON_COLUMNS_MODEL_H
#define TIDY_COMMON_COLUMNS_MODEL_H

#include "common/columns_rans.h"

/* Bins for these `known` bytes. */
struct rans_bins columns_choose_bins(const uint8_t *known, uint32_t count);

/* Bytes that bins and their models take at most. */
size_t columns_models_bound(void);

/* Writes the bins and the frequencies of symbols[count] in each, and sets `models` to what a reader makes of them.
 * Returns the end. */
uint8_t *columns_models_write(uint8_t *out, const struct rans_bins *bins, const uint8_t *symbols,
                              const uint8_t *contexts, uint32_t count, struct rans_model *models);

/* Reads them, `models` RANS_CODE_CONTEXTS. Returns where they end, or NULL where the bytes are not possible. */
const uint8_t *columns_models_read(struct rans_bins *bins, struct rans_model *models, const uint8_t *in,
                                   const uint8_t *end);

/* The symbol of each slot of the contexts that the bins have. slots has room for COLUMNS_SLOTS_BEHIND more. */
enum { COLUMNS_SLOTS_BEHIND = 8 };
void columns_slots_fill(uint32_t *slots, const struct rans_model *models, const struct rans_bins *bins);

/* Frequencies of class symbols, as coded: 0 stays possible where none was counted. */
void columns_class_model_choose(struct rans_class_model *model, const uint8_t *symbols, const uint8_t *contexts,
                                uint32_t count);

/* Writes which contexts are used and their frequencies. Returns the end. */
uint8_t *columns_class_model_write(uint8_t *out, const struct rans_class_model *model);

/* Reads them. Returns where they end, or NULL where the bytes are not possible. */
const uint8_t *columns_class_model_read(struct rans_class_model *model, const uint8_t *in, const uint8_t *end);

#endif
