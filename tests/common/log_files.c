/* The log as a file: how it appears, who may write it, what is refused. */
#include "tests/common/log_fixture.h"
#include "tests/support/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lmdb.h>
#include <xxhash.h>

#include "common/error.h"

enum { STEPS_PER_EPOCH = 8, STEPS = 24, NOBODY = 65534 };

static void create_fixture(struct log_fixture *fixture)
{
    log_fixture_create(fixture, 1000, 10, 128, 3, TIDYLOG_MARGIN);
}

/* Steps that a replay of the log gives; the test fails where it fails. */
static uint64_t replayed_steps(struct tidylog_reader *reader)
{
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    uint64_t steps = 0;
    int more;
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, UINT64_MAX), 0);
    while ((more = tidylog_replay_next(replay, &seen)) == 1)
        steps++;
    if (more != 0)
        fail_msg("%s", tidy_error_message());
    tidylog_replay_end(replay);
    return steps;
}

/* ---- creating ------------------------------------------------------------------------------------------- */

static void test_a_file_that_exists_is_kept(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    char *path = support_path(log_fixture_folder("exists"), "run.tidy");
    support_write_file(path, "precious", 8);
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, false), TIDY_FAILED);
    log_fixture_check_message(path, ": the file exists; choose another one, or replace it with --force");
    size_t bytes;
    char *text = support_read_file(path, &bytes);
    assert_string_equal(text, "precious");
    free(text);
    assert_int_equal(log_fixture_count_files(support_path(support_scratch_folder(), "exists")), 1);
    log_fixture_destroy(&fixture);
}

static void test_force_replaces_the_log_and_its_checkpoint_but_not_what_a_reader_sees(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    char *folder = log_fixture_folder("force"), *path = support_path(folder, "run.tidy");
    log_fixture_write(&fixture, path, STEPS);
    support_write_file(support_path(folder, "run.tidy.ckpt"), "weights", 7);
    struct tidylog_reader *reader;
    assert_int_equal(tidylog_open(&reader, path), 0);
    log_fixture_write(&fixture, path, STEPS_PER_EPOCH);
    assert_int_equal(replayed_steps(reader), STEPS);
    tidylog_close_reader(reader);
    assert_int_equal(log_fixture_check_whole(path), STEPS_PER_EPOCH);
    assert_int_equal(access(support_path(folder, "run.tidy.ckpt"), F_OK), -1);
    /* The compacted log, which has no lock file yet. */
    assert_int_equal(log_fixture_count_files(folder), 1);
    log_fixture_destroy(&fixture);
}

static void test_a_checkpoint_without_its_log_is_kept(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    char *folder = log_fixture_folder("orphan"), *path = support_path(folder, "run.tidy");
    support_write_file(support_path(folder, "run.tidy.ckpt"), "weights", 7);
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, false), TIDY_FAILED);
    log_fixture_check_message(path, ".ckpt: the checkpoint of another run is there");
    assert_int_equal(log_fixture_count_files(folder), 1);
    log_fixture_destroy(&fixture);
}

static void test_what_cannot_be_created_leaves_nothing_behind(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    struct tidylog_writer *writer;
    char *folder = log_fixture_folder("nothing"), *path = support_path(folder, "none/run.tidy");
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, false), TIDY_FAILED);
    log_fixture_check_message(path, ": cannot create it: No such file or directory");
    assert_int_equal(tidylog_create(&writer, folder, &fixture.run, true), TIDY_FAILED);
    log_fixture_check_message(folder, ": not a regular file, so it is not replaced");
    path = support_path(folder, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, true), TIDY_FAILED);
    log_fixture_check_message(path, ": not a regular file, so it is not replaced");
    assert_int_equal(log_fixture_count_files(folder), 1);
    log_fixture_destroy(&fixture);
}

struct writing {
    struct log_fixture *fixture;
    const char *path;
};

static int create_again_and_again(void *argument)
{
    const struct writing *writing = argument;
    for (int i = 0; i < 100; i++) {
        struct tidylog_writer *writer;
        if (tidylog_create(&writer, writing->path, &writing->fixture->run, true) != 0 || tidylog_close(writer) != 0)
            return 1;
    }
    return 0;
}

static void test_a_log_is_whole_from_the_moment_it_appears(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    char *path = support_path(log_fixture_folder("appears"), "run.tidy");
    struct writing writing = {&fixture, path};
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(create_again_and_again(&writing));
    int status, opened = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        struct tidylog_reader *reader;
        if (tidylog_open(&reader, path) == 0) {
            opened++;
            assert_int_equal(tidylog_reader_run(reader)->samples, 1000);
            tidylog_close_reader(reader);
        } else if (strstr(tidy_error_message(), "No such file") == NULL &&
                   strstr(tidy_error_message(), "was replaced while it was opened") == NULL) {
            fail_msg("%s", tidy_error_message());
        }
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(opened > 0);
    log_fixture_destroy(&fixture);
}

