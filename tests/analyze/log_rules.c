/* Rules and scores that ask the log for more than a sample's dynamics: threshold samples, CTRL, confident
 * learning. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/ranking.h"
#include "analyze/thresholds.h"
#include "common/error.h"
#include "common/random.h"
#include "common/tidylog_copy.h"
#include "log_builder.h"
#include "tests/support/support.h"

#define CHECK(call)                                                                                                \
    do {                                                                                                           \
        if ((call) != 0)                                                                                           \
            fail_msg("%s: %s", #call, tidy_error_message());                                                       \
    } while (0)

static const char *scratch_path(const char *name)
{
    return support_path(support_scratch_folder(), name);
}

/* Applies a rule to `score` of the log. Returns threshold_announce's status, flags where that is 0. */
static int flag(const char *path, const char *score, const char *rule, bool *flagged)
{
    struct analysis analysis;
    struct threshold threshold;
    struct ranking ranking;
    size_t count;
    CHECK(analysis_open(&analysis, path));
    CHECK(analysis_choose_one(&analysis, score));
    CHECK(threshold_parse(&threshold, rule));
    int status = threshold_announce(&threshold, &analysis);
    if (status == 0) {
        float *keys = calloc(analysis.run->samples, sizeof *keys);
        CHECK(analysis_replay(&analysis, NULL));
        score_keys(&analysis.scores.scores[0], keys, analysis.run->samples);
        CHECK(ranking_create(&ranking, keys, analysis.run->samples));
        CHECK(threshold_apply(&threshold, &analysis, &analysis.scores.scores[0], &ranking, flagged, &count));
        ranking_destroy(&ranking);
        free(keys);
    }
    analysis_close(&analysis);
    return status;
}

static void check_flags(const char *path, const char *score, const char *rule, const char *expected)
{
    bool flagged[16];
    if (flag(path, score, rule, flagged) != 0)
        fail_msg("%s: %s", rule, tidy_error_message());
    for (size_t i = 0; expected[i] != 0; i++)
        if (flagged[i] != (expected[i] == '!'))
            fail_msg("%s of %s: sample %zu, expected %s", rule, path, i, expected);
}

static void check_refused(const char *path, const char *rule, const char *message)
{
    bool flagged[16];
    assert_int_equal(flag(path, "correctness", rule, flagged), TIDY_FAILED);
    if (strstr(tidy_error_message(), message) == NULL)
        fail_msg("%s says: %s", rule, tidy_error_message());
}

/* ---- threshold samples ------------------------------------------------------------------------------------- */

/* Two classes and the extra class 2; one epoch. The margin of each sample's label is what `margins` says. */
static const char *probed_log(const char *name, const uint16_t labels[6], const float margins[6])
{
    static const uint16_t given[6] = {0, 0, 1, 1, 0, 1};
    float logits[6][3] = {0};
    for (size_t i = 0; i < 6; i++)
        logits[i][labels[i]] = margins[i];
    const struct tidylog_run run = {.samples = 6,
                                    .classes = 3,
                                    .batch_size = 4,
                                    .detail = TIDYLOG_FULL,
                                    .labels = labels,
                                    .given = given,
                                    .probes = "threshold-samples"};
    CHECK(log_from_logits(scratch_path(name), run, logits[0], 1, 0));
    return scratch_path(name);
}

/* The threshold samples 4 and 5 have margins -1 and 1: their 99th percentile is -1 + 0.99 * 2 = 0.98. */
static void test_margins_up_to_the_99th_percentile_of_the_threshold_samples_are_flagged(void **state)
{
    (void)state;
    const char *path =
        probed_log("probed.tidy", (uint16_t[]){0, 0, 1, 1, 2, 2}, (float[]){0.97f, 0.99f, -3, 2, -1, 1});
    check_flags(path, "aum", "threshold-samples", "!.!...");
    check_flags(path, "correctness", "threshold-samples", "!.!...");
}

/* The second run's are 0 and 1, with margins -2 and 0: its threshold is -0.02. Sample 2 is flagged in both runs,
 * 3 in the second only; 0 was flagged by the first, the only one that judges it, 1 was not; 4 and 5 are judged
 * by the second. */
static void test_runs_with_other_threshold_samples_judge_those_of_each_other(void **state)
{
    (void)state;
    const char *paths[2] = {
        probed_log("first.tidy", (uint16_t[]){0, 0, 1, 1, 2, 2}, (float[]){0.97f, 0.99f, -3, 2, -1, 1}),
        probed_log("second.tidy", (uint16_t[]){2, 2, 1, 1, 0, 1}, (float[]){-2, 0, -3, -3, -1, 3}),
    };
    struct tidylog_reader *readers[2];
    for (size_t i = 0; i < 2; i++)
        CHECK(tidylog_open(&readers[i], paths[i]));
    CHECK(tidylog_copy_runs(scratch_path("runs.tidy"), false, readers, 2));
    for (size_t i = 0; i < 2; i++)
        tidylog_close_reader(readers[i]);
    check_flags(scratch_path("runs.tidy"), "aum", "threshold-samples", "!.!.!.");
}

