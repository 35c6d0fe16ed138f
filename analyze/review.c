/* Recalibrates probabilities by decisions: coordinate-wise Newton steps on a concave function. */
#include "analyze/review.h"

#include <math.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"

/* Standard deviations of the prior, see the header. */
static const double slope_deviation = 0.1, offset_deviation = 0.5, pair_deviation = 1;

/* Steps are at most 1, so that 60 reach any offset that log odds within +-16 can need. */
enum { ROUNDS = 60 };

struct review_pair {
    uint32_t classes; /* given * 65536 + suggested */
    double offset;
};

/* A decision as the fit sees it. */
struct outcome {
    double log_odds;
    bool wrong;
    uint32_t classes;
    size_t pair; /* index into review->pairs */
};

struct review review_none(void)
{
    return (struct review){.slope = 1,
                           .variance = {slope_deviation * slope_deviation, 0, offset_deviation * offset_deviation}};
}

static double log_odds_of(float probability)
{
    double p = fmin(fmax((double)probability, 1e-7), 1 - 1e-7);
    return log(p) - log1p(-p);
}

static double logistic(double log_odds)
{
    return 1 / (1 + exp(-log_odds));
}

static uint32_t classes_of(uint16_t given, const struct suggestion *suggestion)
{
    return (uint32_t)given << 16 | suggestion->label;
}

static int by_classes(const void *a, const void *b)
{
    const struct outcome *x = a, *y = b;
    return (x->classes > y->classes) - (x->classes < y->classes);
}

static int compare_pair(const void *key, const void *pair)
{
    uint32_t classes = *(const uint32_t *)key, other = ((const struct review_pair *)pair)->classes;
    return (classes > other) - (classes < other);
}

static double offset_of(const struct review *review, uint32_t classes)
{
    const struct review_pair *pair = review->pair_count == 0 ? NULL
                                                             : bsearch(&classes, review->pairs, review->pair_count,
                                                                       sizeof *review->pairs, compare_pair);
    return review->offset + (pair != NULL ? pair->offset : 0);
}

static double bounded(double step)
{
    return fmin(fmax(step, -1), 1);
}

/* One step of slope and offset, whose curvature is left in review->variance, inverted. */
static void step_both(struct review *review, const struct outcome *outcomes, size_t count)
{
    double s = 1 / (slope_deviation * slope_deviation), o = 1 / (offset_deviation * offset_deviation);
    double gradient[2] = {-s * (review->slope - 1), -o * review->offset};
    double curvature[3] = {s, 0, o};
    for (size_t i = 0; i < count; i++) {
        const struct outcome *at = &outcomes[i];
        double p = logistic(review->slope * at->log_odds + review->offset + review->pairs[at->pair].offset);
        double error = (at->wrong ? 1 : 0) - p, weight = p * (1 - p);
        gradient[0] += error * at->log_odds;
        gradient[1] += error;
        curvature[0] += weight * at->log_odds * at->log_odds;
        curvature[1] += weight * at->log_odds;
        curvature[2] += weight;
    }
    double determinant = curvature[0] * curvature[2] - curvature[1] * curvature[1];
    review->variance[0] = curvature[2] / determinant;
    review->variance[1] = -curvature[1] / determinant;
    review->variance[2] = curvature[0] / determinant;
    review->slope += bounded(review->variance[0] * gradient[0] + review->variance[1] * gradient[1]);
    review->offset += bounded(review->variance[1] * gradient[0] + review->variance[2] * gradient[1]);
}

/* One step of each pair's offset. Outcomes are sorted by pair. */
static void step_pairs(struct review *review, const struct outcome *outcomes, size_t count)
{
    for (size_t i = 0; i < count;) {
        struct review_pair *pair = &review->pairs[outcomes[i].pair];
        double precision = 1 / (pair_deviation * pair_deviation);
        double gradient = -precision * pair->offset, curvature = precision;
        for (; i < count && &review->pairs[outcomes[i].pair] == pair; i++) {
            double p = logistic(review->slope * outcomes[i].log_odds + review->offset + pair->offset);
            gradient += (outcomes[i].wrong ? 1 : 0) - p;
            curvature += p * (1 - p);
        }
        pair->offset += bounded(gradient / curvature);
    }
}

