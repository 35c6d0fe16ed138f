/* Which predictions count: windows of epochs, samples presented twice or never, probes, a second split, several
 * runs. All values are worked out by hand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/evaluation.h"
#include "analyze/ranking.h"
#include "analyze/suggestions.h"
#include "common/error.h"
#include "common/tidylog_copy.h"
#include "log_builder.h"
#include "tests/support/support.h"

/* Six samples, four epochs; right predictions are in capitals in the comments. Run A is that of
 * scores_by_hand.c. */
enum { SAMPLES = 6, EPOCHS = 4 };
static const uint16_t labels[SAMPLES] = {0, 1, 2, 0, 1, 2};
static const uint16_t runs[3][EPOCHS * SAMPLES] = {
    {
        0, 0, 0,
        0, 2, 1, /* A: sample 0: R R R R   1: . R . R   2: . . . .   3: R . R .   4: . . R R   5: . . . R */
        0, 1, 0,
        1, 2, 1, /* */
        0, 2, 1,
        0, 1, 1, /* */
        0, 1, 0,
        1, 1, 2, /* */
    },
    {
        0, 1, 0,
        0, 2, 1, /* B: sample 0: R R . R   1: R R R R   2: . . . .   3: R R R R   4: . R . R   5: . . . . */
        0, 1, 0,
        0, 1, 1, /* */
        1, 1, 1,
        0, 2, 1, /* */
        0, 1, 0,
        0, 1, 1, /* */
    },
    {
        0, 1, 2,
        0, 1, 2, /* C: sample 0: R R R R   1: R . R .   2: R R R R   3: R . R .   4: R R R R   5: R . R R */
        0, 2, 2,
        1, 1, 1, /* */
        0, 1, 2,
        0, 1, 2, /* */
        0, 2, 2,
        1, 1, 2, /* */
    },
};
static const struct tidylog_run run = {
    .samples = SAMPLES, .classes = 3, .batch_size = 4, .shuffle = true, .detail = TIDYLOG_FULL, .labels = labels};

/* Of a logit of 1 and two of 0: the probabilities l and s; of a right and of a wrong prediction the losses, and the
 * lengths of the error vector, sqrt((1 - l)^2 + 2 s^2) and sqrt((1 - s)^2 + l^2 + s^2). */
static const double large = 0.57611688, small = 0.21194156, right_loss = 0.55144471, wrong_loss = 1.55144471;
static const double right_length = 0.51914867, wrong_length = 0.99893243;

static char *path;

static int setup(void **state)
{
    (void)state;
    path = support_path(support_scratch_folder(), "run.tidy");
    return 0;
}

static void must(int status)
{
    if (status != 0)
        fail_msg("%s", tidy_error_message());
}

/* Replays scores of the log at `path`. */
static void analyse(struct analysis *out, struct selection selection, const char *scores)
{
    must(analysis_open(out, path));
    out->selection = selection;
    must(analysis_choose(out, scores));
    must(analysis_replay(out, NULL));
}

static void check(struct selection selection, const char *name, const double *expected, size_t samples)
{
    struct analysis analysis;
    analyse(&analysis, selection, name);
    for (size_t i = 0; i < samples; i++) {
        double value = score_value(&analysis.scores.scores[0], i);
        if (isnan(expected[i]) ? !isnan(value) : !(fabs(value - expected[i]) <= 1e-6))
            fail_msg("%s of sample %zu: %.9g, not %.9g", name, i, value, expected[i]);
    }
    analysis_close(&analysis);
}

/* The samples, most suspicious first. */
static void check_order(struct selection selection, const char *name, const uint32_t *expected, size_t samples)
{
    struct analysis analysis;
    struct ranking ranking;
    float keys[16];
    analyse(&analysis, selection, name);
    score_keys(&analysis.scores.scores[0], keys, samples);
    must(ranking_create(&ranking, keys, samples));
    for (size_t i = 0; i < samples; i++)
        if (ranking.order[i] != expected[i])
            fail_msg("by %s place %zu is sample %u, not %u", name, i, ranking.order[i], expected[i]);
    ranking_destroy(&ranking);
    analysis_close(&analysis);
}

/* ---- windows ----------------------------------------------------------------------------------------------- */

