/* Two groups among a ranking's finite keys, as threshold rules find them. */
#ifndef TIDY_ANALYZE_KEY_GROUPS_H
#define TIDY_ANALYZE_KEY_GROUPS_H

#include <stddef.h>

#include "analyze/beta_mixture.h"
#include "analyze/ranking.h"
#include "analyze/two_groups.h"

/* A key as a value from 0 to 1: (key - least) / width. Width 0: there are no two groups. */
struct key_scale {
    double least, width;
};

/* All finite keys, scaled so that the smallest is 0 and the largest 1. Freed with key_values_destroy, also after a
 * failure. Error: no memory. */
struct key_values {
    struct key_scale scale;
    double *values; /* [count] in the order of the samples; none where the width is 0 */
    size_t count;
};
int key_values_create(struct key_values *out, const struct ranking *ranking);
void key_values_destroy(struct key_values *values);

/* Rule gmm: a mixture of two Gaussians, fitted to all of them. Error: no memory. */
struct key_gaussians {
    struct key_scale scale;
    size_t count; /* keys fitted to */
    struct gaussian_pair pair;
};
int key_gaussians_fit(struct key_gaussians *out, const struct ranking *ranking);

/* Rule bmm: a mixture of two beta distributions, fitted to what lies between the 5th and the 95th percentile, and
 * scaled by these two, as Arazo et al. 2019 do. Error: no memory. */
struct key_betas {
    struct key_scale scale;
    size_t count; /* keys fitted to */
    struct beta_mixture mixture;
};
int key_betas_fit(struct key_betas *out, const struct ranking *ranking);

#endif
