/* The fastest plan that runs is chosen, kept, and not timed again.
 *
 * Plans and the CUDA runtime are played by this file: rows say how long a plan takes, on the device and on the host,
 * and what goes wrong with it. The device comes to its work when the host has enqueued it, or later. */
#include "tests/support/support.h"

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "record/cuda/plan_choice.h"

/* ---- the device and its plans, played ------------------------------------------------------------------- */

enum trouble {
    NONE,
    CUDNN_FAILS,
    LAUNCH_FAILS,
    NOT_CAPTURED,
    CAPTURE_LOST,
    NOT_INSTANTIATED,
    NOT_REPLAYED,
    REPLAY_FAILS_LATER,
    DEVICE_LOST
};

static struct convolution_plan {
    const char *text;
    double milliseconds, first_run;       /* on the device */
    double host_for_run, host_for_launch; /* until it is enqueued */
    enum trouble trouble;
    bool alive;
    int runs, captured, launches;
} plans[PLANS_MOST];
static size_t plan_count;

static struct CUgraph_st {
    bool alive;
    struct convolution_plan *plan;
    int runs;
} captured_graph;
static struct CUgraphExec_st {
    bool alive;
    struct convolution_plan *plan;
    int runs;
} graphs[PLAN_CANDIDATES];
static struct CUevent_st {
    bool alive;
    double at;
} events[PLAN_CANDIDATES + 1];
static int events_possible;

static bool capturing, lost;
static cudaError_t pending; /* what cudaGetLastError takes back */
static bool capture_spoilt;
static double host_now, device_now;
static double worked, cold; /* how long the device worked, and how much work its clock needs to rise */

/* The device works for that long; three times as long where its clock is at its lowest. */
static void work(double milliseconds)
{
    double slowness = worked < cold ? 3 - 2 * worked / cold : 1;
    device_now = fmax(device_now, host_now) + milliseconds * slowness;
    worked += milliseconds * slowness;
}

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
    host_now += plan->host_for_run;
    if (capturing) {
        row->captured++;
        captured_graph.plan = row;
        captured_graph.runs++;
        capture_spoilt = plan->trouble == CAPTURE_LOST || plan->trouble == NOT_CAPTURED;
        return plan->trouble == NOT_CAPTURED ? tidy_fail("cuDNN: played, no capture") : 0;
    }
    if (plan->trouble == LAUNCH_FAILS)
        pending = cudaErrorLaunchOutOfResources;
    if (plan->trouble == DEVICE_LOST)
        lost = true;
    work(row->runs++ == 0 ? plan->first_run : plan->milliseconds);
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

const char *cublasGetStatusString(cublasStatus_t status)
{
    (void)status;
    fail_msg("cuBLAS has no part in this");
    return "";
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    (void)stream;
    assert_false(capturing);
    host_now = fmax(host_now, device_now);
    return current_error();
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    (void)stream, (void)mode;
    assert_false(capturing || captured_graph.alive);
    capturing = true;
    capture_spoilt = false;
    captured_graph = (struct CUgraph_st){0};
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    (void)stream;
    assert_true(capturing);
    capturing = false;
    captured_graph.alive = !capture_spoilt;
    *graph = capture_spoilt ? NULL : &captured_graph;
    return capture_spoilt ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    assert_true(graph->alive);
    graph->alive = false;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long flags)
{
    assert_true(graph->alive);
    assert_int_equal(flags, 0);
    if (graph->plan->trouble == NOT_INSTANTIATED)
        return pending = cudaErrorNotSupported;
    size_t i = 0;
    while (i < PLAN_CANDIDATES && graphs[i].alive)
        i++;
    assert_true(i < PLAN_CANDIDATES);
    graphs[i] = (struct CUgraphExec_st){true, graph->plan, graph->runs};
    *out = &graphs[i];
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream)
{
    (void)stream;
    assert_true(graph->alive && graph->plan->alive && !capturing);
    graph->plan->launches++;
    host_now += graph->plan->host_for_launch;
    if (graph->plan->trouble == NOT_REPLAYED ||
        (graph->plan->trouble == REPLAY_FAILS_LATER && graph->plan->launches > 2))
        return pending = cudaErrorLaunchFailure;
    for (int i = 0; i < graph->runs; i++)
        work(graph->plan->milliseconds);
    return current_error();
}

/* What is enqueued is to be waited for first. */
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph)
{
    assert_true(graph->alive && device_now <= host_now);
    graph->alive = false;
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int flags)
{
    /* An event without timing cannot be asked for a time. */
    assert_int_equal(flags & cudaEventDisableTiming, 0);
    for (int i = 0; i < events_possible; i++)
        if (!events[i].alive) {
            events[i].alive = true;
            *event = &events[i];
            return cudaSuccess;
        }
    return pending = cudaErrorUnknown;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    assert_true(event->alive);
    event->alive = false;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    (void)stream;
    work(0);
    event->at = device_now;
    return current_error();
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t begin, cudaEvent_t end)
{
    assert_true(end->at <= host_now);
    *milliseconds = (float)(end->at - begin->at);
    return cudaSuccess;
}

