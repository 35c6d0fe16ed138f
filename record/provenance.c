/* Makes the texts that say how a run was made. */
#include "record/provenance.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/error.h"
#include "common/memory.h"

int provenance_data_path(char **out, const char *path)
{
    char found[PATH_MAX], joined[2 * PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (realpath(path, found) != NULL) {
        snprintf(joined, sizeof joined, "%s", found);
    } else {
        char folder[PATH_MAX];
        snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
        if (realpath(folder, found) == NULL)
            return tidy_fail("%s: %s", path, strerror(errno));
        snprintf(joined, sizeof joined, "%s/%s", found, slash ? slash + 1 : path);
    }
    *out = strdup(joined);
    return *out ? 0 : tidy_fail_memory("a path", strlen(joined) + 1);
}

/* Appends an argument so that a shell reads it as it was: at most 4 bytes a character, and 2. Returns the end. */
static char *quote_argument(char *text, const char *argument)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    size_t length = strlen(argument);
    if (length > 0 && strspn(argument, plain) == length) {
        memcpy(text, argument, length);
        return text + length;
    }
    *text++ = '\'';
    for (; *argument != 0; argument++) {
        if (*argument == '\'') {
            memcpy(text, "'\\''", 4);
            text += 4;
        } else {
            *text++ = *argument;
        }
    }
    *text++ = '\'';
    return text;
}

int provenance_command_line(char **out, int argc, char **argv)
{
    size_t room = sizeof "tidy-record ";
    for (int i = 0; i < argc; i++)
        room += 4 * strlen(argv[i]) + 4;
    int status = memory_allocate(out, room, 1, "the command line");
    if (status != 0)
        return status;
    char *end = stpcpy(*out, "tidy-record");
    for (int i = 0; i < argc; i++) {
        *end++ = ' ';
        end = quote_argument(end, argv[i]);
    }
    return 0;
}

void provenance_now(char *text, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;
    strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
}
