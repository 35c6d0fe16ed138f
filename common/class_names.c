/* Names of classes: a file of lines, or of codes. */
#include "common/label_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"

/* Reads a whole file with a 0 behind it, which the caller frees. */
static int read_all(char **out, size_t *bytes, const char *path)
{
    size_t capacity = 0;
    *out = NULL;
    *bytes = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return tidy_fail("%s: cannot open it: %s", path, strerror(errno));
    int status;
    size_t got;
    do {
        status = memory_grow(out, &capacity, *bytes + 4096, 1, "names of classes");
        got = status == TIDY_OK ? fread(*out + *bytes, 1, capacity - *bytes - 1, file) : 0;
        *bytes += got;
    } while (got > 0);
    if (status == TIDY_OK && ferror(file))
        status = tidy_fail("%s: cannot read it: %s", path, strerror(errno));
    fclose(file);
    if (status != TIDY_OK) {
        free(*out);
        *out = NULL;
        return status;
    }
    (*out)[*bytes] = 0;
    return TIDY_OK;
}

int class_names_read(const char *const **out, const char *path, uint32_t classes)
{
    char *text, *block = NULL;
    size_t bytes;
    *out = NULL;
    int status = read_all(&text, &bytes, path);
    if (status != TIDY_OK)
        return status;
    uint64_t lines = 0;
    for (size_t i = 0; i < bytes; i++)
        lines += text[i] == '\n';
    lines += bytes > 0 && text[bytes - 1] != '\n';
    if (strlen(text) != bytes)
        status = tidy_fail("%s: it is no text", path);
    else if (lines != classes)
        status = tidy_fail("%s: it has %" PRIu64 " lines, and there are %" PRIu32 " classes: a name a line", path,
                           lines, classes);
    /* The pointers, then the text that they point into. */
    size_t pointer_bytes = classes * sizeof(char *);
    if (status == TIDY_OK)
        status = memory_allocate(&block, pointer_bytes + bytes + 1, 1, "names of classes");
    if (status == TIDY_OK) {
        const char **names = (const char **)(void *)block;
        char *at = block + pointer_bytes;
        memcpy(at, text, bytes + 1);
        for (uint32_t i = 0; i < classes; i++) {
            names[i] = at;
            size_t length = strcspn(at, "\n");
            char *next = at + length + (at[length] != 0);
            at[length] = 0;
            if (length > 0 && at[length - 1] == '\r')
                at[length - 1] = 0;
            at = next;
        }
        *out = names;
    }
    free(text);
    return status;
}

/* Writes the names as lines into *out, which the caller frees. */
static int join(char **out, const char *const *names, uint32_t classes)
{
    size_t bytes = 1;
    for (uint32_t c = 0; c < classes; c++)
        bytes += strlen(names[c]) + 1;
    int status = memory_allocate(out, bytes, 1, "names of classes");
    char *end = *out;
    for (uint32_t c = 0; c < classes && status == 0; c++)
        end = stpcpy(stpcpy(end, names[c]), "\n");
    return status;
}

int class_names_read_text(char **out, const char *path, uint32_t classes)
{
    const char *const *names;
    *out = NULL;
    int status = class_names_read(&names, path, classes);
    if (status == 0)
        status = join(out, names, classes);
    free((void *)names);
    return status;
}

/* ---- a mapping to ASCII --------------------------------------------------------------------------------- */

enum { MAPPED_NAME = 32 };

/* Reads a whole number below `end`, and the blanks before it. False: there is none. */
static bool read_number(const char **at, unsigned long end, unsigned long *out)
{
    char *after;
    *at += strspn(*at, " \t");
    if (**at < '0' || **at > '9')
        return false;
    *out = strtoul(*at, &after, 10);
    *at = after;
    return *out < end;
}

/* Reads a line "10 65 97". False: it is none. */
static bool read_mapped(const char *line, uint32_t classes, uint32_t *class, char name[MAPPED_NAME])
{
    unsigned long number, code;
    size_t used = 0;
    if (!read_number(&line, classes, &number))
        return false;
    *class = (uint32_t)number;
    while (line[strspn(line, " \t\r")] != 0) {
        if (!read_number(&line, 0x7f, &code) || code < 0x20 || used + 3 > MAPPED_NAME)
            return false;
        if (used > 0)
            name[used++] = '/';
        name[used++] = (char)code;
    }
    name[used] = 0;
    return used > 0;
}

int class_names_read_mapping(char **out, const char *path, uint32_t classes)
{
    char *text, (*mapped)[MAPPED_NAME] = NULL, *line;
    const char **names = NULL;
    size_t bytes, number = 1;
    *out = NULL;
    int status = read_all(&text, &bytes, path);
    if (status == 0)
        status = memory_allocate(&mapped, classes, sizeof *mapped, "names of classes");
    if (status == 0)
        status = memory_allocate(&names, classes, sizeof *names, "names of classes");
    char *rest = text;
    for (; status == 0 && (line = strsep(&rest, "\n")) != NULL; number++) {
        char name[MAPPED_NAME];
        uint32_t class;
        if (line[strspn(line, " \t\r")] == 0)
            continue;
        if (!read_mapped(line, classes, &class, name))
            status =
                tidy_fail("%s: line %zu: not a class below %" PRIu32 " and the code of an ASCII character, as in "
                          "'10 65'",
                          path, number, classes);
        else if (mapped[class][0] != 0)
            status = tidy_fail("%s: line %zu: class %" PRIu32 " has a name already", path, number, class);
        else
            strcpy(mapped[class], name);
    }
    for (uint32_t c = 0; c < classes && status == 0; c++)
        names[c] = mapped[c];
    if (status == 0)
        status = join(out, names, classes);
    free(names);
    free(mapped);
    free(text);
    return status;
}
