/* The codes inside a packed step (packing.h), at the details that have only codes: class and margin. Nothing is
 * quantised anew, so that what is read is bit for bit what is written. */
#ifndef TIDY_COMMON_STEP_CODES_H
#define TIDY_COMMON_STEP_CODES_H

#include "common/columns.h"
#include "common/packing.h"

/* Reads the codes of the `bytes` packed bytes of `count` predictions. labels: [count], below `classes`. Returns
 * 0, or TIDY_FAILED without a message where the sizes or classes inside are not possible. */
int step_codes_read(const struct columns_row *out, const uint8_t *in, size_t bytes, const uint16_t *labels,
                    uint32_t count, uint32_t classes, enum tidylog_detail detail);

/* Packs codes: out has packing_bound bytes. Returns the bytes written. */
size_t step_codes_write(uint8_t *out, const struct columns_row *row, const uint16_t *labels, uint32_t count,
                        uint32_t classes, enum tidylog_detail detail);

/* Is there a level of the log-odds for each of `count` pairs of codes with margins? */
bool step_codes_possible(const struct columns_row *row, uint32_t count, const struct packing_levels *levels);

#endif
