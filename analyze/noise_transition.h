/* The transition of the noise: how probable each given label is for each true class. Few pairs of classes stand
 * out, all others share one rate, so that it never is a table of all pairs. docs/scores.md has the definition. */
#ifndef TIDY_ANALYZE_NOISE_TRANSITION_H
#define TIDY_ANALYZE_NOISE_TRANSITION_H

#include <stddef.h>
#include <stdint.h>

#include "analyze/rebuilt_means.h"

/* A pair that stands out. */
struct noise_pair {
    uint16_t true_class, given;
    double probability; /* of the given label, where this is the true class */
};

struct noise_transition {
    uint32_t classes;
    double other;             /* of each pair of two classes that does not stand out */
    struct noise_pair *pairs; /* [count] by given, then true class */
    size_t count;
    size_t *starts;     /* [classes + 1] the pairs of each given label */
    double *paired;     /* [classes] sum of the pairs of each true class */
    uint32_t *pairs_of; /* [classes] pairs of each true class */
    double *kept;       /* [classes] probability that the true class is given */
};

/* Estimates it from anchor points (Patrini et al. 2017, CVPR): samples that the network is sure of, though not so
 * sure that it must have learnt a wrong label by heart. Freed with noise_transition_destroy, also after a
 * failure. */
int noise_transition_create(struct noise_transition *out, const struct rebuilt_means *means);
void noise_transition_destroy(struct noise_transition *transition);

/* Sets `other`, brought into its bounds, and `kept` to what is left. */
void noise_transition_set_other(struct noise_transition *transition, double other);

/* The place in `pairs` of a pair that stands out; `count` where it does not. */
size_t noise_transition_find(const struct noise_transition *transition, uint32_t true_class, uint32_t given);

/* P(given | true). */
double noise_transition_probability(const struct noise_transition *transition, uint32_t true_class, uint32_t given);

#endif
