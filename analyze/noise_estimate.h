/* How many labels are wrong, estimated from planted controls, with a 95% interval. docs/scores.md has the
 * definition. */
#ifndef TIDY_ANALYZE_NOISE_ESTIMATE_H
#define TIDY_ANALYZE_NOISE_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/label_posterior.h"
#include "analyze/mistake_groups.h"

struct analysis;

/* Does the estimate hold? */
enum noise_verdict {
    NOISE_APPLIES,
    NOISE_NONE_FOUND,   /* no share of the samples behaves like controls; the rate's upper limit holds */
    NOISE_FEW_CONTROLS, /* of the pairs of classes that occur */
    NOISE_MISFIT,       /* label-posterior's own account of the noise is another one */
};
extern const char *const noise_verdict_names[]; /* "applies", ... */

/* A number and its 95% interval. */
struct estimated {
    double value, low, high;
};

/* Effective controls that an estimate needs. */
#define ESTIMATE_CONTROLS 15

enum {
    ESTIMATE_BINS = 160, /* of log odds, each 1/4 wide, from -32 to 8; past either end they count as the last */
    ESTIMATE_DRAWS = 201 /* the first is the estimate itself, all others are a bootstrap's */
};

/* One fit of the mixture. */
struct noise_draw {
    uint8_t start;    /* bins before it tell nothing: mistakes are too rare there */
    double mistakes;  /* all of them */
    double before;    /* share of them before the start */
    double effective; /* controls */
    double luck;      /* 1 / (1 - the share of controls whose label is right by luck) */
    double decay;     /* of the mixture */
    double chance[4]; /* of sets: three standard normal draws, and a number from 0 to 1 */
    double beside[3]; /* of sets: draws of the gamma distribution of shape 1/2 */
};

struct noise_estimate {
    enum noise_verdict verdict;
    struct estimated rate; /* wrong labels over samples */
    size_t samples;        /* that it is about: those of a vector that are no controls */
    size_t control_count;
    double effective_controls;
    double posterior_rate; /* label-posterior's own */

    uint8_t *bins;                      /* [all samples] of the log odds; ESTIMATE_BINS: none */
    size_t in_bin[ESTIMATE_BINS];       /* samples that are no controls */
    struct control *controls;           /* [control_count] */
    double (*found)[ESTIMATE_DRAWS];    /* [bins] mistakes per sample of the bin */
    double (*variance)[ESTIMATE_DRAWS]; /* [bins] of them */
    float (*weights)[ESTIMATE_DRAWS];   /* [control_count] share of all mistakes */
    struct noise_draw draws[ESTIMATE_DRAWS];
};

/* Estimates it from the posterior's log odds, suggestions, transition and true_counts. given, trained: [samples]
 * the data set's labels, and those trained on. by_luck: controls were drawn without knowing the truth, so that
 * some of their labels are right. The same input gives the same numbers. Freed with noise_estimate_destroy, also
 * after a failure. */
int noise_estimate_create(struct noise_estimate *out, const struct label_posterior *posterior,
                          const uint16_t *given, const uint16_t *trained, bool by_luck);
void noise_estimate_destroy(struct noise_estimate *estimate);

/* Can it be made of the log? */
bool noise_estimate_is_possible(const struct analysis *analysis);

/* The same, with a message. Errors: it has no controls, no probabilities, or several runs. */
int noise_estimate_check(const struct analysis *analysis);

/* noise_estimate_create of a log that passed the check; makes the posterior first where no score has. */
int noise_estimate_of(struct noise_estimate *out, struct analysis *analysis);

/* The 95% interval of draws 1.. of values[ESTIMATE_DRAWS], none of which is NaN, and the first as the value:
 * their 2.5th and 97.5th percentiles, as NumPy's. */
struct estimated estimated_from(const double *values);

#endif
