/* Plans a run's samples step by step: labels, truth, noise, then who is left out, and what is drawn from the
 * rest. */
#include "record/sample_plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/label_file.h"
#include "common/memory.h"
#include "common/random.h"

static int copy_labels(uint16_t **out, const uint16_t *labels, uint64_t samples)
{
    int status = memory_allocate(out, samples, sizeof **out, "the labels");
    if (status == 0)
        memcpy(*out, labels, samples * sizeof **out);
    return status;
}

static int read_labels(struct sample_plan *plan, const struct sample_options *options, const struct dataset *train)
{
    if (options->labels == NULL)
        return copy_labels(&plan->labels, train->labels, train->samples);
    return label_file_read(&plan->labels, options->labels, train->samples, train->classes);
}

static int read_truth(struct sample_plan *plan, const struct sample_options *options, const struct dataset *train)
{
    int status = label_file_read(&plan->truth, options->truth, train->samples, train->classes);
    for (uint64_t i = 0; status == 0 && i < train->samples; i++)
        if (plan->truth[i] == LABEL_LEFT_OUT)
            status = tidy_fail("%s: has no label for sample %" PRIu64 "; --truth needs one for each sample",
                               options->truth, i);
    return status;
}

/* Also sets the truth, where a file has not. */
static int plant_noise(struct sample_plan *plan, const struct sample_options *options, const struct dataset *train)
{
    uint64_t planted;
    int status = 0;
    if (plan->truth == NULL)
        status = copy_labels(&plan->truth, plan->labels, train->samples);
    if (status == 0)
        status = noise_plant(options->noise, plan->labels, train->samples, train->classes, options->seed, &planted);
    return status;
}

/* Gives each sample that is left out its part and, as every sample has a label in the log, the data set's label.
 * *left is how many others there are. */
static int leave_out(struct sample_plan *plan, const struct sample_options *options, const struct dataset *train,
                     size_t *left)
{
    int status = memory_allocate(&plan->parts, train->samples, sizeof *plan->parts, "the samples' parts");
    if (status != 0)
        return status;
    *left = 0;
    for (uint64_t i = 0; i < train->samples; i++) {
        bool out = plan->labels[i] == LABEL_LEFT_OUT;
        plan->parts[i] = out ? TIDYLOG_LEFT_OUT : TIDYLOG_FIRST_SPLIT;
        *left += !out;
        if (!out)
            continue;
        plan->labels[i] = train->labels[i];
        if (plan->truth != NULL && plan->truth[i] == LABEL_LEFT_OUT)
            plan->truth[i] = train->labels[i];
    }
    if (*left == 0)
        return tidy_fail("%s: leaves out every sample, so that there is nothing to train on", options->labels);
    return 0;
}

/* A random order of the samples that are trained on; the caller frees it. */
static int shuffle_samples(uint32_t **out, const struct sample_plan *plan, uint64_t samples, size_t left,
                           uint64_t seed, enum random_purpose purpose)
{
    uint32_t *members = NULL;
    *out = NULL;
    int status = memory_allocate(out, left, sizeof **out, "a choice of samples");
    if (status == 0)
        status = memory_allocate(&members, left, sizeof *members, "the samples that are trained on");
    if (status != 0)
        return status;
    struct random_stream stream = random_open(seed, purpose, 0);
    size_t count = 0;
    for (uint64_t i = 0; i < samples; i++)
        if (plan->parts[i] != TIDYLOG_LEFT_OUT)
            members[count++] = (uint32_t)i;
    random_permutation(&stream, *out, left);
    for (size_t i = 0; i < left; i++)
        (*out)[i] = members[(*out)[i]];
    free(members);
    return 0;
}

static int draw_threshold_samples(struct sample_plan *plan, const struct sample_options *options,
                                  const struct dataset *train, size_t left)
{
    size_t count = (size_t)llround((double)left / (train->classes + 1.0));
    uint64_t draws = count > 0 ? left / count : 0, draw = options->threshold_draw;
    uint32_t *order = NULL;
    if (draw > draws)
        return tidy_fail("--threshold-samples: of %zu samples there are %" PRIu64 " draws of %zu, not %" PRIu64,
                         left, draws, count, draw);
    int status = copy_labels(&plan->given, plan->labels, train->samples);
    if (status == 0)
        status = shuffle_samples(&order, plan, train->samples, left, options->seed, RANDOM_THRESHOLD_SAMPLES);
    for (size_t i = 0; status == 0 && i < count; i++)
        plan->labels[order[(draw - 1) * count + i]] = (uint16_t)train->classes;
    plan->classes = train->classes + 1;
    plan->probes = "threshold-samples";
    free(order);
    return status;
}

