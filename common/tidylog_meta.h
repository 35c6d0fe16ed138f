/* What the run is, to and from the log's table `meta`. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_META_H
#define TIDY_COMMON_TIDYLOG_META_H

#include <lmdb.h>

#include "common/tidylog.h"

/* Checks what a log relies on: sizes that fit, labels below the classes, samples in each split. `path` is for the
 * message. */
int meta_check(const struct tidylog_run *run, const char *path);

/* Bytes of the arrays that meta_write puts: labels, truth, given and parts, two for each sample. Texts are short
 * beside what a map or a transaction has room for anyway. */
static inline size_t meta_array_bytes(const struct tidylog_run *run)
{
    return (size_t)run->samples * 4 * 2;
}

/* Puts all that `run` says into the table. Returns 0 or LMDB's error (ENOMEM included). */
int meta_write(MDB_txn *txn, MDB_dbi table, const struct tidylog_run *run);

/* Put only the planned epochs, only the labels. */
int meta_write_epochs(MDB_txn *txn, MDB_dbi table, const struct tidylog_run *run);
int meta_write_labels(MDB_txn *txn, MDB_dbi table, const struct tidylog_run *run);

/* Which of a run's members are its own, and which point into the transaction's map: a bit each, in the table's order. */
typedef uint64_t meta_owned;
#define META_ALL_OWNED UINT64_MAX

/* Reads and checks all of it; what the table has beyond is ignored. On success, and only then, what `run` points to is
 * freed with meta_free. `owned` NULL: all of it belongs to the run. Else labels and the other arrays stay in the map
 * where they can be read there, for as long as the transaction lasts, and *owned is for meta_free. */
int meta_read(MDB_txn *txn, MDB_dbi table, struct tidylog_run *run, meta_owned *owned, const char *path);
void meta_free(struct tidylog_run *run, meta_owned owned);

/* A key for a message: its start, with a '?' for each character that is none of a name. */
enum { META_NAME_ROOM = 64 };
void meta_name(char name[META_NAME_ROOM], const MDB_val *key);

/* What is wrong with one value of the table, by itself: NULL or text as record_open's. */
const char *meta_verify(const MDB_val *key, const MDB_val *value);

#endif
