/* Tables on stdout: both formats, escapes, missing values, the shortest digits, a stdout that fails. */
#include "tests/support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/parallel.h"
#include "common/random.h"
#include "common/table.h"

static int saved_stdout = -1;

static void redirect(const char *path)
{
    fflush(stdout);
    saved_stdout = dup(1);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(saved_stdout >= 0 && file >= 0);
    dup2(file, 1);
    close(file);
}

static void restore(void)
{
    fflush(stdout);
    clearerr(stdout);
    dup2(saved_stdout, 1);
    close(saved_stdout);
}

/* What `fill` prints as a table of these columns. */
static char *print_table(const char *const *columns, size_t count, bool json, void (*fill)(struct table *table))
{
    char *path = support_path(support_scratch_folder(), "table");
    size_t bytes;
    redirect(path);
    struct table *table = table_begin(columns, count, json);
    if (table != NULL)
        fill(table);
    int status = table != NULL ? table_end(table) : TIDY_FAILED;
    restore();
    assert_int_equal(status, TIDY_OK);
    return support_read_file(path, &bytes);
}

static const char *const columns[] = {"sample", "name", "score"};

static void fill_rows(struct table *table)
{
    static const struct {
        uint64_t sample;
        const char *name;
        double score;
    } rows[] = {{0, "plain", 0.1},
                {UINT64_MAX, "tab\there \"quoted\" \\ line\nend", -1.5},
                {2, NULL, NAN},
                {3, "", INFINITY},
                {4, "\x01", -INFINITY}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        table_add_count(table, rows[i].sample);
        table_add_text(table, rows[i].name);
        table_add_real(table, rows[i].score);
    }
}

static void test_a_table_is_tab_separated_with_a_header(void **state)
{
    (void)state;
    char *text = print_table(columns, 3, false, fill_rows);
    assert_string_equal(text, "#sample\tname\tscore\n"
                              "0\tplain\t0.1\n"
                              "18446744073709551615\ttab\\there \"quoted\" \\\\ line\\nend\t-1.5\n"
                              "2\tnan\tnan\n"
                              "3\t\tinf\n"
                              "4\t\x01\t-inf\n");
    free(text);
}

static void test_json_lines_have_the_columns_as_keys(void **state)
{
    (void)state;
    char *text = print_table(columns, 3, true, fill_rows);
    assert_string_equal(text, "{\"sample\":0,\"name\":\"plain\",\"score\":0.1}\n"
                              "{\"sample\":18446744073709551615,\"name\":\"tab\\there \\\"quoted\\\" \\\\ "
                              "line\\nend\",\"score\":-1.5}\n"
                              "{\"sample\":2,\"name\":null,\"score\":null}\n"
                              "{\"sample\":3,\"name\":\"\",\"score\":null}\n"
                              "{\"sample\":4,\"name\":\"\\u0001\",\"score\":null}\n");
    free(text);
}

static void fill_nothing(struct table *table)
{
    (void)table;
}

static void test_a_table_without_rows_has_its_header(void **state)
{
    (void)state;
    char *text = print_table(columns, 3, false, fill_nothing);
    assert_string_equal(text, "#sample\tname\tscore\n");
    free(text);
    text = print_table(columns, 3, true, fill_nothing);
    assert_string_equal(text, "");
    free(text);
}

static const struct {
    double value;
    const char *text;
} shortest[] = {
    {0, "0"},
    {-0.0, "0"},
    {1, "1"},
    {0.1, "0.1"},
    {1.0 / 3, "0.33333334"},
    {2.0 / 3, "0.6666667"},
    {100, "100"},
    {60000, "60000"},
    {16777216, "16777216"},
    {123456789, "123456790"},
    {999999999, "1e+09"},
    {1e10, "1e+10"},
    {1.5e10, "1.5e+10"},
    {0.001, "0.001"},
    {0.0001, "0.0001"},
    {0.00001, "1e-05"},
    {0.000015, "1.5e-05"},
    {-0.25, "-0.25"},
    {9.9999999, "10"},
    {0.99999999, "1"},
    {FLT_MAX, "3.4028235e+38"},
    {FLT_MIN, "1.1754944e-38"},
    {1e-45, "1e-45"},
    {1e300, "1e+300"},
    {1e-300, "0"},
};

static void fill_shortest(struct table *table)
{
    for (size_t i = 0; i < sizeof shortest / sizeof *shortest; i++)
        table_add_real(table, shortest[i].value);
}

static void test_numbers_have_the_fewest_digits(void **state)
{
    (void)state;
    static const char *const one[] = {"x"};
    char *text = print_table(one, 1, false, fill_shortest), *line = strtok(text, "\n");
    for (size_t i = 0; i < sizeof shortest / sizeof *shortest; i++) {
        line = strtok(NULL, "\n");
        assert_string_equal(line, shortest[i].text);
    }
    free(text);
}

enum { RANDOM_VALUES = 20000 };

/* Floats of every size, by their bits. */
static float random_float(struct random_stream *stream)
{
    float value;
    do {
        uint32_t bits = (uint32_t)random_bits(stream);
        memcpy(&value, &bits, sizeof value);
    } while (!isfinite(value));
    return value;
}

static void fill_random(struct table *table)
{
    struct random_stream stream = random_open(1, RANDOM_NOISE, 0);
    for (int i = 0; i < RANDOM_VALUES; i++)
        table_add_real(table, (double)random_float(&stream));
    for (int i = 0; i < RANDOM_VALUES; i++)
        table_add_real(table, random_uniform(&stream));
}

