/* Writes labels: a table of formats, and a temporary file that takes the place of what was there once it is whole. */
#include "common/label_file.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/little_endian.h"
#include "common/npy.h"

/* What a format's function writes; it leaves errors to the stream's own mark. */
struct content {
    const uint16_t *labels;
    uint64_t samples;
    const char *const *class_names; /* or NULL */
};

static int32_t value_of(uint16_t label)
{
    return label == LABEL_LEFT_OUT ? -1 : label;
}

static void write_idx(FILE *out, const struct content *content)
{
    uint16_t largest = 0;
    bool left_out = false;
    for (uint64_t i = 0; i < content->samples; i++) {
        left_out |= content->labels[i] == LABEL_LEFT_OUT;
        if (content->labels[i] != LABEL_LEFT_OUT && content->labels[i] > largest)
            largest = content->labels[i];
    }
    size_t bytes = largest <= UINT8_MAX && !left_out ? 1 : largest <= INT16_MAX ? 2 : 4;
    const uint8_t type = bytes == 1 ? 8 : bytes == 2 ? 0xb : 0xc;
    const uint8_t magic[] = {0, 0, type, 1};
    uint32_t count = htobe32((uint32_t)content->samples);
    fwrite(magic, sizeof magic, 1, out);
    fwrite(&count, sizeof count, 1, out);
    for (uint64_t i = 0; i < content->samples; i++) {
        uint32_t value = htobe32((uint32_t)value_of(content->labels[i]));
        fwrite((const char *)&value + sizeof value - bytes, bytes, 1, out);
    }
}

static void write_npy(FILE *out, const struct content *content)
{
    npy_write_header(out, ELEMENT_I64, 1, &content->samples);
    for (uint64_t i = 0; i < content->samples; i++) {
        uint8_t value[8];
        store_u64(value, (uint64_t)(int64_t)value_of(content->labels[i]));
        fwrite(value, sizeof value, 1, out);
    }
}

static void write_tsv(FILE *out, const struct content *content)
{
    fputs("#sample\tlabel\n", out);
    for (uint64_t i = 0; i < content->samples; i++) {
        if (content->labels[i] != LABEL_LEFT_OUT)
            fprintf(out, "%" PRIu64 "\t%u\n", i, content->labels[i]);
    }
}

/* As RFC 4180 asks: quotes where a comma, a quote or a line's end is inside. */
static void write_csv_text(FILE *out, const char *text)
{
    bool quoted = text[strcspn(text, ",\"\r\n")] != 0;
    if (quoted)
        putc('"', out);
    for (; *text != 0; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    if (quoted)
        putc('"', out);
}

static void write_csv(FILE *out, const struct content *content)
{
    fputs(content->class_names != NULL ? "sample,label,name\n" : "sample,label\n", out);
    for (uint64_t i = 0; i < content->samples; i++) {
        if (content->labels[i] == LABEL_LEFT_OUT)
            continue;
        fprintf(out, "%" PRIu64 ",%u", i, content->labels[i]);
        if (content->class_names != NULL) {
            putc(',', out);
            write_csv_text(out, content->class_names[content->labels[i]]);
        }
        putc('\n', out);
    }
}

struct format_row {
    const char *ending;
    void (*write)(FILE *out, const struct content *content);
};
static const struct format_row formats[] = {
    [LABEL_IDX] = {".idx", write_idx},
    [LABEL_NPY] = {".npy", write_npy},
    [LABEL_TSV] = {".tsv", write_tsv},
    [LABEL_CSV] = {".csv", write_csv},
};

int label_file_format(enum label_format *out, const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t ending = strlen(formats[i].ending);
        if (length > ending && strcmp(path + length - ending, formats[i].ending) == 0) {
            *out = (enum label_format)i;
            return TIDY_OK;
        }
    }
    return tidy_fail_usage("'%s': a file of labels ends in .idx, .npy, .tsv or .csv, which says what it is", path);
}

static int fail_write(const char *path, int cause)
{
    return tidy_fail("%s: cannot write it: %s", path, strerror(cause));
}

/* Writes into a stream that is open, and closes it. */
static int write_stream(FILE *out, const char *path, enum label_format format, const struct content *content)
{
    errno = 0;
    formats[format].write(out, content);
    bool failed = ferror(out) != 0 || fflush(out) != 0;
    int cause = errno;
    if (fclose(out) != 0 && !failed) {
        cause = errno;
        failed = true;
    }
    return failed ? fail_write(path, cause != 0 ? cause : EIO) : TIDY_OK;
}

int label_file_write(const char *path, enum label_format format, const uint16_t *labels, uint64_t samples,
                     uint32_t classes, const char *const *class_names)
{
    const struct content content = {labels, samples, class_names};
    struct stat entry;
    char *temporary;
    for (uint64_t i = 0; i < samples; i++) {
        if (labels[i] >= classes && labels[i] != LABEL_LEFT_OUT)
            return tidy_fail("%s: sample %" PRIu64 " would have label %u, and labels are below %" PRIu32, path, i,
                             labels[i], classes);
    }
    if (stat(path, &entry) == 0 && !S_ISREG(entry.st_mode)) {
        FILE *out = fopen(path, "wb");
        return out == NULL ? fail_write(path, errno) : write_stream(out, path, format, &content);
    }
    if (asprintf(&temporary, "%s.new-%ld", path, (long)getpid()) < 0)
        return tidy_fail_memory("a path", strlen(path) + 32);
    FILE *out = fopen(temporary, "wbx");
    int status = out == NULL ? fail_write(path, errno) : write_stream(out, path, format, &content);
    if (status == TIDY_OK && rename(temporary, path) != 0)
        status = fail_write(path, errno);
    if (status != TIDY_OK && out != NULL)
        unlink(temporary);
    free(temporary);
    return status;
}
