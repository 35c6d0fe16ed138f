/* Promises of the simulated cuDNN: what must not be done with plans, memory and descriptors is reported, and
 * what the documentation allows is not. */
#include "tests/support/support.h"

#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/gpu/simulated/cudnn_fixture.h"
#include "tests/gpu/simulated/simulator.h"

enum { MISUSE = 99, LEAK = 98 };
enum { PLAIN, TENSOR_CORE, SPLIT, BAD };

static const struct fixture_shape shape = {.count = 2,
                                           .height = 4,
                                           .width = 4,
                                           .in_channels = 8,
                                           .out_channels = 8,
                                           .kernel = 3,
                                           .stride = 1,
                                           .padding = 1};

/* A graph, its plan on one engine, and tensors full of zeros. */
static struct fixture fixture;
static cudnnBackendDescriptor_t plan;
static void *workspace;
static int64_t workspace_bytes;

static void set_up(int64_t engine)
{
    cudnnStatus_t status;
    fixture_create(&fixture, &shape);
    plan = fixture_plan(&fixture, engine, -1, 0, &status);
    CHECK(status == CUDNN_STATUS_SUCCESS);
    workspace_bytes = fixture_workspace(plan);
    CHECK((workspace_bytes > 0) == (engine == TENSOR_CORE || engine == SPLIT));
    if (workspace_bytes > 0)
        CHECK(cudaMalloc(&workspace, (size_t)workspace_bytes) == cudaSuccess);
    for (int t = 0; t < FIXTURE_TENSORS; t++)
        CHECK(cudaMemsetAsync(fixture.tensors[t], 0, fixture_values(&shape, t) * sizeof(float), fixture.stream) ==
              cudaSuccess);
    CHECK(cudaStreamSynchronize(fixture.stream) == cudaSuccess);
}

static void tear_down(void)
{
    CHECK(cudaStreamSynchronize(fixture.stream) == cudaSuccess);
    if (workspace_bytes > 0)
        CHECK(cudaFree(workspace) == cudaSuccess);
    if (plan != NULL)
        cudnnBackendDestroyDescriptor(plan);
    fixture_destroy(&fixture);
}

/* Runs the plan with one tensor elsewhere. */
static cudnnStatus_t execute_with(int tensor, void *address)
{
    void *tensors[FIXTURE_TENSORS] = {fixture.tensors[0], fixture.tensors[1], fixture.tensors[2]};
    tensors[tensor] = address;
    return fixture_execute(&fixture, plan, tensors, workspace);
}

static void run_well(void)
{
    for (int engine = PLAIN; engine <= SPLIT; engine++) {
        set_up(engine);
        CHECK(fixture_execute(&fixture, plan, fixture.tensors, workspace) == CUDNN_STATUS_SUCCESS);
        tear_down();
    }
}
static void test_a_plan_that_is_used_as_documented_is_not_reported(void **state)
{
    (void)state;
    simulator_expect(run_well, 0, NULL);
}

