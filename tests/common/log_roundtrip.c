/* The log: what was appended is what is replayed; order, epochs, cutting, resuming. */
#include "tests/common/log_fixture.h"
#include "tests/support/code_errors.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/packing.h"
#include "common/random.h"

enum { SAMPLES = 1000, CLASSES = 10, BATCH = 128, EPOCHS = 3, STEPS_PER_EPOCH = 8, STEPS = 24 };

static void create_fixture(struct log_fixture *fixture, enum tidylog_detail detail)
{
    log_fixture_create(fixture, SAMPLES, CLASSES, BATCH, EPOCHS, detail);
}

/* A new log of the run's first steps, in the scratch folder. */
static const char *write_log(struct log_fixture *fixture, const char *name, uint64_t steps)
{
    const char *path = support_path(support_scratch_folder(), name);
    log_fixture_write(fixture, path, steps);
    return path;
}

/* Checks one step's observations against what was appended. */
static void check_step(struct log_fixture *fixture, uint64_t step, const struct tidylog_observations *seen)
{
    struct tidylog_predictions expected = log_fixture_step(fixture, step);
    assert_int_equal(seen->step, step);
    assert_int_equal(seen->epoch, step / STEPS_PER_EPOCH);
    assert_int_equal(seen->count, expected.count);
    assert_memory_equal(seen->samples, expected.samples, expected.count * sizeof(uint32_t));
    assert_memory_equal(seen->predicted, expected.predicted, expected.count * sizeof(uint16_t));
    for (uint32_t i = 0; i < expected.count; i++) {
        assert_int_equal(seen->labels[i], fixture->labels[expected.samples[i]]);
        if (fixture->run.detail == TIDYLOG_CLASS)
            continue;
        double loss = log1p(exp(-(double)expected.log_odds[i]));
        double margin = (double)expected.margin[i];
        bool coded = fixture->run.detail == TIDYLOG_MARGIN;
        struct tidylog_codes codes = packing_codes_default;
        double margin_error = coded ? code_margin_error(codes, margin) : 0.05 * hypot(1, margin / 2);
        double loss_error = coded ? code_loss_error(codes, CLASSES, margin) : 0.01 + 1e-3 * loss;
        double confidence_error = coded ? code_confidence_error(codes, CLASSES, margin) : 0.005;
        assert_near(seen->margin[i], margin, margin_error + 1e-6 * fabs(margin));
        assert_near(seen->loss[i], loss, loss_error + 1e-6 * loss);
        assert_near(seen->confidence[i], exp(-loss), confidence_error + 1e-6);
    }
    assert_true((seen->margin == NULL) == (fixture->run.detail == TIDYLOG_CLASS));
    assert_true((seen->log_probs == NULL) == (fixture->run.detail < TIDYLOG_PROBS));
}

/* Replays the epochs first..end-1 and checks every step. */
static void check_replay(struct log_fixture *fixture, struct tidylog_reader *reader, uint64_t first, uint64_t end,
                         uint64_t expected_steps)
{
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    uint64_t steps = 0;
    int more;
    assert_int_equal(tidylog_replay_begin(&replay, reader, first, end), 0);
    while ((more = tidylog_replay_next(replay, &seen)) == 1)
        check_step(fixture, first * STEPS_PER_EPOCH + steps++, &seen);
    if (more != 0)
        fail_msg("%s", tidy_error_message());
    assert_int_equal(steps, expected_steps);
    assert_int_equal(tidylog_replay_next(replay, &seen), 0);
    tidylog_replay_end(replay);
}

static void test_what_was_appended_is_replayed_at_every_detail(void **state)
{
    (void)state;
    for (int detail = TIDYLOG_CLASS; detail <= TIDYLOG_FULL; detail++) {
        struct log_fixture fixture;
        create_fixture(&fixture, (enum tidylog_detail)detail);
        struct tidylog_reader *reader = log_fixture_open(write_log(&fixture, "detail.tidy", STEPS));
        check_replay(&fixture, reader, 0, UINT64_MAX, STEPS);
        check_replay(&fixture, reader, 1, 2, STEPS_PER_EPOCH);
        check_replay(&fixture, reader, 3, 9, 0);
        check_replay(&fixture, reader, 2, 1, 0);
        tidylog_close_reader(reader);
        log_fixture_destroy(&fixture);
    }
}

