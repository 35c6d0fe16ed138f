/* Promises of the simulated device's faults, scenarios and errors; and where the real runtime answers on a machine
 * without a device or driver, the same answers from both. */
#include "tests/support/support.h"

#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/gpu/simulated/device.h"
#include "tests/gpu/simulated/simulator.h"

/* ---- faults: make_calls has 5 sites, the 2nd and the 4th of which are called 3 times, as a loop that is not
 * unrolled has ---- */

__attribute__((noinline)) static cudaError_t allocate(void **memory)
{
    cudaError_t error = cudaMalloc(memory, 256);
    CHECK(error != cudaSuccess || *memory != NULL);
    return error;
}

__attribute__((noinline)) static void release(void *memory)
{
    cudaError_t error = cudaFree(memory);
    CHECK(error != cudaErrorUnknown);
}

static cudaError_t errors[8];

static void make_calls(void)
{
    cudaStream_t stream = NULL;
    void *memory[3] = {NULL};
    size_t count = 0;
    errors[count++] = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    for (int i = 0; i < 3; i++)
        errors[count++] = allocate(&memory[i]);
    errors[count++] = stream != NULL ? cudaStreamSynchronize(stream) : cudaSuccess;
    for (int i = 0; i < 3; i++)
        release(memory[i]);
    if (stream != NULL)
        cudaStreamDestroy(stream);
}

static void expect_one_fault(size_t call, cudaError_t error)
{
    make_calls();
    for (size_t i = 0; i < 5; i++)
        CHECK(errors[i] == (i == call ? error : cudaSuccess));
    CHECK(cudaGetLastError() == error && cudaGetLastError() == cudaSuccess);
}

static void fault_of_site_1(void)
{
    make_calls();
    CHECK(errors[0] == cudaErrorMemoryAllocation && errors[1] == cudaSuccess);
}

static void fault_of_site_2(void)
{
    expect_one_fault(1, cudaErrorMemoryAllocation);
}

static void fault_of_site_2_call_3(void)
{
    expect_one_fault(3, cudaErrorMemoryAllocation);
}

static void fault_of_site_3(void)
{
    expect_one_fault(4, cudaErrorLaunchFailure);
}

static void fault_of_a_free(void)
{
    make_calls();
    CHECK(cudaGetLastError() == cudaErrorInvalidValue);
}

static void lose_the_device(void)
{
    make_calls();
    CHECK(errors[0] == cudaSuccess && errors[1] == cudaSuccess);
    for (size_t i = 2; i < 5; i++)
        CHECK(errors[i] == cudaErrorIllegalAddress);
    CHECK(cudaGetLastError() == cudaErrorIllegalAddress && cudaGetLastError() == cudaErrorIllegalAddress);
}

static void test_a_wanted_call_fails_once_and_what_is_destroyed_stays_destroyed(void **state)
{
    (void)state;
    simulator_expect_with(fault_of_site_1, 0, NULL, (const char *const[]){"SIMULATED_GPU_FAULT=1", NULL});
    simulator_expect_with(fault_of_site_2, 0, NULL, (const char *const[]){"SIMULATED_GPU_FAULT=2", NULL});
    simulator_expect_with(fault_of_site_2_call_3, 0, NULL, (const char *const[]){"SIMULATED_GPU_FAULT=2:3", NULL});
    simulator_expect_with(fault_of_site_3, 0, NULL, (const char *const[]){"SIMULATED_GPU_FAULT=3", NULL});
    simulator_expect_with(fault_of_a_free, 0, NULL, (const char *const[]){"SIMULATED_GPU_FAULT=4:2", NULL});
}

static void test_a_lost_device_fails_every_later_call(void **state)
{
    (void)state;
    simulator_expect_with(lose_the_device, 0, NULL, (const char *const[]){"SIMULATED_GPU_FAULT=2:2:sticky", NULL});
}

static void add_one(void *argument)
{
    (**(int **)argument)++;
}

static void lose_the_device_with_work(bool waits)
{
    cudaStream_t stream;
    void *device, *pinned;
    CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    CHECK(cudaMalloc(&device, 64) == cudaSuccess);
    CHECK(cudaMallocHost(&pinned, 64) == cudaSuccess);
    memset(pinned, 1, 64);
    CHECK(cudaMemcpyAsync(device, pinned, 64, cudaMemcpyHostToDevice, stream) == cudaSuccess);
    static int runs;
    int *counter = &runs;
    CHECK(simulated_enqueue(stream, "a count", add_one, &counter, sizeof counter) == 0);
    if (waits)
        CHECK(cudaStreamSynchronize(stream) == cudaErrorIllegalAddress && runs == 0);
    CHECK(cudaFree(device) == cudaErrorIllegalAddress && cudaFreeHost(pinned) == cudaErrorIllegalAddress);
    CHECK(cudaStreamDestroy(stream) == cudaErrorIllegalAddress);
}

