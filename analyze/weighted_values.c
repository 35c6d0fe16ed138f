/* A histogram that remembers each bin's mean, so that a sum over it of any smooth function is right to the square
 * of a bin's width. */
#include "analyze/weighted_values.h"

#include <stdlib.h>

#include "common/memory.h"

enum { STEPS = WEIGHTED_VALUES_STEPS };

int weighted_values_create(struct weighted_values *out, const double *values, size_t count)
{
    *out = (struct weighted_values){.values = values, .count = count, .total = (double)count};
    if (count <= WEIGHTED_VALUES_FROM)
        return 0;
    int status = memory_allocate(&out->gathered, (size_t)4 * STEPS, sizeof *out->gathered, "values");
    if (status != 0)
        return status;
    double *means = out->gathered;
    double *weights = means + STEPS, *least = means + 2 * STEPS, *most = means + 3 * STEPS;
    for (size_t i = 0; i < count; i++) {
        double value = values[i];
        size_t step = (size_t)(value * STEPS);
        step = step < STEPS ? step : STEPS - 1;
        if (weights[step] == 0 || value < least[step])
            least[step] = value;
        if (weights[step] == 0 || value > most[step])
            most[step] = value;
        means[step] += value;
        weights[step]++;
    }
    size_t used = 0;
    for (size_t step = 0; step < STEPS; step++)
        if (weights[step] > 0) {
            means[used] = means[step] / weights[step];
            weights[used] = weights[step];
            least[used] = least[step];
            most[used++] = most[step];
        }
    out->values = means;
    out->weights = weights;
    out->least = least;
    out->most = most;
    out->count = used;
    return 0;
}

void weighted_values_destroy(struct weighted_values *values)
{
    free(values->gathered);
}

double weighted_values_up_to(const struct weighted_values *values, size_t place, double border)
{
    if (values->weights == NULL)
        return values->values[place] <= border;
    double least = values->least[place], most = values->most[place];
    double share = border >= most ? 1 : border < least ? 0 : (border - least) / (most - least);
    return values->weights[place] * share;
}