static void give_null(void)
{
    set_up(PLAIN);
    CHECK(execute_with(FIXTURE_W, NULL) == CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    tear_down();
}
static void give_unaligned(void)
{
    set_up(PLAIN);
    CHECK(execute_with(FIXTURE_X, (char *)fixture.tensors[FIXTURE_X] + 4) ==
          CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
    tear_down();
}
static void give_host_memory(void)
{
    static _Alignas(16) float host[4096];
    set_up(PLAIN);
    CHECK(execute_with(FIXTURE_X, host) == CUDNN_STATUS_BAD_PARAM);
    tear_down();
}
static void give_the_input_as_output(void)
{
    set_up(PLAIN);
    CHECK(execute_with(FIXTURE_Y, fixture.tensors[FIXTURE_X]) == CUDNN_STATUS_BAD_PARAM);
    tear_down();
}
static void give_too_little(void)
{
    void *small;
    set_up(PLAIN);
    CHECK(cudaMalloc(&small, 64) == cudaSuccess);
    CHECK(execute_with(FIXTURE_Y, small) == CUDNN_STATUS_BAD_PARAM);
    CHECK(cudaFree(small) == cudaSuccess);
    tear_down();
}
static void test_wrong_addresses_of_tensors_are_reported(void **state)
{
    (void)state;
    simulator_expect(give_null, MISUSE, "cudnnBackendExecute: w is null");
    simulator_expect(give_unaligned, MISUSE, "x is not aligned to 16 bytes");
    simulator_expect(give_host_memory, MISUSE, "cudnnBackendExecute");
    simulator_expect(give_the_input_as_output, MISUSE, "the output overlaps an input");
    simulator_expect(give_too_little, MISUSE, "cudnnBackendExecute");
}

static void lack_a_tensor(void)
{
    int64_t ids[2] = {100, 101};
    cudnnBackendDescriptor_t pack;
    set_up(PLAIN);
    CHECK(cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack) == CUDNN_STATUS_SUCCESS);
    CHECK(cudnnBackendExecute(fixture.handle, plan, pack) == CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
    cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 2, ids);
    cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 2, fixture.tensors);
    CHECK(cudnnBackendFinalize(pack) == CUDNN_STATUS_SUCCESS);
    CHECK(cudnnBackendExecute(fixture.handle, plan, pack) == CUDNN_STATUS_BAD_PARAM);
    cudnnBackendDestroyDescriptor(pack);
    tear_down();
}
static void test_a_variant_pack_without_a_tensor_is_reported(void **state)
{
    (void)state;
    simulator_expect(lack_a_tensor, MISUSE, "the variant pack lacks tensor 102 (y)");
    simulator_expect(lack_a_tensor, MISUSE, "VARIANT_PACK is not finalised");
}

