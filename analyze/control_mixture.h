/* How many samples behave like planted controls: a plateau of mistakes and an exponential of clean samples. */
#ifndef TIDY_ANALYZE_CONTROL_MIXTURE_H
#define TIDY_ANALYZE_CONTROL_MIXTURE_H

#include <stddef.h>

/* At x past the first border, per control there, both as shares of their own: ordinary samples h(x) = mistakes +
 * clean exp(-decay x). Mistakes look like controls, so their share is the same everywhere; that of clean samples
 * falls exponentially where x is a log odds of being wrong, up to a factor decay near 1. */
struct control_mixture {
    double mistakes, clean, decay;
};

/* Fits it to two histograms of `bins` bins, each `width` wide: ordinary samples, and controls, weighted so that
 * their sum is their effective number. `ratio` is controls over ordinary samples, each of all, in the histogram
 * or not.
 *
 * * The maximum of the likelihood that each of both is the one it is, ratio / (h + ratio) for a control, with a
 * normal prior on log decay around 0: by Newton's method with the expected curvature, damped (Levenberg 1944;
 * Marquardt 1963), from two starts, on the logarithms of all three. */
struct control_mixture control_mixture_fit(const double *ordinary, const double *controls, size_t bins,
                                           double width, double ratio);

/* The probability that an ordinary sample at `x` is a mistake. */
double control_mixture_wrong(const struct control_mixture *mixture, double x);

#endif
