/* Logs of runs with two splits, of probes, and of trainers whose epochs and labels are their own. */
#include "tests/common/log_fixture.h"
#include "tests/support/support.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"

/* Samples 0, 3, 4, 7, 8 are the first split, 1, 5, 9 the second, 2 and 6 neither; in steps of 2, from epoch 2 on
 * the second. So an epoch of the first phase is (0 3) (4 7) (8), one of the second (1 5) (9), then (0 3) (4 7)
 * (8) again, evaluated. */
enum { SAMPLES = 10, BATCH = 2, SECOND = 2, CLASSES = 4 };
static const uint16_t parts[SAMPLES] = {0, 1, 2, 0, 0, 1, 2, 0, 0, 1};

static void create_split_fixture(struct log_fixture *fixture, bool shuffle)
{
    log_fixture_create(fixture, SAMPLES, CLASSES, BATCH, 4, TIDYLOG_MARGIN);
    fixture->run.shuffle = shuffle;
    fixture->run.parts = parts;
    fixture->run.second_split = SECOND;
    tidylog_order_destroy(fixture->order);
    assert_int_equal(tidylog_order_create(&fixture->order, &fixture->run), 0);
}

static const char *scratch(const char *name)
{
    return support_path(support_scratch_folder(), name);
}

static void test_the_order_of_a_run_with_two_splits_is_as_the_format_says(void **state)
{
    (void)state;
    static const struct {
        uint64_t step, epoch;
        uint32_t count, samples[BATCH];
        bool evaluated;
    } expected[] = {
        {0, 0, 2, {0, 3}, false}, {2, 0, 1, {8}, false},     {3, 1, 2, {0, 3}, false}, {5, 1, 1, {8}, false},
        {6, 2, 2, {1, 5}, false}, {7, 2, 1, {9}, false},     {8, 2, 2, {0, 3}, true},  {9, 2, 2, {4, 7}, true},
        {10, 2, 1, {8}, true},    {11, 3, 2, {1, 5}, false}, {15, 3, 1, {8}, true},    {16, 4, 2, {1, 5}, false},
        {1, 0, 2, {4, 7}, false},
    };
    struct log_fixture fixture;
    create_split_fixture(&fixture, false);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct tidylog_due due;
        tidylog_order_step(fixture.order, expected[i].step, &due);
        assert_int_equal(due.epoch, expected[i].epoch);
        assert_int_equal(due.count, expected[i].count);
        assert_memory_equal(due.samples, expected[i].samples, due.count * sizeof *due.samples);
        assert_int_equal(due.evaluated, expected[i].evaluated);
    }
    static const uint64_t before[] = {0, 3, 6, 11, 16}, trained[] = {5, 5, 3, 3, 3};
    for (uint64_t epoch = 0; epoch < 5; epoch++) {
        assert_int_equal(tidylog_order_steps_before(fixture.order, epoch), before[epoch]);
        assert_int_equal(tidylog_order_trained(fixture.order, epoch), trained[epoch]);
    }
    log_fixture_destroy(&fixture);
}

static void test_shuffling_moves_samples_only_inside_their_split(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_split_fixture(&fixture, true);
    for (uint64_t epoch = 0; epoch < 4; epoch++) {
        uint32_t times[SAMPLES] = {0}, last = 0;
        uint64_t end = tidylog_order_steps_before(fixture.order, epoch + 1);
        for (uint64_t step = tidylog_order_steps_before(fixture.order, epoch); step < end; step++) {
            struct tidylog_due due;
            tidylog_order_step(fixture.order, step, &due);
            for (uint32_t i = 0; i < due.count; i++) {
                uint32_t sample = due.samples[i];
                times[sample]++;
                assert_int_equal(parts[sample], epoch >= SECOND && !due.evaluated ? 1 : 0);
                assert_true(!due.evaluated || times[sample] == 1);
                assert_true(!due.evaluated || sample == 0 || sample > last);
                last = due.evaluated ? sample : 0;
            }
        }
        for (uint32_t i = 0; i < SAMPLES; i++)
            assert_int_equal(times[i], parts[i] == 0 || (parts[i] == 1 && epoch >= SECOND) ? 1 : 0);
    }
    log_fixture_destroy(&fixture);
}

