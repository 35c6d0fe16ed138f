/* Writes labels: a table of formats. */
#include "common/label_file.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

#include "common/error.h"
#include "common/little_endian.h"
#include "common/npy.h"
#include "common/output_file.h"

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

int label_file_write(const char *path, enum label_format format, const uint16_t *labels, uint64_t samples,
                     uint32_t classes, const char *const *class_names, bool force)
{
    const struct content content = {labels, samples, class_names};
    struct output_file file;
    for (uint64_t i = 0; i < samples; i++) {
        if (labels[i] >= classes && labels[i] != LABEL_LEFT_OUT)
            return tidy_fail("%s: sample %" PRIu64 " would have label %u, and labels are below %" PRIu32, path, i,
                             labels[i], classes);
    }
    int status = output_file_begin(&file, path, force);
    if (status == TIDY_OK)
        formats[format].write(file.stream, &content);
    return output_file_end(&file, status);
}
