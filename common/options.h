/* Command lines: options and subcommands are tables; help, parsing and the errors come from the tables. */
#ifndef TIDY_COMMON_OPTIONS_H
#define TIDY_COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind {
    OPTION_FLAG,   /* bool: --force, and --no-force */
    OPTION_TEXT,   /* const char *: points into argv; not empty and no `-` where `argument` begins with FILE */
    OPTION_COUNT,  /* uint64_t between `least` and `most`; digits only */
    OPTION_REAL,   /* double between `least` and `most`; finite */
    OPTION_CHOICE, /* int: the index of one of `choices` */
};

struct option_row {
    const char *name; /* without the dashes: "batch-size" */
    char letter;      /* 'o' for -o as well, or 0 */
    enum option_kind kind;
    void *value;                /* where the parsed value goes; it holds the default before */
    const char *argument;       /* how help names the value: "N", "FILE" */
    const char *help;           /* one line; the default is added by options_print_help */
    double least, most;         /* OPTION_COUNT and OPTION_REAL */
    const char *const *choices; /* OPTION_CHOICE: names, ended by NULL */
    bool *given;                /* set to true where the option was on the command line, or NULL */
};

/* One subcommand: everything its --help says and its parser needs. */
struct command_usage {
    const char *program;              /* "tidy-analyze" */
    const char *name;                 /* "flag" */
    const char *arguments;            /* "run.tidy [OPTION...]" */
    const char *summary;              /* one line */
    const char *description;          /* paragraphs for --help, or NULL */
    const char *example;              /* one or more command lines that work, without indentation */
    const struct option_row *options; /* rows */
    size_t option_count;
};

/* The rows of an array, for a command_usage. */
#define OPTION_ROWS(rows) .options = (rows), .option_count = sizeof(rows) / sizeof *(rows)

/* The option that every command with a table has. */
#define JSON_OPTION(variable)                                                                                      \
    {                                                                                                              \
        .name = "json", .kind = OPTION_FLAG, .value = &(variable),                                                 \
        .help = "a JSON object a line, keys as the columns"                                                        \
    }

/* The options of commands that write a file: -o, with what help says of it, and what --force replaces. */
#define OUTPUT_OPTION(variable, named, text)                                                                       \
    {                                                                                                              \
        .name = "output", .letter = 'o', .kind = OPTION_TEXT, .value = &(variable), .argument = (named),           \
        .help = (text)                                                                                             \
    }
#define FORCE_OPTION(variable, text)                                                                               \
    {                                                                                                              \
        .name = "force", .kind = OPTION_FLAG, .value = &(variable), .help = (text)                                 \
    }

/* Parses argv[1..argc-1]. Options and positional arguments may mix, `--name=value` and `--name value` are
 * both right, `--` ends the options, and a lone `-` is positional. Moves the positional arguments to
 * positional[0..*positional_count-1] (room for argc pointers, which point into argv).
 * `--help` prints the help to stdout and sets *helped; then nothing else was done.
 * Returns 0 or TIDY_USAGE: unknown option (with the nearest name), missing or surplus value, a number that is
 * no number, NaN or out of range, an unknown choice (with the nearest). */
int options_parse(const struct command_usage *usage, int argc, char **argv, const char **positional,
                  int *positional_count, bool *helped);

/* Parses a command line of exactly `expected` positional arguments into positional[0..expected-1]. After --help
 * *helped is set and the command is done. Errors: as options_parse's; missing or surplus arguments. */
int command_parse(const struct command_usage *usage, int argc, char **argv, const char **positional, int expected,
                  bool *helped);

/* Prints what --help prints: usage line, summary, description, options with their defaults, example. */
void options_print_help(const struct command_usage *usage);

/* Prints words, wrapped as all help is, from column `column` on with `indent` spaces on further lines. */
void options_wrap(FILE *out, const char *text, int column, int indent);

/* Parses a whole text as a number. `what` names it in the message ("--lr", "threshold 'top:x'").
 * Returns 0 or TIDY_USAGE. */
int options_parse_count(const char *text, uint64_t least, uint64_t most, const char *what, uint64_t *out);
int options_parse_real(const char *text, double least, double most, const char *what, double *out);

/* The entry of `names` (count of them, any may be NULL) with the smallest edit distance to `text`, or NULL
 * where none is near enough to be what was meant. */
const char *options_nearest(const char *text, const char *const *names, size_t count);

/* A program's subcommands. */
struct command_row {
    const char *name;
    const char *summary;               /* one line, for the program's own --help */
    int (*run)(int argc, char **argv); /* argv[0] is the subcommand's name; returns a tidy_error or an exit
                                        * code above 0 */
};

/* Dispatches argv[1] through the table; `program --help` and `program --version` are handled here.
 * `about` is the program's description for --help. Flushes stdout and reports what failed.
 * Returns the exit code for main. SIGPIPE must not kill: this ignores it first. */
int commands_main(const char *program, const char *about, const struct command_row *commands, size_t count,
                  int argc, char **argv);

#endif
