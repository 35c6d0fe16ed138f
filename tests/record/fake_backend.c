/* A table of FEATURES x classes logits; sample i has feature i % FEATURES. Softmax regression with momentum. */
#include "tests/record/fake_backend.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/random.h"

enum { FEATURES = 16, MOST_CLASSES = 8, MOST_BATCH = 64, AHEAD = 3 };

struct fake_event fake_event;
struct fake_line fake_transcript[FAKE_LINES];
size_t fake_lines;
uint64_t fake_uncollected;
static uint64_t calls[FAKE_CALLS];

struct slot {
    uint32_t count, samples[MOST_BATCH];
    uint16_t labels[MOST_BATCH], predicted[MOST_BATCH];
    float margin[MOST_BATCH], log_odds[MOST_BATCH], loss[MOST_BATCH], logits[MOST_BATCH * MOST_CLASSES];
    float learning_rate;
};

struct trainer {
    struct trainer_config config;
    uint32_t classes;
    float weights[FEATURES * MOST_CLASSES], velocity[FEATURES * MOST_CLASSES], bias[MOST_CLASSES];
    struct slot slots[AHEAD], evaluated;
    uint64_t submitted, collected;
};

/* Counts a call and does what the event asks for. */
static int happen(enum fake_call call)
{
    bool wanted = fake_event.wanted && fake_event.call == call;
    bool now = wanted && fake_event.number == calls[call], next = wanted && fake_event.number + 1 == calls[call];
    calls[call]++;
    if (now && fake_event.signal != 0)
        raise(fake_event.signal);
    return (now && fake_event.fails) || (next && fake_event.next_fails) ? tidy_fail("the device is gone") : 0;
}

void fake_reset(void)
{
    memset(&fake_event, 0, sizeof fake_event);
    memset(calls, 0, sizeof calls);
    fake_lines = 0;
}

void fake_state_create(struct network_state *state, uint32_t classes, uint64_t seed)
{
    struct random_stream stream = random_open(seed, RANDOM_WEIGHTS, 0);
    memset(state, 0, sizeof *state);
    state->parameter_count = (size_t)FEATURES * classes;
    state->statistics_count = classes;
    state->parameters = calloc(state->parameter_count, sizeof(float));
    state->velocity = calloc(state->parameter_count, sizeof(float));
    state->statistics = calloc(state->statistics_count, sizeof(float));
    for (size_t i = 0; i < state->parameter_count; i++)
        state->parameters[i] = (float)random_normal(&stream);
}

void fake_state_destroy(struct network_state *state)
{
    free(state->parameters);
    free(state->velocity);
    free(state->statistics);
}

static int create(struct trainer **out, const struct trainer_config *config)
{
    *out = calloc(1, sizeof **out);
    (*out)->config = *config;
    (*out)->classes = config->network->classes;
    return 0;
}

static void destroy(struct trainer *trainer)
{
    fake_uncollected = trainer->submitted - trainer->collected;
    free(trainer);
}

static int load(struct trainer *trainer, const struct network_state *state)
{
    memcpy(trainer->weights, state->parameters, state->parameter_count * sizeof(float));
    memcpy(trainer->velocity, state->velocity, state->parameter_count * sizeof(float));
    memcpy(trainer->bias, state->statistics, state->statistics_count * sizeof(float));
    return trainer->submitted == trainer->collected ? 0 : tidy_fail("load with steps uncollected");
}

static int save(struct trainer *trainer, struct network_state *state)
{
    int status = happen(FAKE_SAVE);
    if (status != 0)
        return status;
    memcpy(state->parameters, trainer->weights, state->parameter_count * sizeof(float));
    memcpy(state->velocity, trainer->velocity, state->parameter_count * sizeof(float));
    memcpy(state->statistics, trainer->bias, state->statistics_count * sizeof(float));
    return trainer->submitted == trainer->collected ? 0 : tidy_fail("save with steps uncollected");
}

/* Logits of a feature; the running statistics are part of them. */
static void forward(const struct trainer *trainer, float *logits, uint32_t sample)
{
    const float *row = trainer->weights + sample % FEATURES * trainer->classes;
    for (uint32_t c = 0; c < trainer->classes; c++)
        logits[c] = row[c] + trainer->bias[c];
}

static uint16_t largest(const float *logits, uint32_t classes, uint32_t except)
{
    uint32_t best = except == 0 ? 1 : 0;
    for (uint32_t c = 0; c < classes; c++)
        if (c != except && logits[c] > logits[best])
            best = c;
    return (uint16_t)best;
}

static void observe(const struct trainer *trainer, struct slot *slot, uint32_t i)
{
    float *logits = slot->logits + i * trainer->classes;
    forward(trainer, logits, slot->samples[i]);
    uint16_t label = slot->labels[i];
    double sum = 0;
    for (uint32_t c = 0; c < trainer->classes; c++)
        sum += exp(logits[c]);
    double q = exp(logits[label]) / sum;
    slot->predicted[i] = largest(logits, trainer->classes, UINT32_MAX);
    slot->margin[i] = logits[label] - logits[largest(logits, trainer->classes, label)];
    slot->log_odds[i] = (float)log(q / (1 - q));
    slot->loss[i] = (float)-log(q);
}

