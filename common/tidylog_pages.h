/* Checks the structure of an LMDB file before LMDB, which trusts it, is let at it. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_PAGES_H
#define TIDY_COMMON_TIDYLOG_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Checks that the file starts as LMDB's do: with two meta pages. *map_bytes: what a map of the file needs;
 * *txn_id: the newest snapshot. */
int pages_check_head(int file, const char *path, size_t *map_bytes, size_t *txn_id);

/* The pages of a snapshot, and what of them was checked. */
struct pages;

/* Checks the tree that names the tables of the snapshot `txn_id`, and of a file that is shorter than it says all
 * tables. For writing all of the file: every page that the snapshot consists of, and what the file says of free
 * pages, since LMDB would write into them. `path` is for messages; it and `file` must live as long. TIDY_FAILED
 * also where the file holds that snapshot no longer. `file` stays open until the end. Ended with pages_close. */
int pages_open(struct pages **out, int file, size_t txn_id, bool for_writing, const char *path);
void pages_close(struct pages *pages); /* NULL is allowed */

/* Checks every page of a table, once: that it is there, is of the kind due, keeps what it points to inside itself,
 * has its keys in order, and is used once. Values are not looked at. Before LMDB is let at the table. */
int pages_check_table(struct pages *pages, const char *name);

/* The same of all tables. */
int pages_check_tables(struct pages *pages);

/* What follows looks at some pages of a table that need not be checked, and checks these. */

/* The last key: *key_bytes is its length, of which up to `room` bytes are put into `key`; 0: the table is empty. */
int pages_last_key(struct pages *pages, const char *name, uint8_t *key, size_t room, size_t *key_bytes);

/* Fills in all but the name: by the table's own figures and the records of all leaves. Where there are more than
 * 128 leaves, bytes and counts are extrapolated from 128 of them, and counts of values on pages of their own
 * from at most 4096 values; without `counting` these, each of which is a page to read, count nothing. */
struct tidylog_table_size;
int pages_measure_table(struct pages *pages, const char *name, bool counting, struct tidylog_table_size *size);

#endif
