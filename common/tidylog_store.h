/* The log's file as an LMDB environment: opening, locking, LMDB's errors as messages. Internal to the log.
 *
 * Writers exclude each other by flock on the data file. Readers use no lock file (they need to write nowhere);
 * they hold a shared lock on the data file's first byte instead, and a writer that sees one lets LMDB reuse no
 * page until it is gone. LMDB's own lock file is kept by the writer for LMDB's own tools. */
#ifndef TIDY_COMMON_TIDYLOG_STORE_H
#define TIDY_COMMON_TIDYLOG_STORE_H

#include <stdbool.h>

#include <lmdb.h>

#include "common/tidylog.h"
#include "common/tidylog_format.h"

struct pages; /* tidylog_pages.h */

struct store {
    char *path;                     /* as the user named it */
    int file;                       /* our own descriptor, which holds our lock; -1: none */
    MDB_env *env;                   /* NULL: none */
    struct pages *pages;            /* of the reader's snapshot; NULL: all were checked, as a writer's */
    uint32_t runs;                  /* that the file holds */
    MDB_dbi tables[TIDYLOG_TABLES]; /* of the run that was opened last, at first run 0 */
};

/* For reading, with *txn the snapshot. Of its tables none is checked yet, see store_check_table. The caller ends
 * with mdb_txn_abort(*txn), then store_close. */
int store_open_reader(struct store *store, MDB_txn **txn, const char *path);

/* Opens the tables of run `run`. Their handles live as long as the transaction, or the store where it is
 * committed. */
int store_open_tables(struct store *store, MDB_txn *txn, uint32_t run);

/* Checks the pages of a run's table, before it is read. */
int store_check_table(const struct store *store, enum tidylog_table table, uint32_t run);

/* For writing, of a file that exists; locked until store_close. */
int store_open_writer(struct store *store, const char *path);

/* The second half of it: store->path and store->file, locked, are set already. On failure the caller still
 * calls store_close. */
int store_open_environment(struct store *store);

/* Takes the writers' lock on `file`. */
int store_lock(int file, const char *path);

/* Is any reader at work? */
bool store_has_readers(const struct store *store);

/* Closes what is open, in a store that is zeroed or partly open too (file must then be -1 or open). */
void store_close(struct store *store);

/* Text for an error of LMDB or the system. */
const char *store_error_text(int code);

/* tidy_fail("path: cannot DOING: why"). */
int store_fail(const char *path, const char *doing, int code);

#endif