/* Epochs 1 and 2 of run A: sample 0: R R, 1: R ., 2: . ., 3: . R, 4: . R, 5: . . */
static void test_scores_of_a_window_count_its_epochs_and_keep_their_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *score;
        double values[SAMPLES];
    } rows[] = {
        {"correctness", {2, 1, 0, 1, 1, 0}},
        {"forgetting-events", {0, 1, 0, 0, 0, 0}},
        {"never-learned", {0, 0, 1, 0, 0, 1}},
        {"unforgettable", {1, 0, 0, 1, 1, 0}},
        {"first-learned", {1, 1, NAN, 2, 2, NAN}},
        {"presentations-to-learn", {0, 2, 2, 1, 1, 2}},
        {"mean-correct-epoch", {1.5, 1, NAN, 2, 2, NAN}},
        {"mean-correct-epoch-or-never", {1.5, 1, 3, 2, 2, 3}}, /* never: the epoch after the window */
        {"majority-disagreement", {0, 0, 0.5, 0, 0, 1}},
        {"aum", {1, 0, -1, 0, 0, -1}},
    };
    must(log_from_classes(path, run, runs[0], EPOCHS));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check((struct selection){.epochs = "1..2"}, rows[i].score, rows[i].values, SAMPLES);
    /* The last epoch of the window; and the running mean starts with the window: 0.1 x 0.55 + 0.9 x 1.55. */
    const double at_end[SAMPLES] = {right_loss, wrong_loss, wrong_loss, right_loss, right_loss, wrong_loss};
    check((struct selection){.epochs = "1..2"}, "loss-at", at_end, SAMPLES);
    check((struct selection){.epochs = "1..2"}, "loss-ema",
          (double[]){right_loss, 0.1 * right_loss + 0.9 * wrong_loss}, 2);
    /* Never learned, samples 2 and 5, counts as forgotten in both epochs. */
    check_order((struct selection){.epochs = "1..2"}, "forgetting-events", (uint32_t[]){2, 5, 1, 0, 3, 4}, SAMPLES);
}

static void test_first_and_last_are_windows_at_the_ends(void **state)
{
    (void)state;
    must(log_from_classes(path, run, runs[0], EPOCHS));
    check((struct selection){.first = "2"}, "correctness", (double[]){2, 1, 0, 1, 0, 0}, SAMPLES);
    check((struct selection){.last = "1"}, "correctness", (double[]){1, 1, 0, 0, 1, 1}, SAMPLES);
    check((struct selection){.last = "4"}, "correctness", (double[]){4, 2, 0, 2, 2, 1}, SAMPLES);
}

static void test_a_second_loss_of_the_same_kind_is_the_same_as_alone(void **state)
{
    (void)state;
    must(log_from_classes(path, run, runs[0], EPOCHS));
    struct analysis together;
    static const char *const names[] = {"loss-at:3", "loss-at:1",    "loss-at:2",
                                        "loss-ema",  "loss-ema:0.5", "loss-ema:0.25"};
    analyse(&together, (struct selection){0}, "loss-at:3,loss-at:1,loss-at:2,loss-ema,loss-ema:0.5,loss-ema:0.25");
    for (size_t s = 0; s < sizeof names / sizeof *names; s++) {
        struct analysis alone;
        analyse(&alone, (struct selection){0}, names[s]);
        for (size_t i = 0; i < SAMPLES; i++)
            assert_true(score_value(&alone.scores.scores[0], i) == score_value(&together.scores.scores[s], i));
        analysis_close(&alone);
    }
    /* Sample 1 is . R . R. */
    assert_true(fabs(score_value(&together.scores.scores[1], 1) - right_loss) < 1e-6);
    assert_true(fabs(score_value(&together.scores.scores[2], 1) - wrong_loss) < 1e-6);
    analysis_close(&together);
}

/* ---- samples presented twice or never ---------------------------------------------------------------------- */

/* Sample 0 is right, wrong and right, of which the first two in one epoch; 1 right and wrong; 2 is never
 * presented. */
