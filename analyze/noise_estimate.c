/* Samples into cells (group, bin); then fits of the mixture to the cells, and to bootstrap draws of them: where
 * each sample counts as often as an exponential draw says, a cell counts as a gamma draw of its size does (Rubin
 * 1981). */
#include "analyze/noise_estimate.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/control_mixture.h"
#include "analyze/label_posterior_score.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/random.h"

const char *const noise_verdict_names[] = {"applies", "none-found", "few-controls", "misfit"};

enum {
    ZERO = 128, /* the bin that begins at log odds 0 */
    UPPER = ESTIMATE_BINS - ZERO,
    ROUNDS = 3,
    TAIL = 6 /* the 2.5th percentile of 200 values is between the fifth and the sixth */
};
static const double lowest = -32, width = 0.25;
static const double covered = 0.9; /* share of the mistakes that the histograms reach down to, at least */
static const double most_before = 0.95;
static const double disagreement = 1.5; /* of the posterior's rate and the interval, as a factor */
static const char what[] = "an estimate of the noise";

/* What all draws are made from. */
struct cells {
    struct noise_estimate *out;
    struct mistake_groups groups;
    struct weighing weighing;
    size_t pairs;
    uint32_t classes;
    bool by_luck;
    double (*of_groups)[UPPER]; /* [groups] samples with log odds above 0, by bin */
    double (*drawn)[UPPER];     /* the same of a draw */
    double drawn_bins[ESTIMATE_BINS], wrong[ESTIMATE_BINS];
    double *counts, *weights; /* [controls] */
};

/* ---- cells ------------------------------------------------------------------------------------------------ */

static uint8_t bin_of(float log_odds)
{
    double place = ((double)log_odds - lowest) / width;
    return isnan(place) ? ESTIMATE_BINS : (uint8_t)fmin(fmax(floor(place), 0), ESTIMATE_BINS - 1);
}

static int compare_controls(const void *left, const void *right)
{
    const struct control *a = left, *b = right;
    return (a->pair > b->pair) - (a->pair < b->pair);
}

/* Sorts by pair, and numbers these. */
static size_t number_pairs(struct control *controls, size_t count)
{
    size_t pairs = 0;
    uint32_t last = 0;
    qsort(controls, count, sizeof *controls, compare_controls);
    for (size_t j = 0; j < count; j++) {
        uint32_t pair = controls[j].pair;
        pairs += j == 0 || pair != last;
        last = pair;
        controls[j].pair = (uint32_t)pairs - 1;
    }
    return pairs;
}

static void fill_cells(struct cells *cells, const struct label_posterior *posterior, const uint16_t *given,
                       const uint16_t *trained)
{
    struct noise_estimate *out = cells->out;
    for (size_t i = 0; i < posterior->samples; i++) {
        uint8_t bin = bin_of(posterior->log_odds[i]);
        out->bins[i] = ESTIMATE_BINS;
        if (bin == ESTIMATE_BINS || trained[i] >= cells->classes)
            continue;
        if (trained[i] != given[i]) {
            out->controls[out->control_count++] =
                (struct control){.sample = (uint32_t)i,
                                 .group = mistake_groups_of(&cells->groups, given[i], trained[i]),
                                 .pair = (uint32_t)given[i] << 16 | trained[i],
                                 .prior = mistake_groups_prior(&cells->groups, given[i], trained[i]),
                                 .bin = bin};
            continue;
        }
        out->bins[i] = bin;
        out->in_bin[bin]++;
        out->samples++;
        uint16_t suggested = posterior->suggestions[i].label;
        if (bin >= ZERO && suggested != given[i])
            cells->of_groups[mistake_groups_of(&cells->groups, suggested, given[i])][bin - ZERO]++;
    }
}

/* ---- one fit ---------------------------------------------------------------------------------------------- */

