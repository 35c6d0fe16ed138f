/* The label that the network would have given instead. */
#ifndef TIDY_ANALYZE_SUGGESTIONS_H
#define TIDY_ANALYZE_SUGGESTIONS_H

#include <stdint.h>

struct analysis;

/* With probabilities recorded: the class of the largest mean probability, and that. Else: the class most often predicted
 * (the smallest of several), and the share of the presentations in which it was. Never a probe's extra class. */
struct suggestion {
    uint16_t label;
    float probability; /* NaN where the sample was never presented */
};

/* *out has an entry a sample, freed by the caller. Replays the log. */
int suggestions_create(struct suggestion **out, struct analysis *analysis);

#endif
