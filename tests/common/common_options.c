/* Command lines: what is parsed, what is refused and how it is said, help, dispatch, and a stdout that fails. */
#include "tests/support/support.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "common/options.h"

static const char *const details[] = {"class", "margin", "probs", NULL};

/* Where the options of a made-up command go, with their defaults. */
struct values {
    bool force, shuffle, lr_given;
    const char *output;
    uint64_t epochs;
    double lr;
    int detail;
};
static struct values values;

static const struct option_row rows[] = {
    {.name = "force",
     .kind = OPTION_FLAG,
     .value = &values.force,
     .help = "Replaces the file, which is gone then for good, with all that has been recorded into it."},
    {.name = "shuffle", .kind = OPTION_FLAG, .value = &values.shuffle, .help = "Shuffles."},
    {.name = "output",
     .letter = 'o',
     .kind = OPTION_TEXT,
     .value = &values.output,
     .argument = "FILE",
     .help = "Out."},
    {.name = "epochs",
     .kind = OPTION_COUNT,
     .value = &values.epochs,
     .argument = "N",
     .help = "Epochs.",
     .least = 1,
     .most = 1000},
    {.name = "lr",
     .kind = OPTION_REAL,
     .value = &values.lr,
     .argument = "F",
     .help = "Learning rate.",
     .least = 0,
     .most = 100,
     .given = &values.lr_given},
    {.name = "detail",
     .kind = OPTION_CHOICE,
     .value = &values.detail,
     .argument = "LEVEL",
     .help = "Detail.",
     .choices = details},
};

static const struct command_usage usage = {.program = "tidy-test",
                                           .name = "work",
                                           .arguments = "FILE [OPTION...]",
                                           .summary = "Works.",
                                           .example = "tidy-test work run.tidy --epochs 3",
                                           .options = rows,
                                           .option_count = sizeof rows / sizeof *rows};

enum { MOST = 12 };
static const char *positional[MOST];
static int positional_count;
static bool helped;

/* Parses a command line given as its words, ended by NULL. */
static int parse(const char *first, ...)
{
    char *argv[MOST] = {"work"};
    int argc = 1;
    va_list words;
    va_start(words, first);
    for (const char *word = first; word != NULL; word = va_arg(words, const char *))
        argv[argc++] = (char *)word;
    va_end(words);
    values = (struct values){.shuffle = true, .epochs = 15, .lr = 0.1, .detail = 1};
    return options_parse(&usage, argc, argv, positional, &positional_count, &helped);
}

static void test_every_kind_of_option_is_parsed(void **state)
{
    (void)state;
    assert_int_equal(
        parse("--force", "--no-shuffle", "-o", "a b", "--epochs", "7", "--lr=0.5e-1", "--detail", "probs", NULL),
        0);
    assert_true(values.force);
    assert_false(values.shuffle);
    assert_string_equal(values.output, "a b");
    assert_int_equal(values.epochs, 7);
    assert_true(values.lr == 0.05 && values.lr_given);
    assert_int_equal(values.detail, 2);
    assert_int_equal(positional_count, 0);
}

static void test_defaults_stay_where_nothing_is_given(void **state)
{
    (void)state;
    assert_int_equal(parse(NULL), 0);
    assert_true(values.shuffle && !values.force && !values.lr_given);
    assert_int_equal(values.epochs, 15);
}

static void test_options_and_arguments_may_mix(void **state)
{
    (void)state;
    assert_int_equal(parse("first", "--output=out", "-", "--", "--force", "-x", NULL), 0);
    assert_string_equal(values.output, "out");
    assert_false(values.force);
    assert_int_equal(positional_count, 4);
    assert_string_equal(positional[0], "first");
    assert_string_equal(positional[1], "-");
    assert_string_equal(positional[2], "--force");
    assert_string_equal(positional[3], "-x");
    assert_int_equal(parse("-oglued", NULL), 0);
    assert_string_equal(values.output, "glued");
}

static void check_usage_error(int status, const char *message)
{
    assert_int_equal(status, TIDY_USAGE);
    assert_string_equal(tidy_error_message(), message);
}

static void test_wrong_command_lines_are_told_what_is_wrong(void **state)
{
    (void)state;
    check_usage_error(parse("--epoch", "3", NULL), "unknown option '--epoch'; did you mean '--epochs'?");
    check_usage_error(parse("--hlep", NULL), "unknown option '--hlep'; did you mean '--help'?");
    check_usage_error(parse("--zzzzzz", NULL), "unknown option '--zzzzzz'; 'tidy-test work --help' lists them");
    check_usage_error(parse("-q", NULL), "unknown option '-q'; 'tidy-test work --help' lists them");
    check_usage_error(parse("--no-lr", NULL), "unknown option '--no-lr'; 'tidy-test work --help' lists them");
    check_usage_error(parse("--epochs", NULL), "option '--epochs' needs a value: N");
    check_usage_error(parse("-o", NULL), "option '-o' needs a value: FILE");
    check_usage_error(parse("--output=", NULL), "--output: '' is no name of a file");
    check_usage_error(parse("-o", "-", NULL), "-o: '-' is no name of a file");
    check_usage_error(parse("--force=yes", NULL), "option '--force' takes no value");
    check_usage_error(parse("--detail", "margins", NULL),
                      "--detail: unknown choice 'margins'; did you mean 'margin'?");
    check_usage_error(parse("--detail", "everything", NULL),
                      "--detail: unknown choice 'everything'; one of: class, margin, probs");
    check_usage_error(parse("--epochs", "0", NULL), "--epochs: 0 is out of range (1 to 1000)");
    check_usage_error(parse("--epochs=1001", NULL), "--epochs: 1001 is out of range (1 to 1000)");
    check_usage_error(parse("--lr", "-0.1", NULL), "--lr: -0.1 is out of range (0 to 100)");
    check_usage_error(parse("--lr", "", NULL), "--lr: '' is not a number");
}

