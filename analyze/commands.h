/* The subcommands, one file each, and what they have in common on the command line. */
#ifndef TIDY_ANALYZE_COMMANDS_H
#define TIDY_ANALYZE_COMMANDS_H

#include <stdbool.h>

#include "common/options.h"

int info_command(int argc, char **argv);
int epochs_command(int argc, char **argv);
int samples_command(int argc, char **argv);
int flag_command(int argc, char **argv);
int eval_command(int argc, char **argv);
int sweep_command(int argc, char **argv);
int plot_command(int argc, char **argv);
int verify_command(int argc, char **argv);

/* Parses a command line of exactly `expected` positional arguments into positional[0..expected-1].
 * After --help *helped is set and the command is done. */
int command_parse(const struct command_usage *usage, int argc, char **argv, const char **positional, int expected,
                  bool *helped);

/* The option that every command with a table has. */
#define JSON_OPTION(variable)                                                                                      \
    {                                                                                                              \
        .name = "json", .kind = OPTION_FLAG, .value = &(variable),                                                 \
        .help = "a JSON object a line, keys as the columns"                                                        \
    }

#define OPTION_ROWS(rows) .options = (rows), .option_count = sizeof(rows) / sizeof *(rows)

#endif
