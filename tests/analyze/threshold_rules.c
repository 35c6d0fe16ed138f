/* Threshold rules: what is flagged, against hand calculations, scikit-learn and SciPy (fixtures/). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/automatic.h"
#include "analyze/analysis.h"
#include "analyze/ranking.h"
#include "analyze/thresholds.h"
#include "common/error.h"
#include "tests/support/support.h"

enum { MOST = 1000 };

static const struct score_row high_row = {.name = "high", .suspicious = SUSPICIOUS_HIGH};
static const struct score_row low_row = {.name = "low", .suspicious = SUSPICIOUS_LOW};

static const struct tidylog_run no_probes;

/* Applies a rule to values, of which the suspicious end is high or low. Returns the status. */
static int apply(const struct tidylog_run *run, const char *rule, const float *values, size_t count, bool high,
                 bool *flagged, size_t *flag_count)
{
    static float keys[MOST];
    const struct score score = {.row = high ? &high_row : &low_row, .name = "score"};
    struct analysis analysis = {.path = "run.tidy", .run = run};
    struct threshold threshold;
    struct ranking ranking;
    for (size_t i = 0; i < count; i++)
        keys[i] = high ? values[i] : -values[i];
    int status = threshold_parse(&threshold, rule);
    if (status != 0)
        return status;
    assert_int_equal(ranking_create(&ranking, keys, count), 0);
    status = threshold_apply(&threshold, &analysis, &score, &ranking, flagged, flag_count);
    ranking_destroy(&ranking);
    return status;
}

/* `expected` has a character a value: '!' flagged, '.' not. */
static void check_run(const struct tidylog_run *run, const char *rule, const float *values, bool high,
                      const char *expected)
{
    bool flagged[64];
    size_t count, wanted = 0;
    char got[65] = {0};
    if (apply(run, rule, values, strlen(expected), high, flagged, &count) != 0)
        fail_msg("%s: %s", rule, tidy_error_message());
    for (size_t i = 0; expected[i] != 0; i++) {
        got[i] = flagged[i] ? '!' : '.';
        wanted += expected[i] == '!';
    }
    if (strcmp(got, expected) != 0)
        fail_msg("%s, %s is suspicious: flagged %s, not %s", rule, high ? "high" : "low", got, expected);
    assert_int_equal(count, wanted);
}

static void check(const char *rule, const float *values, bool high, const char *expected)
{
    check_run(&no_probes, rule, values, high, expected);
}

/* Mean 2, deviation 2 over the eight values; over seven it would be 2.14, and mean+0.99std would be past 4. */
static void test_deviation_is_of_the_population_and_strictly_past(void **state)
{
    (void)state;
    const float values[] = {0, 0, 0, 0, 4, 4, 4, 4};
    check("mean+1std", values, true, "........");
    check("mean+0.99std", values, true, "....!!!!");
    check("mean+0.99std", values, false, "!!!!....");
    check("mean+-1.01std", values, true, "!!!!!!!!");
    check("mean+0std", values, true, "....!!!!");
}

static void test_top_rounds_the_share_of_all_samples(void **state)
{
    (void)state;
    const float values[] = {5, 1, 4, 2, 3, NAN};
    check("top:0", values, true, "......");
    check("top:0.24", values, true, "!....."); /* 1.44 */
    check("top:0.25", values, true, "!.!..."); /* 1.5, away from zero */
    check("top:0.25", values, false, ".!.!..");
    check("top:1", values, true, "!!!!!!"); /* all means all, also those without a value */
}

static void test_count_takes_ties_by_sample_index(void **state)
{
    (void)state;
    const float values[] = {1, 7, 7, 7, NAN};
    check("count:0", values, true, ".....");
    check("count:2", values, true, ".!!..");
    check("count:4", values, true, "!!!!.");
    check("count:5", values, true, "!!!!!");
}

/* Samples 2 and 3 are probes, and 3 was none in another run, which has a value of it. */
static void test_a_probe_without_a_value_is_never_flagged(void **state)
{
    (void)state;
    static const uint16_t given[] = {0, 0, 0, 0, 0}, labels[] = {0, 0, 1, 1, 0};
    const struct tidylog_run run = {.samples = 5, .classes = 2, .labels = labels, .given = given};
    const float values[] = {1, 2, NAN, 3, NAN};
    check_run(&run, "top:1", values, true, "!!.!!");
    check_run(&run, "count:2", values, true, ".!.!.");
    check_run(&run, "count:5", values, true, "!!.!!");
}

