/* What label noise promises: exact counts, the right kinds of wrong labels, and nothing changed after an error. */
#include "tests/support/support.h"

#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "record/noise.h"
#include "record/noise_matrix.h"

enum { MOST = 20000 };
static uint16_t truth[MOST], labels[MOST];

/* Labels 0, 1, ..., classes - 1, 0, 1, ... */
static void set_labels(size_t samples, uint32_t classes)
{
    for (size_t i = 0; i < samples; i++)
        truth[i] = labels[i] = (uint16_t)(i % classes);
}

static size_t count_changed(size_t samples)
{
    size_t changed = 0;
    for (size_t i = 0; i < samples; i++)
        changed += labels[i] != truth[i];
    return changed;
}

/* Plants what `text` says into set_labels' labels and checks that *planted is the number of changed ones. */
static size_t plant(const char *text, size_t samples, uint32_t classes, uint64_t seed)
{
    struct noise noise;
    uint64_t planted;
    set_labels(samples, classes);
    if (noise_parse(&noise, text) != 0)
        fail_msg("%s", tidy_error_message());
    if (noise_plant(&noise, labels, samples, classes, seed, &planted) != 0)
        fail_msg("%s", tidy_error_message());
    noise_destroy(&noise);
    assert_int_equal(planted, count_changed(samples));
    for (size_t i = 0; i < samples; i++)
        assert_in_range(labels[i], 0, classes - 1);
    return planted;
}

static const char *write_matrix(const char *name, const char *rows)
{
    static char text[512];
    const char *path = support_path(support_scratch_folder(), name);
    support_write_file(path, rows, strlen(rows));
    snprintf(text, sizeof text, "%s", path);
    return text;
}

static void test_every_100_gives_each_100th_sample_a_wrong_label(void **state)
{
    (void)state;
    assert_int_equal(plant("every:100", 6001, 10, 1), 61); /* 0, 100, ..., 6000 */
    for (size_t i = 0; i < 6001; i++)
        assert_int_equal(labels[i] != truth[i], i % 100 == 0);
}

static void test_a_rate_gives_the_exact_count(void **state)
{
    (void)state;
    assert_int_equal(plant("0.01", 6000, 10, 1), 60);
    assert_int_equal(plant("0.01,uniform", 149, 10, 1), 1); /* 1.49 */
    assert_int_equal(plant("0.01,uniform", 150, 10, 1), 2); /* 1.5: half up */
    assert_int_equal(plant("0", 100, 10, 1), 0);
    assert_int_equal(plant("1", 100, 10, 1), 100);
}

static void test_a_rate_draws_samples_from_the_whole_data_set(void **state)
{
    (void)state;
    plant("0.1", MOST, 10, 1);
    /* 2,000 of 20,000: each quarter has 500, standard deviation sqrt(2000 * 1/4 * 3/4 * 0.9) = 18. */
    for (size_t quarter = 0; quarter < 4; quarter++) {
        size_t changed = 0;
        for (size_t i = quarter * MOST / 4; i < (quarter + 1) * MOST / 4; i++)
            changed += labels[i] != truth[i];
        assert_in_range(changed, 500 - 4 * 18, 500 + 4 * 18);
    }
}

static void test_uniform_noise_draws_all_wrong_classes_evenly(void **state)
{
    (void)state;
    size_t given[4] = {0};
    plant("1,uniform", MOST, 4, 3);
    for (size_t i = 0; i < MOST; i++)
        if (truth[i] == 1)
            given[labels[i]]++;
    /* 5,000 samples of class 1, 3 wrong classes: 1,667 each, standard deviation sqrt(5000 * 1/3 * 2/3) = 33. */
    assert_int_equal(given[1], 0);
    for (size_t c = 0; c < 4; c++)
        if (c != 1)
            assert_in_range(given[c], 1667 - 4 * 33, 1667 + 4 * 33);
}

static void test_pair_noise_turns_each_class_into_the_next(void **state)
{
    (void)state;
    assert_int_equal(plant("0.5,pair", 1000, 10, 1), 500);
    for (size_t i = 0; i < 1000; i++)
        if (labels[i] != truth[i])
            assert_int_equal(labels[i], (truth[i] + 1) % 10); /* 9 becomes 0 */
}

