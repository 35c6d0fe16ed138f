/* Promises of the parameters' layout on the device: where each value goes, and that it comes back. */
#include "tests/support/support.h"

#include <stdlib.h>

#include "common/error.h"
#include "record/cuda/parameter_layout.h"
#include "tests/gpu/plugin/narrow_network.h"

struct fixture {
    struct network network;
    struct network_state state;
    struct parameter_layout layout;
};

static int open_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    narrow_network_create(&f->network);
    assert_int_equal(network_state_create(&f->state, &f->network, 1), TIDY_OK);
    assert_int_equal(parameter_layout_create(&f->layout, &f->network, &f->state), TIDY_OK);
    /* Each value says where it was. */
    for (size_t i = 0; i < f->state.parameter_count; i++)
        f->state.parameters[i] = (float)(i + 1);
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    parameter_layout_destroy(&f->layout);
    network_state_destroy(&f->state);
    network_destroy(&f->network);
    free(f);
    return 0;
}

static float *to_device(const struct fixture *f)
{
    float *device = calloc(f->layout.parameters.count, sizeof *device);
    assert_non_null(device);
    array_to_device_layout(device, f->state.parameters, &f->layout.parameters);
    return device;
}

static void test_a_convolution_lies_as_cudnn_reads_it(void **state)
{
    const struct fixture *f = *state;
    float *device = to_device(f);
    for (int i = 0; i < f->network.layer_count; i++) {
        const struct layer *layer = &f->network.layers[i];
        if (layer->kind != LAYER_CONVOLUTION)
            continue;
        size_t k = layer->kernel, in = layer->in_channels, out = layer->out_channels;
        const float *canonical = f->state.parameters + f->state.layers[i].weights;
        const float *filter = device + f->layout.places[i].weights;
        for (size_t o = 0; o < out; o++)
            for (size_t row = 0; row < k; row++)
                for (size_t column = 0; column < k; column++)
                    for (size_t c = 0; c < in; c++)
                        assert_true(filter[((o * k + row) * k + column) * in + c] ==
                                    canonical[((row * k + column) * in + c) * out + o]);
    }
    free(device);
}

static void test_all_else_keeps_its_order(void **state)
{
    const struct fixture *f = *state;
    float *device = to_device(f);
    for (int i = 0; i < f->network.layer_count; i++) {
        const struct layer_parameters *from = &f->state.layers[i];
        const struct parameter_place *to = &f->layout.places[i];
        for (size_t c = 0; c < from->scale_count; c++)
            assert_true(device[to->scale + c] == f->state.parameters[from->scale + c]);
        for (size_t c = 0; c < from->shift_count; c++)
            assert_true(device[to->shift + c] == f->state.parameters[from->shift + c]);
        if (f->network.layers[i].kind == LAYER_LINEAR)
            for (size_t w = 0; w < from->weight_count; w++)
                assert_true(device[to->weights + w] == f->state.parameters[from->weights + w]);
    }
    free(device);
}

/* cuDNN's tensors begin at multiples of 16 bytes, also in bf16; the kernels take 8 values at a time. */
static void test_blocks_are_aligned_and_weights_come_first(void **state)
{
    const struct fixture *f = *state;
    assert_int_equal(f->layout.parameters.count % 8, 0);
    assert_int_equal(f->layout.tensor_count % 8, 0);
    for (int i = 0; i < f->network.layer_count; i++) {
        const struct parameter_place *place = &f->layout.places[i];
        assert_int_equal(place->weights % 8, 0);
        assert_int_equal(place->scale % 8, 0);
        assert_int_equal(place->shift % 8, 0);
        assert_int_equal(place->running_mean % 8, 0);
        assert_int_equal(place->running_variance % 8, 0);
        assert_true(place->weights + f->state.layers[i].weight_count <= f->layout.tensor_count);
        assert_true(place->scale >= f->layout.tensor_count && place->shift >= place->scale);
    }
}

static void test_every_value_comes_back(void **state)
{
    const struct fixture *f = *state;
    float *device = to_device(f), *back = calloc(f->state.parameter_count, sizeof *back);
    assert_non_null(back);
    array_from_device_layout(back, device, &f->layout.parameters);
    assert_memory_equal(back, f->state.parameters, f->state.parameter_count * sizeof *back);
    size_t values = 0;
    for (size_t i = 0; i < f->layout.parameters.count; i++)
        values += device[i] != 0;
    assert_int_equal(values, f->state.parameter_count);
    free(back);
    free(device);
}

static void test_statistics_come_back(void **state)
{
    const struct fixture *f = *state;
    size_t count = f->state.statistics_count;
    float *device = calloc(f->layout.statistics.count, sizeof *device), *back = calloc(count, sizeof *back);
    assert_true(device != NULL && back != NULL);
    for (size_t i = 0; i < count; i++)
        f->state.statistics[i] = (float)(i + 1);
    array_to_device_layout(device, f->state.statistics, &f->layout.statistics);
    assert_true(device[f->layout.places[0].running_variance] ==
                f->state.statistics[f->state.layers[0].running_variance]);
    array_from_device_layout(back, device, &f->layout.statistics);
    assert_memory_equal(back, f->state.statistics, count * sizeof *back);
    free(back);
    free(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_convolution_lies_as_cudnn_reads_it, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_all_else_keeps_its_order, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_blocks_are_aligned_and_weights_come_first, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(test_every_value_comes_back, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_statistics_come_back, open_fixture, close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