/* Takes the counts as they are, or draws them. */
static void draw_counts(struct cells *cells, struct random_stream *random)
{
    const struct noise_estimate *out = cells->out;
    double all = 0;
    memset(cells->drawn_bins, 0, sizeof cells->drawn_bins);
    for (size_t b = 0; b < ESTIMATE_BINS; b++) {
        double in_groups = 0;
        for (size_t g = 0; g < cells->groups.count && b >= ZERO; g++) {
            double count = cells->of_groups[g][b - ZERO];
            double drawn = count > 0 && random != NULL ? random_gamma(random, count) : count;
            cells->drawn[g][b - ZERO] = drawn;
            cells->drawn_bins[b] += drawn;
            in_groups += count;
        }
        double others = (double)out->in_bin[b] - in_groups;
        cells->drawn_bins[b] += others > 0 && random != NULL ? random_gamma(random, others) : others;
        all += cells->drawn_bins[b];
    }
    double scale = all > 0 ? (double)out->samples / all : 1;
    for (size_t b = 0; b < ESTIMATE_BINS; b++)
        cells->drawn_bins[b] *= scale;
    for (size_t g = 0; g < cells->groups.count; g++)
        for (size_t b = 0; b < UPPER; b++)
            cells->drawn[g][b] *= scale;
    for (size_t j = 0; j < out->control_count; j++)
        cells->counts[j] = random != NULL ? fmax(-log(1 - random_uniform(random)), 1e-12) : 1;
}

/* Mistakes with log odds above 0, by group. */
static void count_found(struct cells *cells)
{
    for (size_t g = 0; g < cells->groups.count; g++) {
        double found = cells->groups.prior[g];
        for (size_t b = 0; b < UPPER; b++)
            found += cells->drawn[g][b] * cells->wrong[ZERO + b];
        cells->weighing.found[g] = found;
    }
}

/* The first bin, at most ZERO, from which on most of the mistakes are. */
static uint8_t find_start(const double controls[ESTIMATE_BINS])
{
    double sum = 0;
    uint8_t start = ESTIMATE_BINS;
    while (start > 0 && (sum < covered || start > ZERO))
        sum += controls[--start];
    return start;
}

/* Fits the weights, the start and the mixture in turns, into `out` and the cells' `wrong` and `weights`. */
static void fit(struct noise_draw *out, struct cells *cells)
{
    const struct noise_estimate *estimate = cells->out;
    for (size_t b = 0; b < ESTIMATE_BINS; b++)
        cells->wrong[b] = b >= ZERO;
    for (int round = 0; round < ROUNDS; round++) {
        double controls[ESTIMATE_BINS] = {0};
        count_found(cells);
        out->effective = control_weights(cells->weights, &cells->weighing, &cells->groups, estimate->controls,
                                         cells->counts, estimate->control_count, cells->pairs, ZERO);
        for (size_t j = 0; j < estimate->control_count; j++)
            controls[estimate->controls[j].bin] += cells->weights[j];
        out->start = find_start(controls);
        out->before = 0;
        for (size_t b = 0; b < ESTIMATE_BINS; b++) {
            out->before += b < out->start ? controls[b] : 0;
            controls[b] *= out->effective;
        }
        struct control_mixture mixture =
            control_mixture_fit(cells->drawn_bins + out->start, controls + out->start, ESTIMATE_BINS - out->start,
                                width, out->effective / (double)estimate->samples);
        out->decay = mixture.decay;
        for (size_t b = 0; b < ESTIMATE_BINS; b++)
            cells->wrong[b] =
                b < out->start ? 0 : control_mixture_wrong(&mixture, ((double)(b - out->start) + 0.5) * width);
    }
}

/* From mistakes found past the start to all of them. Where controls were drawn without the truth, a share
 * l = rate / (classes - 1) of them was wrong before and is right by luck; these are all before the start. */
