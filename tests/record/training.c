/* What the loop promises: every prediction in the log as it was made; the same log however it was interrupted. */
#include "tests/support/support.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "record/interruption.h"
#include "record/training.h"
#include "tests/record/loop_fixture.h"

/* The log of an uninterrupted run. */
static const char *whole_run(void)
{
    const char *path = loop_log("whole");
    struct tidylog_run run = loop_plan();
    fake_reset();
    if (loop_record(path, &run) != 0)
        fail_msg("%s", tidy_error_message());
    fake_reset();
    return path;
}

/* ---- what is recorded ------------------------------------------------------------------------------------ */

static void test_the_log_holds_what_the_backend_gave_in_its_order(void **state)
{
    (void)state;
    const char *path = loop_log("transcript");
    struct tidylog_run run = loop_plan();
    fake_reset();
    assert_int_equal(loop_record(path, &run), 0);
    assert_int_equal(fake_lines, SAMPLES * EPOCHS);

    struct tidylog_reader *reader;
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    assert_int_equal(tidylog_open(&reader, path), 0);
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, EPOCHS), 0);
    const struct fake_line *line = fake_transcript;
    for (uint64_t step = 0; step < STEPS; step++) {
        assert_int_equal(tidylog_replay_next(replay, &seen), 1);
        assert_int_equal(seen.count, step % STEPS_PER_EPOCH == STEPS_PER_EPOCH - 1 ? 2 : BATCH);
        for (uint32_t i = 0; i < seen.count; i++, line++) {
            assert_int_equal(seen.samples[i], line->sample);
            assert_int_equal(seen.predicted[i], line->predicted);
            assert_int_equal(line->label, loop_labels[line->sample]);
            assert_true(fabsf(seen.margin[i] - line->margin) <= 1e-5f * fmaxf(1, fabsf(line->margin)));
            assert_true(fabsf(seen.loss[i] - line->loss) <= 1e-5f * fmaxf(1, line->loss));
        }
    }
    assert_int_equal(tidylog_replay_next(replay, &seen), 0);
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
}

static void test_an_epoch_sees_every_sample_once_and_epochs_differ_where_shuffled(void **state)
{
    (void)state;
    struct tidylog_run run = loop_plan();
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        run.shuffle = shuffle;
        fake_reset();
        assert_int_equal(loop_record(loop_log("order"), &run), 0);
        for (size_t epoch = 0; epoch < EPOCHS; epoch++) {
            unsigned seen[SAMPLES] = {0};
            size_t in_place = 0;
            for (size_t i = 0; i < SAMPLES; i++) {
                uint32_t sample = fake_transcript[epoch * SAMPLES + i].sample;
                seen[sample]++;
                in_place += sample == i;
            }
            for (size_t i = 0; i < SAMPLES; i++)
                assert_int_equal(seen[i], 1);
            if (shuffle)
                assert_in_range(in_place, 0, SAMPLES / 4);
            else
                assert_int_equal(in_place, SAMPLES);
        }
    }
}

static void test_an_epochs_loss_and_accuracy_are_means_over_its_predictions(void **state)
{
    (void)state;
    const char *path = whole_run();
    struct tidylog_reader *reader;
    uint64_t count;
    struct tidylog_run run = loop_plan();
    assert_int_equal(loop_record(path, &run), 0);
    assert_int_equal(tidylog_open(&reader, path), 0);
    const struct tidylog_epoch *epochs = tidylog_reader_epochs(reader, &count);
    assert_int_equal(count, EPOCHS);
    for (size_t epoch = 0; epoch < EPOCHS; epoch++) {
        double loss = 0, correct = 0;
        for (size_t i = epoch * SAMPLES; i < (epoch + 1) * SAMPLES; i++) {
            loss += (double)fake_transcript[i].loss;
            correct += fake_transcript[i].predicted == fake_transcript[i].label;
        }
        assert_int_equal(epochs[epoch].epoch, epoch);
        assert_true(fabs(epochs[epoch].loss - loss / SAMPLES) < 1e-12);
        assert_true(fabs(epochs[epoch].accuracy - correct / SAMPLES) < 1e-12);
        assert_true(epochs[epoch].test_accuracy >= 0 && epochs[epoch].test_accuracy <= 1);
        assert_true(epochs[epoch].seconds > 0);
    }
    assert_true(epochs[EPOCHS - 1].loss < epochs[0].loss); /* it learned */
    tidylog_close_reader(reader);
}