static void test_a_run_in_the_data_sets_order_is_replayed_in_it(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_CLASS);
    tidylog_order_destroy(fixture.order);
    fixture.run.shuffle = false;
    assert_int_equal(tidylog_order_create(&fixture.order, &fixture.run), 0);
    struct tidylog_predictions step = log_fixture_step(&fixture, 9);
    for (uint32_t i = 0; i < BATCH; i++)
        assert_int_equal(step.samples[i], BATCH + i);
    struct tidylog_reader *reader = log_fixture_open(write_log(&fixture, "ordered.tidy", STEPS));
    assert_false(tidylog_reader_run(reader)->shuffle);
    check_replay(&fixture, reader, 0, UINT64_MAX, STEPS);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

static void test_the_order_is_the_seeds_permutation_cut_into_steps(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_CLASS);
    assert_int_equal(tidylog_order_steps_before(fixture.order, 1), STEPS_PER_EPOCH);
    /* Steps in any order, as a resumed run asks for them. */
    static const uint64_t asked[] = {0, 23, 8, 7, 15, 1};
    for (size_t n = 0; n < sizeof asked / sizeof *asked; n++) {
        uint32_t expected[SAMPLES];
        struct tidylog_due due;
        struct random_stream stream = random_open(fixture.run.seed, RANDOM_ORDER, asked[n] / STEPS_PER_EPOCH);
        random_permutation(&stream, expected, SAMPLES);
        tidylog_order_step(fixture.order, asked[n], &due);
        uint32_t first = (uint32_t)(asked[n] % STEPS_PER_EPOCH) * BATCH;
        assert_int_equal(due.epoch, asked[n] / STEPS_PER_EPOCH);
        /* 1000 = 7 * 128 + 104. */
        assert_int_equal(due.count, asked[n] % STEPS_PER_EPOCH == 7 ? 104 : BATCH);
        assert_memory_equal(due.samples, expected + first, due.count * sizeof *due.samples);
        assert_false(due.evaluated);
    }
    log_fixture_destroy(&fixture);
}

static void test_samples_that_no_seed_gives_are_listed(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    const char *path = support_path(support_scratch_folder(), "listed.tidy");
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, true), 0);
    /* Every step has the derived predictions, but step 3 in reverse and step 7 one fewer. */
    uint32_t reversed[BATCH];
    for (uint64_t step = 0; step < STEPS_PER_EPOCH; step++) {
        struct tidylog_predictions predictions = log_fixture_step(&fixture, step);
        for (uint32_t i = 0; i < predictions.count; i++)
            reversed[i] = predictions.samples[predictions.count - 1 - i];
        if (step == 3)
            predictions.samples = reversed;
        if (step == 7)
            predictions.count--;
        assert_int_equal(tidylog_append_step(writer, step, &predictions), 0);
    }
    struct tidylog_epoch epoch = log_fixture_epoch(0);
    assert_int_equal(tidylog_append_epoch(writer, &epoch), 0);
    assert_int_equal(tidylog_close(writer), 0);

    struct tidylog_reader *reader = log_fixture_open(path);
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, 1), 0);
    for (uint64_t step = 0; step < STEPS_PER_EPOCH; step++) {
        assert_int_equal(tidylog_replay_next(replay, &seen), 1);
        struct tidylog_predictions expected = log_fixture_step(&fixture, step);
        uint32_t count = step == 7 ? expected.count - 1 : expected.count;
        assert_int_equal(seen.count, count);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t sample = step == 3 ? expected.samples[count - 1 - i] : expected.samples[i];
            assert_int_equal(seen.samples[i], sample);
            assert_int_equal(seen.labels[i], fixture.labels[sample]);
            assert_int_equal(seen.predicted[i], expected.predicted[i]);
        }
    }
    assert_int_equal(tidylog_replay_next(replay, &seen), 0);
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

