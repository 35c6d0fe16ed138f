/* One function a quantity, each a plain loop over a step's samples, and the table that names them. */
#include "analyze/accumulators.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/error.h"
#include "common/memory.h"

/* A step as the updates see it. */
struct observed {
    const struct tidylog_observations *step;
    const float *probabilities; /* [count][classes], where a member reads it */
    uint32_t classes;
};

static void count_correct(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    uint32_t *correct = to->items;
    for (uint32_t i = 0; i < step->count; i++)
        correct[step->samples[i]] += step->predicted[i] == step->labels[i];
}

static void count_forgetting(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    struct forgetting *items = to->items;
    for (uint32_t i = 0; i < step->count; i++) {
        struct forgetting *item = &items[step->samples[i]];
        uint32_t correct = step->predicted[i] == step->labels[i];
        item->events += item->was_correct & (correct ^ 1);
        item->was_correct = correct;
    }
}

static void first_correct(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    uint32_t *first = to->items;
    for (uint32_t i = 0; i < step->count; i++)
        if (step->predicted[i] == step->labels[i] && first[step->samples[i]] == 0)
            first[step->samples[i]] = (uint32_t)step->epoch + 1;
}

static void last_wrong(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    uint32_t *last = to->items;
    for (uint32_t i = 0; i < step->count; i++)
        if (step->predicted[i] != step->labels[i])
            last[step->samples[i]] = (uint32_t)step->epoch + 1;
}

static void sum_correct_epochs(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    uint64_t *sum = to->items;
    for (uint32_t i = 0; i < step->count; i++)
        sum[step->samples[i]] += step->predicted[i] == step->labels[i] ? step->epoch : 0;
}

static void count_classes(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    uint32_t *counts = to->items;
    for (uint32_t i = 0; i < step->count; i++)
        counts[(size_t)step->samples[i] * seen->classes + step->predicted[i]]++;
}

/* Welford's update: plain sums of squares lose the small spread of samples whose confidence is near 1. */
static void spread_confidence(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    struct spread *items = to->items;
    double share = 1.0 / (double)(step->epoch + 1);
    for (uint32_t i = 0; i < step->count; i++) {
        struct spread *item = &items[step->samples[i]];
        double deviation = (double)step->confidence[i] - item->mean;
        item->mean += deviation * share;
        item->squares += deviation * ((double)step->confidence[i] - item->mean);
    }
}

static void sum_margin(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    double *sum = to->items;
    for (uint32_t i = 0; i < step->count; i++)
        sum[step->samples[i]] += (double)step->margin[i];
}

static void sum_loss(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    double *sum = to->items;
    for (uint32_t i = 0; i < step->count; i++)
        sum[step->samples[i]] += (double)step->loss[i];
}

static void loss_at(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    float *loss = to->items;
    if ((double)step->epoch != to->parameter)
        return;
    for (uint32_t i = 0; i < step->count; i++)
        loss[step->samples[i]] = step->loss[i];
}

static void loss_ema(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    double *average = to->items;
    double weight = step->epoch == 0 ? 1 : to->parameter;
    for (uint32_t i = 0; i < step->count; i++) {
        double *item = &average[step->samples[i]];
        *item = (1 - weight) * *item + weight * (double)step->loss[i];
    }
}

static void sum_aleatoric(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    double *sum = to->items;
    for (uint32_t i = 0; i < step->count; i++)
        sum[step->samples[i]] += (double)step->confidence[i] * (1 - (double)step->confidence[i]);
}

static void sum_el2n(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    double *sum = to->items;
    for (uint32_t i = 0; i < step->count; i++) {
        const float *probabilities = seen->probabilities + (size_t)i * seen->classes;
        double squares = 0;
        for (uint32_t c = 0; c < seen->classes; c++) {
            double difference = (double)probabilities[c] - (c == step->labels[i]);
            squares += difference * difference;
        }
        sum[step->samples[i]] += sqrt(squares);
    }
}

static void sum_probabilities(struct accumulator *to, const struct observed *seen)
{
    const struct tidylog_observations *step = seen->step;
    double *sums = to->items;
    for (uint32_t i = 0; i < step->count; i++) {
        double *sum = sums + (size_t)step->samples[i] * seen->classes;
        for (uint32_t c = 0; c < seen->classes; c++)
            sum[c] += (double)seen->probabilities[(size_t)i * seen->classes + c];
    }
}

