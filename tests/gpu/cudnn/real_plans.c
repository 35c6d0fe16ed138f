/* The real cuDNN has a plan for every convolution that is trained, on every device that is described. */
#include "tests/support/support.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "tests/gpu/cudnn/described_devices.h"

static struct described_device devices[DESCRIBED_DEVICES];
static struct layer *layers;
static size_t layer_count;

/* A full batch, and what 60,000 samples leave for an epoch's last one. */
enum { BATCH = 128, LAST_BATCH = 96 };

/* 35 distinct convolutions, 3 of which read the images and need no gradient of them. */
enum { GRAPHS = 35 * 3 - 3 };

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
    return 0;
}

/* Makes the first plan for each pass of each layer. Returns how many graphs were planned. */
static size_t plan_all(const struct described_device *device, uint32_t count, enum precision precision,
                       bool deterministic)
{
    size_t graphs = 0;
    for (size_t i = 0; i < layer_count; i++)
        for (enum convolution_pass pass = 0; pass < CONVOLUTION_PASSES; pass++) {
            if (!described_pass_needed(&layers[i], pass))
                continue;
            struct convolution_request request = {.layer = &layers[i],
                                                  .count = count,
                                                  .pass = pass,
                                                  .precision = precision,
                                                  .deterministic = deterministic,
                                                  .workspace_limit = 64 << 20};
            struct convolution_plan *plan;
            size_t found;
            if (convolution_plans_create(&plan, 1, &found, &device->target, &request) != 0)
                fail_msg("%s: %s", device->name, tidy_error_message());
            assert_int_equal(found, 1);
            assert_true(convolution_plan_workspace(plan) <= request.workspace_limit);
            convolution_plan_destroy(plan);
            graphs++;
        }
    return graphs;
}

static void plan_all_devices(uint32_t count, enum precision precision, bool deterministic)
{
    for (int i = 0; i < DESCRIBED_DEVICES; i++)
        if (precision == PRECISION_F32 || devices[i].has_tensor_float)
            assert_int_equal(plan_all(&devices[i], count, precision, deterministic), GRAPHS);
}

static void test_every_device_has_a_plan_for_every_convolution_in_f32(void **state)
{
    (void)state;
    plan_all_devices(BATCH, PRECISION_F32, false);
    plan_all_devices(LAST_BATCH, PRECISION_F32, false);
}

static void test_every_device_from_ampere_on_has_a_plan_for_every_convolution_in_tf32(void **state)
{
    (void)state;
    plan_all_devices(BATCH, PRECISION_TF32, false);
    plan_all_devices(LAST_BATCH, PRECISION_TF32, false);
}

static void test_every_device_from_ampere_on_has_a_plan_for_every_convolution_in_bf16(void **state)
{
    (void)state;
    plan_all_devices(BATCH, PRECISION_BF16, false);
    plan_all_devices(LAST_BATCH, PRECISION_BF16, false);
}

static void test_every_convolution_has_a_deterministic_plan(void **state)
{
    (void)state;
    plan_all_devices(BATCH, PRECISION_F32, true);
    plan_all_devices(LAST_BATCH, PRECISION_F32, true);
    plan_all_devices(BATCH, PRECISION_TF32, true);
    plan_all_devices(BATCH, PRECISION_BF16, true);
}

static void test_turing_has_no_plan_in_bf16_and_the_message_says_what_it_lacks(void **state)
{
    (void)state;
    assert_string_equal(devices[0].name, "T4");
    for (size_t i = 0; i < layer_count; i++)
        for (enum convolution_pass pass = 0; pass < CONVOLUTION_PASSES; pass++) {
            struct convolution_request request = {.layer = &layers[i],
                                                  .count = BATCH,
                                                  .pass = pass,
                                                  .precision = PRECISION_BF16,
                                                  .workspace_limit = SIZE_MAX};
            struct convolution_plan *plan;
            size_t found;
            assert_int_equal(convolution_plans_create(&plan, 1, &found, &devices[0].target, &request), TIDY_FAILED);
            assert_int_equal(found, 0);
            assert_non_null(strstr(tidy_error_message(), "bf16 needs a device of compute capability 8.0 or above"));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_device_has_a_plan_for_every_convolution_in_f32),
        cmocka_unit_test(test_every_device_from_ampere_on_has_a_plan_for_every_convolution_in_tf32),
        cmocka_unit_test(test_every_device_from_ampere_on_has_a_plan_for_every_convolution_in_bf16),
        cmocka_unit_test(test_every_convolution_has_a_deterministic_plan),
        cmocka_unit_test(test_turing_has_no_plan_in_bf16_and_the_message_says_what_it_lacks),
    };
    return cmocka_run_group_tests(tests, open_devices, close_devices);
}