static int hold_lock_file(void *argument)
{
    /* As one of LMDB's tools would. */
    MDB_env *env;
    MDB_txn *txn;
    if (mdb_env_create(&env) != 0 || mdb_env_open(env, argument, MDB_NOSUBDIR | MDB_RDONLY, 0666) != 0 ||
        mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
        return 1;
    raise(SIGSTOP);
    return 0;
}

static void test_a_lock_file_that_another_log_left_does_no_harm(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    char *path = support_path(log_fixture_folder("lock-file"), "run.tidy");
    log_fixture_write(&fixture, path, STEPS);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(hold_lock_file(path));
    int status;
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));

    /* The old log goes while it is read; its lock file, in use and with its newest transaction's number, stays. */
    assert_int_equal(unlink(path), 0);
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, false), 0);
    assert_int_equal(log_fixture_append(&fixture, writer, 0, STEPS_PER_EPOCH), 0);
    assert_int_equal(tidylog_close(writer), 0);
    assert_int_equal(log_fixture_check_whole(path), STEPS_PER_EPOCH);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    log_fixture_destroy(&fixture);
}

/* ---- one writer ----------------------------------------------------------------------------------------- */

static int expect_second_writer_refused(void *argument)
{
    const struct writing *writing = argument;
    static const char expected[] = ": another process is recording into it";
    size_t length = strlen(writing->path);
    struct tidylog_writer *writer;
    if (tidylog_resume(&writer, writing->path) != TIDY_FAILED ||
        strncmp(tidy_error_message() + length, expected, sizeof expected - 1) != 0)
        return 1;
    if (tidylog_create(&writer, writing->path, &writing->fixture->run, true) != TIDY_FAILED ||
        strncmp(tidy_error_message() + length, expected, sizeof expected - 1) != 0)
        return 2;
    return 0;
}

static void test_a_second_writer_is_refused_and_the_first_goes_on(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    char *folder = log_fixture_folder("second"), *path = support_path(folder, "run.tidy");
    struct writing writing = {&fixture, path};
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, false), 0);
    assert_int_equal(log_fixture_append(&fixture, writer, 0, 5), 0);
    assert_int_equal(log_fixture_run_child(expect_second_writer_refused, &writing, 0), 0);
    assert_int_equal(expect_second_writer_refused(&writing), 0);
    assert_int_equal(log_fixture_append(&fixture, writer, 5, STEPS), 0);
    assert_int_equal(tidylog_close(writer), 0);
    assert_int_equal(log_fixture_check_whole(path), STEPS);
    /* The compacted log has no lock file yet. */
    assert_int_equal(log_fixture_count_files(folder), 1);
    /* And the lock ends with the writer. */
    assert_int_equal(tidylog_resume(&writer, path), 0);
    assert_int_equal(tidylog_close(writer), 0);
    log_fixture_destroy(&fixture);
}

/* ---- what is no log ------------------------------------------------------------------------------------- */

static void check_refused(const char *path, const char *rest)
{
    struct tidylog_reader *reader;
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_open(&reader, path), TIDY_FAILED);
    assert_null(reader);
    log_fixture_check_message(path, rest);
    assert_int_equal(tidylog_resume(&writer, path), TIDY_FAILED);
    assert_null(writer);
    log_fixture_check_message(path, rest);
}

static void test_what_is_no_log_is_refused(void **state)
{
    (void)state;
    char *folder = log_fixture_folder("no-log"), *path = support_path(folder, "run.tidy");
    check_refused(path, ": cannot open it: No such file or directory");
    support_write_file(path, "", 0);
    check_refused(path, ": not a TIDY log (the file is empty)");
    support_write_file(path, "tab\tseparated\n", 14);
    check_refused(path, ": not a TIDY log (no LMDB file)");
    char zeros[10000] = {0};
    support_write_file(path, zeros, sizeof zeros);
    check_refused(path, ": not a TIDY log (no LMDB file)");
    assert_int_equal(mkfifo(support_path(folder, "pipe"), 0600), 0);
    check_refused(support_path(folder, "pipe"), ": not a TIDY log (not a regular file)");
    struct tidylog_reader *reader;
    assert_int_equal(tidylog_open(&reader, folder), TIDY_FAILED);
    log_fixture_check_message(folder, ": not a TIDY log (not a regular file)");
}

static void test_an_lmdb_file_of_another_program_is_refused(void **state)
{
    (void)state;
    char *path = support_path(log_fixture_folder("other"), "data.mdb");
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val key = {3, "key"}, value = {5, "value"};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0666), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    check_refused(path, ": not a TIDY log (it has no table 'meta')");
}

static void test_a_truncated_log_is_refused_wherever_it_ends(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    char *path = support_path(log_fixture_folder("truncated"), "run.tidy");
    log_fixture_write_unpacked(&fixture, path, STEPS);
    size_t bytes;
    char *whole = support_read_file(path, &bytes);
    assert_true(bytes > 40000);
    for (size_t left = 1; left < bytes; left += left < 9000 ? 500 : 1333) {
        struct tidylog_reader *reader;
        struct tidylog_writer *writer;
        support_write_file(path, whole, left);
        if (tidylog_open(&reader, path) == 0) {
            /* LMDB's last pages may be free ones; without them nothing is lost. */
            tidylog_close_reader(reader);
            assert_true(left > bytes - 5 * 4096);
            assert_int_equal(log_fixture_check_whole(path), STEPS);
            continue;
        }
        if (left > 8192)
            log_fixture_check_message(path, ": truncated");
        assert_int_equal(tidylog_resume(&writer, path), TIDY_FAILED);
    }
    free(whole);
    log_fixture_destroy(&fixture);
}

