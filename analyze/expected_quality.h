/* What probabilities tell to expect of the most suspicious samples: hits is the sum of their probabilities, wrong
 * that of all, and precision, recall and F1 = 2 hits / (flagged + wrong) follow (Lipton et al. 2014, "Optimal
 * Thresholding of Classifiers to Maximize F1"). */
#ifndef TIDY_ANALYZE_EXPECTED_QUALITY_H
#define TIDY_ANALYZE_EXPECTED_QUALITY_H

#include <stddef.h>

#include "analyze/ranking.h"

struct expected_quality {
    double precision, recall, f1; /* NaN where nothing is flagged, or nothing is expected to be wrong */
};

/* Samples of a ranking by PROBABILITY_SCORE, from the most suspicious on. */
struct expected_walk {
    const struct ranking *ranking;
    double wrong, hits; /* hits: of those so far */
    size_t flagged;
};

/* Before the first. */
void expected_walk_begin(struct expected_walk *out, const struct ranking *ranking);

/* Goes on to the first `flagged` of the scored, no fewer than before. */
struct expected_quality expected_walk_to(struct expected_walk *walk, size_t flagged);

#endif
