/* Chooses plans by running them on the device. */
#include "record/cuda/plan_choice.h"

#include <cuda_runtime_api.h>
#include <float.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/error.h"
#include "record/cuda/library_error.h"

/* A clock that idled needs some 10 ms to rise; runs that take no time at all end it by their number. */
enum { WARM_UP_MILLISECONDS = 50, WARM_UP_LAUNCHES = 500 };

/* What came of trying a plan. */
enum outcome { NOT_TRIED, RUNS, RUNS_NOT, DEVICE_FAILED };

/* Plans that run, in cuDNN's order of preference. */
struct candidates {
    const char *key; /* the convolution's */
    size_t count, tried;
    char failure[512]; /* why the last that does not run does not */
    struct convolution_plan *plans[PLAN_CANDIDATES];
    cudaGraphExec_t graphs[PLAN_CANDIDATES]; /* PLAN_RUNS runs of each */
    float milliseconds[PLAN_CANDIDATES];     /* the least that a launch of each took */
};

static int run_plan(const struct convolution_plan *plan, const struct plan_timing *timing)
{
    return convolution_plan_run(plan, timing->handle, timing->in, timing->out, timing->weights, timing->workspace);
}

static int launch(cudaGraphExec_t graph, const struct plan_timing *timing)
{
    return check_cuda(cudaGraphLaunch(graph, timing->stream), "replaying a convolution");
}

/* ---- trying -------------------------------------------------------------------------------------------- */

/* A failed call's error is taken back by cudaGetLastError, unless the device itself is lost: then all later calls
 * fail. */
static enum outcome after_failure(const struct plan_timing *timing)
{
    (void)cudaGetLastError();
    cudaError_t error = cudaStreamSynchronize(timing->stream);
    return check_cuda(error, "trying a way to convolve") == 0 ? RUNS_NOT : DEVICE_FAILED;
}

/* Captures PLAN_RUNS runs of the plan as a graph that can be launched. cuDNN's notes do not say which engines a
 * capture can hold. */
static int capture_runs(cudaGraphExec_t *out, const struct convolution_plan *plan, const struct plan_timing *timing)
{
    static const char capturing[] = "capturing a convolution";
    int status =
        check_cuda(cudaStreamBeginCapture(timing->stream, cudaStreamCaptureModeThreadLocal), "%s", capturing);
    if (status != 0)
        return status;
    for (int i = 0; i < PLAN_RUNS && status == 0; i++)
        status = run_plan(plan, timing);
    cudaGraph_t graph = NULL;
    cudaError_t error = cudaStreamEndCapture(timing->stream, &graph); /* a capture that began is always ended */
    if (status == 0)
        status = check_cuda(error, "%s", capturing);
    if (status == 0)
        status = check_cuda(cudaGraphInstantiate(out, graph, 0), "making a convolution's graph");
    if (graph != NULL)
        cudaGraphDestroy(graph);
    return status;
}

/* Runs the plan once, which loads its kernels, captures it, and launches the graph: in training too the variant
 * packs are gone by then, from whose memory a graph might have recorded a copy. *graph is NULL unless it RUNS. */
static enum outcome try_plan(cudaGraphExec_t *graph, const struct convolution_plan *plan,
                             const struct plan_timing *timing)
{
    *graph = NULL;
    int status = run_plan(plan, timing);
    if (status == 0)
        status = check_cuda(cudaStreamSynchronize(timing->stream), "running a convolution");
    if (status == 0)
        status = capture_runs(graph, plan, timing);
    if (status == 0)
        status = launch(*graph, timing);
    if (status == 0)
        status = check_cuda(cudaStreamSynchronize(timing->stream), "replaying a convolution");
    if (status == 0)
        return RUNS;
    enum outcome outcome = after_failure(timing);
    if (*graph != NULL)
        cudaGraphExecDestroy(*graph);
    *graph = NULL;
    return outcome;
}

/* Adds those of the first `room` plans that run and were not tried before, until there are `most`. Fails where
 * there is no plan, and where the device failed. */
static int add_candidates(struct candidates *c, size_t room, size_t most, const struct plan_timing *timing,
                          const struct convolution_request *request)
{
    const struct convolution_target target = {.handle = timing->handle};
    struct convolution_plan *plans[PLANS_MOST];
    size_t found;
    int status = convolution_plans_create(plans, room, &found, &target, request);
    for (size_t i = 0; i < found; i++) {
        enum outcome outcome = NOT_TRIED;
        if (status == 0 && i == c->tried && c->count < most) {
            outcome = try_plan(&c->graphs[c->count], plans[i], timing);
            c->tried++;
        }
        if (outcome == DEVICE_FAILED)
            status = tidy_fail("convolution %s: %s", c->key, tidy_error_message());
        else if (outcome == RUNS_NOT)
            snprintf(c->failure, sizeof c->failure, "%.500s", tidy_error_message());
        if (outcome == RUNS)
            c->plans[c->count++] = plans[i];
        else
            convolution_plan_destroy(plans[i]);
    }
    return status;
}

/* ---- timing -------------------------------------------------------------------------------------------- */

static int record(cudaEvent_t event, const struct plan_timing *timing)
{
    return check_cuda(cudaEventRecord(event, timing->stream), "timing a convolution");
}

static int measure(float *milliseconds, cudaEvent_t begin, cudaEvent_t end)
{
    return check_cuda(cudaEventElapsedTime(milliseconds, begin, end), "timing a convolution");
}

static int wait_for_all(const struct plan_timing *timing)
{
    return check_cuda(cudaStreamSynchronize(timing->stream), "timing a convolution");
}

