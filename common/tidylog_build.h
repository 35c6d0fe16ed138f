/* A log that is made in one go from what is there already, with any number of runs. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_BUILD_H
#define TIDY_COMMON_TIDYLOG_BUILD_H

#include "common/tidylog_create.h"
#include "common/tidylog_format.h"

struct build {
    struct new_log log;
    MDB_env *env;
    MDB_txn *txn;                   /* the running transaction; or NULL */
    size_t txn_bytes;               /* put in it */
    uint32_t runs;                  /* added so far */
    MDB_dbi tables[TIDYLOG_TABLES]; /* of the last one */
};

/* Begins a log of no runs. Nothing is at `path`, which must live until the end, before build_end. Errors: as
 * tidylog_create's. */
int build_begin(struct build *out, const char *path, bool force);

/* Adds a run's empty tables; what is put then goes there. Errors: more than MOST_RUNS. */
int build_add_run(struct build *build);

/* Puts a record that is sealed already; keys come in their order. Memory: what is put is written out now and
 * then. */
int build_put(struct build *build, enum tidylog_table table, const MDB_val *key, const MDB_val *value);

/* Puts what the run is. */
int build_put_run(struct build *build, const struct tidylog_run *run);

/* With `status` 0 the log appears at its path, synced; else nothing is left of it. Also after build_begin
 * failed. Returns `status`, or what failed. */
int build_end(struct build *build, int status);

#endif
