/* Packed epochs are replayed by blocks of samples: what comes of them is what comes of the steps one after another,
 * bit for bit, for any number of threads, also where the last epochs are steps still. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/class_counts_blocks.h"
#include "analyze/dynamics_block.h"
#include "analyze/rebuilt_means.h"
#include "common/error.h"
#include "common/parallel.h"
#include "common/random.h"
#include "tests/support/support.h"

/* Three blocks, the last one short; 64 epochs and more, since a history has that many. */
enum { SAMPLES = 36000, CLASSES = 11, EPOCHS = 67, SPLIT_AT = 65, STEP = 1000 };
static const unsigned thread_counts[] = {1, 2, 3, 7};
enum { THREAD_COUNTS = sizeof thread_counts / sizeof *thread_counts };

/* The runs that are looked at. */
enum kind { CLASSES_ONLY, MARGINS, TWO_SPLITS, PROBES };

static uint16_t labels[SAMPLES], given[SAMPLES], truth[SAMPLES], parts[SAMPLES];

static const char *path_of(enum kind kind)
{
    static char path[4096];
    char name[32];
    snprintf(name, sizeof name, "kind-%d.tidy", (int)kind);
    char *made = support_path(support_scratch_folder(), name);
    snprintf(path, sizeof path, "%s", made);
    return path;
}

static void append_step(struct tidylog_writer *writer, uint64_t step, const struct tidylog_due *due,
                        struct random_stream *random)
{
    static uint16_t predicted[STEP];
    static float margin[STEP], log_odds[STEP];
    for (uint32_t i = 0; i < due->count; i++) {
        uint32_t sample = due->samples[i];
        bool right = random_uniform(random) < (sample % 5 == 0 ? 0.2 : 0.9);
        predicted[i] =
            (uint16_t)(right ? labels[sample] : (labels[sample] + 1 + random_below(random, CLASSES - 1)) % CLASSES);
        margin[i] = (float)((right ? 1 : -1) * 6 * random_uniform(random));
        log_odds[i] = margin[i] - 0.3F;
        if (sample == 7 && step == 40)
            margin[i] = log_odds[i] = NAN;
    }
    const struct tidylog_predictions predictions = {.count = due->count,
                                                    .samples = due->samples,
                                                    .predicted = predicted,
                                                    .margin = margin,
                                                    .log_odds = log_odds};
    if (tidylog_append_step(writer, step, &predictions) != 0)
        fail_msg("%s", tidy_error_message());
}

static void write_log(enum kind kind)
{
    const struct tidylog_run run = {.samples = SAMPLES,
                                    .classes = CLASSES,
                                    .batch_size = STEP,
                                    .epochs = EPOCHS,
                                    .seed = 5,
                                    .shuffle = true,
                                    .detail = kind == CLASSES_ONLY ? TIDYLOG_CLASS : TIDYLOG_MARGIN,
                                    .labels = kind == PROBES ? given : labels,
                                    .given = kind == PROBES ? labels : NULL,
                                    .probes = kind == PROBES ? "controls" : NULL,
                                    .truth = truth,
                                    .parts = kind == TWO_SPLITS ? parts : NULL,
                                    .second_split = kind == TWO_SPLITS ? SPLIT_AT : 0};
    struct random_stream random = random_open(9, RANDOM_NOISE, kind);
    struct tidylog_writer *writer;
    struct tidylog_order *order;
    uint64_t step = 0;
    if (tidylog_create(&writer, path_of(kind), &run, true) != 0 || tidylog_order_create(&order, &run) != 0)
        fail_msg("%s", tidy_error_message());
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        for (uint64_t end = tidylog_order_steps_before(order, epoch + 1); step < end; step++) {
            struct tidylog_due due;
            tidylog_order_step(order, step, &due);
            append_step(writer, step, &due, &random);
        }
        if (tidylog_append_epoch(writer, &(struct tidylog_epoch){.epoch = epoch, .loss = 1, .accuracy = 0.5}) != 0)
            fail_msg("%s", tidy_error_message());
    }
    tidylog_order_destroy(order);
    if (tidylog_close(writer) != 0)
        fail_msg("%s", tidy_error_message());
}

