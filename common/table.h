/* Tables on stdout: tab-separated with one header line that starts with '#', or JSON lines with the same keys.
 *
 * A missing value (NaN, or NULL text) is `nan` in TSV and `null` in JSON. Real numbers are printed with the
 * fewest digits that read back to the same float32 ("%.9g" at most), so that output is exact and short. */
#ifndef TIDY_COMMON_TABLE_H
#define TIDY_COMMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table; /* one table that is being printed */

/* Starts a table on stdout and prints its header (TSV). `columns` must live until table_end.
 * Returns NULL after tidy_fail_memory. */
struct table *table_begin(const char *const *columns, size_t column_count, bool json);

/* Adds the next cell of the current row; the row ends by itself after the last column. Text is escaped where
 * the format needs it (tab, newline and backslash in TSV as \t \n \\). */
void table_add_text(struct table *table, const char *text);
void table_add_count(struct table *table, uint64_t count);
void table_add_real(struct table *table, double value);

/* Adds `count` rows, in their order: add_row(table, context, row) adds the cells of one, or none. It is called in
 * several threads at once, each with a table of its own in place of this one. Error: no memory. */
int table_add_rows(struct table *table, size_t count,
                   void (*add_row)(struct table *table, const void *context, size_t row), const void *context);

/* Flushes and frees. Returns 0, TIDY_PIPE_CLOSED, or TIDY_FAILED where a write failed; a row left
 * incomplete is a programming error (assert). */
int table_end(struct table *table);

/* Has a write failed already? Then a long loop may stop early; table_end tells why. */
bool table_failed(const struct table *table);

#endif