/* Controls are drawn where the label is not known to be wrong, so that what they are trained on is. */
static int plant_controls(struct sample_plan *plan, const struct sample_options *options,
                          const struct dataset *train, size_t left)
{
    size_t wanted = (size_t)llround(options->controls * (double)left), count = 0;
    uint32_t others = train->classes - 1;
    uint32_t *order = NULL, *turns = NULL;
    if (wanted == 0)
        return tidy_fail("--controls %g: of %zu samples that is none", options->controls, left);
    if (others == 0)
        return tidy_fail("--controls: the data set has one class only, so that no label can be wrong");
    int status = copy_labels(&plan->given, plan->labels, train->samples);
    if (status == 0)
        status = memory_allocate(&turns, train->classes, sizeof *turns, "the controls' classes");
    if (status == 0)
        status = shuffle_samples(&order, plan, train->samples, left, options->seed, RANDOM_CONTROLS);
    if (status != 0)
        goto done;
    struct random_stream stream = random_open(options->seed, RANDOM_CONTROL_LABELS, 0);
    for (uint32_t c = 0; c < train->classes; c++)
        turns[c] = (uint32_t)random_below(&stream, others);
    for (size_t i = 0; i < left && count < wanted; i++) {
        uint16_t *label = &plan->labels[order[i]];
        if (plan->truth != NULL && plan->truth[order[i]] != *label)
            continue;
        *label = (uint16_t)((*label + 1 + turns[*label]++ % others) % train->classes);
        count++;
    }
    plan->probes = "controls";
    if (count < wanted)
        status = tidy_fail("--controls %g: %zu samples are wanted, but only %zu have a label that is not known to be "
                           "wrong",
                           options->controls, wanted, count);
done:
    free(turns);
    free(order);
    return status;
}

static int split_in_halves(struct sample_plan *plan, const struct sample_options *options,
                           const struct dataset *train, size_t left)
{
    uint32_t *order = NULL;
    if (left < 2)
        return tidy_fail("--second-split: one sample cannot be split in two");
    int status = shuffle_samples(&order, plan, train->samples, left, options->seed, RANDOM_HALVES);
    size_t half = left - left / 2;
    for (size_t i = 0; status == 0 && i < left; i++)
        if ((i >= half) != options->swap_halves)
            plan->parts[order[i]] = TIDYLOG_SECOND_SPLIT;
    free(order);
    return status;
}

int sample_plan_create(struct sample_plan *out, const struct sample_options *options, const struct dataset *train)
{
    size_t left = 0;
    *out = (struct sample_plan){.classes = train->classes};
    int status = read_labels(out, options, train);
    if (status == 0 && options->truth != NULL)
        status = read_truth(out, options, train);
    if (status == 0 && options->noise != NULL)
        status = plant_noise(out, options, train);
    if (status == 0)
        status = leave_out(out, options, train, &left);
    if (status == 0 && options->controls > 0)
        status = plant_controls(out, options, train, left);
    if (status == 0 && options->threshold_draw > 0)
        status = draw_threshold_samples(out, options, train, left);
    if (status == 0 && options->halves)
        status = split_in_halves(out, options, train, left);
    if (status == 0 && left == train->samples && !options->halves) {
        free(out->parts); /* every sample is in the first split */
        out->parts = NULL;
    }
    return status;
}

void sample_plan_destroy(struct sample_plan *plan)
{
    free(plan->parts);
    free(plan->given);
    free(plan->truth);
    free(plan->labels);
    *plan = (struct sample_plan){0};
}

uint64_t sample_plan_left_out(const struct tidylog_run *run)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < run->samples; i++)
        count += tidylog_is_left_out(run, i);
    return count;
}

uint64_t sample_plan_probes(const struct tidylog_run *run)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < run->samples; i++)
        count += tidylog_is_probe(run, i);
    return count;
}
