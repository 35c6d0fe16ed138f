/* One sum for the given label, one for each class predicted, and one that all others have in common. */
#include "analyze/rebuilt_means.h"

#include <math.h>
#include <stdlib.h>

#include "common/memory.h"

static const double least = 1e-12; /* probability of the given label, and of all that is left */

int rebuilt_means_create(struct rebuilt_means *out, const uint16_t *given, size_t samples, uint32_t classes,
                         uint64_t first_epoch)
{
    *out = (struct rebuilt_means){given, NULL, samples, classes, first_epoch, NULL};
    int status = memory_allocate(&out->means, samples, sizeof *out->means, "rebuilt probabilities");
    for (size_t i = 0; i < samples && status == 0; i++)
        for (size_t k = 0; k < NAMED_CLASSES; k++)
            out->means[i].named[k] = given[i];
    return status;
}

void rebuilt_means_destroy(struct rebuilt_means *means)
{
    free(means->means);
}

/* Adds to what `class` has above the others. */
static void add_extra(struct rebuilt_mean *mean, uint16_t class, uint16_t given, float extra, uint32_t others)
{
    size_t least_at = 0;
    for (size_t k = 0; k < NAMED_CLASSES; k++) {
        if (mean->named[k] == class || mean->named[k] == given) {
            mean->named[k] = class;
            mean->extra[k] += extra;
            return;
        }
        if (mean->extra[k] < mean->extra[least_at])
            least_at = k;
    }
    float given_up = fminf(extra, mean->extra[least_at]);
    mean->even += given_up / (float)others;
    if (extra > given_up) {
        mean->named[least_at] = class;
        mean->extra[least_at] = extra;
    }
}

int rebuilt_means_observe(void *context, const struct tidylog_observations *step)
{
    struct rebuilt_means *means = context;
    double weight = (double)(step->epoch - means->first_epoch + 1);
    uint32_t others = means->classes - 1;
    for (uint32_t i = 0; i < step->count && !step->evaluated; i++) {
        uint32_t sample = step->samples[i];
        uint16_t predicted = step->predicted[i], given = means->given[sample];
        struct rebuilt_mean *mean = &means->means[sample];
        if (given >= means->classes)
            continue;
        if (isnan(step->margin[i]) || isnan(step->confidence[i])) {
            mean->given = NAN;
            continue;
        }
        bool other = predicted != given && predicted < means->classes;
        double q = fmax((double)step->confidence[i], least);
        double of_predicted = other ? fmin(q * exp(-(double)step->margin[i]), 1 - q) : 0;
        uint32_t sharing = others - other;
        double even = sharing > 0 ? fmax(1 - q - of_predicted, least) / sharing : 0;
        mean->weight += (float)weight;
        mean->given += (float)(weight * q);
        mean->even += (float)(weight * even);
        if (other)
            add_extra(mean, predicted, given, (float)(weight * (of_predicted - even)), others);
    }
    return 0;
}

void rebuilt_means_discount(struct rebuilt_means *means)
{
    const float kept = expf(-0.1F);
    for (size_t i = 0; i < means->samples; i++) {
        struct rebuilt_mean *mean = &means->means[i];
        mean->given *= kept;
        mean->weight = mean->given + (float)(means->classes - 1) * mean->even;
        for (size_t k = 0; k < NAMED_CLASSES; k++)
            mean->weight += mean->extra[k];
    }
}

/* The smallest class that has no place of its own; `classes` where all have. */
static uint32_t smallest_unnamed(const struct rebuilt_mean *mean, uint16_t given, uint32_t classes)
{
    uint32_t class = 0;
    bool taken = true;
    while (taken && class < classes) {
        taken = class == given;
        for (size_t k = 0; k < NAMED_CLASSES; k++)
            taken = taken || mean->named[k] == class;
        class += taken;
    }
    return class;
}

uint16_t rebuilt_means_top(const struct rebuilt_means *means, size_t sample, double *probability)
{
    const struct rebuilt_mean *mean = &means->means[sample];
    uint16_t given = means->given[sample];
    uint32_t top = smallest_unnamed(mean, given, means->classes);
    float most = top < means->classes ? mean->even : -1;
    for (size_t k = 0; k < NAMED_CLASSES; k++) {
        float sum = mean->even + mean->extra[k];
        if (mean->named[k] != given && (sum > most || (sum == most && mean->named[k] < top))) {
            top = mean->named[k];
            most = sum;
        }
    }
    if (mean->given > most || (mean->given == most && given < top)) {
        top = given;
        most = mean->given;
    }
    *probability = (double)most / (double)mean->weight;
    return (uint16_t)top;
}
