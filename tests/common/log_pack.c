/* Packed epochs: what is recorded is packed by sample in the background, and nothing that a reader can see
 * changes by it. */
#include "tests/common/log_fixture.h"
#include "tests/support/support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lmdb.h>

#include "common/error.h"
#include "common/tidylog_copy.h"

/* More than one block of 16384 samples; 20000 = 19 * 1024 + 544. */
enum { SAMPLES = 20000, BATCH = 1024, STEPS_PER_EPOCH = 20, EPOCHS = 4, STEPS = 80, BLOCKS = 2, BLOCK = 16384 };

static const char *scratch(const char *name)
{
    return support_path(support_scratch_folder(), name);
}

static void create_fixture(struct log_fixture *fixture, enum tidylog_detail detail)
{
    log_fixture_create(fixture, SAMPLES, 10, BATCH, EPOCHS, detail);
}

/* All observations of a replay as bytes. */
static char *replay(const char *path, uint64_t first_epoch, size_t *bytes)
{
    char *text = NULL;
    FILE *stream = open_memstream(&text, bytes);
    assert_non_null(stream);
    struct tidylog_reader *reader = log_fixture_open(path);
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    int more;
    assert_int_equal(tidylog_replay_begin(&replay, reader, first_epoch, UINT64_MAX), 0);
    while ((more = tidylog_replay_next(replay, &seen)) == 1) {
        fwrite(&seen.step, sizeof seen.step, 1, stream);
        fwrite(&seen.epoch, sizeof seen.epoch, 1, stream);
        fwrite(seen.samples, sizeof *seen.samples, seen.count, stream);
        fwrite(seen.labels, sizeof *seen.labels, seen.count, stream);
        fwrite(seen.predicted, sizeof *seen.predicted, seen.count, stream);
        if (seen.margin != NULL) {
            fwrite(seen.margin, sizeof *seen.margin, seen.count, stream);
            fwrite(seen.loss, sizeof *seen.loss, seen.count, stream);
            fwrite(seen.confidence, sizeof *seen.confidence, seen.count, stream);
        }
    }
    if (more != 0)
        fail_msg("%s", tidy_error_message());
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
    fclose(stream);
    return text;
}

static void check_same_replay(const char *path, const char *expected_path, uint64_t first_epoch)
{
    size_t bytes, expected_bytes;
    char *text = replay(path, first_epoch, &bytes), *expected = replay(expected_path, first_epoch, &expected_bytes);
    assert_int_equal(bytes, expected_bytes);
    assert_memory_equal(text, expected, bytes);
    free(expected);
    free(text);
}

static void read_sizes(const char *path, struct tidylog_table_size sizes[TIDYLOG_TABLES])
{
    struct tidylog_reader *reader = log_fixture_open(path);
    assert_int_equal(tidylog_table_sizes(reader, sizes), 0);
    tidylog_close_reader(reader);
}

/* The log has as many packed epochs, and as many steps that are not packed. */
static void check_packed(const char *path, uint64_t epochs, uint64_t steps)
{
    struct tidylog_table_size sizes[TIDYLOG_TABLES];
    read_sizes(path, sizes);
    assert_int_equal(sizes[3].records, epochs * BLOCKS);
    assert_int_equal(sizes[3].counts, epochs * SAMPLES);
    assert_int_equal(sizes[1].records, steps);
    log_fixture_check_whole(path);
}

static size_t file_bytes(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return (size_t)status.st_size;
}

static void test_a_packed_log_replays_as_the_log_of_steps_does(void **state)
{
    (void)state;
    for (int detail = TIDYLOG_CLASS; detail <= TIDYLOG_MARGIN; detail++) {
        struct log_fixture fixture;
        create_fixture(&fixture, (enum tidylog_detail)detail);
        const char *packed = scratch("packed.tidy"), *steps = scratch("steps.tidy");
        log_fixture_write(&fixture, packed, STEPS - 3);
        log_fixture_write_unpacked(&fixture, steps, STEPS - 3);
        check_packed(packed, EPOCHS - 1, STEPS_PER_EPOCH - 3);
        check_packed(steps, 0, STEPS - 3);
        for (uint64_t first = 0; first < EPOCHS; first++)
            check_same_replay(packed, steps, first);
        if (detail == TIDYLOG_MARGIN)
            assert_true(file_bytes(packed) < file_bytes(steps));
        log_fixture_destroy(&fixture);
    }
}

