/* Two parts, one function each: what the predicted class tells, and what the given label's probability and margin
 * tell. */
#include "analyze/dynamics.h"

#include <stdbool.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"

enum {
    MOST = (1 << 21) - 1, /* that a count of presentations or epochs can be */
    PREFETCH_AHEAD = 16,  /* samples: about the memory's latency over the work of one */
};

int dynamics_create(struct dynamics_set *out, uint64_t samples)
{
    *out = (struct dynamics_set){.count = samples, .loss_epoch = UINT64_MAX};
    double bytes = (double)samples * sizeof *out->samples;
    double machine = (double)memory_of_machine();
    if (bytes > machine)
        return tidy_fail("scores of %.0f samples need %.1f GB, and this machine has %.1f GB", (double)samples,
                         bytes / 1e9, machine / 1e9);
    return memory_map(&out->samples, samples, sizeof *out->samples, "scores");
}

void dynamics_destroy(struct dynamics_set *set)
{
    memory_unmap(set->samples, set->count, sizeof *set->samples);
}

void dynamics_reset(struct dynamics_set *set)
{
    memset(set->samples, 0, set->count * sizeof *set->samples);
}

/* Without branches, since no processor foresees which predictions are right. Epochs are at most MOST; they are
 * masked for the compiler. */
static void observe_class(struct dynamics *d, uint64_t epoch, uint64_t correct)
{
    uint64_t at = epoch + 1, if_correct = 0 - correct, if_first = 0 - (correct & (d->first_correct == 0));
    d->presentations++;
    d->correct = (d->correct + correct) & MOST;
    d->first_correct = (d->first_correct | (at & if_first)) & MOST;
    d->forgetting_events = (d->forgetting_events + (d->was_correct & (correct ^ 1))) & (MOST * 2 + 1);
    d->was_correct = correct & 1;
    d->last_wrong = ((d->last_wrong & if_correct) | (at & ~if_correct)) & MOST;
    d->correct_epochs += epoch & if_correct;
}

/* `d` has counted this presentation already. */
static void observe_margin(struct dynamics *d, double confidence, double margin, double loss, double loss_weight)
{
    /* Plain sums of squares would lose the small spread of samples whose confidence is near 1. */
    double deviation = confidence - d->confidence_mean;
    d->confidence_mean += deviation / (double)d->presentations;
    d->confidence_deviations += deviation * (confidence - d->confidence_mean);
    d->margin_sum += margin;
    d->loss_sum += loss;
    double weight = d->presentations == 1 ? 1 : loss_weight;
    d->loss_average = (float)((1 - weight) * (double)d->loss_average + weight * loss);
}

static void observe_evaluated(struct dynamics_set *set, const struct tidylog_observations *step)
{
    for (uint32_t i = 0; i < step->count; i++)
        if (step->predicted[i] == step->labels[i])
            set->samples[step->samples[i]].last_evaluated_correct = (step->epoch + 1) & MOST;
}

int dynamics_observe(void *context, const struct tidylog_observations *step)
{
    struct dynamics_set *set = context;
    if (step->evaluated) {
        observe_evaluated(set, step);
        return 0;
    }
    for (uint32_t i = 0; i < step->count; i++) {
        if (i + PREFETCH_AHEAD < step->count)
            __builtin_prefetch(&set->samples[step->samples[i + PREFETCH_AHEAD]], 1);
        struct dynamics *d = &set->samples[step->samples[i]];
        if (d->presentations == MOST)
            return tidy_fail("sample %u is presented more than %d times", step->samples[i], MOST);
        observe_class(d, step->epoch, step->predicted[i] == step->labels[i]);
        if (step->margin == NULL)
            continue;
        observe_margin(d, (double)step->confidence[i], (double)step->margin[i], (double)step->loss[i],
                       set->loss_weight);
        if (step->epoch == set->loss_epoch)
            dynamics_set_loss_at(d, step->loss[i]);
    }
    return 0;
}