static void test_what_is_no_number_is_refused(void **state)
{
    (void)state;
    static const char *const counts[] = {
        "", " 5", "5 ", "-1", "+1", "12x", "0x10", "1.5", "1e3", "nan", "18446744073709551616"};
    static const char *const reals[] = {"",         " 1",    "1 ",     "nan",    "NaN",  "inf", "-inf",
                                        "infinity", "1e999", "-1e999", "12x",    "0x10", "1,5", "e",
                                        ".",        "--1",   "1e",     "1e-999", "1e5e5"};
    uint64_t count = 7;
    double real = 7;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        assert_int_equal(options_parse_count(counts[i], 0, UINT64_MAX, "n", &count), TIDY_USAGE);
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        assert_int_equal(options_parse_real(reals[i], -HUGE_VAL, HUGE_VAL, "x", &real), TIDY_USAGE);
    assert_true(count == 7 && real == 7);
}

static void test_numbers_at_the_ends_of_their_range_are_taken(void **state)
{
    (void)state;
    uint64_t count;
    double real;
    assert_int_equal(options_parse_count("18446744073709551615", 0, UINT64_MAX, "n", &count), 0);
    assert_true(count == UINT64_MAX);
    assert_int_equal(options_parse_count("007", 7, 7, "n", &count), 0);
    assert_int_equal(count, 7);
    assert_int_equal(options_parse_real("1e-3", 1e-3, 1, "x", &real), 0);
    assert_int_equal(options_parse_real("-.5", -0.5, 1, "x", &real), 0);
    assert_true(real == -0.5);
    assert_int_equal(options_parse_real("+1.", 0, 1, "x", &real), 0);
}

static void test_the_nearest_name_is_what_was_meant(void **state)
{
    (void)state;
    static const char *const names[] = {"aum", "forgetting-events", NULL, "mean-loss", "correctness", "confidence"};
    static const struct {
        const char *typed, *meant;
    } rows_of_names[] = {
        {"amu", "aum"},
        {"adm", "aum"},
        {"forgeting-events", "forgetting-events"},
        {"mean_loss", "mean-loss"},
        {"corectnes", "correctness"},
        {"forget", "forgetting-events"},
        {"zzz", NULL},
        {"", NULL},
        {"xyzzyxyzzy", NULL},
    };
    for (size_t i = 0; i < sizeof rows_of_names / sizeof *rows_of_names; i++) {
        const char *nearest = options_nearest(rows_of_names[i].typed, names, 6);
        if (rows_of_names[i].meant == NULL)
            assert_null(nearest);
        else
            assert_string_equal(nearest ? nearest : "nothing", rows_of_names[i].meant);
    }
}

/* ---- what a program prints ------------------------------------------------------------------------------ */

static int run_work(int argc, char **argv)
{
    int status = options_parse(&usage, argc, argv, positional, &positional_count, &helped);
    if (status != 0 || helped)
        return status;
    for (uint64_t i = 0; i < values.epochs; i++)
        printf("line %d\n", (int)i);
    return 0;
}

static int run_fail(int argc, char **argv)
{
    (void)argc;
    return tidy_fail("%s: no such file", argv[1]);
}

static int run_flush(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("line\n");
    fflush(stdout); /* what it says is lost */
    return 0;
}

static int run_interrupted(int argc, char **argv)
{
    (void)argc, (void)argv;
    return 130;
}

static const struct command_row commands[] = {{"work", "Works.", run_work},
                                              {"fail", "Fails.", run_fail},
                                              {"stop", "Is interrupted.", run_interrupted},
                                              {"flush", "Flushes.", run_flush}};