static void test_the_learning_rate_follows_its_schedule(void **state)
{
    (void)state;
    struct tidylog_run run = loop_plan(); /* 4 epochs of 7 steps, rate 0.5 */
    assert_true(fabs(training_learning_rate(&run, 0, 0, 7) - 0.5) < 1e-15);
    assert_true(fabs(training_learning_rate(&run, 1, 0, 7) - 0.25 * (1 + sqrt(0.5))) < 1e-15); /* cos(pi / 4) */
    assert_true(fabs(training_learning_rate(&run, 2, 0, 7) - 0.25) < 1e-15);                   /* cos(pi / 2) = 0 */
    assert_true(fabs(training_learning_rate(&run, 3, 0, 7) - 0.25 * (1 - sqrt(0.5))) < 1e-15);
    assert_true(fabs(training_learning_rate(&run, 0, 7, 14) - 0.25 * (1 + cos(acos(-1) / 8))) < 1e-15);
    run.second_split = 1; /* one epoch, and a schedule of its own for the three after it */
    assert_true(training_learning_rate(&run, 0, 0, 4) == 0.5 && training_learning_rate(&run, 1, 0, 4) == 0.5);
    assert_true(fabs(training_learning_rate(&run, 0, 2, 4) - 0.25) < 1e-15);
    assert_true(fabs(training_learning_rate(&run, 2, 2, 4) - 0.25) < 1e-15); /* step 6 of 12 */
    run.second_split = 0;
    run.lr_schedule = "constant";
    assert_true(training_learning_rate(&run, 0, 0, 7) == 0.5 && training_learning_rate(&run, 3, 6, 7) == 0.5);
    fake_reset();
    assert_int_equal(loop_record(loop_log("rates"), &run), 0);
    for (size_t i = 0; i < fake_lines; i++)
        assert_true(fake_transcript[i].learning_rate == 0.5f);
    run.lr_schedule = "cosine";
    fake_reset();
    assert_int_equal(loop_record(loop_log("rates"), &run), 0);
    assert_true(fake_transcript[0].learning_rate == 0.5f);
    assert_true(fake_transcript[2 * SAMPLES].learning_rate == 0.25f); /* the first of step 14 */
}

static void test_steps_ahead_change_no_value(void **state)
{
    (void)state;
    const char *whole = whole_run(), *ahead = loop_log("ahead");
    struct tidylog_run run = loop_plan();
    loop_backend = &fake_backend_ahead;
    assert_int_equal(loop_record(ahead, &run), 0);
    loop_backend = &fake_backend;
    loop_expect_same(whole, ahead);
}

static void test_without_a_test_set_test_accuracy_is_not_a_number(void **state)
{
    (void)state;
    /* The loop asks test_samples, not the loop_backend. */
    struct network network = {.classes = CLASSES};
    struct dataset images = {.samples = SAMPLES};
    struct trainer_config config = {
        .network = &network, .train = &images, .test = &images, .batch_size = BATCH, .epoch_samples = {SAMPLES}};
    struct network_state initial;
    struct tidylog_run run = loop_plan();
    const char *path = loop_log("untested");
    fake_reset();
    fake_state_create(&initial, CLASSES, 1);
    struct training training = {
        .backend = loop_backend, .state = &initial, .checkpoint_path = loop_checkpoint(path)};
    assert_int_equal(tidylog_create(&training.log, path, &run, true), 0);
    assert_int_equal(loop_backend->create(&training.trainer, &config), 0);
    assert_int_equal(training_start(&training), 0);
    interruption_watch();
    assert_int_equal(training_run(&training), 0);
    loop_backend->destroy(training.trainer);
    fake_state_destroy(&initial);
    assert_int_equal(tidylog_close(training.log), 0);

    struct tidylog_reader *reader;
    uint64_t count;
    assert_int_equal(tidylog_open(&reader, path), 0);
    assert_true(isnan(tidylog_reader_epochs(reader, &count)[0].test_accuracy));
    tidylog_close_reader(reader);
}

/* ---- what goes wrong ------------------------------------------------------------------------------------- */

