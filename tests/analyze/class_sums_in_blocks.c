/* Sums by class, whatever the memory for them: blocks of samples and further passes give what one pass gives. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/suggestions.h"
#include "common/error.h"
#include "common/random.h"
#include "log_builder.h"
#include "tests/support/support.h"

enum { SAMPLES = 200, CLASSES = 7, EPOCHS = 15 };

static char *path;
static uint16_t labels[SAMPLES], predicted[EPOCHS][SAMPLES];

/* Predictions that are mostly wrong and change from epoch to epoch, so that the lists are long. */
static int setup(void **state)
{
    (void)state;
    struct random_stream random = random_open(5, RANDOM_NOISE, 0);
    for (size_t i = 0; i < SAMPLES; i++)
        labels[i] = (uint16_t)random_below(&random, CLASSES);
    for (size_t t = 0; t < EPOCHS; t++)
        for (size_t i = 0; i < SAMPLES; i++)
            predicted[t][i] = (uint16_t)random_below(&random, CLASSES);
    path = support_path(support_scratch_folder(), "run.tidy");
    const struct tidylog_run run = {.samples = SAMPLES,
                                    .classes = CLASSES,
                                    .batch_size = 16,
                                    .shuffle = true,
                                    .detail = TIDYLOG_FULL,
                                    .labels = labels};
    return log_from_classes(path, run, predicted[0], EPOCHS);
}

static void analyse(struct analysis *out, size_t block_bytes, const char *scores)
{
    int status = analysis_open(out, path);
    if (block_bytes > 0)
        out->block_bytes = block_bytes;
    if (status != 0 || analysis_choose(out, scores) != 0 || analysis_replay(out, NULL) != 0)
        fail_msg("%s", tidy_error_message());
}

static const char by_class[] =
    "majority-disagreement,el2n,self-confidence,normalized-margin,confidence-weighted-entropy,aum";

/* A sample's list takes at most 15 / 7 pieces of 32 bytes; its sums at full detail 68 bytes. */
static const size_t block_sizes[] = {600, 1000, 3000, 20000, 0};
enum { SIZES = sizeof block_sizes / sizeof *block_sizes };

static void test_scores_are_the_same_bit_by_bit_for_any_block(void **state)
{
    (void)state;
    struct analysis whole;
    analyse(&whole, 0, by_class);
    assert_true(whole.has_counts && whole.has_means);
    for (size_t size = 0; size < SIZES; size++) {
        struct analysis blocks;
        analyse(&blocks, block_sizes[size], by_class);
        assert_int_equal(blocks.has_counts, block_sizes[size] == 0);
        for (size_t s = 0; s < whole.scores.count; s++)
            for (size_t i = 0; i < SAMPLES; i++) {
                float one = (float)score_value(&whole.scores.scores[s], i);
                float other = (float)score_value(&blocks.scores.scores[s], i);
                if (memcmp(&one, &other, sizeof one) != 0)
                    fail_msg("%s of sample %zu in blocks of %zu bytes: %g, not %g", whole.scores.scores[s].name, i,
                             block_sizes[size], (double)other, (double)one);
            }
        analysis_close(&blocks);
    }
    analysis_close(&whole);
}

/* What the visits have seen. */
struct seen {
    uint32_t counts[SAMPLES][CLASSES], visits[SAMPLES];
};

static int see_counts(void *context, size_t sample, const struct class_count *counts, size_t count)
{
    struct seen *seen = context;
    seen->visits[sample]++;
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || counts[i].class > counts[i - 1].class);
        assert_true(counts[i].count > 0);
        seen->counts[sample][counts[i].class] = counts[i].count;
    }
    return 0;
}

static void test_counts_are_those_of_the_predictions_each_sample_once(void **state)
{
    (void)state;
    static struct seen expected, seen;
    for (size_t t = 0; t < EPOCHS; t++)
        for (size_t i = 0; i < SAMPLES; i++)
            expected.counts[i][predicted[t][i]]++;
    for (size_t i = 0; i < SAMPLES; i++)
        expected.visits[i] = 1;
    for (size_t size = 0; size < SIZES; size++)
        for (int after_scores = 0; after_scores < 2; after_scores++) {
            struct analysis analysis;
            memset(&seen, 0, sizeof seen);
            analyse(&analysis, block_sizes[size], after_scores == 1 ? "majority-disagreement" : "correctness");
            assert_int_equal(class_counts_each(&analysis, see_counts, &seen), 0);
            assert_memory_equal(&seen, &expected, sizeof seen);
            analysis_close(&analysis);
        }
}

static int see_means(void *context, const struct class_means *means)
{
    struct seen *seen = context;
    double sum = 0;
    for (size_t c = 0; c < CLASSES; c++)
        sum += means->probabilities[c];
    assert_true(fabs(sum - 1) < 1e-6);
    seen->visits[means->sample]++;
    return 0;
}

