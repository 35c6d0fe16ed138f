/* One sample's score, from where it is kept: dynamics, or a column. */
#include "analyze/scores.h"

#include <math.h>

#include "analyze/label_posterior_score.h"

static bool is_probe(const struct score *score, size_t sample)
{
    return score->sources->labels[sample] != score->sources->given[sample];
}

static bool has_none(const struct score *score, size_t sample)
{
    return score->sources->dynamics.samples[sample].presentations == 0 && !score->row->of_second_split;
}

/* Of one run, for the label trained on. */
static double trained_value(const struct score *score, size_t sample)
{
    if (has_none(score, sample) || (score->observes && score->column[sample] < 0))
        return NAN;
    if (score->column != NULL)
        return (double)score->column[sample];
    return (double)(float)score->row->value(score, sample);
}

static double trained_rank(const struct score *score, size_t sample)
{
    if (score->row->rank == NULL)
        return trained_value(score, sample);
    return has_none(score, sample) ? NAN : (double)(float)score->row->rank(score, sample);
}

double score_value(const struct score *score, size_t sample)
{
    if (score->over_runs)
        return (double)score->column[sample];
    return is_probe(score, sample) ? NAN : trained_value(score, sample);
}

double score_rank(const struct score *score, size_t sample)
{
    if (score->over_runs)
        return (double)(score->row->rank == NULL ? score->column : score->ranks)[sample];
    return is_probe(score, sample) ? NAN : trained_rank(score, sample);
}

bool score_is_probability(const struct score *score)
{
    return score->row->fill == label_posterior_fill;
}

bool score_knows_probes(const struct score *score)
{
    const struct score_row *row = score->row;
    return !score->over_runs && !row->of_second_split && (row->value != NULL || score_is_probability(score));
}

float score_key_of_probe(const struct score *score, size_t sample)
{
    return (float)score_from_key(score, (float)trained_rank(score, sample));
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
