/* Reading a list of suspects, strictly: a list that is not what it seems would be evaluated in vain. */
#include "analyze/sample_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"

static const char separators[] = " \t\r\n";

/* Where a line stands, for messages. */
struct place {
    const char *name;
    size_t line;
};

/* Finds column `column` of a line; NULL where it has fewer. */
static const char *find_column(const char *line, size_t column, size_t *length)
{
    for (;; column--) {
        *length = strcspn(line, separators);
        if (*length == 0 || column == 0)
            return *length == 0 ? NULL : line;
        line += *length;
        line += strspn(line, separators);
    }
}

static size_t count_columns(const char *line)
{
    size_t count = 0, length;
    while (find_column(line, count, &length) != NULL)
        count++;
    return count;
}

/* Reads `text` as a whole number below `bound`. Returns false where it is none; *out is UINT64_MAX if it is too
 * large. */
static bool parse_number(const char *text, size_t length, uint64_t bound, uint64_t *out)
{
    if (length == 0 || strspn(text, "0123456789") < length)
        return false;
    errno = 0;
    *out = strtoull(text, NULL, 10);
    if (errno != 0 || *out >= bound)
        *out = UINT64_MAX;
    return true;
}

static int shown(size_t length)
{
    return (int)(length < 60 ? length : 60);
}

/* Reads the index at the line's start; any failure is told with the line. */
static int parse_sample(const char *line, const struct place *place, uint64_t samples, uint64_t *out)
{
    size_t length = strcspn(line, separators);
    if (!parse_number(line, length, samples, out))
        return tidy_fail("%s, line %zu: '%.*s' is not a sample index%s", place->name, place->line, shown(length),
                         line, memchr(line, ',', length) != NULL ? "; tabs or spaces separate columns" : "");
    if (*out == UINT64_MAX)
        return tidy_fail("%s, line %zu: there is no sample %.*s: the log's go from 0 to %" PRIu64, place->name,
                         place->line, shown(length), line, samples - 1);
    return 0;
}

static int parse_label(const char *line, size_t column, const struct place *place, uint32_t classes, uint16_t *out)
{
    size_t length;
    uint64_t label = 0;
    const char *text = find_column(line, column, &length);
    if (text == NULL)
        return tidy_fail("%s, line %zu: the new label is missing: it is due in column %zu", place->name,
                         place->line, column + 1);
    if (!parse_number(text, length, classes, &label) || label == UINT64_MAX)
        return tidy_fail("%s, line %zu: '%.*s' is no label: the log's go from 0 to %" PRIu32, place->name,
                         place->line, shown(length), text, classes - 1);
    *out = (uint16_t)label;
    return 0;
}

/* The column of a header line that has the new labels; 0: none has. */
static size_t label_column_of_header(const char *line)
{
    size_t length;
    const char *name;
    for (size_t column = 1; (name = find_column(line, column, &length)) != NULL; column++)
        if (length == strlen("suggested") && strncmp(name, "suggested", length) == 0)
            return column;
    name = find_column(line, 1, &length);
    bool says_label = name != NULL && length == strlen("label") && strncmp(name, "label", length) == 0;
    return says_label && count_columns(line) == 2 ? 1 : 0;
}

/* classes 0: labels are not asked for. */
static int read_list(struct sample_list *out, FILE *in, const char *name, uint64_t samples, uint32_t classes)
{
    *out = (struct sample_list){0};
    size_t *first_line = NULL; /* [samples] where each was listed, or 0 */
    size_t label_column = 0;
    bool headed = false;
    char *line = NULL;
    size_t room = 0;
    struct place place = {.name = name};
    int status = memory_allocate(&out->samples, samples, sizeof *out->samples, "a list of samples");
    if (status == 0)
        status = memory_allocate(&first_line, samples, sizeof *first_line, "a list of samples");

    while (status == 0 && (errno = 0, getline(&line, &room, in)) != -1) {
        uint64_t sample = 0;
        place.line++;
        if (line[0] == '#' && !headed && out->count == 0) {
            headed = true;
            label_column = label_column_of_header(line);
        }
        if (line[0] == '#' || line[strspn(line, separators)] == 0)
            continue;
        if (!headed && out->count == 0 && count_columns(line) == 2)
            label_column = 1;
        status = parse_sample(line, &place, samples, &sample);
        if (status == 0 && first_line[sample] != 0)
            status = tidy_fail("%s, line %zu: sample %" PRIu64 " is listed already in line %zu", name, place.line,
                               sample, first_line[sample]);
        if (status == 0 && classes > 0 && label_column > 0 && out->labels == NULL)
            status = memory_allocate(&out->labels, samples, sizeof *out->labels, "new labels");
        if (status == 0 && out->labels != NULL)
            status = parse_label(line, label_column, &place, classes, &out->labels[out->count]);
        if (status == 0) {
            first_line[sample] = place.line;
            out->samples[out->count++] = (uint32_t)sample;
        }
    }
    if (status == 0 && ferror(in))
        status = tidy_fail("%s cannot be read: %s", name, strerror(errno));
    free(line);
    free(first_line);
    return status;
}

int sample_list_read(struct sample_list *out, FILE *in, const char *name, uint64_t samples)
{
    return read_list(out, in, name, samples, 0);
}

int sample_list_read_labels(struct sample_list *out, FILE *in, const char *name, uint64_t samples, uint32_t classes)
{
    return read_list(out, in, name, samples, classes);
}

int sample_list_open_labels(struct sample_list *out, const char *path, uint64_t samples, uint32_t classes)
{
    if (strcmp(path, "-") == 0)
        return sample_list_read_labels(out, stdin, "standard input", samples, classes);
    FILE *in = fopen(path, "r");
    *out = (struct sample_list){0};
    if (in == NULL)
        return tidy_fail("%s cannot be opened: %s", path, strerror(errno));
    int status = sample_list_read_labels(out, in, path, samples, classes);
    fclose(in);
    return status;
}

void sample_list_destroy(struct sample_list *list)
{
    free(list->samples);
    free(list->labels);
}