static void give_no_workspace(void)
{
    set_up(TENSOR_CORE);
    CHECK(fixture_execute(&fixture, plan, fixture.tensors, NULL) == CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    tear_down();
}
static void give_a_small_workspace(void)
{
    void *small;
    set_up(SPLIT);
    CHECK(cudaMalloc(&small, (size_t)workspace_bytes - 16) == cudaSuccess);
    CHECK(fixture_execute(&fixture, plan, fixture.tensors, small) == CUDNN_STATUS_BAD_PARAM);
    CHECK(cudaFree(small) == cudaSuccess);
    tear_down();
}
static void give_a_tensor_as_workspace(void)
{
    set_up(TENSOR_CORE);
    /* Of 8 x 3 x 3 x 8 float, as the workspace is. */
    CHECK(fixture_execute(&fixture, plan, fixture.tensors, fixture.tensors[FIXTURE_W]) == CUDNN_STATUS_BAD_PARAM);
    tear_down();
}
static void test_wrong_workspaces_are_reported(void **state)
{
    (void)state;
    simulator_expect(give_no_workspace, MISUSE, "the workspace is null");
    simulator_expect(give_a_small_workspace, MISUSE, "cudnnBackendExecute");
    simulator_expect(give_a_tensor_as_workspace, MISUSE, "the workspace overlaps a tensor");
}

static void destroy_the_plan_early(void)
{
    set_up(PLAIN);
    CHECK(fixture_execute(&fixture, plan, fixture.tensors, workspace) == CUDNN_STATUS_SUCCESS);
    cudnnBackendDestroyDescriptor(plan);
    plan = NULL;
    tear_down();
}
static void launch_after_the_plan(void)
{
    cudaGraph_t graph;
    cudaGraphExec_t instance;
    set_up(PLAIN);
    CHECK(cudaStreamBeginCapture(fixture.stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
    CHECK(fixture_execute(&fixture, plan, fixture.tensors, workspace) == CUDNN_STATUS_SUCCESS);
    CHECK(cudaStreamEndCapture(fixture.stream, &graph) == cudaSuccess);
    CHECK(cudaGraphInstantiate(&instance, graph, 0) == cudaSuccess);
    cudnnBackendDestroyDescriptor(plan);
    plan = NULL;
    CHECK(cudaGraphLaunch(instance, fixture.stream) == cudaSuccess);
    CHECK(cudaStreamSynchronize(fixture.stream) == cudaSuccess);
    CHECK(cudaGraphExecDestroy(instance) == cudaSuccess);
    CHECK(cudaGraphDestroy(graph) == cudaSuccess);
    tear_down();
}
static void destroy_the_graph_early(void)
{
    cudnnStatus_t status;
    set_up(PLAIN);
    cudnnBackendDestroyDescriptor(fixture.graph);
    CHECK(fixture_execute(&fixture, plan, fixture.tensors, workspace) == CUDNN_STATUS_SUCCESS);
    CHECK(cudaStreamSynchronize(fixture.stream) == cudaSuccess);
    CHECK(fixture_plan(&fixture, PLAIN, -1, 0, &status) == NULL);
}
static void test_a_plan_must_outlive_its_work(void **state)
{
    (void)state;
    simulator_expect(destroy_the_plan_early, MISUSE, "the plan was destroyed before its work ran");
    simulator_expect(launch_after_the_plan, MISUSE, "the plan was destroyed before its work ran");
}
static void test_what_a_plan_was_made_of_need_not_outlive_it(void **state)
{
    (void)state;
    /* The plan runs; what ends the process is that a plan is then made of the graph that is gone. */
    simulator_expect(destroy_the_graph_early, 3, "cudnnBackendSetAttribute");
}

static void use_a_destroyed_descriptor(void)
{
    cudnnBackendDescriptor_t tensor;
    int64_t id = 1;
    CHECK(cudnnBackendCreateDescriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR, &tensor) == CUDNN_STATUS_SUCCESS);
    CHECK(cudnnBackendDestroyDescriptor(tensor) == CUDNN_STATUS_SUCCESS);
    CHECK(cudnnBackendSetAttribute(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id) ==
          CUDNN_STATUS_BAD_PARAM);
}
static void destroy_a_descriptor_twice(void)
{
    cudnnBackendDescriptor_t tensor;
    CHECK(cudnnBackendCreateDescriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR, &tensor) == CUDNN_STATUS_SUCCESS);
    CHECK(cudnnBackendDestroyDescriptor(tensor) == CUDNN_STATUS_SUCCESS);
    CHECK(cudnnBackendDestroyDescriptor(tensor) != CUDNN_STATUS_SUCCESS);
}
static void give_another_kind(void)
{
    cudnnBackendDescriptor_t tensor, engine;
    CHECK(cudnnBackendCreateDescriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR, &tensor) == CUDNN_STATUS_SUCCESS);
    CHECK(cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine) == CUDNN_STATUS_SUCCESS);
    CHECK(cudnnBackendSetAttribute(engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                   &tensor) != CUDNN_STATUS_SUCCESS);
    cudnnBackendDestroyDescriptor(tensor);
    cudnnBackendDestroyDescriptor(engine);
}
static void leak_a_descriptor(void)
{
    cudnnBackendDescriptor_t tensor;
    CHECK(cudnnBackendCreateDescriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR, &tensor) == CUDNN_STATUS_SUCCESS);
}
static void leak_a_handle(void)
{
    cudnnHandle_t handle;
    CHECK(cudnnCreate(&handle) == CUDNN_STATUS_SUCCESS);
}
static void test_wrong_lives_of_descriptors_and_handles_are_reported(void **state)
{
    (void)state;
    simulator_expect(use_a_destroyed_descriptor, MISUSE, "cudnnBackendSetAttribute");
    simulator_expect(destroy_a_descriptor_twice, MISUSE, "cudnnBackendDestroyDescriptor");
    simulator_expect(give_another_kind, MISUSE, "is given a descriptor of kind TENSOR");
    simulator_expect(leak_a_descriptor, LEAK, "cudnnBackendDescriptor_t");
    simulator_expect(leak_a_handle, LEAK, "cudnnHandle_t");
}

static void run_on_the_default_stream(void)
{
    set_up(PLAIN);
    CHECK(cudnnSetStream(fixture.handle, NULL) == CUDNN_STATUS_SUCCESS);
    CHECK(fixture_execute(&fixture, plan, fixture.tensors, workspace) != CUDNN_STATUS_SUCCESS);
    tear_down();
}
static void test_the_default_stream_is_reported(void **state)
{
    (void)state;
    simulator_expect(run_on_the_default_stream, MISUSE, "cudnnBackendExecute");
}

