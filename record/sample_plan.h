/* What each sample of a new run is for: the label that it is trained on, whether it is left out, is a probe, or in
 * which split it is. Everything is decided by the options and the seed, before training. */
#ifndef TIDY_RECORD_SAMPLE_PLAN_H
#define TIDY_RECORD_SAMPLE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/dataset.h"
#include "common/tidylog.h"
#include "record/noise.h"

struct sample_options {
    const char *labels;        /* a label file that replaces the data set's, or NULL */
    const char *truth;         /* a label file of labels that are known to be right, or NULL */
    const struct noise *noise; /* planted into the labels, or NULL */
    double controls;           /* share of the samples that become planted controls; 0: none */
    uint64_t threshold_draw;   /* which draw of threshold samples, from 1; 0: none */
    bool halves;               /* in two splits, of which the first is trained on first */
    bool swap_halves;          /* the splits exchanged */
    uint64_t seed;
};

/* Members as in struct tidylog_run, owned; destroyed also where creating it failed. */
struct sample_plan {
    uint32_t classes; /* with the threshold samples' own */
    uint16_t *labels, *truth, *given, *parts;
    const char *probes;
};

/* A sample that the label file leaves out is TIDYLOG_LEFT_OUT and keeps the data set's label. What follows is among
 * the others, n samples of C classes. Noise is planted as noise_plant says; the truth is then what it replaced, if
 * no file has it. Controls: of a random permutation of the n, the first round(R n) whose label is not known to be
 * wrong (it is the truth, or there is none); those of one given class are labelled with each of the other C - 1 in
 * turn, from a random one on. The same seed plants the same noise with and without them. Threshold samples (Pleiss et al. 2020, 'Identifying Mislabeled Data using the Area Under the
 * Margin Ranking'): of a random permutation of the n, draw K has the K-th round(n / (C + 1)), labelled C. Halves:
 * of another one the first ceil(n / 2), and the rest (Maini et al. 2022, 'Characterizing Datapoints via
 * Second-Split Forgetting'). Errors: of the files and of noise_plant; no sample is left; draws,
 * controls or halves that would be empty; more controls than there are labels that may be right; controls in a data
 * set of one class. */
int sample_plan_create(struct sample_plan *out, const struct sample_options *options, const struct dataset *train);
void sample_plan_destroy(struct sample_plan *plan);

/* How many samples are left out; how many are probes. */
uint64_t sample_plan_left_out(const struct tidylog_run *run);
uint64_t sample_plan_probes(const struct tidylog_run *run);

#endif