/* Sample 0's loss is larger than 1's, 2's than 3's. The probes' are the largest, and take no part. */
static void test_probes_are_in_no_cluster(void **state)
{
    (void)state;
    const char *path =
        probed_log("clusters.tidy", (uint16_t[]){0, 0, 1, 1, 2, 2}, (float[]){0.97f, 0.99f, -3, 2, -9, -9});
    check_flags(path, "aum", "ctrl", "!.!...");
}

/* ---- logs with random losses -------------------------------------------------------------------------------- */

enum { SAMPLES = 200, CLASSES = 4, EPOCHS = 8 };

static uint16_t labels[SAMPLES];

/* Every fifth label is wrong: the next class. */
static const char *random_log(const char *name, enum tidylog_detail detail)
{
    static float logits[EPOCHS][SAMPLES][CLASSES];
    struct random_stream random = random_open(5, RANDOM_NOISE, 0);
    for (size_t i = 0; i < SAMPLES; i++)
        labels[i] = (uint16_t)random_below(&random, CLASSES);
    for (size_t t = 0; t < EPOCHS; t++)
        for (size_t i = 0; i < SAMPLES; i++) {
            for (size_t c = 0; c < CLASSES; c++)
                logits[t][i][c] = (float)random_normal(&random);
            logits[t][i][(labels[i] + (i % 5 == 0 ? 1u : 0u)) % CLASSES] += 0.5f * (float)(t + 1);
        }
    const struct tidylog_run run = {.samples = SAMPLES,
                                    .classes = CLASSES,
                                    .batch_size = 32,
                                    .seed = 1,
                                    .shuffle = true,
                                    .detail = detail,
                                    .labels = labels};
    CHECK(log_from_logits(scratch_path(name), run, logits[0][0], EPOCHS, 0));
    return scratch_path(name);
}

/* The score's values, with blocks of that many bytes (0: as it comes). Returns analysis_replay's status. */
static int values(float *out, const char *path, const char *score, size_t block_bytes)
{
    struct analysis analysis;
    CHECK(analysis_open(&analysis, path));
    if (block_bytes > 0)
        analysis.block_bytes = block_bytes;
    CHECK(analysis_choose(&analysis, score));
    int status = analysis_replay(&analysis, NULL);
    for (size_t i = 0; i < analysis.run->samples && status == 0; i++)
        out[i] = (float)score_value(&analysis.scores.scores[0], i);
    analysis_close(&analysis);
    return status;
}

static size_t largest_class(void)
{
    size_t counts[CLASSES] = {0}, largest = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        if (++counts[labels[i]] > largest)
            largest = counts[labels[i]];
    return largest;
}

static void test_scores_of_sets_do_not_depend_on_the_block(void **state)
{
    (void)state;
    const char *path = random_log("blocks.tidy", TIDYLOG_PROBS);
    const char *const scores[] = {"ctrl", "confident-learning"};
    for (size_t s = 0; s < 2; s++) {
        float whole[SAMPLES], blocks[SAMPLES];
        size_t wrong = 0;
        CHECK(values(whole, path, scores[s], 0));
        CHECK(values(blocks, path, scores[s], largest_class() * EPOCHS * sizeof(float)));
        assert_memory_equal(whole, blocks, sizeof whole);
        for (size_t i = 0; i < SAMPLES; i += 5)
            wrong += whole[i] == 1;
        assert_true(wrong > SAMPLES / 5 * 3 / 4);
    }
}

static void test_a_class_that_does_not_fit_is_refused_with_what_to_do(void **state)
{
    (void)state;
    float out[SAMPLES];
    const char *path = random_log("large-class.tidy", TIDYLOG_MARGIN);
    assert_int_equal(values(out, path, "ctrl", largest_class() * EPOCHS * sizeof(float) - 1), TIDY_FAILED);
    if (strstr(tidy_error_message(), "fewer epochs (--last N) take less") == NULL)
        fail_msg("%s", tidy_error_message());
}

static void test_the_score_says_what_the_rule_flags(void **state)
{
    (void)state;
    const char *path = random_log("probs.tidy", TIDYLOG_PROBS);
    const char *const names[] = {"ctrl", "confident-learning"};
    for (size_t s = 0; s < 2; s++) {
        float column[SAMPLES];
        bool flagged[SAMPLES];
        CHECK(values(column, path, names[s], 0));
        CHECK(flag(path, "self-confidence", names[s], flagged));
        for (size_t i = 0; i < SAMPLES; i++)
            assert_true(flagged[i] == (column[i] == 1));
    }
}