static void test_means_are_over_presentations_and_what_was_never_presented_has_no_score(void **state)
{
    (void)state;
    static const struct log_step steps[] = {
        {.count = 2, .samples = {0, 1}, .predicted = {0, 1}},
        {.count = 1, .samples = {0}, .predicted = {1}, .ends_epoch = true},
        {.count = 2, .samples = {1, 0}, .predicted = {2, 0}, .ends_epoch = true},
    };
    const struct {
        const char *score;
        double values[3];
    } rows[] = {
        {"correctness", {2, 1, NAN}},
        {"forgetting-events", {1, 1, NAN}},
        {"never-learned", {0, 0, NAN}},
        {"first-learned", {0, 0, NAN}},
        {"presentations-to-learn", {1, 2, NAN}},
        {"mean-correct-epoch", {0.5, 0, NAN}},
        {"mean-correct-epoch-or-never", {0.5, 0, NAN}},
        {"majority-disagreement", {0, 0, NAN}},
        {"confidence", {(2 * large + small) / 3, (large + small) / 2, NAN}},
        {"variability", {(large - small) * sqrt(2) / 3, (large - small) / 2, NAN}},
        {"data-iq-aleatoric",
         {(2 * large * (1 - large) + small * (1 - small)) / 3, (large * (1 - large) + small * (1 - small)) / 2,
          NAN}},
        {"mean-loss", {(2 * right_loss + wrong_loss) / 3, (right_loss + wrong_loss) / 2, NAN}},
        {"loss-at:0", {wrong_loss, right_loss, NAN}}, /* of two in one epoch the later */
        {"aum", {1.0 / 3, 0, NAN}},
        {"self-confidence", {(2 * large + small) / 3, (large + small) / 2, NAN}},
        {"el2n", {(2 * right_length + wrong_length) / 3, (right_length + wrong_length) / 2, NAN}},
    };
    struct tidylog_run three = run;
    three.samples = 3;
    must(log_from_steps(path, three, steps, sizeof steps / sizeof *steps));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check((struct selection){0}, rows[i].score, rows[i].values, 3);
    check_order((struct selection){0}, "correctness", (uint32_t[]){1, 0, 2}, 3);
    check_order((struct selection){0}, "forgetting-events", (uint32_t[]){0, 1, 2}, 3);
    /* In the second epoch alone. */
    check((struct selection){.last = "1"}, "loss-at", (double[]){right_loss, wrong_loss, NAN}, 3);
    check((struct selection){.last = "1"}, "presentations-to-learn", (double[]){0, 1, NAN}, 3);

    struct analysis analysis;
    struct suggestion *suggestions;
    analyse(&analysis, (struct selection){0}, "aum");
    must(suggestions_create(&suggestions, &analysis));
    assert_int_equal(suggestions[2].label, 2);
    assert_true(isnan(suggestions[2].probability));
    free(suggestions);
    analysis_close(&analysis);
}

/* ---- probes ------------------------------------------------------------------------------------------------ */

/* Sample 1 was trained on the extra class 3. Sample 0 is mostly taken for that class, which is never suggested. */
static void test_probes_have_no_score_and_their_class_is_never_suggested(void **state)
{
    (void)state;
    static const uint16_t given[3] = {0, 1, 2}, trained[3] = {0, 3, 2}, truth[3] = {0, 1, 0};
    static const uint16_t predicted[3 * 3] = {3, 3, 1, 3, 3, 1, 0, 3, 2};
    for (enum tidylog_detail detail = TIDYLOG_CLASS; detail <= TIDYLOG_FULL; detail++) {
        const struct tidylog_run with_probes = {.samples = 3,
                                                .classes = 4,
                                                .batch_size = 2,
                                                .detail = detail,
                                                .labels = trained,
                                                .given = given,
                                                .truth = truth,
                                                .probes = "threshold-samples"};
        must(log_from_classes(path, with_probes, predicted, 3));
        struct analysis analysis;
        analyse(&analysis, (struct selection){0}, "all");
        for (size_t s = 0; s < analysis.scores.count; s++) {
            assert_true(isnan(score_value(&analysis.scores.scores[s], 1)));
            assert_true(isnan(score_key(&analysis.scores.scores[s], 1)));
        }
        assert_true(score_value(&analysis.scores.scores[0], 0) == 1); /* correctness */
        assert_int_equal(analysis.given[1], 1);

        /* Without label-posterior, whose suggestions are its own. */
        analysis_close(&analysis);
        analyse(&analysis, (struct selection){0}, "correctness");
        struct suggestion *suggestions;
        must(suggestions_create(&suggestions, &analysis));
        assert_int_equal(suggestions[0].label, 0);
        assert_int_equal(suggestions[1].label, 1);
        assert_true(isnan(suggestions[1].probability));
        assert_int_equal(suggestions[2].label, 1);
        if (detail < TIDYLOG_PROBS) {
            assert_true(suggestions[0].probability == (float)1 / 3);
            assert_true(suggestions[2].probability == (float)2 / 3);
        }
        free(suggestions);

        struct truth known;
        must(truth_create(&known, analysis.run, path));
        assert_int_equal(known.count, 1); /* sample 2; not the probe, whose given label is right */
        assert_true(known.mislabelled[2]);
        truth_destroy(&known);
        analysis_close(&analysis);
    }
}

