/* Transactions of the log's writer. */
#include "common/tidylog_commit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than LMDB's own pages of a transaction take beside the records. */
enum { OWN_PAGES_BYTES = 1 << 20 };

/* Pages of older snapshots are reused two commits later; a reader without a lock file is protected from that by a
 * read transaction of the writer's own, begun before the pages of the reader's snapshot become free. */
static int update_pin(struct committer *committer)
{
    bool readers = store_has_readers(committer->store);
    /* Readers with LMDB's lock file that were killed would hold their pages for ever. */
    (void)mdb_reader_check(committer->store->env, NULL);
    if (!readers)
        committer_end(committer);
    else if (committer->pin == NULL)
        return mdb_txn_begin(committer->store->env, NULL, MDB_RDONLY, &committer->pin);
    return 0;
}

static int grow_map(const struct store *store)
{
    MDB_envinfo info;
    int code = mdb_env_info(store->env, &info);
    return code != 0 ? code : mdb_env_set_mapsize(store->env, info.me_mapsize * 2);
}

static int try_transaction(const struct store *store, transaction *work, const void *argument)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (code != 0)
        return code;
    code = work(store, txn, argument);
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    return mdb_txn_commit(txn);
}

/* LMDB calls a write that was cut short an input/output error. Where it is the disk that is full, a try to reserve
 * what was to be written says so. */
static int find_cause(const struct store *store, size_t bytes)
{
    struct stat status;
    if (fstat(store->file, &status) != 0)
        return EIO;
    if (fallocate(store->file, 0, status.st_size, (off_t)bytes + OWN_PAGES_BYTES) == 0)
        return ftruncate(store->file, status.st_size) == 0 ? EIO : errno;
    return errno == ENOSPC || errno == EFBIG || errno == EDQUOT ? errno : EIO;
}

int committer_run(struct committer *committer, transaction *work, const void *argument, size_t bytes)
{
    const struct store *store = committer->store;
    int code = update_pin(committer);
    if (code != 0)
        return code;
    do {
        code = try_transaction(store, work, argument);
    } while (code == MDB_MAP_FULL && (code = grow_map(store)) == 0);
    return code == EIO ? find_cause(store, bytes) : code;
}

void committer_end(struct committer *committer)
{
    mdb_txn_abort(committer->pin);
    committer->pin = NULL;
}
