/* Clusters of loss trajectories: by hand, and against scikit-learn (fixtures/loss_clusters.tsv); and
 * percentiles. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/loss_clusters.h"
#include "analyze/percentile.h"
#include "tests/support/support.h"

/* Two classes: the clamp is 2 log 2 = 1.386. Means of five, the first loss left out: of 0 0 0 0 5 the 5 counts
 * 1.386. */
static void test_losses_are_clamped_and_smoothed_over_five_epochs(void **state)
{
    (void)state;
    float losses[7] = {1, 0, 0, 0, 0, 5, 1};
    loss_clusters_smooth(losses, losses, 7, 2);
    for (size_t t = 0; t < 6; t++)
        assert_near(losses[t], 2 * log(2) / 5, 1e-6);
    assert_near(losses[6], (2 * log(2) + 1) / 5, 1e-6);
}

static void test_few_epochs_are_smoothed_over_all_but_the_first(void **state)
{
    (void)state;
    float three[3] = {1, 0.5f, 0.25f}, one[1] = {1};
    loss_clusters_smooth(three, three, 3, 10);
    for (size_t t = 0; t < 3; t++)
        assert_near(three[t], 0.375, 1e-6);
    loss_clusters_smooth(one, one, 1, 10);
    assert_near(one[0], 1, 0);
}

static void check_flags(const float *losses, size_t count, size_t epochs, const char *expected)
{
    bool flagged[16];
    assert_int_equal(loss_clusters_flag(flagged, losses, count, epochs), 0);
    for (size_t i = 0; i < count; i++)
        if (flagged[i] != (expected[i] == '!'))
            fail_msg("trajectory %zu: %s is expected", i, expected);
}

/* From 0 and 10 the border is 5, so that 6 goes with 10; then the centres are 1.25 and 8, the border 4.6, and
 * nothing moves. */
static void test_the_cluster_of_high_losses_is_flagged(void **state)
{
    (void)state;
    check_flags((float[]){0, 1, 10, 1, 3, 6}, 6, 1, "..!..!");
    check_flags((float[]){0, 2, 2, 0, 5, 5}, 3, 2, "..!");
}

static void test_equal_or_single_trajectories_are_not_flagged(void **state)
{
    (void)state;
    check_flags((float[]){2, 2, 2, 2}, 2, 2, "..");
    check_flags((float[]){9, 9}, 1, 2, ".");
    check_flags(NULL, 0, 2, "");
}

static void test_clusters_are_scikit_learns(void **state)
{
    (void)state;
    enum { COUNT = 80, EPOCHS = 8 };
    static float losses[COUNT * EPOCHS];
    static bool expected[COUNT], flagged[COUNT];
    size_t bytes;
    char *text =
        support_read_file(support_path(getenv("TIDY_SOURCE"), "tests/analyze/fixtures/loss_clusters.tsv"), &bytes);
    char *at = strchr(text, '\n');
    for (size_t i = 0; i < COUNT; i++) {
        expected[i] = strtol(at, &at, 10) == 1;
        for (size_t t = 0; t < EPOCHS; t++)
            losses[i * EPOCHS + t] = strtof(at, &at);
    }
    free(text);
    assert_int_equal(loss_clusters_flag(flagged, losses, COUNT, EPOCHS), 0);
    assert_memory_equal(flagged, expected, sizeof flagged);
}

/* numpy.percentile([4, 1, 3, 2], 99) is 3.97; of one value it is that. */
static void test_percentiles_lie_between_values_in_proportion(void **state)
{
    (void)state;
    double values[4] = {4, 1, 3, 2};
    percentile_sort(values, 4);
    assert_near(percentile_of(values, 4, 99), 3.97, 1e-12);
    assert_near(percentile_of(values, 4, 0), 1, 0);
    assert_near(percentile_of(values, 4, 50), 2.5, 0);
    assert_near(percentile_of(values, 4, 100), 4, 0);
    assert_near(percentile_of(values, 1, 99), 1, 0);
}

/* Of values of which few are different, and of many that are, sorted, turned and mixed. */
static void test_percentiles_are_selected_as_if_sorted(void **state)
{
    (void)state;
    enum { MOST = 301 };
    double values[MOST], sorted[MOST];
    for (size_t count = 1; count <= MOST; count += count < 20 ? 1 : 47)
        for (int kind = 0; kind < 5; kind++)
            for (double percent = 0; percent <= 100; percent += 12.5) {
                for (size_t i = 0; i < count; i++)
                    sorted[i] = values[i] = kind == 0   ? (double)i
                                            : kind == 1 ? -(double)i
                                            : kind == 2 ? 5
                                            : kind == 3 ? (double)(i * 7919 % 3)
                                                        : (double)(i * 7919 % 1009);
                percentile_sort(sorted, count);
                assert_true(percentile_select(values, count, percent) == percentile_of(sorted, count, percent));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses_are_clamped_and_smoothed_over_five_epochs),
        cmocka_unit_test(test_few_epochs_are_smoothed_over_all_but_the_first),
        cmocka_unit_test(test_the_cluster_of_high_losses_is_flagged),
        cmocka_unit_test(test_equal_or_single_trajectories_are_not_flagged),
        cmocka_unit_test(test_clusters_are_scikit_learns),
        cmocka_unit_test(test_percentiles_lie_between_values_in_proportion),
        cmocka_unit_test(test_percentiles_are_selected_as_if_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