static void test_means_visit_each_sample_once_and_sum_to_one(void **state)
{
    (void)state;
    static struct seen seen;
    for (size_t size = 0; size < SIZES; size++) {
        struct analysis analysis;
        memset(&seen, 0, sizeof seen);
        analyse(&analysis, block_sizes[size], "correctness");
        assert_int_equal(class_means_each(&analysis, see_means, &seen), 0);
        for (size_t i = 0; i < SAMPLES; i++)
            assert_int_equal(seen.visits[i], 1);
        analysis_close(&analysis);
    }
}

/* A logit of 1 among zeros has the probability e / (e + 6) = 0.3117910, the others 1 / (e + 6) = 0.1147015. */
static void test_suggestions_are_the_class_of_the_largest_mean_probability(void **state)
{
    (void)state;
    for (size_t size = 0; size < SIZES; size++) {
        struct analysis analysis;
        struct suggestion *suggestions;
        assert_int_equal(analysis_open(&analysis, path), 0);
        if (block_sizes[size] > 0)
            analysis.block_bytes = block_sizes[size];
        suggestions_announce(&analysis);
        assert_int_equal(analysis_replay(&analysis, NULL), 0);
        assert_int_equal(suggestions_create(&suggestions, &analysis), 0);
        for (size_t i = 0; i < SAMPLES; i++) {
            int counts[CLASSES] = {0}, most = 0;
            for (size_t t = 0; t < EPOCHS; t++)
                counts[predicted[t][i]]++;
            for (int c = 0; c < CLASSES; c++)
                most = counts[c] > most ? counts[c] : most;
            assert_int_equal(counts[suggestions[i].label], most);
            double expected = 0.1147015 + (0.3117910 - 0.1147015) * most / EPOCHS;
            assert_true(fabs((double)suggestions[i].probability - expected) < 1e-6);
        }
        free(suggestions);
        analysis_close(&analysis);
    }
}

static void test_a_sample_whose_list_does_not_fit_is_an_error(void **state)
{
    (void)state;
    struct analysis analysis;
    assert_int_equal(analysis_open(&analysis, path), 0);
    analysis.block_bytes = 40;
    assert_int_equal(analysis_choose(&analysis, "majority-disagreement"), 0);
    assert_int_equal(analysis_replay(&analysis, NULL), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "the classes predicted for sample 0 alone need more than"));
    analysis_close(&analysis);
}

/* Two pieces of memory: sample 3 has one, 0 takes the other, so that for 1 the samples 2 and 3 are dropped, and
 * what comes of 3 in the same step must not end in its old piece, which is 1's now. */
static void test_what_is_dropped_within_a_step_leaves_the_others_alone(void **state)
{
    (void)state;
    static struct seen seen;
    const uint16_t given[4] = {0, 0, 0, 0};
    struct class_counts block;
    memset(&seen, 0, sizeof seen);
    assert_int_equal(class_counts_begin(&block, given, CLASSES, 4, 0, 4 * 8 + 2 * 32), 0);
    const struct tidylog_observations first = {
        .count = 1, .samples = (uint32_t[]){3}, .labels = given, .predicted = (uint16_t[]){5}};
    const struct tidylog_observations second = {
        .count = 3, .samples = (uint32_t[]){0, 1, 3}, .labels = given, .predicted = (uint16_t[]){6, 6, 6}};
    assert_int_equal(class_counts_observe(&block, &first), 0);
    assert_int_equal(class_counts_observe(&block, &second), 0);
    assert_int_equal(block.end, 2);
    assert_int_equal(class_counts_visit(&block, see_counts, &seen), 0);
    assert_int_equal(seen.counts[0][6], 1);
    assert_int_equal(seen.counts[1][6], 1);
    assert_int_equal(seen.visits[2] + seen.visits[3], 0);
    class_counts_destroy(&block);
}

/* 70,000 times the same wrong class: more than one entry of a list can count. */
static void test_long_runs_of_one_class_are_counted(void **state)
{
    (void)state;
    enum { TIMES = 70000 };
    static struct seen seen;
    const uint16_t given[2] = {0, 1};
    struct class_counts block;
    memset(&seen, 0, sizeof seen);
    assert_int_equal(class_counts_begin(&block, given, CLASSES, 2, 0, 4096), 0);
    const struct tidylog_observations step = {
        .count = 2, .samples = (uint32_t[]){0, 1}, .labels = given, .predicted = (uint16_t[]){6, 1}};
    for (int i = 0; i < TIMES; i++)
        assert_int_equal(class_counts_observe(&block, &step), 0);
    assert_int_equal(class_counts_visit(&block, see_counts, &seen), 0);
    assert_int_equal(seen.counts[0][6], TIMES);
    assert_int_equal(seen.counts[1][1], TIMES);
    class_counts_destroy(&block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores_are_the_same_bit_by_bit_for_any_block),
        cmocka_unit_test(test_counts_are_those_of_the_predictions_each_sample_once),
        cmocka_unit_test(test_means_visit_each_sample_once_and_sum_to_one),
        cmocka_unit_test(test_suggestions_are_the_class_of_the_largest_mean_probability),
        cmocka_unit_test(test_a_sample_whose_list_does_not_fit_is_an_error),
        cmocka_unit_test(test_what_is_dropped_within_a_step_leaves_the_others_alone),
        cmocka_unit_test(test_long_runs_of_one_class_are_counted),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