static void test_a_loss_that_is_not_a_number_stops_with_a_good_log(void **state)
{
    (void)state;
    const char *path = loop_log("diverged");
    struct tidylog_run run = loop_plan();
    fake_reset();
    fake_event = (struct fake_event){.wanted = true, .call = FAKE_COLLECT, .number = 17, .no_loss = true};
    assert_int_equal(loop_record(path, &run), TIDY_FAILED);
    /* Steps 14 to 20 are the third epoch's. */
    assert_non_null(strstr(tidy_error_message(), "the loss is not a number in epoch 3, step 17: lower --lr"));

    struct tidylog_writer *log;
    assert_int_equal(tidylog_resume(&log, path), 0);
    assert_int_equal(tidylog_cut(log, 17), 0); /* it has the steps before, */
    assert_int_equal(tidylog_close(log), 0);
    fake_reset();
    assert_int_equal(loop_resume(path, 0), 0); /* and whoever repairs the cause goes on */
    loop_expect_same(whole_run(), path);
}

static void test_a_device_that_fails_stops_with_its_message(void **state)
{
    (void)state;
    const char *path = loop_log("failed"), *whole = whole_run();
    for (enum fake_call call = FAKE_STEP; call < FAKE_PREDICT; call++) {
        struct tidylog_run run = loop_plan();
        fake_reset();
        fake_event = (struct fake_event){.wanted = true, .call = call, .number = 2, .fails = true};
        assert_int_equal(loop_record(path, &run), TIDY_FAILED);
        assert_string_equal(tidy_error_message(), "the device is gone");
        fake_reset();
        assert_int_equal(loop_resume(path, 0), 0);
        loop_expect_same(whole, path);
    }
}

/* Says whether the closed log has exactly so many steps. */
static void expect_steps(const char *path, uint64_t steps)
{
    struct tidylog_writer *log;
    assert_int_equal(tidylog_resume(&log, path), 0);
    assert_int_equal(tidylog_cut(log, steps + 1), TIDY_FAILED);
    assert_int_equal(tidylog_cut(log, steps), 0);
    assert_int_equal(tidylog_close(log), 0);
}

/* Three steps ahead: with steps 14 to 20 the third epoch's, a failure in its middle leaves two or three of them
 * uncollected, and one while its last are collected leaves fewer. */
static void test_a_device_that_fails_with_steps_ahead_leaves_what_was_collected(void **state)
{
    (void)state;
    static const struct {
        enum fake_call call;
        uint64_t number, logged, uncollected;
    } rows[] = {
        {FAKE_STEP, 14, 14, 0}, /* the epoch's first: nothing is ahead */
        {FAKE_STEP, 15, 14, 1},
        {FAKE_STEP, 18, 16, 2}, /* 16 and 17 are ahead; 15 was collected before 18 was submitted */
        {FAKE_COLLECT, 14, 14, 3},
        {FAKE_COLLECT, 17, 17, 3},
        {FAKE_COLLECT, 19, 19, 2}, /* nothing is submitted beyond the epoch's end */
        {FAKE_COLLECT, 20, 20, 1},
    };
    const char *path = loop_log("failed-ahead"), *whole = whole_run();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tidylog_run run = loop_plan();
        fake_reset();
        fake_event =
            (struct fake_event){.wanted = true, .call = rows[i].call, .number = rows[i].number, .fails = true};
        loop_backend = &fake_backend_ahead;
        assert_int_equal(loop_record(path, &run), TIDY_FAILED);
        assert_string_equal(tidy_error_message(), "the device is gone");
        assert_int_equal(fake_uncollected, rows[i].uncollected);
        expect_steps(path, rows[i].logged);

        /* The checkpoint is that of the second epoch's end. */
        struct checkpoint_position position;
        struct network_state checkpoint;
        bool found;
        fake_state_create(&checkpoint, CLASSES, 1);
        assert_int_equal(
            checkpoint_load(loop_checkpoint(path), checkpoint_fingerprint(&run), &position, &checkpoint, &found),
            0);
        assert_true(found);
        assert_int_equal(position.step, 2 * STEPS_PER_EPOCH);
        fake_state_destroy(&checkpoint);

        fake_reset();
        assert_int_equal(loop_resume(path, 0), 0);
        loop_backend = &fake_backend;
        loop_expect_same(whole, path);
    }
}