static void test_a_replay_tells_trained_steps_from_evaluated_ones(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_split_fixture(&fixture, true);
    const char *path = scratch("splits.tidy");
    log_fixture_write(&fixture, path, 16);
    assert_int_equal(log_fixture_check_whole(path), 16);
    struct tidylog_reader *reader = log_fixture_open(path);
    assert_memory_equal(tidylog_reader_run(reader)->parts, parts, sizeof parts);
    assert_int_equal(tidylog_reader_run(reader)->second_split, SECOND);
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, UINT64_MAX), 0);
    for (uint64_t step = 0; step < 16; step++) {
        struct tidylog_due due;
        assert_int_equal(tidylog_replay_next(replay, &seen), 1);
        struct tidylog_predictions expected = log_fixture_step(&fixture, step);
        tidylog_order_step(fixture.order, step, &due);
        assert_int_equal(seen.epoch, step < 3 ? 0 : step < 6 ? 1 : step < 11 ? 2 : 3);
        assert_int_equal(seen.evaluated, (step >= 8 && step < 11) || step >= 13);
        assert_int_equal(seen.count, expected.count);
        assert_memory_equal(seen.samples, expected.samples, seen.count * sizeof *seen.samples);
        assert_memory_equal(seen.predicted, expected.predicted, seen.count * sizeof *seen.predicted);
    }
    assert_int_equal(tidylog_replay_next(replay, &seen), 0);
    tidylog_replay_end(replay);

    /* The second split's steps stay, and none lists its samples: 2 bytes of codes and less than 1 of bitmap a
     * prediction, and what a record has. Two epochs of the first split are packed. */
    struct tidylog_table_size sizes[TIDYLOG_TABLES];
    assert_int_equal(tidylog_table_sizes(reader, sizes), 0);
    assert_int_equal(sizes[1].counts, 8 + 8);
    assert_true(sizes[1].stored_bytes <= 10 * (8 + 16 + 2) + 16 * 2);
    assert_int_equal(sizes[3].counts, 5 + 5);
    assert_int_equal(sizes[3].records, 2);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

static void test_probes_keep_the_labels_that_the_data_set_gives(void **state)
{
    (void)state;
    struct log_fixture fixture;
    log_fixture_create(&fixture, SAMPLES, CLASSES, BATCH, 1, TIDYLOG_CLASS);
    assert_ptr_equal(tidylog_given_labels(&fixture.run), fixture.run.labels);
    uint16_t given[SAMPLES];
    memcpy(given, fixture.labels, sizeof given);
    fixture.labels[3] = fixture.labels[8] = CLASSES - 1;
    fixture.run.given = given;
    fixture.run.probes = "threshold-samples";
    const char *path = scratch("probes.tidy");
    log_fixture_write(&fixture, path, 5);
    struct tidylog_reader *reader = log_fixture_open(path);
    const struct tidylog_run *run = tidylog_reader_run(reader);
    assert_memory_equal(tidylog_given_labels(run), given, sizeof given);
    assert_memory_equal(run->labels, fixture.labels, sizeof given);
    assert_string_equal(run->probes, "threshold-samples");
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

static void check_refused(const struct tidylog_run *run, const char *why)
{
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, scratch("refused.tidy"), run, false), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), why));
}

