/* What the loop does with samples that are left out, and with those of two splits. */
#include "tests/support/support.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>

#include "common/error.h"
#include "tests/record/loop_fixture.h"

/* Of 50 samples every tenth is left out; of the other 45 the even ones, 20, are in the first split, and 25 in the
 * second. */
enum { FIRST = 20, SECOND = 25, FIRST_PHASE = 2 };
static uint16_t parts[SAMPLES];

static struct tidylog_run split_plan(void)
{
    struct tidylog_run run = loop_plan();
    for (size_t i = 0; i < SAMPLES; i++)
        parts[i] = i % 10 == 0 ? TIDYLOG_LEFT_OUT : i % 2 == 0 ? TIDYLOG_FIRST_SPLIT : TIDYLOG_SECOND_SPLIT;
    run.parts = parts;
    run.second_split = FIRST_PHASE;
    return run;
}

static void test_samples_that_are_left_out_never_appear(void **state)
{
    (void)state;
    struct tidylog_run run = loop_plan();
    const char *path = loop_log("left-out");
    for (size_t i = 0; i < SAMPLES; i++)
        parts[i] = i % 10 == 0 ? TIDYLOG_LEFT_OUT : TIDYLOG_FIRST_SPLIT;
    run.parts = parts;
    fake_reset();
    assert_int_equal(loop_record(path, &run), 0);
    assert_int_equal(fake_lines, 45 * EPOCHS);
    unsigned seen[SAMPLES] = {0};
    double loss = 0;
    for (size_t i = 0; i < fake_lines; i++)
        seen[fake_transcript[i].sample]++;
    for (size_t i = 0; i < SAMPLES; i++)
        assert_int_equal(seen[i], i % 10 == 0 ? 0 : EPOCHS);
    for (size_t i = 0; i < 45; i++)
        loss += (double)fake_transcript[i].loss;

    struct tidylog_reader *reader;
    uint64_t count;
    assert_int_equal(tidylog_open(&reader, path), 0);
    assert_true(fabs(tidylog_reader_epochs(reader, &count)[0].loss - loss / 45) < 1e-12);
    tidylog_close_reader(reader);
}

