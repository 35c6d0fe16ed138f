/* Reading a list of suspects, strictly: a list that is not what it seems would be evaluated in vain. */
#include "analyze/sample_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"

/* Reads the index at the line's start; any failure is told with the line. */
static int parse_line(const char *line, const char *name, size_t number, uint64_t samples, uint64_t *out)
{
    size_t length = strcspn(line, " \t\r\n");
    size_t digits = strspn(line, "0123456789");
    if (digits == 0 || digits != length)
        return tidy_fail("%s, line %zu: '%.*s' is not a sample index", name, number,
                         (int)(length < 60 ? length : 60), line);
    errno = 0;
    *out = strtoull(line, NULL, 10);
    if (errno != 0 || *out >= samples)
        return tidy_fail("%s, line %zu: there is no sample %.*s: the log's go from 0 to %" PRIu64, name, number,
                         (int)(length < 60 ? length : 60), line, samples - 1);
    return 0;
}

int sample_list_read(struct sample_list *out, FILE *in, const char *name, uint64_t samples)
{
    *out = (struct sample_list){0};
    size_t *first_line = NULL; /* [samples] where each was listed, or 0 */
    char *line = NULL;
    size_t room = 0, number = 0;
    int status = memory_allocate(&out->samples, samples, sizeof *out->samples, "a list of samples");
    if (status == 0)
        status = memory_allocate(&first_line, samples, sizeof *first_line, "a list of samples");

    while (status == 0 && (errno = 0, getline(&line, &room, in)) != -1) {
        uint64_t sample = 0;
        number++;
        if (line[0] == '#' || line[strspn(line, " \t\r\n")] == 0)
            continue;
        status = parse_line(line, name, number, samples, &sample);
        if (status == 0 && first_line[sample] != 0)
            status = tidy_fail("%s, line %zu: sample %" PRIu64 " is listed already in line %zu", name, number,
                               sample, first_line[sample]);
        if (status == 0) {
            first_line[sample] = number;
            out->samples[out->count++] = (uint32_t)sample;
        }
    }
    if (status == 0 && ferror(in))
        status = tidy_fail("%s cannot be read: %s", name, strerror(errno));
    free(line);
    free(first_line);
    return status;
}
