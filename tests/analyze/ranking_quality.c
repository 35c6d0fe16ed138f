/* Evaluation against the truth: hand calculations, and scikit-learn on larger cases with ties (fixtures/). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/evaluation.h"
#include "analyze/ranking.h"
#include "common/error.h"
#include "tests/support/support.h"

enum { MOST = 1000 };

static struct truth truth_of(bool *mislabelled, size_t samples)
{
    struct truth truth = {.mislabelled = mislabelled, .samples = samples};
    for (size_t i = 0; i < samples; i++)
        truth.count += mislabelled[i];
    return truth;
}

static struct rank_quality quality_of(const float *keys, bool *mislabelled, size_t samples)
{
    struct ranking ranking;
    const struct truth truth = truth_of(mislabelled, samples);
    assert_int_equal(ranking_create(&ranking, keys, samples), 0);
    struct rank_quality quality = rank_quality_of(&ranking, &truth);
    ranking_destroy(&ranking);
    return quality;
}

static void check_real(double value, double expected)
{
    if (isnan(expected) ? !isnan(value) : !(fabs(value - expected) < 1e-9))
        fail_msg("%.12g, not %.12g", value, expected);
}

/* Ranked: hit, miss, hit, miss, miss. Precision at the hits 1/1 and 2/3. Of the 2 x 3 pairs of hit and miss, all 3
 * of the first hit and 2 of the second are in order. F1 at the five cuts: 2/3, 1/2, 4/5, 2/3, 4/7. */
static void test_hits_at_first_and_third_place(void **state)
{
    (void)state;
    const struct rank_quality quality =
        quality_of((float[]){9, 8, 7, 6, 5}, (bool[]){true, false, true, false, false}, 5);
    check_real(quality.average_precision, (1 + 2.0 / 3) / 2);
    check_real(quality.auroc, 5.0 / 6);
    check_real(quality.best_f1, 4.0 / 5);
}

/* One tie of all: average precision goes by sample index, hits at places 2 and 4: (1/2 + 2/4) / 2; each pair counts
 * half; the one threshold there is flags all: 2 x 2 / (4 + 2). */
static void test_ties_go_by_index_in_ap_and_count_half_in_auroc(void **state)
{
    (void)state;
    const struct rank_quality quality = quality_of((float[]){1, 1, 1, 1}, (bool[]){false, true, false, true}, 4);
    check_real(quality.average_precision, 0.5);
    check_real(quality.auroc, 0.5);
    check_real(quality.best_f1, 2.0 / 3);
}

/* Ranked: sample 2 (hit), then 0 (miss) and the unscored 1 (hit) and 3 (miss) by index: hits at places 1 and 3.
 * Pairs: of sample 2 both; of sample 1 none with 0, half with 3. F1 of the two thresholds: 2/3 and 2/4. */
static void test_the_unscored_come_last(void **state)
{
    (void)state;
    const struct rank_quality quality =
        quality_of((float[]){1, NAN, 2, NAN}, (bool[]){false, true, true, false}, 4);
    check_real(quality.average_precision, (1 + 2.0 / 3) / 2);
    check_real(quality.auroc, 2.5 / 4);
    check_real(quality.best_f1, 2.0 / 3);
}

static void test_what_is_undefined_is_nan(void **state)
{
    (void)state;
    struct rank_quality quality = quality_of((float[]){1, 2}, (bool[]){false, false}, 2);
    check_real(quality.average_precision, NAN);
    check_real(quality.auroc, NAN);
    check_real(quality.best_f1, NAN);
    quality = quality_of((float[]){1, 2}, (bool[]){true, true}, 2);
    check_real(quality.average_precision, 1);
    check_real(quality.auroc, NAN);
    check_real(quality.best_f1, 1);

    const struct truth two = {.samples = 10, .count = 2}, none = {.samples = 10};
    check_real(set_quality_of(0, 0, &two).precision, NAN);
    check_real(set_quality_of(0, 0, &two).recall, 0);
    check_real(set_quality_of(0, 0, &two).f1, 0);
    check_real(set_quality_of(3, 0, &none).recall, NAN);
    check_real(set_quality_of(3, 0, &none).f1, 0);
    check_real(set_quality_of(0, 0, &none).f1, NAN);
}