static void update(struct trainer *trainer, const struct slot *slot)
{
    float gradient[FEATURES * MOST_CLASSES] = {0};
    for (uint32_t i = 0; i < slot->count; i++) {
        const float *logits = slot->logits + i * trainer->classes;
        double sum = 0;
        for (uint32_t c = 0; c < trainer->classes; c++)
            sum += exp(logits[c]);
        for (uint32_t c = 0; c < trainer->classes; c++) {
            double q = exp(logits[c]) / sum;
            gradient[slot->samples[i] % FEATURES * trainer->classes + c] +=
                (float)(q - (slot->labels[i] == c)) / (float)slot->count;
            trainer->bias[c] = 0.9f * trainer->bias[c] + 0.01f * (float)q;
        }
    }
    for (uint32_t i = 0; i < FEATURES * trainer->classes; i++) {
        trainer->velocity[i] = trainer->config.momentum * trainer->velocity[i] + gradient[i] +
                               trainer->config.weight_decay * trainer->weights[i];
        trainer->weights[i] -= slot->learning_rate * trainer->velocity[i];
    }
}

static int step(struct trainer *trainer, const uint32_t *samples, const uint16_t *labels, uint32_t count,
                float learning_rate)
{
    int status = happen(FAKE_STEP);
    if (status != 0)
        return status;
    if (trainer->submitted - trainer->collected >= AHEAD || count == 0 || count > trainer->config.batch_size)
        return tidy_fail("a step that the contract forbids");
    struct slot *slot = &trainer->slots[trainer->submitted++ % AHEAD];
    slot->count = count;
    slot->learning_rate = learning_rate;
    memcpy(slot->samples, samples, count * sizeof *samples);
    memcpy(slot->labels, labels, count * sizeof *labels);
    for (uint32_t i = 0; i < count; i++)
        observe(trainer, slot, i);
    update(trainer, slot);
    return 0;
}

/* Writes a slot's samples into the transcript, and gives its arrays out. */
static void give(struct step_result *out, const struct slot *slot, bool evaluated)
{
    for (uint32_t i = 0; i < slot->count; i++)
        if (fake_lines++ < FAKE_LINES)
            fake_transcript[fake_lines - 1] =
                (struct fake_line){slot->samples[i],  slot->labels[i], slot->predicted[i],  slot->margin[i],
                                   slot->log_odds[i], slot->loss[i],   slot->learning_rate, evaluated};
    out->predictions = (struct tidylog_predictions){.count = slot->count,
                                                    .samples = slot->samples,
                                                    .predicted = slot->predicted,
                                                    .margin = slot->margin,
                                                    .log_odds = slot->log_odds,
                                                    .logits = slot->logits};
    out->loss = slot->loss;
}

static int collect(struct trainer *trainer, struct step_result *out)
{
    uint64_t number = calls[FAKE_COLLECT];
    int status = happen(FAKE_COLLECT);
    if (status != 0)
        return status;
    if (trainer->submitted == trainer->collected)
        return tidy_fail("nothing to collect");
    struct slot *slot = &trainer->slots[trainer->collected++ % AHEAD];
    if (fake_event.wanted && fake_event.no_loss && fake_event.number == number)
        slot->loss[slot->count / 2] = NAN;
    give(out, slot, false);
    return 0;
}

static int predict(struct trainer *trainer, const uint32_t *samples, const uint16_t *labels, uint32_t count,
                   struct step_result *out)
{
    int status = happen(FAKE_PREDICT);
    if (status != 0)
        return status;
    if (trainer->submitted != trainer->collected || count == 0 || count > trainer->config.batch_size)
        return tidy_fail("a prediction that the contract forbids");
    struct slot *slot = &trainer->evaluated;
    slot->count = count;
    slot->learning_rate = 0;
    memcpy(slot->samples, samples, count * sizeof *samples);
    memcpy(slot->labels, labels, count * sizeof *labels);
    for (uint32_t i = 0; i < count; i++)
        observe(trainer, slot, i);
    give(out, slot, true);
    return 0;
}

static int evaluate(struct trainer *trainer, uint64_t *correct)
{
    int status = happen(FAKE_EVALUATE);
    const struct dataset *test = trainer->config.test;
    *correct = 0;
    for (uint64_t i = 0; i < test->samples; i++) {
        float logits[MOST_CLASSES];
        forward(trainer, logits, (uint32_t)i);
        *correct += largest(logits, trainer->classes, UINT32_MAX) == test->labels[i];
    }
    if (status == 0 && trainer->submitted != trainer->collected)
        return tidy_fail("evaluate with steps uncollected");
    return status;
}

static bool probe(char *text, size_t size)
{
    snprintf(text, size, "a fake");
    return true;
}

static const char *plans(const struct trainer *trainer)
{
    (void)trainer;
    return "";
}

static uint64_t memory(const struct trainer *trainer)
{
    (void)trainer;
    return sizeof *trainer;
}

static const char *versions(void)
{
    return "fake 1.0";
}

#define FAKE(ahead)                                                                                                \
    {                                                                                                              \
        .name = "fake", .steps_ahead = (ahead), .probe = probe, .create = create, .destroy = destroy,              \
        .load = load, .save = save, .step = step, .collect = collect, .evaluate = evaluate, .predict = predict,    \
        .plans = plans, .memory = memory, .versions = versions                                                     \
    }

const struct backend fake_backend = FAKE(1);
const struct backend fake_backend_ahead = FAKE(AHEAD);