static void test_a_seed_gives_the_same_noise_and_another_seed_other_noise(void **state)
{
    (void)state;
    static uint16_t before[MOST];
    plant("0.1", MOST, 10, 1);
    memcpy(before, labels, sizeof before);
    plant("0.1", MOST, 10, 1);
    assert_memory_equal(before, labels, sizeof before);
    plant("0.1", MOST, 10, 2);
    assert_memory_not_equal(before, labels, sizeof before);
}

static void test_a_matrix_with_a_rate_gives_each_cell_its_count_by_largest_remainder(void **state)
{
    (void)state;
    /* 12 samples, 4 a class. Off the diagonal n_true * T: (0,1) 4 * .5 = 2, (1,2) 4 * .25 = 1, (2,0) 4 * .5 = 2,
     * (2,1) 4 * .25 = 1: 6 in all. Of round(12 * .3) = 4 wrong labels they are due 4/3, 2/3, 4/3, 2/3: whole parts
     * 1, 0, 1, 0, and the two that are left go to the largest remainders, 2/3: (1,2) and (2,1). */
    char text[600];
    snprintf(text, sizeof text, "0.3,matrix:%s",
             write_matrix("counts", "# rows: true\n0.5 0.5 0 # class 0\n\n0 .75 .25\n5e-1\t.25 0.25\n"));
    assert_int_equal(plant(text, 12, 3, 1), 4);
    size_t cells[3][3] = {{0}};
    for (size_t i = 0; i < 12; i++)
        cells[truth[i]][labels[i]]++;
    static const size_t expected[3][3] = {{3, 1, 0}, {0, 3, 1}, {1, 1, 2}};
    assert_memory_equal(cells, expected, sizeof cells);
}

static void test_a_matrix_with_a_rate_weighs_classes_by_their_size(void **state)
{
    (void)state;
    static const double matrix[] = {0.8, 0.2, 0.2, 0.8};
    static const uint64_t sizes[] = {90, 10};
    uint64_t counts[4];
    /* 90 * .2 = 18 and 10 * .2 = 2: of 10 wrong labels 9 and 1. */
    assert_int_equal(noise_matrix_counts(counts, matrix, sizes, 2, 10), 0);
    assert_int_equal(counts[0], 0);
    assert_int_equal(counts[1], 9);
    assert_int_equal(counts[2], 1);
    assert_int_equal(counts[3], 0);
}

static void test_a_matrix_with_every_k_draws_from_the_rows_without_their_diagonal(void **state)
{
    (void)state;
    char text[600];
    snprintf(text, sizeof text, "every:2,matrix:%s", write_matrix("draws", "0.9 0.1 0\n0.3 0.6 0.1\n0 0.5 0.5\n"));
    assert_int_equal(plant(text, 18000, 3, 1), 9000);
    size_t cells[3][3] = {{0}};
    for (size_t i = 0; i < 18000; i += 2)
        cells[truth[i]][labels[i]]++;
    assert_int_equal(cells[0][1], 3000);
    assert_int_equal(cells[2][1], 3000);
    /* Class 1 goes to 0 with .3 / .4 = .75: 2,250 of 3,000, standard deviation sqrt(3000 * .75 * .25) = 24. */
    assert_in_range(cells[1][0], 2250 - 4 * 24, 2250 + 4 * 24);
    assert_int_equal(cells[1][0] + cells[1][2], 3000);
}

/* Expects noise_plant to fail with a message that has `expected` in it, and to leave the labels alone. */
static void expect_refusal(const char *text, size_t samples, uint32_t classes, const char *expected)
{
    struct noise noise;
    uint64_t planted;
    set_labels(samples, classes);
    assert_int_equal(noise_parse(&noise, text), 0);
    assert_int_equal(noise_plant(&noise, labels, samples, classes, 1, &planted), TIDY_FAILED);
    noise_destroy(&noise);
    if (strstr(tidy_error_message(), expected) == NULL)
        fail_msg("'%s' has no '%s'", tidy_error_message(), expected);
    assert_int_equal(count_changed(samples), 0);
}

