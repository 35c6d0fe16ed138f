/* Two ways to split values into two groups without being told where: for threshold rules. */
#ifndef TIDY_ANALYZE_TWO_GROUPS_H
#define TIDY_ANALYZE_TWO_GROUPS_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/weighted_values.h"

/* Two Gaussians, `low` the one with the smaller mean. */
struct gaussian {
    double weight, mean, variance;
    double log_weight, log_norm; /* logarithms of the weight and of 2 pi variance */
};
struct gaussian_pair {
    struct gaussian low, high;
};

/* Fits a mixture of two Gaussians to values, which lie in 0..1 and are not all equal, by expectation maximisation
 * with the settings of DivideMix (Li et al. 2020, ICLR): k-means first, 5e-4 added to each variance, at most 10
 * rounds, or until the mean log-likelihood gains less than 0.01. */
struct gaussian_pair two_groups_fit_gaussians(const struct weighted_values *values);

/* Is `value` more probably of the Gaussian `high`? */
bool two_groups_is_high(const struct gaussian_pair *pair, double value);

/* Otsu 1979: the first of 255 places to split a histogram of values in 0..1 (256 bins) where the variance between
 * both sides is largest. Values in bins above the returned one are the upper group. */
enum { OTSU_BINS = 256 };
size_t two_groups_otsu(const double *values, size_t count);
size_t two_groups_otsu_bin(double value);

#endif
