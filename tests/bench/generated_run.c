#include "tests/bench/generated_run.h"

#include <math.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/random.h"

const struct learning generated_learnings[] = {
    {.name = "fashion-mnist",
     .mean = 3.8,
     .deviation = 2.05,
     .first = 0.25,
     .half = 0.6,
     .held_back = 0.37,
     .scale_first = 1.0,
     .scale_last = 0.3,
     .growth = 0.03,
     .memory = 0.15,
     .memory_last = 0.8,
     .shift = 0.2,
     .rival_stays = 0.7,
     .rival_first = 0.5,
     .rival_second = 0.2,
     .handicap = 1.3,
     .by_heart = 1,
     .rest = 1.1,
     .rest_wander = 0.15},
    {.name = "imagenet",
     .mean = 3,
     .deviation = 3.5,
     .first = 0,
     .half = 3,
     .behind = 4,
     .scale_first = 2,
     .scale_last = 1.2,
     .growth = 0.1,
     .memory = 0.4,
     .memory_last = 0.6,
     .shift = 0.3,
     .rival_stays = 0.5,
     .rival_first = 0.3,
     .rival_second = 0.15,
     .handicap = 4,
     .by_heart = 3,
     .rest = 1,
     .rest_wander = 0.3},
    {.name = NULL},
};

enum { LIMIT = 1, MISLABELLED, CLASS_RIVAL, CLASS_SHIFT, EPOCH }; /* what a key is for */

struct learner {
    float limit, wander;
    float by_heart; /* what its wrong label gains until the end */
    float rest;
    uint16_t truth, rival;
};

struct generated_run {
    struct tidylog_run run;
    const struct learning *learning;
    struct tidylog_order *order;
    uint16_t *labels, *truth;
    struct learner *learners;
    float *shift; /* [classes] of the current epoch */
    uint64_t step, epoch, epoch_key;
    uint64_t right, seen;
    double loss;
    uint16_t *predicted; /* [batch_size] */
    float *margin, *log_odds;
    float *logits; /* [batch_size][classes] where the detail asks for them, or NULL */
};

