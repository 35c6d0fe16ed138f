/* What a reviewer's decisions say about the labels that nobody has looked at yet. */
#ifndef TIDY_ANALYZE_REVIEW_H
#define TIDY_ANALYZE_REVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/sample_list.h"
#include "analyze/suggestions.h"

/* The probabilities of label-posterior, recalibrated: log odds become slope * log odds + offset, and in each pair
 * of (given, suggested) classes of which some were reviewed, + that pair's own offset. */
struct review {
    size_t decisions, wrong; /* labels reviewed; those of them that were wrong */
    double slope, offset;
    double variance[3]; /* of slope, of both, of offset: the inverse of the posterior's curvature */
    struct review_pair *pairs;
    size_t pair_count;
};

/* A number with its 95% interval. */
struct expected_count {
    double value, low, high;
};

/* Learns from `decisions`, whose labels are what the reviewer holds for right, and updates `probabilities`,
 * [samples], NaN where there is none: those of reviewed samples become NaN, as nothing is left to find there.
 *
 * Logistic recalibration (Platt 1999) by the maximum of the posterior: the slope is normal around 1 with
 * standard deviation 0.1 and the offset around 0 with 0.5, which is as far as calibration was off where it was
 * measured (docs/detection.md), so that without decisions nothing changes; a pair's offset is normal around 0
 * with 1. Samples are reviewed because of their probability, which a model given that probability may ignore.
 * Freed with review_destroy, also after a failure. Error: a list without labels; `name` is for the message. */
int review_apply(struct review *out, float *probabilities, const uint16_t *given,
                 const struct suggestion *suggestions, size_t samples, const struct sample_list *decisions,
                 const char *name);

/* No decisions yet. */
struct review review_none(void);
void review_destroy(struct review *review);

/* Did the decisions move the offset by more than three of its standard deviations? Then the noise is not what the
 * probabilities assume (mistakes that follow the image), and they say nothing of labels less probable than
 * reviewed. */
bool review_surprises(const struct review *review);

/* How many of the samples chosen (NULL: all) have wrong labels: the sum of their probabilities, with an interval for
 * chance and for the calibration's uncertainty. NaN does not count. */
struct expected_count review_expect(const struct review *review, const float *probabilities, const bool *chosen,
                                    size_t samples);

#endif
