/* A list of samples from a text stream, as other commands print it. */
#ifndef TIDY_ANALYZE_SAMPLE_LIST_H
#define TIDY_ANALYZE_SAMPLE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/tidylog.h"

struct sample_list {
    uint32_t *samples; /* [count] in the order read */
    uint16_t *labels;  /* [count] new labels; NULL where the list has none, or they were not asked for */
    size_t count;
    bool is_decisions; /* a reviewer's: labels may be those given, or LABEL_LEFT_OUT (common/label_file.h) */
};

/* Reads the first column of each line: up to a tab, space or the line's end. Lines that are empty or start with
 * '#' are skipped. `name` names the stream in messages. Freed with sample_list_destroy, also after a failure.
 * Errors, each with its line: not a sample index, not below `samples`, listed before. */
int sample_list_read(struct sample_list *out, FILE *in, const char *name, uint64_t samples);

/* The same for a list about a run's samples, from a file that is opened first ("-" is standard input), and a new label
 * for each: from the column `suggested` where the list begins with a header line ('#sample', as `flag` prints it) that
 * has one; else from the second of exactly two columns, if there is no header or it says `label`. A list without
 * either has no labels. A header line with the columns `decision` and `label` makes it a list of decisions, as a
 * report saves them: `keep` with the label that was given, `relabel` with the right one, `remove` with any or none.
 * Errors: also that it cannot be opened, a label that is missing or not below the data set's classes, an unknown
 * decision, one to keep another label than the given one. */
int sample_list_open_labels(struct sample_list *out, const char *path, const struct tidylog_run *run);

void sample_list_destroy(struct sample_list *list);

#endif