static void test_splits_on_which_no_epoch_could_train_are_refused(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_split_fixture(&fixture, true);
    uint16_t values[SAMPLES];
    for (int i = 0; i < SAMPLES; i++)
        values[i] = TIDYLOG_SECOND_SPLIT;
    fixture.run.parts = values;
    check_refused(&fixture.run, "no sample is in the first split");
    values[0] = TIDYLOG_FIRST_SPLIT;
    fixture.run.second_split = 0;
    check_refused(&fixture.run, "in a second split, on which no epoch trains");
    for (int i = 0; i < SAMPLES; i++)
        values[i] = i % 2 == 0 ? TIDYLOG_FIRST_SPLIT : TIDYLOG_LEFT_OUT;
    fixture.run.second_split = 1;
    check_refused(&fixture.run, "no sample is in the second split");
    fixture.run.parts = NULL;
    check_refused(&fixture.run, "no sample is in the second split");
    values[0] = TIDYLOG_LEFT_OUT + 1;
    fixture.run.parts = values;
    check_refused(&fixture.run, "part is none of the splits");
    fixture.run.parts = NULL;
    fixture.run.second_split = 0;
    fixture.run.given = values;
    values[0] = CLASSES;
    check_refused(&fixture.run, "not below the number of classes");
    log_fixture_destroy(&fixture);
}

/* ---- another trainer's epochs and labels ------------------------------------------------------------------ */

/* Appends steps first..end-1 of the fixture, whatever epoch they are due in. */
static void append_steps(struct log_fixture *fixture, struct tidylog_writer *writer, uint64_t first, uint64_t end)
{
    for (uint64_t step = first; step < end; step++) {
        struct tidylog_predictions predictions = log_fixture_step(fixture, step);
        assert_int_equal(tidylog_append_step(writer, step, &predictions), 0);
    }
}

static void end_epoch(struct tidylog_writer *writer, uint64_t number)
{
    struct tidylog_epoch epoch = log_fixture_epoch(number);
    assert_int_equal(tidylog_append_epoch(writer, &epoch), 0);
}

/* Checks the epoch of each step, and that its samples are the fixture's. */
static void check_epochs_of_steps(struct log_fixture *fixture, const char *path, const uint64_t *ends,
                                  uint64_t count)
{
    log_fixture_check_whole(path);
    struct tidylog_reader *reader = log_fixture_open(path);
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    uint64_t finished;
    tidylog_reader_epochs(reader, &finished);
    assert_int_equal(finished, count);
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, UINT64_MAX), 0);
    for (uint64_t epoch = 0, step = 0; epoch < count; epoch++) {
        assert_int_equal(tidylog_reader_steps_through(reader, epoch), ends[epoch]);
        for (; step < ends[epoch]; step++) {
            assert_int_equal(tidylog_replay_next(replay, &seen), 1);
            struct tidylog_predictions expected = log_fixture_step(fixture, step);
            assert_int_equal(seen.epoch, epoch);
            assert_false(seen.evaluated);
            assert_memory_equal(seen.samples, expected.samples, seen.count * sizeof *seen.samples);
        }
    }
    assert_int_equal(tidylog_replay_next(replay, &seen), 0);
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
}