/* Ctrl-C while step 16 is collected; then 17 and 18 are to be, for the checkpoint. */
static void test_an_interruption_that_the_device_does_not_survive_leaves_what_was_collected(void **state)
{
    (void)state;
    const char *path = loop_log("failed-interrupted");
    struct tidylog_run run = loop_plan();
    fake_reset();
    fake_event = (struct fake_event){
        .wanted = true, .call = FAKE_COLLECT, .number = 16, .signal = SIGINT, .next_fails = true};
    loop_backend = &fake_backend_ahead;
    assert_int_equal(loop_record(path, &run), TIDY_FAILED);
    loop_backend = &fake_backend;
    assert_string_equal(tidy_error_message(), "the device is gone");
    assert_int_equal(fake_uncollected, 2);
    expect_steps(path, 17);
    fake_reset();
    assert_int_equal(loop_resume(path, 0), 0);
    loop_expect_same(whole_run(), path);
}

static void test_a_damaged_checkpoint_is_an_error_and_leaves_the_log(void **state)
{
    (void)state;
    const char *path = loop_log("spoiled"), *checkpoint;
    struct tidylog_run run = loop_plan();
    size_t bytes;
    fake_reset();
    fake_event = (struct fake_event){.wanted = true, .call = FAKE_STEP, .number = 17, .signal = SIGINT};
    assert_int_equal(loop_record(path, &run), TIDY_INTERRUPTED);
    fake_reset();
    checkpoint = loop_checkpoint(path);
    char *file = support_read_file(checkpoint, &bytes);
    file[bytes / 2] ^= 4;
    support_write_file(checkpoint, file, bytes);
    assert_int_equal(loop_resume(path, 0), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "checksum mismatch"));
    file[bytes / 2] ^= 4;
    support_write_file(checkpoint, file, bytes);
    free(file);
    assert_int_equal(loop_resume(path, 0), 0);
    loop_expect_same(whole_run(), path);
}

/* ---- interruptions --------------------------------------------------------------------------------------- */

static void check_interruption_at_any_step(int signal)
{
    const char *path = loop_log("interrupted"), *whole = whole_run();
    for (uint64_t step = 0; step < STEPS; step++) {
        struct tidylog_run run = loop_plan();
        fake_reset();
        fake_event = (struct fake_event){.wanted = true, .call = FAKE_STEP, .number = step, .signal = signal};
        int status = loop_record(path, &run);
        /* In the last steps nothing may be left to do. */
        assert_true(status == TIDY_INTERRUPTED || (status == 0 && step > STEPS - 4));
        assert_int_equal(interruption_signal(), signal);
        assert_int_equal(access(loop_checkpoint(path), F_OK), 0);
        fake_reset();
        assert_int_equal(loop_resume(path, 0), 0);
        loop_expect_same(whole, path);
    }
}

static void test_resume_after_ctrl_c_at_any_step_gives_the_same_log(void **state)
{
    (void)state;
    check_interruption_at_any_step(SIGINT);
    loop_backend = &fake_backend_ahead;
    check_interruption_at_any_step(SIGTERM);
    loop_backend = &fake_backend;
}

static void test_an_interruption_ends_after_the_running_step(void **state)
{
    (void)state;
    struct tidylog_run run = loop_plan();
    fake_reset();
    fake_event = (struct fake_event){.wanted = true, .call = FAKE_STEP, .number = 2, .signal = SIGINT};
    assert_int_equal(loop_record(loop_log("prompt"), &run), TIDY_INTERRUPTED);
    assert_int_equal(fake_lines, 3 * BATCH);
    fake_reset();
    fake_event =
        (struct fake_event){.wanted = true, .call = FAKE_STEP, .number = STEPS_PER_EPOCH - 1, .signal = SIGINT};
    assert_int_equal(loop_record(loop_log("prompt"), &run), TIDY_INTERRUPTED);
    assert_int_equal(fake_lines, SAMPLES); /* also where the step is an epoch's last */
}

