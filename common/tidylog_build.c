/* A log made in one go: transactions of a bounded size into a file that nobody else knows yet. */
#include "common/tidylog_build.h"

#include "common/error.h"
#include "common/tidylog_meta.h"

/* LMDB keeps a transaction's pages in memory. */
#define MOST_TXN_BYTES ((size_t)16 << 20)

/* Beside keys and values: nodes of leaf and branch pages. */
enum { RECORD_OVERHEAD_BYTES = 64 };

/* Pages half full, values of their own pages filled up to whole ones, and LMDB's pages of free pages. */
enum { PAGES_PER_BYTE = 4 };

int build_begin(struct build *out, const char *path, bool force)
{
    *out = (struct build){0};
    int status = new_log_begin(&out->log, path, force);
    if (status != TIDY_OK)
        return status;
    int code = mdb_env_create(&out->env);
    if (code == 0)
        code = mdb_env_set_maxdbs(out->env, TIDYLOG_TABLES * MOST_RUNS);
    if (code == 0)
        code = mdb_env_open(out->env, out->log.temporary, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, 0666);
    return code == 0 ? TIDY_OK : store_fail(path, "create it", code);
}

static int commit(struct build *build)
{
    int code = build->txn == NULL ? 0 : mdb_txn_commit(build->txn);
    build->txn = NULL;
    build->txn_bytes = 0;
    return code;
}

/* Makes the map large enough for a transaction and `bytes`: it cannot grow during one. */
static int make_map(const struct build *build, size_t bytes)
{
    MDB_envinfo info;
    MDB_stat stat;
    int code = mdb_env_info(build->env, &info);
    if (code == 0)
        code = mdb_env_stat(build->env, &stat);
    if (code != 0)
        return code;
    size_t needed = (info.me_last_pgno + 1) * stat.ms_psize + (MOST_TXN_BYTES + bytes) * PAGES_PER_BYTE;
    if (needed <= info.me_mapsize)
        return 0;
    return mdb_env_set_mapsize(build->env, needed > info.me_mapsize * 2 ? needed : info.me_mapsize * 2);
}

/* Sees to a transaction that can take `bytes` more. */
static int make_room(struct build *build, size_t bytes)
{
    int code = 0;
    if (build->txn_bytes + bytes > MOST_TXN_BYTES)
        code = commit(build);
    if (code == 0 && build->txn == NULL) {
        code = make_map(build, bytes);
        if (code == 0)
            code = mdb_txn_begin(build->env, NULL, 0, &build->txn);
    }
    build->txn_bytes += bytes;
    return code;
}

int build_add_run(struct build *build)
{
    if (build->runs == MOST_RUNS)
        return tidy_fail("%s: it would hold more than %d runs, which is the most that a log can hold",
                         build->log.path, MOST_RUNS);
    int code = make_room(build, TIDYLOG_TABLES * RECORD_OVERHEAD_BYTES);
    if (code == 0)
        code = tables_create(build->txn, build->runs, build->tables);
    build->runs++;
    return code == 0 ? TIDY_OK : store_fail(build->log.path, "write it", code);
}

int build_put(struct build *build, enum tidylog_table table, const MDB_val *key, const MDB_val *value)
{
    MDB_val copy_of_key = *key, copy_of_value = *value;
    int code = make_room(build, key->mv_size + value->mv_size + RECORD_OVERHEAD_BYTES);
    if (code == 0)
        code = mdb_put(build->txn, build->tables[table], &copy_of_key, &copy_of_value, MDB_APPEND);
    return code == 0 ? TIDY_OK : store_fail(build->log.path, "write it", code);
}

int build_put_run(struct build *build, const struct tidylog_run *run)
{
    int code = make_room(build, meta_array_bytes(run));
    if (code == 0)
        code = meta_write(build->txn, build->tables[TABLE_META], run);
    return code == 0 ? TIDY_OK : store_fail(build->log.path, "write it", code);
}

int build_end(struct build *build, int status)
{
    int code = 0;
    if (status == TIDY_OK) {
        code = commit(build);
        if (code == 0)
            code = mdb_env_sync(build->env, 1);
    }
    mdb_txn_abort(build->txn);
    if (build->env != NULL)
        mdb_env_close(build->env);
    if (code != 0)
        status = store_fail(build->log.path, "write it", code);
    if (status == TIDY_OK)
        status = new_log_publish(&build->log);
    new_log_end(&build->log);
    *build = (struct build){.log = {.file = -1, .old_file = -1}};
    return status;
}