/* In each epoch of the second phase 25 samples are trained in 4 steps, then 20 are classified in 3. */
static void test_the_second_split_is_trained_on_and_the_first_classified_as_the_epoch_left_it(void **state)
{
    (void)state;
    struct tidylog_run run = split_plan();
    const char *path = loop_log("split");
    fake_reset();
    assert_int_equal(loop_record(path, &run), 0);
    assert_int_equal(fake_lines, FIRST_PHASE * FIRST + (EPOCHS - FIRST_PHASE) * (SECOND + FIRST));
    const struct fake_line *line = fake_transcript;
    for (size_t epoch = 0; epoch < EPOCHS; epoch++) {
        bool second = epoch >= FIRST_PHASE;
        for (size_t i = 0; i < (second ? SECOND : FIRST); i++, line++) {
            assert_false(line->evaluated);
            assert_int_equal(parts[line->sample], second ? TIDYLOG_SECOND_SPLIT : TIDYLOG_FIRST_SPLIT);
        }
        for (size_t i = 0; second && i < FIRST; i++, line++) {
            assert_true(line->evaluated);
            assert_int_equal(parts[line->sample], TIDYLOG_FIRST_SPLIT);
            assert_true(i == 0 || line->sample > line[-1].sample);
        }
    }

    /* The last ones are those of the network that the run left: its state, asked again. */
    struct network network = {.classes = CLASSES};
    struct dataset images = {.samples = SAMPLES};
    struct trainer_config config = {
        .network = &network, .train = &images, .test = &images, .batch_size = FIRST, .epoch_samples = {FIRST}};
    struct network_state left;
    struct checkpoint_position at;
    struct trainer *trainer;
    struct step_result result;
    uint32_t samples[FIRST], count = 0;
    uint16_t given[FIRST];
    bool found;
    for (uint32_t i = 0; i < SAMPLES; i++)
        if (parts[i] == TIDYLOG_FIRST_SPLIT)
            samples[count++] = i;
    for (uint32_t i = 0; i < FIRST; i++)
        given[i] = loop_labels[samples[i]];
    fake_state_create(&left, CLASSES, 1);
    assert_int_equal(checkpoint_load(loop_checkpoint(path), checkpoint_fingerprint(&run), &at, &left, &found), 0);
    assert_int_equal(loop_backend->create(&trainer, &config), 0);
    assert_int_equal(loop_backend->load(trainer, &left), 0);
    fake_reset();
    assert_int_equal(loop_backend->predict(trainer, samples, given, FIRST, &result), 0);

    struct tidylog_reader *reader;
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    uint64_t epochs;
    assert_int_equal(tidylog_open(&reader, path), 0);
    assert_int_equal(tidylog_replay_begin(&replay, reader, EPOCHS - 1, EPOCHS), 0);
    uint32_t trained = 0, evaluated = 0;
    double correct = 0;
    while (tidylog_replay_next(replay, &seen) == 1) {
        trained += seen.evaluated ? 0 : seen.count;
        for (uint32_t i = 0; i < seen.count; i++)
            correct += !seen.evaluated && seen.predicted[i] == seen.labels[i];
        for (uint32_t i = 0; seen.evaluated && i < seen.count; i++, evaluated++) {
            assert_int_equal(seen.samples[i], samples[evaluated]);
            assert_int_equal(seen.predicted[i], result.predictions.predicted[evaluated]);
            assert_true(fabsf(seen.margin[i] - result.predictions.margin[evaluated]) <=
                        1e-5f * fmaxf(1, fabsf(seen.margin[i])));
        }
    }
    assert_int_equal(trained, SECOND);
    assert_int_equal(evaluated, FIRST);
    /* An epoch's figures are those of what it trained. */
    assert_true(fabs(tidylog_reader_epochs(reader, &epochs)[EPOCHS - 1].accuracy - correct / SECOND) < 1e-12);
    assert_int_equal(epochs, EPOCHS);
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
    loop_backend->destroy(trainer);
    fake_state_destroy(&left);
}

/* Steps of the run: 2 epochs of 3, and 2 of 4 + 3 of which 4 train. */
static void test_resume_anywhere_in_a_run_of_two_splits_gives_the_same_log(void **state)
{
    (void)state;
    static const struct {
        enum fake_call call;
        uint64_t calls;
    } rows[] = {{FAKE_COLLECT, 2 * 3 + 2 * 4}, {FAKE_PREDICT, 2 * 3}};
    const char *whole = loop_log("split-whole"), *path = loop_log("split-interrupted");
    struct tidylog_run run = split_plan();
    fake_reset();
    assert_int_equal(loop_record(whole, &run), 0);
    for (int ahead = 0; ahead < 2; ahead++) {
        loop_backend = ahead ? &fake_backend_ahead : &fake_backend;
        for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
            for (uint64_t number = 0; number < rows[row].calls; number++) {
                for (int fails = 0; fails < 2; fails++) {
                    fake_reset();
                    fake_event = (struct fake_event){.wanted = true,
                                                     .call = rows[row].call,
                                                     .number = number,
                                                     .signal = fails ? 0 : SIGINT,
                                                     .fails = fails};
                    int status = loop_record(path, &run);
                    bool last = row == 1 && number + 1 == rows[row].calls;
                    assert_int_equal(status, fails ? TIDY_FAILED : last ? 0 : TIDY_INTERRUPTED);
                    fake_reset();
                    assert_int_equal(loop_resume(path, 0), 0);
                    loop_expect_same(whole, path);
                }
            }
        }
    }
    loop_backend = &fake_backend;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_that_are_left_out_never_appear),
        cmocka_unit_test(test_the_second_split_is_trained_on_and_the_first_classified_as_the_epoch_left_it),
        cmocka_unit_test(test_resume_anywhere_in_a_run_of_two_splits_gives_the_same_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
