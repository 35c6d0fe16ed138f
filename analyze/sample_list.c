/* Reading a list of suspects, strictly: a list that is not what it seems would be evaluated in vain. */
#include "analyze/sample_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/label_file.h"
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

/* Where a line has what; 0: nowhere, as the first column has samples. */
struct layout {
    size_t label, decision;
};

/* The column of a header line with that name, or 0. */
static size_t find_name(const char *line, const char *wanted)
{
    size_t length;
    const char *name;
    for (size_t column = 1; (name = find_column(line, column, &length)) != NULL; column++)
        if (length == strlen(wanted) && strncmp(name, wanted, length) == 0)
            return column;
    return 0;
}

static struct layout layout_of_header(const char *line)
{
    size_t suggested = find_name(line, "suggested"), label = find_name(line, "label");
    size_t decision = label > 0 ? find_name(line, "decision") : 0;
    if (decision > 0)
        return (struct layout){label, decision};
    if (suggested == 0 && label == 1 && count_columns(line) == 2)
        return (struct layout){label, 0};
    return (struct layout){suggested, 0};
}

/* The label that a decision leaves a sample with. */
static int parse_decision(const char *line, const struct layout *layout, const struct place *place,
                          const struct tidylog_run *run, uint64_t sample, uint16_t *out)
{
    size_t length;
    const char *text = find_column(line, layout->decision, &length);
    bool keeps = text != NULL && length == strlen("keep") && strncmp(text, "keep", length) == 0;
    bool relabels = text != NULL && length == strlen("relabel") && strncmp(text, "relabel", length) == 0;
    if (text != NULL && length == strlen("remove") && strncmp(text, "remove", length) == 0) {
        *out = LABEL_LEFT_OUT;
        return 0;
    }
    if (!keeps && !relabels)
        return tidy_fail("%s, line %zu: '%.*s' is no decision: it is keep, relabel or remove", place->name,
                         place->line, text != NULL ? shown(length) : 0, text != NULL ? text : "");
    int status = parse_label(line, layout->label, place, tidylog_data_classes(run), out);
    uint16_t given = tidylog_given_labels(run)[sample];
    if (status == 0 && keeps && *out != given)
        return tidy_fail("%s, line %zu: sample %" PRIu64 " is to keep the label %" PRIu16 ", but was given %" PRIu16
                         ": the decisions are about other data",
                         place->name, place->line, sample, *out, given);
    return status;
}

/* run NULL: labels are not asked for. */
static int read_list(struct sample_list *out, FILE *in, const char *name, uint64_t samples,
                     const struct tidylog_run *run)
{
    *out = (struct sample_list){0};
    size_t *first_line = NULL; /* [samples] where each was listed, or 0 */
    struct layout layout = {0};
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
            layout = layout_of_header(line);
            out->is_decisions = layout.decision > 0;
        }
        if (line[0] == '#' || line[strspn(line, separators)] == 0)
            continue;
        if (!headed && out->count == 0 && count_columns(line) == 2)
            layout.label = 1;
        status = parse_sample(line, &place, samples, &sample);
        if (status == 0 && first_line[sample] != 0)
            status = tidy_fail("%s, line %zu: sample %" PRIu64 " is listed already in line %zu", name, place.line,
                               sample, first_line[sample]);
        if (status == 0 && run != NULL && layout.label > 0 && out->labels == NULL)
            status = memory_allocate(&out->labels, samples, sizeof *out->labels, "new labels");
        if (status == 0 && out->labels != NULL && out->is_decisions)
            status = parse_decision(line, &layout, &place, run, sample, &out->labels[out->count]);
        else if (status == 0 && out->labels != NULL)
            status = parse_label(line, layout.label, &place, tidylog_data_classes(run), &out->labels[out->count]);
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
    return read_list(out, in, name, samples, NULL);
}

int sample_list_open_labels(struct sample_list *out, const char *path, const struct tidylog_run *run)
{
    if (strcmp(path, "-") == 0)
        return read_list(out, stdin, "standard input", run->samples, run);
    FILE *in = fopen(path, "r");
    *out = (struct sample_list){0};
    if (in == NULL)
        return tidy_fail("%s cannot be opened: %s", path, strerror(errno));
    int status = read_list(out, in, path, run->samples, run);
    fclose(in);
    return status;
}

void sample_list_destroy(struct sample_list *list)
{
    free(list->samples);
    free(list->labels);
}
