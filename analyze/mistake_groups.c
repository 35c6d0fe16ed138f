/* Groups from the transition, and weights from counts by group. */
#include "analyze/mistake_groups.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

static const char what[] = "groups of mistakes";
static const double least_probability = 1e-7; /* of a pair: none is impossible */
static const double apart_factor = 1.5,
                    fewest_apart = 20; /* a pair alone is more probable, and of so many samples */
static const double borrowed = 2; /* controls' worth of the other groups' share that a group's own begins with */

static double probable(double probability)
{
    return fmax(probability, least_probability);
}

int mistake_groups_create(struct mistake_groups *out, const struct label_posterior *posterior)
{
    const struct noise_transition *transition = &posterior->transition;
    *out =
        (struct mistake_groups){.posterior = posterior, .rows = transition->classes, .count = transition->classes};
    int status = memory_allocate(&out->of_pair, transition->count, sizeof *out->of_pair, what);
    if (status == 0)
        status = memory_allocate(&out->prior, out->rows + transition->count, sizeof *out->prior, what);
    if (status != 0)
        return status;
    for (uint32_t c = 0; c < transition->classes; c++)
        out->prior[c] = posterior->true_counts[c] * probable(transition->other) *
                        (transition->classes - 1 - transition->pairs_of[c]);
    for (size_t p = 0; p < transition->count; p++) {
        const struct noise_pair *pair = &transition->pairs[p];
        double expected = posterior->true_counts[pair->true_class] * pair->probability;
        bool apart = pair->probability > apart_factor * transition->other && expected > fewest_apart;
        out->of_pair[p] = apart ? (uint32_t)out->count++ : pair->true_class;
        out->prior[out->of_pair[p]] += posterior->true_counts[pair->true_class] * probable(pair->probability);
    }
    for (size_t g = 0; g < out->count; g++)
        out->all += out->prior[g];
    for (size_t g = 0; g < out->count && out->all > 0; g++)
        out->prior[g] /= out->all;
    return 0;
}

void mistake_groups_destroy(struct mistake_groups *groups)
{
    free(groups->prior);
    free(groups->of_pair);
}

uint32_t mistake_groups_of(const struct mistake_groups *groups, uint32_t true_class, uint32_t given)
{
    const struct noise_transition *transition = &groups->posterior->transition;
    size_t pair = noise_transition_find(transition, true_class, given);
    return pair < transition->count ? groups->of_pair[pair] : true_class;
}

double mistake_groups_prior(const struct mistake_groups *groups, uint32_t true_class, uint32_t given)
{
    const struct label_posterior *posterior = groups->posterior;
    double probability = noise_transition_probability(&posterior->transition, true_class, given);
    return groups->all > 0 ? posterior->true_counts[true_class] * probable(probability) / groups->all : 0;
}

int weighing_create(struct weighing *out, const struct mistake_groups *groups, size_t pairs)
{
    double **const of_groups[] = {&out->found, &out->controls, &out->past, &out->prior};
    *out = (struct weighing){0};
    int status = memory_allocate(&out->by_pair, pairs, sizeof *out->by_pair, what);
    for (size_t i = 0; i < sizeof of_groups / sizeof *of_groups && status == 0; i++)
        status = memory_allocate(of_groups[i], groups->count, sizeof **of_groups[i], what);
    return status;
}

void weighing_destroy(struct weighing *weighing)
{
    free(weighing->prior);
    free(weighing->past);
    free(weighing->controls);
    free(weighing->found);
    free(weighing->by_pair);
}

/* Turns `found` of each group into all its mistakes: over the share of its controls past the border. A group of few
 * controls leans on that of all rows, or of all pairs. */
static void complete_found(struct weighing *w, const struct mistake_groups *groups)
{
    const size_t ends[] = {0, groups->rows, groups->count};
    for (size_t part = 0; part < 2; part++) {
        double controls = 0, past = 0;
        for (size_t g = ends[part]; g < ends[part + 1]; g++) {
            controls += w->controls[g];
            past += w->past[g];
        }
        double share = (past + 0.5) / (controls + 1);
        for (size_t g = ends[part]; g < ends[part + 1]; g++)
            w->found[g] *= (w->controls[g] + borrowed) / (w->past[g] + borrowed * share);
    }
}

double control_weights(double *weights, struct weighing *w, const struct mistake_groups *groups,
                       const struct control *controls, const double *counts, size_t count, size_t pairs,
                       uint8_t border)
{
    double sum = 0, squares = 0;
    memset(w->by_pair, 0, pairs * sizeof *w->by_pair);
    for (size_t g = 0; g < groups->count; g++)
        w->controls[g] = w->past[g] = w->prior[g] = 0;
    for (size_t j = 0; j < count; j++) {
        const struct control *control = &controls[j];
        if (w->by_pair[control->pair] == 0)
            w->prior[control->group] += control->prior;
        w->by_pair[control->pair] += counts[j];
        w->controls[control->group] += counts[j];
        w->past[control->group] += control->bin >= border ? counts[j] : 0;
    }
    complete_found(w, groups);
    for (size_t j = 0; j < count; j++) {
        const struct control *control = &controls[j];
        double of_group = w->prior[control->group];
        weights[j] = of_group > 0 ? counts[j] * w->found[control->group] * control->prior /
                                        (of_group * w->by_pair[control->pair])
                                  : 0;
        sum += weights[j];
    }
    for (size_t j = 0; j < count && sum > 0; j++) {
        weights[j] /= sum;
        squares += weights[j] * weights[j] / counts[j];
    }
    return squares > 0 ? 1 / squares : 0;
}
