/* A new log's file: built under a temporary name in the same folder, then moved to its own in one step. */
#include "common/tidylog_create.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/move_file.h"
#include "common/tidylog_format.h"
#include "common/tidylog_meta.h"

/* The map of a new log; it grows by itself. */
#define FIRST_MAP_BYTES (UINT64_C(64) << 20)

/* path + suffix; NULL after tidy_fail_memory. */
static char *beside(const char *path, const char *suffix)
{
    char *name;
    if (asprintf(&name, "%s%s", path, suffix) >= 0)
        return name;
    tidy_fail_memory("a path", strlen(path) + strlen(suffix));
    return NULL;
}

/* What may stand in the new file's place. */
static int check_place(struct new_log *log)
{
    const char *path = log->path;
    struct stat status;
    if (lstat(path, &status) == 0) {
        if (!log->force)
            return tidy_fail("%s: the file exists; choose another one, or replace it with --force", path);
        if (!S_ISREG(status.st_mode))
            return tidy_fail("%s: not a regular file, so it is not replaced", path);
        log->old_file = open(path, O_RDONLY | O_CLOEXEC);
        if (log->old_file < 0)
            return store_fail(path, "replace it", errno);
        return store_lock(log->old_file, path);
    }
    if (errno != ENOENT)
        return store_fail(path, "create it", errno);
    if (!log->force && lstat(log->checkpoint, &status) == 0)
        return tidy_fail(
            "%s: the checkpoint of another run is there; choose another file, or remove it with --force",
            log->checkpoint);
    return TIDY_OK;
}

/* Creates an empty file of a name that nothing has yet. */
static int create_temporary(struct new_log *log)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        char *name;
        if (asprintf(&name, "%s.new-%ld-%d", log->path, (long)getpid(), attempt) < 0)
            return tidy_fail_memory("a path", strlen(log->path) + 32);
        log->file = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        int code = errno;
        if (log->file >= 0) {
            log->temporary = name;
            return TIDY_OK;
        }
        free(name);
        if (code != EEXIST)
            return store_fail(log->path, "create it", code);
    }
    return store_fail(log->path, "create it", EEXIST);
}

int new_log_begin(struct new_log *out, const char *path, bool force)
{
    *out = (struct new_log){.path = path, .force = force, .file = -1, .old_file = -1};
    out->lock = beside(path, "-lock");
    out->checkpoint = beside(path, ".ckpt");
    int status = out->lock != NULL && out->checkpoint != NULL ? TIDY_OK : TIDY_FAILED;
    if (status == TIDY_OK)
        status = check_place(out);
    if (status == TIDY_OK)
        status = create_temporary(out);
    return status == TIDY_OK ? store_lock(out->file, path) : status;
}

int tables_create(MDB_txn *txn, uint32_t run, MDB_dbi tables[TIDYLOG_TABLES])
{
    int code = 0;
    for (int i = 0; i < TIDYLOG_TABLES && code == 0; i++) {
        char name[TABLE_NAME_ROOM];
        table_name(name, (enum tidylog_table)i, run);
        code = mdb_dbi_open(txn, name, MDB_CREATE, &tables[i]);
    }
    return code;
}

/* Makes the tables and writes what the run is. */
static int fill(MDB_env *env, const struct tidylog_run *run)
{
    MDB_txn *txn = NULL;
    MDB_dbi tables[TIDYLOG_TABLES];
    int code = mdb_txn_begin(env, NULL, 0, &txn);
    if (code == 0)
        code = tables_create(txn, 0, tables);
    if (code == 0)
        code = meta_write(txn, tables[TABLE_META], run);
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    return mdb_txn_commit(txn);
}

/* Builds the log in the temporary file. Nobody else knows it, so LMDB needs no lock file. */
static int build(const char *temporary, const char *path, const struct tidylog_run *run)
{
    /* What the run's description needs, with room for LMDB's own pages. */
    size_t map_bytes = FIRST_MAP_BYTES + meta_array_bytes(run);
    MDB_env *env = NULL;
    int code = mdb_env_create(&env);
    if (code == 0)
        code = mdb_env_set_maxdbs(env, TIDYLOG_TABLES);
    if (code == 0)
        code = mdb_env_set_mapsize(env, map_bytes);
    if (code == 0)
        code = mdb_env_open(env, temporary, MDB_NOSUBDIR | MDB_NOLOCK, 0666);
    if (code == 0)
        code = fill(env, run);
    if (env != NULL)
        mdb_env_close(env);
    return code == 0 ? TIDY_OK : store_fail(path, "write it", code);
}

void sync_folder(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return;
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        fsync(folder);
        close(folder);
    }
    free(copy);
}

/* What belonged to an old log goes first, the old one itself in the same moment. */
int new_log_publish(struct new_log *log)
{
    const char *path = log->path;
    if (log->force && unlink(log->checkpoint) != 0 && errno != ENOENT)
        return store_fail(log->checkpoint, "remove it", errno);
    int code = 0;
    if (!log->force)
        code = move_file_to_new(log->temporary, path);
    else if (rename(log->temporary, path) != 0)
        code = errno;
    if (code == EEXIST)
        return tidy_fail("%s: the file exists; choose another one, or replace it with --force", path);
    if (code != 0)
        return store_fail(path, "create it", code);
    free(log->temporary);
    log->temporary = NULL;
    /* LMDB would take an old lock file's word for what the new file's newest transaction is. Not before the name is
     * ours: until then the lock file may be that of another process which made this log in the meantime. */
    if (unlink(log->lock) != 0 && errno != ENOENT)
        return store_fail(log->lock, "remove it", errno);
    sync_folder(path);
    return TIDY_OK;
}

void new_log_end(struct new_log *log)
{
    if (log->temporary != NULL)
        unlink(log->temporary);
    if (log->file >= 0)
        close(log->file);
    if (log->old_file >= 0)
        close(log->old_file);
    free(log->temporary);
    free(log->checkpoint);
    free(log->lock);
    *log = (struct new_log){.file = -1, .old_file = -1};
}

int store_create(struct store *store, const char *path, const struct tidylog_run *run, bool force)
{
    struct new_log log;
    *store = (struct store){.path = beside(path, ""), .file = -1};
    int status = new_log_begin(&log, path, force);
    if (status == TIDY_OK && store->path == NULL)
        status = TIDY_FAILED;
    if (status == TIDY_OK)
        status = build(log.temporary, path, run);
    if (status == TIDY_OK)
        status = new_log_publish(&log);
    if (status == TIDY_OK) {
        store->file = log.file;
        log.file = -1;
        status = store_open_environment(store);
        if (status != TIDY_OK)
            unlink(path); /* ours, and there is nothing in it yet */
    }
    if (status != TIDY_OK)
        store_close(store);
    new_log_end(&log);
    return status;
}

int tidylog_move(const char *from, const char *to, bool force)
{
    struct new_log log = {.path = to,
                          .force = force,
                          .temporary = beside(from, ""),
                          .lock = beside(to, "-lock"),
                          .checkpoint = beside(to, ".ckpt"),
                          .file = -1,
                          .old_file = -1};
    char *old_lock = beside(from, "-lock");
    bool named = log.temporary != NULL && log.lock != NULL && log.checkpoint != NULL && old_lock != NULL;
    int status = named ? check_place(&log) : TIDY_FAILED;
    if (status == TIDY_OK)
        status = new_log_publish(&log);
    if (status == TIDY_OK)
        unlink(old_lock);
    /* What could not be moved stays where it is. */
    free(log.temporary);
    log.temporary = NULL;
    new_log_end(&log);
    free(old_lock);
    return status;
}
