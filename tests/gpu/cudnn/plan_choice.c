/* The fastest plan that runs is chosen, kept, and not timed again.
 *
 * Plans and the CUDA runtime are played by this file: rows say how long a plan takes and what goes wrong with it.
 */
#include "tests/support/support.h"

#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "record/cuda/plan_choice.h"

/* ---- the device and its plans, played ------------------------------------------------------------------- */

enum trouble { NONE, CUDNN_FAILS, LAUNCH_FAILS, NOT_CAPTURED, CAPTURE_LOST, DEVICE_LOST };

static struct convolution_plan {
    const char *text;
    float milliseconds, warm_up;
    enum trouble trouble;
    bool alive;
    int runs;
} plans[PLAN_CANDIDATES];
static size_t plan_count;

static bool capturing, lost;
static cudaError_t pending; /* what cudaGetLastError takes back */
static bool capture_spoilt;
static float clock_now;
static struct CUevent_st {
    float at;
} events[2];
static int events_alive;
static bool events_fail;

const char *convolution_request_key(char text[CONVOLUTION_KEY_ROOM], const struct convolution_request *request)
{
    snprintf(text, CONVOLUTION_KEY_ROOM, "key n%u", request->count);
    return text;
}

int convolution_plans_create(struct convolution_plan **out, size_t room, size_t *found,
                             const struct convolution_target *target, const struct convolution_request *request)
{
    (void)request;
    assert_non_null(target->handle);
    assert_null(target->device);
    *found = 0;
    for (size_t i = 0; i < plan_count && i < room; i++) {
        plans[i].alive = true;
        out[(*found)++] = &plans[i];
    }
    return *found > 0 ? 0 : tidy_fail("no plan");
}

int convolution_plan_restore(struct convolution_plan **out, const struct convolution_target *target,
                             const struct convolution_request *request, const char *text)
{
    (void)target, (void)request;
    *out = NULL;
    for (size_t i = 0; i < plan_count; i++)
        if (strcmp(plans[i].text, text) == 0) {
            plans[i].alive = true;
            *out = &plans[i];
            return 0;
        }
    return tidy_fail("no such engine");
}

void convolution_plan_destroy(struct convolution_plan *plan)
{
    if (plan != NULL) {
        assert_true(plan->alive);
        plan->alive = false;
    }
}

const char *convolution_plan_text(const struct convolution_plan *plan)
{
    return plan->text;
}

int convolution_plan_run(const struct convolution_plan *plan, cudnnHandle_t handle, void *in, void *out,
                         void *weights, void *workspace)
{
    assert_true(handle != NULL && in != NULL && out != NULL && weights != NULL && workspace != NULL);
    struct convolution_plan *row = &plans[plan - plans];
    assert_true(row->alive);
    if (plan->trouble == CUDNN_FAILS || lost)
        return tidy_fail("cuDNN: running a convolution: played");
    if (capturing) {
        capture_spoilt = plan->trouble == CAPTURE_LOST || plan->trouble == NOT_CAPTURED;
        return plan->trouble == NOT_CAPTURED ? tidy_fail("cuDNN: played, no capture") : 0;
    }
    if (plan->trouble == LAUNCH_FAILS)
        pending = cudaErrorLaunchOutOfResources;
    if (plan->trouble == DEVICE_LOST)
        lost = true;
    clock_now += row->runs++ == 0 ? plan->warm_up : plan->milliseconds;
    return 0;
}

/* Calls give the error of a launch before them, until it is taken back; a lost device's is never. */
static cudaError_t current_error(void)
{
    return lost ? cudaErrorIllegalAddress : pending;
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t error = current_error();
    pending = cudaSuccess;
    return error;
}

const char *cudaGetErrorString(cudaError_t error)
{
    return error == cudaErrorIllegalAddress ? "an illegal memory access" : "some error";
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    (void)stream;
    assert_false(capturing);
    return current_error();
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    (void)stream, (void)mode;
    assert_false(capturing);
    capturing = true;
    capture_spoilt = false;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    (void)stream;
    assert_true(capturing);
    capturing = false;
    *graph = capture_spoilt ? NULL : (cudaGraph_t)&capturing;
    return capture_spoilt ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    assert_ptr_equal(graph, &capturing);
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int flags)
{
    /* An event without timing cannot be asked for a time. */
    assert_int_equal(flags & cudaEventDisableTiming, 0);
    if (events_fail && events_alive == 1)
        return cudaErrorMemoryAllocation;
    assert_in_range(events_alive, 0, 1);
    *event = &events[events_alive++];
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    (void)event;
    events_alive--;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    (void)stream;
    event->at = clock_now;
    return current_error();
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    (void)event;
    return current_error();
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t begin, cudaEvent_t end)
{
    *milliseconds = end->at - begin->at;
    return cudaSuccess;
}

/* ---- suites --------------------------------------------------------------------------------------------- */

static struct plan_cache *cache;

static int make_cache(void **state)
{
    (void)state;
    plan_count = 0;
    lost = capturing = events_fail = false;
    pending = cudaSuccess;
    clock_now = 0;
    return plan_cache_create(&cache, "GPU", 91900);
}

static int destroy_cache(void **state)
{
    (void)state;
    plan_cache_destroy(cache);
    return events_alive == 0 && !capturing ? 0 : -1;
}

static void add_plan(const char *text, float milliseconds, enum trouble trouble)
{
    plans[plan_count++] =
        (struct convolution_plan){.text = text, .milliseconds = milliseconds, .warm_up = 9, .trouble = trouble};
}

