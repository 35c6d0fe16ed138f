/* The label that the network would have given instead. */
#ifndef TIDY_ANALYZE_SUGGESTIONS_H
#define TIDY_ANALYZE_SUGGESTIONS_H

#include <stdint.h>

struct analysis;

/* Where the score label-posterior is made: the most probable class but the given one, and its posterior
 * probability. Else, with probabilities recorded: the class of the largest mean probability, and that. Else: the
 * class most often predicted, and the share of the presentations in which it was. Of equal ones the smallest
 * class; never a probe's extra class. */
struct suggestion {
    uint16_t label;    /* the given one where there is no probability */
    float probability; /* NaN where the sample was never presented, or a logit was not a number */
};

/* Asks analysis_replay to sum what suggestions are made from in its own pass. */
void suggestions_announce(struct analysis *analysis);

/* *out has an entry a sample, over all presentations of the window in all runs; freed by the caller. Replays the
 * log where they were not announced, or are too many for one block. */
int suggestions_create(struct suggestion **out, struct analysis *analysis);

#endif
