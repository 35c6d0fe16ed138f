/* Expectation maximisation by the method of moments. */
#include "analyze/beta_mixture.h"

#include <math.h>
#include <stdlib.h>

#include "common/memory.h"

static const double ends = 1e-3;   /* what stands for values at 0, and as far from 1 for those at 1 */
static const double margin = 1e-4; /* densities are 0 or infinite at 0 and 1 */
static const double least = 1e-12; /* of a weighted density, and of a variance */
enum { ROUNDS = 10 };

static double clip(double value, double from, double to)
{
    return fmin(fmax(value, from), to);
}

void beta_mixture_bring_inside(double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i] <= 0)
            values[i] = ends;
        else
            values[i] = values[i] >= 1 ? 1 - ends : clip(values[i], margin, 1 - margin);
    }
}

/* [2] what each distribution gives for a value, times its weight; by the logarithms of it and of 1 less it. */
static void weighted_densities(double out[2], const struct beta_mixture *m, const double log_beta[2], double from_0,
                               double from_1)
{
    for (int j = 0; j < 2; j++)
        out[j] = m->weight[j] * exp((m->alpha[j] - 1) * from_0 + (m->beta[j] - 1) * from_1 - log_beta[j]);
}

static void set_log_beta(double out[2], const struct beta_mixture *m)
{
    for (int j = 0; j < 2; j++)
        out[j] = lgamma(m->alpha[j]) + lgamma(m->beta[j]) - lgamma(m->alpha[j] + m->beta[j]);
}

/* Sums over values weighted by how much each belongs to a distribution. */
struct moments {
    double weight, sum, squares;
};

/* `logarithms` has [count] of the values, then [count] of 1 less them. */
static void expect(struct moments out[2], const struct beta_mixture *m, const struct weighted_values *values,
                   const double *logarithms)
{
    double log_beta[2];
    set_log_beta(log_beta, m);
    out[0] = out[1] = (struct moments){0};
    for (size_t i = 0; i < values->count; i++) {
        double value = values->values[i], r[2];
        weighted_densities(r, m, log_beta, logarithms[i], logarithms[values->count + i]);
        r[0] = fmax(r[0], least);
        r[1] = fmax(r[1], least);
        for (int j = 0; j < 2; j++) {
            double share = weight_of(values, i) * (r[j] / (r[0] + r[1]));
            out[j].weight += share;
            out[j].sum += share * value;
            out[j].squares += share * value * value;
        }
    }
}

static void maximise(struct beta_mixture *m, const struct moments moments[2])
{
    for (int j = 0; j < 2; j++) {
        double mean = moments[j].sum / moments[j].weight;
        /* Not 0 where all of a distribution's values are one. */
        double variance = fmax(moments[j].squares / moments[j].weight - mean * mean, least);
        m->alpha[j] = mean * (mean * (1 - mean) / variance - 1);
        m->beta[j] = m->alpha[j] * (1 - mean) / mean;
        m->weight[j] = moments[j].weight / (moments[0].weight + moments[1].weight);
    }
}

static void tabulate(struct beta_mixture *m)
{
    double log_beta[2];
    int largest = 0;
    set_log_beta(log_beta, m);
    for (int place = 0; place < BETA_PLACES; place++) {
        double densities[2], value = clip((double)place / (BETA_PLACES - 1), least, 1 - least);
        weighted_densities(densities, m, log_beta, log(value), log1p(-value));
        m->posterior[place] = densities[1] / (densities[0] + densities[1] + least);
        if (m->posterior[place] > m->posterior[largest])
            largest = place;
    }
    for (int place = largest; place < BETA_PLACES; place++)
        m->posterior[place] = m->posterior[largest];
}

int beta_mixture_fit(struct beta_mixture *out, const struct weighted_values *values)
{
    double *logarithms;
    int status = memory_allocate(&logarithms, 2 * values->count, sizeof *logarithms, "a threshold rule");
    if (status != 0)
        return status;
    for (size_t i = 0; i < values->count; i++) {
        logarithms[i] = log(values->values[i]);
        logarithms[values->count + i] = log1p(-values->values[i]);
    }
    *out = (struct beta_mixture){.weight = {0.5, 0.5}, .alpha = {1, 2}, .beta = {2, 1}};
    for (int round = 0; round < ROUNDS; round++) {
        struct moments moments[2];
        expect(moments, out, values, logarithms);
        maximise(out, moments);
    }
    tabulate(out);
    free(logarithms);
    return 0;
}

bool beta_mixture_suspects(const struct beta_mixture *mixture, double value)
{
    double place = clip(value, 0, 1);
    double clean_mean = mixture->alpha[0] / (mixture->alpha[0] + mixture->beta[0]);
    int index = (int)(place * BETA_PLACES);
    return value > clean_mean && mixture->posterior[index < BETA_PLACES ? index : BETA_PLACES - 1] > 0.5;
}