/* Four flagged, three of them among the five that are wrong. */
static void test_precision_recall_and_f1_of_a_set(void **state)
{
    (void)state;
    bool flagged[] = {true, true, true, true, false, false, false};
    bool wrong[] = {true, true, true, false, true, true, false};
    const struct truth truth = truth_of(wrong, 7);
    const struct set_quality quality = set_quality_of_flags(flagged, &truth);
    assert_int_equal(quality.flagged, 4);
    assert_int_equal(quality.hits, 3);
    check_real(quality.precision, 3.0 / 4);
    check_real(quality.recall, 3.0 / 5);
    check_real(quality.f1, 6.0 / 9);
}

static void test_a_sweep_has_one_threshold_a_distinct_key(void **state)
{
    (void)state;
    const float keys[] = {2, 5, 5, NAN, 2, 9};
    bool wrong[] = {false, true, false, true, false, true};
    const size_t flagged[] = {1, 3, 5}, hits[] = {1, 2, 2};
    const float thresholds[] = {9, 5, 2};
    const struct truth truth = truth_of(wrong, 6);
    struct ranking ranking;
    struct set_quality quality;
    float key;
    size_t count = 0;
    assert_int_equal(ranking_create(&ranking, keys, 6), 0);
    for (struct sweep sweep = {.ranking = &ranking, .truth = &truth}; sweep_next(&sweep, &key, &quality); count++) {
        assert_true(count < 3 && key == thresholds[count]);
        assert_int_equal(quality.flagged, flagged[count]);
        assert_int_equal(quality.hits, hits[count]);
    }
    assert_int_equal(count, 3);
    ranking_destroy(&ranking);
}

static void test_rankings_agree_with_scikit_learn(void **state)
{
    (void)state;
    size_t bytes, count = 0, cases = 0;
    char *text = support_read_file(
        support_path(getenv("TIDY_SOURCE"), "tests/analyze/fixtures/ranking_quality.tsv"), &bytes);
    char *rest = text, *line = strsep(&rest, "\n"), name[32], last[32] = "";
    static float keys[MOST];
    static bool wrong[MOST];
    double expected[3] = {0};
    while ((line = strsep(&rest, "\n")) != NULL) {
        float key = 0;
        int is_wrong = 0;
        double figures[3];
        bool more = sscanf(line, "%31s %f %d %lf %lf %lf", name, &key, &is_wrong, &figures[0], &figures[1],
                           &figures[2]) == 6;
        if (count > 0 && (!more || strcmp(name, last) != 0)) {
            const struct rank_quality quality = quality_of(keys, wrong, count);
            check_real(quality.average_precision, expected[0]);
            check_real(quality.auroc, expected[1]);
            check_real(quality.best_f1, expected[2]);
            count = 0;
            cases++;
        }
        if (!more)
            break;
        strcpy(last, name);
        memcpy(expected, figures, sizeof expected);
        keys[count] = key;
        wrong[count++] = is_wrong == 1;
    }
    assert_int_equal(cases, 3);
    free(text);
}

static void test_truth_that_is_not_known_says_so(void **state)
{
    (void)state;
    struct truth truth;
    const uint16_t labels[] = {1, 2};
    assert_int_equal(truth_create(&truth, &(struct tidylog_run){.samples = 2, .labels = labels}, "run.tidy"),
                     TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "run.tidy: the true labels are not known"));
    truth_destroy(&truth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hits_at_first_and_third_place),
        cmocka_unit_test(test_ties_go_by_index_in_ap_and_count_half_in_auroc),
        cmocka_unit_test(test_the_unscored_come_last),
        cmocka_unit_test(test_what_is_undefined_is_nan),
        cmocka_unit_test(test_precision_recall_and_f1_of_a_set),
        cmocka_unit_test(test_a_sweep_has_one_threshold_a_distinct_key),
        cmocka_unit_test(test_rankings_agree_with_scikit_learn),
        cmocka_unit_test(test_truth_that_is_not_known_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