static void lose_it_and_wait(void)
{
    lose_the_device_with_work(true);
}

static void lose_it_and_clean_up(void)
{
    lose_the_device_with_work(false);
}

static void test_work_on_a_lost_device_is_dropped_and_can_be_cleaned_up_after(void **state)
{
    (void)state;
    static const char *const fifth_call[] = {"SIMULATED_GPU_FAULT=5:sticky", NULL};
    simulator_expect_with(lose_it_and_wait, 0, NULL, fifth_call);
    simulator_expect_with(lose_it_and_clean_up, 0, NULL, fifth_call);
}

static void test_wishes_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const wishes[] = {
        "SIMULATED_GPU_FAULT=x",         "SIMULATED_GPU_FAULT=1:",   "SIMULATED_GPU_FAULT=0",
        "SIMULATED_GPU_FAULT=1:2:stuck", "SIMULATED_GPU=device=Z80", "SIMULATED_GPU=memory=lots"};
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++)
        simulator_expect_with(make_calls, SIMULATED_MISUSE_STATUS, "simulated GPU: SIMULATED_GPU",
                              (const char *const[]){wishes[i], NULL});
}

static void test_calls_of_each_site_are_written_at_exit(void **state)
{
    (void)state;
    char path[] = "/tmp/tidy-calls-XXXXXX", variable[256];
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    snprintf(variable, sizeof variable, "SIMULATED_GPU_CALLS=%s", path);
    simulator_expect_with(make_calls, 0, NULL, (const char *const[]){variable, NULL});
    size_t bytes;
    char *text = support_read_file(path, &bytes);
    assert_string_equal(text, "1\t1\tcudaStreamCreateWithFlags\n"
                              "2\t3\tcudaMalloc\n"
                              "3\t1\tcudaStreamSynchronize\n"
                              "4\t3\tcudaFree\n"
                              "5\t1\tcudaStreamDestroy\n");
    free(text);
    unlink(path);
}

/* ---- scenarios ---- */

static void look_for_none(void)
{
    int count, version;
    void *memory;
    CHECK(cudaGetDeviceCount(&count) == cudaErrorNoDevice);
    CHECK(cudaDriverGetVersion(&version) == cudaSuccess && version == CUDART_VERSION);
    CHECK(cudaMalloc(&memory, 1) == cudaErrorNoDevice);
}

static void look_without_driver(void)
{
    int count, version;
    CHECK(cudaGetDeviceCount(&count) == cudaErrorInsufficientDriver);
    CHECK(cudaDriverGetVersion(&version) == cudaSuccess && version == 0);
    CHECK(cudaRuntimeGetVersion(&version) == cudaSuccess && version == CUDART_VERSION);
}

static void look_with_old_driver(void)
{
    int count, version;
    CHECK(cudaGetDeviceCount(&count) == cudaErrorInsufficientDriver);
    CHECK(cudaDriverGetVersion(&version) == cudaSuccess && version == 12040);
}

static void check_device(int capability, const char *name)
{
    int count;
    struct cudaDeviceProp properties;
    CHECK(cudaGetDeviceCount(&count) == cudaSuccess && count == 1);
    CHECK(cudaSetDevice(1) == cudaErrorInvalidDevice && cudaSetDevice(0) == cudaSuccess);
    CHECK(cudaGetDeviceProperties(&properties, 0) == cudaSuccess);
    CHECK(10 * properties.major + properties.minor == capability && strstr(properties.name, name) != NULL);
    CHECK(simulated_compute_capability() == capability);
}

static void look_for_default(void)
{
    check_device(80, "A100");
}

static void look_for_old_device(void)
{
    check_device(61, "GTX");
}

static void look_for_t4(void)
{
    check_device(75, "T4");
}

static void test_the_device_is_what_the_environment_says(void **state)
{
    (void)state;
    simulator_expect(look_for_default, 0, NULL);
    simulator_expect_with(look_for_none, 0, NULL, (const char *const[]){"SIMULATED_GPU=none", NULL});
    simulator_expect_with(look_without_driver, 0, NULL, (const char *const[]){"SIMULATED_GPU=no-driver", NULL});
    simulator_expect_with(look_with_old_driver, 0, NULL, (const char *const[]){"SIMULATED_GPU=old-driver", NULL});
    simulator_expect_with(look_for_old_device, 0, NULL, (const char *const[]){"SIMULATED_GPU=old-device", NULL});
    simulator_expect_with(look_for_t4, 0, NULL, (const char *const[]){"SIMULATED_GPU=device=T4,memory=1000", NULL});
}

