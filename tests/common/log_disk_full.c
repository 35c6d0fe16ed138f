/* The log on a full disk: what is said, and that all that was committed stays. */
#include "tests/common/log_fixture.h"
#include "tests/support/support.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/error.h"

struct writing {
    struct log_fixture *fixture;
    const char *path;
};

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
    return log_fixture_check_whole(writing->path) == step && step > 0 ? 0 : 6;
}

static void resume_to_the_end(struct log_fixture *fixture, const char *path)
{
    struct tidylog_writer *writer;
    uint64_t steps = log_fixture_check_whole(path);
    assert_int_equal(tidylog_resume(&writer, path), 0);
    assert_int_equal(tidylog_cut(writer, steps), 0);
    assert_int_equal(log_fixture_append(fixture, writer, steps, steps + 50), 0);
    assert_int_equal(tidylog_close(writer), 0);
    assert_int_equal(log_fixture_check_whole(path), steps + 50);
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
    char *path = support_path(log_fixture_folder("limit"), "run.tidy");
    struct writing writing = {&fixture, path};
    assert_int_equal(log_fixture_run_child(write_until_limit, &writing, 0), 0);
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
        strstr(tidy_error_message(), ": cannot write it: ") == NULL || log_fixture_count_files(folder) != 0)
        return 95;
    return 0;
}

static void test_a_full_disk_is_said_and_leaves_the_log_good(void **state)
{
    (void)state;
    struct log_fixture fixture;
    log_fixture_create(&fixture, 1000, 10, 128, 100000, TIDYLOG_MARGIN);
    char *path = support_path(log_fixture_folder("full"), "run.tidy");
    struct writing writing = {&fixture, path};
    int code = log_fixture_run_child(write_until_disk_full, &writing, 0);
    if (code == NO_MOUNT)
        print_message("no small file system can be mounted here: only the limit on the file's size was tested\n");
    else
        assert_int_equal(code, 0);
    log_fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_that_may_grow_no_more_stays_good),
        cmocka_unit_test(test_a_full_disk_is_said_and_leaves_the_log_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
