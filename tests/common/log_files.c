/* The log as a file: how it appears, who may write it, what is refused, and what a full disk leaves. */
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

static void write_log(struct log_fixture *fixture, const char *path, uint64_t steps)
{
    struct tidylog_writer *writer;
    if (tidylog_create(&writer, path, &fixture->run, true) != 0)
        fail_msg("%s", tidy_error_message());
    assert_int_equal(log_fixture_append(fixture, writer, 0, steps), 0);
    assert_int_equal(tidylog_close(writer), 0);
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

static void count_damage(const char *what, void *context)
{
    fprintf(stderr, "%s\n", what);
    ++*(int *)context;
}

/* The log must be whole; returns the steps in it. */
static uint64_t check_whole(const char *path)
{
    struct tidylog_reader *reader;
    struct tidylog_table_size sizes[TIDYLOG_TABLES];
    uint64_t checked;
    int damaged = 0;
    if (tidylog_open(&reader, path) != 0)
        fail_msg("%s", tidy_error_message());
    assert_int_equal(tidylog_verify(reader, count_damage, &damaged, &checked), 0);
    assert_int_equal(damaged, 0);
    assert_int_equal(tidylog_table_sizes(reader, sizes), 0);
    tidylog_close_reader(reader);
    return sizes[1].records;
}

static void check_message(const char *path, const char *rest)
{
    const char *message = tidy_error_message();
    size_t length = strlen(path);
    if (strncmp(message, path, length) != 0 || strncmp(message + length, rest, strlen(rest)) != 0)
        fail_msg("'%s' is not '%s%s'", message, path, rest);
}

/* A new folder in the scratch folder. */
static char *make_folder(const char *name)
{
    char *folder = support_path(support_scratch_folder(), name);
    assert_int_equal(mkdir(folder, 0755), 0);
    return folder;
}

static int count_files(const char *folder)
{
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    int count = -2; /* without . and .. */
    while (readdir(entries) != NULL)
        count++;
    closedir(entries);
    return count;
}

/* Runs `work` in a child, as another user where `user` is not 0. Returns its exit code. */
static int run_child(int (*work)(void *argument), void *argument, uid_t user)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (user != 0 && (setgid(user) != 0 || setuid(user) != 0))
            _exit(99);
        _exit(work(argument));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* ---- creating ------------------------------------------------------------------------------------------- */

static void test_a_file_that_exists_is_kept(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    char *path = support_path(make_folder("exists"), "run.tidy");
    support_write_file(path, "precious", 8);
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, false), TIDY_FAILED);
    check_message(path, ": the file exists; choose another one, or replace it with --force");
    size_t bytes;
    char *text = support_read_file(path, &bytes);
    assert_string_equal(text, "precious");
    free(text);
    assert_int_equal(count_files(support_path(support_scratch_folder(), "exists")), 1);
    log_fixture_destroy(&fixture);
}

static void test_force_replaces_the_log_and_its_checkpoint_but_not_what_a_reader_sees(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    char *folder = make_folder("force"), *path = support_path(folder, "run.tidy");
    write_log(&fixture, path, STEPS);
    support_write_file(support_path(folder, "run.tidy.ckpt"), "weights", 7);
    struct tidylog_reader *reader;
    assert_int_equal(tidylog_open(&reader, path), 0);
    write_log(&fixture, path, STEPS_PER_EPOCH);
    assert_int_equal(replayed_steps(reader), STEPS);
    tidylog_close_reader(reader);
    assert_int_equal(check_whole(path), STEPS_PER_EPOCH);
    assert_int_equal(access(support_path(folder, "run.tidy.ckpt"), F_OK), -1);
    /* The log, and LMDB's lock file. */
    assert_int_equal(count_files(folder), 2);
    log_fixture_destroy(&fixture);
}

static void test_a_checkpoint_without_its_log_is_kept(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    char *folder = make_folder("orphan"), *path = support_path(folder, "run.tidy");
    support_write_file(support_path(folder, "run.tidy.ckpt"), "weights", 7);
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, false), TIDY_FAILED);
    check_message(path, ".ckpt: the checkpoint of another run is there");
    assert_int_equal(count_files(folder), 1);
    log_fixture_destroy(&fixture);
}