static void complete(struct noise_draw *out, const struct cells *cells, bool is_drawn)
{
    double found = 0, samples = (double)cells->out->samples;
    for (size_t b = out->start; b < ESTIMATE_BINS; b++)
        found += cells->drawn_bins[b] * cells->wrong[b];
    out->before = fmin(out->before, most_before);
    /* That no control is missed does not mean that no mistake is: Jeffreys' prior, a beta of two halves. */
    if (is_drawn)
        out->before =
            (out->before * out->effective + out->beside[1]) / (out->effective + out->beside[0] + out->beside[1]);
    out->mistakes = found / (1 - out->before);
    out->luck = 1;
    if (!cells->by_luck || cells->classes < 2)
        return;
    double others = cells->classes - 1, rate = out->mistakes / samples;
    rate /= 1 + rate / others;
    double lucky = rate / others;
    out->mistakes = rate * samples;
    out->before = fmax((out->before - lucky) / (1 - lucky), 0);
    out->luck = 1 / (1 - lucky);
}

static void draw(struct cells *cells, size_t d)
{
    struct noise_estimate *estimate = cells->out;
    struct noise_draw *out = &estimate->draws[d];
    struct random_stream random = random_open(0, RANDOM_BOOTSTRAP, d);
    draw_counts(cells, d > 0 ? &random : NULL);
    for (size_t k = 0; k < 3; k++) {
        out->chance[k] = random_normal(&random);
        out->beside[k] = random_gamma(&random, 0.5);
    }
    out->chance[3] = random_uniform(&random);
    fit(out, cells);
    complete(out, cells, d > 0);
    for (size_t b = 0; b < ESTIMATE_BINS; b++) {
        double weight = estimate->in_bin[b] > 0 ? cells->drawn_bins[b] / (double)estimate->in_bin[b] : 0;
        estimate->found[b][d] = weight * cells->wrong[b];
        estimate->variance[b][d] = weight * cells->wrong[b] * (1 - cells->wrong[b]);
    }
    for (size_t j = 0; j < estimate->control_count; j++)
        estimate->weights[j][d] = (float)cells->weights[j];
}

/* ---- what follows ----------------------------------------------------------------------------------------- */

struct estimated estimated_from(const double *values)
{
    /* Only the ends are sorted: the TAIL smallest, and the smallest of the negated values. */
    const double place = 0.025 * (ESTIMATE_DRAWS - 2), between = place - floor(place);
    double ends[2][TAIL];
    for (size_t side = 0; side < 2; side++) {
        double *end = ends[side];
        size_t count = 0;
        for (size_t d = 1; d < ESTIMATE_DRAWS; d++) {
            double value = side == 0 ? values[d] : -values[d];
            if (count == TAIL && value >= end[TAIL - 1])
                continue;
            size_t at = count < TAIL ? count++ : TAIL - 1;
            for (; at > 0 && end[at - 1] > value; at--)
                end[at] = end[at - 1];
            end[at] = value;
        }
    }
    return (struct estimated){values[0], ends[0][TAIL - 2] + between * (ends[0][TAIL - 1] - ends[0][TAIL - 2]),
                              -ends[1][TAIL - 2] - between * (ends[1][TAIL - 1] - ends[1][TAIL - 2])};
}

static void judge(struct noise_estimate *out, const struct label_posterior *posterior)
{
    double rates[ESTIMATE_DRAWS];
    for (size_t d = 0; d < ESTIMATE_DRAWS; d++)
        rates[d] = out->draws[d].mistakes / (double)out->samples;
    out->rate = estimated_from(rates);
    out->effective_controls = out->draws[0].effective;
    out->posterior_rate = posterior->expected_wrong / (double)posterior->judged;
    if (out->effective_controls < ESTIMATE_CONTROLS)
        out->verdict = NOISE_FEW_CONTROLS;
    else if (out->rate.low * (double)out->samples < 1)
        out->verdict = NOISE_NONE_FOUND;
    else if (out->posterior_rate > out->rate.high * disagreement ||
             out->posterior_rate < out->rate.low / disagreement)
        out->verdict = NOISE_MISFIT;
}

