/* The log while it is recorded: readers beside the writer, and writers that are killed. */
#include "tests/common/log_fixture.h"
#include "tests/support/support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lmdb.h>

#include "common/error.h"

enum { STEPS_PER_EPOCH = 8 };

static void create_fixture(struct log_fixture *fixture)
{
    log_fixture_create(fixture, 1000, 10, 128, 100000, TIDYLOG_MARGIN);
}

static void sleep_milliseconds(long milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static uint64_t count_epochs(const struct tidylog_reader *reader)
{
    uint64_t count;
    tidylog_reader_epochs(reader, &count);
    return count;
}

/* Replays all and compares classes with what was appended. */
static void check_replay(struct log_fixture *fixture, struct tidylog_reader *reader)
{
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    uint64_t step = 0;
    int more;
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, UINT64_MAX), 0);
    while ((more = tidylog_replay_next(replay, &seen)) == 1) {
        struct tidylog_predictions expected = log_fixture_step(fixture, step++);
        assert_memory_equal(seen.predicted, expected.predicted, seen.count * sizeof(uint16_t));
    }
    if (more != 0)
        fail_msg("%s", tidy_error_message());
    assert_int_equal(step, count_epochs(reader) * STEPS_PER_EPOCH);
    tidylog_replay_end(replay);
}

static void count_damage(const char *what, void *context)
{
    fprintf(stderr, "%s\n", what);
    ++*(int *)context;
}

static void check_undamaged(struct tidylog_reader *reader)
{
    int damaged = 0;
    uint64_t checked;
    assert_int_equal(tidylog_verify(reader, count_damage, &damaged, &checked), 0);
    assert_int_equal(damaged, 0);
}

/* ---- a writer in another process ------------------------------------------------------------------------ */

/* Goes on with the log until it is killed, with a commit every few steps. */
static void record_for_ever(struct log_fixture *fixture, const char *path)
{
    struct tidylog_writer *writer;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the test fail */
    if (tidylog_create(&writer, path, &fixture->run, true) != 0)
        _exit(1);
    for (uint64_t step = 0;; step++) {
        if (log_fixture_append(fixture, writer, step, step + 1) != 0)
            _exit(2);
        if (step % 3 == 2 && tidylog_sync(writer) != 0)
            _exit(3);
    }
}

static pid_t start_recording(struct log_fixture *fixture, const char *path)
{
    fflush(NULL);
    unlink(path);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        record_for_ever(fixture, path);
    for (int tries = 0; access(path, F_OK) != 0; tries++) {
        assert_in_range(tries, 0, 1000);
        sleep_milliseconds(5);
    }
    return child;
}

static void kill_recording(pid_t child)
{
    int status;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    /* Not by itself, with an error. */
    assert_true(WIFSIGNALED(status));
}

static void test_readers_see_whole_snapshots_while_the_log_is_recorded(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    const char *path = support_path(support_scratch_folder(), "live.tidy");
    pid_t child = start_recording(&fixture, path);
    uint64_t before = 0;
    for (int i = 0; i < 40 || before == 0; i++) {
        assert_in_range(i, 0, 20000);
        struct tidylog_reader *reader = log_fixture_open(path);
        uint64_t steps = log_fixture_count_steps(reader);
        assert_true(steps >= before);
        before = steps;
        check_undamaged(reader);
        if (i % 10 == 0)
            check_replay(&fixture, reader);
        tidylog_close_reader(reader);
    }
    kill_recording(child);
    log_fixture_destroy(&fixture);
}

static void test_a_reader_keeps_its_snapshot_while_the_log_grows(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    const char *path = support_path(support_scratch_folder(), "snapshot.tidy");
    pid_t child = start_recording(&fixture, path);
    struct tidylog_reader *early = log_fixture_open(path), *late;
    uint64_t steps = log_fixture_count_steps(early);
    /* Until many commits later; LMDB would long have reused the pages of the early snapshot. */
    do {
        sleep_milliseconds(20);
        late = log_fixture_open(path);
        uint64_t reached = log_fixture_count_steps(late);
        tidylog_close_reader(late);
        if (reached > steps + 300)
            break;
    } while (true);
    assert_int_equal(log_fixture_count_steps(early), steps);
    check_undamaged(early);
    check_replay(&fixture, early);
    tidylog_close_reader(early);
    kill_recording(child);
    log_fixture_destroy(&fixture);
}