/* SplitMix64's output function: 64 bits of any key. */
static uint64_t mix(uint64_t key)
{
    key += UINT64_C(0x9E3779B97F4A7C15);
    key = (key ^ key >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    key = (key ^ key >> 27) * UINT64_C(0x94D049BB133111EB);
    return key ^ key >> 31;
}

static uint64_t bits_of(const struct generated_run *all, uint64_t purpose, uint64_t a, uint64_t b)
{
    return mix(mix(mix(all->run.seed ^ purpose << 56) ^ a) ^ b);
}

/* 16 bits as a number in 0..1. */
static float uniform(uint64_t bits)
{
    return (float)(bits & 0xFFFF) * (1.0f / 65536);
}

/* Nearly normal: the sum of four uniform numbers, of mean 0 and deviation 1. In three digits it is the normal
 * distribution as far as 2.5 deviations, and it is quick. */
static float normal(uint64_t bits)
{
    float sum = uniform(bits) + uniform(bits >> 16) + uniform(bits >> 32) + uniform(bits >> 48);
    return (sum - 2) * 1.7320508f;
}

/* A class that the true one is taken for: its first rival, its second, or any. */
static uint16_t draw_rival(const struct generated_run *all, uint16_t truth, uint64_t bits)
{
    float share = uniform(bits);
    uint64_t drawn = share < (float)all->learning->rival_first ? bits_of(all, CLASS_RIVAL, truth, 0)
                     : share < (float)(all->learning->rival_first + all->learning->rival_second)
                         ? bits_of(all, CLASS_RIVAL, truth, 1)
                         : bits >> 16;
    return (uint16_t)((truth + 1 + (drawn & 0xFFFFFFFF) % (all->run.classes - 1)) % all->run.classes);
}

/* Labels are drawn by the sample, so that a share `noise` is wrong on average; wrong ones are any class. */
static void draw_samples(struct generated_run *all, double noise)
{
    const struct learning *learning = all->learning;
    for (uint32_t i = 0; i < all->run.samples; i++) {
        uint64_t drawn = bits_of(all, MISLABELLED, i, 0), bits = bits_of(all, LIMIT, i, 0);
        struct learner *learner = &all->learners[i];
        uint16_t truth = (uint16_t)((drawn & 0xFFFFFFFF) * all->run.classes >> 32);
        bool wrong = (double)(drawn >> 32) < noise * 4294967296.0;
        *learner = (struct learner){
            .limit = (float)(learning->mean + learning->deviation * normal(bits)),
            .wander = normal(mix(bits)),
            .by_heart = (float)learning->by_heart * (1 + 0.5f * normal(mix(bits ^ 1))),
            .rest = (float)learning->rest * (0.5f + uniform(mix(bits ^ 2))),
            .truth = truth,
            .rival = draw_rival(all, truth, mix(bits ^ 3)),
        };
        all->truth[i] = truth;
        uint64_t label = wrong ? truth + 1 + mix(drawn) % (all->run.classes - 1) : truth;
        all->labels[i] = (uint16_t)(label % all->run.classes);
    }
}

int generated_run_create(struct generated_run **out, const struct tidylog_run *run, const struct learning *learning,
                         double noise)
{
    struct generated_run *all;
    int status;
    if ((status = memory_allocate(out, 1, sizeof **out, "a generated run")) != 0)
        return status;
    all = *out;
    all->run = *run;
    all->learning = learning;
    all->epoch = UINT64_MAX;
    if ((status = memory_allocate(&all->labels, run->samples, sizeof *all->labels, "labels")) != 0 ||
        (status = memory_allocate(&all->truth, run->samples, sizeof *all->truth, "labels")) != 0 ||
        (status = memory_allocate(&all->learners, run->samples, sizeof *all->learners, "samples")) != 0 ||
        (status = memory_allocate(&all->shift, run->classes, sizeof *all->shift, "classes")) != 0 ||
        (status = memory_allocate(&all->predicted, run->batch_size, sizeof *all->predicted, "a step")) != 0 ||
        (status = memory_allocate(&all->margin, run->batch_size, sizeof *all->margin, "a step")) != 0 ||
        (status = memory_allocate(&all->log_odds, run->batch_size, sizeof *all->log_odds, "a step")) != 0 ||
        (run->detail >= TIDYLOG_PROBS &&
         (status = memory_allocate(&all->logits, (size_t)run->batch_size * run->classes, sizeof *all->logits,
                                   "a step's logits")) != 0) ||
        (status = tidylog_order_create(&all->order, run)) != 0) {
        generated_run_destroy(all);
        *out = NULL;
        return status;
    }
    all->run.labels = all->labels;
    all->run.truth = noise > 0 ? all->truth : NULL;
    draw_samples(all, noise);
    return 0;
}

void generated_run_destroy(struct generated_run *all)
{
    if (all == NULL)
        return;
    tidylog_order_destroy(all->order);
    free(all->logits);
    free(all->log_odds);
    free(all->margin);
    free(all->predicted);
    free(all->shift);
    free(all->learners);
    free(all->truth);
    free(all->labels);
    free(all);
}

const struct tidylog_run *generated_run_description(const struct generated_run *all)
{
    return &all->run;
}

static void begin_epoch(struct generated_run *all, uint64_t epoch)
{
    all->epoch = epoch;
    all->epoch_key = bits_of(all, EPOCH, epoch, 0);
    all->right = all->seen = 0;
    all->loss = 0;
    for (uint32_t c = 0; c < all->run.classes; c++)
        all->shift[c] = (float)all->learning->shift * normal(bits_of(all, CLASS_SHIFT, epoch, c));
}

/* What all samples of a step have in common. */
struct moment {
    float learnt, behind, scale, growth, memory, fresh, by_heart, handicap, most_rest;
};

static struct moment moment_at(const struct generated_run *all, double time)
{
    const struct learning *learning = all->learning;
    double done = time / (double)all->run.epochs;
    double rate = 0.5 * (1 + cos(done * 3.14159265358979)); /* of learning, 1 at the start */
    double memory = learning->memory + (learning->memory_last - learning->memory) * pow(1 - rate, 4);
    double learnt =
        (1 - (1 - learning->first) / (1 + time / learning->half)) * (1 - learning->held_back * sqrt(rate));
    return (struct moment){
        .learnt = (float)learnt,
        .behind = (float)((1 - learnt) * learning->behind),
        .scale = (float)(learning->scale_last + (learning->scale_first - learning->scale_last) * sqrt(rate)),
        .growth = (float)learning->growth,
        .memory = (float)memory,
        .fresh = (float)sqrt(1 - memory * memory),
        .by_heart = (float)(done * done),
        .handicap = (float)learning->handicap,
        .most_rest = logf((float)(all->run.classes - 1)),
    };
}

static void predict(struct generated_run *all, const struct moment *now, uint32_t sample, uint32_t place)
{
    const struct learning *learning = all->learning;
    struct learner *learner = &all->learners[sample];
    uint64_t bits = mix(all->epoch_key + sample), more = mix(bits);
    uint16_t label = all->labels[sample], truth = learner->truth;
    learner->wander = now->memory * learner->wander + now->fresh * normal(bits);
    if (uniform(more) >= (float)learning->rival_stays)
        learner->rival = draw_rival(all, truth, mix(more));
    float scale = now->scale + now->growth * fabsf(learner->limit) * now->learnt;
    float lead = learner->limit * now->learnt - now->behind + scale * (learner->wander + all->shift[truth]);
    float margin = lead;
    uint16_t predicted = lead > 0 ? truth : learner->rival;
    if (label != truth) {
        float label_lead =
            learner->by_heart * now->by_heart - now->handicap * now->learnt + 0.5f * scale * learner->wander;
        float best_other = learner->rival == label ? lead : fmaxf(lead, 0);
        if (learner->rival == label)
            label_lead = fmaxf(label_lead, 0);
        margin = label_lead - best_other;
        predicted = margin > 0 ? label : predicted;
    }
    float rest =
        learner->rest + (float)learning->rest_wander * (uniform(more >> 16) + uniform(more >> 32) - 1) * 2.45f;
    all->predicted[place] = predicted;
    all->margin[place] = margin;
    all->log_odds[place] = margin - fminf(fmaxf(rest, 0), now->most_rest);
    all->right += predicted == label;
    all->loss += log1pf(expf(-all->log_odds[place]));
}

/* Logits that say what was drawn: the largest other class has 0, the label the margin, and all the others share what
 * the log-odds leave for them. Where the label is predicted, the largest other class is the one after it. */
static void fill_logits(const struct generated_run *all, uint32_t sample, uint32_t place)
{
    uint32_t classes = all->run.classes;
    uint16_t label = all->labels[sample], predicted = all->predicted[place];
    float *logits = all->logits + (size_t)place * classes;
    float rest = expm1f(all->margin[place] - all->log_odds[place]);
    float each = classes > 2 ? logf(fminf(fmaxf(rest / (float)(classes - 2), 1e-6f), 0.999f)) : 0;
    for (uint32_t c = 0; c < classes; c++)
        logits[c] = each;
    logits[predicted == label ? (label + 1U) % classes : predicted] = 0;
    logits[label] = all->margin[place];
}

bool generated_run_next(struct generated_run *all, struct tidylog_predictions *out, struct tidylog_epoch *epoch)
{
    struct tidylog_due due;
    tidylog_order_step(all->order, all->step, &due);
    if (due.epoch != all->epoch)
        begin_epoch(all, due.epoch);
    struct moment now = moment_at(all, (double)due.epoch + 0.5);
    for (uint32_t i = 0; i < due.count; i++)
        predict(all, &now, due.samples[i], i);
    for (uint32_t i = 0; i < due.count && all->logits != NULL; i++)
        fill_logits(all, due.samples[i], i);
    all->seen += due.count;
    all->step++;
    *out = (struct tidylog_predictions){.count = due.count,
                                        .samples = due.samples,
                                        .predicted = all->predicted,
                                        .margin = all->margin,
                                        .log_odds = all->log_odds,
                                        .logits = all->logits};
    *epoch = (struct tidylog_epoch){.epoch = due.epoch,
                                    .loss = all->loss / (double)all->seen,
                                    .accuracy = (double)all->right / (double)all->seen,
                                    .test_accuracy = NAN,
                                    .learning_rate = 0.1,
                                    .seconds = 1};
    return all->step == tidylog_order_steps_before(all->order, due.epoch + 1);
}

int generated_run_write(struct generated_run *all, const char *path, bool force, struct log_cost *cost)
{
    struct tidylog_writer *writer = NULL;
    struct tidylog_predictions predictions;
    struct tidylog_epoch epoch;
    int status = log_cost_create(cost, &writer, path, &all->run, force);
    if (status != 0)
        return status;
    uint64_t steps = tidylog_order_steps_before(all->order, all->run.epochs);
    for (uint64_t step = 0; step < steps && status == 0; step++) {
        bool last = generated_run_next(all, &predictions, &epoch);
        status = log_cost_step(cost, writer, step, &predictions);
        if (status == 0 && last)
            status = log_cost_epoch(cost, writer, &epoch);
    }
    int closed = log_cost_close(cost, writer);
    return status != 0 ? status : closed;
}
