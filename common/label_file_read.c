/* Reads labels: what the file is shows in its first bytes, and each format ends in the same check of a label. */
#include "common/label_file.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zlib.h>

#include "common/error.h"
#include "common/idx.h"
#include "common/memory.h"
#include "common/npy.h"

/* What the labels must be. */
struct wanted {
    const char *path;
    uint64_t samples;
    int32_t most; /* the largest label */
};

static int fail_count(const struct wanted *wanted, uint64_t count)
{
    return tidy_fail("%s: it has labels of %" PRIu64 " samples, and there are %" PRIu64 " samples", wanted->path,
                     count, wanted->samples);
}

/* `shown`: the label as the file has it. */
static int fail_label(const struct wanted *wanted, uint64_t sample, const char *shown)
{
    return tidy_fail("%s: sample %" PRIu64 " has label %s; labels are 0 to %" PRId32 ", and -1 leaves a sample out",
                     wanted->path, sample, shown, wanted->most);
}

static uint16_t label_of(int32_t value)
{
    return value < 0 ? LABEL_LEFT_OUT : (uint16_t)value;
}

/* ---- IDX and NPY ---------------------------------------------------------------------------------------- */

static int32_t idx_value(const struct idx *idx, uint64_t i)
{
    uint16_t two;
    uint32_t four;
    switch (idx->value_bytes) {
    case 1:
        return idx->values[i];
    case 2:
        memcpy(&two, idx->values + i * sizeof two, sizeof two);
        return (int16_t)be16toh(two);
    default:
        memcpy(&four, idx->values + i * sizeof four, sizeof four);
        return (int32_t)be32toh(four);
    }
}

static int read_idx(uint16_t *out, const struct wanted *wanted)
{
    struct idx idx;
    int status = idx_read(&idx, wanted->path, IDX_NEW_LABELS);
    if (status != TIDY_OK)
        return status;
    if (idx.size[0] != wanted->samples)
        status = fail_count(wanted, idx.size[0]);
    for (uint64_t i = 0; i < wanted->samples && status == TIDY_OK; i++) {
        int32_t value = idx_value(&idx, i);
        char shown[16];
        snprintf(shown, sizeof shown, "%" PRId32, value);
        if (value < -1 || value > wanted->most)
            status = fail_label(wanted, i, shown);
        out[i] = label_of(value);
    }
    free(idx.values);
    return status;
}

static int read_npy(uint16_t *out, const struct wanted *wanted)
{
    struct npy npy;
    int status = npy_open(&npy, wanted->path);
    if (status != TIDY_OK)
        return status;
    if (npy.dimensions != 1)
        status = tidy_fail("%s: it has %" PRIu32 " dimensions, and labels have one: a label a sample; in Python, "
                           "a.ravel() makes it of [N][1], a.argmax(1) of one-hot rows",
                           wanted->path, npy.dimensions);
    else if (npy.size[0] != wanted->samples)
        status = fail_count(wanted, npy.size[0]);
    for (uint64_t done = 0; done < wanted->samples && status == TIDY_OK;) {
        int32_t values[512];
        size_t room = sizeof values / sizeof *values;
        size_t count = wanted->samples - done < room ? (size_t)(wanted->samples - done) : room;
        const uint8_t *from = npy.data + done * npy.stride[0];
        size_t good = element_to_whole(values, npy.type, from, count, npy.stride[0], -1, wanted->most);
        char shown[32];
        if (good < count)
            status = fail_label(wanted, done + good, element_text(shown, npy.type, from + good * npy.stride[0]));
        for (size_t i = 0; i < good; i++)
            out[done + i] = label_of(values[i]);
        done += count;
    }
    npy_close(&npy);
    return status;
}

/* ---- text ----------------------------------------------------------------------------------------------- */

/* A whole number that a tab, a comma or the line's end follows; *end is behind that. */
static bool parse_cell(const char *text, const char **end, int64_t *out)
{
    char *stop;
    if (*text != '-' && (*text < '0' || *text > '9'))
        return false;
    errno = 0;
    *out = strtoll(text, &stop, 10);
    if (errno != 0 || stop == text || strchr("\t,\r\n", *stop) == NULL) /* strchr also finds the ending 0 */
        return false;
    *end = *stop == '\t' || *stop == ',' ? stop + 1 : stop;
    return true;
}

