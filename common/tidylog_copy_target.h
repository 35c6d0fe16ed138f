/* The run that a copy is made into: its steps, packed by epoch where they can be. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_COPY_TARGET_H
#define TIDY_COMMON_TIDYLOG_COPY_TARGET_H

#include "common/tidylog_build.h"
#include "common/tidylog_columns.h"

struct copy_target {
    struct build *build;
    const struct tidylog_run *run;
    struct tidylog_order *order;
    uint64_t steps;      /* so far */
    uint64_t epoch;      /* the running one */
    uint64_t first_step; /* of it */
    uint8_t *value;      /* the record that is being made */

    /* The step that is being made. */
    uint32_t count;
    bool listed;

    /* While all steps of the epoch are due, only their codes are kept, to become columns at its end. */
    bool packing;
    struct columns_layout layout;
    struct columns_epoch *columns; /* NULL before the first of these epochs */
    struct columns_row codes;      /* [largest step] */
    uint16_t *labels;              /* [largest step] */
};

/* For a run that was added to `build` and is described there. Both must outlive it. Ended with copy_target_end,
 * also after a failure. */
int copy_target_begin(struct copy_target *out, struct build *build, const struct tidylog_run *run);
void copy_target_end(struct copy_target *target);

int copy_target_begin_epoch(struct copy_target *target, uint64_t epoch);

/* Begins the next step, of these samples. *body: where its packed predictions go, packing_bound bytes. */
int copy_target_begin_step(struct copy_target *target, const uint32_t *samples, uint32_t count, bool evaluated,
                           uint8_t **body);

/* Ends it, with as many bytes of packed predictions. */
int copy_target_end_step(struct copy_target *target, size_t packed);

/* Ends the epoch, which has at least one step. */
int copy_target_end_epoch(struct copy_target *target, const struct tidylog_epoch *figures);

#endif