static void test_resume_again_and_again_gives_the_same_log(void **state)
{
    (void)state;
    const char *path = loop_log("again"), *whole = whole_run();
    struct tidylog_run run = loop_plan();
    fake_event = (struct fake_event){.wanted = true, .call = FAKE_STEP, .number = 0, .signal = SIGINT};
    int status = loop_record(path, &run);
    int times = 0;
    for (; status == TIDY_INTERRUPTED; times++) {
        fake_reset();
        fake_event = (struct fake_event){.wanted = true, .call = FAKE_STEP, .number = 1, .signal = SIGINT};
        status = loop_resume(path, 0);
    }
    assert_int_equal(status, 0);
    assert_in_range(times, STEPS / 2 - 2, STEPS); /* two steps a time, fewer at the ends of epochs */
    fake_reset();
    loop_expect_same(whole, path);
}

/* ---- sudden death ---------------------------------------------------------------------------------------- */

/* The library functions that the checkpoint's writer calls; the linker sends its calls here (--wrap). */
enum death_place {
    DEATH_NOWHERE,
    DEATH_IN_WRITE,
    DEATH_BEFORE_FSYNC,
    DEATH_BEFORE_RENAME,
    DEATH_AFTER_RENAME,
    DEATH_PLACES
};
static enum death_place death_place;
static unsigned death_countdown; /* such calls that are still survived */

static bool dies_in(enum death_place place)
{
    return death_place == place && death_countdown-- == 0;
}

ssize_t __real_write(int file, const void *data, size_t bytes);
int __real_fsync(int file);
int __real_rename(const char *from, const char *to);

ssize_t __wrap_write(int file, const void *data, size_t bytes)
{
    if (dies_in(DEATH_IN_WRITE)) {
        __real_write(file, data, bytes / 2);
        raise(SIGKILL);
    }
    return __real_write(file, data, bytes);
}

int __wrap_fsync(int file)
{
    if (dies_in(DEATH_BEFORE_FSYNC))
        raise(SIGKILL);
    return __real_fsync(file);
}

int __wrap_rename(const char *from, const char *to)
{
    if (dies_in(DEATH_BEFORE_RENAME))
        raise(SIGKILL);
    int status = __real_rename(from, to);
    if (dies_in(DEATH_AFTER_RENAME))
        raise(SIGKILL);
    return status;
}