static int setup(void **state)
{
    (void)state;
    struct random_stream random = random_open(2, RANDOM_NOISE, 0);
    for (size_t i = 0; i < SAMPLES; i++) {
        truth[i] = (uint16_t)random_below(&random, CLASSES);
        labels[i] = (uint16_t)(i % 20 == 0 ? (truth[i] + 1) % CLASSES : truth[i]);
        given[i] = (uint16_t)(i % 50 == 0 ? (labels[i] + 2) % CLASSES : labels[i]);
        parts[i] = (uint16_t)(i % 7 == 0    ? TIDYLOG_SECOND_SPLIT
                              : i % 31 == 0 ? TIDYLOG_LEFT_OUT
                                            : TIDYLOG_FIRST_SPLIT);
    }
    for (int kind = CLASSES_ONLY; kind <= PROBES; kind++)
        write_log((enum kind)kind);
    return 0;
}

static struct tidylog_reader *open_log(enum kind kind)
{
    struct tidylog_reader *reader;
    if (tidylog_open(&reader, path_of(kind)) != 0)
        fail_msg("%s", tidy_error_message());
    return reader;
}

/* ---- observers, against the steps in order ----------------------------------------------------------------- */

struct seen {
    struct dynamics_set dynamics;
    struct rebuilt_means means;
    uint32_t (*counts)[CLASSES]; /* [samples] */
    uint32_t *visits;            /* [samples] */
};

static void begin(struct seen *out, const struct tidylog_run *run, uint64_t first)
{
    assert_int_equal(dynamics_create(&out->dynamics, SAMPLES), 0);
    assert_int_equal(rebuilt_means_create(&out->means, run->labels, SAMPLES, CLASSES, first), 0);
    out->dynamics.loss_weight = 0.3;
    out->dynamics.loss_epoch = first + 3;
    out->counts = calloc(SAMPLES, sizeof *out->counts);
    out->visits = calloc(SAMPLES, sizeof *out->visits);
    assert_non_null(out->counts);
    assert_non_null(out->visits);
}

static void end(struct seen *seen)
{
    free(seen->visits);
    free(seen->counts);
    rebuilt_means_destroy(&seen->means);
    dynamics_destroy(&seen->dynamics);
}

static int visit(void *context, size_t sample, const struct class_count *counts, size_t count)
{
    struct seen *seen = context;
    seen->visits[sample]++;
    for (size_t i = 0; i < count; i++)
        seen->counts[sample][counts[i].class] = counts[i].count;
    return 0;
}

/* As the steps have it, which the log gives also where they are packed. */
static void see_steps(struct seen *out, struct tidylog_reader *reader, struct window window)
{
    const struct tidylog_run *run = tidylog_reader_run(reader);
    const uint16_t *own = tidylog_given_labels(run);
    struct tidylog_replay *replay;
    struct tidylog_observations step;
    int more;
    begin(out, run, window.first);
    assert_int_equal(tidylog_replay_begin(&replay, reader, window.first, window.end), 0);
    while ((more = tidylog_replay_next(replay, &step)) > 0) {
        assert_int_equal(dynamics_observe(&out->dynamics, &step), 0);
        if (step.margin != NULL)
            assert_int_equal(rebuilt_means_observe(&out->means, &step), 0);
        for (uint32_t i = 0; i < step.count && !step.evaluated; i++)
            out->counts[step.samples[i]][step.predicted[i]] += step.labels[i] == own[step.samples[i]];
    }
    assert_int_equal(more, 0);
    tidylog_replay_end(replay);
}