int noise_estimate_create(struct noise_estimate *out, const struct label_posterior *posterior,
                          const uint16_t *given, const uint16_t *trained, bool by_luck)
{
    struct cells cells = {.out = out, .classes = posterior->transition.classes, .by_luck = by_luck};
    *out = (struct noise_estimate){.verdict = NOISE_APPLIES, .rate = {NAN, NAN, NAN}, .posterior_rate = NAN};
    size_t controls = 0;
    for (size_t i = 0; i < posterior->samples; i++)
        controls += given[i] != trained[i];
    int status = mistake_groups_create(&cells.groups, posterior);
    if (status == 0)
        status = memory_allocate(&out->bins, posterior->samples, sizeof *out->bins, what);
    if (status == 0)
        status = memory_allocate(&out->controls, controls, sizeof *out->controls, what);
    if (status == 0)
        status = memory_allocate(&out->found, ESTIMATE_BINS, sizeof *out->found, what);
    if (status == 0)
        status = memory_allocate(&out->variance, ESTIMATE_BINS, sizeof *out->variance, what);
    if (status == 0)
        status = memory_allocate(&cells.of_groups, cells.groups.count, sizeof *cells.of_groups, what);
    if (status == 0)
        status = memory_allocate(&cells.drawn, cells.groups.count, sizeof *cells.drawn, what);
    if (status == 0)
        fill_cells(&cells, posterior, given, trained);
    cells.pairs = status == 0 ? number_pairs(out->controls, out->control_count) : 0;
    if (status == 0)
        status = memory_allocate(&out->weights, out->control_count, sizeof *out->weights, what);
    if (status == 0)
        status = memory_allocate(&cells.counts, out->control_count, sizeof *cells.counts, what);
    if (status == 0)
        status = memory_allocate(&cells.weights, out->control_count, sizeof *cells.weights, what);
    if (status == 0)
        status = weighing_create(&cells.weighing, &cells.groups, cells.pairs);
    if (status == 0 && (out->control_count == 0 || out->samples == 0))
        out->verdict = NOISE_FEW_CONTROLS;
    else if (status == 0) {
        for (size_t d = 0; d < ESTIMATE_DRAWS; d++)
            draw(&cells, d);
        judge(out, posterior);
    }
    weighing_destroy(&cells.weighing);
    free(cells.weights);
    free(cells.counts);
    free(cells.drawn);
    free(cells.of_groups);
    mistake_groups_destroy(&cells.groups);
    return status;
}

void noise_estimate_destroy(struct noise_estimate *estimate)
{
    free(estimate->weights);
    free(estimate->variance);
    free(estimate->found);
    free(estimate->controls);
    free(estimate->bins);
}

int noise_estimate_check(const struct analysis *analysis)
{
    const struct tidylog_run *run = analysis->run;
    if (!tidylog_has_probes(run, "controls"))
        return tidy_fail("%s: has no controls to estimate from; 'tidy-record train --controls 0.01' plants some",
                         analysis->path);
    if (run->detail < TIDYLOG_MARGIN)
        return tidy_fail("%s: an estimate needs --detail margin or more; this log was recorded with --detail %s",
                         analysis->path, tidylog_detail_names[run->detail]);
    if (analysis->runs > 1)
        return tidy_fail("%s: an estimate needs a log of one run, and this one has %" PRIu32, analysis->path,
                         analysis->runs);
    return 0;
}

bool noise_estimate_is_possible(const struct analysis *analysis)
{
    return noise_estimate_check(analysis) == 0;
}

int noise_estimate_of(struct noise_estimate *out, struct analysis *analysis)
{
    const struct tidylog_run *run = analysis->run;
    *out = (struct noise_estimate){0};
    int status = analysis->posterior != NULL ? 0 : label_posterior_replay(analysis);
    return status != 0
               ? status
               : noise_estimate_create(out, analysis->posterior, analysis->given, run->labels, run->truth == NULL);
}