/* Records, or resumes, in a child that dies as planned. Returns false where it came to the end instead. */
static bool dies(const char *path, bool resumed)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct tidylog_run run = loop_plan();
        _exit((resumed ? loop_resume(path, 0) : loop_record(path, &run)) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void test_resume_after_a_kill_in_any_call_gives_the_same_log(void **state)
{
    (void)state;
    const char *path = loop_log("killed"), *whole = whole_run();
    for (int often = 0; often < 2; often++) {
        loop_checkpoint_seconds =
            often ? 0 : TRAINING_CHECKPOINT_SECONDS; /* a checkpoint after every step, or epoch */
        for (enum fake_call call = FAKE_STEP; call < FAKE_PREDICT; call++) {
            for (uint64_t number = 0;; number += call == FAKE_STEP || call == FAKE_COLLECT ? 3 : 1) {
                fake_reset();
                fake_event = (struct fake_event){.wanted = true, .call = call, .number = number, .signal = SIGKILL};
                bool died = dies(path, false);
                fake_reset();
                if (!died)
                    break;
                assert_int_equal(loop_resume(path, 0), 0);
                loop_expect_same(whole, path);
            }
        }
    }
    loop_checkpoint_seconds = TRAINING_CHECKPOINT_SECONDS;
}

static void test_resume_after_a_kill_while_a_checkpoint_is_written_gives_the_same_log(void **state)
{
    (void)state;
    const char *path = loop_log("torn"), *whole = whole_run();
    unsigned deaths = 0;
    for (enum death_place place = DEATH_IN_WRITE; place < DEATH_PLACES; place++) {
        for (unsigned survived = 0;; survived++) {
            death_place = place;
            death_countdown = survived;
            bool died = dies(path, false);
            death_place = DEATH_NOWHERE;
            if (!died)
                break;
            deaths++;
            if (access(path, F_OK) != 0)
                continue; /* it died before the log was there */
            assert_int_equal(loop_resume(path, 0), 0);
            loop_expect_same(whole, path);
        }
    }
    assert_in_range(deaths, 4 * EPOCHS, 200);
}

static void test_a_run_that_is_killed_again_and_again_comes_to_the_same_log(void **state)
{
    (void)state;
    const char *path = loop_log("stubborn"), *whole = whole_run();
    loop_checkpoint_seconds = 0;
    fake_event = (struct fake_event){.wanted = true, .call = FAKE_STEP, .number = 3, .signal = SIGKILL};
    unsigned deaths = 0;
    for (bool resumed = false; dies(path, resumed); resumed = true)
        deaths++;
    fake_reset();
    loop_checkpoint_seconds = TRAINING_CHECKPOINT_SECONDS;
    assert_in_range(deaths, STEPS / 4, STEPS);
    loop_expect_same(whole, path);
}

/* ---- going on -------------------------------------------------------------------------------------------- */

static void test_more_epochs_of_a_constant_schedule_are_those_of_a_longer_run(void **state)
{
    (void)state;
    const char *whole = loop_log("longer"), *path = loop_log("prolonged");
    struct tidylog_run run = loop_plan();
    run.lr_schedule = "constant";
    fake_reset();
    assert_int_equal(loop_record(whole, &run), 0);
    run.epochs = 2;
    assert_int_equal(loop_record(path, &run), 0);
    assert_int_equal(loop_resume(path, EPOCHS), 0);
    loop_expect_same(whole, path);
}

static void test_a_finished_run_keeps_its_checkpoint_and_its_log(void **state)
{
    (void)state;
    const char *path = loop_log("finished");
    struct tidylog_run run = loop_plan();
    assert_int_equal(loop_record(path, &run), 0);
    assert_int_equal(access(loop_checkpoint(path), F_OK), 0);
    fake_reset();
    assert_int_equal(loop_resume(path, 0), 0);
    assert_int_equal(fake_lines, 0);
    loop_expect_same(whole_run(), path);
}

static void test_the_checkpoint_of_another_run_is_refused(void **state)
{
    (void)state;
    const char *path = loop_log("mixed"), *whole = whole_run();
    struct tidylog_run run = loop_plan();
    size_t bytes;
    run.seed++;
    assert_int_equal(loop_record(path, &run), 0);
    char *file = support_read_file(loop_checkpoint(whole), &bytes);
    support_write_file(loop_checkpoint(path), file, bytes);
    free(file);
    assert_int_equal(loop_resume(path, 0), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "belongs to another run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_log_holds_what_the_backend_gave_in_its_order),
        cmocka_unit_test(test_an_epoch_sees_every_sample_once_and_epochs_differ_where_shuffled),
        cmocka_unit_test(test_an_epochs_loss_and_accuracy_are_means_over_its_predictions),
        cmocka_unit_test(test_the_learning_rate_follows_its_schedule),
        cmocka_unit_test(test_steps_ahead_change_no_value),
        cmocka_unit_test(test_without_a_test_set_test_accuracy_is_not_a_number),
        cmocka_unit_test(test_a_loss_that_is_not_a_number_stops_with_a_good_log),
        cmocka_unit_test(test_a_device_that_fails_stops_with_its_message),
        cmocka_unit_test(test_a_device_that_fails_with_steps_ahead_leaves_what_was_collected),
        cmocka_unit_test(test_an_interruption_that_the_device_does_not_survive_leaves_what_was_collected),
        cmocka_unit_test(test_a_damaged_checkpoint_is_an_error_and_leaves_the_log),
        cmocka_unit_test(test_resume_after_ctrl_c_at_any_step_gives_the_same_log),
        cmocka_unit_test(test_an_interruption_ends_after_the_running_step),
        cmocka_unit_test(test_resume_again_and_again_gives_the_same_log),
        cmocka_unit_test(test_resume_after_a_kill_in_any_call_gives_the_same_log),
        cmocka_unit_test(test_resume_after_a_kill_while_a_checkpoint_is_written_gives_the_same_log),
        cmocka_unit_test(test_a_run_that_is_killed_again_and_again_comes_to_the_same_log),
        cmocka_unit_test(test_more_epochs_of_a_constant_schedule_are_those_of_a_longer_run),
        cmocka_unit_test(test_a_finished_run_keeps_its_checkpoint_and_its_log),
        cmocka_unit_test(test_the_checkpoint_of_another_run_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
