/* What becomes of samples that a run left out, or labelled otherwise than the data set, when its labels are
 * cleaned. */
#include "tests/support/support.h"

#include <math.h>
#include <string.h>

#include "analyze/cleaning.h"
#include "common/error.h"
#include "common/label_file.h"

enum { SAMPLES = 6, OUT = LABEL_LEFT_OUT };

/* Sample 2 is a probe of the extra class 3, sample 4 was left out. Wrong labels: 1, and 4, which does not count. */
static const uint16_t trained[SAMPLES] = {0, 1, 3, 0, 1, 2}, given[SAMPLES] = {0, 1, 2, 0, 1, 2};
static const uint16_t truth[SAMPLES] = {0, 2, 2, 0, 0, 2};
static const uint16_t parts[SAMPLES] = {0, 0, 0, TIDYLOG_SECOND_SPLIT, TIDYLOG_LEFT_OUT, 0};
static const struct tidylog_run run = {.samples = SAMPLES,
                                       .classes = 4,
                                       .labels = trained,
                                       .given = given,
                                       .probes = "threshold-samples",
                                       .parts = parts,
                                       .truth = truth};
static const struct suggestion suggestions[SAMPLES] = {{0, 1}, {2, 0.75f}, {0, NAN}, {1, 1}, {1, NAN}, {2, NAN}};

static void assert_labels(const struct cleaning *cleaning, const uint16_t expected[SAMPLES])
{
    for (int i = 0; i < SAMPLES; i++)
        assert_int_equal(cleaning->labels[i], expected[i]);
}

static void test_labels_begin_as_the_data_sets_and_what_was_left_out_stays_out(void **state)
{
    (void)state;
    struct cleaning cleaning;
    const struct cleaning_list lists[CLEANING_KINDS] = {0};
    assert_int_equal(cleaning_create(&cleaning, &run, lists, NULL), 0);
    assert_labels(&cleaning, (const uint16_t[]){0, 1, 2, 0, OUT, 2});
    assert_int_equal(cleaning.as_given, 5);
    assert_int_equal(cleaning.left_out, 1);
    assert_int_equal(cleaning.before, 5);
    assert_int_equal(cleaning.wrong_before, 1);
    assert_int_equal(cleaning.wrong, 1);
    cleaning_destroy(&cleaning);
}

static void test_each_list_does_its_own(void **state)
{
    (void)state;
    struct cleaning cleaning;
    struct cleaning_list lists[CLEANING_KINDS] = {
        [CLEANING_DROP] = {"drop", {.samples = (uint32_t[]){0, 4}, .count = 2}},
        [CLEANING_RELABEL] = {"relabel", {.samples = (uint32_t[]){1, 3}, .count = 2}},
    };
    assert_int_equal(cleaning_create(&cleaning, &run, lists, suggestions), 0);
    assert_labels(&cleaning, (const uint16_t[]){OUT, 2, 2, 1, OUT, 2});
    assert_int_equal(cleaning.as_given, 2);
    assert_int_equal(cleaning.changed, 2);
    assert_int_equal(cleaning.left_out, 2);
    assert_int_equal(cleaning.wrong, 1); /* 1 is right now, and 3 is wrong */
    cleaning_destroy(&cleaning);

    /* A list's own labels go before suggestions; with a list to keep the others are left out. */
    lists[CLEANING_RELABEL].list.labels = (uint16_t[]){0, 0};
    lists[CLEANING_KEEP] = (struct cleaning_list){"keep", {.samples = (uint32_t[]){2}, .count = 1}};
    assert_int_equal(cleaning_create(&cleaning, &run, lists, NULL), 0);
    assert_labels(&cleaning, (const uint16_t[]){OUT, 0, 2, 0, OUT, OUT});
    assert_int_equal(cleaning.as_given, 2); /* 3's new label is the old one */
    cleaning_destroy(&cleaning);
}

static void assert_refused(enum cleaning_kind kind, uint32_t sample, const char *message)
{
    struct cleaning cleaning;
    struct cleaning_list lists[CLEANING_KINDS] = {
        [CLEANING_DROP] = {"drop", {.samples = (uint32_t[]){0}, .count = 1}},
    };
    lists[kind] = (struct cleaning_list){"list", {.samples = &sample, .count = 1}};
    assert_int_equal(cleaning_create(&cleaning, &run, lists, suggestions), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), message));
    cleaning_destroy(&cleaning);
}

static void test_what_contradicts_is_refused(void **state)
{
    (void)state;
    assert_refused(CLEANING_KEEP, 0, "sample 0 is in two lists, drop and list");
    assert_refused(CLEANING_KEEP, 4, "list: sample 4 was left out of the run");
    assert_refused(CLEANING_RELABEL, 4, "list: sample 4 was left out of the run");
    assert_refused(CLEANING_RELABEL, 5, "list: sample 5 was never presented");
    assert_refused(CLEANING_RELABEL, 2, "list: sample 2 was trained on another label than the given one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_begin_as_the_data_sets_and_what_was_left_out_stays_out),
        cmocka_unit_test(test_each_list_does_its_own),
        cmocka_unit_test(test_what_contradicts_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