/* Gives a meta record another format version, with the checksum that it then has. */
static void set_version(const char *path, const char *name, uint8_t version)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val key = {strlen(name), (void *)name}, value;
    uint8_t bytes[256];
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0666), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &dbi), 0);
    assert_int_equal(mdb_get(txn, dbi, &key, &value), 0);
    assert_true(key.mv_size + value.mv_size <= sizeof bytes);
    /* The key, and after it the value, whose first 8 bytes the checksum leaves out. */
    memcpy(bytes, name, key.mv_size);
    memcpy(bytes + key.mv_size, (uint8_t *)value.mv_data + 8, value.mv_size - 8);
    bytes[key.mv_size] = version;
    uint64_t checksum = XXH3_64bits(bytes, key.mv_size + value.mv_size - 8);
    memmove(bytes + 8, bytes + key.mv_size, value.mv_size - 8);
    memcpy(bytes, &checksum, 8);
    value.mv_data = bytes;
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void test_a_newer_version_is_refused_by_name_and_an_unknown_key_ignored(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    char *path = support_path(log_fixture_folder("newer"), "run.tidy");
    log_fixture_write(&fixture, path, 3);
    set_version(path, "format", 3);
    check_refused(path, ": meta 'format': written by a newer version of TIDY");
    set_version(path, "format", 1);
    assert_int_equal(log_fixture_check_whole(path), 3);

    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    uint8_t bytes[256];
    MDB_val key = {9, "from-2030"}, value;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0666), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &dbi), 0);
    memset(bytes, 0, sizeof bytes);
    value = (MDB_val){20, bytes};
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    set_version(path, "from-2030", 1);
    assert_int_equal(log_fixture_check_whole(path), 3);
    log_fixture_destroy(&fixture);
}

/* ---- reading where nothing may be written --------------------------------------------------------------- */

static int read_whole(void *argument)
{
    struct tidylog_reader *reader;
    if (tidylog_open(&reader, argument) != 0) {
        fprintf(stderr, "%s\n", tidy_error_message());
        return 1;
    }
    uint64_t count;
    tidylog_reader_epochs(reader, &count);
    tidylog_close_reader(reader);
    return count == 3 ? 0 : 2;
}

static void test_a_log_is_read_where_neither_it_nor_its_folder_may_be_written(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    char *folder = log_fixture_folder("read-only"), *path = support_path(folder, "run.tidy");
    log_fixture_write(&fixture, path, STEPS);
    unlink(support_path(folder, "run.tidy-lock"));
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(chmod(support_scratch_folder(), 0755), 0);
    /* Root may write everywhere, so it reads as somebody else. */
    assert_int_equal(log_fixture_run_child(read_whole, path, geteuid() == 0 ? NOBODY : 0), 0);
    /* Readers leave nothing behind, also where they could. */
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(log_fixture_run_child(read_whole, path, 0), 0);
    assert_int_equal(log_fixture_count_files(folder), 1);
    log_fixture_destroy(&fixture);
}

static int resume_refused(void *argument)
{
    struct tidylog_writer *writer;
    return tidylog_resume(&writer, argument) == TIDY_FAILED &&
                   strstr(tidy_error_message(), ": cannot open it: Permission denied") != NULL
               ? 0
               : 1;
}

static void test_a_log_that_may_not_be_written_is_not_resumed(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    char *path = support_path(log_fixture_folder("not-mine"), "run.tidy");
    log_fixture_write(&fixture, path, STEPS);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(support_scratch_folder(), 0755), 0);
    assert_int_equal(log_fixture_run_child(resume_refused, path, geteuid() == 0 ? NOBODY : 0), 0);
    log_fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_that_exists_is_kept),
        cmocka_unit_test(test_force_replaces_the_log_and_its_checkpoint_but_not_what_a_reader_sees),
        cmocka_unit_test(test_a_checkpoint_without_its_log_is_kept),
        cmocka_unit_test(test_what_cannot_be_created_leaves_nothing_behind),
        cmocka_unit_test(test_a_log_is_whole_from_the_moment_it_appears),
        cmocka_unit_test(test_a_lock_file_that_another_log_left_does_no_harm),
        cmocka_unit_test(test_a_second_writer_is_refused_and_the_first_goes_on),
        cmocka_unit_test(test_what_is_no_log_is_refused),
        cmocka_unit_test(test_an_lmdb_file_of_another_program_is_refused),
        cmocka_unit_test(test_a_truncated_log_is_refused_wherever_it_ends),
        cmocka_unit_test(test_a_newer_version_is_refused_by_name_and_an_unknown_key_ignored),
        cmocka_unit_test(test_a_log_is_read_where_neither_it_nor_its_folder_may_be_written),
        cmocka_unit_test(test_a_log_that_may_not_be_written_is_not_resumed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
