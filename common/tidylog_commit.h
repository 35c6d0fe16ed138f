/* Transactions of the log's writer: the map grows, readers keep their pages, causes are found. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_COMMIT_H
#define TIDY_COMMON_TIDYLOG_COMMIT_H

#include "common/tidylog_store.h"

/* One at a time may be in a transaction: the writer's thread, or its caller while the queue is empty. */
struct committer {
    struct store *store;
    MDB_txn *pin; /* keeps LMDB from reusing pages while there are readers; or NULL */
};

/* What is done in a transaction: 0 or an error of LMDB. It may be done again, after the map has grown. */
typedef int transaction(const struct store *store, MDB_txn *txn, const void *argument);

/* Runs `work`, which writes about `bytes` bytes, and commits, synced. Returns 0, or an error of LMDB or the system, and
 * then nothing was changed. */
int committer_run(struct committer *committer, transaction *work, const void *argument, size_t bytes);

/* Before the store is closed. */
void committer_end(struct committer *committer);

#endif
