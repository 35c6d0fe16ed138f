/* A plug-in in place of the CUDA one: it computes with the CPU backend of the program that loads it, so that its
 * values are known. As on a GPU two steps are on their way at a time, they are computed when they are waited for, and
 * errors show there.
 *
 * The environment decides: FAKE_CUDA_UNUSABLE: text of a probe that says no. FAKE_CUDA_TRANSCRIPT: a file that gets a
 * line when the plug-in is loaded and when it compiles. FAKE_CUDA_FAILS_AT: number of a step, counted from the
 * program's start, whose collection fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/progress.h"
#include "common/random.h"
#include "record/cuda/plugin.h"
#include "record/tensor_plan.h"

/* What a plug-in may call of the program's: each has to be there, or this one does not load. */
typedef void (*function)(void);
const function fake_plugin_calls[] = {
    (function)tidy_fail,
    (function)tidy_error_message,
    (function)memory_allocate,
    (function)memory_grow,
    (function)random_open,
    (function)random_bits,
    (function)progress_update,
    (function)progress_clear,
    (function)network_state_lay_out,
    (function)network_state_destroy,
    (function)tensor_plan_create,
    (function)tensor_plan_destroy,
};

#ifdef FAKE_LIBRARY
/* A library that the plug-in is linked with. */
int fake_library(void);
const function fake_library_call = (function)fake_library;
#endif

#ifdef FAKE_UNFIT
/* What no program has. */
int function_of_another_build(void);
const function fake_unfit_call = (function)function_of_another_build;
#endif

enum { AHEAD = 2, MOST_BATCH = 1024 };

struct step {
    uint32_t count, samples[MOST_BATCH];
    uint16_t labels[MOST_BATCH];
    float learning_rate;
};

/* There is one trainer at a time: the CPU's, behind which these are kept. */
static struct step steps[AHEAD];
static uint64_t submitted, collected;
static char plan_text[256];

static void write_transcript(const char *text)
{
    const char *path = getenv("FAKE_CUDA_TRANSCRIPT");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;
    if (file != NULL) {
        fputs(text, file);
        fclose(file);
    }
}

__attribute__((constructor)) static void say_loaded(void)
{
    write_transcript("loaded\n");
}

static bool probe(char *text, size_t size)
{
    const char *reason = getenv("FAKE_CUDA_UNUSABLE");
    snprintf(text, size, "%s", reason != NULL ? reason : "a fake GPU");
    return reason == NULL;
}

static int create(struct trainer **out, const struct trainer_config *config)
{
    struct trainer_config on_cpu = *config;
    char line[512];
    snprintf(line, sizeof line, "precision %s, deterministic %d, logits %d, plans %s\n",
             precision_names[config->precision], config->deterministic, config->logits,
             config->plans != NULL ? config->plans : "none");
    write_transcript(line);
    if (config->batch_size > MOST_BATCH)
        return tidy_fail("the fake GPU has no room for %u images", config->batch_size);
    snprintf(plan_text, sizeof plan_text, "%s", config->plans != NULL ? config->plans : "first choice");
    submitted = collected = 0;
    on_cpu.precision = PRECISION_F32;
    on_cpu.plans = NULL;
    return cpu_backend.create(out, &on_cpu);
}

static void destroy(struct trainer *trainer)
{
    cpu_backend.destroy(trainer);
}

static int load(struct trainer *trainer, const struct network_state *state)
{
    return submitted == collected ? cpu_backend.load(trainer, state) : tidy_fail("load with steps uncollected");
}

static int save(struct trainer *trainer, struct network_state *state)
{
    return submitted == collected ? cpu_backend.save(trainer, state) : tidy_fail("save with steps uncollected");
}

static int step(struct trainer *trainer, const uint32_t *samples, const uint16_t *labels, uint32_t count,
                float learning_rate)
{
    (void)trainer;
    if (submitted - collected == AHEAD)
        return tidy_fail("too many steps ahead");
    struct step *slot = &steps[submitted++ % AHEAD];
    slot->count = count;
    slot->learning_rate = learning_rate;
    memcpy(slot->samples, samples, count * sizeof *samples);
    memcpy(slot->labels, labels, count * sizeof *labels);
    return 0;
}

static int collect(struct trainer *trainer, struct step_result *out)
{
    const char *failing = getenv("FAKE_CUDA_FAILS_AT");
    if (submitted == collected)
        return tidy_fail("nothing to collect");
    if (failing != NULL && strtoull(failing, NULL, 10) == collected)
        return tidy_fail("the fake GPU is gone");
    const struct step *slot = &steps[collected++ % AHEAD];
    int status = cpu_backend.step(trainer, slot->samples, slot->labels, slot->count, slot->learning_rate);
    return status != 0 ? status : cpu_backend.collect(trainer, out);
}

static int evaluate(struct trainer *trainer, uint64_t *correct)
{
    return submitted == collected ? cpu_backend.evaluate(trainer, correct)
                                  : tidy_fail("evaluate with steps uncollected");
}

static int predict(struct trainer *trainer, const uint32_t *samples, const uint16_t *labels, uint32_t count,
                   struct step_result *out)
{
    return submitted == collected ? cpu_backend.predict(trainer, samples, labels, count, out)
                                  : tidy_fail("predict with steps uncollected");
}

static const char *plans(const struct trainer *trainer)
{
    (void)trainer;
    return plan_text;
}

static uint64_t memory(const struct trainer *trainer)
{
    (void)trainer;
    return UINT64_C(3) << 29; /* 1.5 GiB */
}

static const char *versions(void)
{
    return "fake CUDA 13.0";
}

static const struct backend backend = {
    .name = "cuda",
    .steps_ahead = AHEAD,
    .probe = probe,
    .create = create,
    .destroy = destroy,
    .load = load,
    .save = save,
    .step = step,
    .collect = collect,
    .evaluate = evaluate,
    .predict = predict,
    .plans = plans,
    .memory = memory,
    .versions = versions,
};

#ifndef FAKE_NO_STRUCTURE
const struct cuda_plugin tidy_cuda_plugin = {FAKE_VERSION, &backend};
#else
const struct backend *const fake_plugin_backend = &backend;
#endif
