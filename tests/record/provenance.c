/* What a log says about its making: a command line that a shell reads back, the machine and its limits. */
#include "tests/support/support.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "record/machine.h"
#include "record/provenance.h"

static void test_the_command_line_is_quoted_where_a_shell_needs_it(void **state)
{
    (void)state;
    char *argv[] = {"train", "--data", "/a/b", "-o", "my run.tidy", "it's", "", "$HOME", "0.1,matrix:T.txt"};
    char *text;
    assert_int_equal(provenance_command_line(&text, sizeof argv / sizeof *argv, argv), 0);
    assert_string_equal(text,
                        "tidy-record train --data /a/b -o 'my run.tidy' 'it'\\''s' '' '$HOME' 0.1,matrix:T.txt");
    free(text);
}

static void test_a_shell_reads_back_any_argument(void **state)
{
    (void)state;
    char *argv[] = {"a'b", "\"", "\\", "a\nb", "'", "''", "!", "*", "~", ";&|<>()"};
    int count = sizeof argv / sizeof *argv;
    char *text, script[512], output[512];
    assert_int_equal(provenance_command_line(&text, count, argv), 0);
    snprintf(script, sizeof script, "tidy-record() { printf '[%%s]' \"$@\"; }\n%s", text);
    free(text);
    const char *path = support_path(support_scratch_folder(), "script");
    support_write_file(path, script, strlen(script));
    char command[600];
    snprintf(command, sizeof command, "bash %s", path);
    FILE *shell = popen(command, "r");
    assert_non_null(shell);
    output[fread(output, 1, sizeof output - 1, shell)] = 0;
    assert_int_equal(pclose(shell), 0);
    assert_string_equal(output, "[a'b][\"][\\][a\nb]['][''][!][*][~][;&|<>()]");
}

static void test_the_data_path_is_absolute_also_where_it_ends_in_a_prefix(void **state)
{
    (void)state;
    char *text, expected[600];
    char here[512], folder[512];
    assert_non_null(getcwd(here, sizeof here));
    assert_non_null(realpath(support_scratch_folder(), folder));
    const char *emnist = support_path(folder, "emnist");
    assert_int_equal(mkdir(emnist, 0777), 0);
    assert_int_equal(chdir(folder), 0);

    assert_int_equal(provenance_data_path(&text, "./emnist/../emnist/"), 0);
    assert_string_equal(text, emnist);
    free(text);
    assert_int_equal(provenance_data_path(&text, "emnist/emnist-letters"), 0);
    snprintf(expected, sizeof expected, "%s/emnist-letters", emnist);
    assert_string_equal(text, expected);
    free(text);
    assert_int_equal(provenance_data_path(&text, "prefix"), 0);
    snprintf(expected, sizeof expected, "%s/prefix", folder);
    assert_string_equal(text, expected);
    free(text);
    assert_int_equal(provenance_data_path(&text, "nowhere/at/all"), TIDY_FAILED);
    assert_int_equal(chdir(here), 0);
}

static void test_the_time_is_utc_in_iso_8601(void **state)
{
    (void)state;
    char text[32];
    int year, month, day, hour, minute, second, end = 0;
    provenance_now(text, sizeof text);
    assert_int_equal(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &year, &month, &day, &hour, &minute, &second, &end),
                     6);
    assert_int_equal(end, 20);
}

/* The forms that the kernel's documentation gives for cpu.max, and for version 1's two files. */
static void test_a_control_groups_quota_is_rounded_up_to_processors(void **state)
{
    (void)state;
    assert_int_equal(machine_quota("200000 100000"), 2);
    assert_int_equal(machine_quota("150000 100000"), 2);
    assert_int_equal(machine_quota("1000 100000"), 1);
    assert_int_equal(machine_quota("max 100000"), 0);
    assert_int_equal(machine_quota("-1 100000"), 0);
    assert_int_equal(machine_quota("100000 0"), 0);
    assert_int_equal(machine_quota(""), 0);
}

static void test_threads_obey_the_affinity_mask(void **state)
{
    (void)state;
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_in_range(machine_threads(), 1, (uintmax_t)CPU_COUNT(&before));
    size_t first = 0;
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(machine_threads(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

static void test_the_machine_is_named_with_its_processors(void **state)
{
    (void)state;
    char text[320];
    machine_describe(text, sizeof text);
    assert_non_null(strstr(text, "processor"));
    assert_null(strchr(text, '\n'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_command_line_is_quoted_where_a_shell_needs_it),
        cmocka_unit_test(test_a_shell_reads_back_any_argument),
        cmocka_unit_test(test_the_data_path_is_absolute_also_where_it_ends_in_a_prefix),
        cmocka_unit_test(test_the_time_is_utc_in_iso_8601),
        cmocka_unit_test(test_a_control_groups_quota_is_rounded_up_to_processors),
        cmocka_unit_test(test_threads_obey_the_affinity_mask),
        cmocka_unit_test(test_the_machine_is_named_with_its_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
