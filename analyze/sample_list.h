/* A list of samples from a text stream, as other commands print it. */
#ifndef TIDY_ANALYZE_SAMPLE_LIST_H
#define TIDY_ANALYZE_SAMPLE_LIST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct sample_list {
    uint32_t *samples; /* [count] in the order read */
    size_t count;
};

/* Reads the first column of each line: up to a tab, space or the line's end. Lines that are empty or start with
 * '#' are skipped. `name` names the stream in messages. Freed with free(out->samples), also after a failure.
 * Errors, each with its line: not a sample index, not below `samples`, listed before. */
int sample_list_read(struct sample_list *out, FILE *in, const char *name, uint64_t samples);

#endif
