/* Promises of the network tables: they are the published architectures. */
#include "tests/support/support.h"

#include <math.h>
#include <string.h>

#include "common/error.h"
#include "record/network.h"

/* torchvision's published parameter counts are for 3 channels and 1000 classes; here it is 1 channel and 10 classes. */
static size_t parameters_for_grey_digits(size_t published, size_t features)
{
    return published - 2 * 64 * 7 * 7 - 990 * (features + 1);
}

static void test_parameter_counts_are_the_published_ones(void **state)
{
    (void)state;
    const struct {
        const char *name;
        size_t published, features;
    } known[] = {
        {"resnet18", 11689512, 512},
        {"resnet50", 25557032, 2048},
        {"resnet101", 44549160, 2048},
        {"resnet152", 60192808, 2048},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct network network;
        struct network_state values;
        assert_int_equal(network_create(&network, known[i].name, 32, 32, 1, 10), TIDY_OK);
        assert_int_equal(network_state_allocate(&values, &network), TIDY_OK);
        assert_int_equal(values.parameter_count, parameters_for_grey_digits(known[i].published, known[i].features));
        network_state_destroy(&values);
        network_destroy(&network);
    }
}

static void test_resnet50_has_the_sizes_of_the_seed_experiment(void **state)
{
    (void)state;
    struct network network;
    assert_int_equal(network_create(&network, "resnet50", 32, 32, 1, 10), TIDY_OK);
    /* 1 stem, 16 blocks of 3, 4 projections; a max pool, an average pool, a linear layer. */
    assert_int_equal(network.layer_count, 1 + 48 + 4 + 3);
    int convolutions_of_size[33] = {0};
    for (int i = 0; i < network.layer_count; i++)
        if (network.layers[i].kind == LAYER_CONVOLUTION)
            convolutions_of_size[network.layers[i].out_height]++;
    /* Stage by stage 8x8, 4x4, 2x2, 1x1; the first 1x1 of a stage still sees the size before its stride. */
    assert_int_equal(convolutions_of_size[16], 1);
    assert_int_equal(convolutions_of_size[8], 3 * 3 + 1 + 1);
    assert_int_equal(convolutions_of_size[4], 4 * 3 + 1 - 1 + 1);
    assert_int_equal(convolutions_of_size[2], 6 * 3 + 1 - 1 + 1);
    assert_int_equal(convolutions_of_size[1], 3 * 3 + 1 - 1);
    const struct layer *last = &network.layers[network.layer_count - 1];
    assert_int_equal(last->kind, LAYER_LINEAR);
    assert_int_equal(last->in_channels, 2048);
    network_destroy(&network);
}

static void test_initial_values_have_the_stated_spread(void **state)
{
    (void)state;
    struct network network;
    struct network_state values;
    assert_int_equal(network_create(&network, "resnet18", 32, 32, 1, 10), TIDY_OK);
    assert_int_equal(network_state_create(&values, &network, 3), TIDY_OK);
    for (int i = 0; i < network.layer_count; i++) {
        const struct layer *layer = &network.layers[i];
        const struct layer_parameters *place = &values.layers[i];
        double squares = 0, largest = 0;
        for (size_t k = 0; k < place->weight_count; k++) {
            double value = (double)values.parameters[place->weights + k];
            squares += value * value;
            largest = fmax(largest, fabs(value));
        }
        /* The standard error of a variance from n normal draws is sqrt(2 / n) of it: five of them is a bound. */
        double fan_in = (double)layer->kernel * layer->kernel * layer->in_channels;
        double bound = 5 * sqrt(2 / (double)(place->weight_count + 1));
        if (layer->kind == LAYER_CONVOLUTION)
            assert_near(squares / (double)place->weight_count * fan_in / 2, 1, bound);
        if (layer->kind == LAYER_LINEAR) {
            assert_near(squares / (double)place->weight_count * layer->in_channels * 3, 1, bound);
            assert_true(largest <= 1 / sqrt((double)layer->in_channels));
        }
    }
    network_state_destroy(&values);
    network_destroy(&network);
}

static void test_an_unknown_network_is_refused_with_the_nearest_name(void **state)
{
    (void)state;
    struct network network;
    assert_int_equal(network_create(&network, "resnet5", 32, 32, 1, 10), TIDY_USAGE);
    assert_non_null(strstr(tidy_error_message(), "resnet50"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameter_counts_are_the_published_ones),
        cmocka_unit_test(test_resnet50_has_the_sizes_of_the_seed_experiment),
        cmocka_unit_test(test_initial_values_have_the_stated_spread),
        cmocka_unit_test(test_an_unknown_network_is_refused_with_the_nearest_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
