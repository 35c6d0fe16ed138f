/* Checks the structure of an LMDB file before LMDB, which trusts it, is let at it. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_PAGES_H
#define TIDY_COMMON_TIDYLOG_PAGES_H

#include <stddef.h>

/* Checks that the file starts as LMDB's do: both meta pages, and as many bytes as they say. *map_bytes: what a
 * map of the file needs. */
int pages_check_head(int file, const char *path, size_t *map_bytes);

/* Checks the pages that the snapshot `txn_id` of the file consists of. */
int pages_check(int file, size_t txn_id, const char *path);

#endif
