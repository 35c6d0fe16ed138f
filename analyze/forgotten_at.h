/* When each sample was forgotten, and what it was then taken for. */
#ifndef TIDY_ANALYZE_FORGOTTEN_AT_H
#define TIDY_ANALYZE_FORGOTTEN_AT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/tidylog.h"

struct forgotten_event {
    uint32_t previous; /* 1 + index of the same sample's event before, or 0 */
    uint32_t epoch;    /* as printed: counting from 1 */
    uint16_t predicted;
};

struct forgotten_at {
    uint32_t *last;                 /* [samples] 1 + index of the sample's last event, or 0 */
    bool *was_correct;              /* [samples] in the last presentation seen */
    struct forgotten_event *events; /* [count] of all samples, in the order in which they happened */
    size_t count, capacity;
    char *text; /* the last text made */
    size_t text_capacity;
};

/* Freed with forgotten_at_destroy, also after a failure. */
int forgotten_at_create(struct forgotten_at *out, uint64_t samples);
void forgotten_at_destroy(struct forgotten_at *forgotten);

/* A replay_observer's function; the context is a struct forgotten_at. */
int forgotten_at_observe(void *forgotten, const struct tidylog_observations *step);

/* "3:7,5:9": forgotten in the epochs 3 and 5 (counting from 1), predicted as 7 and 9; "" where never forgotten.
 * The text lives until the next call. */
int forgotten_at_text(struct forgotten_at *forgotten, size_t sample, const char **out);

#endif
