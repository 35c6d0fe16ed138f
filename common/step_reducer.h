/* A step's predictions, as a reader gives them, packed again with less detail. Internal to the log. */
#ifndef TIDY_COMMON_STEP_REDUCER_H
#define TIDY_COMMON_STEP_REDUCER_H

#include "common/tidylog.h"

struct step_reducer; /* the arrays that this needs */

/* For steps of at most `most` predictions, packed at `detail` in `codes`. Destroyed with step_reducer_destroy; NULL is allowed
 * there. */
int step_reducer_create(struct step_reducer **out, uint32_t most, uint32_t classes, enum tidylog_detail detail,
                        struct tidylog_codes codes);
void step_reducer_destroy(struct step_reducer *reducer);

/* Packs the predictions at `places` ([count], count <= most) of a step recorded with more detail than the reducer's.
 * `out` has packing_bound bytes. Returns the bytes written.
 *
 * The log-odds of the label are the logarithm of its probability less that of the others' sum, each of the others
 * taken by itself, so that they keep their digits where the probability rounds to 1. */
size_t step_reducer_pack(struct step_reducer *reducer, uint8_t *out, const struct tidylog_observations *step,
                         const uint32_t *places, uint32_t count);

#endif
