/* One sample's score, from where it is kept: dynamics, or a column. */
#include "analyze/scores.h"

#include <math.h>

static bool has_none(const struct score *score, size_t sample)
{
    const struct score_sources *sources = score->sources;
    bool presented = sources->dynamics.samples[sample].presentations > 0;
    return (!presented && !score->row->of_second_split) || sources->labels[sample] != sources->given[sample];
}

double score_value(const struct score *score, size_t sample)
{
    if (score->over_runs)
        return (double)score->column[sample];
    if (has_none(score, sample) || (score->observes && score->column[sample] < 0))
        return NAN;
    if (score->column != NULL)
        return (double)score->column[sample];
    return (double)(float)score->row->value(score, sample);
}

double score_rank(const struct score *score, size_t sample)
{
    if (score->row->rank == NULL)
        return score_value(score, sample);
    if (score->over_runs)
        return (double)score->ranks[sample];
    return has_none(score, sample) ? NAN : (double)(float)score->row->rank(score, sample);
}

float score_key(const struct score *score, size_t sample)
{
    return (float)score_from_key(score, (float)score_rank(score, sample));
}

/* Turning the sign is its own inverse. */
double score_from_key(const struct score *score, float key)
{
    return (double)(score->row->suspicious == SUSPICIOUS_LOW ? -key : key);
}

void score_keys(const struct score *score, float *keys, size_t samples)
{
    for (size_t i = 0; i < samples; i++)
        keys[i] = score_key(score, i);
}