/* Runs the made-up program with stdout at the descriptor `out`, or a file of which *text is the content. */
static int run_program(int out, char **text, char **errors, uint64_t epochs, const char *first, const char *second)
{
    char *argv[] = {"tidy-test", (char *)first, (char *)second, NULL};
    int argc = second != NULL ? 3 : first != NULL ? 2 : 1;
    char *out_path = support_path(support_scratch_folder(), "out"),
         *err_path = support_path(support_scratch_folder(), "err");
    int status;
    size_t bytes;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (freopen(err_path, "w", stderr) == NULL || (out < 0 && freopen(out_path, "w", stdout) == NULL) ||
            (out >= 0 && dup2(out, 1) < 0))
            _exit(99);
        values = (struct values){.shuffle = true, .epochs = epochs, .lr = 0.1, .detail = 1};
        int code = commands_main("tidy-test", "Tests.", commands, 4, argc, argv);
        fflush(stderr);
        _exit(code);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (text != NULL)
        *text = support_read_file(out_path, &bytes);
    *errors = support_read_file(err_path, &bytes);
    return WEXITSTATUS(status);
}

static void test_a_program_dispatches_and_reports(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        int code;
        const char *out, *errors;
    } cases[] = {
        {"work", NULL, 0, "line 0\nline 1\n", ""},
        {"fail", "x.tidy", 1, "", "tidy-test: x.tidy: no such file\n"},
        {"stop", NULL, 130, "", ""},
        {"work", "--epoch=3", 2, "", "tidy-test: unknown option '--epoch'; did you mean '--epochs'?\n"},
        {"wrok", NULL, 2, "", "tidy-test: unknown command 'wrok'; did you mean 'work'?\n"},
        {"something", NULL, 2, "", "tidy-test: unknown command 'something'; 'tidy-test --help' lists them\n"},
        {NULL, NULL, 2, "", "tidy-test: no command given; 'tidy-test --help' lists them\n"},
        {"--version", NULL, 0, "tidy-test 0.1.0\n", ""},
        {"--help", NULL, 0,
         "Tests.\n\nusage: tidy-test COMMAND [ARGUMENT...]\n\ncommands:\n  work   Works.\n  fail   Fails.\n"
         "  stop   Is interrupted.\n  flush  Flushes.\n\n'tidy-test COMMAND --help' has the details and an "
         "example.\n",
         ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text, *errors;
        assert_int_equal(run_program(-1, &text, &errors, 2, cases[i].first, cases[i].second), cases[i].code);
        assert_string_equal(text, cases[i].out);
        assert_string_equal(errors, cases[i].errors);
        free(text);
        free(errors);
    }
}

static void test_help_shows_every_option_with_its_default_and_an_example(void **state)
{
    (void)state;
    char *text, *errors;
    assert_int_equal(run_program(-1, &text, &errors, 15, "work", "--help"), 0);
    assert_string_equal(
        text, "Works.\n\n"
              "usage: tidy-test work FILE [OPTION...]\n\n"
              "options:\n"
              "      --force                  Replaces the file, which is gone then for good, with all that has\n"
              "                               been recorded into it.\n"
              "      --shuffle, --no-shuffle  Shuffles. (default: on)\n"
              "  -o, --output FILE            Out.\n"
              "      --epochs N               Epochs. (default: 15)\n"
              "      --lr F                   Learning rate. (default: 0.1)\n"
              "      --detail LEVEL           Detail. (class, margin, probs; default: margin)\n\n"
              "example:\n"
              "  tidy-test work run.tidy --epochs 3\n");
    assert_string_equal(errors, "");
    free(text);
    free(errors);
}

static void test_a_full_disk_under_stdout_is_an_error(void **state)
{
    (void)state;
    char *errors;
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    assert_int_equal(run_program(full, NULL, &errors, 2, "work", NULL), 1);
    assert_string_equal(errors, "tidy-test: cannot write to standard output: No space left on device\n");
    free(errors);
    /* More than stdio keeps before it writes. */
    assert_int_equal(run_program(full, NULL, &errors, 10000, "work", NULL), 1);
    assert_non_null(strstr(errors, "tidy-test: cannot write to standard output"));
    free(errors);
    close(full);
}

static void test_a_pipe_closed_by_its_reader_ends_the_program_quietly(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        uint64_t lines;
    } cases[] = {{"work", 1}, {"work", 100000}, {"flush", 1}};
    for (int i = 0; i < 3; i++) {
        char *errors;
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        close(ends[0]);
        assert_int_equal(run_program(ends[1], NULL, &errors, cases[i].lines, cases[i].command, NULL), 0);
        assert_string_equal(errors, "");
        free(errors);
        close(ends[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_option_is_parsed),
        cmocka_unit_test(test_defaults_stay_where_nothing_is_given),
        cmocka_unit_test(test_options_and_arguments_may_mix),
        cmocka_unit_test(test_wrong_command_lines_are_told_what_is_wrong),
        cmocka_unit_test(test_what_is_no_number_is_refused),
        cmocka_unit_test(test_numbers_at_the_ends_of_their_range_are_taken),
        cmocka_unit_test(test_the_nearest_name_is_what_was_meant),
        cmocka_unit_test(test_a_program_dispatches_and_reports),
        cmocka_unit_test(test_help_shows_every_option_with_its_default_and_an_example),
        cmocka_unit_test(test_a_full_disk_under_stdout_is_an_error),
        cmocka_unit_test(test_a_pipe_closed_by_its_reader_ends_the_program_quietly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