static void test_the_runs_description_comes_back(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    fixture.run.seed = UINT64_MAX;
    fixture.run.learning_rate = 0.1 + 1e-17;
    fixture.run.noise = NULL;
    const char *path = write_log(&fixture, "run.tidy", 0);
    struct tidylog_reader *reader = log_fixture_open(path);
    const struct tidylog_run *run = tidylog_reader_run(reader), *given = &fixture.run;
    assert_int_equal(run->samples, SAMPLES);
    assert_int_equal(run->classes, CLASSES);
    assert_int_equal(run->batch_size, BATCH);
    assert_int_equal(run->epochs, EPOCHS);
    assert_true(run->seed == UINT64_MAX);
    assert_true(run->shuffle);
    assert_int_equal(run->detail, TIDYLOG_MARGIN);
    assert_memory_equal(run->labels, given->labels, SAMPLES * sizeof(uint16_t));
    assert_memory_equal(run->truth, given->truth, SAMPLES * sizeof(uint16_t));
    assert_true(run->learning_rate == given->learning_rate && run->momentum == given->momentum &&
                run->weight_decay == given->weight_decay);
    assert_string_equal(run->network, given->network);
    assert_string_equal(run->lr_schedule, given->lr_schedule);
    assert_null(run->noise);
    assert_string_equal(run->device, given->device);
    assert_string_equal(run->precision, given->precision);
    assert_int_equal(run->deterministic, given->deterministic);
    assert_int_equal(run->threads, given->threads);
    assert_int_equal(run->resize, given->resize);
    assert_int_equal(run->height * 10000 + run->width * 10 + run->channels, 280281);
    assert_string_equal(run->data, given->data);
    assert_string_equal(run->data_name, given->data_name);
    assert_string_equal(run->data_digest, given->data_digest);
    assert_string_equal(run->command_line, given->command_line);
    assert_string_equal(run->started, given->started);
    assert_string_equal(run->machine, given->machine);
    assert_string_equal(run->versions, given->versions);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

static void check_epochs(struct tidylog_reader *reader, uint64_t expected_count)
{
    uint64_t count;
    const struct tidylog_epoch *epochs = tidylog_reader_epochs(reader, &count);
    assert_int_equal(count, expected_count);
    for (uint64_t i = 0; i < count; i++) {
        struct tidylog_epoch expected = log_fixture_epoch(i);
        assert_int_equal(epochs[i].epoch, i);
        assert_true(epochs[i].loss == expected.loss && epochs[i].accuracy == expected.accuracy &&
                    epochs[i].learning_rate == expected.learning_rate && epochs[i].seconds == expected.seconds);
        if (i % 2 == 0)
            assert_true(epochs[i].test_accuracy == expected.test_accuracy);
        else
            assert_true(isnan(epochs[i].test_accuracy));
    }
}

static void test_only_finished_epochs_are_replayed(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    struct tidylog_reader *reader = log_fixture_open(write_log(&fixture, "unfinished.tidy", STEPS_PER_EPOCH + 3));
    check_epochs(reader, 1);
    check_replay(&fixture, reader, 0, UINT64_MAX, STEPS_PER_EPOCH);
    assert_int_equal(log_fixture_count_steps(reader), STEPS_PER_EPOCH + 3);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

static void test_table_sizes_are_keys_and_values(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_PROBS);
    struct tidylog_reader *reader = log_fixture_open(write_log(&fixture, "sizes.tidy", STEPS));
    struct tidylog_table_size sizes[TIDYLOG_TABLES];
    assert_int_equal(tidylog_table_sizes(reader, sizes), 0);
    /* An epoch: key 8, header 16, body 48. */
    assert_string_equal(sizes[2].name, "epochs");
    assert_int_equal(sizes[2].stored_bytes, EPOCHS * (8 + 16 + 48));
    /* A step: key 8, header 16, bitmap, 4 bits for each wrong one, 20 for each prediction. */
    uint64_t expected = 0;
    for (uint64_t step = 0; step < STEPS; step++) {
        struct tidylog_predictions predictions = log_fixture_step(&fixture, step);
        uint64_t wrong = 0;
        for (uint32_t i = 0; i < predictions.count; i++)
            wrong += predictions.predicted[i] != fixture.labels[predictions.samples[i]];
        expected += 8 + 16 + predictions.count / 8 + (wrong + 1) / 2 + predictions.count * 20;
    }
    assert_int_equal(sizes[1].stored_bytes, expected);
    assert_true(sizes[1].pages_bytes >= expected && sizes[1].pages_bytes % 4096 == 0);
    assert_string_equal(sizes[0].name, "meta");
    assert_true(sizes[0].stored_bytes > SAMPLES * 4);
    assert_string_equal(sizes[3].name, "columns");
    assert_int_equal(sizes[3].records, 0);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

static void test_a_prediction_takes_no_more_bytes_than_promised(void **state)
{
    (void)state;
    /* At batch 128 and with as many mistakes as in a run on MNIST, keys and values of all steps. */
    static const double most[] = {0.35, 2.4};
    for (int detail = TIDYLOG_CLASS; detail <= TIDYLOG_MARGIN; detail++) {
        struct log_fixture fixture;
        log_fixture_create(&fixture, 6000, 10, 128, 15, (enum tidylog_detail)detail);
        uint64_t steps = tidylog_order_steps_before(fixture.order, 15);
        struct tidylog_reader *reader = log_fixture_open(write_log(&fixture, "budget.tidy", steps));
        struct tidylog_table_size sizes[TIDYLOG_TABLES];
        assert_int_equal(tidylog_table_sizes(reader, sizes), 0);
        assert_true((double)sizes[1].stored_bytes / (6000 * 15) <= most[detail]);
        tidylog_close_reader(reader);
        log_fixture_destroy(&fixture);
    }
}

static char *dump(const char *path, size_t *bytes)
{
    /* Everything that a log's readers can see, as one text. */
    char *text = NULL;
    FILE *stream = open_memstream(&text, bytes);
    assert_non_null(stream);
    struct tidylog_reader *reader = log_fixture_open(path);
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    uint64_t count;
    const struct tidylog_epoch *epochs = tidylog_reader_epochs(reader, &count);
    for (uint64_t i = 0; i < count; i++)
        fprintf(stream, "%a %a\n", epochs[i].loss, epochs[i].seconds);
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, UINT64_MAX), 0);
    while (tidylog_replay_next(replay, &seen) == 1) {
        for (uint32_t i = 0; i < seen.count; i++)
            fprintf(stream, "%u %u %a %a\n", seen.samples[i], seen.predicted[i], (double)seen.margin[i],
                    (double)seen.loss[i]);
    }
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
    fclose(stream);
    return text;
}

