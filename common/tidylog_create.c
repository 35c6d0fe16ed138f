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
static int check_place(const char *path, const char *checkpoint, bool force, int *old_file)
{
    struct stat status;
    *old_file = -1;
    if (lstat(path, &status) == 0) {
        if (!force)
            return tidy_fail("%s: the file exists; choose another one, or replace it with --force", path);
        if (!S_ISREG(status.st_mode))
            return tidy_fail("%s: not a regular file, so it is not replaced", path);
        *old_file = open(path, O_RDONLY | O_CLOEXEC);
        if (*old_file < 0)
            return store_fail(path, "replace it", errno);
        return store_lock(*old_file, path);
    }
    if (errno != ENOENT)
        return store_fail(path, "create it", errno);
    if (!force && lstat(checkpoint, &status) == 0)
        return tidy_fail(
            "%s: the checkpoint of another run is there; choose another file, or remove it with --force",
            checkpoint);
    return TIDY_OK;
}

/* Creates an empty file of a name that nothing has yet. */
static int create_temporary(const char *path, char **name, int *file)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        if (asprintf(name, "%s.new-%ld-%d", path, (long)getpid(), attempt) < 0) {
            *name = NULL;
            return tidy_fail_memory("a path", strlen(path) + 32);
        }
        *file = open(*name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*file >= 0)
            return TIDY_OK;
        int code = errno;
        free(*name);
        *name = NULL;
        if (code != EEXIST)
            return store_fail(path, "create it", code);
    }
    return store_fail(path, "create it", EEXIST);
}

/* Makes the tables and writes what the run is. */
static int fill(MDB_env *env, const struct tidylog_run *run)
{
    MDB_txn *txn = NULL;
    MDB_dbi tables[TIDYLOG_TABLES];
    int code = mdb_txn_begin(env, NULL, 0, &txn);
    for (int i = 0; i < TIDYLOG_TABLES && code == 0; i++)
        code = mdb_dbi_open(txn, tidylog_table_names[i], MDB_CREATE, &tables[i]);
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
    size_t map_bytes = FIRST_MAP_BYTES + (size_t)run->samples * 4 * 2;
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

/* Moves a file to a name that nothing may have. */
static int move_to_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    /* This file system cannot; a second name for the file, then one less, does the same. */
    if (link(from, to) != 0)
        return errno;
    unlink(from);
    return 0;
}

/* So that the new name too survives a power cut. */
static void sync_folder(const char *path)
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

/* Moves the new file into place; what belonged to an old one goes first, the old one itself in the same moment. */
static int move_into_place(const char *temporary, const char *path, const char *lock, const char *checkpoint,
                           bool force)
{
    if (force && unlink(checkpoint) != 0 && errno != ENOENT)
        return store_fail(checkpoint, "remove it", errno);
    int code = 0;
    if (!force)
        code = move_to_new(temporary, path);
    else if (rename(temporary, path) != 0)
        code = errno;
    if (code == EEXIST)
        return tidy_fail("%s: the file exists; choose another one, or replace it with --force", path);
    if (code != 0)
        return store_fail(path, "create it", code);
    /* LMDB would take an old lock file's word for what the new file's newest transaction is. Not before the name is
     * ours: until then the lock file may be that of another process which made this log in the meantime. */
    if (unlink(lock) != 0 && errno != ENOENT)
        return store_fail(lock, "remove it", errno);
    sync_folder(path);
    return TIDY_OK;
}

int store_create(struct store *store, const char *path, const struct tidylog_run *run, bool force)
{
    char *temporary = NULL;
    int old_file = -1;
    *store = (struct store){.path = beside(path, ""), .file = -1};
    char *lock = beside(path, "-lock"), *checkpoint = beside(path, ".ckpt");
    int status = store->path != NULL && lock != NULL && checkpoint != NULL ? TIDY_OK : TIDY_FAILED;
    if (status == TIDY_OK)
        status = check_place(path, checkpoint, force, &old_file);
    if (status == TIDY_OK)
        status = create_temporary(path, &temporary, &store->file);
    if (status == TIDY_OK)
        status = store_lock(store->file, path);
    if (status == TIDY_OK)
        status = build(temporary, path, run);
    if (status == TIDY_OK)
        status = move_into_place(temporary, path, lock, checkpoint, force);
    if (status == TIDY_OK) {
        free(temporary);
        temporary = NULL;
        status = store_open_environment(store);
        if (status != TIDY_OK)
            unlink(path); /* ours, and there is nothing in it yet */
    }
    if (temporary != NULL)
        unlink(temporary);
    if (status != TIDY_OK)
        store_close(store);
    if (old_file >= 0)
        close(old_file);
    free(temporary);
    free(checkpoint);
    free(lock);
    return status;
}

int tidylog_move(const char *from, const char *to, bool force)
{
    int old_file = -1;
    char *lock = beside(to, "-lock"), *checkpoint = beside(to, ".ckpt"), *old_lock = beside(from, "-lock");
    int status = lock != NULL && checkpoint != NULL && old_lock != NULL ? TIDY_OK : TIDY_FAILED;
    if (status == TIDY_OK)
        status = check_place(to, checkpoint, force, &old_file);
    if (status == TIDY_OK)
        status = move_into_place(from, to, lock, checkpoint, force);
    if (status == TIDY_OK)
        unlink(old_lock);
    if (old_file >= 0)
        close(old_file);
    free(old_lock);
    free(checkpoint);
    free(lock);
    return status;
}
