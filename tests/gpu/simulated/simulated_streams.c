/* Promises of the simulated streams, events and graphs: nothing runs before the program waits, graphs replay, and
 * what is forbidden is refused and reported. */
#include "tests/support/support.h"

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <string.h>

#include "tests/gpu/simulated/device.h"
#include "tests/gpu/simulated/simulator.h"

static cudaStream_t stream;
static unsigned char *device, *pinned;

enum { BYTES = 4096 };

static void begin(void)
{
    CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    CHECK(cudaMalloc((void **)&device, BYTES) == cudaSuccess);
    CHECK(cudaMallocHost((void **)&pinned, BYTES) == cudaSuccess);
}

static void end(void)
{
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    CHECK(cudaFreeHost(pinned) == cudaSuccess);
    CHECK(cudaFree(device) == cudaSuccess);
    CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}

static bool all_are(const unsigned char *bytes, unsigned char value)
{
    for (size_t i = 0; i < BYTES; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

static void download(void)
{
    CHECK(cudaMemcpyAsync(pinned, device, BYTES, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
}

static void fill(int value)
{
    CHECK(cudaMemsetAsync(device, value, BYTES, stream) == cudaSuccess);
}

/* ---- late execution ---- */

static void add_one(void *argument)
{
    (**(int **)argument)++;
}

static void run_late(void)
{
    begin();
    static int runs;
    int *counter = &runs;
    CHECK(simulated_enqueue(stream, "a count", add_one, &counter, sizeof counter) == 0);
    fill(5);
    memset(pinned, 1, BYTES);
    download();
    CHECK(runs == 0 && all_are(pinned, 0xff));
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    CHECK(runs == 1 && all_are(pinned, 5));
    end();
}

static void test_nothing_runs_before_the_program_waits_and_results_are_poisoned_until_then(void **state)
{
    (void)state;
    simulator_expect(run_late, 0, NULL);
}

static void run_as_far_as_an_event(void)
{
    begin();
    cudaEvent_t event;
    CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
    CHECK(cudaEventSynchronize(event) == cudaSuccess); /* never recorded: no work */
    fill(1);
    download();
    CHECK(cudaEventRecord(event, stream) == cudaSuccess);
    static int runs;
    int *counter = &runs;
    CHECK(simulated_enqueue(stream, "a count", add_one, &counter, sizeof counter) == 0);
    CHECK(cudaEventSynchronize(event) == cudaSuccess);
    CHECK(all_are(pinned, 1) && runs == 0);
    CHECK(cudaEventRecord(event, stream) == cudaSuccess);
    fill(2);
    download();
    CHECK(cudaEventRecord(event, stream) == cudaSuccess); /* overwrites */
    CHECK(cudaEventSynchronize(event) == cudaSuccess);
    CHECK(all_are(pinned, 2) && runs == 1);
    CHECK(cudaEventDestroy(event) == cudaSuccess);
    end();
}

static void test_an_event_waits_for_what_was_in_the_stream_when_it_was_recorded(void **state)
{
    (void)state;
    simulator_expect(run_as_far_as_an_event, 0, NULL);
}

static void change_the_source(void)
{
    begin();
    memset(pinned, 1, BYTES);
    CHECK(cudaMemcpyAsync(device, pinned, BYTES, cudaMemcpyHostToDevice, stream) == cudaSuccess);
    pinned[100] = 2;
    end();
}

static void test_a_source_that_changes_before_its_copy_ran_is_reported(void **state)
{
    (void)state;
    simulator_expect(change_the_source, SIMULATED_MISUSE_STATUS, "was changed before the copy from it had run");
}

/* ---- times ---- */

static cudaEvent_t start, stop;

static void make_events(unsigned flags)
{
    begin();
    CHECK(cudaEventCreateWithFlags(&start, cudaEventDefault) == cudaSuccess);
    CHECK(cudaEventCreateWithFlags(&stop, flags) == cudaSuccess);
    CHECK(cudaEventRecord(start, stream) == cudaSuccess);
    fill(3);
}

static void end_events(void)
{
    CHECK(cudaEventDestroy(start) == cudaSuccess && cudaEventDestroy(stop) == cudaSuccess);
    end();
}

static void time_in_order(void)
{
    float milliseconds = -1;
    make_events(cudaEventDefault);
    CHECK(cudaEventRecord(stop, stream) == cudaSuccess && cudaEventSynchronize(stop) == cudaSuccess);
    CHECK(cudaEventElapsedTime(&milliseconds, start, stop) == cudaSuccess && milliseconds >= 0);
    end_events();
}

static void time_without_waiting(void)
{
    float milliseconds;
    make_events(cudaEventDefault);
    CHECK(cudaEventRecord(stop, stream) == cudaSuccess);
    CHECK(cudaEventElapsedTime(&milliseconds, start, stop) == cudaErrorNotReady);
    end_events();
}

static void time_without_recording(void)
{
    float milliseconds;
    make_events(cudaEventDefault);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    CHECK(cudaEventElapsedTime(&milliseconds, start, stop) == cudaErrorInvalidResourceHandle);
    end_events();
}

static void time_without_timing(void)
{
    float milliseconds;
    make_events(cudaEventDisableTiming);
    CHECK(cudaEventRecord(stop, stream) == cudaSuccess && cudaEventSynchronize(stop) == cudaSuccess);
    CHECK(cudaEventElapsedTime(&milliseconds, start, stop) == cudaErrorInvalidResourceHandle);
    end_events();
}

static void test_times_need_completed_events_with_timing(void **state)
{
    (void)state;
    simulator_expect(time_in_order, 0, NULL);
    simulator_expect(time_without_waiting, SIMULATED_MISUSE_STATUS, "not complete");
    simulator_expect(time_without_recording, SIMULATED_MISUSE_STATUS, "never recorded");
    simulator_expect(time_without_timing, SIMULATED_MISUSE_STATUS, "cudaEventDisableTiming");
}

static void use_destroyed_objects(void)
{
    begin();
    cudaStream_t gone;
    CHECK(cudaStreamCreateWithFlags(&gone, cudaStreamNonBlocking) == cudaSuccess &&
          cudaStreamDestroy(gone) == cudaSuccess);
    CHECK(cudaMemsetAsync(device, 0, BYTES, gone) == cudaErrorInvalidResourceHandle);
    CHECK(cudaStreamSynchronize(gone) == cudaErrorInvalidResourceHandle);
    CHECK(cudaStreamDestroy(gone) == cudaErrorInvalidResourceHandle);
    end();
}

static void test_destroyed_objects_are_known_as_such(void **state)
{
    (void)state;
    simulator_expect(use_destroyed_objects, SIMULATED_MISUSE_STATUS, "was destroyed before");
}

/* ---- graphs ---- */

static cudaGraph_t graph;
static cudaGraphExec_t exec;

static void begin_capture(void)
{
    begin();
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
}

static void end_capture(void)
{
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    CHECK(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
    CHECK(cudaGraphDestroy(graph) == cudaSuccess);
}

static void replay(void)
{
    static int runs;
    int *counter = &runs;
    begin_capture();
    CHECK(simulated_enqueue(stream, "a count", add_one, &counter, sizeof counter) == 0);
    fill(4);
    end_capture();
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess && runs == 0);
    for (int i = 1; i <= 3; i++) {
        fill(0);
        CHECK(cudaGraphLaunch(exec, stream) == cudaSuccess);
        download();
        CHECK(runs == i - 1);
        CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
        CHECK(runs == i && all_are(pinned, 4));
    }
    CHECK(cudaGraphExecDestroy(exec) == cudaSuccess);
    end();
}

static void replay_reads_anew(void)
{
    begin();
    unsigned char *second;
    CHECK(cudaMallocHost((void **)&second, BYTES) == cudaSuccess);
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
    CHECK(cudaMemcpyAsync(device, pinned, BYTES, cudaMemcpyHostToDevice, stream) == cudaSuccess);
    CHECK(cudaMemcpyAsync(second, device, BYTES, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
    end_capture();
    for (int i = 1; i <= 3; i++) {
        memset(pinned, i, BYTES);
        CHECK(cudaGraphLaunch(exec, stream) == cudaSuccess);
        CHECK(all_are(second, 0xff));
        CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
        CHECK(all_are(second, (unsigned char)i));
    }
    CHECK(cudaFreeHost(second) == cudaSuccess);
    CHECK(cudaGraphExecDestroy(exec) == cudaSuccess);
    end();
}

static void test_captured_work_runs_at_each_launch_and_not_before(void **state)
{
    (void)state;
    simulator_expect(replay, 0, NULL);
    simulator_expect(replay_reads_anew, 0, NULL);
}

static void overwrite_between_launches(void)
{
    begin_capture();
    CHECK(cudaMemcpyAsync(device, pinned, BYTES, cudaMemcpyHostToDevice, stream) == cudaSuccess);
    end_capture();
    memset(pinned, 1, BYTES);
    CHECK(cudaGraphLaunch(exec, stream) == cudaSuccess);
    memset(pinned, 2, BYTES);
    CHECK(cudaGraphLaunch(exec, stream) == cudaSuccess);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
}

static void launch_after_free(void)
{
    begin_capture();
    fill(1);
    end_capture();
    CHECK(cudaFree(device) == cudaSuccess);
    CHECK(cudaGraphLaunch(exec, stream) == cudaErrorInvalidValue);
}

static void leave_graphs(void)
{
    begin_capture();
    fill(1);
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    CHECK(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
    end();
}

static void test_wrong_use_of_graphs_is_reported(void **state)
{
    (void)state;
    simulator_expect(overwrite_between_launches, SIMULATED_MISUSE_STATUS,
                     "was changed before the copy from it had run");
    simulator_expect(launch_after_free, SIMULATED_MISUSE_STATUS,
                     "cudaGraphLaunch: cudaMemsetAsync refers to device memory at 0x");
    simulator_expect(leave_graphs, SIMULATED_LEAK_STATUS, "1 cudaGraph_t never destroyed");
    simulator_expect(leave_graphs, SIMULATED_LEAK_STATUS, "1 cudaGraphExec_t never destroyed");
}

/* ---- what a capture forbids; each body begins one and makes one call ---- */

static void end_invalid_capture(void)
{
    CHECK(cudaMemsetAsync(device, 0, BYTES, stream) == cudaErrorStreamCaptureInvalidated);
    graph = (cudaGraph_t)device;
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated && graph == NULL);
    end();
}

static void allocate_in_capture(void)
{
    begin_capture();
    void *more;
    CHECK(cudaMalloc(&more, 1) == cudaErrorStreamCaptureUnsupported);
    end_invalid_capture();
}

static void allocate_pinned_in_capture(void)
{
    begin_capture();
    void *more;
    CHECK(cudaMallocHost(&more, 1) == cudaErrorStreamCaptureUnsupported);
    end_invalid_capture();
}

static void free_in_capture(void)
{
    begin_capture();
    CHECK(cudaFree(device) == cudaErrorStreamCaptureUnsupported);
    end_invalid_capture();
}

static void wait_in_capture(void)
{
    begin_capture();
    CHECK(cudaStreamSynchronize(stream) == cudaErrorStreamCaptureUnsupported);
    end_invalid_capture();
}

static void wait_for_a_captured_event(void)
{
    cudaEvent_t event;
    CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
    begin_capture();
    CHECK(cudaEventRecord(event, stream) == cudaSuccess);
    CHECK(cudaEventSynchronize(event) == cudaErrorCapturedEvent);
    CHECK(cudaEventDestroy(event) == cudaSuccess);
    end_invalid_capture();
}

static void begin_capture_twice(void)
{
    begin_capture();
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaErrorIllegalState);
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess && cudaGraphDestroy(graph) == cudaSuccess);
    end();
}

static void end_without_begin(void)
{
    begin();
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorIllegalState);
    end();
}

static void allocate_in_relaxed_capture(void)
{
    begin();
    void *more;
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed) == cudaSuccess);
    CHECK(cudaMalloc(&more, 1) == cudaSuccess && cudaFree(more) == cudaSuccess);
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess && cudaGraphDestroy(graph) == cudaSuccess);
    end();
}

