/* Sums of a set, one for each draw, and what they say. */
#include "analyze/estimated_quality.h"

#include <math.h>
#include <string.h>

/* Hard clean samples are a bit more frequent among the most suspicious than the mixture's exponential has it. */
static const double margin = 0.01;

static const struct estimated unknown = {NAN, NAN, NAN};

void estimated_set_begin(struct estimated_set *out, const struct noise_estimate *estimate,
                         const struct score *score)
{
    memset(out, 0, sizeof *out);
    out->estimate = estimate;
    out->knows_controls = score != NULL && score_knows_probes(score);
    out->has_both = out->knows_controls && !score_is_probability(score);
}

void estimated_set_add(struct estimated_set *set, size_t sample)
{
    uint8_t bin = set->estimate->bins[sample];
    set->flagged++;
    if (bin == ESTIMATE_BINS)
        return;
    set->count++;
    for (size_t d = 0; d < ESTIMATE_DRAWS; d++) {
        set->found[d] += set->estimate->found[bin][d];
        set->variance[d] += set->estimate->variance[bin][d];
        set->before[d] += bin < set->estimate->draws[d].start;
    }
}

void estimated_set_add_control(struct estimated_set *set, size_t control, double share)
{
    const struct noise_estimate *estimate = set->estimate;
    set->share += share / (double)estimate->control_count;
    for (size_t d = 0; d < ESTIMATE_DRAWS; d++) {
        double weight = share * (double)estimate->weights[control][d];
        set->controls[d] += weight;
        set->late[d] += estimate->controls[control].bin < estimate->draws[d].start ? weight : 0;
    }
}

/* Mistakes in the set that are before the start: as the controls say, or any number that may be. */
static double find_late(const struct estimated_set *set, size_t d)
{
    const struct noise_draw *draw = &set->estimate->draws[d];
    double all = draw->mistakes * draw->before, samples = 0;
    if (set->knows_controls)
        return fmin(draw->mistakes * set->late[d] * draw->luck, all);
    for (size_t b = 0; b < draw->start; b++)
        samples += (double)set->estimate->in_bin[b];
    double evenly = samples > 0 ? all * set->before[d] / samples : 0;
    return d > 0 ? draw->chance[3] * fmin(all, set->before[d]) : evenly;
}

/* By what the mixture finds in the set: [0] precision, [1] recall. The draws are of the mistakes that there are,
 * and not of their expectation. */
static void find(double out[2], const struct estimated_set *set, size_t d)
{
    const struct noise_draw *draw = &set->estimate->draws[d];
    double late = find_late(set, d), found = set->found[d] + late;
    double missed = fmax(draw->mistakes - found, 0);
    if (d > 0) {
        double spread = sqrt(fmax(set->variance[d] + late, 0));
        double unseen = set->share < 1 ? draw->mistakes * draw->beside[2] / draw->effective : 0;
        found = fmax(found + (set->knows_controls ? unseen : 0) + draw->chance[0] * spread, 0);
        missed = fmax(missed + draw->chance[1] * sqrt(missed), 0);
    }
    out[0] = fmin(found / fmax((double)set->count, 1), 1);
    out[1] = found / fmax(found + missed, 1e-9);
}

/* By the controls in the set alone; Jeffreys' prior as in the estimate. */
static void find_by_controls(double out[2], const struct estimated_set *set, size_t d)
{
    const struct noise_draw *draw = &set->estimate->draws[d];
    double recall = fmin(set->controls[d] * draw->luck, 1);
    if (d > 0) {
        recall =
            (recall * draw->effective + draw->beside[0]) / (draw->effective + draw->beside[0] + draw->beside[1]);
        recall += draw->chance[2] * sqrt(recall * (1 - recall) / fmax(draw->mistakes, 1));
        recall = fmin(fmax(recall, 0), 1);
    }
    out[0] = fmin(draw->mistakes * recall / fmax((double)set->count, 1), 1);
    out[1] = recall;
}

struct estimated_quality estimated_set_quality(const struct estimated_set *set)
{
    double by_mixture[2][ESTIMATE_DRAWS], by_controls[2][ESTIMATE_DRAWS];
    struct estimated parts[2];
    struct estimated_quality out = {set->flagged, unknown, unknown};
    if (set->estimate->verdict != NOISE_APPLIES)
        return out;
    for (size_t d = 0; d < ESTIMATE_DRAWS; d++) {
        double pair[2];
        find(pair, set, d);
        by_mixture[0][d] = pair[0];
        by_mixture[1][d] = pair[1];
        if (!set->has_both)
            continue;
        find_by_controls(pair, set, d);
        by_controls[0][d] = pair[0];
        by_controls[1][d] = pair[1];
    }
    for (size_t k = 0; k < 2; k++) {
        parts[k] = estimated_from(by_mixture[k]);
        if (set->has_both) {
            struct estimated other = estimated_from(by_controls[k]);
            parts[k].low = fmin(parts[k].low, other.low);
            parts[k].high = fmax(parts[k].high, other.high);
        }
        parts[k].low = fmax(parts[k].low - margin, 0);
        parts[k].high = fmin(parts[k].high + margin, 1);
    }
    out.precision = set->count > 0 ? parts[0] : unknown;
    out.recall = parts[1];
    return out;
}

/* How much of what has the lowest key of all flagged is flagged; negative where a sample of a higher key is not. */
static double share_of_lowest(float *lowest, const struct score *score, const bool *flagged, size_t samples)
{
    size_t equal = 0, equal_flagged = 0;
    *lowest = INFINITY;
    for (size_t i = 0; i < samples; i++) {
        float key = flagged[i] ? score_key(score, i) : INFINITY;
        if (isnan(key))
            return -1;
        *lowest = fminf(*lowest, key);
    }
    for (size_t i = 0; i < samples; i++) {
        float key = score_key(score, i);
        if (key > *lowest && !flagged[i])
            return -1;
        equal += key == *lowest;
        equal_flagged += key == *lowest && flagged[i];
    }
    return equal > 0 ? (double)equal_flagged / (double)equal : 0;
}

struct estimated_quality estimated_quality_of(const struct noise_estimate *estimate, const struct score *score,
                                              const bool *flagged, size_t samples)
{
    struct estimated_set set;
    float lowest = INFINITY;
    double share = score != NULL ? share_of_lowest(&lowest, score, flagged, samples) : -1;
    estimated_set_begin(&set, estimate, share >= 0 ? score : NULL);
    for (size_t i = 0; i < samples; i++)
        if (flagged[i])
            estimated_set_add(&set, i);
    for (size_t j = 0; j < estimate->control_count && set.knows_controls; j++) {
        float key = score_key_of_probe(score, estimate->controls[j].sample);
        if (key >= lowest)
            estimated_set_add_control(&set, j, key > lowest ? 1 : share);
    }
    return estimated_set_quality(&set);
}

void estimated_add_to(struct table *table, struct estimated estimated)
{
    table_add_real(table, estimated.value);
    table_add_real(table, estimated.low);
    table_add_real(table, estimated.high);
}