/* ---- the second split --------------------------------------------------------------------------------------- */

/* Samples 0 to 3 are the first split, trained on in epochs 0 and 1 (all right) and classified at the end of epochs
 * 2, 3 and 4: 0: R R R, 1: . R ., 2: R . ., 3: . . .; 4 and 5 are the second split, 6 is left out. */
static void test_second_split_forgetting_is_the_epoch_of_the_second_phase_from_which_on_it_is_wrong(void **state)
{
    (void)state;
    static const uint16_t of[7] = {0, 1, 0, 1, 0, 1, 0};
    static const uint16_t parts[7] = {TIDYLOG_FIRST_SPLIT, TIDYLOG_FIRST_SPLIT,  TIDYLOG_FIRST_SPLIT,
                                      TIDYLOG_FIRST_SPLIT, TIDYLOG_SECOND_SPLIT, TIDYLOG_SECOND_SPLIT,
                                      TIDYLOG_LEFT_OUT};
    static const uint16_t predicted[5 * 7] = {
        0, 1, 0, 1, 1, 0, 0, /* */
        0, 1, 0, 1, 1, 0, 0, /* */
        0, 0, 0, 0, 1, 1, 0, /* */
        0, 1, 1, 0, 0, 1, 0, /* */
        0, 0, 1, 0, 0, 1, 0, /* */
    };
    const struct tidylog_run two_splits = {.samples = 7,
                                           .classes = 2,
                                           .batch_size = 3,
                                           .shuffle = true,
                                           .detail = TIDYLOG_MARGIN,
                                           .labels = of,
                                           .parts = parts,
                                           .second_split = 2};
    must(log_from_classes(path, two_splits, predicted, 5));
    const char *name = "second-split-forgetting";
    check((struct selection){0}, name, (double[]){4, 3, 2, 1, NAN, NAN, NAN}, 7);
    check_order((struct selection){0}, name, (uint32_t[]){3, 2, 1, 0, 4, 5, 6}, 7);
    /* Sample 2 is wrong in all of epochs 3 and 4; the first of them is the second of the phase. */
    check((struct selection){.epochs = "3..4"}, name, (double[]){4, 3, 2, 2, NAN, NAN, NAN}, 7);
    check((struct selection){.first = "2"}, name, (double[]){NAN, NAN, NAN, NAN, NAN, NAN, NAN}, 7);
    /* What is classified without being trained on counts nowhere else. */
    check((struct selection){0}, "correctness", (double[]){2, 2, 2, 2, 2, 3, NAN}, 7);
    check((struct selection){0}, "majority-disagreement", (double[]){0, 0, 0, 0, 0, 0, NAN}, 7);
    check((struct selection){.last = "3"}, "correctness", (double[]){NAN, NAN, NAN, NAN, 2, 3, NAN}, 7);

    struct analysis analysis;
    analyse(&analysis, (struct selection){0}, "all");
    bool found = false;
    for (size_t s = 0; s < analysis.scores.count; s++)
        found = found || strcmp(analysis.scores.scores[s].name, name) == 0;
    assert_true(found);
    analysis_close(&analysis);
}

static void test_second_split_forgetting_needs_a_second_split(void **state)
{
    (void)state;
    struct analysis analysis;
    must(log_from_classes(path, run, runs[0], EPOCHS));
    must(analysis_open(&analysis, path));
    assert_int_equal(analysis_choose(&analysis, "second-split-forgetting"), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "'tidy-record train --second-split' records one"));
    analysis_close(&analysis);
}

/* ---- several runs ------------------------------------------------------------------------------------------ */

/* A log of the three runs, each with an order of its own. */
static void merge_runs(const enum tidylog_detail details[3], const uint64_t epochs[3])
{
    struct tidylog_reader *readers[3];
    for (size_t i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "%zu.tidy", i);
        const char *one = support_path(support_scratch_folder(), name);
        struct tidylog_run with_seed = run;
        with_seed.seed = i + 1;
        with_seed.detail = details[i];
        must(log_from_classes(one, with_seed, runs[i], epochs[i]));
        must(tidylog_open(&readers[i], one));
    }
    must(tidylog_copy_runs(path, true, readers, 3));
    for (size_t i = 0; i < 3; i++)
        tidylog_close_reader(readers[i]);
}

