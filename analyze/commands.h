/* The subcommands of tidy-analyze, one file each. */
#ifndef TIDY_ANALYZE_COMMANDS_H
#define TIDY_ANALYZE_COMMANDS_H

/* Each takes its own name as argv[0] and returns 0, a negative tidy_error or an exit code above 0. */
int info_command(int argc, char **argv);
int epochs_command(int argc, char **argv);
int samples_command(int argc, char **argv);
int flag_command(int argc, char **argv);
int eval_command(int argc, char **argv);
int sweep_command(int argc, char **argv);
int compare_command(int argc, char **argv);
int plot_command(int argc, char **argv);
int report_command(int argc, char **argv);
int merge_command(int argc, char **argv);
int subset_command(int argc, char **argv);
int clean_command(int argc, char **argv);
int export_command(int argc, char **argv);
int verify_command(int argc, char **argv);

#endif
