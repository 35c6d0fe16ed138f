/* A walk along the ranking of samples, and beside it along that of controls. */
#include "analyze/threshold_curve.h"

#include <math.h>
#include <stdlib.h>

#include "analyze/analysis.h"
#include "common/memory.h"

/* Estimates, and ranks the controls. */
static int prepare_estimate(struct threshold_curve *curve, struct analysis *analysis)
{
    int status = noise_estimate_of(&curve->estimate, analysis);
    size_t count = curve->estimate.control_count;
    if (status == 0)
        status = memory_allocate(&curve->control_keys, count, sizeof *curve->control_keys, "the ranking");
    for (size_t j = 0; j < count && status == 0; j++)
        curve->control_keys[j] = score_knows_probes(curve->score)
                                     ? score_key_of_probe(curve->score, curve->estimate.controls[j].sample)
                                     : NAN;
    if (status == 0)
        status = ranking_create(&curve->controls, curve->control_keys, count);
    if (status == 0)
        estimated_set_begin(&curve->set, &curve->estimate, curve->score);
    return status;
}

int threshold_curve_create(struct threshold_curve *out, struct analysis *analysis)
{
    const size_t samples = analysis->run->samples;
    *out = (struct threshold_curve){.score = &analysis->scores.scores[0],
                                    .has_truth = analysis->run->truth != NULL,
                                    .has_estimate = noise_estimate_is_possible(analysis)};
    int status = out->has_truth ? truth_create(&out->truth, analysis->run, analysis->path) : 0;
    if (status == 0)
        status = memory_allocate(&out->keys, samples, sizeof *out->keys, "the ranking");
    if (status == 0) {
        score_keys(out->score, out->keys, samples);
        status = ranking_create(&out->ranking, out->keys, samples);
    }
    if (status == 0 && out->has_estimate)
        status = prepare_estimate(out, analysis);
    out->sweep = (struct sweep){.ranking = &out->ranking, .truth = out->has_truth ? &out->truth : NULL};
    return status;
}

void threshold_curve_destroy(struct threshold_curve *curve)
{
    ranking_destroy(&curve->controls);
    free(curve->control_keys);
    noise_estimate_destroy(&curve->estimate);
    ranking_destroy(&curve->ranking);
    free(curve->keys);
    truth_destroy(&curve->truth);
}

double threshold_curve_value(const struct threshold_curve *curve, size_t place)
{
    const uint32_t sample = curve->ranking.order[place];
    const float key = curve->keys[sample];
    /* Samples that pass every threshold have a finite value to name theirs by. */
    return isinf(key) ? score_value(curve->score, sample) : score_from_key(curve->score, key);
}

bool threshold_curve_next(struct threshold_curve *curve, struct threshold_point *out)
{
    float key;
    if (!sweep_next(&curve->sweep, &key, &out->quality))
        return false;
    out->value = threshold_curve_value(curve, out->quality.flagged - 1);
    return true;
}

struct estimated_quality threshold_curve_estimate(struct threshold_curve *curve)
{
    const size_t flagged = curve->sweep.flagged;
    for (; curve->samples_added < flagged; curve->samples_added++)
        estimated_set_add(&curve->set, curve->ranking.order[curve->samples_added]);
    const float key = flagged > 0 ? curve->keys[curve->ranking.order[flagged - 1]] : INFINITY;
    for (; curve->controls_added < curve->controls.scored; curve->controls_added++) {
        const uint32_t control = curve->controls.order[curve->controls_added];
        if (curve->control_keys[control] < key)
            break;
        estimated_set_add_control(&curve->set, control, 1);
    }
    return estimated_set_quality(&curve->set);
}