static void test_more_than_codes_stays_steps(void **state)
{
    (void)state;
    struct log_fixture fixture;
    log_fixture_create(&fixture, 1000, 10, 128, 2, TIDYLOG_PROBS);
    const char *path = scratch("probs.tidy");
    log_fixture_write(&fixture, path, 16);
    struct tidylog_table_size sizes[TIDYLOG_TABLES];
    read_sizes(path, sizes);
    assert_int_equal(sizes[1].records, 16);
    assert_int_equal(sizes[3].records, 0);
    log_fixture_destroy(&fixture);
}

/* One step of an epoch lists its samples, so this epoch stays steps; those before and after it are packed. */
static void test_an_epoch_in_another_order_stays_steps_and_the_others_are_packed(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    const char *path = scratch("foreign.tidy");
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, true), 0);
    assert_int_equal(log_fixture_append(&fixture, writer, 0, 25), 0);
    struct tidylog_predictions step = log_fixture_step(&fixture, 25);
    uint32_t backwards[BATCH];
    for (uint32_t i = 0; i < step.count; i++)
        backwards[i] = step.samples[step.count - 1 - i];
    step.samples = backwards;
    assert_int_equal(tidylog_append_step(writer, 25, &step), 0);
    assert_int_equal(log_fixture_append(&fixture, writer, 26, STEPS), 0);
    assert_int_equal(tidylog_close(writer), 0);
    check_packed(path, EPOCHS - 1, STEPS_PER_EPOCH);
    struct tidylog_reader *reader = log_fixture_open(path);
    assert_int_equal(tidylog_reader_packed_end(reader, 0), 1);
    assert_int_equal(tidylog_reader_packed_end(reader, 1), 1);
    assert_int_equal(tidylog_reader_packed_end(reader, 2), EPOCHS);
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, UINT64_MAX), 0);
    for (uint64_t i = 0; i < STEPS; i++) {
        assert_int_equal(tidylog_replay_next(replay, &seen), 1);
        struct tidylog_predictions expected = log_fixture_step(&fixture, i);
        assert_int_equal(seen.step, i);
        assert_int_equal(seen.samples[0], expected.samples[i == 25 ? expected.count - 1 : 0]);
        assert_memory_equal(seen.predicted, expected.predicted, seen.count * sizeof *seen.predicted);
    }
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

/* What a sample was, by epoch. */
struct seen {
    uint16_t predicted;
    float margin, loss, confidence;
};

static void test_blocks_give_what_a_replay_gives(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    const char *path = scratch("blocks.tidy");
    log_fixture_write(&fixture, path, STEPS);
    struct tidylog_reader *reader = log_fixture_open(path);
    struct seen(*table)[SAMPLES] = malloc(EPOCHS * sizeof *table);
    assert_non_null(table);
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, UINT64_MAX), 0);
    while (tidylog_replay_next(replay, &seen) == 1) {
        for (uint32_t i = 0; i < seen.count; i++)
            table[seen.epoch][seen.samples[i]] =
                (struct seen){seen.predicted[i], seen.margin[i], seen.loss[i], seen.confidence[i]};
    }
    tidylog_replay_end(replay);

    assert_int_equal(tidylog_block_count(reader), BLOCKS);
    assert_int_equal(tidylog_reader_packed_end(reader, 0), EPOCHS);
    struct tidylog_blocks *blocks;
    for (uint64_t first = 0; first < EPOCHS; first++) {
        assert_int_equal(tidylog_blocks_begin(&blocks, reader, first, EPOCHS), 0);
        for (uint32_t block = BLOCKS; block-- > 0;) { /* in any order */
            assert_int_equal(tidylog_blocks_seek(blocks, block), 0);
            for (uint64_t epoch = first; epoch < EPOCHS; epoch++) {
                assert_int_equal(tidylog_blocks_next(blocks, &seen), 1);
                assert_int_equal(seen.epoch, epoch);
                assert_true(seen.step == UINT64_MAX && !seen.evaluated);
                assert_int_equal(seen.count, block == 0 ? BLOCK : SAMPLES - BLOCK);
                for (uint32_t i = 0; i < seen.count; i++) {
                    uint32_t sample = block * BLOCK + i;
                    const struct seen *expected = &table[epoch][sample];
                    assert_int_equal(seen.samples[i], sample);
                    assert_int_equal(seen.labels[i], fixture.labels[sample]);
                    assert_int_equal(seen.predicted[i], expected->predicted);
                    assert_true(seen.margin[i] == expected->margin && seen.loss[i] == expected->loss &&
                                seen.confidence[i] == expected->confidence);
                }
            }
            assert_int_equal(tidylog_blocks_next(blocks, &seen), 0);
        }
        assert_int_equal(tidylog_blocks_seek(blocks, BLOCKS), TIDY_FAILED);
        tidylog_blocks_end(blocks);
    }
    assert_int_equal(tidylog_blocks_begin(&blocks, reader, 0, EPOCHS + 1), TIDY_FAILED);
    assert_null(blocks);
    free(table);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

