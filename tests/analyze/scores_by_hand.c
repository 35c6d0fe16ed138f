/* Scores of small logs whose values are worked out by hand, and what can be asked wrongly. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/forgotten_at.h"
#include "analyze/ranking.h"
#include "analyze/suggestions.h"
#include "common/error.h"
#include "log_builder.h"
#include "tests/support/support.h"

/* Six samples of three classes (a fourth has no samples in some tests), four epochs; right ones are underlined:
 *
 *   sample  label  predicted in epoch 0 1 2 3
 *   0       0      0 0 0 0    always right
 *                  - - - -
 *   1       1      0 1 2 1    forgotten once, in the third epoch
 *                    -   -
 *   2       2      0 0 1 0    never right
 *   3       0      0 1 0 1    forgotten twice
 *                  -   -
 *   4       1      2 2 1 1    learnt late, kept
 *                      - -
 *   5       2      1 1 1 2    learnt last
 *                        -
 */
enum { SAMPLES = 6, EPOCHS = 4 };
static const uint16_t labels[SAMPLES] = {0, 1, 2, 0, 1, 2};
static const uint16_t predicted[EPOCHS * SAMPLES] = {
    0, 0, 0, 0, 2, 1, /* epoch 0 */
    0, 1, 0, 1, 2, 1, /* epoch 1 */
    0, 2, 1, 0, 1, 1, /* epoch 2 */
    0, 1, 0, 1, 1, 2, /* epoch 3 */
};
static const struct tidylog_run run = {
    .samples = SAMPLES, .classes = 3, .batch_size = 4, .detail = TIDYLOG_FULL, .labels = labels};

static char *path;

static int setup(void **state)
{
    (void)state;
    path = support_path(support_scratch_folder(), "run.tidy");
    return 0;
}

/* Replays the scores named in `text` over a log. */
static void analyse(struct analysis *out, const struct tidylog_run *of, const float *logits, uint64_t epochs,
                    uint64_t extra_steps, const char *text)
{
    if (log_from_logits(path, *of, logits, epochs, extra_steps) != 0 || analysis_open(out, path) != 0 ||
        analysis_choose(out, text) != 0 || analysis_replay(out, NULL) != 0)
        fail_msg("%s", tidy_error_message());
}

static void check_values(const struct tidylog_run *of, uint64_t epochs, const char *score, const double *expected)
{
    float *logits = logits_from_classes(of, predicted, EPOCHS);
    struct analysis analysis;
    analyse(&analysis, of, logits, epochs, 0, score);
    for (size_t i = 0; i < SAMPLES; i++) {
        double value = score_value(&analysis.scores.scores[0], i);
        if (isnan(expected[i]) ? !isnan(value) : fabs(value - expected[i]) > 1e-6)
            fail_msg("%s of sample %zu: %.9g, not %.9g", score, i, value, expected[i]);
    }
    analysis_close(&analysis);
    free(logits);
}

static void test_scores_from_the_class_alone(void **state)
{
    (void)state;
    static const struct {
        const char *score;
        double values[SAMPLES];
    } rows[] = {
        {"correctness", {4, 2, 0, 2, 2, 1}},
        {"forgetting-events", {0, 1, 0, 2, 0, 0}},
        {"never-learned", {0, 0, 1, 0, 0, 0}},
        {"unforgettable", {1, 0, 0, 0, 1, 1}},
        {"first-learned", {0, 1, NAN, 0, 2, 3}},
        {"presentations-to-learn", {0, 3, 4, 4, 2, 3}},
        {"mean-correct-epoch", {1.5, 2, NAN, 1, 2.5, 3}},        /* (0+1+2+3)/4, (1+3)/2, -, (0+2)/2, (2+3)/2, 3 */
        {"mean-correct-epoch-or-never", {1.5, 2, 4, 1, 2.5, 3}}, /* never: the number of epochs */
        {"majority-disagreement", {0, 0, 0.75, 0, 0, 0.5}},      /* (3 - 0)/4 and (3 - 1)/4 */
    };
    struct tidylog_run with_empty_class = run;
    with_empty_class.classes = 4;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_values(&run, EPOCHS, rows[i].score, rows[i].values);
        check_values(&with_empty_class, EPOCHS, rows[i].score, rows[i].values);
    }
}

