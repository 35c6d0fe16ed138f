/* Expectation maximisation by the method of moments. */
#include "analyze/beta_mixture.h"

#include <math.h>

static const double ends = 1e-3;   /* what stands for values at 0, and as far from 1 for those at 1 */
static const double margin = 1e-4; /* densities are 0 or infinite at 0 and 1 */
static const double least = 1e-12; /* of a weighted density, and of a variance */
enum { ROUNDS = 10 };

static double clip(double value, double from, double to)
{
    return fmin(fmax(value, from), to);
}

/* Arazo's two steps against values at the ends. */
static double inside(double value)
{
    if (value <= 0)
        return ends;
    return value >= 1 ? 1 - ends : clip(value, margin, 1 - margin);
}

/* [2] what each distribution gives for `value`, times its weight. */
static void weighted_densities(double out[2], const struct beta_mixture *m, const double log_beta[2], double value)
{
    double from_0 = log(value), from_1 = log1p(-value);
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

static void expect(struct moments out[2], const struct beta_mixture *m, const double *values, size_t count)
{
    double log_beta[2];
    set_log_beta(log_beta, m);
    out[0] = out[1] = (struct moments){0};
    for (size_t i = 0; i < count; i++) {
        double value = inside(values[i]), r[2];
        weighted_densities(r, m, log_beta, value);
        r[0] = fmax(r[0], least);
        r[1] = fmax(r[1], least);
        for (int j = 0; j < 2; j++) {
            double share = r[j] / (r[0] + r[1]);
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
        weighted_densities(densities, m, log_beta, value);
        m->posterior[place] = densities[1] / (densities[0] + densities[1] + least);
        if (m->posterior[place] > m->posterior[largest])
            largest = place;
    }
    for (int place = largest; place < BETA_PLACES; place++)
        m->posterior[place] = m->posterior[largest];
}

void beta_mixture_fit(struct beta_mixture *out, const double *values, size_t count)
{
    *out = (struct beta_mixture){.weight = {0.5, 0.5}, .alpha = {1, 2}, .beta = {2, 1}};
    for (int round = 0; round < ROUNDS; round++) {
        struct moments moments[2];
        expect(moments, out, values, count);
        maximise(out, moments);
    }
    tabulate(out);
}

bool beta_mixture_suspects(const struct beta_mixture *mixture, double value)
{
    double place = clip(value, 0, 1);
    double clean_mean = mixture->alpha[0] / (mixture->alpha[0] + mixture->beta[0]);
    int index = (int)(place * BETA_PLACES);
    return value > clean_mean && mixture->posterior[index < BETA_PLACES ? index : BETA_PLACES - 1] > 0.5;
}
