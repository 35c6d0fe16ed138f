/* A new log's file, made whole before it appears. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_CREATE_H
#define TIDY_COMMON_TIDYLOG_CREATE_H

#include "common/tidylog_store.h"

/* Makes the log's file at `path` with its tables and what the run is, and opens it for writing, locked. On
 * success the caller ends with store_close. */
int store_create(struct store *store, const char *path, const struct tidylog_run *run, bool force);

/* A file that becomes a log: under a temporary name in the same folder, locked as the log will be. */
struct new_log {
    const char *path; /* what its name will be; the caller's */
    bool force;       /* replaces a log that is there, and removes its checkpoint */
    char *temporary;  /* its name until it is published, then NULL */
    char *lock, *checkpoint;
    int file;     /* our own descriptor, which holds the lock; -1: none */
    int old_file; /* of the log that is replaced */
};

/* Creates an empty file. Errors: as tidylog_create's. The caller ends with new_log_end, also after a failure. */
int new_log_begin(struct new_log *out, const char *path, bool force);

/* Moves it to its own name in one step. */
int new_log_publish(struct new_log *log);

/* Removes what was not published, closes and frees. */
void new_log_end(struct new_log *log);

/* Syncs the folder of `path`, so that a new name in it too survives a power cut. */
void sync_folder(const char *path);

/* Creates the tables of run `run`. Returns 0 or LMDB's error. */
int tables_create(MDB_txn *txn, uint32_t run, MDB_dbi tables[TIDYLOG_TABLES]);

#endif
