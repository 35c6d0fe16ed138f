/* What one score says of all samples, and what rules make of it. */
#ifndef TIDY_ANALYZE_VERDICT_H
#define TIDY_ANALYZE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/threshold_list.h"

struct verdict {
    const struct score *score; /* NULL: none yet */
    float *keys;               /* [samples] high = suspicious; NaN = not scored */
    bool **flagged;            /* [rules][samples] */
    size_t rules;
};

/* Room for that many samples and rules. Freed with verdict_destroy, also after a failure. */
int verdict_create(struct verdict *out, size_t samples, size_t rules);
void verdict_destroy(struct verdict *verdict);

/* Fills it for a score of a log that was replayed; nothing is done where it has that one already. `list` has as many
 * rules as there is room for, announced before the replay. Errors: threshold_apply's. */
int verdict_set(struct verdict *verdict, const struct threshold_list *list, struct analysis *analysis,
                const struct score *score);

#endif