/* Launches the graph until the device has worked long enough for its clocks to be up. Once in a process: they stay
 * up for longer than the host needs to make the next convolution's plans. */
static int warm_up(cudaGraphExec_t graph, cudaEvent_t begin, cudaEvent_t end, const struct plan_timing *timing)
{
    static bool warm;
    if (warm)
        return 0;
    float milliseconds = 0;
    int status = record(begin, timing);
    for (int i = 0; status == 0 && i < WARM_UP_LAUNCHES && milliseconds < WARM_UP_MILLISECONDS; i++) {
        status = launch(graph, timing);
        if (status == 0)
            status = record(end, timing);
        if (status == 0)
            status = wait_for_all(timing);
        if (status == 0)
            status = measure(&milliseconds, begin, end);
    }
    warm = status == 0;
    return status;
}

/* Launches each candidate's graph once, with an event between any two. One launch before them is not timed: while
 * the device is busy with it the host goes ahead, so that no event waits for the host. */
static int time_round(struct candidates *c, const cudaEvent_t *events, const struct plan_timing *timing)
{
    int status = launch(c->graphs[c->count - 1], timing);
    if (status == 0)
        status = record(events[0], timing);
    for (size_t i = 0; i < c->count && status == 0; i++) {
        status = launch(c->graphs[i], timing);
        if (status == 0)
            status = record(events[i + 1], timing);
    }
    if (status == 0)
        status = wait_for_all(timing);
    for (size_t i = 0; i < c->count && status == 0; i++) {
        float milliseconds = FLT_MAX;
        status = measure(&milliseconds, events[i], events[i + 1]);
        if (milliseconds < c->milliseconds[i])
            c->milliseconds[i] = milliseconds;
    }
    return status;
}

/* In rounds, so that a clock that changes meets all candidates. */
static int time_candidates(struct candidates *c, const struct plan_timing *timing)
{
    cudaEvent_t events[PLAN_CANDIDATES + 1] = {NULL};
    int status = 0;
    for (size_t i = 0; i <= c->count && status == 0; i++)
        status = check_cuda(cudaEventCreateWithFlags(&events[i], cudaEventDefault), "making an event");
    for (size_t i = 0; i < c->count; i++)
        c->milliseconds[i] = FLT_MAX;
    if (status == 0)
        status = warm_up(c->graphs[0], events[0], events[1], timing);
    for (int round = 0; round < PLAN_ROUNDS && status == 0; round++)
        status = time_round(c, events, timing);
    if (status != 0) {
        status = tidy_fail("convolution %s: %s", c->key, tidy_error_message());
        (void)cudaStreamSynchronize(timing->stream); /* for what was launched before the failure */
    }
    for (size_t i = 0; i <= c->count; i++)
        if (events[i] != NULL)
            cudaEventDestroy(events[i]);
    return status;
}

/* ---- choosing ------------------------------------------------------------------------------------------ */

/* Sets *out to the plan that the cache has, NULL where it has none that cuDNN takes and that runs. */
static int restore_cached(struct convolution_plan **out, const struct plan_cache *cache, const char *key,
                          const struct plan_timing *timing, const struct convolution_request *request)
{
    *out = NULL;
    const struct convolution_target target = {.handle = timing->handle};
    const char *text = plan_cache_find(cache, key);
    struct convolution_plan *plan;
    if (text == NULL || convolution_plan_restore(&plan, &target, request, text) != 0)
        return 0;
    cudaGraphExec_t graph;
    enum outcome outcome = try_plan(&graph, plan, timing);
    if (graph != NULL)
        cudaGraphExecDestroy(graph);
    if (outcome == RUNS)
        *out = plan;
    else
        convolution_plan_destroy(plan);
    return outcome == DEVICE_FAILED ? tidy_fail("convolution %s: %s", key, tidy_error_message()) : 0;
}

static int choose_fastest(struct convolution_plan **out, const char *key, const struct plan_timing *timing,
                          const struct convolution_request *request)
{
    struct candidates c = {.key = key};
    int status = add_candidates(&c, PLAN_CANDIDATES, PLAN_CANDIDATES, timing, request);
    if (status == 0 && c.count == 0 && c.tried == PLAN_CANDIDATES)
        status = add_candidates(&c, PLANS_MOST, 1, timing, request);
    if (status == 0 && c.count == 0)
        status = tidy_fail("convolution %s: none of %zu plans runs; the last: %s", key, c.tried, c.failure);
    if (status == 0 && c.count > 1)
        status = time_candidates(&c, timing);
    size_t best = 0;
    for (size_t i = 1; i < c.count && status == 0; i++)
        if (c.milliseconds[i] < c.milliseconds[best])
            best = i;
    for (size_t i = 0; i < c.count; i++) {
        cudaGraphExecDestroy(c.graphs[i]);
        if (status != 0 || i != best)
            convolution_plan_destroy(c.plans[i]);
    }
    *out = status == 0 ? c.plans[best] : NULL;
    return status;
}

int plan_choose(struct convolution_plan **out, struct plan_cache *cache, const struct plan_timing *timing,
                const struct convolution_request *request)
{
    char key[CONVOLUTION_KEY_ROOM];
    convolution_request_key(key, request);
    int status = restore_cached(out, cache, key, timing, request);
    if (status != 0 || *out != NULL)
        return status;
    status = choose_fastest(out, key, timing, request);
    if (status == 0)
        status = plan_cache_put(cache, key, convolution_plan_text(*out));
    if (status != 0) {
        convolution_plan_destroy(*out);
        *out = NULL;
    }
    return status;
}