static void test_cutting_and_going_on_gives_the_same_log(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    size_t whole_bytes, bytes;
    char *whole = dump(write_log(&fixture, "whole.tidy", STEPS), &whole_bytes);
    static const struct {
        uint64_t recorded, cut, epochs_left;
    } rows[] = {
        {STEPS, 0, 0},  {STEPS, 5, 0}, {STEPS, 8, 1}, {STEPS, 17, 2},
        {STEPS, 24, 3}, {13, 13, 1},   {13, 9, 1},    {0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = write_log(&fixture, "cut.tidy", rows[i].recorded);
        struct tidylog_writer *writer;
        assert_int_equal(tidylog_resume(&writer, path), 0);
        assert_int_equal(tidylog_cut(writer, rows[i].cut), 0);
        assert_int_equal(tidylog_close(writer), 0);

        struct tidylog_reader *reader = log_fixture_open(path);
        check_epochs(reader, rows[i].epochs_left);
        check_replay(&fixture, reader, 0, UINT64_MAX, rows[i].epochs_left * STEPS_PER_EPOCH);
        tidylog_close_reader(reader);

        assert_int_equal(tidylog_resume(&writer, path), 0);
        assert_int_equal(log_fixture_append(&fixture, writer, rows[i].cut, STEPS), 0);
        assert_int_equal(tidylog_close(writer), 0);
        char *text = dump(path, &bytes);
        assert_int_equal(bytes, whole_bytes);
        assert_memory_equal(text, whole, bytes);
        free(text);
    }
    free(whole);
    log_fixture_destroy(&fixture);
}

static void test_a_log_is_not_cut_to_more_than_it_has(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_CLASS);
    const char *path = write_log(&fixture, "short.tidy", 5);
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_resume(&writer, path), 0);
    assert_int_equal(tidylog_cut(writer, 6), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "the log has 5 steps"));
    assert_int_equal(tidylog_close(writer), 0);
    log_fixture_destroy(&fixture);
}

/* Records one step of margins in these codes, and reads back which the log has. */
static struct tidylog_codes codes_recorded(struct log_fixture *fixture, const char *path,
                                           struct tidylog_codes codes)
{
    fixture->run.codes = codes;
    log_fixture_write(fixture, path, 1);
    struct tidylog_reader *reader = log_fixture_open(path);
    struct tidylog_codes read = tidylog_reader_run(reader)->codes;
    tidylog_close_reader(reader);
    return read;
}

