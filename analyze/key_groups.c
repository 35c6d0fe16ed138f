/* Scales keys and fits mixtures to them. */
#include "analyze/key_groups.h"

#include <math.h>
#include <stdlib.h>

#include "analyze/percentile.h"
#include "analyze/weighted_values.h"
#include "common/memory.h"

int key_values_create(struct key_values *out, const struct ranking *ranking)
{
    float least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < ranking->samples; i++)
        if (isfinite(ranking->keys[i])) {
            least = fminf(least, ranking->keys[i]);
            most = fmaxf(most, ranking->keys[i]);
        }
    *out = (struct key_values){.scale = {(double)least, least < most ? (double)most - (double)least : 0}};
    if (out->scale.width == 0)
        return 0;
    int status = memory_allocate(&out->values, ranking->samples, sizeof *out->values, "a threshold rule");
    for (size_t i = 0; i < ranking->samples && status == 0; i++)
        if (isfinite(ranking->keys[i]))
            out->values[out->count++] = ((double)ranking->keys[i] - out->scale.least) / out->scale.width;
    return status;
}

void key_values_destroy(struct key_values *values)
{
    free(values->values);
}

int key_gaussians_fit(struct key_gaussians *out, const struct ranking *ranking)
{
    struct key_values keys;
    struct weighted_values weighted = {0};
    int status = key_values_create(&keys, ranking);
    if (status == 0)
        status = weighted_values_create(&weighted, keys.values, keys.count);
    *out = (struct key_gaussians){.scale = keys.scale, .count = keys.count};
    if (status == 0 && keys.scale.width > 0)
        out->pair = two_groups_fit_gaussians(&weighted);
    weighted_values_destroy(&weighted);
    key_values_destroy(&keys);
    return status;
}

int key_betas_fit(struct key_betas *out, const struct ranking *ranking)
{
    struct weighted_values weighted = {0};
    double *values = NULL;
    size_t finite = 0;
    *out = (struct key_betas){0};
    int status = memory_allocate(&values, ranking->samples, sizeof *values, "a threshold rule");
    for (size_t i = ranking->scored; i-- > 0 && status == 0;) { /* upwards, as percentiles are of sorted values */
        float key = ranking->keys[ranking->order[i]];
        if (isfinite(key))
            values[finite++] = (double)key;
    }
    if (status == 0 && finite > 0) {
        struct key_scale *scale = &out->scale;
        double most = percentile_of(values, finite, 95);
        scale->least = percentile_of(values, finite, 5);
        scale->width = most - scale->least;
        for (size_t i = 0; i < finite && scale->width > 0; i++)
            if (values[i] >= scale->least && values[i] <= most)
                values[out->count++] = (values[i] - scale->least) / scale->width;
        beta_mixture_bring_inside(values, out->count);
        status = weighted_values_create(&weighted, values, out->count);
        if (status == 0 && scale->width > 0)
            status = beta_mixture_fit(&out->mixture, &weighted);
    }
    weighted_values_destroy(&weighted);
    free(values);
    return status;
}
