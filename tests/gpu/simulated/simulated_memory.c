/* Promises of the simulated device's memory: the host cannot touch it, and what is done to it that NVIDIA's
 * documentation forbids is reported. */
#include "tests/support/support.h"

#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gpu/simulated/device.h"
#include "tests/gpu/simulated/simulator.h"

static cudaStream_t stream;
static void *device, *pinned;

enum { BYTES = 4096 };

static void begin(void)
{
    CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    CHECK(cudaMalloc(&device, BYTES) == cudaSuccess);
    CHECK(cudaMallocHost(&pinned, BYTES) == cudaSuccess);
}

static void end(void)
{
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    CHECK(cudaFreeHost(pinned) == cudaSuccess);
    CHECK(cudaFree(device) == cudaSuccess);
    CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}

/* ---- right use ---- */

static void copy_there_and_back(void)
{
    begin();
    memset(pinned, 7, BYTES);
    CHECK(cudaMemcpyAsync(device, pinned, BYTES, cudaMemcpyHostToDevice, stream) == cudaSuccess);
    CHECK(cudaMemsetAsync((char *)device + 16, 9, 16, stream) == cudaSuccess);
    CHECK(cudaMemcpyAsync((char *)device + 64, (char *)device + 8, 16, cudaMemcpyDeviceToDevice, stream) ==
          cudaSuccess);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    CHECK(cudaMemcpyAsync(pinned, device, BYTES, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    const unsigned char *bytes = pinned;
    for (size_t i = 0; i < BYTES; i++)
        CHECK(bytes[i] == ((i >= 16 && i < 32) || (i >= 72 && i < 80) ? 9 : 7));
    end();
}

static void test_copies_and_fills_give_their_values_and_nothing_is_said(void **state)
{
    (void)state;
    simulator_expect(copy_there_and_back, 0, NULL);
}

static void look_at_fresh_memory(void)
{
    begin();
    memset(pinned, 0, BYTES);
    CHECK(cudaMemcpyAsync(pinned, device, BYTES, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    for (size_t i = 0; i < BYTES; i++)
        CHECK(((unsigned char *)pinned)[i] == 0xff);
    CHECK((size_t)device % 256 == 0);
    void *none = pinned;
    CHECK(cudaMalloc(&none, 0) == cudaSuccess && none == NULL && cudaFree(NULL) == cudaSuccess);
    end();
}

static void test_fresh_memory_is_aligned_and_holds_NaN(void **state)
{
    (void)state;
    simulator_expect(look_at_fresh_memory, 0, NULL);
}

/* ---- accesses ---- */

static void read_device_memory(void)
{
    begin();
    fprintf(stderr, "%d", ((volatile char *)device)[8]);
}

static void write_device_memory(void)
{
    begin();
    ((volatile char *)device)[100] = 1;
}

static void write_device_memory_while_work_waits(void)
{
    begin();
    CHECK(cudaMemsetAsync(device, 0, BYTES, stream) == cudaSuccess);
    ((volatile char *)device)[1] = 1;
}

static void write_device_memory_after_work(void)
{
    begin();
    CHECK(cudaMemsetAsync(device, 0, BYTES, stream) == cudaSuccess && cudaStreamSynchronize(stream) == cudaSuccess);
    ((volatile char *)device)[1] = 1;
}

static void test_an_access_of_the_host_to_device_memory_ends_the_process(void **state)
{
    (void)state;
    simulator_expect(read_device_memory, SIMULATED_MISUSE_STATUS, "host access to device memory at 0x");
    simulator_expect(write_device_memory, SIMULATED_MISUSE_STATUS, "100 bytes into an allocation of 4096 bytes\n");
    simulator_expect(write_device_memory_while_work_waits, SIMULATED_MISUSE_STATUS, "host access to device memory");
    simulator_expect(write_device_memory_after_work, SIMULATED_MISUSE_STATUS, "host access to device memory");
}

static void read_freed_pinned_memory(void)
{
    begin();
    CHECK(cudaFreeHost(pinned) == cudaSuccess);
    fprintf(stderr, "%d", ((volatile char *)pinned)[8]);
}

static void write_past_pinned_memory(void)
{
    begin();
    ((volatile char *)pinned)[BYTES] = 1;
}

static void test_an_access_to_freed_or_foreign_pinned_memory_ends_the_process(void **state)
{
    (void)state;
    simulator_expect(read_freed_pinned_memory, SIMULATED_MISUSE_STATUS,
                     "8 bytes into an allocation of 4096 bytes that was freed");
    simulator_expect(write_past_pinned_memory, SIMULATED_MISUSE_STATUS,
                     "0 bytes past the end of an allocation of 4096");
}

struct span {
    char *first;
    size_t bytes;
};

static void fill_span(void *argument)
{
    const struct span *span = argument;
    memset(span->first, 0, span->bytes);
}

static void enqueue_fill(size_t bytes, size_t allocated)
{
    begin();
    void *small;
    CHECK(cudaMalloc(&small, allocated) == cudaSuccess);
    struct span span = {small, bytes};
    CHECK(simulated_enqueue(stream, "some work", fill_span, &span, sizeof span) == 0);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    CHECK(cudaFree(small) == cudaSuccess);
    end();
}

static void work_within_bounds(void)
{
    enqueue_fill(1000, 1000);
}

static void work_one_byte_too_far(void)
{
    enqueue_fill(1001, 1000);
}

static void work_a_page_too_far(void)
{
    enqueue_fill(8192, 4096);
}

static void test_work_that_leaves_its_allocation_is_reported_by_name(void **state)
{
    (void)state;
    simulator_expect(work_within_bounds, 0, NULL);
    simulator_expect(work_one_byte_too_far, SIMULATED_MISUSE_STATUS,
                     "some work: device memory was written 0 bytes past the end of an allocation of 1000 bytes");
    simulator_expect(work_a_page_too_far, SIMULATED_MISUSE_STATUS,
                     "simulated GPU: some work: access to device memory at");
}

static char *volatile pageable_null; /* volatile: no compiler is to see it */

static void read_null(void)
{
    begin();
    fprintf(stderr, "%d", *(volatile char *)(pageable_null + 8));
}

static void test_other_faults_are_left_to_the_handler_before(void **state)
{
    (void)state;
    simulator_expect_crash(read_null);
}

/* ---- freeing ---- */

static void free_twice(void)
{
    begin();
    CHECK(cudaFree(device) == cudaSuccess);
    CHECK(cudaFree(device) == cudaErrorInvalidValue);
    CHECK(cudaGetLastError() == cudaErrorInvalidValue);
    CHECK(cudaGetLastError() == cudaSuccess);
}

static void free_the_middle(void)
{
    begin();
    CHECK(cudaFree((char *)device + 256) == cudaErrorInvalidValue);
    end();
}

static void free_with_the_wrong_call(void)
{
    begin();
    CHECK(cudaFreeHost(device) == cudaErrorInvalidValue);
    end();
}

static void free_while_a_copy_waits(void)
{
    begin();
    CHECK(cudaMemcpyAsync(pinned, device, BYTES, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
    CHECK(cudaFree(device) == cudaSuccess);
}

static void free_pinned_while_a_copy_waits(void)
{
    begin();
    CHECK(cudaMemcpyAsync(device, pinned, BYTES, cudaMemcpyHostToDevice, stream) == cudaSuccess);
    CHECK(cudaFreeHost(pinned) == cudaSuccess);
}

static void test_wrong_frees_are_reported(void **state)
{
    (void)state;
    simulator_expect(free_twice, SIMULATED_MISUSE_STATUS, "cudaFree: 0x");
    simulator_expect(free_twice, SIMULATED_MISUSE_STATUS, "that was freed");
    simulator_expect(free_the_middle, SIMULATED_MISUSE_STATUS, "256 bytes into an allocation of 4096 bytes");
    simulator_expect(free_with_the_wrong_call, SIMULATED_MISUSE_STATUS, "cudaFreeHost: 0x");
    simulator_expect(free_while_a_copy_waits, SIMULATED_MISUSE_STATUS,
                     "is used by cudaMemcpyAsync, which waits to run");
    simulator_expect(free_pinned_while_a_copy_waits, SIMULATED_MISUSE_STATUS, "is used by cudaMemcpyAsync");
}

/* ---- copies ---- */

static char pageable[BYTES];

static void copy_from_pageable_memory(void)
{
    begin();
    CHECK(cudaMemcpyAsync(device, pageable, BYTES, cudaMemcpyHostToDevice, stream) == cudaErrorInvalidValue);
    end();
}

static void copy_against_the_direction(void)
{
    begin();
    CHECK(cudaMemcpyAsync(device, pinned, BYTES, cudaMemcpyDeviceToHost, stream) == cudaErrorInvalidValue);
    end();
}

static void copy_too_much(void)
{
    begin();
    CHECK(cudaMemcpyAsync(device, pinned, BYTES + 1, cudaMemcpyHostToDevice, stream) == cudaErrorInvalidValue);
    end();
}

static void copy_onto_itself(void)
{
    begin();
    char *bytes = device;
    CHECK(cudaMemcpyAsync(bytes, bytes + 8, 16, cudaMemcpyDeviceToDevice, stream) == cudaErrorInvalidValue);
    end();
}

static void copy_freed_memory(void)
{
    begin();
    CHECK(cudaFree(device) == cudaSuccess);
    CHECK(cudaMemcpyAsync(pinned, device, BYTES, cudaMemcpyDeviceToHost, stream) == cudaErrorInvalidValue);
}

static void copy_on_the_default_stream(void)
{
    begin();
    CHECK(cudaMemcpyAsync(pinned, device, BYTES, cudaMemcpyDeviceToHost, NULL) == cudaErrorInvalidResourceHandle);
    end();
}

static void test_wrong_copies_are_refused_and_reported(void **state)
{
    (void)state;
    simulator_expect(copy_from_pageable_memory, SIMULATED_MISUSE_STATUS, "is pageable memory");
    simulator_expect(copy_against_the_direction, SIMULATED_MISUSE_STATUS, "direction does not say");
    simulator_expect(copy_too_much, SIMULATED_MISUSE_STATUS, "4097 bytes of device memory from 0x");
    simulator_expect(copy_onto_itself, SIMULATED_MISUSE_STATUS, "overlap");
    simulator_expect(copy_freed_memory, SIMULATED_MISUSE_STATUS, "that was freed");
    simulator_expect(copy_on_the_default_stream, SIMULATED_MISUSE_STATUS, "the default stream");
}

/* ---- limits and leaks ---- */

static void fill_the_device(void)
{
    size_t left, total;
    CHECK(cudaMemGetInfo(&left, &total) == cudaSuccess && left == 1000000 && total == 1000000);
    CHECK(cudaMalloc(&device, 600000) == cudaSuccess);
    CHECK(cudaMemGetInfo(&left, &total) == cudaSuccess && left == 400000 && total == 1000000);
    void *second;
    CHECK(cudaMalloc(&second, 400001) == cudaErrorMemoryAllocation);
    CHECK(cudaGetLastError() == cudaErrorMemoryAllocation && cudaGetLastError() == cudaSuccess);
    CHECK(cudaMalloc(&second, 400000) == cudaSuccess);
    CHECK(cudaFree(second) == cudaSuccess && cudaFree(device) == cudaSuccess);
}

static void test_memory_is_limited_to_what_the_device_has(void **state)
{
    (void)state;
    simulator_expect_with(fill_the_device, 0, NULL, (const char *const[]){"SIMULATED_GPU=memory=1000000", NULL});
}

static void leave_all(void)
{
    begin();
    cudaEvent_t event;
    CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
}

static void test_what_is_never_destroyed_is_listed(void **state)
{
    (void)state;
    static const char *const all[] = {"1 allocation(s) of cudaMalloc, 4096 bytes",
                                      "1 allocation(s) of cudaMallocHost", "1 cudaStream_t never destroyed",
                                      "1 cudaEvent_t never destroyed"};
    for (size_t i = 0; i < 4; i++)
        simulator_expect(leave_all, SIMULATED_LEAK_STATUS, all[i]);
    simulator_expect_with(leave_all, 0, NULL, (const char *const[]){"SIMULATED_GPU_LEAKS=off", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies_and_fills_give_their_values_and_nothing_is_said),
        cmocka_unit_test(test_fresh_memory_is_aligned_and_holds_NaN),
        cmocka_unit_test(test_an_access_of_the_host_to_device_memory_ends_the_process),
        cmocka_unit_test(test_an_access_to_freed_or_foreign_pinned_memory_ends_the_process),
        cmocka_unit_test(test_work_that_leaves_its_allocation_is_reported_by_name),
        cmocka_unit_test(test_other_faults_are_left_to_the_handler_before),
        cmocka_unit_test(test_wrong_frees_are_reported),
        cmocka_unit_test(test_wrong_copies_are_refused_and_reported),
        cmocka_unit_test(test_memory_is_limited_to_what_the_device_has),
        cmocka_unit_test(test_what_is_never_destroyed_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