static void test_a_killed_writer_loses_at_most_what_was_not_synced(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    const char *path = support_path(support_scratch_folder(), "killed.tidy");
    for (int i = 0; i < 12; i++) {
        pid_t child = start_recording(&fixture, path);
        sleep_milliseconds(5 + 17 * i);
        kill_recording(child);

        struct tidylog_reader *reader = log_fixture_open(path);
        uint64_t steps = log_fixture_count_steps(reader), epochs = count_epochs(reader);
        check_undamaged(reader);
        check_replay(&fixture, reader);
        tidylog_close_reader(reader);
        assert_int_equal(epochs, steps / STEPS_PER_EPOCH);

        /* The next writer goes on at once: the killed one's locks are gone. */
        struct tidylog_writer *writer;
        assert_int_equal(tidylog_resume(&writer, path), 0);
        uint64_t cut = steps / 2;
        assert_int_equal(tidylog_cut(writer, cut), 0);
        assert_int_equal(log_fixture_append(&fixture, writer, cut, cut + 20), 0);
        assert_int_equal(tidylog_close(writer), 0);
        reader = log_fixture_open(path);
        assert_int_equal(log_fixture_count_steps(reader), cut + 20);
        check_undamaged(reader);
        check_replay(&fixture, reader);
        tidylog_close_reader(reader);
    }
    log_fixture_destroy(&fixture);
}

/* A reader of ours and one of LMDB's own, with its lock file, in the middle of reading. */
static void read_and_die(const char *path)
{
    struct tidylog_reader *reader;
    MDB_env *env;
    MDB_txn *txn;
    if (tidylog_open(&reader, path) != 0 || mdb_env_create(&env) != 0 ||
        mdb_env_open(env, path, MDB_NOSUBDIR | MDB_RDONLY, 0666) != 0 ||
        mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
        _exit(1);
    raise(SIGKILL);
}

static void test_a_killed_reader_holds_nothing_up(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    const char *path = support_path(support_scratch_folder(), "dead-reader.tidy");
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, true), 0);
    assert_int_equal(log_fixture_append(&fixture, writer, 0, 50), 0);
    assert_int_equal(tidylog_sync(writer), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        read_and_die(path);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));

    /* With its pages free again, a hundred commits need few new ones: each changes about six. */
    uint64_t pages_before = 0, pages_after = 0;
    for (uint64_t step = 50; step < 250; step++) {
        assert_int_equal(log_fixture_append(&fixture, writer, step, step + 1), 0);
        assert_int_equal(tidylog_sync(writer), 0);
        struct tidylog_reader *reader;
        if (step == 149 || step == 249) {
            size_t bytes;
            free(support_read_file(path, &bytes));
            *(step == 149 ? &pages_before : &pages_after) = bytes / 4096;
            reader = log_fixture_open(path);
            check_undamaged(reader);
            tidylog_close_reader(reader);
        }
    }
    /* 100 steps of about 300 bytes take 9 pages; without reuse it would be 600. */
    assert_in_range(pages_after - pages_before, 0, 100);
    assert_int_equal(tidylog_close(writer), 0);
    log_fixture_destroy(&fixture);
}

/* ---- in one process ------------------------------------------------------------------------------------- */

static void test_a_reader_may_be_in_the_writers_process(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    const char *path = support_path(support_scratch_folder(), "same-process.tidy");
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, true), 0);
    assert_int_equal(log_fixture_append(&fixture, writer, 0, 20), 0);
    assert_int_equal(tidylog_sync(writer), 0);
    struct tidylog_reader *reader = log_fixture_open(path);
    for (uint64_t step = 20; step < 220; step++) {
        assert_int_equal(log_fixture_append(&fixture, writer, step, step + 1), 0);
        assert_int_equal(tidylog_sync(writer), 0);
    }
    assert_int_equal(log_fixture_count_steps(reader), 20);
    check_undamaged(reader);
    check_replay(&fixture, reader);
    tidylog_close_reader(reader);
    reader = log_fixture_open(path);
    assert_int_equal(log_fixture_count_steps(reader), 220);
    check_replay(&fixture, reader);
    tidylog_close_reader(reader);
    assert_int_equal(tidylog_close(writer), 0);
    log_fixture_destroy(&fixture);
}

static void test_steps_are_on_disk_within_a_second_without_being_asked_for(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    const char *path = support_path(support_scratch_folder(), "second.tidy");
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, true), 0);
    for (uint64_t step = 0; step < 30; step += 10) {
        struct timespec start, now;
        clock_gettime(CLOCK_MONOTONIC, &start);
        assert_int_equal(log_fixture_append(&fixture, writer, step, step + 10), 0);
        uint64_t seen;
        do {
            sleep_milliseconds(10);
            struct tidylog_reader *reader = log_fixture_open(path);
            seen = log_fixture_count_steps(reader);
            tidylog_close_reader(reader);
            clock_gettime(CLOCK_MONOTONIC, &now);
            /* A second, and some patience with a busy machine. */
            assert_in_range(now.tv_sec - start.tv_sec, 0, 3);
        } while (seen < step + 10);
    }
    assert_int_equal(tidylog_close(writer), 0);
    log_fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_see_whole_snapshots_while_the_log_is_recorded),
        cmocka_unit_test(test_a_reader_keeps_its_snapshot_while_the_log_grows),
        cmocka_unit_test(test_a_killed_writer_loses_at_most_what_was_not_synced),
        cmocka_unit_test(test_a_killed_reader_holds_nothing_up),
        cmocka_unit_test(test_a_reader_may_be_in_the_writers_process),
        cmocka_unit_test(test_steps_are_on_disk_within_a_second_without_being_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
