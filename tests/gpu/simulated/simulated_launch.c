/* Promises for programs that nvcc built and that are linked against the real runtime: on the simulated one their
 * kernels run, with the right arguments, in streams and graphs. ctest sets LD_LIBRARY_PATH. */
#include "tests/support/support.h"

#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <stdio.h>

#include "tests/gpu/simulated/device.h"
#include "tests/gpu/simulated/example/example.h"
#include "tests/gpu/simulated/simulator.h"

static cudaStream_t stream;
static float *device, *pinned;

enum { COUNT = 1000 };
#define BYTES (COUNT * sizeof(float))

static void begin(void)
{
    CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    CHECK(cudaMalloc((void **)&device, BYTES) == cudaSuccess);
    CHECK(cudaMallocHost((void **)&pinned, BYTES) == cudaSuccess);
}

static void end(void)
{
    CHECK(cudaFreeHost(pinned) == cudaSuccess && cudaFree(device) == cudaSuccess);
    CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}

static void download(void)
{
    CHECK(cudaMemcpyAsync(pinned, device, BYTES, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
}

static void launch_line(void)
{
    begin();
    struct example_line line = {-3, 0.5};
    CHECK(example_launch_line(stream, 3, 128, line, device, 10, COUNT) == cudaSuccess);
    line.slope = 100; /* the arguments were copied */
    download();
    for (int i = 0; i < COUNT; i++)
        CHECK(pinned[i] == 0.5F * (float)(10 + i) - 3);
    end();
}

/* The sum of i, i + 1, ..., i + 63 with i = 64 block is 64 x 64 block + 2016. */
static void launch_in_a_graph(void)
{
    begin();
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
    CHECK(example_launch_line(stream, 1, 64, (struct example_line){0, 1}, device + 10, 0, 640) == cudaSuccess);
    CHECK(example_launch_block_sums(stream, 10, device, device + 10) == cudaSuccess);
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    CHECK(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess && cudaGraphDestroy(graph) == cudaSuccess);
    for (int launch = 0; launch < 2; launch++) {
        CHECK(cudaMemsetAsync(device, 0, BYTES, stream) == cudaSuccess);
        CHECK(cudaGraphLaunch(exec, stream) == cudaSuccess);
        download();
        for (int block = 0; block < 10; block++)
            CHECK(pinned[block] == (float)(64 * 64 * block + 2016));
    }
    CHECK(cudaGraphExecDestroy(exec) == cudaSuccess);
    end();
}

static void test_kernels_compute_with_their_arguments_in_streams_and_graphs(void **state)
{
    (void)state;
    simulator_expect(launch_line, 0, NULL);
    simulator_expect(launch_in_a_graph, 0, NULL);
}

static void launch_too_many_threads(void)
{
    begin();
    CHECK(example_launch_line(stream, 1, 1025, (struct example_line){0, 1}, device, 0, 1) ==
          cudaErrorInvalidConfiguration);
    CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration && cudaGetLastError() == cudaSuccess);
    end();
}

static void launch_no_blocks(void)
{
    begin();
    CHECK(example_launch_line(stream, 0, 1, (struct example_line){0, 1}, device, 0, 1) ==
          cudaErrorInvalidConfiguration);
    end();
}

static void launch_with_a_pointer_to_the_stack(void)
{
    begin();
    float out[1];
    CHECK(example_launch_line(stream, 1, 1, (struct example_line){0, 1}, out, 0, 1) == cudaErrorInvalidValue);
    end();
}

static void launch_with_freed_memory(void)
{
    begin();
    float *freed;
    CHECK(cudaMalloc((void **)&freed, 4) == cudaSuccess && cudaFree(freed) == cudaSuccess);
    CHECK(example_launch_line(stream, 1, 1, (struct example_line){0, 1}, freed, 0, 1) == cudaErrorInvalidValue);
    end();
}

static void launch_one_value_too_far(void)
{
    begin();
    CHECK(example_launch_line(stream, 1, 64, (struct example_line){0, 1}, device, 0, COUNT + 1) == cudaSuccess);
    download();
    end();
}

static void launch_a_page_too_far(void)
{
    begin();
    CHECK(example_launch_line(stream, 1, 64, (struct example_line){0, 1}, device, 0, 3 * COUNT) == cudaSuccess);
    download();
}

static void free_what_a_launch_uses(void)
{
    begin();
    CHECK(example_launch_line(stream, 1, 64, (struct example_line){0, 1}, device, 0, COUNT) == cudaSuccess);
    end();
}

static void launch_on_the_default_stream(void)
{
    begin();
    CHECK(example_launch_line(NULL, 1, 1, (struct example_line){0, 1}, device, 0, 1) ==
          cudaErrorInvalidResourceHandle);
    end();
}

static void test_wrong_launches_are_reported_with_the_kernels_name(void **state)
{
    (void)state;
    static const struct {
        void (*body)(void);
        const char *said;
    } cases[] = {
        {launch_too_many_threads,
         "cudaLaunchKernelExC example_line: a grid of 1 x 1 x 1 blocks of 1025 x 1 x 1 threads"},
        {launch_no_blocks, "cudaLaunchKernelExC example_line: a grid of 0 x 1 x 1"},
        {launch_with_a_pointer_to_the_stack, "argument 2 of 4 is an address of the host's pageable memory"},
        {launch_with_freed_memory, "cudaLaunchKernelExC example_line refers to device memory at 0x"},
        {launch_one_value_too_far,
         "example_line: device memory was written 0 bytes past the end of an allocation of 4000"},
        {launch_a_page_too_far, "simulated GPU: cudaLaunchKernelExC example_line: access to device memory at 0x"},
        {free_what_a_launch_uses, "is used by cudaLaunchKernelExC example_line, which waits to run"},
        {launch_on_the_default_stream, "the default stream"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        simulator_expect(cases[i].body, SIMULATED_MISUSE_STATUS, cases[i].said);
}

static void fail_the_second_kernel(void)
{
    begin();
    CHECK(cudaMemsetAsync(device, 0, BYTES, stream) == cudaSuccess);
    CHECK(example_launch_line(stream, 1, 64, (struct example_line){0, 1}, device + 64, 0, 64) == cudaSuccess);
    CHECK(example_launch_block_sums(stream, 1, device, device + 64) == cudaErrorLaunchOutOfResources);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    end();
}

static void test_each_kernel_is_a_call_site_of_its_own(void **state)
{
    (void)state;
    simulator_expect_with(fail_the_second_kernel, 0, NULL, (const char *const[]){"SIMULATED_GPU_FAULT=6", NULL});
}

int main(void)
{
    if (dlsym(RTLD_DEFAULT, "simulated_enqueue") == NULL) {
        fprintf(stderr, "LD_LIBRARY_PATH does not lead to the simulated libcudart.so.13\n");
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_compute_with_their_arguments_in_streams_and_graphs),
        cmocka_unit_test(test_wrong_launches_are_reported_with_the_kernels_name),
        cmocka_unit_test(test_each_kernel_is_a_call_site_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