/* Takes the decisions on samples that have a probability; counts all. */
static size_t take_outcomes(struct review *review, struct outcome *outcomes, const float *probabilities,
                            const uint16_t *given, const struct suggestion *suggestions,
                            const struct sample_list *decisions)
{
    size_t count = 0;
    for (size_t i = 0; i < decisions->count; i++) {
        uint32_t sample = decisions->samples[i];
        bool wrong = decisions->labels[i] != given[sample];
        review->decisions++;
        review->wrong += wrong;
        if (!isnan(probabilities[sample]))
            outcomes[count++] = (struct outcome){.log_odds = log_odds_of(probabilities[sample]),
                                                 .wrong = wrong,
                                                 .classes = classes_of(given[sample], &suggestions[sample])};
    }
    return count;
}

static void number_pairs(struct review *review, struct outcome *outcomes, size_t count)
{
    qsort(outcomes, count, sizeof *outcomes, by_classes);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || outcomes[i].classes != outcomes[i - 1].classes)
            review->pairs[review->pair_count++] = (struct review_pair){.classes = outcomes[i].classes};
        outcomes[i].pair = review->pair_count - 1;
    }
}

int review_apply(struct review *out, float *probabilities, const uint16_t *given,
                 const struct suggestion *suggestions, size_t samples, const struct sample_list *decisions,
                 const char *name)
{
    struct outcome *outcomes = NULL;
    *out = review_none();
    if (decisions->count > 0 && decisions->labels == NULL)
        return tidy_fail("%s: has no labels; a line a sample is due: its index, and the label that is right", name);
    int status = memory_allocate(&outcomes, decisions->count, sizeof *outcomes, "decisions");
    if (status == 0)
        status = memory_allocate(&out->pairs, decisions->count, sizeof *out->pairs, "decisions");
    if (status != 0)
        goto done;
    size_t count = take_outcomes(out, outcomes, probabilities, given, suggestions, decisions);
    number_pairs(out, outcomes, count);
    for (int round = 0; round < ROUNDS && count > 0; round++) {
        step_pairs(out, outcomes, count);
        step_both(out, outcomes, count);
    }
    for (size_t i = 0; i < samples && count > 0; i++)
        if (!isnan(probabilities[i]))
            probabilities[i] = (float)logistic(out->slope * log_odds_of(probabilities[i]) +
                                               offset_of(out, classes_of(given[i], &suggestions[i])));
    for (size_t i = 0; i < decisions->count; i++)
        probabilities[decisions->samples[i]] = NAN;
done:
    free(outcomes);
    return status;
}

void review_destroy(struct review *review)
{
    free(review->pairs);
    *review = (struct review){0};
}

bool review_surprises(const struct review *review)
{
    return fabs(review->offset) > 3 * offset_deviation;
}

struct expected_count review_expect(const struct review *review, const float *probabilities, const bool *chosen,
                                    size_t samples)
{
    double sum = 0, chance = 0, of_slope = 0, of_offset = 0, present = 0;
    for (size_t i = 0; i < samples; i++) {
        float probability = probabilities[i];
        if (isnan(probability) || (chosen != NULL && !chosen[i]))
            continue;
        double p = (double)probability, spread = p * (1 - p);
        /* The log odds before the slope; a pair's own offset is taken as certain. */
        double log_odds = (log_odds_of(probability) - review->offset) / review->slope;
        sum += p;
        chance += spread;
        of_slope += spread * log_odds;
        of_offset += spread;
        present++;
    }
    double variance = chance + review->variance[0] * of_slope * of_slope +
                      2 * review->variance[1] * of_slope * of_offset + review->variance[2] * of_offset * of_offset;
    double half = 1.96 * sqrt(variance);
    return (struct expected_count){sum, fmax(sum - half, 0), fmin(sum + half, present)};
}
