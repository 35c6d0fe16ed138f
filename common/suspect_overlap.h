/* How far the most suspicious samples still change from epoch to epoch: `epochs` shows it, `train
 * --stop-when-stable` ends by it. */
#ifndef TIDY_COMMON_SUSPECT_OVERLAP_H
#define TIDY_COMMON_SUSPECT_OVERLAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct suspect_overlap {
    size_t samples, top;
    bool *before;     /* [samples] the top of the last call */
    uint32_t *counts; /* scratch: a histogram of keys */
    bool any;         /* there was a call */
};

/* Freed with suspect_overlap_destroy, also after a failure. top: 1..samples. */
int suspect_overlap_create(struct suspect_overlap *out, size_t samples, size_t top);
void suspect_overlap_destroy(struct suspect_overlap *overlap);

/* Takes an epoch's keys (high = suspicious, NaN last, ties to the smaller index) and returns the share of their
 * `top` largest that were among those of the call before; NaN at the first call. Takes time linear in the
 * samples. */
double suspect_overlap_next(struct suspect_overlap *overlap, const float *keys);

#endif