static const enum tidylog_detail all_full[3] = {TIDYLOG_FULL, TIDYLOG_FULL, TIDYLOG_FULL};
static const uint64_t all_epochs[3] = {EPOCHS, EPOCHS, EPOCHS};

static void test_the_mean_over_runs_is_of_values_and_of_ranks(void **state)
{
    (void)state;
    merge_runs(all_full, all_epochs);
    const struct selection mean = {.over_runs = OVER_RUNS_MEAN};
    /* A 4 2 0 2 2 1, B 3 4 0 4 2 0, C 4 2 4 2 4 3. */
    check(mean, "correctness", (double[]){11 / 3.0, 8 / 3.0, 4 / 3.0, 8 / 3.0, 8 / 3.0, 4 / 3.0}, SAMPLES);
    /* A 0 1 0 2 0 0, B 1 0 0 0 1 0, C 0 2 0 2 0 1; as ranks the never-learned, A's 2, B's 2 and 5, are 4. */
    check(mean, "forgetting-events", (double[]){1 / 3.0, 1, 0, 4 / 3.0, 1 / 3.0, 1 / 3.0}, SAMPLES);
    check_order(mean, "forgetting-events", (uint32_t[]){2, 5, 3, 1, 0, 4}, SAMPLES); /* 8/3 5/3 4/3 1 1/3 1/3 */
    /* A 0 1 - 0 2 3, B 0 0 - 0 1 -, C 0: without the runs in which it was never learned. */
    check(mean, "first-learned", (double[]){0, 1 / 3.0, 0, 0, 1, 1.5}, SAMPLES);
    /* A 1.5 2 4 1 2.5 3, B 4/3 1.5 4 1.5 2 4, C 1.5 1 1.5 1 1.5 5/3. */
    check(mean, "mean-correct-epoch-or-never", (double[]){13 / 9.0, 1.5, 9.5 / 3, 3.5 / 3, 2, 26 / 9.0}, SAMPLES);
    check_order(mean, "mean-correct-epoch-or-never", (uint32_t[]){2, 5, 4, 1, 0, 3}, SAMPLES);
    check(mean, "majority-disagreement", (double[]){0, 0, 0.5, 0, 0, 0.5}, SAMPLES); /* A .75 and .5, B .75 and 1 */
    check(mean, "aum", (double[]){2.5 / 3, 1 / 3.0, -1 / 3.0, 1 / 3.0, 1 / 3.0, -1 / 3.0}, SAMPLES);
}

/* In epoch 1 sample 1 is right in A and B and not in C, sample 4 only wrong in A, sample 5 in all. */
static void test_only_what_no_run_has_learned_passes_every_threshold(void **state)
{
    (void)state;
    merge_runs(all_full, all_epochs);
    const struct selection window = {.epochs = "1..1"};
    struct analysis analysis;
    check(window, "mean-correct-epoch-or-never", (double[]){1, 4 / 3.0, 5 / 3.0, 5 / 3.0, 4 / 3.0, 2}, SAMPLES);
    analyse(&analysis, window, "mean-correct-epoch-or-never");
    for (size_t i = 0; i < SAMPLES; i++) {
        float key = score_key(&analysis.scores.scores[0], i);
        assert_true(i == 5 ? isinf(key) : (double)key == score_value(&analysis.scores.scores[0], i));
    }
    analysis_close(&analysis);
}

static void test_the_worst_run_is_the_most_suspicious_at_the_scores_own_end(void **state)
{
    (void)state;
    merge_runs(all_full, all_epochs);
    const struct selection worst = {.over_runs = OVER_RUNS_WORST};
    check(worst, "correctness", (double[]){3, 2, 0, 2, 2, 0}, SAMPLES);
    check(worst, "first-learned", (double[]){0, 1, 0, 0, 2, 3}, SAMPLES);
    /* Where it was never learned, as if forgotten four times, the events are 0. */
    check(worst, "forgetting-events", (double[]){1, 2, 0, 2, 1, 0}, SAMPLES);
    check_order(worst, "forgetting-events", (uint32_t[]){2, 5, 1, 3, 0, 4}, SAMPLES);
    /* Sample 0 is wrong once, in B; 2 always in A. */
    check(worst, "el2n",
          (double[]){(3 * right_length + wrong_length) / 4, (right_length + wrong_length) / 2, wrong_length}, 3);
}