static void test_blocks_are_of_the_first_split_and_packed_until_the_second(void **state)
{
    (void)state;
    struct log_fixture fixture;
    log_fixture_create(&fixture, 1000, 10, 128, 4, TIDYLOG_MARGIN);
    uint16_t parts[1000];
    for (uint32_t i = 0; i < 1000; i++)
        parts[i] = i % 3 == 1 ? TIDYLOG_SECOND_SPLIT : i % 7 == 0 ? TIDYLOG_LEFT_OUT : TIDYLOG_FIRST_SPLIT;
    fixture.run.parts = parts;
    fixture.run.second_split = 2;
    tidylog_order_destroy(fixture.order);
    assert_int_equal(tidylog_order_create(&fixture.order, &fixture.run), 0);
    const char *path = scratch("parts.tidy"), *steps = scratch("parts-steps.tidy");
    uint64_t end = tidylog_order_steps_before(fixture.order, 4);
    log_fixture_write(&fixture, path, end);
    log_fixture_write_unpacked(&fixture, steps, end);
    check_same_replay(path, steps, 0);
    struct tidylog_reader *reader = log_fixture_open(path);
    assert_int_equal(tidylog_reader_packed_end(reader, 0), 2);
    struct tidylog_blocks *blocks;
    struct tidylog_observations seen;
    assert_int_equal(tidylog_blocks_begin(&blocks, reader, 1, 2), 0);
    assert_int_equal(tidylog_blocks_seek(blocks, 0), 0);
    assert_int_equal(tidylog_blocks_next(blocks, &seen), 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        if (parts[i] == TIDYLOG_FIRST_SPLIT)
            assert_int_equal(seen.samples[count++], i);
    }
    assert_int_equal(seen.count, count);
    tidylog_blocks_end(blocks);
    tidylog_close_reader(reader);
    log_fixture_check_whole(path);
    log_fixture_destroy(&fixture);
}

static void test_a_cut_into_a_packed_epoch_leaves_its_steps(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    const char *path = scratch("cut.tidy"), *whole = scratch("whole.tidy");
    log_fixture_write(&fixture, whole, STEPS);
    static const struct {
        uint64_t cut, epochs, steps;
    } rows[] = {{STEPS, 4, 0}, {STEPS - 1, 3, 19}, {41, 2, 1}, {40, 2, 0}, {7, 0, 7}, {0, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tidylog_writer *writer;
        log_fixture_write(&fixture, path, STEPS);
        assert_int_equal(tidylog_resume(&writer, path), 0);
        assert_int_equal(tidylog_cut(writer, rows[i].cut), 0);
        assert_int_equal(tidylog_close(writer), 0);
        check_packed(path, rows[i].epochs, rows[i].steps);
        assert_int_equal(tidylog_resume(&writer, path), 0);
        assert_int_equal(log_fixture_append(&fixture, writer, rows[i].cut, STEPS), 0);
        /* And once more by the same writer, whose packer has gone on. */
        assert_int_equal(tidylog_cut(writer, 30), 0);
        assert_int_equal(log_fixture_append(&fixture, writer, 30, STEPS), 0);
        assert_int_equal(tidylog_close(writer), 0);
        check_packed(path, EPOCHS, 0);
        check_same_replay(path, whole, 0);
    }
    log_fixture_destroy(&fixture);
}

static void test_a_log_of_steps_is_packed_by_the_next_writer(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    const char *path = scratch("older.tidy"), *steps = scratch("steps.tidy");
    log_fixture_write_unpacked(&fixture, steps, STEPS - 5);
    log_fixture_write_unpacked(&fixture, path, STEPS - 5);
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_resume(&writer, path), 0);
    assert_int_equal(tidylog_close(writer), 0);
    check_packed(path, EPOCHS - 1, STEPS_PER_EPOCH - 5);
    check_same_replay(path, steps, 0);
    log_fixture_destroy(&fixture);
}