static void check_threads(enum kind kind, struct window window)
{
    struct tidylog_reader *reader = open_log(kind);
    const struct tidylog_run *run = tidylog_reader_run(reader);
    struct seen expected;
    see_steps(&expected, reader, window);
    for (size_t t = 0; t < THREAD_COUNTS; t++) {
        struct seen seen;
        begin(&seen, run, window.first);
        struct class_counts_visits visits = {run, visit, &seen};
        struct replay_observer observers[3] = {
            {.observe = dynamics_observe, .context = &seen.dynamics, .of_blocks = &dynamics_of_blocks}};
        size_t count = 1;
        bool by_blocks = replay_is_by_blocks(reader, window);
        if (run->detail >= TIDYLOG_MARGIN)
            observers[count++] =
                (struct replay_observer){.observe = rebuilt_means_observe,
                                         .context = &seen.means,
                                         .apart = true,
                                         .of_blocks = t % 2 == 0 ? &rebuilt_means_of_blocks : NULL};
        if (by_blocks)
            observers[count++] = (struct replay_observer){.context = &visits, .of_blocks = &class_counts_of_blocks};
        parallel_set_available(thread_counts[t]);
        if (replay_epochs(reader, window, observers, count) != 0)
            fail_msg("%s", tidy_error_message());
        assert_memory_equal(seen.dynamics.samples, expected.dynamics.samples,
                            SAMPLES * sizeof *seen.dynamics.samples);
        assert_memory_equal(seen.means.means, expected.means.means, SAMPLES * sizeof *seen.means.means);
        if (by_blocks) {
            assert_int_equal(class_counts_visit_others(&visits), 0);
            assert_memory_equal(seen.counts, expected.counts, SAMPLES * sizeof *seen.counts);
            for (size_t i = 0; i < SAMPLES; i++)
                assert_int_equal(seen.visits[i], 1);
        }
        end(&seen);
    }
    parallel_set_available(0);
    end(&expected);
    tidylog_close_reader(reader);
}

static void test_classes_by_blocks_are_those_of_the_steps(void **state)
{
    (void)state;
    check_threads(CLASSES_ONLY, (struct window){0, EPOCHS});
    check_threads(CLASSES_ONLY, (struct window){5, 8});
}

static void test_margins_by_blocks_are_those_of_the_steps(void **state)
{
    (void)state;
    check_threads(MARGINS, (struct window){0, EPOCHS});
    check_threads(MARGINS, (struct window){60, EPOCHS});
}

/* Epochs of the second phase stay steps, and these classify samples of blocks as well. */
static void test_blocks_and_then_steps(void **state)
{
    (void)state;
    struct tidylog_reader *reader = open_log(TWO_SPLITS);
    assert_int_equal(tidylog_reader_packed_end(reader, 0), SPLIT_AT);
    tidylog_close_reader(reader);
    check_threads(TWO_SPLITS, (struct window){0, EPOCHS});
    check_threads(TWO_SPLITS, (struct window){0, SPLIT_AT});
    check_threads(TWO_SPLITS, (struct window){SPLIT_AT, EPOCHS});
}

static void test_what_a_probe_is_taken_for_does_not_count(void **state)
{
    (void)state;
    check_threads(PROBES, (struct window){0, EPOCHS});
}

/* What was seen before goes on: of all samples as many presentations, or of some more. */
static void test_blocks_go_on_where_others_were(void **state)
{
    (void)state;
    struct tidylog_reader *reader = open_log(MARGINS);
    const struct tidylog_run *run = tidylog_reader_run(reader);
    const struct tidylog_observations twice = {.epoch = 0,
                                               .count = 2,
                                               .samples = (uint32_t[]){3, 17000},
                                               .labels = (uint16_t[]){1, 1},
                                               .predicted = (uint16_t[]){1, 2},
                                               .margin = (float[]){1, -1},
                                               .loss = (float[]){0.5F, 2},
                                               .confidence = (float[]){0.6F, 0.1F}};
    for (int uneven = 0; uneven < 2; uneven++) {
        struct seen one, other;
        const struct replay_observer observer = {
            .observe = dynamics_observe, .context = &one.dynamics, .of_blocks = &dynamics_of_blocks};
        see_steps(&other, reader, (struct window){0, 10});
        dynamics_reset(&other.dynamics);
        begin(&one, run, 0);
        if (uneven == 1) {
            assert_int_equal(dynamics_observe(&one.dynamics, &twice), 0);
            assert_int_equal(dynamics_observe(&other.dynamics, &twice), 0);
        }
        for (uint64_t epoch = 0; epoch < 10; epoch++)
            assert_int_equal(replay_epochs(reader, (struct window){epoch, epoch + 1}, &observer, 1), 0);
        const struct replay_observer in_one_go = {
            .observe = dynamics_observe, .context = &other.dynamics, .apart = true};
        assert_int_equal(replay_epochs(reader, (struct window){0, 10}, &in_one_go, 1), 0);
        assert_memory_equal(one.dynamics.samples, other.dynamics.samples, SAMPLES * sizeof *one.dynamics.samples);
        end(&one);
        end(&other);
    }
    tidylog_close_reader(reader);
}

