/* Confident learning's filters against cleanlab's own sets (fixtures/confident_filters.tsv), and by hand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/confident_learning.h"
#include "analyze/lowest.h"
#include "common/error.h"
#include "tests/support/support.h"

enum { MOST_SAMPLES = 64, MOST_CLASSES = 8 };

/* Vectors in memory, visited in either direction. */
struct table {
    size_t samples;
    uint32_t classes;
    uint16_t labels[MOST_SAMPLES];
    double rows[MOST_SAMPLES][MOST_CLASSES];
    bool backwards;
    int fails_after; /* visits; 0: never */
};

static int each(void *context, int (*visit)(void *visitor, size_t sample, const double *probabilities),
                void *visitor)
{
    struct table *table = context;
    for (size_t i = 0; i < table->samples; i++) {
        size_t sample = table->backwards ? table->samples - 1 - i : i;
        if (table->fails_after > 0 && --table->fails_after == 0)
            return tidy_fail("the log is damaged");
        int status = visit(visitor, sample, table->rows[sample]);
        if (status != 0)
            return status;
    }
    return 0;
}

static struct probability_vectors vectors_of(struct table *table)
{
    return (struct probability_vectors){table->samples, table->classes, table->labels, each, table};
}

/* ---- cleanlab's sets -------------------------------------------------------------------------------------- */

static const char *const filter_names[CONFIDENT_FILTERS] = {
    [CONFIDENT_LEARNING] = "confident_learning",       [PRUNE_BY_CLASS] = "prune_by_class",
    [PRUNE_BY_NOISE_RATE] = "prune_by_noise_rate",     [PRUNE_BY_BOTH] = "both",
    [PREDICTED_NEQ_GIVEN] = "predicted_neq_given",     [LOW_SELF_CONFIDENCE] = "low_self_confidence",
    [LOW_NORMALIZED_MARGIN] = "low_normalized_margin",
};

static void check_case(struct table *table, const char *name, char flags[MOST_SAMPLES][16])
{
    bool flagged[MOST_SAMPLES];
    for (int filter = 0; filter < CONFIDENT_FILTERS; filter++)
        for (int direction = 0; direction < 2; direction++) {
            table->backwards = direction == 1;
            const struct probability_vectors vectors = vectors_of(table);
            assert_int_equal(confident_learning_flag(flagged, (enum confident_filter)filter, &vectors), 0);
            for (size_t i = 0; i < table->samples; i++)
                if (flagged[i] != (flags[i][filter] == '1'))
                    fail_msg("%s, %s: sample %zu%s", name, filter_names[filter], i,
                             direction == 1 ? ", visited backwards" : "");
        }
}

static void test_sets_are_cleanlabs_whatever_the_order_of_visits(void **state)
{
    (void)state;
    static struct table table;
    static char flags[MOST_SAMPLES][16];
    char name[16], last[16] = "";
    size_t bytes, cases = 0;
    char *text = support_read_file(
        support_path(getenv("TIDY_SOURCE"), "tests/analyze/fixtures/confident_filters.tsv"), &bytes);
    char *rest = text, *line = strsep(&rest, "\n");
    while (line != NULL) {
        line = strsep(&rest, "\n");
        int used = 0, label = 0;
        bool more =
            line != NULL && sscanf(line, "%15s %d %15s%n", name, &label, flags[MOST_SAMPLES - 1], &used) == 3;
        if (table.samples > 0 && (!more || strcmp(name, last) != 0)) {
            check_case(&table, last, flags);
            table.samples = 0;
            cases++;
        }
        if (!more)
            break;
        strcpy(last, name);
        strcpy(flags[table.samples], flags[MOST_SAMPLES - 1]);
        table.labels[table.samples] = (uint16_t)label;
        table.classes = 0;
        for (char *at = line + used; *at != 0;)
            table.rows[table.samples][table.classes++] = strtod(at, &at);
        table.samples++;
    }
    assert_int_equal(cases, 4);
    free(text);
}

/* ---- by hand ---------------------------------------------------------------------------------------------- */

/* Thresholds are 0.6 = (0.9 + 0.8 + 0.1) / 3 and 0.75 = (0.7 + 0.8) / 2. Samples 0 and 1 are confident for 0, 2
 * for 1, 3 for none and 4 for 1. */
static struct table small(void)
{
    return (struct table){.samples = 5,
                          .classes = 2,
                          .labels = {0, 0, 0, 1, 1},
                          .rows = {{0.9, 0.1}, {0.8, 0.2}, {0.1, 0.9}, {0.3, 0.7}, {0.2, 0.8}}};
}

static void check_joint(struct table *table, const uint32_t counts[4])
{
    struct confident_joint joint;
    const struct probability_vectors vectors = vectors_of(table);
    assert_int_equal(confident_joint_create(&joint, &vectors, false), 0);
    assert_memory_equal(joint.counts, counts, 4 * sizeof *counts);
    assert_near(joint.thresholds[0], 0.6, 1e-12);
    confident_joint_destroy(&joint);
}