static void test_what_cannot_be_created_leaves_nothing_behind(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture);
    struct tidylog_writer *writer;
    char *folder = make_folder("nothing"), *path = support_path(folder, "none/run.tidy");
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, false), TIDY_FAILED);
    check_message(path, ": cannot create it: No such file or directory");
    assert_int_equal(tidylog_create(&writer, folder, &fixture.run, true), TIDY_FAILED);
    check_message(folder, ": not a regular file, so it is not replaced");
    path = support_path(folder, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, true), TIDY_FAILED);
    check_message(path, ": not a regular file, so it is not replaced");
    assert_int_equal(count_files(folder), 1);
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
    char *path = support_path(make_folder("appears"), "run.tidy");
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
    char *path = support_path(make_folder("lock-file"), "run.tidy");
    write_log(&fixture, path, STEPS);
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
    assert_int_equal(check_whole(path), STEPS_PER_EPOCH);
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
    char *folder = make_folder("second"), *path = support_path(folder, "run.tidy");
    struct writing writing = {&fixture, path};
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, false), 0);
    assert_int_equal(log_fixture_append(&fixture, writer, 0, 5), 0);
    assert_int_equal(run_child(expect_second_writer_refused, &writing, 0), 0);
    assert_int_equal(expect_second_writer_refused(&writing), 0);
    assert_int_equal(log_fixture_append(&fixture, writer, 5, STEPS), 0);
    assert_int_equal(tidylog_close(writer), 0);
    assert_int_equal(check_whole(path), STEPS);
    assert_int_equal(count_files(folder), 2);
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
    check_message(path, rest);
    assert_int_equal(tidylog_resume(&writer, path), TIDY_FAILED);
    assert_null(writer);
    check_message(path, rest);
}

static void test_what_is_no_log_is_refused(void **state)
{
    (void)state;
    char *folder = make_folder("no-log"), *path = support_path(folder, "run.tidy");
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
    check_message(folder, ": not a TIDY log (not a regular file)");
}

static void test_an_lmdb_file_of_another_program_is_refused(void **state)
{
    (void)state;
    char *path = support_path(make_folder("other"), "data.mdb");
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
    char *path = support_path(make_folder("truncated"), "run.tidy");
    write_log(&fixture, path, STEPS);
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
            assert_int_equal(check_whole(path), STEPS);
            continue;
        }
        if (left > 8192)
            check_message(path, ": truncated");
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
    char *path = support_path(make_folder("newer"), "run.tidy");
    write_log(&fixture, path, 3);
    set_version(path, "format", 2);
    check_refused(path, ": meta 'format': written by a newer version of TIDY");
    set_version(path, "format", 1);
    assert_int_equal(check_whole(path), 3);

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
    assert_int_equal(check_whole(path), 3);
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
    char *folder = make_folder("read-only"), *path = support_path(folder, "run.tidy");
    write_log(&fixture, path, STEPS);
    unlink(support_path(folder, "run.tidy-lock"));
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(chmod(support_scratch_folder(), 0755), 0);
    /* Root may write everywhere, so it reads as somebody else. */
    assert_int_equal(run_child(read_whole, path, geteuid() == 0 ? NOBODY : 0), 0);
    /* Readers leave nothing behind, also where they could. */
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(run_child(read_whole, path, 0), 0);
    assert_int_equal(count_files(folder), 1);
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
    char *path = support_path(make_folder("not-mine"), "run.tidy");
    write_log(&fixture, path, STEPS);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(support_scratch_folder(), 0755), 0);
    assert_int_equal(run_child(resume_refused, path, geteuid() == 0 ? NOBODY : 0), 0);
    log_fixture_destroy(&fixture);
}

/* ---- disk full ------------------------------------------------------------------------------------------ */