/* ---- failures ------------------------------------------------------------------------------------------------- */

static int fail_late(void *context, const struct tidylog_observations *step)
{
    int *left = context;
    (void)step;
    return (*left)-- > 0 ? 0 : tidy_fail("observer gave up");
}

static void test_a_failure_ends_the_pass_with_its_message(void **state)
{
    (void)state;
    struct tidylog_reader *reader = open_log(CLASSES_ONLY);
    for (size_t t = 0; t < THREAD_COUNTS; t++)
        for (int seen = 0; seen < 200; seen += 97) {
            int left = seen;
            const struct replay_observer observer = {.observe = fail_late, .context = &left};
            tidy_fail("an older message");
            parallel_set_available(thread_counts[t]);
            assert_int_equal(replay_epochs(reader, (struct window){0, EPOCHS}, &observer, 1), TIDY_FAILED);
            assert_string_equal(tidy_error_message(), "observer gave up");
        }
    parallel_set_available(0);
    tidylog_close_reader(reader);
}

/* ---- scores -------------------------------------------------------------------------------------------------- */

/* All columns of all scores, [scores][SAMPLES]. */
static float *score_all(enum kind kind, const char *scores, size_t *count)
{
    struct analysis analysis;
    if (analysis_open(&analysis, path_of(kind)) != 0 || analysis_choose(&analysis, scores) != 0 ||
        analysis_replay(&analysis, NULL) != 0)
        fail_msg("%s", tidy_error_message());
    *count = analysis.scores.count * SAMPLES;
    float *values = malloc(*count * sizeof *values);
    assert_non_null(values);
    for (size_t s = 0; s < analysis.scores.count; s++)
        for (size_t i = 0; i < SAMPLES; i++)
            values[s * SAMPLES + i] = (float)score_value(&analysis.scores.scores[s], i);
    analysis_close(&analysis);
    return values;
}

static void check_scores(enum kind kind, const char *scores)
{
    size_t count, same;
    parallel_set_available(1);
    float *expected = score_all(kind, scores, &count);
    for (size_t t = 1; t < THREAD_COUNTS; t++) {
        parallel_set_available(thread_counts[t]);
        float *values = score_all(kind, scores, &same);
        assert_int_equal(count, same);
        assert_memory_equal(values, expected, count * sizeof *values);
        free(values);
    }
    free(expected);
    parallel_set_available(0);
}

static void test_scores_are_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    for (int kind = CLASSES_ONLY; kind <= PROBES; kind++)
        check_scores((enum kind)kind, "all");
    check_scores(MARGINS, "loss-at:3,loss-at:5,loss-ema:0.5,loss-ema");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_by_blocks_are_those_of_the_steps),
        cmocka_unit_test(test_margins_by_blocks_are_those_of_the_steps),
        cmocka_unit_test(test_blocks_and_then_steps),
        cmocka_unit_test(test_what_a_probe_is_taken_for_does_not_count),
        cmocka_unit_test(test_blocks_go_on_where_others_were),
        cmocka_unit_test(test_a_failure_ends_the_pass_with_its_message),
        cmocka_unit_test(test_scores_are_the_same_for_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