static void test_a_log_says_its_codes(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    char *path = support_path(support_scratch_folder(), "codes.tidy");
    struct tidylog_codes chosen = codes_recorded(&fixture, path, (struct tidylog_codes){7, 5});
    assert_int_equal(chosen.margin_scale, 7);
    assert_int_equal(chosen.log_odds_density, 5);
    struct tidylog_codes left = codes_recorded(&fixture, path, (struct tidylog_codes){0, 0});
    assert_int_equal(left.margin_scale, packing_codes_default.margin_scale);
    assert_int_equal(left.log_odds_density, packing_codes_default.log_odds_density);

    /* One that says nothing, from before there was a choice. */
    log_fixture_edit(path, "meta", "codes", strlen("codes"), 0, 0);
    struct tidylog_reader *reader = log_fixture_open(path);
    assert_int_equal(tidylog_reader_run(reader)->codes.margin_scale, 20);
    assert_int_equal(tidylog_reader_run(reader)->codes.log_odds_density, 0);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

static void test_the_planned_epochs_can_be_raised(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_CLASS);
    const char *path = write_log(&fixture, "longer.tidy", 3);
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_resume(&writer, path), 0);
    assert_int_equal(tidylog_set_epochs(writer, 40), 0);
    assert_int_equal(tidylog_writer_run(writer)->epochs, 40);
    assert_int_equal(tidylog_close(writer), 0);
    struct tidylog_reader *reader = log_fixture_open(path);
    assert_int_equal(tidylog_reader_run(reader)->epochs, 40);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

static void test_what_cannot_be_right_is_not_appended(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    const char *path = support_path(support_scratch_folder(), "refuse.tidy");
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, true), 0);
    struct tidylog_predictions good = log_fixture_step(&fixture, 0), bad = good;
    assert_int_equal(tidylog_append_step(writer, 1, &good), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "step 1 was appended where step 0 is due"));
    bad.count = BATCH + 1;
    assert_int_equal(tidylog_append_step(writer, 0, &bad), TIDY_FAILED);
    bad.count = 0;
    assert_int_equal(tidylog_append_step(writer, 0, &bad), TIDY_FAILED);
    bad.count = BATCH;
    fixture.predicted[5] = CLASSES;
    assert_int_equal(tidylog_append_step(writer, 0, &bad), TIDY_FAILED);
    good = log_fixture_step(&fixture, 0);
    uint32_t samples[BATCH];
    memcpy(samples, good.samples, sizeof samples);
    samples[3] = SAMPLES;
    bad = good;
    bad.samples = samples;
    assert_int_equal(tidylog_append_step(writer, 0, &bad), TIDY_FAILED);
    struct tidylog_epoch epoch = log_fixture_epoch(0);
    assert_int_equal(tidylog_append_epoch(writer, &epoch), TIDY_FAILED);
    /* And none of that is in the log. */
    assert_int_equal(log_fixture_append(&fixture, writer, 0, STEPS), 0);
    epoch = log_fixture_epoch(1);
    assert_int_equal(tidylog_append_epoch(writer, &epoch), TIDY_FAILED);
    assert_int_equal(tidylog_close(writer), 0);
    struct tidylog_reader *reader = log_fixture_open(path);
    check_replay(&fixture, reader, 0, UINT64_MAX, STEPS);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

static void test_a_run_that_cannot_be_is_not_created(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_CLASS);
    const char *path = support_path(support_scratch_folder(), "impossible.tidy");
    struct tidylog_writer *writer;
    struct tidylog_run run = fixture.run;
    run.samples = 0;
    assert_int_equal(tidylog_create(&writer, path, &run, false), TIDY_FAILED);
    run = fixture.run;
    run.batch_size = 0;
    assert_int_equal(tidylog_create(&writer, path, &run, false), TIDY_FAILED);
    run = fixture.run;
    run.classes = 9; /* there are labels of 9 */
    assert_int_equal(tidylog_create(&writer, path, &run, false), TIDY_FAILED);
    run = fixture.run;
    run.detail = (enum tidylog_detail)4;
    assert_int_equal(tidylog_create(&writer, path, &run, false), TIDY_FAILED);
    run = fixture.run;
    run.detail = TIDYLOG_FULL;
    run.classes = 60000;
    run.batch_size = 1000000;
    assert_int_equal(tidylog_create(&writer, path, &run, false), TIDY_FAILED);
    run = fixture.run;
    run.detail = TIDYLOG_MARGIN;
    run.codes = (struct tidylog_codes){21, 16};
    assert_int_equal(tidylog_create(&writer, path, &run, false), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "the margins' scale is not between 1 and 20"));
    struct tidylog_reader *reader;
    assert_int_equal(tidylog_open(&reader, path), TIDY_FAILED);
    log_fixture_destroy(&fixture);
}

