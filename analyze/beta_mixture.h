/* A mixture of two beta distributions in one dimension (Arazo et al. 2019, "Unsupervised Label Noise Modeling
 * and Loss Correction", and its authors' utils.py): for the threshold rule bmm. */
#ifndef TIDY_ANALYZE_BETA_MIXTURE_H
#define TIDY_ANALYZE_BETA_MIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/weighted_values.h"

enum { BETA_PLACES = 100 };

struct beta_mixture {
    double weight[2], alpha[2], beta[2]; /* 0: the clean one */
    /* That a value is of 1, at equal steps from 0 to 1; past its largest it stays there. */
    double posterior[BETA_PLACES];
};

/* Values as Arazo fits to them: those at 0 and 1 (or beyond) are taken for 0.001 and 0.999, and others brought into
 * 0.0001 .. 0.9999. */
void beta_mixture_bring_inside(double *values, size_t count);

/* Fits to such values, of which at least two differ, with Arazo's settings: 10 rounds of EM from Beta(1, 2) and
 * Beta(2, 1) of equal weight, each round by weighted mean and variance. Error: no memory. */
int beta_mixture_fit(struct beta_mixture *out, const struct weighted_values *values);

/* Is a value (clipped to 0..1) more likely of distribution 1? The posterior is looked up, as Arazo's is. Never
 * on the clean side of the clean distribution's mean. */
bool beta_mixture_suspects(const struct beta_mixture *mixture, double value);

#endif