static void test_value_includes_the_value_itself(void **state)
{
    (void)state;
    const float values[] = {-0.5f, 0.1f, 0.7f, NAN};
    check("value:0.1", values, true, ".!!.");
    check("value:0.1", values, false, "!!..");
    check("value:-0.5", values, false, "!...");
    check("value:1e30", values, true, "....");
}

/* Infinite: such as never-learned samples in mean-correct-epoch-or-never. The mean of 1 1 1 1 6 is 2, its deviation 2. */
static void test_infinite_ranks_pass_every_threshold_and_move_none(void **state)
{
    (void)state;
    const float values[] = {1, 1, 1, 1, 6, INFINITY, NAN};
    check("mean+1.9std", values, true, "....!!.");
    check("mean+2.1std", values, true, ".....!.");
    check("value:100", values, true, ".....!.");
    check("otsu", values, true, "....!!.");
    check("gmm", values, true, "....!!.");
    check("bmm", values, true, ".....!."); /* 1 1 1 1 is what the percentiles leave: one group */
}

static void test_equal_values_are_one_group_of_which_none_is_flagged(void **state)
{
    (void)state;
    const float values[] = {3, 3, 3, 3}, none[] = {NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < 4; i++) {
        const char *rule = ((const char *[]){"gmm", "bmm", "otsu", "mean+0std"})[i];
        check(rule, values, true, "....");
        check(rule, values, false, "....");
        check(rule, none, true, "....");
    }
}

/* A broad suspicious Gaussian is more likely again beyond the narrow clean one, where the cleanest samples are. */
static void test_mixtures_never_flag_on_the_clean_side(void **state)
{
    (void)state;
    static float values[MOST];
    static bool flagged[MOST];
    size_t count;
    for (size_t i = 0; i < 900; i++)
        values[i] = 0.5f + 0.0001f * (float)i / 900; /* narrow */
    for (size_t i = 900; i < MOST; i++)
        values[i] = 0.3f + 1.2f * (float)(i - 900) / 100; /* broad: scikit-learn flags 9 of these below 0.5, too */
    for (size_t rule = 0; rule < 2; rule++) {
        assert_int_equal(
            apply(&no_probes, ((const char *[]){"gmm", "bmm"})[rule], values, MOST, true, flagged, &count), 0);
        assert_true(count > 0);
        for (size_t i = 0; i < MOST; i++)
            if (flagged[i])
                assert_true(values[i] > 0.5f);
    }
}

static void test_mixtures_and_otsu_agree_with_scikit_learn_and_scipy(void **state)
{
    (void)state;
    size_t bytes, cases = 0;
    char *text =
        support_read_file(support_path(getenv("TIDY_SOURCE"), "tests/analyze/fixtures/two_groups.tsv"), &bytes);
    char *rest = text, *line = strsep(&rest, "\n"), name[32], last[32] = "";
    static float values[MOST];
    static int gmm[MOST], otsu[MOST], bmm[MOST];
    size_t count = 0;
    while ((line = strsep(&rest, "\n")) != NULL) {
        float value = 0;
        int g = 0, o = 0, b = 0;
        bool more = sscanf(line, "%31s %f %d %d %d", name, &value, &g, &o, &b) == 5;
        if (count > 0 && (!more || strcmp(name, last) != 0)) {
            static bool flagged[MOST];
            size_t flag_count;
            for (int high = 0; high < 2; high++, cases++) {
                for (size_t i = 0; i < count; i++)
                    values[i] =
                        -values[i]; /* first turned round, with low as the suspicious end, then as they are */
                assert_int_equal(apply(&no_probes, "gmm", values, count, high == 1, flagged, &flag_count), 0);
                for (size_t i = 0; i < count; i++)
                    if (flagged[i] != (gmm[i] == 1))
                        fail_msg("gmm, %s: value %g", last, (double)values[i]);
                assert_int_equal(apply(&no_probes, "otsu", values, count, high == 1, flagged, &flag_count), 0);
                for (size_t i = 0; i < count; i++)
                    if (flagged[i] != (otsu[i] == 1))
                        fail_msg("otsu, %s: value %g", last, (double)values[i]);
                assert_int_equal(apply(&no_probes, "bmm", values, count, high == 1, flagged, &flag_count), 0);
                for (size_t i = 0; i < count; i++)
                    if (flagged[i] != (bmm[i] == 1))
                        fail_msg("bmm, %s: value %g", last, (double)values[i]);
            }
            count = 0;
        }
        if (!more)
            break;
        strcpy(last, name);
        values[count] = value;
        gmm[count] = g;
        bmm[count] = b;
        otsu[count++] = o;
    }
    assert_int_equal(cases, 2 * 4);
    free(text);
}

