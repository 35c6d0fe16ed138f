/* Names of classes: a file of lines. */
#include "common/label_file.h"

#include <errno.h>
#include <inttypes.h>
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
