/* Compaction: LMDB's copy without free pages, moved over the log in one step. */
#include "common/tidylog_compact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/tidylog_create.h"
#include "common/tidylog_format.h"

/* The least share of the file that is worth it: 1 / this. */
enum { LEAST_SHARE = 16 };

/* Pages of a tree. */
static size_t tree_pages(const MDB_stat *stat)
{
    return stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages;
}

/* How many pages the file has, and how many of them a copy would have: the two meta pages and the tables'. */
static int count_pages(const struct store *store, size_t *all, size_t *needed)
{
    MDB_txn *txn;
    MDB_dbi names;
    MDB_envinfo info;
    MDB_stat stat;
    int code = mdb_env_info(store->env, &info);
    if (code == 0)
        code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (code != 0)
        return code;
    code = mdb_dbi_open(txn, NULL, 0, &names);
    if (code == 0)
        code = mdb_stat(txn, names, &stat);
    *all = info.me_last_pgno + 1;
    *needed = 2 + tree_pages(&stat);
    for (int i = 0; i < TIDYLOG_TABLES && code == 0; i++) {
        code = mdb_stat(txn, store->tables[i], &stat);
        *needed += tree_pages(&stat);
    }
    mdb_txn_abort(txn);
    return code;
}

/* LMDB's list of readers has a line for each, after a heading; without readers it is one line in parentheses. */
static int note_reader(const char *line, void *context)
{
    bool *reads = context;
    *reads = *reads || (line[0] != '(' && strstr(line, "pid") == NULL);
    return 0;
}

static bool somebody_reads(const struct store *store)
{
    bool reads = false;
    return store_has_readers(store) || mdb_reader_list(store->env, note_reader, &reads) < 0 || reads;
}

/* Is the file the only one's, ours, and not at the end of a link that a new file would take the place of? */
static bool may_replace(const struct store *store, struct stat *status)
{
    struct stat named;
    return fstat(store->file, status) == 0 && lstat(store->path, &named) == 0 && S_ISREG(named.st_mode) &&
           named.st_dev == status->st_dev && named.st_ino == status->st_ino && status->st_nlink == 1 &&
           status->st_uid == geteuid();
}

/* Writes the copy, which is locked as the log is before it has its name. Returns 0, or an error of LMDB or the
 * system. */
static int copy_to(const struct store *store, const char *name, int file, const struct stat *status)
{
    int code = mdb_env_copyfd2(store->env, file, MDB_CP_COMPACT);
    if (code == 0 &&
        (fchmod(file, status->st_mode & 07777) != 0 || fsync(file) != 0 || rename(name, store->path) != 0))
        code = errno;
    return code;
}

int store_compact(const struct store *store)
{
    size_t all, needed;
    struct stat status;
    char *name = NULL, *lock = NULL;
    int code = count_pages(store, &all, &needed);
    if (code != 0)
        return store_fail(store->path, "read it", code);
    if (all - needed < all / LEAST_SHARE || needed >= all || somebody_reads(store) || !may_replace(store, &status))
        return TIDY_OK;
    if (asprintf(&name, "%s.compact", store->path) < 0 || asprintf(&lock, "%s-lock", store->path) < 0) {
        free(name);
        return tidy_fail_memory("a path", strlen(store->path) + 16);
    }
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file >= 0 && store_lock(file, name) == TIDY_OK)
        code = copy_to(store, name, file, &status);
    else
        code = EACCES;
    if (code == 0) {
        /* LMDB would take the old lock file's word for what the new file's newest transaction is. */
        (void)unlink(lock);
        sync_folder(store->path);
    } else if (file >= 0) {
        (void)unlink(name);
    }
    if (file >= 0)
        close(file);
    free(lock);
    free(name);
    /* The log is as good without it, where it is the copy that could not be. */
    return code == 0 || code == ENOSPC || code == EDQUOT || code == EFBIG || code == EACCES
               ? TIDY_OK
               : tidy_fail("%s: cannot compact it: %s; it is whole as it is", store->path, store_error_text(code));
}
