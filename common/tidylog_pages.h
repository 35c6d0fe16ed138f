/* Checks the structure of an LMDB file before LMDB, which trusts it, is let at it. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_PAGES_H
#define TIDY_COMMON_TIDYLOG_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Checks that the file starts as LMDB's do: with two meta pages. *map_bytes: what a map of the file needs;
 * *txn_id: the newest snapshot. */
int pages_check_head(int file, const char *path, size_t *map_bytes, size_t *txn_id);

/* Checks every page that the snapshot `txn_id` consists of: that it is there, is of the kind due, keeps what it points to
 * inside itself, and is used once. For writing also what the file says of free pages, since LMDB would write into
 * them. Values are not looked at. TIDY_FAILED also where the file holds that snapshot no longer. */
int pages_check(int file, size_t txn_id, bool for_writing, const char *path);

#endif