static void test_the_joint_counts_who_is_confident_for_what(void **state)
{
    (void)state;
    struct table table = small();
    check_joint(&table, (uint32_t[]){2, 1, 0, 1});
}

static void test_samples_without_a_vector_take_no_part(void **state)
{
    (void)state;
    struct table table = small();
    table.samples = 6;
    table.labels[5] = 0;
    table.rows[5][0] = table.rows[5][1] = NAN;
    check_joint(&table, (uint32_t[]){2, 1, 0, 1});
    const struct probability_vectors vectors = vectors_of(&table);
    for (int filter = 0; filter < CONFIDENT_FILTERS; filter++) {
        bool flagged[6];
        assert_int_equal(confident_learning_flag(flagged, (enum confident_filter)filter, &vectors), 0);
        assert_false(flagged[5]);
        assert_true(flagged[2]); /* every filter finds the wrong label, whose quality is the lowest */
    }
}

/* As in the small table, but a sample of label 1 is short of threshold 0 by half a millionth, which is near
 * enough. Threshold 1 is then 0.63, which sample 3 reaches. */
static void test_a_threshold_is_reached_from_a_millionth_below(void **state)
{
    (void)state;
    struct table table = small();
    table.samples = 6;
    table.labels[5] = 1;
    table.rows[5][0] = 0.6 - 5e-7;
    table.rows[5][1] = 0.4 + 5e-7;
    check_joint(&table, (uint32_t[]){2, 1, 1, 2});
    table.rows[5][0] = 0.6 - 2e-6;
    check_joint(&table, (uint32_t[]){2, 1, 0, 2});
}

static void test_of_equal_values_the_smaller_samples_are_kept_in_any_order(void **state)
{
    (void)state;
    static const uint32_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < 6; i++) {
        struct lowest lowest;
        bool flagged[4] = {false};
        assert_int_equal(lowest_create(&lowest, 3), 0);
        lowest_offer(&lowest, 0.5, 3);
        for (size_t k = 0; k < 3; k++)
            lowest_offer(&lowest, 0.7, orders[i][k]);
        lowest_flag(&lowest, flagged);
        lowest_destroy(&lowest);
        assert_true(flagged[0] && flagged[1] && !flagged[2] && flagged[3]);
    }
}

/* argmax of (0.5 - 5e-7, 0.5) is 1; the label 0 is within 1e-6 of it. */
static void test_a_label_within_a_millionth_of_the_largest_is_spared(void **state)
{
    (void)state;
    struct table table = {.samples = 3,
                          .classes = 2,
                          .labels = {0, 0, 1},
                          .rows = {{0.5 - 5e-7, 0.5}, {0.5 - 2e-6, 0.5}, {0.1, 0.9}}};
    bool flagged[3];
    const struct probability_vectors vectors = vectors_of(&table);
    assert_int_equal(confident_learning_flag(flagged, PREDICTED_NEQ_GIVEN, &vectors), 0);
    assert_false(flagged[0]);
    assert_true(flagged[1]);
}

static void test_one_class_has_no_wrong_labels(void **state)
{
    (void)state;
    struct table table = {.samples = 3, .classes = 1, .rows = {{1}, {1}, {1}}};
    const struct probability_vectors vectors = vectors_of(&table);
    for (int filter = 0; filter < CONFIDENT_FILTERS; filter++) {
        bool flagged[3];
        assert_int_equal(confident_learning_flag(flagged, (enum confident_filter)filter, &vectors), 0);
        assert_false(flagged[0] || flagged[1] || flagged[2]);
    }
}

static void test_a_log_that_cannot_be_read_ends_it_in_every_pass(void **state)
{
    (void)state;
    for (int visits = 1; visits <= 15; visits++) {
        struct table table = small();
        bool flagged[5];
        table.fails_after = visits;
        const struct probability_vectors vectors = vectors_of(&table);
        assert_int_equal(confident_learning_flag(flagged, PRUNE_BY_NOISE_RATE, &vectors), TIDY_FAILED);
        assert_string_equal(tidy_error_message(), "the log is damaged");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_are_cleanlabs_whatever_the_order_of_visits),
        cmocka_unit_test(test_the_joint_counts_who_is_confident_for_what),
        cmocka_unit_test(test_samples_without_a_vector_take_no_part),
        cmocka_unit_test(test_a_threshold_is_reached_from_a_millionth_below),
        cmocka_unit_test(test_of_equal_values_the_smaller_samples_are_kept_in_any_order),
        cmocka_unit_test(test_a_label_within_a_millionth_of_the_largest_is_spared),
        cmocka_unit_test(test_one_class_has_no_wrong_labels),
        cmocka_unit_test(test_a_log_that_cannot_be_read_ends_it_in_every_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
