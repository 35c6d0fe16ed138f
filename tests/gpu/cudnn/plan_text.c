/* A plan that is made again from its text is the same plan. */
#include "tests/support/support.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "tests/gpu/cudnn/described_devices.h"

enum { ROOM = 512 };

static struct described_device devices[DESCRIBED_DEVICES];
static struct layer *layers;
static size_t layer_count;

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

/* Restores each plan of a request. Returns how many there are. */
static size_t restore_all(const struct described_device *device, const struct convolution_request *request)
{
    struct convolution_plan *plans[ROOM];
    size_t found;
    if (convolution_plans_create(plans, ROOM, &found, &device->target, request) != 0)
        fail_msg("%s: %s", device->name, tidy_error_message());
    assert_true(found < ROOM);
    for (size_t i = 0; i < found; i++) {
        const char *text = convolution_plan_text(plans[i]);
        struct convolution_plan *restored;
        if (convolution_plan_restore(&restored, &device->target, request, text) != 0)
            fail_msg("%s: %s", device->name, tidy_error_message());
        assert_string_equal(convolution_plan_text(restored), text);
        assert_int_equal(convolution_plan_workspace(restored), convolution_plan_workspace(plans[i]));
        convolution_plan_destroy(restored);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(convolution_plan_text(plans[k]), text);
    }
    for (size_t i = 0; i < found; i++)
        convolution_plan_destroy(plans[i]);
    return found;
}

/* One layer in seven, another one for each device: all of them take too long for every build. */
static void test_a_plan_from_its_text_has_the_same_text_and_workspace(void **state)
{
    (void)state;
    size_t plans = 0;
    for (int device = 0; device < DESCRIBED_DEVICES; device++)
        for (enum precision precision = 0; precision_names[precision] != NULL; precision++)
            for (size_t i = (size_t)device; i < layer_count; i += 7)
                for (enum convolution_pass pass = 0; pass < CONVOLUTION_PASSES; pass++) {
                    if ((precision != PRECISION_F32 && !devices[device].has_tensor_float) ||
                        !described_pass_needed(&layers[i], pass))
                        continue;
                    struct convolution_request request = {.layer = &layers[i],
                                                          .count = 128,
                                                          .pass = pass,
                                                          .precision = precision,
                                                          .workspace_limit = SIZE_MAX};
                    plans += restore_all(&devices[device], &request);
                }
    assert_true(plans > 1000);
}

static void test_a_plan_has_its_knobs_in_the_text(void **state)
{
    (void)state;
    struct convolution_request request = {
        .layer = &layers[1], .count = 128, .precision = PRECISION_BF16, .workspace_limit = SIZE_MAX};
    struct convolution_plan *plans[ROOM];
    size_t found, with_knobs = 0;
    assert_int_equal(convolution_plans_create(plans, ROOM, &found, &devices[4].target, &request), 0);
    for (size_t i = 0; i < found; i++) {
        with_knobs += strstr(convolution_plan_text(plans[i]), " knobs ") != NULL;
        convolution_plan_destroy(plans[i]);
    }
    assert_true(with_knobs > 10);
}

static void test_the_order_of_preference_holds_for_any_room(void **state)
{
    (void)state;
    struct convolution_request request = {
        .layer = &layers[1], .count = 128, .precision = PRECISION_F32, .workspace_limit = SIZE_MAX};
    struct convolution_plan *all[ROOM], *few[3];
    size_t all_found, few_found;
    assert_int_equal(convolution_plans_create(all, ROOM, &all_found, &devices[2].target, &request), 0);
    assert_int_equal(convolution_plans_create(few, 3, &few_found, &devices[2].target, &request), 0);
    assert_int_equal(few_found, 3);
    for (size_t i = 0; i < few_found; i++) {
        assert_string_equal(convolution_plan_text(few[i]), convolution_plan_text(all[i]));
        convolution_plan_destroy(few[i]);
    }
    for (size_t i = 0; i < all_found; i++)
        convolution_plan_destroy(all[i]);
}

static void test_a_key_tells_pass_shape_precision_and_determinism(void **state)
{
    (void)state;
    const struct layer layer = {.kind = LAYER_CONVOLUTION,
                                .kernel = 3,
                                .stride = 2,
                                .padding = 1,
                                .in_height = 8,
                                .in_width = 9,
                                .in_channels = 64,
                                .out_height = 4,
                                .out_width = 5,
                                .out_channels = 128};
    struct convolution_request request = {
        .layer = &layer, .count = 96, .pass = CONVOLUTION_BACKWARD_WEIGHTS, .precision = PRECISION_TF32};
    char key[CONVOLUTION_KEY_ROOM];
    assert_string_equal(convolution_request_key(key, &request),
                        "backward-weights n96 in8x9x64 out4x5x128 k3 s2 p1 tf32");
    request.deterministic = true;
    request.pass = CONVOLUTION_FORWARD;
    request.precision = PRECISION_BF16;
    assert_string_equal(convolution_request_key(key, &request),
                        "forward n96 in8x9x64 out4x5x128 k3 s2 p1 bf16 deterministic");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plan_from_its_text_has_the_same_text_and_workspace),
        cmocka_unit_test(test_a_plan_has_its_knobs_in_the_text),
        cmocka_unit_test(test_the_order_of_preference_holds_for_any_room),
        cmocka_unit_test(test_a_key_tells_pass_shape_precision_and_determinism),
    };
    return cmocka_run_group_tests(tests, open_devices, close_devices);
}
