/* The log's file as an LMDB environment. */
#include "common/tidylog_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/tidylog_format.h"
#include "common/tidylog_pages.h"

/* The byte of the data file on which readers hold a shared lock. LMDB locks nothing in this file. */
static struct flock readers_byte(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
}

const char *store_error_text(int code)
{
    switch (code) {
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
        return "not an LMDB file of this kind of machine";
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INCOMPATIBLE:
        return "the file's structure is damaged";
    default:
        return code > 0 ? strerror(code) : mdb_strerror(code);
    }
}

int store_fail(const char *path, const char *doing, int code)
{
    return tidy_fail("%s: cannot %s: %s", path, doing, store_error_text(code));
}

int store_lock(int file, const char *path)
{
    if (flock(file, LOCK_EX | LOCK_NB) == 0)
        return TIDY_OK;
    if (errno == EWOULDBLOCK)
        return tidy_fail("%s: another process is recording into it; wait for its end, or choose another file",
                         path);
    return store_fail(path, "lock it", errno);
}

bool store_has_readers(const struct store *store)
{
    struct flock lock = readers_byte(F_WRLCK);
    return fcntl(store->file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static int start(struct store *store, const char *path)
{
    *store = (struct store){.path = strdup(path), .file = -1};
    return store->path != NULL ? TIDY_OK : tidy_fail_memory("a path", strlen(path) + 1);
}

/* Opens our own descriptor; refuses what is no regular file, which might block or have no end. */
static int open_file(struct store *store, int flags)
{
    struct stat status;
    store->file = open(store->path, flags | O_CLOEXEC | O_NONBLOCK);
    if (store->file < 0)
        return store_fail(store->path, "open it", errno);
    if (fstat(store->file, &status) != 0)
        return store_fail(store->path, "open it", errno);
    if (!S_ISREG(status.st_mode))
        return tidy_fail("%s: not a TIDY log (not a regular file)", store->path);
    return TIDY_OK;
}

/* Is LMDB's descriptor of the file that ours is of? The path may have been given to another in between. */
static int check_same_file(const struct store *store)
{
    struct stat ours, theirs;
    int file;
    int code = mdb_env_get_fd(store->env, &file);
    if (code == 0 && (fstat(store->file, &ours) != 0 || fstat(file, &theirs) != 0))
        code = errno;
    if (code != 0)
        return store_fail(store->path, "open it", code);
    if (ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino)
        return tidy_fail("%s: the file was replaced while it was opened; try again", store->path);
    return TIDY_OK;
}

static int open_environment(struct store *store, unsigned flags, size_t map_bytes)
{
    int code = mdb_env_create(&store->env);
    if (code == 0)
        code = mdb_env_set_maxdbs(store->env, TIDYLOG_TABLES * MOST_RUNS);
    if (code == 0 && map_bytes > 0)
        code = mdb_env_set_mapsize(store->env, map_bytes);
    if (code == 0)
        code = mdb_env_open(store->env, store->path, MDB_NOSUBDIR | MDB_NOTLS | flags, 0666);
    return code == 0 ? check_same_file(store) : store_fail(store->path, "open it", code);
}

int store_open_tables(struct store *store, MDB_txn *txn, uint32_t run)
{
    for (int i = 0; i < TIDYLOG_TABLES; i++) {
        char name[TABLE_NAME_ROOM];
        table_name(name, (enum tidylog_table)i, run);
        int code = mdb_dbi_open(txn, name, 0, &store->tables[i]);
        if (code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE)
            return tidy_fail("%s: not a TIDY log (it has no table '%s')", store->path, name);
        if (code != 0)
            return store_fail(store->path, "open its tables", code);
    }
    return TIDY_OK;
}

/* Counts the runs by their tables `meta`, of which each has one, and opens those of the first. */
static int open_first_run(struct store *store, MDB_txn *txn)
{
    static const size_t length = sizeof "meta" - 1;
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    MDB_dbi names;
    int code = mdb_dbi_open(txn, NULL, 0, &names);
    if (code == 0)
        code = mdb_cursor_open(txn, names, &cursor);
    store->runs = 0;
    while (code == 0 && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        const char *name = key.mv_data;
        if (key.mv_size >= length && memcmp(name, "meta", length) == 0)
            store->runs += key.mv_size == length || name[length] == ':';
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (code != MDB_NOTFOUND)
        return store_fail(store->path, "count its runs", code);
    if (store->runs > MOST_RUNS)
        return tidy_fail("%s: it holds %u runs; this version of TIDY reads at most %d", store->path,
                         (unsigned)store->runs, MOST_RUNS);
    return store_open_tables(store, txn, 0);
}

/* A read transaction, with the map as large as the file has become since. */
static int begin_snapshot(struct store *store, MDB_txn **txn)
{
    int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, txn);
    while (code == MDB_MAP_RESIZED) {
        code = mdb_env_set_mapsize(store->env, 0);
        if (code == 0)
            code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, txn);
    }
    return code == 0 ? TIDY_OK : store_fail(store->path, "read it", code);
}

/* A snapshot, of which at least the tree that names the tables is known to be good. Where the file changes so
 * fast that the newest snapshot is another one before this is known, that one is taken. */
static int begin_checked_snapshot(struct store *store, MDB_txn **txn)
{
    for (int attempt = 0;; attempt++) {
        size_t map_bytes, newest;
        int status = begin_snapshot(store, txn);
        if (status != TIDY_OK)
            return status;
        size_t taken = mdb_txn_id(*txn);
        status = pages_open(&store->pages, store->file, taken, false, store->path);
        if (status == TIDY_OK || attempt == 100 ||
            pages_check_head(store->file, store->path, &map_bytes, &newest) != TIDY_OK || newest == taken)
            return status;
        mdb_txn_abort(*txn);
        *txn = NULL;
    }
}

int store_check_table(const struct store *store, enum tidylog_table table, uint32_t run)
{
    char name[TABLE_NAME_ROOM];
    table_name(name, table, run);
    return store->pages == NULL ? TIDY_OK : pages_check_table(store->pages, name);
}

/* Has the path another file than the one that is open? */
static bool was_replaced(const struct store *store)
{
    struct stat ours, named;
    return store->file >= 0 && fstat(store->file, &ours) == 0 && stat(store->path, &named) == 0 &&
           (ours.st_dev != named.st_dev || ours.st_ino != named.st_ino);
}

/* *replaced: it failed, and another try may not. */
static int try_open_reader(struct store *store, MDB_txn **txn, const char *path, bool *replaced)
{
    struct flock lock = readers_byte(F_RDLCK);
    size_t map_bytes = 0, newest;
    *txn = NULL;
    int status = start(store, path);
    if (status == TIDY_OK)
        status = open_file(store, O_RDONLY);
    if (status == TIDY_OK)
        status = pages_check_head(store->file, path, &map_bytes, &newest);
    if (status == TIDY_OK) {
        /* Before the snapshot, so that the writer sees it in time. A file system without such locks has no
         * writer that would look for them. */
        (void)fcntl(store->file, F_OFD_SETLK, &lock);
        status = open_environment(store, MDB_RDONLY | MDB_NOLOCK, map_bytes);
    }
    if (status == TIDY_OK)
        status = begin_checked_snapshot(store, txn);
    if (status == TIDY_OK)
        status = open_first_run(store, *txn);
    *replaced = status != TIDY_OK && was_replaced(store);
    if (status != TIDY_OK) {
        mdb_txn_abort(*txn);
        *txn = NULL;
        store_close(store);
    }
    return status;
}

int store_open_reader(struct store *store, MDB_txn **txn, const char *path)
{
    bool replaced = true;
    int status = TIDY_FAILED;
    /* A writer that ends may have put a compacted copy in the log's place. */
    for (int attempt = 0; attempt < 10 && replaced; attempt++)
        status = try_open_reader(store, txn, path, &replaced);
    return status;
}

int store_open_environment(struct store *store)
{
    MDB_txn *txn = NULL;
    int status = open_environment(store, 0, 0);
    if (status != TIDY_OK)
        return status;
    status = begin_snapshot(store, &txn);
    if (status == TIDY_OK)
        status = open_first_run(store, txn);
    if (status != TIDY_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    /* Committed, so that the tables' handles last. */
    int code = mdb_txn_commit(txn);
    return code == 0 ? TIDY_OK : store_fail(store->path, "open its tables", code);
}

int store_open_writer(struct store *store, const char *path)
{
    size_t map_bytes, newest;
    struct pages *pages = NULL;
    int status = start(store, path);
    if (status == TIDY_OK)
        status = open_file(store, O_RDWR);
    if (status == TIDY_OK)
        status = store_lock(store->file, path);
    if (status == TIDY_OK)
        status = pages_check_head(store->file, path, &map_bytes, &newest);
    if (status == TIDY_OK)
        status = pages_open(&pages, store->file, newest, true, path);
    pages_close(pages);
    if (status == TIDY_OK)
        status = store_open_environment(store);
    if (status != TIDY_OK)
        store_close(store);
    return status;
}

void store_close(struct store *store)
{
    if (store->env != NULL)
        mdb_env_close(store->env);
    pages_close(store->pages);
    if (store->file >= 0)
        close(store->file);
    free(store->path);
    *store = (struct store){.file = -1};
}