/* ---- suites --------------------------------------------------------------------------------------------- */

static struct plan_cache *cache;

static int make_cache(void **state)
{
    (void)state;
    plan_count = 0;
    lost = capturing = false;
    pending = cudaSuccess;
    host_now = device_now = worked = cold = 0;
    events_possible = PLAN_CANDIDATES + 1;
    return plan_cache_create(&cache, "GPU", 91900);
}

static bool all_is_destroyed(void)
{
    bool alive = capturing || captured_graph.alive;
    for (size_t i = 0; i < PLANS_MOST; i++)
        alive |= plans[i].alive;
    for (size_t i = 0; i < PLAN_CANDIDATES; i++)
        alive |= graphs[i].alive;
    for (size_t i = 0; i < PLAN_CANDIDATES + 1; i++)
        alive |= events[i].alive;
    return !alive;
}

static int destroy_cache(void **state)
{
    (void)state;
    plan_cache_destroy(cache);
    return all_is_destroyed() ? 0 : -1;
}

static void add_plan(const char *text, double milliseconds, enum trouble trouble)
{
    plans[plan_count++] =
        (struct convolution_plan){.text = text, .milliseconds = milliseconds, .first_run = 9, .trouble = trouble};
}

static int choose(struct convolution_plan **out)
{
    static char memory;
    const struct plan_timing timing = {
        (cudnnHandle_t)&memory, (struct CUstream_st *)&memory, &memory, &memory, &memory, &memory};
    const struct convolution_request request = {.count = 128};
    return plan_choose(out, cache, &timing, &request);
}

/* Fails unless the plan of that text is chosen and kept, and it alone is left. */
static void assert_chosen(const char *text)
{
    struct convolution_plan *plan;
    if (choose(&plan) != 0)
        fail_msg("%s", tidy_error_message());
    assert_string_equal(convolution_plan_text(plan), text);
    assert_string_equal(plan_cache_find(cache, "key n128"), text);
    convolution_plan_destroy(plan);
    assert_true(all_is_destroyed());
}

/* Fails unless no plan is chosen, with that message, and nothing is left. */
static void assert_not_chosen(const char *message)
{
    struct convolution_plan *plan = &plans[0];
    assert_int_equal(choose(&plan), TIDY_FAILED);
    assert_null(plan);
    assert_string_equal(tidy_error_message(), message);
    assert_true(all_is_destroyed());
}

/* A process warms the device up once: these tests have one of their own, and come before any other chooses. */
static void assert_chosen_by_a_new_process(const char *text)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct convolution_plan *plan;
        _exit(choose(&plan) == 0 && strcmp(plan->text, text) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* While the clock rises, what runs later runs faster: 2 % from one launch to the next, and the plans differ by
 * 1 %. */
static void test_a_clock_that_rises_does_not_favour_later_plans(void **state)
{
    (void)state;
    add_plan("fast", 0.1, NONE);
    add_plan("slow", 0.101, NONE);
    plans[0].first_run = plans[1].first_run = 0;
    cold = 45;
    assert_chosen_by_a_new_process("fast");
}

static void test_a_device_whose_work_takes_no_time_is_not_warmed_up_for_ever(void **state)
{
    (void)state;
    add_plan("nothing", 0, NONE);
    add_plan("something", 1, NONE);
    assert_chosen_by_a_new_process("nothing");
}

static void test_the_fastest_plan_is_chosen_by_runs_after_the_first(void **state)
{
    (void)state;
    add_plan("slow", 3, NONE);
    add_plan("fast", 1, NONE);
    add_plan("middle", 2, NONE);
    plans[2].first_run = 0;
    assert_chosen("fast");
    for (size_t i = 0; i < plan_count; i++) {
        assert_int_equal(plans[i].runs, 1);
        assert_int_equal(plans[i].captured, PLAN_RUNS);
        assert_true(plans[i].launches >= 1 + PLAN_ROUNDS);
    }
}

static void test_what_the_host_does_for_a_run_is_not_timed(void **state)
{
    (void)state;
    add_plan("slow", 2, NONE);
    add_plan("fast", 1, NONE);
    plans[1].host_for_run = 7;
    assert_chosen("fast");
}

/* The 4 runs of a graph take 4 ms, or 4.4: enough to launch the next one behind it, 3 ms. */
static void test_a_launch_is_not_timed_where_the_device_is_busy_meanwhile(void **state)
{
    (void)state;
    add_plan("fast", 1, NONE);
    add_plan("slow", 1.1, NONE);
    plans[0].host_for_launch = 3;
    assert_chosen("fast");
}

static void test_a_chosen_plan_is_not_timed_again(void **state)
{
    (void)state;
    add_plan("slow", 3, NONE);
    add_plan("fast", 1, NONE);
    assert_int_equal(plan_cache_put(cache, "key n128", "slow"), 0);
    assert_chosen("slow");
    assert_int_equal(plans[0].runs, 1);
    assert_int_equal(plans[0].launches, 1);
    assert_int_equal(plans[1].runs, 0);
}

static const struct {
    const char *text;
    enum trouble trouble;
} bad_plans[] = {
    {"refused", CUDNN_FAILS},
    {"not launched", LAUNCH_FAILS},
    {"refused in a capture", NOT_CAPTURED},
    {"spoils a capture", CAPTURE_LOST},
    {"makes no graph", NOT_INSTANTIATED},
    {"is not replayed", NOT_REPLAYED},
};
enum { BAD_PLANS = sizeof bad_plans / sizeof *bad_plans };

static void test_plans_that_do_not_run_or_cannot_be_replayed_are_left_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < BAD_PLANS; i++)
        add_plan(bad_plans[i].text, 0.1, bad_plans[i].trouble);
    add_plan("good", 2, NONE);
    assert_chosen("good");
}