static void test_one_epoch_is_enough(void **state)
{
    (void)state;
    check_values(&run, 1, "correctness", (double[]){1, 0, 0, 1, 0, 0});
    check_values(&run, 1, "forgetting-events", (double[]){0, 0, 0, 0, 0, 0});
    check_values(&run, 1, "first-learned", (double[]){0, NAN, NAN, 0, NAN, NAN});
    check_values(&run, 1, "mean-correct-epoch-or-never", (double[]){0, 1, 1, 0, 1, 1});
    check_values(&run, 1, "variability", (double[]){0, 0, 0, 0, 0, 0});
    check_values(&run, 1, "aum", (double[]){1, -1, -1, 1, -1, -1});
}

/* Sample 1 is wrong, right, wrong, right, each time with logits of 1 for the predicted class and 0 for the others. So
 * its label's probability is w, r, w, r with r = e / (e + 2) = 0.5761169, w = 1 / (e + 2) = 0.2119416, and its losses
 * are -log w = 1.5514447 and -log r = 0.5514447. */
static void test_scores_from_margin_and_probabilities(void **state)
{
    (void)state;
    static const struct {
        const char *score;
        double value;
    } rows[] = {
        {"confidence", 0.39402922},          /* (r + w) / 2 */
        {"variability", 0.18208766},         /* (r - w) / 2 */
        {"threshold-closeness", 0.23877019}, /* confidence (1 - confidence) */
        {"mean-loss", 1.0514447},            /* (1.5514447 + 0.5514447) / 2 */
        {"loss-at:0", 1.5514447},
        {"loss-at", 0.5514447},            /* the last epoch */
        {"loss-ema", 0.64244466},          /* .1 (.1 (.1 1.5514447 + .9 .5514447) + .9 1.5514447) + .9 .5514447 */
        {"loss-ema:0.5", 0.92644471},      /* .5 (.5 (.5 1.5514447 + .5 .5514447) + .5 1.5514447) + .5 .5514447 */
        {"aum", 0},                        /* (-1 + 1 - 1 + 1) / 4 */
        {"data-iq-aleatoric", 0.20561427}, /* (r (1 - r) + w (1 - w)) / 2 */
        {"el2n", 0.75904022},              /* mean of sqrt((1 - r)^2 + 2 w^2) and sqrt((1 - w)^2 + r^2 + w^2) */
        {"self-confidence", 0.39402922},   /* mean probabilities: (r + 3 w) / 4, (r + w) / 2, (r + 3 w) / 4 */
        {"normalized-margin", 0.54552192}, /* ((r + w) / 2 - (r + 3 w) / 4 + 1) / 2 */
        {"confidence-weighted-entropy",
         0.49945399}, /* with v = entropy / log 3 / self-confidence: log(1 + v) / v */
    };
    float *logits = logits_from_classes(&run, predicted, EPOCHS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct analysis analysis;
        analyse(&analysis, &run, logits, EPOCHS, 0, rows[i].score);
        double value = score_value(&analysis.scores.scores[0], 1);
        if (fabs(value - rows[i].value) > 1e-6)
            fail_msg("%s: %.9g, not %.9g", rows[i].score, value, rows[i].value);
        analysis_close(&analysis);
    }
    free(logits);
}

/* Toneva counts the never-learned as forgotten in all four epochs; equal counts go by sample index. */
static void test_forgetting_ranks_the_never_learned_first(void **state)
{
    (void)state;
    float *logits = logits_from_classes(&run, predicted, EPOCHS);
    struct analysis analysis;
    struct ranking ranking;
    analyse(&analysis, &run, logits, EPOCHS, 0, "forgetting-events");
    float keys[SAMPLES];
    score_keys(&analysis.scores.scores[0], keys, SAMPLES);
    assert_int_equal(ranking_create(&ranking, keys, SAMPLES), 0);
    assert_memory_equal(ranking.order, ((uint32_t[]){2, 3, 1, 0, 4, 5}), sizeof(uint32_t[SAMPLES]));
    assert_int_equal(ranking.scored, SAMPLES);
    ranking_destroy(&ranking);
    analysis_close(&analysis);
    free(logits);
}

