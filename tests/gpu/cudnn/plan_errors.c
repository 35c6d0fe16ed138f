/* What cuDNN refuses becomes one message, and no descriptor is left behind.
 *
 * cuDNN's calls go through this file (linker --wrap), which counts descriptors and can make any one call fail. */
#include "tests/support/support.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "tests/gpu/cudnn/described_devices.h"

static struct described_device devices[DESCRIBED_DEVICES];
static const struct described_device *const t4 = &devices[0], *const a100 = &devices[2];
static struct layer *layers; /* the first reads images, the second is 1x1, 64 channels to 256 */
static size_t layer_count;

/* ---- cuDNN, watched ------------------------------------------------------------------------------------- */

static long descriptors;        /* alive */
static size_t calls, fail_call; /* counted from 1; 0 fails none */
static bool without_fallback;   /* cuDNN then lists the engines of its heuristics A only */

static bool fails_now(void)
{
    return ++calls == fail_call;
}

cudnnStatus_t __real_cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *out);
cudnnStatus_t __real_cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor);
cudnnStatus_t __real_cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor);
cudnnStatus_t __real_cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t count, const void *values);
cudnnStatus_t __real_cudnnBackendGetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t room, int64_t *count,
                                              void *values);
cudnnStatus_t __wrap_cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *out);
cudnnStatus_t __wrap_cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor);
cudnnStatus_t __wrap_cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor);
cudnnStatus_t __wrap_cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t count, const void *values);
cudnnStatus_t __wrap_cudnnBackendGetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t room, int64_t *count,
                                              void *values);

cudnnStatus_t __wrap_cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *out)
{
    cudnnStatus_t status =
        fails_now() ? CUDNN_STATUS_INTERNAL_ERROR : __real_cudnnBackendCreateDescriptor(type, out);
    descriptors += status == CUDNN_STATUS_SUCCESS;
    return status;
}

cudnnStatus_t __wrap_cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor)
{
    descriptors--;
    return __real_cudnnBackendDestroyDescriptor(descriptor);
}

cudnnStatus_t __wrap_cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor)
{
    return fails_now() ? CUDNN_STATUS_INTERNAL_ERROR : __real_cudnnBackendFinalize(descriptor);
}

cudnnStatus_t __wrap_cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t count, const void *values)
{
    if (without_fallback && name == CUDNN_ATTR_ENGINEHEUR_MODE &&
        *(const cudnnBackendHeurMode_t *)values == CUDNN_HEUR_MODE_FALLBACK)
        return CUDNN_STATUS_NOT_SUPPORTED;
    return fails_now() ? CUDNN_STATUS_INTERNAL_ERROR
                       : __real_cudnnBackendSetAttribute(descriptor, name, type, count, values);
}

cudnnStatus_t __wrap_cudnnBackendGetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t room, int64_t *count,
                                              void *values)
{
    return fails_now() ? CUDNN_STATUS_INTERNAL_ERROR
                       : __real_cudnnBackendGetAttribute(descriptor, name, type, room, count, values);
}

static int open_devices(void **state)
{
    (void)state;
    int status = described_devices_open(devices, TIDY_DEVICES);
    if (status == 0)
        status = described_layers(&layers, &layer_count);
    if (status != 0)
        print_error("%s\n", tidy_error_message());
    return status;
}

static int close_devices(void **state)
{
    (void)state;
    free(layers);
    described_devices_close(devices);
    return descriptors == 0 ? 0 : -1;
}

/* ---- suites --------------------------------------------------------------------------------------------- */

static struct convolution_request forward_request(enum precision precision)
{
    return (struct convolution_request){
        .layer = &layers[1], .count = 128, .precision = precision, .workspace_limit = SIZE_MAX};
}

/* Fails unless the request has no plan and the message holds all of the texts, which end with NULL. */
static void assert_no_plan(const struct described_device *device, const struct convolution_request *request,
                           const char *const *texts)
{
    long before = descriptors;
    struct convolution_plan *plans[4];
    size_t found = 9;
    assert_int_equal(convolution_plans_create(plans, 4, &found, &device->target, request), TIDY_FAILED);
    assert_int_equal(found, 0);
    assert_int_equal(descriptors, before);
    for (; *texts != NULL; texts++)
        if (strstr(tidy_error_message(), *texts) == NULL)
            fail_msg("'%s' is not in: %s", *texts, tidy_error_message());
}

static void test_a_precision_that_the_device_lacks_is_named_with_its_limit_and_what_to_do(void **state)
{
    (void)state;
    struct convolution_request request = forward_request(PRECISION_BF16);
    assert_no_plan(t4, &request,
                   (const char *const[]){"forward n128 in8x8x64 out8x8x256 k1 s1 p0 bf16", "cuDNN offers none",
                                         "bf16 needs a device of compute capability 8.0 or above: --precision f32",
                                         NULL});
}