static void test_a_kept_plan_that_no_longer_runs_is_chosen_anew(void **state)
{
    (void)state;
    for (size_t i = 0; i < BAD_PLANS; i++) {
        plan_count = 0;
        add_plan(bad_plans[i].text, 0.1, bad_plans[i].trouble);
        add_plan("good", 2, NONE);
        assert_int_equal(plan_cache_put(cache, "key n128", bad_plans[i].text), 0);
        assert_chosen("good");
    }
    assert_int_equal(plan_cache_put(cache, "key n128", "of another time"), 0);
    assert_chosen("good");
}

static void test_where_no_preferred_plan_runs_the_next_that_does_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < 10; i++)
        add_plan("bad", 0.1, bad_plans[i % BAD_PLANS].trouble);
    add_plan("good", 2, NONE);
    add_plan("not looked at", 1, NONE);
    assert_chosen("good");
    assert_int_equal(plans[11].runs, 0);
    /* Those that were tried are not tried again. */
    assert_int_equal(plans[1].runs, 1);
}

static void test_a_lost_device_ends_with_a_message(void **state)
{
    (void)state;
    add_plan("good", 2, NONE);
    add_plan("fatal", 1, DEVICE_LOST);
    static const char message[] =
        "convolution key n128: the GPU failed while trying a way to convolve: an illegal memory access";
    assert_not_chosen(message);
    assert_null(plan_cache_find(cache, "key n128"));

    lost = false;
    assert_int_equal(plan_cache_put(cache, "key n128", "fatal"), 0);
    assert_not_chosen(message);
}

static void test_a_failure_while_plans_are_timed_ends_with_a_message(void **state)
{
    (void)state;
    add_plan("good", 2, NONE);
    add_plan("fails later", 1, REPLAY_FAILS_LATER);
    assert_not_chosen("convolution key n128: the GPU failed while replaying a convolution: some error");
}

static void test_no_plan_that_runs_is_an_error_with_the_last_reason(void **state)
{
    (void)state;
    add_plan("refused", 1, CUDNN_FAILS);
    add_plan("not launched", 1, LAUNCH_FAILS);
    assert_not_chosen("convolution key n128: none of 2 plans runs; the last: the GPU failed while running a "
                      "convolution: some error");
    for (size_t i = 2; i < 12; i++)
        add_plan("refused", 1, CUDNN_FAILS);
    assert_not_chosen(
        "convolution key n128: none of 12 plans runs; the last: cuDNN: running a convolution: played");
    plan_count = 0;
    assert_not_chosen("no plan");
}

static void test_without_an_event_nothing_is_timed(void **state)
{
    (void)state;
    add_plan("good", 2, NONE);
    add_plan("better", 1, NONE);
    events_possible = 2;
    assert_not_chosen("convolution key n128: the GPU failed while making an event: some error");
    assert_int_equal(plans[0].launches, 1);
}

#define PLAN_TEST(test) cmocka_unit_test_setup_teardown(test, make_cache, destroy_cache)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAN_TEST(test_a_clock_that_rises_does_not_favour_later_plans),
        PLAN_TEST(test_a_device_whose_work_takes_no_time_is_not_warmed_up_for_ever),
        PLAN_TEST(test_the_fastest_plan_is_chosen_by_runs_after_the_first),
        PLAN_TEST(test_what_the_host_does_for_a_run_is_not_timed),
        PLAN_TEST(test_a_launch_is_not_timed_where_the_device_is_busy_meanwhile),
        PLAN_TEST(test_a_chosen_plan_is_not_timed_again),
        PLAN_TEST(test_plans_that_do_not_run_or_cannot_be_replayed_are_left_out),
        PLAN_TEST(test_a_kept_plan_that_no_longer_runs_is_chosen_anew),
        PLAN_TEST(test_where_no_preferred_plan_runs_the_next_that_does_is_taken),
        PLAN_TEST(test_a_lost_device_ends_with_a_message),
        PLAN_TEST(test_a_failure_while_plans_are_timed_ends_with_a_message),
        PLAN_TEST(test_no_plan_that_runs_is_an_error_with_the_last_reason),
        PLAN_TEST(test_without_an_event_nothing_is_timed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