/* ---- the file's size ------------------------------------------------------------------------------------- */

static void wait_until_packed(const char *path, uint64_t epochs)
{
    struct tidylog_table_size sizes[TIDYLOG_TABLES];
    for (int tries = 0;; tries++) {
        const struct timespec time = {0, 5000000};
        read_sizes(path, sizes);
        if (sizes[3].records == epochs * BLOCKS)
            return;
        assert_in_range(tries, 0, 4000);
        nanosleep(&time, NULL);
    }
}

static void test_the_space_of_packed_steps_serves_the_next_epochs(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    const char *path = scratch("flat.tidy");
    struct tidylog_writer *writer;
    struct tidylog_table_size sizes[TIDYLOG_TABLES];
    size_t after_two = 0;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, true), 0);
    enum { LONG = 12 };
    for (uint64_t epoch = 0; epoch < LONG; epoch++) {
        for (uint64_t step = epoch * STEPS_PER_EPOCH; step < (epoch + 1) * STEPS_PER_EPOCH; step++) {
            assert_int_equal(log_fixture_append(&fixture, writer, step, step + 1), 0);
            if (step % 5 == 4)
                assert_int_equal(tidylog_sync(writer), 0);
        }
        wait_until_packed(path, epoch + 1);
        if (epoch == 1)
            after_two = file_bytes(path);
    }
    /* Ten more epochs grew it by their columns' pages, and by less than half of an epoch's steps beside. */
    read_sizes(path, sizes);
    size_t columns = (size_t)sizes[3].pages_bytes * 10 / 12, steps = SAMPLES * 2;
    assert_in_range(file_bytes(path) - after_two, 0, columns + steps / 2);

    /* Closed, it has no free pages worth the name. */
    assert_int_equal(tidylog_close(writer), 0);
    read_sizes(path, sizes);
    size_t used = 0;
    for (int i = 0; i < TIDYLOG_TABLES; i++)
        used += sizes[i].pages_bytes;
    assert_in_range(file_bytes(path), used, used + used / 15 + 4 * 4096);
    check_packed(path, LONG, 0);
    log_fixture_destroy(&fixture);
}

static void test_a_log_that_is_read_is_not_compacted_and_one_with_other_names_neither(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_CLASS);
    const char *steps = scratch("steps.tidy"), *other = scratch("other.tidy");
    log_fixture_write_unpacked(&fixture, steps, STEPS);
    for (int named_twice = 0; named_twice < 2; named_twice++) {
        const char *path = scratch("kept.tidy");
        struct tidylog_writer *writer;
        struct tidylog_reader *reader = NULL;
        struct stat before, after;
        log_fixture_write_unpacked(&fixture, path, STEPS);
        if (named_twice)
            assert_int_equal(link(path, other), 0);
        else
            reader = log_fixture_open(path);
        assert_int_equal(stat(path, &before), 0);
        assert_int_equal(tidylog_resume(&writer, path), 0);
        assert_int_equal(tidylog_close(writer), 0);
        assert_int_equal(stat(path, &after), 0);
        assert_int_equal(before.st_ino, after.st_ino);
        tidylog_close_reader(reader);
        check_packed(path, EPOCHS, 0);
        /* The next one does it, where the name is the only one; the file's mode stays. */
        assert_int_equal(chmod(path, 0640), 0);
        assert_int_equal(tidylog_resume(&writer, path), 0);
        assert_int_equal(tidylog_close(writer), 0);
        assert_int_equal(stat(path, &after), 0);
        assert_int_equal(after.st_mode & 07777, 0640);
        assert_true((before.st_ino == after.st_ino) == (named_twice == 1));
        check_same_replay(path, steps, 0);
        assert_int_equal(access(scratch("kept.tidy.compact"), F_OK), -1);
    }
    log_fixture_destroy(&fixture);
}