static const struct accumulator_row {
    const char *name; /* for the message where memory is short */
    size_t item_bytes;
    bool per_class;           /* one item a sample and class, else one a sample */
    bool reads_probabilities; /* of all classes */
    void (*update)(struct accumulator *to, const struct observed *seen);
} rows[ACCUMULATOR_KINDS] = {
    [COUNT_CORRECT] = {"correct predictions", sizeof(uint32_t), false, false, count_correct},
    [COUNT_FORGETTING] = {"forgetting events", sizeof(struct forgetting), false, false, count_forgetting},
    [FIRST_CORRECT] = {"first correct epochs", sizeof(uint32_t), false, false, first_correct},
    [LAST_WRONG] = {"last wrong epochs", sizeof(uint32_t), false, false, last_wrong},
    [SUM_CORRECT_EPOCHS] = {"correct epochs", sizeof(uint64_t), false, false, sum_correct_epochs},
    [COUNT_CLASSES] = {"predictions of each class", sizeof(uint32_t), true, false, count_classes},
    [SPREAD_CONFIDENCE] = {"confidences", sizeof(struct spread), false, false, spread_confidence},
    [SUM_MARGIN] = {"margins", sizeof(double), false, false, sum_margin},
    [SUM_LOSS] = {"losses", sizeof(double), false, false, sum_loss},
    [LOSS_AT] = {"losses of one epoch", sizeof(float), false, false, loss_at},
    [LOSS_EMA] = {"running losses", sizeof(double), false, false, loss_ema},
    [SUM_ALEATORIC] = {"aleatoric uncertainties", sizeof(double), false, false, sum_aleatoric},
    [SUM_EL2N] = {"EL2N norms", sizeof(double), false, true, sum_el2n},
    [SUM_PROBABILITIES] = {"probabilities of each class", sizeof(double), true, true, sum_probabilities},
};

void accumulators_begin(struct accumulator_set *set, const struct tidylog_run *run)
{
    *set =
        (struct accumulator_set){.samples = run->samples, .classes = run->classes, .batch_size = run->batch_size};
}

/* Linux grants memory that it does not have and kills who uses it, so the sum is checked beforehand. */
static int check_memory(const struct accumulator_set *set, enum accumulator_kind kind)
{
    double bytes = 0;
    for (size_t i = 0; i <= set->count; i++) {
        const struct accumulator_row *row = &rows[i < set->count ? set->members[i]->kind : kind];
        bytes += (double)row->item_bytes * (double)set->samples * (row->per_class ? (double)set->classes : 1);
    }
    double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (bytes <= machine)
        return 0;
    return tidy_fail("%s of %.0f samples bring the memory needed to %.1f GB, and this machine has %.1f GB; "
                     "ask for fewer scores, or for scores that need no count for each class",
                     rows[kind].name, (double)set->samples, bytes / 1e9, machine / 1e9);
}

int accumulators_need(struct accumulator_set *set, enum accumulator_kind kind, double parameter,
                      const struct accumulator **out)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->members[i]->kind == kind && set->members[i]->parameter == parameter) {
            *out = set->members[i];
            return 0;
        }

    const struct accumulator_row *row = &rows[kind];
    int status = check_memory(set, kind);
    if (status == 0)
        status =
            memory_grow(&set->members, &set->capacity, set->count + 1, sizeof(struct accumulator *), row->name);
    struct accumulator *member = NULL;
    if (status == 0)
        status = memory_allocate(&member, 1, sizeof *member, row->name);
    if (status != 0)
        return status;
    *member = (struct accumulator){.kind = kind, .parameter = parameter};
    set->members[set->count++] = member;
    *out = member;

    status = memory_allocate(&member->items, set->samples,
                             row->per_class ? row->item_bytes * set->classes : row->item_bytes, row->name);
    if (status == 0 && row->reads_probabilities && set->probabilities == NULL)
        status = memory_allocate(&set->probabilities, set->batch_size, sizeof(float) * set->classes, row->name);
    return status;
}

int accumulators_observe(void *context, const struct tidylog_observations *step)
{
    struct accumulator_set *set = context;
    struct observed seen = {.step = step, .probabilities = set->probabilities, .classes = set->classes};
    if (set->probabilities != NULL)
        for (size_t i = 0; i < (size_t)step->count * set->classes; i++)
            set->probabilities[i] = expf(step->log_probs[i]);
    for (size_t i = 0; i < set->count; i++)
        rows[set->members[i]->kind].update(set->members[i], &seen);
    return 0;
}

void accumulators_destroy(struct accumulator_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->members[i]->items);
        free(set->members[i]);
    }
    free(set->members);
    free(set->probabilities);
}
