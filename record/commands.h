/* The subcommands of tidy-record. */
#ifndef TIDY_RECORD_COMMANDS_H
#define TIDY_RECORD_COMMANDS_H

/* Each takes its own name as argv[0] and returns 0, a negative tidy_error or an exit code above 0. */
int train_command(int argc, char **argv);
int resume_command(int argc, char **argv);
int import_command(int argc, char **argv);
int devices_command(int argc, char **argv);

#endif