/* ---- the real library, which has the toolkit's headers but no driver here ---- */

/* Calls one library without a device: writes what it answers. */
static void ask(void *library, char *out, size_t room)
{
    cudaError_t (*count)(int *), (*driver)(int *), (*runtime)(int *), (*allocate)(void **, size_t), (*last)(void),
        (*set)(int), (*release)(void *);
    const char *(*text)(cudaError_t);
    *(void **)&count = dlsym(library, "cudaGetDeviceCount");
    *(void **)&driver = dlsym(library, "cudaDriverGetVersion");
    *(void **)&runtime = dlsym(library, "cudaRuntimeGetVersion");
    *(void **)&allocate = dlsym(library, "cudaMalloc");
    *(void **)&release = dlsym(library, "cudaFree");
    *(void **)&last = dlsym(library, "cudaGetLastError");
    *(void **)&set = dlsym(library, "cudaSetDevice");
    *(void **)&text = dlsym(library, "cudaGetErrorString");
    int devices = -7, driver_version = -7, runtime_version = -7;
    void *memory = NULL;
    size_t length = 0;
    const int answers[] = {(int)count(&devices),
                           devices,
                           (int)last(),
                           (int)last(),
                           (int)driver(&driver_version),
                           driver_version,
                           (int)runtime(&runtime_version),
                           runtime_version,
                           (int)driver(NULL),
                           (int)allocate(&memory, 16),
                           (int)release(NULL),
                           (int)set(0),
                           (int)last()};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        length += (size_t)snprintf(out + length, room - length, "%d ", answers[i]);
    static const cudaError_t texts[] = {cudaSuccess,
                                        cudaErrorInvalidValue,
                                        cudaErrorMemoryAllocation,
                                        cudaErrorInvalidConfiguration,
                                        cudaErrorInvalidMemcpyDirection,
                                        cudaErrorInsufficientDriver,
                                        cudaErrorDevicesUnavailable,
                                        cudaErrorInvalidDeviceFunction,
                                        cudaErrorNoDevice,
                                        cudaErrorInvalidDevice,
                                        cudaErrorInvalidResourceHandle,
                                        cudaErrorIllegalState,
                                        cudaErrorNotReady,
                                        cudaErrorIllegalAddress,
                                        cudaErrorLaunchOutOfResources,
                                        cudaErrorLaunchFailure,
                                        cudaErrorNotSupported,
                                        cudaErrorStreamCaptureUnsupported,
                                        cudaErrorStreamCaptureInvalidated,
                                        cudaErrorStreamCaptureWrongThread,
                                        cudaErrorCapturedEvent,
                                        cudaErrorUnknown,
                                        (cudaError_t)12345};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        length += (size_t)snprintf(out + length, room - length, "\n%d %s", (int)texts[i], text(texts[i]));
}

static void compare_with_the_real_library(void)
{
    char real[4096], simulated[4096];
    void *real_library = dlopen(TIDY_REAL_CUDART, RTLD_NOW | RTLD_LOCAL);
    CHECK(real_library != NULL);
    void *simulated_library = dlopen(TIDY_SIMULATED_CUDART, RTLD_NOW | RTLD_LOCAL);
    CHECK(simulated_library != NULL && simulated_library != real_library);
    ask(real_library, real, sizeof real);
    ask(simulated_library, simulated, sizeof simulated);
    if (strcmp(real, simulated) != 0)
        fprintf(stderr, "real: %s\nsimulated: %s\n", real, simulated);
    CHECK(strcmp(real, simulated) == 0);
}

static void test_without_a_driver_it_answers_as_the_real_library_does(void **state)
{
    (void)state;
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    if (driver != NULL)
        skip(); /* a driver is there: the real library would answer for it */
    simulator_expect_with(compare_with_the_real_library, 0, NULL,
                          (const char *const[]){"SIMULATED_GPU=no-driver", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wanted_call_fails_once_and_what_is_destroyed_stays_destroyed),
        cmocka_unit_test(test_a_lost_device_fails_every_later_call),
        cmocka_unit_test(test_work_on_a_lost_device_is_dropped_and_can_be_cleaned_up_after),
        cmocka_unit_test(test_wishes_that_are_none_are_refused),
        cmocka_unit_test(test_calls_of_each_site_are_written_at_exit),
        cmocka_unit_test(test_the_device_is_what_the_environment_says),
        cmocka_unit_test(test_without_a_driver_it_answers_as_the_real_library_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