static void test_calls_that_a_capture_forbids_fail_invalidate_it_and_are_reported(void **state)
{
    (void)state;
    static const struct {
        void (*body)(void);
        const char *said;
    } cases[] = {
        {allocate_in_capture, "cudaMalloc: called while a stream captures"},
        {allocate_pinned_in_capture, "cudaMallocHost: called while a stream captures"},
        {free_in_capture, "cudaFree: called while a stream captures"},
        {wait_in_capture, "cudaStreamSynchronize: the stream captures"},
        {wait_for_a_captured_event, "cudaEventSynchronize: the event was last recorded in a stream that captured"},
        {begin_capture_twice, "captures already"},
        {end_without_begin, "does not capture"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        simulator_expect(cases[i].body, SIMULATED_MISUSE_STATUS, cases[i].said);
    simulator_expect(allocate_in_relaxed_capture, 0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_runs_before_the_program_waits_and_results_are_poisoned_until_then),
        cmocka_unit_test(test_an_event_waits_for_what_was_in_the_stream_when_it_was_recorded),
        cmocka_unit_test(test_a_source_that_changes_before_its_copy_ran_is_reported),
        cmocka_unit_test(test_times_need_completed_events_with_timing),
        cmocka_unit_test(test_destroyed_objects_are_known_as_such),
        cmocka_unit_test(test_captured_work_runs_at_each_launch_and_not_before),
        cmocka_unit_test(test_wrong_use_of_graphs_is_reported),
        cmocka_unit_test(test_calls_that_a_capture_forbids_fail_invalidate_it_and_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