static int choose(struct convolution_plan **out)
{
    static char memory;
    const struct plan_timing timing = {
        (cudnnHandle_t)&memory, (struct CUstream_st *)&memory, &memory, &memory, &memory, &memory};
    const struct convolution_request request = {.count = 128};
    return plan_choose(out, cache, &timing, &request);
}

static size_t plans_alive(void)
{
    size_t alive = 0;
    for (size_t i = 0; i < plan_count; i++)
        alive += plans[i].alive;
    return alive;
}

/* Fails unless the plan of that text is chosen, and it alone is left. */
static void assert_chosen(const char *text)
{
    struct convolution_plan *plan;
    if (choose(&plan) != 0)
        fail_msg("%s", tidy_error_message());
    assert_string_equal(convolution_plan_text(plan), text);
    assert_string_equal(plan_cache_find(cache, "key n128"), text);
    assert_int_equal(plans_alive(), 1);
    convolution_plan_destroy(plan);
}

static void test_the_fastest_plan_is_chosen_by_runs_after_the_first(void **state)
{
    (void)state;
    add_plan("slow", 3, NONE);
    add_plan("fast", 1, NONE);
    add_plan("middle", 2, NONE);
    plans[2].warm_up = 0;
    assert_chosen("fast");
    for (size_t i = 0; i < plan_count; i++)
        assert_int_equal(plans[i].runs, 1 + PLAN_RUNS);
}

static void test_a_chosen_plan_is_not_timed_again(void **state)
{
    (void)state;
    add_plan("slow", 3, NONE);
    add_plan("fast", 1, NONE);
    assert_int_equal(plan_cache_put(cache, "key n128", "slow"), 0);
    assert_chosen("slow");
    assert_int_equal(plans[0].runs, 1);
    assert_int_equal(plans[1].runs, 0);
}

static void test_plans_that_do_not_run_or_cannot_be_captured_are_left_out(void **state)
{
    (void)state;
    add_plan("refused", 0.1f, CUDNN_FAILS);
    add_plan("not launched", 0.1f, LAUNCH_FAILS);
    add_plan("refused in a capture", 0.1f, NOT_CAPTURED);
    add_plan("spoils a capture", 0.1f, CAPTURE_LOST);
    add_plan("good", 2, NONE);
    assert_chosen("good");
}

static void test_a_kept_plan_that_no_longer_runs_is_chosen_anew(void **state)
{
    (void)state;
    add_plan("broken", 0.1f, CAPTURE_LOST);
    add_plan("good", 2, NONE);
    assert_int_equal(plan_cache_put(cache, "key n128", "broken"), 0);
    assert_chosen("good");
    assert_int_equal(plan_cache_put(cache, "key n128", "of another time"), 0);
    assert_chosen("good");
}

static void test_a_lost_device_ends_with_a_message(void **state)
{
    (void)state;
    add_plan("good", 2, NONE);
    add_plan("fatal", 1, DEVICE_LOST);
    struct convolution_plan *plan;
    assert_int_equal(choose(&plan), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "the device failed while it timed convolution key n128"));
    assert_non_null(strstr(tidy_error_message(), "an illegal memory access"));
    assert_int_equal(plans_alive(), 0);
    assert_null(plan_cache_find(cache, "key n128"));

    lost = false;
    assert_int_equal(plan_cache_put(cache, "key n128", "fatal"), 0);
    assert_int_equal(choose(&plan), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "the device failed while it ran convolution key n128"));
    assert_int_equal(plans_alive(), 0);
}

static void test_no_plan_that_runs_is_an_error_with_the_last_reason(void **state)
{
    (void)state;
    add_plan("refused", 1, CUDNN_FAILS);
    add_plan("not launched", 1, LAUNCH_FAILS);
    struct convolution_plan *plan;
    assert_int_equal(choose(&plan), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "none of 2 plans of convolution key n128 runs"));
    assert_non_null(strstr(tidy_error_message(), "some error"));
    assert_int_equal(plans_alive(), 0);
    plan_count = 0;
    assert_int_equal(choose(&plan), TIDY_FAILED);
    assert_string_equal(tidy_error_message(), "no plan");
}

static void test_without_an_event_nothing_is_timed(void **state)
{
    (void)state;
    add_plan("good", 2, NONE);
    events_fail = true;
    struct convolution_plan *plan;
    assert_int_equal(choose(&plan), TIDY_FAILED);
    assert_int_equal(plans_alive(), 0);
    assert_int_equal(plans[0].runs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_fastest_plan_is_chosen_by_runs_after_the_first, make_cache,
                                        destroy_cache),
        cmocka_unit_test_setup_teardown(test_a_chosen_plan_is_not_timed_again, make_cache, destroy_cache),
        cmocka_unit_test_setup_teardown(test_plans_that_do_not_run_or_cannot_be_captured_are_left_out, make_cache,
                                        destroy_cache),
        cmocka_unit_test_setup_teardown(test_a_kept_plan_that_no_longer_runs_is_chosen_anew, make_cache,
                                        destroy_cache),
        cmocka_unit_test_setup_teardown(test_a_lost_device_ends_with_a_message, make_cache, destroy_cache),
        cmocka_unit_test_setup_teardown(test_no_plan_that_runs_is_an_error_with_the_last_reason, make_cache,
                                        destroy_cache),
        cmocka_unit_test_setup_teardown(test_without_an_event_nothing_is_timed, make_cache, destroy_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