static void test_samples_without_a_score_are_ranked_last(void **state)
{
    (void)state;
    float *logits = logits_from_classes(&run, predicted, EPOCHS);
    struct analysis analysis;
    struct ranking ranking;
    analyse(&analysis, &run, logits, EPOCHS, 0, "mean-correct-epoch");
    float keys[SAMPLES];
    score_keys(&analysis.scores.scores[0], keys, SAMPLES);
    assert_int_equal(ranking_create(&ranking, keys, SAMPLES), 0);
    assert_memory_equal(ranking.order, ((uint32_t[]){5, 4, 1, 0, 3, 2}), sizeof(uint32_t[SAMPLES]));
    assert_int_equal(ranking.scored, SAMPLES - 1);
    ranking_destroy(&ranking);
    analysis_close(&analysis);
    free(logits);
}

static void test_logits_that_are_not_numbers_give_no_score_and_touch_no_other_sample(void **state)
{
    (void)state;
    struct analysis with, without;
    float *logits = logits_from_classes(&run, predicted, EPOCHS);
    analyse(&without, &run, logits, EPOCHS, 0, "all");
    double values[32][SAMPLES];
    size_t count = without.scores.count;
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < SAMPLES; i++)
            values[s][i] = score_value(&without.scores.scores[s], i);
    analysis_close(&without);

    logits[(2 * SAMPLES + 1) * 3] = NAN; /* sample 1, epoch 2: of the others the third is still the largest */
    analyse(&with, &run, logits, EPOCHS, 0, "all");
    for (size_t s = 0; s < count; s++) {
        const struct score *score = &with.scores.scores[s];
        bool needs_epoch = score->row->detail > TIDYLOG_CLASS && strcmp(score->name, "loss-at") != 0;
        for (size_t i = 0; i < SAMPLES; i++)
            if (i == 1 && needs_epoch)
                assert_true(isnan(score_value(score, i)));
            else if (strcmp(score->name, "label-posterior") == 0) /* estimates of all samples make it */
                assert_true(isfinite(score_value(score, i)) == isfinite(values[s][i]));
            else
                assert_true(score_value(score, i) == values[s][i] ||
                            (isnan(score_value(score, i)) && isnan(values[s][i])));
    }
    analysis_close(&with);
    free(logits);
}

/* Four samples are in a step, six in an epoch: of the fourth epoch only the first step is there. */
static void test_an_unfinished_epoch_does_not_count(void **state)
{
    (void)state;
    float *logits = logits_from_classes(&run, predicted, EPOCHS);
    struct analysis partial;
    analyse(&partial, &run, logits, 3, 1, "correctness");
    assert_int_equal(partial.epochs, 3);
    for (size_t i = 0; i < SAMPLES; i++)
        assert_int_equal((int)score_value(&partial.scores.scores[0], i), ((int[]){3, 1, 0, 2, 1, 0})[i]);
    analysis_close(&partial);
    free(logits);
}

static void test_a_log_without_a_finished_epoch_says_so(void **state)
{
    (void)state;
    float *logits = logits_from_classes(&run, predicted, EPOCHS);
    struct analysis analysis;
    assert_int_equal(log_from_logits(path, run, logits, 0, 1), 0);
    assert_int_equal(analysis_open(&analysis, path), 0);
    assert_int_equal(analysis_choose(&analysis, "correctness"), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "no epoch is finished yet"));
    analysis_close(&analysis);
    free(logits);
}

static void test_the_suggested_label_is_the_most_predicted_class(void **state)
{
    (void)state;
    float *logits = logits_from_classes(&run, predicted, EPOCHS);
    struct analysis analysis;
    struct tidylog_run classes_only = run;
    classes_only.detail = TIDYLOG_CLASS;
    struct suggestion *suggestions;
    analyse(&analysis, &classes_only, logits, EPOCHS, 0, "majority-disagreement");
    assert_int_equal(suggestions_create(&suggestions, &analysis), 0);
    /* Sample 3 was 0 twice and 1 twice, sample 4 was 2 twice and 1 twice: the smaller class. */
    for (size_t i = 0; i < SAMPLES; i++) {
        assert_int_equal(suggestions[i].label, ((int[]){0, 1, 0, 0, 1, 1})[i]);
        assert_true(suggestions[i].probability == ((float[]){1, 0.5f, 0.75f, 0.5f, 0.5f, 0.75f})[i]);
    }
    free(suggestions);
    analysis_close(&analysis);
    free(logits);
}

