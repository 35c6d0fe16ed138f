/* Chooses plans by running them on the device. */
#include "record/cuda/plan_choice.h"

#include <cuda_runtime_api.h>
#include <float.h>
#include <stdbool.h>

#include "common/error.h"

/* What came of trying a plan. */
enum outcome { RUNS, RUNS_NOT, DEVICE_FAILED };

/* 0, or TIDY_FAILED where the call failed. */
static int check(cudaError_t error, const char *what)
{
    return error == cudaSuccess ? 0 : tidy_fail("CUDA: %s: %s", what, cudaGetErrorString(error));
}

static int run_plan(const struct convolution_plan *plan, const struct plan_timing *timing)
{
    return convolution_plan_run(plan, timing->handle, timing->in, timing->out, timing->weights, timing->workspace);
}

/* A failed call's error is taken back by cudaGetLastError, unless the device itself is lost: then all later calls
 * fail. */
static enum outcome after_failure(const struct plan_timing *timing)
{
    (void)cudaGetLastError();
    return cudaStreamSynchronize(timing->stream) == cudaSuccess ? RUNS_NOT : DEVICE_FAILED;
}

/* Captures the plan once without launching it: steps are replayed as a CUDA graph, and cuDNN's notes do not say
 * which engines a capture can hold. */
static int capture_plan(const struct convolution_plan *plan, const struct plan_timing *timing)
{
    int status =
        check(cudaStreamBeginCapture(timing->stream, cudaStreamCaptureModeThreadLocal), "capturing a plan");
    if (status != 0)
        return status;
    cudaGraph_t graph = NULL;
    status = run_plan(plan, timing);
    int end_status = check(cudaStreamEndCapture(timing->stream, &graph), "capturing a plan");
    if (graph != NULL)
        cudaGraphDestroy(graph);
    return status != 0 ? status : end_status;
}

/* Runs the plan once, which also loads its kernels, and captures it. */
static enum outcome try_plan(const struct convolution_plan *plan, const struct plan_timing *timing)
{
    int status = run_plan(plan, timing);
    if (status == 0)
        status = check(cudaStreamSynchronize(timing->stream), "running a plan");
    if (status == 0)
        status = capture_plan(plan, timing);
    return status == 0 ? RUNS : after_failure(timing);
}

/* The least of PLAN_RUNS times, in milliseconds. */
static enum outcome time_plan(float *milliseconds, const struct convolution_plan *plan,
                              const struct plan_timing *timing, cudaEvent_t begin, cudaEvent_t end)
{
    *milliseconds = FLT_MAX;
    enum outcome outcome = try_plan(plan, timing);
    for (int i = 0; outcome == RUNS && i < PLAN_RUNS; i++) {
        float elapsed = 0;
        int status = check(cudaEventRecord(begin, timing->stream), "timing a plan");
        if (status == 0)
            status = run_plan(plan, timing);
        if (status == 0)
            status = check(cudaEventRecord(end, timing->stream), "timing a plan");
        if (status == 0)
            status = check(cudaEventSynchronize(end), "timing a plan");
        if (status == 0)
            status = check(cudaEventElapsedTime(&elapsed, begin, end), "timing a plan");
        if (status != 0)
            outcome = after_failure(timing);
        else if (elapsed < *milliseconds)
            *milliseconds = elapsed;
    }
    return outcome;
}

/* Sets *best to the index of the fastest; `count` where none runs. */
static int choose_fastest(size_t *best, struct convolution_plan **plans, size_t count,
                          const struct plan_timing *timing)
{
    *best = count;
    cudaEvent_t begin = NULL, end = NULL;
    int status = check(cudaEventCreateWithFlags(&begin, cudaEventDefault), "making an event");
    if (status == 0)
        status = check(cudaEventCreateWithFlags(&end, cudaEventDefault), "making an event");
    float least = FLT_MAX;
    for (size_t i = 0; status == 0 && i < count; i++) {
        float milliseconds;
        enum outcome outcome = time_plan(&milliseconds, plans[i], timing, begin, end);
        if (outcome == DEVICE_FAILED)
            status = TIDY_FAILED;
        else if (outcome == RUNS && milliseconds < least) {
            least = milliseconds;
            *best = i;
        }
    }
    if (end != NULL)
        cudaEventDestroy(end);
    if (begin != NULL)
        cudaEventDestroy(begin);
    return status;
}

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
    enum outcome outcome = try_plan(plan, timing);
    if (outcome == RUNS)
        *out = plan;
    else
        convolution_plan_destroy(plan);
    return outcome == DEVICE_FAILED ? TIDY_FAILED : 0;
}

int plan_choose(struct convolution_plan **out, struct plan_cache *cache, const struct plan_timing *timing,
                const struct convolution_request *request)
{
    char key[CONVOLUTION_KEY_ROOM];
    convolution_request_key(key, request);
    int status = restore_cached(out, cache, key, timing, request);
    if (status != 0)
        return tidy_fail("the device failed while it ran convolution %s: %s", key, tidy_error_message());
    if (*out != NULL)
        return 0;

    const struct convolution_target target = {.handle = timing->handle};
    struct convolution_plan *plans[PLAN_CANDIDATES];
    size_t found, best;
    status = convolution_plans_create(plans, PLAN_CANDIDATES, &found, &target, request);
    if (status != 0)
        return status;
    status = choose_fastest(&best, plans, found, timing);
    if (status != 0)
        status = tidy_fail("the device failed while it timed convolution %s: %s", key, tidy_error_message());
    else if (best == found)
        status =
            tidy_fail("none of %zu plans of convolution %s runs; the last: %s", found, key, tidy_error_message());
    else
        status = plan_cache_put(cache, key, convolution_plan_text(plans[best]));
    for (size_t i = 0; i < found; i++)
        if (status != 0 || i != best)
            convolution_plan_destroy(plans[i]);
    if (status == 0)
        *out = plans[best];
    return status;
}