/* Appends until the disk is full, and checks what is said then. */
static int write_until_full(void *argument)
{
    const struct writing *writing = argument;
    struct tidylog_writer *writer;
    char expected[512];
    if (tidylog_create(&writer, writing->path, &writing->fixture->run, true) != 0) {
        fprintf(stderr, "%s\n", tidy_error_message());
        return 1;
    }
    int status = 0;
    for (uint64_t step = 0; step < 100000 && status == 0; step++) {
        status = log_fixture_append(writing->fixture, writer, step, step + 1);
        if (status == 0 && step % 5 == 4)
            status = tidylog_sync(writer);
    }
    fprintf(stderr, "%s\n", tidy_error_message());
    snprintf(expected, sizeof expected, "; free space and run 'tidy-record resume %s'", writing->path);
    if (status != TIDY_FAILED || strstr(tidy_error_message(), ": cannot write step ") == NULL ||
        strstr(tidy_error_message(), "all steps before ") == NULL || strstr(tidy_error_message(), expected) == NULL)
        return 2;
    if (strstr(tidy_error_message(), "No space left on device") == NULL &&
        strstr(tidy_error_message(), "File too large") == NULL)
        return 3;
    uint64_t step = 0;
    sscanf(strstr(tidy_error_message(), "all steps before "), "all steps before %lu", &step);
    /* Every later call says the same. */
    char message[1024];
    snprintf(message, sizeof message, "%s", tidy_error_message());
    if (tidylog_sync(writer) != TIDY_FAILED || strcmp(message, tidy_error_message()) != 0)
        return 4;
    if (tidylog_close(writer) != TIDY_FAILED || strcmp(message, tidy_error_message()) != 0)
        return 5;
    /* What was said to be kept is. */
    return check_whole(writing->path) == step && step > 0 ? 0 : 6;
}

static void resume_to_the_end(struct log_fixture *fixture, const char *path)
{
    struct tidylog_writer *writer;
    uint64_t steps = check_whole(path);
    assert_int_equal(tidylog_resume(&writer, path), 0);
    assert_int_equal(tidylog_cut(writer, steps), 0);
    assert_int_equal(log_fixture_append(fixture, writer, steps, steps + 50), 0);
    assert_int_equal(tidylog_close(writer), 0);
    assert_int_equal(check_whole(path), steps + 50);
}

static int write_until_limit(void *argument)
{
    const struct rlimit limit = {200000, 200000};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 98;
    return write_until_full(argument);
}

static void test_a_file_that_may_grow_no_more_stays_good(void **state)
{
    (void)state;
    struct log_fixture fixture;
    log_fixture_create(&fixture, 1000, 10, 128, 100000, TIDYLOG_MARGIN);
    char *path = support_path(make_folder("limit"), "run.tidy");
    struct writing writing = {&fixture, path};
    assert_int_equal(run_child(write_until_limit, &writing, 0), 0);
    resume_to_the_end(&fixture, path);
    log_fixture_destroy(&fixture);
}

enum { NO_MOUNT = 77 };

/* On a file system of 400 KB of its own, in a mount namespace of its own. */
static int write_until_disk_full(void *argument)
{
    struct writing writing = *(const struct writing *)argument;
    const char *folder = support_path(support_scratch_folder(), "full");
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", folder, "tmpfs", 0, "size=400k") != 0)
        return NO_MOUNT;
    int code = write_until_full(&writing);
    if (code != 0)
        return code;
    if (mount("tmpfs", folder, "tmpfs", MS_REMOUNT, "size=4m") != 0)
        return 97;
    resume_to_the_end(writing.fixture, writing.path);
    /* And where not even the description fits, nothing is left behind. */
    if (mount("tmpfs", folder, "tmpfs", MS_REMOUNT, "size=4m") != 0)
        return 96;
    static uint16_t labels[4000000];
    struct tidylog_run run = writing.fixture->run;
    struct tidylog_writer *writer;
    run.samples = 4000000;
    run.labels = run.truth = labels;
    unlink(writing.path);
    unlink(support_path(folder, "run.tidy-lock"));
    if (tidylog_create(&writer, writing.path, &run, false) != TIDY_FAILED ||
        strstr(tidy_error_message(), ": cannot write it: ") == NULL || count_files(folder) != 0)
        return 95;
    return 0;
}

static void test_a_full_disk_is_said_and_leaves_the_log_good(void **state)
{
    (void)state;
    struct log_fixture fixture;
    log_fixture_create(&fixture, 1000, 10, 128, 100000, TIDYLOG_MARGIN);
    char *path = support_path(make_folder("full"), "run.tidy");
    struct writing writing = {&fixture, path};
    int code = run_child(write_until_disk_full, &writing, 0);
    if (code == NO_MOUNT)
        print_message("no small file system can be mounted here: only the limit on the file's size was tested\n");
    else
        assert_int_equal(code, 0);
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
        cmocka_unit_test(test_a_file_that_may_grow_no_more_stays_good),
        cmocka_unit_test(test_a_full_disk_is_said_and_leaves_the_log_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