/* Without zeros at either end. */
static int significant_digits(const char *text)
{
    int digits = 0, zeros = 0;
    for (; *text != 0 && *text != 'e'; text++) {
        if (*text == '0')
            zeros += digits > 0;
        else if (*text >= '1' && *text <= '9') {
            digits += zeros + 1;
            zeros = 0;
        }
    }
    return digits;
}

static void test_numbers_read_back_to_the_same_float_and_no_shorter_text_does(void **state)
{
    (void)state;
    static const char *const one[] = {"x"};
    char *text = print_table(one, 1, false, fill_random), *line = strtok(text, "\n");
    struct random_stream stream = random_open(1, RANDOM_NOISE, 0);
    for (int i = 0; i < 2 * RANDOM_VALUES; i++) {
        float value = i < RANDOM_VALUES ? random_float(&stream) : (float)random_uniform(&stream);
        line = strtok(NULL, "\n");
        assert_true(strtof(line, NULL) == value);
        int digits = significant_digits(line);
        assert_in_range(digits, 1, 9);
        /* The C library's nearest decimal of one digit less is another float. */
        char shorter[40];
        snprintf(shorter, sizeof shorter, "%.*e", digits - 2, (double)value);
        assert_true(digits == 1 || strtof(shorter, NULL) != value);
    }
    free(text);
}

enum { ROWS = 20000, LONG = 150000 };
static char long_text[LONG + 1];

/* Rows of many lengths, a few of which fit into no buffer, and none for some. */
static void add_row(struct table *table, const void *context, size_t row)
{
    const char *text = context;
    if (row % 7 == 3)
        return;
    table_add_count(table, row);
    table_add_text(table, text + (row % 5000 == 1 ? 0 : LONG - row % 97));
    table_add_real(table, (double)row / 8);
}

static void fill_in_threads(struct table *table)
{
    fill_rows(table);
    assert_int_equal(table_add_rows(table, ROWS, add_row, long_text), 0);
    fill_rows(table);
    assert_int_equal(table_add_rows(table, 5, add_row, long_text), 0);
}

static void fill_one_by_one(struct table *table)
{
    fill_rows(table);
    for (size_t row = 0; row < ROWS; row++)
        add_row(table, long_text, row);
    fill_rows(table);
    for (size_t row = 0; row < 5; row++)
        add_row(table, long_text, row);
}

static void test_rows_made_in_threads_are_those_made_one_by_one(void **state)
{
    (void)state;
    memset(long_text, 'x', LONG);
    for (int json = 0; json < 2; json++) {
        char *expected = print_table(columns, 3, json, fill_one_by_one);
        for (unsigned threads = 1; threads <= 4; threads++) {
            parallel_set_available(threads);
            char *text = print_table(columns, 3, json, fill_in_threads);
            assert_true(strcmp(text, expected) == 0);
            free(text);
        }
        parallel_set_available(0);
        free(expected);
    }
}

/* Of very many rows those after the failure are not made. */
static void test_a_write_that_fails_stops_threads(void **state)
{
    (void)state;
    redirect("/dev/full");
    struct table *table = table_begin(columns, 3, false);
    parallel_set_available(3);
    assert_int_equal(table_add_rows(table, 10000000, add_row, long_text), 0);
    parallel_set_available(0);
    bool failed = table_failed(table);
    int status = table_end(table);
    restore();
    assert_true(failed);
    assert_int_equal(status, TIDY_FAILED);
    assert_string_equal(tidy_error_message(), "cannot write to standard output: No space left on device");
}

static void test_a_write_that_fails_is_an_error_and_stops_the_table(void **state)
{
    (void)state;
    redirect("/dev/full");
    struct table *table = table_begin(columns, 3, false);
    bool failed = false;
    for (int i = 0; i < 100000 && !failed; i++) {
        fill_rows(table);
        failed = table_failed(table);
    }
    int status = table_end(table);
    restore();
    assert_true(failed);
    assert_int_equal(status, TIDY_FAILED);
    assert_string_equal(tidy_error_message(), "cannot write to standard output: No space left on device");

    /* Where all fits into stdio's buffer, the end tells. */
    redirect("/dev/full");
    table = table_begin(columns, 3, false);
    status = table_end(table);
    restore();
    assert_int_equal(status, TIDY_FAILED);
    assert_string_equal(tidy_error_message(), "cannot write to standard output: No space left on device");
}

static void test_a_closed_pipe_is_told_apart(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    fflush(stdout);
    saved_stdout = dup(1);
    dup2(ends[1], 1);
    close(ends[1]);
    struct table *table = table_begin(columns, 3, true);
    fill_rows(table);
    int status = table_end(table);
    restore();
    assert_int_equal(status, TIDY_PIPE_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_is_tab_separated_with_a_header),
        cmocka_unit_test(test_json_lines_have_the_columns_as_keys),
        cmocka_unit_test(test_a_table_without_rows_has_its_header),
        cmocka_unit_test(test_numbers_have_the_fewest_digits),
        cmocka_unit_test(test_numbers_read_back_to_the_same_float_and_no_shorter_text_does),
        cmocka_unit_test(test_rows_made_in_threads_are_those_made_one_by_one),
        cmocka_unit_test(test_a_write_that_fails_is_an_error_and_stops_the_table),
        cmocka_unit_test(test_a_write_that_fails_stops_threads),
        cmocka_unit_test(test_a_closed_pipe_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