static void test_noise_that_the_labels_cannot_have_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    char text[600];
    expect_refusal("0.5", 100, 1, "one class");
    snprintf(text, sizeof text, "0.1,matrix:%s", write_matrix("two", "0.5 0.5\n0.5 0.5\n"));
    expect_refusal(text, 100, 3, "for 2 classes, the data set has 3");
    /* All noise is class 0's, which has 50 samples of 100. */
    snprintf(text, sizeof text, "0.6,matrix:%s", write_matrix("full", "0.5 0.5\n0 1\n"));
    expect_refusal(text, 100, 2, "60 wrong labels in class 0, which has 50");
    snprintf(text, sizeof text, "every:3,matrix:%s", write_matrix("row", "0.5 0.5\n0 1\n"));
    expect_refusal(text, 100, 2, "sample 3 is of class 1");
    snprintf(text, sizeof text, "0.1,matrix:%s", write_matrix("identity", "1 0\n0 1\n"));
    expect_refusal(text, 100, 2, "nothing off the diagonal");
}

static void test_a_specification_that_means_nothing_is_wrong_usage(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",     "every",       "every:0", "every:x",    "every:",      "1.5",      "-0.1", "nan",
        "0.1,", "0.1,unifrom", ",pair",   "0.1,matrix", "0.1,matrix:", "every:-5", "inf",  "0.1,pair,uniform"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct noise noise;
        if (noise_parse(&noise, wrong[i]) != TIDY_USAGE)
            fail_msg("'%s' was taken", wrong[i]);
        assert_non_null(strstr(tidy_error_message(), "--noise"));
        noise_destroy(&noise);
    }
}

static void test_a_matrix_file_that_is_none_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *rows, *expected;
    } wrong[] = {
        {"", "has no numbers"},
        {"# nothing\n", "has no numbers"},
        {"1 0\n0 1\n0 1\n", "3 rows of 2"},
        {"0.5 0.5\n", "1 rows of 2"},
        {"0.5 0.5\n1\n", "line 2 has 1 numbers"},
        {"0.5 x\n0 1\n", "line 1: 'x' is not a number"},
        {"0.5 0.5z\n0 1\n", "line 1: '0.5z' is not a number"},
        {"1 0\n\n-0.5 1.5\n", "line 3: -0.5 is not a probability"},
        {"nan 0\n0 1\n", "line 1: nan is not a probability"},
        {"inf 0\n0 1\n", "line 1: inf is not a probability"},
        {"0.5 0.5\n0.5 0.6\n", "row 2 (class 1) sums to 1.1"},
        {"0.5 0.500002\n0 1\n", "row 1 (class 0) sums to 1.000002"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct noise noise;
        char text[600];
        snprintf(text, sizeof text, "0.1,matrix:%s", write_matrix("wrong", wrong[i].rows));
        assert_int_equal(noise_parse(&noise, text), TIDY_FAILED);
        if (strstr(tidy_error_message(), wrong[i].expected) == NULL)
            fail_msg("'%s' has no '%s'", tidy_error_message(), wrong[i].expected);
        noise_destroy(&noise);
    }
    struct noise noise;
    assert_int_equal(noise_parse(&noise, "0.1,matrix:/nowhere/at/all"), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "/nowhere/at/all: cannot be opened"));
    char folder[600];
    snprintf(folder, sizeof folder, "0.1,matrix:%s", support_scratch_folder());
    assert_int_equal(noise_parse(&noise, folder), TIDY_FAILED);
    noise_destroy(&noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_100_gives_each_100th_sample_a_wrong_label),
        cmocka_unit_test(test_a_rate_gives_the_exact_count),
        cmocka_unit_test(test_a_rate_draws_samples_from_the_whole_data_set),
        cmocka_unit_test(test_uniform_noise_draws_all_wrong_classes_evenly),
        cmocka_unit_test(test_pair_noise_turns_each_class_into_the_next),
        cmocka_unit_test(test_a_seed_gives_the_same_noise_and_another_seed_other_noise),
        cmocka_unit_test(test_a_matrix_with_a_rate_gives_each_cell_its_count_by_largest_remainder),
        cmocka_unit_test(test_a_matrix_with_a_rate_weighs_classes_by_their_size),
        cmocka_unit_test(test_a_matrix_with_every_k_draws_from_the_rows_without_their_diagonal),
        cmocka_unit_test(test_noise_that_the_labels_cannot_have_is_refused_and_changes_nothing),
        cmocka_unit_test(test_a_specification_that_means_nothing_is_wrong_usage),
        cmocka_unit_test(test_a_matrix_file_that_is_none_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