static void test_wrong_rules_say_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *message;
    } rows[] = {
        {"gnm", "unknown threshold rule 'gnm'; did you mean 'gmm'?"},
        {"median", "unknown threshold rule 'median'; 'tidy-analyze flag --help' lists them"},
        {"", "unknown threshold rule ''; 'tidy-analyze"},
        {"otsu:3", "unknown threshold rule 'otsu:3'; did you mean 'otsu'?"},
        {"mean+std", "threshold 'mean+std': '' is not a number"},
        {"mean+xstd", "threshold 'mean+xstd': 'x' is not a number"},
        {"mean+nanstd", "threshold 'mean+nanstd': 'nan' is not a number"},
        {"top:", "threshold 'top:': '' is not a number"},
        {"top:1.01", "threshold 'top:1.01': 1.01 is out of range (0 to 1)"},
        {"top:-0.1", "threshold 'top:-0.1': -0.1 is out of range (0 to 1)"},
        {"count:1.5", "threshold 'count:1.5': '1.5' is not a whole number"},
        {"count:4", "threshold 'count:4': run.tidy has only 3 samples"},
        {"value:inf", "threshold 'value:inf': 'inf' is not a number"},
        {"value:1e39", "threshold 'value:1e39': 1e39 is out of range"},
        {"value:1000000000000000000000000000000000000000000000000000000000000000", "the number is too long"},
    };
    bool flagged[3];
    size_t count;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(apply(&no_probes, rows[i].rule, (float[]){1, 2, 3}, 3, true, flagged, &count), TIDY_USAGE);
        if (strstr(tidy_error_message(), rows[i].message) == NULL)
            fail_msg("'%s' says: %s", rows[i].rule, tidy_error_message());
    }
}

static void test_labels_learnt_by_heart_are_noticed(void **state)
{
    (void)state;
    struct tidylog_epoch epochs[] = {{.accuracy = 0.7, .test_accuracy = 0.8},
                                     {.accuracy = 0.897, .test_accuracy = 0.674}};
    assert_false(automatic_learnt_by_heart(epochs, 0));
    assert_false(automatic_learnt_by_heart(epochs, 1));
    assert_true(automatic_learnt_by_heart(epochs, 2));
    epochs[1].test_accuracy = 0.85;
    assert_false(automatic_learnt_by_heart(epochs, 2));
    epochs[1].test_accuracy = NAN;
    assert_false(automatic_learnt_by_heart(epochs, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_learnt_by_heart_are_noticed),
        cmocka_unit_test(test_deviation_is_of_the_population_and_strictly_past),
        cmocka_unit_test(test_top_rounds_the_share_of_all_samples),
        cmocka_unit_test(test_count_takes_ties_by_sample_index),
        cmocka_unit_test(test_a_probe_without_a_value_is_never_flagged),
        cmocka_unit_test(test_value_includes_the_value_itself),
        cmocka_unit_test(test_infinite_ranks_pass_every_threshold_and_move_none),
        cmocka_unit_test(test_equal_values_are_one_group_of_which_none_is_flagged),
        cmocka_unit_test(test_mixtures_never_flag_on_the_clean_side),
        cmocka_unit_test(test_mixtures_and_otsu_agree_with_scikit_learn_and_scipy),
        cmocka_unit_test(test_wrong_rules_say_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