static void test_forgotten_at_counts_epochs_from_one_and_names_the_class(void **state)
{
    (void)state;
    static const char *const expected[SAMPLES] = {"", "3:2", "", "2:1,4:1", "", ""};
    float *logits = logits_from_classes(&run, predicted, EPOCHS);
    struct analysis analysis;
    struct forgotten_at forgotten;
    assert_int_equal(log_from_logits(path, run, logits, EPOCHS, 0), 0);
    assert_int_equal(analysis_open(&analysis, path), 0);
    assert_int_equal(forgotten_at_create(&forgotten, SAMPLES), 0);
    assert_int_equal(analysis_replay(&analysis, &(struct replay_observer){.observe = forgotten_at_observe,
                                                                          .context = &forgotten}),
                     0);
    for (size_t i = 0; i < SAMPLES; i++) {
        const char *text;
        assert_int_equal(forgotten_at_text(&forgotten, i, &text), 0);
        assert_string_equal(text, expected[i]);
    }
    forgotten_at_destroy(&forgotten);
    analysis_close(&analysis);
    free(logits);
}

/* ---- what can be asked wrongly ----------------------------------------------------------------------------- */

static void test_wrong_requests_say_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
        const char *message;
    } rows[] = {
        {"amu", TIDY_USAGE, "unknown score 'amu'; did you mean 'aum'?"},
        {"forgeting-events", TIDY_USAGE, "unknown score 'forgeting-events'; did you mean 'forgetting-events'?"},
        {"zzzzzz", TIDY_USAGE, "unknown score 'zzzzzz'; 'tidy-analyze samples --help' lists them"},
        {"", TIDY_USAGE, "unknown score ''; 'tidy-analyze samples --help' lists them"},
        {"correctness,", TIDY_USAGE, "unknown score ''; 'tidy-analyze samples --help' lists them"},
        {"correctness,correctness", TIDY_USAGE, "score 'correctness' is asked for twice"},
        {"correctness:3", TIDY_USAGE, "score 'correctness' takes no parameter: 'correctness:3'"},
        {"loss-at:4", TIDY_USAGE, "score 'loss-at:EPOCH': 4 is out of range (0 to 3)"},
        {"loss-at:x", TIDY_USAGE, "score 'loss-at:EPOCH': 'x' is not a whole number"},
        {"loss-ema:nan", TIDY_USAGE, "score 'loss-ema:WEIGHT': 'nan' is not a number"},
        {"el2n", TIDY_FAILED,
         "score 'el2n' needs --detail probs or more; this log was recorded with --detail margin"},
    };
    struct tidylog_run margin = run;
    margin.detail = TIDYLOG_MARGIN;
    assert_int_equal(log_from_classes(path, margin, predicted, EPOCHS), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct analysis analysis;
        assert_int_equal(analysis_open(&analysis, path), 0);
        assert_int_equal(analysis_choose(&analysis, rows[i].text), rows[i].status);
        if (strstr(tidy_error_message(), rows[i].message) == NULL)
            fail_msg("'%s' says: %s", rows[i].text, tidy_error_message());
        analysis_close(&analysis);
    }
}

/* 2^40 samples of 64 bytes would be 70 TB. */
static void test_absurd_memory_is_refused_with_figures(void **state)
{
    (void)state;
    struct dynamics_set set;
    assert_int_equal(dynamics_create(&set, UINT64_C(1) << 40), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "need 70368."));
    dynamics_destroy(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores_from_the_class_alone),
        cmocka_unit_test(test_one_epoch_is_enough),
        cmocka_unit_test(test_scores_from_margin_and_probabilities),
        cmocka_unit_test(test_forgetting_ranks_the_never_learned_first),
        cmocka_unit_test(test_samples_without_a_score_are_ranked_last),
        cmocka_unit_test(test_logits_that_are_not_numbers_give_no_score_and_touch_no_other_sample),
        cmocka_unit_test(test_an_unfinished_epoch_does_not_count),
        cmocka_unit_test(test_a_log_without_a_finished_epoch_says_so),
        cmocka_unit_test(test_the_suggested_label_is_the_most_predicted_class),
        cmocka_unit_test(test_forgotten_at_counts_epochs_from_one_and_names_the_class),
        cmocka_unit_test(test_wrong_requests_say_what_is_wrong),
        cmocka_unit_test(test_absurd_memory_is_refused_with_figures),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
