/* The real MNIST, where it is. */
#include "tests/support/support.h"

#include "common/dataset.h"
#include "common/error.h"

static void test_mnist_is_mnist(void **state)
{
    (void)state;
    struct dataset_pair pair;
    if (dataset_load(&pair, support_data_path("TIDY_MNIST"), 0) != 0)
        fail_msg("%s", tidy_error_message());
    assert_int_equal(pair.train.samples, 60000);
    assert_int_equal(pair.test.samples, 10000);
    assert_int_equal(pair.train.height * 100 + pair.train.width, 2828);
    assert_int_equal(pair.train.classes, 10);
    /* The first ten digits of each half, as every description of the data set shows them. */
    static const uint16_t train[] = {5, 0, 4, 1, 9, 2, 1, 3, 1, 4}, test[] = {7, 2, 1, 0, 4, 1, 4, 9, 5, 9};
    assert_memory_equal(pair.train.labels, train, sizeof train);
    assert_memory_equal(pair.test.labels, test, sizeof test);
    /* Mean brightness 0.1307, known from every tutorial that normalises by it. */
    uint64_t sum = 0;
    for (size_t i = 0; i < (size_t)60000 * 784; i++)
        sum += pair.train.images[i];
    assert_int_equal((int)((double)sum / (60000.0 * 784 * 255) * 10000 + 0.5), 1307);
    dataset_unload(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mnist_is_mnist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
