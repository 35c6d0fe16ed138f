/* Pairs of classes that mistakes are counted by, and how many mistakes each planted control stands for. */
#ifndef TIDY_ANALYZE_MISTAKE_GROUPS_H
#define TIDY_ANALYZE_MISTAKE_GROUPS_H

#include <stddef.h>
#include <stdint.h>

#include "analyze/label_posterior.h"

/* A group is a pair (true class, given label) that stands out in the transition, or all other pairs of one true
 * class: counts of single pairs that do not stand out would be those of classes that are like each other. */
struct mistake_groups {
    const struct label_posterior *posterior;
    size_t count, rows; /* the first `rows` are those of true classes, all others are pairs */
    uint32_t *of_pair;  /* [transition.count] */
    double *prior;      /* [count] share of all mistakes, as the transition has it */
    double all;         /* mistakes, as the transition has it */
};

/* Freed with mistake_groups_destroy, also after a failure. `posterior` must outlive it. */
int mistake_groups_create(struct mistake_groups *out, const struct label_posterior *posterior);
void mistake_groups_destroy(struct mistake_groups *groups);

/* The group of a pair of two different classes. */
uint32_t mistake_groups_of(const struct mistake_groups *groups, uint32_t true_class, uint32_t given);

/* The share of all mistakes that are of this pair, as the transition has it. */
double mistake_groups_prior(const struct mistake_groups *groups, uint32_t true_class, uint32_t given);

/* Planted controls: their true class is that of the data set, the given label the one trained on. */
struct control {
    uint32_t sample, group, pair; /* pair: numbered from 0 */
    double prior;                 /* of its pair */
    uint8_t bin;
};

/* What control_weights needs room for. */
struct weighing {
    double *by_pair;                         /* [pairs] */
    double *found, *controls, *past, *prior; /* [groups] */
};
int weighing_create(struct weighing *out, const struct mistake_groups *groups, size_t pairs);
void weighing_destroy(struct weighing *weighing);

/* weights[count], which sum to 1: a control's share of all mistakes. In each group they share what
 * weighing->found has of mistakes past `border`, over the share of the group's controls past it; of a group's
 * pairs each as much as the prior says. counts[j], 1 but for a bootstrap, is how often control j counts. Returns
 * how many controls of equal weights would tell as much (Kish 1965). */
double control_weights(double *weights, struct weighing *weighing, const struct mistake_groups *groups,
                       const struct control *controls, const double *counts, size_t count, size_t pairs,
                       uint8_t border);

#endif