static void test_an_epoch_may_have_any_number_of_steps(void **state)
{
    (void)state;
    /* 5 steps an epoch are due. */
    static const uint64_t ends[] = {3, 4, 11};
    struct log_fixture fixture;
    struct tidylog_writer *writer;
    log_fixture_create(&fixture, SAMPLES, CLASSES, BATCH, 3, TIDYLOG_MARGIN);
    const char *path = scratch("uneven.tidy");
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, true), 0);
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        append_steps(&fixture, writer, epoch == 0 ? 0 : ends[epoch - 1], ends[epoch]);
        end_epoch(writer, epoch);
        struct tidylog_epoch empty = log_fixture_epoch(epoch + 1);
        assert_int_equal(tidylog_append_epoch(writer, &empty), TIDY_FAILED);
    }
    append_steps(&fixture, writer, 11, 13);
    assert_int_equal(tidylog_close(writer), 0);
    check_epochs_of_steps(&fixture, path, ends, 3);

    /* Cut inside epoch 2, then gone on with otherwise. */
    static const uint64_t anew[] = {3, 4, 8};
    assert_int_equal(tidylog_resume(&writer, path), 0);
    assert_int_equal(tidylog_cut(writer, 6), 0);
    append_steps(&fixture, writer, 6, 8);
    end_epoch(writer, 2);
    assert_int_equal(tidylog_close(writer), 0);
    check_epochs_of_steps(&fixture, path, anew, 3);

    /* Cut at an epoch's end, of which the record stays. */
    static const uint64_t short_log[] = {3, 4, 5};
    assert_int_equal(tidylog_resume(&writer, path), 0);
    assert_int_equal(tidylog_cut(writer, 4), 0);
    append_steps(&fixture, writer, 4, 5);
    end_epoch(writer, 2);
    assert_int_equal(tidylog_close(writer), 0);
    check_epochs_of_steps(&fixture, path, short_log, 3);
    log_fixture_destroy(&fixture);
}

static void test_labels_that_come_later_are_in_the_log_with_their_steps(void **state)
{
    (void)state;
    struct log_fixture fixture;
    struct tidylog_writer *writer;
    log_fixture_create(&fixture, SAMPLES, CLASSES, BATCH, 1, TIDYLOG_MARGIN);
    uint16_t unknown[SAMPLES] = {0};
    struct tidylog_run run = fixture.run;
    run.labels = unknown;
    const char *path = scratch("labels.tidy");
    assert_int_equal(tidylog_create(&writer, path, &run, true), 0);
    for (uint64_t step = 0; step < 5; step++) {
        struct tidylog_predictions predictions = log_fixture_step(&fixture, step);
        for (uint32_t i = 0; i < predictions.count; i++) {
            uint32_t sample = predictions.samples[i];
            assert_int_equal(tidylog_set_label(writer, sample, fixture.labels[sample]), 0);
            assert_int_equal(tidylog_writer_run(writer)->labels[sample], fixture.labels[sample]);
        }
        assert_int_equal(tidylog_append_step(writer, step, &predictions), 0);
        if (step % 2 == 0)
            assert_int_equal(tidylog_sync(writer), 0);
    }
    /* Every sample was in a step by now. */
    assert_int_equal(tidylog_set_label(writer, 7, fixture.labels[7]), 0);
    assert_int_equal(tidylog_set_label(writer, 7, (uint16_t)((fixture.labels[7] + 1) % CLASSES)), TIDY_FAILED);
    log_fixture_check_message(path, ": sample 7 was in a step with label");
    assert_int_equal(tidylog_set_label(writer, 7, CLASSES), TIDY_FAILED);
    log_fixture_check_message(path, ": label 4 of sample 7: there are");
    assert_int_equal(tidylog_set_label(writer, SAMPLES, 0), TIDY_FAILED);
    log_fixture_check_message(path, ": label 0 of sample ");
    end_epoch(writer, 0);
    assert_int_equal(tidylog_close(writer), 0);
    static const uint64_t ends[] = {5};
    check_epochs_of_steps(&fixture, path, ends, 1);
    struct tidylog_reader *reader = log_fixture_open(path);
    assert_memory_equal(tidylog_reader_run(reader)->labels, fixture.labels, sizeof unknown);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_order_of_a_run_with_two_splits_is_as_the_format_says),
        cmocka_unit_test(test_shuffling_moves_samples_only_inside_their_split),
        cmocka_unit_test(test_a_replay_tells_trained_steps_from_evaluated_ones),
        cmocka_unit_test(test_probes_keep_the_labels_that_the_data_set_gives),
        cmocka_unit_test(test_splits_on_which_no_epoch_could_train_are_refused),
        cmocka_unit_test(test_an_epoch_may_have_any_number_of_steps),
        cmocka_unit_test(test_labels_that_come_later_are_in_the_log_with_their_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