static int read_line(uint16_t *out, bool *seen, const struct wanted *wanted, const char *line, uint64_t number)
{
    const char *at;
    int64_t sample, label;
    if (!parse_cell(line, &at, &sample) || !parse_cell(at, &at, &label))
        return tidy_fail("%s: line %" PRIu64
                         ": a sample's index and its label are due, separated by a tab or comma",
                         wanted->path, number);
    if (sample < 0 || (uint64_t)sample >= wanted->samples)
        return tidy_fail("%s: line %" PRIu64 ": sample %" PRId64 ", and samples are 0 to %" PRIu64, wanted->path,
                         number, sample, wanted->samples - 1);
    if (seen[sample])
        return tidy_fail("%s: line %" PRIu64 ": sample %" PRId64 " for the second time", wanted->path, number,
                         sample);
    char shown[24];
    snprintf(shown, sizeof shown, "%" PRId64, label);
    if (label < -1 || label > wanted->most)
        return fail_label(wanted, (uint64_t)sample, shown);
    seen[sample] = true;
    out[sample] = label_of((int32_t)label);
    return TIDY_OK;
}

static bool starts_number(const char *line)
{
    return *line == '-' || (*line >= '0' && *line <= '9');
}

static int read_lines(uint16_t *out, bool *seen, const struct wanted *wanted, gzFile file)
{
    /* What follows the two numbers may be long (a path), and is skipped in pieces. */
    char line[4096];
    bool continued = false, first = true, any = false;
    uint64_t number = 0;
    int status = TIDY_OK, code;
    while (status == TIDY_OK && gzgets(file, line, sizeof line) != NULL) {
        bool whole = strchr(line, '\n') != NULL, starts = !continued;
        continued = !whole;
        if (!whole && strlen(line) < sizeof line - 1 && !gzeof(file))
            return tidy_fail("%s: it is neither IDX, NPY nor text", wanted->path);
        number += starts;
        if (!starts || line[0] == '#' || line[strspn(line, "\r\n")] == 0)
            continue;
        bool header = first && !starts_number(line);
        first = false;
        if (!header) {
            status = read_line(out, seen, wanted, line, number);
            any = true;
        }
    }
    gzerror(file, &code);
    if (status == TIDY_OK && code != Z_OK && code != Z_STREAM_END)
        status = tidy_fail("%s: cannot read it: %s", wanted->path,
                           code == Z_ERRNO ? strerror(errno) : "its compression is damaged or truncated");
    if (status == TIDY_OK && !any)
        status = tidy_fail("%s: it has no labels", wanted->path);
    return status;
}

static int read_text(uint16_t *out, const struct wanted *wanted)
{
    bool *seen;
    int status = memory_allocate(&seen, wanted->samples, sizeof *seen, "which samples have labels");
    if (status != TIDY_OK)
        return status;
    for (uint64_t i = 0; i < wanted->samples; i++)
        out[i] = LABEL_LEFT_OUT;
    gzFile file = gzopen(wanted->path, "rb");
    status = file != NULL
                 ? read_lines(out, seen, wanted, file)
                 : tidy_fail("%s: cannot open it: %s", wanted->path, strerror(errno != 0 ? errno : ENOMEM));
    if (file != NULL)
        gzclose(file);
    free(seen);
    return status;
}

/* ---- which ---------------------------------------------------------------------------------------------- */

typedef int reader(uint16_t *out, const struct wanted *wanted);

/* What is no regular file cannot be looked into twice, and is text. */
static int choose_reader(reader **out, const char *path)
{
    struct stat entry;
    uint8_t start[6] = {1};
    *out = read_text;
    if (stat(path, &entry) != 0)
        return tidy_fail("%s: cannot open it: %s", path, strerror(errno));
    if (!S_ISREG(entry.st_mode))
        return TIDY_OK;
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        return tidy_fail("%s: cannot open it: %s", path, strerror(errno != 0 ? errno : ENOMEM));
    int got = gzread(file, start, sizeof start);
    gzclose(file);
    if (got == sizeof start && memcmp(start, "\x93NUMPY", sizeof start) == 0)
        *out = read_npy;
    else if (got >= 2 && start[0] == 0 && start[1] == 0)
        *out = read_idx;
    return TIDY_OK;
}

int label_file_read(uint16_t **out, const char *path, uint64_t samples, uint32_t classes)
{
    const struct wanted wanted = {
        .path = path,
        .samples = samples,
        .most = classes > 0 && classes < LABEL_LEFT_OUT ? (int32_t)classes - 1 : LABEL_LEFT_OUT - 1,
    };
    reader *read;
    *out = NULL;
    int status = choose_reader(&read, path);
    if (status == TIDY_OK)
        status = memory_allocate(out, samples, sizeof **out, "labels");
    if (status == TIDY_OK)
        status = read(*out, &wanted);
    uint64_t left_out = 0;
    while (status == TIDY_OK && left_out < samples && (*out)[left_out] == LABEL_LEFT_OUT)
        left_out++;
    if (status == TIDY_OK && left_out == samples)
        status = tidy_fail("%s: it has no labels: every sample is left out", path);
    if (status != TIDY_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}