/* ---- a writer that is killed ------------------------------------------------------------------------------- */

static void record_and_die(struct log_fixture *fixture, const char *path)
{
    struct tidylog_writer *writer;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (tidylog_resume(&writer, path) != 0 || tidylog_cut(writer, 45) != 0)
        _exit(1);
    for (uint64_t step = 45; step < STEPS; step++) {
        if (log_fixture_append(fixture, writer, step, step + 1) != 0 ||
            (step % 4 == 3 && tidylog_sync(writer) != 0))
            _exit(2);
    }
    if (tidylog_close(writer) != 0)
        _exit(3);
    /* Killed only now. */
    for (;;)
        pause();
}

static void test_a_kill_at_any_time_leaves_a_whole_log_that_the_next_writer_packs(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    const char *path = scratch("killed.tidy"), *whole = scratch("whole.tidy");
    log_fixture_write_unpacked(&fixture, whole, STEPS);
    log_fixture_write_unpacked(&fixture, path, STEPS);
    for (int i = 0; i < 24; i++) {
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            record_and_die(&fixture, path);
        const struct timespec time = {0, 1000000 + 9000000L * i};
        int status;
        nanosleep(&time, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));

        uint64_t steps = log_fixture_check_whole(path);
        assert_in_range(steps, 45, STEPS);
        struct tidylog_writer *writer;
        assert_int_equal(tidylog_resume(&writer, path), 0);
        assert_int_equal(log_fixture_append(&fixture, writer, steps, STEPS), 0);
        assert_int_equal(tidylog_close(writer), 0);
        check_packed(path, EPOCHS, 0);
        check_same_replay(path, whole, 0);
    }
    log_fixture_destroy(&fixture);
}

/* ---- damage ---------------------------------------------------------------------------------------------- */

static void collect(const char *what, void *context)
{
    strcat(strcat(context, what), "|");
}

static void edit_block(const char *path, uint8_t epoch, uint8_t block, int change)
{
    uint8_t key[12] = {0, 0, 0, 0, 0, 0, 0, epoch, 0, 0, 0, block};
    log_fixture_edit(path, "columns", key, sizeof key, 40, change);
}

static void check_damage(const char *path, const char *expected)
{
    struct tidylog_reader *reader = log_fixture_open(path);
    char found[4096] = "";
    uint64_t checked;
    assert_int_equal(tidylog_verify(reader, collect, found, &checked), 0);
    assert_string_equal(found, expected);
    tidylog_close_reader(reader);
}

static void test_damaged_blocks_are_named_and_the_epochs_before_are_given(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    static const struct {
        int change;
        const char *verified, *replayed;
    } rows[] = {{1, "checksum mismatch (damaged value)", "checksum mismatch (damaged value)"},
                {0, "missing", "missing (damaged file)"}};
    for (size_t i = 0; i < 2; i++) {
        const char *path = scratch("damaged.tidy");
        char expected[512];
        log_fixture_write(&fixture, path, STEPS);
        edit_block(path, 2, 1, rows[i].change);
        snprintf(expected, sizeof expected,
                 "columns of epoch 2, block 1: %s; nor can these samples be read in later packed epochs|",
                 rows[i].verified);
        check_damage(path, expected);

        struct tidylog_reader *reader = log_fixture_open(path);
        struct tidylog_replay *replay;
        struct tidylog_blocks *blocks;
        struct tidylog_observations seen;
        snprintf(expected, sizeof expected,
                 "%s: columns of epoch 2, block 1: %s; 'tidy-analyze verify %s' lists all damage", path,
                 rows[i].replayed, path);
        assert_int_equal(tidylog_replay_begin(&replay, reader, 0, UINT64_MAX), 0);
        for (int step = 0; step < 2 * STEPS_PER_EPOCH; step++)
            assert_int_equal(tidylog_replay_next(replay, &seen), 1);
        assert_int_equal(tidylog_replay_next(replay, &seen), TIDY_FAILED);
        assert_string_equal(tidy_error_message(), expected);
        tidylog_replay_end(replay);
        /* The other block is whole. */
        assert_int_equal(tidylog_blocks_begin(&blocks, reader, 0, EPOCHS), 0);
        assert_int_equal(tidylog_blocks_seek(blocks, 0), 0);
        for (int epoch = 0; epoch < EPOCHS; epoch++)
            assert_int_equal(tidylog_blocks_next(blocks, &seen), 1);
        int status = tidylog_blocks_seek(blocks, 1);
        for (int epoch = 0; epoch < 2 && status == 0; epoch++)
            assert_int_equal(tidylog_blocks_next(blocks, &seen), 1);
        if (status == 0)
            assert_int_equal(tidylog_blocks_next(blocks, &seen), TIDY_FAILED);
        assert_string_equal(tidy_error_message(), expected);
        tidylog_blocks_end(blocks);
        /* It is not copied. */
        assert_int_equal(tidylog_copy_runs(scratch("copied.tidy"), true, &reader, 1), TIDY_FAILED);
        tidylog_close_reader(reader);
    }
    log_fixture_destroy(&fixture);
}

