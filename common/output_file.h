/* A file that appears whole or not at all: written beside its place and renamed. */
#ifndef TIDY_COMMON_OUTPUT_FILE_H
#define TIDY_COMMON_OUTPUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

struct output_file {
    const char *path;
    bool force;
    FILE *stream;    /* where to write; may be sought in */
    char *temporary; /* its name until the end */
};

/* Can `path` be written? Errors: it exists (unless `force`), it is a folder or a device, its folder is missing or
 * cannot be written. For commands that compute long before they write. */
int output_file_check(const char *path, bool force);

/* `path` must not be the file `input`, which is read: a log of days is not to be lost to a slip. Files that are
 * missing are not told. */
int output_file_check_input(const char *path, const char *input);

/* Begins `path`, which must live until the end. Errors: as output_file_check's, the folder cannot be written. */
int output_file_begin(struct output_file *out, const char *path, bool force);

/* Ends what was begun; also after a failure of output_file_begin, or where all is zero. With `status` 0 the file
 * appears at its path; without `force` never over one that came to be meanwhile. With another status it is removed.
 * Returns `status`, or why the file could not be written (disk full). */
int output_file_end(struct output_file *out, int status);

#endif
