/* A file appears whole or not at all, never over another one unless asked. */
#include "tests/support/support.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/output_file.h"

/* Files in the scratch folder, whatever their names. */
static int files_there(void)
{
    int count = 0;
    DIR *folder = opendir(support_scratch_folder());
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static void assert_holds(const char *path, const char *expected)
{
    size_t bytes;
    char *text = support_read_file(path, &bytes);
    assert_string_equal(text, expected);
    free(text);
}

static int remove_all(void **state)
{
    (void)state;
    DIR *folder = opendir(support_scratch_folder());
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    return 0;
}

static void test_the_file_appears_at_the_end_with_the_usual_permissions(void **state)
{
    (void)state;
    const char *path = support_path(support_scratch_folder(), "x");
    struct output_file file;
    mode_t mask = umask(027);
    assert_int_equal(output_file_begin(&file, path, false), 0);
    fputs("all of it", file.stream);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(output_file_end(&file, 0), 0);
    umask(mask);
    struct stat there;
    assert_int_equal(stat(path, &there), 0);
    assert_int_equal(there.st_mode & 0777, 0640);
    assert_holds(path, "all of it");
    assert_int_equal(files_there(), 1);
}

static void test_after_a_failure_nothing_is_left(void **state)
{
    (void)state;
    struct output_file file;
    assert_int_equal(output_file_begin(&file, support_path(support_scratch_folder(), "x"), false), 0);
    fputs("half of", file.stream);
    assert_int_equal(output_file_end(&file, TIDY_USAGE), TIDY_USAGE);
    assert_int_equal(files_there(), 0);
    /* Ending what was never begun is allowed, so that clean-up needs no question. */
    assert_int_equal(output_file_end(&file, TIDY_FAILED), TIDY_FAILED);
    assert_int_equal(output_file_begin(&file, support_path(support_scratch_folder(), "no/such/x"), false),
                     TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "no/such/x cannot be written: No such file or directory"));
    assert_int_equal(output_file_end(&file, TIDY_FAILED), TIDY_FAILED);
}

static void test_a_file_that_is_there_is_replaced_only_where_asked(void **state)
{
    (void)state;
    const char *path = support_path(support_scratch_folder(), "x");
    struct output_file file;
    support_write_file(path, "old", 3);
    assert_int_equal(output_file_check(path, false), TIDY_FAILED);
    assert_int_equal(output_file_begin(&file, path, false), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "x exists already; --force replaces it"));
    assert_int_equal(output_file_begin(&file, path, true), 0);
    fputs("new", file.stream);
    assert_holds(path, "old");
    assert_int_equal(output_file_end(&file, 0), 0);
    assert_holds(path, "new");
    /* Nor where it came to be meanwhile. */
    unlink(path);
    assert_int_equal(output_file_begin(&file, path, false), 0);
    support_write_file(path, "other", 5);
    assert_int_equal(output_file_end(&file, 0), TIDY_FAILED);
    assert_holds(path, "other");
    assert_int_equal(files_there(), 1);
}

static void test_what_is_no_file_is_not_replaced(void **state)
{
    (void)state;
    assert_int_equal(output_file_check("/dev/null", true), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "/dev/null is no file that could be replaced"));
    assert_int_equal(output_file_check(support_scratch_folder(), true), TIDY_FAILED);
}

static void test_a_write_that_fails_late_is_told(void **state)
{
    (void)state;
    struct output_file file;
    struct rlimit limit, small = {1000, RLIM_INFINITY};
    assert_int_equal(output_file_begin(&file, support_path(support_scratch_folder(), "x"), false), 0);
    for (int i = 0; i < 2000; i++)
        fputc('x', file.stream);
    /* A limit of the file's size stands for a full disk. */
    getrlimit(RLIMIT_FSIZE, &limit);
    small.rlim_max = limit.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int status = output_file_end(&file, 0);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(status, TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "x cannot be written: File too large"));
    assert_int_equal(files_there(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_the_file_appears_at_the_end_with_the_usual_permissions, remove_all),
        cmocka_unit_test_teardown(test_after_a_failure_nothing_is_left, remove_all),
        cmocka_unit_test_teardown(test_a_file_that_is_there_is_replaced_only_where_asked, remove_all),
        cmocka_unit_test_teardown(test_what_is_no_file_is_not_replaced, remove_all),
        cmocka_unit_test_teardown(test_a_write_that_fails_late_is_told, remove_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