static void test_a_batch_larger_than_the_data_set_is_one_step_an_epoch(void **state)
{
    (void)state;
    struct log_fixture fixture;
    log_fixture_create(&fixture, 5, 3, 100, 2, TIDYLOG_FULL);
    assert_int_equal(tidylog_order_steps_before(fixture.order, 1), 1);
    struct tidylog_reader *reader = log_fixture_open(write_log(&fixture, "tiny.tidy", 2));
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, 2), 0);
    for (uint64_t step = 0; step < 2; step++) {
        assert_int_equal(tidylog_replay_next(replay, &seen), 1);
        assert_int_equal(seen.count, 5);
        assert_int_equal(seen.epoch, step);
    }
    assert_int_equal(tidylog_replay_next(replay, &seen), 0);
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

static void test_a_log_grows_beyond_its_first_map(void **state)
{
    (void)state;
    /* 40 steps of 1024 x 1000 x 4 bytes = 164 MB, against a map of 64 MiB at first. */
    struct log_fixture fixture;
    log_fixture_create(&fixture, 1024, 1000, 1024, 40, TIDYLOG_FULL);
    const char *path = support_path(support_scratch_folder(), "large.tidy");
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, true), 0);
    struct tidylog_predictions predictions = log_fixture_step(&fixture, 0);
    fixture.run.shuffle = false;
    for (uint64_t step = 0; step < 40; step++) {
        struct tidylog_due due;
        struct tidylog_epoch epoch = log_fixture_epoch(step);
        tidylog_order_step(fixture.order, step, &due);
        predictions.samples = due.samples;
        assert_int_equal(tidylog_append_step(writer, step, &predictions), 0);
        assert_int_equal(tidylog_append_epoch(writer, &epoch), 0);
    }
    assert_int_equal(tidylog_close(writer), 0);
    struct tidylog_reader *reader = log_fixture_open(path);
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    uint64_t steps = 0;
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, UINT64_MAX), 0);
    while (tidylog_replay_next(replay, &seen) == 1) {
        steps++;
        assert_memory_equal(seen.predicted, predictions.predicted, seen.count * sizeof(uint16_t));
    }
    assert_int_equal(steps, 40);
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);

    /* And it shrinks to nothing in one cut. */
    assert_int_equal(tidylog_resume(&writer, path), 0);
    assert_int_equal(tidylog_cut(writer, 0), 0);
    assert_int_equal(tidylog_close(writer), 0);
    reader = log_fixture_open(path);
    check_epochs(reader, 0);
    tidylog_close_reader(reader);
    remove(path);
    log_fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_appended_is_replayed_at_every_detail),
        cmocka_unit_test(test_a_run_in_the_data_sets_order_is_replayed_in_it),
        cmocka_unit_test(test_the_order_is_the_seeds_permutation_cut_into_steps),
        cmocka_unit_test(test_samples_that_no_seed_gives_are_listed),
        cmocka_unit_test(test_the_runs_description_comes_back),
        cmocka_unit_test(test_only_finished_epochs_are_replayed),
        cmocka_unit_test(test_table_sizes_are_keys_and_values),
        cmocka_unit_test(test_a_prediction_takes_no_more_bytes_than_promised),
        cmocka_unit_test(test_cutting_and_going_on_gives_the_same_log),
        cmocka_unit_test(test_a_log_is_not_cut_to_more_than_it_has),
        cmocka_unit_test(test_a_log_says_its_codes),
        cmocka_unit_test(test_the_planned_epochs_can_be_raised),
        cmocka_unit_test(test_what_cannot_be_right_is_not_appended),
        cmocka_unit_test(test_a_run_that_cannot_be_is_not_created),
        cmocka_unit_test(test_a_batch_larger_than_the_data_set_is_one_step_an_epoch),
        cmocka_unit_test(test_a_log_grows_beyond_its_first_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