/* Among the engines of the fallback list is always one that needs none. */
static void test_every_convolution_has_a_plan_without_workspace(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONVOLUTION_PASSES * layer_count; i++) {
        struct convolution_request request = {.layer = &layers[i / CONVOLUTION_PASSES],
                                              .count = 128,
                                              .pass = i % CONVOLUTION_PASSES,
                                              .precision = PRECISION_F32};
        struct convolution_plan *plan;
        size_t found;
        assert_int_equal(convolution_plans_create(&plan, 1, &found, &t4->target, &request), 0);
        assert_int_equal(convolution_plan_workspace(plan), 0);
        convolution_plan_destroy(plan);
    }
}

static void test_too_little_workspace_says_how_much_is_wanted(void **state)
{
    (void)state;
    without_fallback = true;
    size_t refused = 0;
    for (size_t i = 0; i < CONVOLUTION_PASSES * layer_count; i++) {
        struct convolution_request request = {.layer = &layers[i / CONVOLUTION_PASSES],
                                              .count = 128,
                                              .pass = i % CONVOLUTION_PASSES,
                                              .precision = PRECISION_F32};
        struct convolution_plan *plan;
        size_t found;
        if (convolution_plans_create(&plan, 1, &found, &t4->target, &request) == 0) {
            convolution_plan_destroy(plan);
            continue;
        }
        refused++;
        static const char allowed[] = "0 bytes of workspace were allowed, ";
        const char *least = strstr(tidy_error_message(), allowed);
        assert_non_null(least);
        assert_non_null(strstr(tidy_error_message(), "more workspace than is allowed"));
        /* What it says is enough, and one byte less is not. */
        request.workspace_limit = strtoull(least + strlen(allowed), NULL, 10);
        assert_int_equal(convolution_plans_create(&plan, 1, &found, &t4->target, &request), 0);
        assert_int_equal(convolution_plan_workspace(plan), request.workspace_limit);
        convolution_plan_destroy(plan);
        request.workspace_limit--;
        assert_no_plan(t4, &request, (const char *const[]){"of workspace were allowed", NULL});
    }
    without_fallback = false;
    assert_true(refused > 0);
}

static void test_a_graph_that_cudnn_does_not_take_is_named_in_its_words(void **state)
{
    (void)state;
    /* An output that is a pixel too wide. */
    struct layer wrong = layers[1];
    wrong.out_width++;
    struct convolution_request request = forward_request(PRECISION_F32);
    request.layer = &wrong;
    assert_no_plan(a100, &request,
                   (const char *const[]){"forward n128 in8x8x64 out8x9x256", "cuDNN: ", "CUDNN_STATUS_", NULL});
}

static void test_text_that_describes_no_plan_is_refused_before_cudnn_sees_it(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "engine",
        "engine ",
        "engine x",
        "motor 1",
        "engine 1 ",
        "engine 1x",
        "engine 1 2=3",
        "engine 1 knobs",
        "engine 1 knobs ",
        "engine 1 knobs 2",
        "engine 1 knobs 2=",
        "engine 1 knobs 2=3 ",
        "engine 1 knobs 2=3x",
        "engine 1 knobs -2=3",
        "engine 1 knobs 4294967298=3",
        "engine  1",
    };
    struct convolution_request request = forward_request(PRECISION_F32);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t before = calls;
        struct convolution_plan *plan = (void *)&request;
        assert_int_equal(convolution_plan_restore(&plan, &a100->target, &request, texts[i]), TIDY_FAILED);
        assert_null(plan);
        assert_int_equal(calls, before);
        assert_non_null(strstr(tidy_error_message(), "describes no plan"));
    }
    char many[4096] = "engine 1 knobs";
    for (int i = 0; i < 65; i++)
        strcat(many, " 2=1");
    struct convolution_plan *plan;
    assert_int_equal(convolution_plan_restore(&plan, &a100->target, &request, many), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "describes no plan"));
}

static void test_an_engine_or_knob_that_does_not_exist_is_refused_with_the_layer_named(void **state)
{
    (void)state;
    static const char *const texts[] = {"engine 100000", "engine -1", "engine 9223372036854775807",
                                        "engine 0 knobs 39=7", "engine 0 knobs 4000=1"};
    struct convolution_request request = forward_request(PRECISION_F32);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        long before = descriptors;
        struct convolution_plan *plan;
        assert_int_equal(convolution_plan_restore(&plan, &a100->target, &request, texts[i]), TIDY_FAILED);
        assert_null(plan);
        assert_int_equal(descriptors, before);
        assert_non_null(strstr(tidy_error_message(), texts[i]));
        assert_non_null(strstr(tidy_error_message(), "convolution forward n128"));
        assert_non_null(strstr(tidy_error_message(), "is refused by cuDNN: cuDNN: "));
    }
}