static void choose_among_good_and_bad(void)
{
    int64_t engine, first;
    set_up(PLAIN);
    cudnnBackendDescriptor_t bad = fixture_preferred_plan(&fixture, 0, &first),
                             good = fixture_preferred_plan(&fixture, 1, &engine);
    CHECK(first == BAD && engine == TENSOR_CORE);
    CHECK(fixture_execute(&fixture, bad, fixture.tensors, NULL) == CUDNN_STATUS_EXECUTION_FAILED);
    CHECK(fixture_workspace(good) > 0);
    cudnnBackendDestroyDescriptor(bad);
    cudnnBackendDestroyDescriptor(good);
    tear_down();
}
static void test_a_bad_engine_comes_first_where_wanted_and_fails_to_run(void **state)
{
    (void)state;
    static const char *const variables[] = {"SIMULATED_CUDNN=bad-engine", NULL};
    simulator_expect_with(choose_among_good_and_bad, 0, NULL, variables);
}

static void find_no_bf16(void)
{
    struct fixture_shape half = shape;
    int64_t engine;
    cudnnStatus_t status;
    half.bf16 = true;
    fixture_create(&fixture, &half);
    CHECK(fixture_preferred_plan(&fixture, 0, &engine) == NULL);
    CHECK(fixture_plan(&fixture, PLAIN, -1, 0, &status) == NULL);
    CHECK(status == CUDNN_STATUS_NOT_SUPPORTED);
    fixture_destroy(&fixture);
}
static void test_a_t4_has_no_engine_for_bf16(void **state)
{
    (void)state;
    static const char *const variables[] = {"SIMULATED_GPU=device=T4", NULL};
    simulator_expect_with(find_no_bf16, 0, NULL, variables);
}

/* Sites are numbered by their first call: 1 creates the handle, 2 sets its stream, 3 creates a descriptor, ... */
static void meet_each_fault(void)
{
    const long site = strtol(getenv("SIMULATED_GPU_FAULT"), NULL, 10);
    cudnnHandle_t handle = NULL;
    cudnnBackendDescriptor_t knob = NULL;
    int64_t value = 2, count;
    cudnnStatus_t statuses[8];
    statuses[0] = cudnnCreate(&handle);
    statuses[1] = cudnnSetStream(handle, NULL);
    statuses[2] = cudnnBackendCreateDescriptor(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, &knob);
    statuses[3] = cudnnBackendSetAttribute(knob, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &value);
    statuses[4] = cudnnBackendFinalize(knob);
    statuses[5] =
        cudnnBackendGetAttribute(knob, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &count, &value);
    statuses[6] = knob == NULL ? CUDNN_STATUS_SUCCESS : cudnnBackendDestroyDescriptor(knob);
    statuses[7] = cudnnDestroy(handle);
    char message[64] = "";
    cudnnGetLastErrorString(message, sizeof(message));
    CHECK(message[0] != '\0');
    CHECK(statuses[site - 1] != CUDNN_STATUS_SUCCESS);
    /* Without the call that failed, what builds on it fails too; nothing before it does. */
    for (long i = 0; i < site - 1; i++)
        CHECK(statuses[i] == CUDNN_STATUS_SUCCESS);
}
static void test_each_call_fails_where_wanted_and_leaves_nothing_behind(void **state)
{
    (void)state;
    for (int site = 1; site <= 8; site++) {
        char fault[32];
        snprintf(fault, sizeof(fault), "SIMULATED_GPU_FAULT=%d", site);
        simulator_expect_with(meet_each_fault, 0, NULL, (const char *const[]){fault, NULL});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plan_that_is_used_as_documented_is_not_reported),
        cmocka_unit_test(test_wrong_addresses_of_tensors_are_reported),
        cmocka_unit_test(test_a_variant_pack_without_a_tensor_is_reported),
        cmocka_unit_test(test_wrong_workspaces_are_reported),
        cmocka_unit_test(test_a_plan_must_outlive_its_work),
        cmocka_unit_test(test_what_a_plan_was_made_of_need_not_outlive_it),
        cmocka_unit_test(test_wrong_lives_of_descriptors_and_handles_are_reported),
        cmocka_unit_test(test_the_default_stream_is_reported),
        cmocka_unit_test(test_a_bad_engine_comes_first_where_wanted_and_fails_to_run),
        cmocka_unit_test(test_a_t4_has_no_engine_for_bf16),
        cmocka_unit_test(test_each_call_fails_where_wanted_and_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
