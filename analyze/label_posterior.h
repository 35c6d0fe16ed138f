/* The probability that a given label is wrong, and the label that is more probable, under an estimated transition
 * of the noise: the score label-posterior. docs/scores.md has the definition. */
#ifndef TIDY_ANALYZE_LABEL_POSTERIOR_H
#define TIDY_ANALYZE_LABEL_POSTERIOR_H

#include <stddef.h>

#include "analyze/noise_transition.h"
#include "analyze/rebuilt_means.h"
#include "analyze/suggestions.h"

struct label_posterior {
    size_t samples;
    float *wrong;    /* [samples] P(the label trained on is wrong); NaN where there is no vector */
    float *log_odds; /* [samples] of it, where that probability rounds to 1 as well; NaN likewise */
    struct suggestion
        *suggestions; /* [samples] the most probable other label, and its probability; none of probes */
    struct noise_transition transition;
    double temperature;    /* exponent of the network's probabilities: below 1 it was too sure */
    double *class_weights; /* [classes] how much more frequent each class is than the network has it */
    double *true_counts;   /* [classes] samples to be expected of each true class */
    double expected_wrong; /* sum of `wrong`, but for probes: as all of these numbers */
    size_t judged;         /* samples that have one; expected_wrong / judged is the noise rate */
};

/* Estimates all of it from the means, which are discounted, and whose named classes are completed, on the way.
 * The parts, with their sources: anchor points and the observed label as a mixture of true classes (forward
 * correction) are Patrini et al. 2017 (CVPR), taking the noise out of the mean vectors is
 * expectation-maximisation of a mixture with known components (Richardson 1972; Lucy 1974), the temperature Guo
 * et al. 2017 (ICML), fitted to the given labels. Any number of samples and classes: with one class no label is
 * wrong, without samples that have a vector there are no numbers. Freed with label_posterior_destroy, also after
 * a failure. */
int label_posterior_create(struct label_posterior *out, struct rebuilt_means *means);
void label_posterior_destroy(struct label_posterior *posterior);

#endif
