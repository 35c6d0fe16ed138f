/* How a run was made, as text for its log. */
#ifndef TIDY_RECORD_PROVENANCE_H
#define TIDY_RECORD_PROVENANCE_H

#include <stddef.h>

/* The command line as a shell would read it again: "tidy-record", then the arguments. The caller frees it. */
int provenance_command_line(char **out, int argc, char **argv);

/* The absolute path of a data set, whose last part may be a prefix of files' names rather than a folder. The caller
 * frees it. Errors: no such folder. */
int provenance_data_path(char **out, const char *path);

/* The time, UTC, ISO 8601: "2024-05-31T12:00:00Z". */
void provenance_now(char *text, size_t size);

#endif
