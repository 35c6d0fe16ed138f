/* Where a recording ends whose suspects no longer change, and that nothing moves that end. */
#include "tests/support/support.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "tests/record/loop_fixture.h"

static struct tidylog_run stable_plan(void)
{
    struct tidylog_run run = loop_plan();
    run.epochs = 40;
    run.seed = 8; /* of a few tried: its suspects change for some epochs before they settle */
    run.lr_schedule = "constant";
    run.learning_rate = 1;
    run.stop = "when-stable";
    return run;
}

/* Epochs that a closed log plans and has. */
static uint64_t epochs_of(const char *path)
{
    struct tidylog_reader *reader;
    uint64_t epochs;
    assert_int_equal(tidylog_open(&reader, path), 0);
    tidylog_reader_epochs(reader, &epochs);
    assert_int_equal(tidylog_reader_run(reader)->epochs, epochs);
    tidylog_close_reader(reader);
    return epochs;
}

/* By the definition, from the whole log of a run that did not stop: sums of margins, the lowest one (1% of 50
 * samples) in each epoch, and the end of three successive epochs in which it was that of the epoch before. */
static uint64_t expected_end(const char *path)
{
    struct tidylog_reader *reader;
    double sums[SAMPLES] = {0};
    int before = -1, same = 0;
    uint64_t epochs, end = 0;
    assert_int_equal(tidylog_open(&reader, path), 0);
    tidylog_reader_epochs(reader, &epochs);
    for (uint64_t epoch = 0; epoch < epochs && end == 0; epoch++) {
        struct tidylog_replay *replay;
        struct tidylog_observations seen;
        assert_int_equal(tidylog_replay_begin(&replay, reader, epoch, epoch + 1), 0);
        while (tidylog_replay_next(replay, &seen) == 1)
            for (uint32_t i = 0; i < seen.count; i++)
                sums[seen.samples[i]] += (double)seen.margin[i];
        tidylog_replay_end(replay);
        int lowest = 0;
        for (int i = 1; i < SAMPLES; i++)
            if (sums[i] < sums[lowest])
                lowest = i;
        same = lowest == before ? same + 1 : 0;
        before = lowest;
        if (same == 3)
            end = epoch + 1;
    }
    tidylog_close_reader(reader);
    return end;
}

static void test_a_recording_ends_where_suspects_are_stable_and_can_go_on(void **state)
{
    (void)state;
    const char *path = loop_log("stable"), *whole = loop_log("unstopped");
    struct tidylog_run run = stable_plan();
    struct tidylog_writer *log;
    fake_reset();
    assert_int_equal(tidylog_create(&log, whole, &run, true), 0);
    assert_int_equal(loop_train(log, whole, false, run.epochs), 0); /* who says how many epochs gets them */
    assert_int_equal(loop_record(path, &run), 0);
    uint64_t end = expected_end(whole);
    assert_in_range(end, 5, 30); /* or this is no test */
    assert_int_equal(epochs_of(path), end);
    assert_int_equal(loop_resume(path, 0), 0); /* nothing to do */
    assert_int_equal(epochs_of(path), end);
    assert_int_equal(loop_resume(path, 40), 0);
    loop_expect_same(whole, path);
}

static void test_an_interrupted_recording_ends_at_the_same_epoch(void **state)
{
    (void)state;
    const char *whole = loop_log("stable-whole"), *path = loop_log("stable-interrupted");
    struct tidylog_run run = stable_plan();
    fake_reset();
    assert_int_equal(loop_record(whole, &run), 0);
    uint64_t steps = epochs_of(whole) * STEPS_PER_EPOCH;
    for (uint64_t step = 0; step < steps; step += 5) {
        fake_reset();
        fake_event = (struct fake_event){.wanted = true, .call = FAKE_STEP, .number = step, .signal = SIGTERM};
        int status = loop_record(path, &run);
        assert_true(status == TIDY_INTERRUPTED || (status == 0 && step > steps - 2));
        fake_reset();
        assert_int_equal(loop_resume(path, 0), 0);
        loop_expect_same(whole, path);
    }
    /* Dead where the last epoch's checkpoint is written: the log is whole already. */
    fake_reset();
    fake_event =
        (struct fake_event){.wanted = true, .call = FAKE_SAVE, .number = epochs_of(whole) - 1, .signal = SIGKILL};
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(loop_record(path, &run) == 0 ? 0 : 1);
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFSIGNALED(ended));
    fake_reset();
    assert_int_equal(loop_resume(path, 0), 0);
    loop_expect_same(whole, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_recording_ends_where_suspects_are_stable_and_can_go_on),
        cmocka_unit_test(test_an_interrupted_recording_ends_at_the_same_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
