/* Promises of momentum_update: PyTorch's SGD with momentum and weight decay, by hand. */
#include "tests/support/support.h"

#include <stdlib.h>

#include "kernels/kernels.h"

static void test_two_updates_by_hand(void **state)
{
    (void)state;
    /* lr 0.1, momentum 0.5, decay 0.2. First: v = 0.5 * 0 + (1 + 0.2 * 2) = 1.4, w = 2 - 0.14 = 1.86.
     * Second, gradient -1: v = 0.5 * 1.4 + (-1 + 0.2 * 1.86) = 0.072, w = 1.86 - 0.0072 = 1.8528. */
    float weight = 2, velocity = 0, gradient = 1;
    momentum_update(&weight, &velocity, &gradient, 1, 0.1f, 0.5f, 0.2f);
    assert_near(velocity, 1.4f, 1e-6);
    assert_near(weight, 1.86f, 1e-6);
    gradient = -1;
    momentum_update(&weight, &velocity, &gradient, 1, 0.1f, 0.5f, 0.2f);
    assert_near(velocity, 0.072f, 1e-6);
    assert_near(weight, 1.8528f, 1e-6);
}

static void test_every_value_of_a_long_array_is_updated_once(void **state)
{
    (void)state;
    enum { COUNT = 100003 }; /* not a multiple of anything that a loop could be cut into */
    float *weights = calloc(COUNT, sizeof *weights), *velocity = calloc(COUNT, sizeof *velocity);
    float *gradients = calloc(COUNT, sizeof *gradients);
    assert_true(weights != NULL && velocity != NULL && gradients != NULL);
    for (int i = 0; i < COUNT; i++)
        gradients[i] = (float)(i % 8);
    momentum_update(weights, velocity, gradients, COUNT, 0.25f, 0.9f, 0);
    for (int i = 0; i < COUNT; i++) {
        assert_near(velocity[i], (float)(i % 8), 0);
        assert_near(weights[i], -0.25f * (float)(i % 8), 0);
    }
    free(gradients);
    free(velocity);
    free(weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_updates_by_hand),
        cmocka_unit_test(test_every_value_of_a_long_array_is_updated_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
