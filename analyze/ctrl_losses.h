/* The losses that CTRL clusters: a row of all epochs for each sample of some classes. For ctrl.c. */
#ifndef TIDY_ANALYZE_CTRL_LOSSES_H
#define TIDY_ANALYZE_CTRL_LOSSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/replay.h"
#include "analyze/selection.h"
#include "common/tidylog.h"

struct ctrl_losses {
    const struct tidylog_run *run;
    const uint16_t *given;
    struct window window;
    size_t epochs;       /* of the window */
    uint32_t *by_class;  /* [samples] all of them, those of class c from starts[c] on */
    size_t *starts;      /* [classes + 1] */
    uint32_t first, end; /* classes that have rows */
    uint32_t *rows;      /* [samples] the sample's row; CTRL_NO_ROW: of another class */
    float *losses; /* [starts[end] - starts[first]][epochs] losses with their sign turned; +0: none, while a loss
                          * of 0 is -0. NULL: not begun */
};
#define CTRL_NO_ROW UINT32_MAX

/* Sorts the samples. `run` and `given` must outlive it. Freed with ctrl_losses_destroy, also after a failure. */
int ctrl_losses_create(struct ctrl_losses *out, const struct tidylog_run *run, const uint16_t *given,
                       struct window window);
void ctrl_losses_destroy(struct ctrl_losses *losses);

/* Bytes of the rows of classes first .. end - 1. */
size_t ctrl_losses_bytes(const struct ctrl_losses *losses, uint32_t first, uint32_t end);

/* Starts with these classes, forgetting what was there. */
int ctrl_losses_begin(struct ctrl_losses *losses, uint32_t first, uint32_t end);

/* An observer, which may be called apart: its context is a struct ctrl_losses. */
int ctrl_losses_observe(void *losses, const struct tidylog_observations *step);
extern const struct replay_of_blocks ctrl_losses_of_blocks;

/* Turns the signs of a sample's row back, and gives epochs without a loss one: that of the epoch before, or of the
 * first that has one. False: there is none at all, or one that is not a number. */
bool ctrl_losses_complete(float *row, size_t epochs);

#endif