static void test_steps_of_a_packed_epoch_are_damage(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_CLASS);
    const char *path = scratch("both.tidy"), *steps = scratch("steps.tidy");
    log_fixture_write(&fixture, path, STEPS);
    log_fixture_write_unpacked(&fixture, steps, STEPS);
    log_fixture_copy_record(steps, path, "steps", (const uint8_t[]){0, 0, 0, 0, 0, 0, 0, 21}, 8);
    check_damage(path, "step: a key that cannot be there|");
    log_fixture_destroy(&fixture);
}

/* ---- copies ---------------------------------------------------------------------------------------------- */

static void test_a_copy_of_a_packed_log_with_less_detail_is_packed(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    const char *path = scratch("margins.tidy"), *copy = scratch("classes.tidy"),
               *expected = scratch("expected.tidy");
    log_fixture_write(&fixture, path, STEPS);
    fixture.run.detail = TIDYLOG_CLASS;
    log_fixture_write(&fixture, expected, STEPS);
    struct tidylog_reader *reader = log_fixture_open(path);
    uint32_t *renumber = malloc(SAMPLES * sizeof *renumber);
    assert_non_null(renumber);
    for (uint32_t i = 0; i < SAMPLES; i++)
        renumber[i] = i;
    const struct tidylog_source source = {reader, renumber};
    assert_int_equal(tidylog_copy_samples(copy, true, &source, 1, SAMPLES, TIDYLOG_CLASS), 0);
    check_packed(copy, EPOCHS, 0);
    check_same_replay(copy, expected, 0);
    /* As it is, and twice in one log. */
    struct tidylog_reader *const twice[] = {reader, reader};
    assert_int_equal(tidylog_copy_runs(copy, true, twice, 2), 0);
    check_packed(copy, EPOCHS, 0);
    check_same_replay(copy, path, 0);
    tidylog_close_reader(reader);
    free(renumber);
    log_fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_packed_log_replays_as_the_log_of_steps_does),
        cmocka_unit_test(test_more_than_codes_stays_steps),
        cmocka_unit_test(test_an_epoch_in_another_order_stays_steps_and_the_others_are_packed),
        cmocka_unit_test(test_blocks_give_what_a_replay_gives),
        cmocka_unit_test(test_blocks_are_of_the_first_split_and_packed_until_the_second),
        cmocka_unit_test(test_a_cut_into_a_packed_epoch_leaves_its_steps),
        cmocka_unit_test(test_a_log_of_steps_is_packed_by_the_next_writer),
        cmocka_unit_test(test_the_space_of_packed_steps_serves_the_next_epochs),
        cmocka_unit_test(test_a_log_that_is_read_is_not_compacted_and_one_with_other_names_neither),
        cmocka_unit_test(test_a_kill_at_any_time_leaves_a_whole_log_that_the_next_writer_packs),
        cmocka_unit_test(test_damaged_blocks_are_named_and_the_epochs_before_are_given),
        cmocka_unit_test(test_steps_of_a_packed_epoch_are_damage),
        cmocka_unit_test(test_a_copy_of_a_packed_log_with_less_detail_is_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