/* A plan of a looser request must not come back for a stricter one. */
static void test_a_plan_that_the_request_rules_out_is_not_restored(void **state)
{
    (void)state;
    size_t rounding = 0, varying = 0, hungry = 0;
    struct convolution_request loose = forward_request(PRECISION_TF32);
    loose.pass = CONVOLUTION_BACKWARD_DATA;
    struct convolution_plan *plans[128];
    size_t found;
    assert_int_equal(convolution_plans_create(plans, 128, &found, &a100->target, &loose), 0);
    for (size_t i = 0; i < found; i++) {
        const char *text = convolution_plan_text(plans[i]);
        struct convolution_plan *plan;
        struct convolution_request strict = loose;
        strict.precision = PRECISION_F32;
        if (convolution_plan_restore(&plan, &a100->target, &strict, text) != 0)
            rounding += strstr(tidy_error_message(), "rounds inputs or sums") != NULL;
        convolution_plan_destroy(plan);
        strict = loose;
        strict.deterministic = true;
        if (convolution_plan_restore(&plan, &a100->target, &strict, text) != 0)
            varying += strstr(tidy_error_message(), "does not give the same values") != NULL;
        convolution_plan_destroy(plan);
        strict = loose;
        strict.workspace_limit = 0;
        if (convolution_plan_restore(&plan, &a100->target, &strict, text) != 0)
            hungry += strstr(tidy_error_message(), "wants more workspace") != NULL;
        else
            assert_int_equal(convolution_plan_workspace(plan), 0);
        convolution_plan_destroy(plan);
        convolution_plan_destroy(plans[i]);
    }
    assert_true(rounding > 0);
    assert_true(rounding < found);
    assert_true(varying > 0);
    assert_true(varying < found);
    assert_true(hungry > 0);
}

/* tf32 offers cuDNN's Winograd engines for 3x3 kernels; f32 has none of them. */
static void test_a_plan_by_winograd_is_not_restored_in_f32(void **state)
{
    (void)state;
    size_t transforming = 0;
    for (size_t i = 0; i < layer_count; i++) {
        struct convolution_request request = forward_request(PRECISION_TF32), strict = request;
        if (layers[i].kernel != 3)
            continue;
        request.layer = strict.layer = &layers[i];
        strict.precision = PRECISION_F32;
        struct convolution_plan *plans[128], *plan;
        size_t found;
        assert_int_equal(convolution_plans_create(plans, 128, &found, &a100->target, &request), 0);
        for (size_t k = 0; k < found; k++) {
            if (convolution_plan_restore(&plan, &a100->target, &strict, convolution_plan_text(plans[k])) != 0)
                transforming += strstr(tidy_error_message(), "is Winograd's or by FFT") != NULL;
            convolution_plan_destroy(plan);
            convolution_plan_destroy(plans[k]);
        }
    }
    assert_true(transforming > 0);
}

static void test_a_description_that_is_no_device_is_refused(void **state)
{
    (void)state;
    long before = descriptors;
    cudnnBackendDescriptor_t device = &before;
    assert_int_equal(convolution_describe_device(&device, "no JSON"), TIDY_FAILED);
    assert_null(device);
    assert_int_equal(descriptors, before);
    assert_non_null(strstr(tidy_error_message(), "the description of a device"));
}

static void test_no_descriptor_is_left_whichever_call_fails(void **state)
{
    (void)state;
    struct convolution_request request = forward_request(PRECISION_F32);
    long before = descriptors;
    struct convolution_plan *plan, *restored;
    size_t found, failed = 0;
    bool reached = true;
    for (size_t call = 1; reached; call++) {
        fail_call = calls + call;
        int status = convolution_plans_create(&plan, 1, &found, &t4->target, &request);
        if (status == 0) {
            int restore_status =
                convolution_plan_restore(&restored, &t4->target, &request, convolution_plan_text(plan));
            convolution_plan_destroy(restored);
            convolution_plan_destroy(plan);
            status = restore_status;
        }
        reached = calls >= fail_call;
        fail_call = 0;
        if (status != 0) {
            failed++;
            assert_non_null(strstr(tidy_error_message(), "cuDNN: "));
            assert_non_null(strstr(tidy_error_message(), "convolution forward n128"));
        }
        assert_int_equal(descriptors, before);
    }
    assert_int_equal(convolution_plans_create(&plan, 1, &found, &t4->target, &request), 0);
    convolution_plan_destroy(plan);
    /* The graph's calls, before there is any candidate, and those of the restored one. */
    assert_true(failed > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_precision_that_the_device_lacks_is_named_with_its_limit_and_what_to_do),
        cmocka_unit_test(test_every_convolution_has_a_plan_without_workspace),
        cmocka_unit_test(test_too_little_workspace_says_how_much_is_wanted),
        cmocka_unit_test(test_a_graph_that_cudnn_does_not_take_is_named_in_its_words),
        cmocka_unit_test(test_text_that_describes_no_plan_is_refused_before_cudnn_sees_it),
        cmocka_unit_test(test_an_engine_or_knob_that_does_not_exist_is_refused_with_the_layer_named),
        cmocka_unit_test(test_a_plan_that_the_request_rules_out_is_not_restored),
        cmocka_unit_test(test_a_plan_by_winograd_is_not_restored_in_f32),
        cmocka_unit_test(test_a_description_that_is_no_device_is_refused),
        cmocka_unit_test(test_no_descriptor_is_left_whichever_call_fails),
    };
    return cmocka_run_group_tests(tests, open_devices, close_devices);
}