/* Toneva et al.: the sum over runs, never learned counting as all four epochs; sorted ascending and stably. */
static void test_tonevas_order_sums_forgetting_events_over_runs(void **state)
{
    (void)state;
    merge_runs(all_full, all_epochs);
    const struct selection toneva = {.over_runs = OVER_RUNS_TONEVA};
    check(toneva, "forgetting-events", (double[]){1, 3, 8, 4, 1, 5}, SAMPLES);
    check_order(toneva, "forgetting-events", (uint32_t[]){2, 5, 3, 1, 0, 4}, SAMPLES);

    struct analysis analysis;
    must(analysis_open(&analysis, path));
    analysis.selection = toneva;
    must(analysis_choose(&analysis, "forgetting-events,aum"));
    assert_int_equal(analysis_replay(&analysis, NULL), TIDY_USAGE);
    assert_non_null(
        strstr(tidy_error_message(), "--over-runs toneva orders by forgetting-events only, not by 'aum'"));
    analysis_close(&analysis);
}

static void test_windows_are_those_of_each_run(void **state)
{
    (void)state;
    merge_runs(all_full, (uint64_t[]){4, 3, 4});
    const struct selection last = {.last = "1"};
    /* The last epochs: A 3: R R . . R R, B 2: . R . R . ., C 3: R . R . R R. */
    check(last, "correctness", (double[]){2 / 3.0, 2 / 3.0, 1 / 3.0, 1 / 3.0, 2 / 3.0, 2 / 3.0}, SAMPLES);

    struct analysis analysis;
    must(analysis_open(&analysis, path));
    analysis.selection = (struct selection){.epochs = "2..3"};
    assert_int_equal(analysis_choose(&analysis, "aum"), TIDY_USAGE);
    assert_non_null(strstr(tidy_error_message(), "has 3 finished epochs, 0..2"));
    analysis_close(&analysis);
}

static void test_every_run_must_feed_a_score(void **state)
{
    (void)state;
    merge_runs((enum tidylog_detail[]){TIDYLOG_MARGIN, TIDYLOG_MARGIN, TIDYLOG_CLASS}, all_epochs);
    struct analysis analysis;
    must(analysis_open(&analysis, path));
    assert_int_equal(analysis_choose(&analysis, "aum"), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "score 'aum' needs --detail margin or more"));
    analysis_close(&analysis);
    check((struct selection){0}, "correctness", (double[]){11 / 3.0, 8 / 3.0, 4 / 3.0, 8 / 3.0, 8 / 3.0, 4 / 3.0},
          SAMPLES);
}

/* Sample 5 was predicted 1 1 1 2, 1 1 1 1 and 2 1 2 2: eight of twelve times 1. */
static void test_suggestions_are_over_all_runs(void **state)
{
    (void)state;
    const enum tidylog_detail margin[3] = {TIDYLOG_MARGIN, TIDYLOG_MARGIN, TIDYLOG_MARGIN};
    merge_runs(margin, all_epochs);
    struct analysis analysis;
    struct suggestion *suggestions;
    analyse(&analysis, (struct selection){0}, "aum");
    must(suggestions_create(&suggestions, &analysis));
    assert_int_equal(suggestions[5].label, 1);
    assert_true(suggestions[5].probability == (float)8 / 12);
    free(suggestions);
    analysis_close(&analysis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores_of_a_window_count_its_epochs_and_keep_their_numbers),
        cmocka_unit_test(test_first_and_last_are_windows_at_the_ends),
        cmocka_unit_test(test_a_second_loss_of_the_same_kind_is_the_same_as_alone),
        cmocka_unit_test(test_means_are_over_presentations_and_what_was_never_presented_has_no_score),
        cmocka_unit_test(test_probes_have_no_score_and_their_class_is_never_suggested),
        cmocka_unit_test(test_second_split_forgetting_is_the_epoch_of_the_second_phase_from_which_on_it_is_wrong),
        cmocka_unit_test(test_second_split_forgetting_needs_a_second_split),
        cmocka_unit_test(test_the_mean_over_runs_is_of_values_and_of_ranks),
        cmocka_unit_test(test_only_what_no_run_has_learned_passes_every_threshold),
        cmocka_unit_test(test_the_worst_run_is_the_most_suspicious_at_the_scores_own_end),
        cmocka_unit_test(test_tonevas_order_sums_forgetting_events_over_runs),
        cmocka_unit_test(test_windows_are_those_of_each_run),
        cmocka_unit_test(test_every_run_must_feed_a_score),
        cmocka_unit_test(test_suggestions_are_over_all_runs),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