/* ---- presentations that are not one an epoch ---------------------------------------------------------------- */

/* Two classes, all labels 0: a sample's loss is log(1 + exp(-margin)). */
static void append(struct tidylog_writer *writer, uint64_t step, uint32_t count, const uint32_t *samples,
                   const float *margins)
{
    const uint16_t predicted[4] = {0};
    const struct tidylog_predictions predictions = {count, samples, predicted, margins, margins, NULL};
    CHECK(tidylog_append_step(writer, step, &predictions));
}

static struct tidylog_writer *begin(const char *name)
{
    static const uint16_t zeros[4] = {0};
    const struct tidylog_run run = {
        .samples = 4, .classes = 2, .batch_size = 4, .epochs = 3, .detail = TIDYLOG_MARGIN, .labels = zeros};
    struct tidylog_writer *writer;
    CHECK(tidylog_create(&writer, scratch_path(name), &run, false));
    return writer;
}

static void end_epoch(struct tidylog_writer *writer, uint64_t epoch)
{
    CHECK(tidylog_append_epoch(writer, &(struct tidylog_epoch){.epoch = epoch, .test_accuracy = NAN}));
}

static void check_ctrl(const char *name, const float expected[4])
{
    float got[4];
    CHECK(values(got, scratch_path(name), "ctrl", 0));
    for (size_t i = 0; i < 4; i++)
        if (isnan(expected[i]) ? !isnan(got[i]) : got[i] != expected[i])
            fail_msg("%s, sample %zu: %g, expected %g", name, i, (double)got[i], (double)expected[i]);
}

/* Sample 0 is wrong the second time it is presented, sample 3 never. */
static void test_of_several_presentations_in_an_epoch_ctrl_takes_the_last(void **state)
{
    (void)state;
    struct tidylog_writer *writer = begin("twice.tidy");
    append(writer, 0, 4, (uint32_t[]){0, 1, 2, 0}, (float[]){4, 4, 3, -4});
    end_epoch(writer, 0);
    CHECK(tidylog_close(writer));
    check_ctrl("twice.tidy", (float[]){1, 0, 0, NAN});
}

/* Of three epochs the last two count: 0 is high in both; 1 is presented in the first only, in which it is low, 2
 * in the last only, in which it is high; 3 has a margin that is not a number. */
static void test_an_epoch_without_a_presentation_has_the_loss_before_it(void **state)
{
    (void)state;
    struct tidylog_writer *writer = begin("gaps.tidy");
    append(writer, 0, 3, (uint32_t[]){0, 1, 3}, (float[]){4, 4, 4});
    end_epoch(writer, 0);
    append(writer, 1, 2, (uint32_t[]){0, 3}, (float[]){-4, NAN});
    end_epoch(writer, 1);
    append(writer, 2, 3, (uint32_t[]){0, 2, 3}, (float[]){-4, -4, 4});
    end_epoch(writer, 2);
    CHECK(tidylog_close(writer));
    check_ctrl("gaps.tidy", (float[]){1, 0, 1, NAN});
}

/* ---- logs that cannot feed a rule --------------------------------------------------------------------------- */

static void test_rules_say_what_the_log_lacks(void **state)
{
    (void)state;
    const char *path = random_log("class.tidy", TIDYLOG_CLASS);
    check_refused(path, "ctrl",
                  "threshold 'ctrl' needs --detail margin or more; this log was recorded with --detail class");
    check_refused(path, "both", "threshold 'both' needs --detail probs or more");
    path = random_log("margin.tidy", TIDYLOG_MARGIN);
    check_refused(path, "threshold-samples", "'tidy-record train --threshold-samples 1' records a run with them");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_margins_up_to_the_99th_percentile_of_the_threshold_samples_are_flagged),
        cmocka_unit_test(test_runs_with_other_threshold_samples_judge_those_of_each_other),
        cmocka_unit_test(test_probes_are_in_no_cluster),
        cmocka_unit_test(test_scores_of_sets_do_not_depend_on_the_block),
        cmocka_unit_test(test_a_class_that_does_not_fit_is_refused_with_what_to_do),
        cmocka_unit_test(test_the_score_says_what_the_rule_flags),
        cmocka_unit_test(test_of_several_presentations_in_an_epoch_ctrl_takes_the_last),
        cmocka_unit_test(test_an_epoch_without_a_presentation_has_the_loss_before_it),
        cmocka_unit_test(test_rules_say_what_the_log_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
