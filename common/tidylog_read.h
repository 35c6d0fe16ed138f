/* A reader's insides, for replay and verification. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_READ_H
#define TIDY_COMMON_TIDYLOG_READ_H

#include <pthread.h>

#include "common/packing.h"
#include "common/tidylog_columns.h"
#include "common/tidylog_meta.h"
#include "common/tidylog_store.h"

struct tidylog_reader {
    struct store store;
    MDB_txn *txn; /* the snapshot */
    /* Of the selected run, whose tables are the store's. */
    uint32_t number;
    struct tidylog_run run;       /* zeroed where damage keeps one from reading it */
    meta_owned owned;             /* of `run` */
    struct tidylog_epoch *epochs; /* [epoch_count] */
    uint64_t *steps_through;      /* [epoch_count] steps of the run up to and with each epoch */
    uint64_t epoch_count;

    pthread_mutex_t mutex; /* of the snapshot, where several threads use it, and of what follows */
    /* Where packed epochs are; made when they are first asked for. */
    bool *packed; /* [epoch_count]; NULL: not made yet */
    struct columns_layout layout;
    struct packing_tables *tables; /* NULL: not made yet, or not TIDYLOG_MARGIN */
};

/* Reads run `number` into `reader`, which has none. On failure nothing is left of it but what could be read of
 * `run`. */
int reader_load_run(struct tidylog_reader *reader, uint32_t number);

/* The same snapshot's run `number`, whatever is selected in `reader`, which must outlive it. Ended with
 * reader_unload_run, also after a failure. */
int reader_view(struct tidylog_reader *out, const struct tidylog_reader *reader, uint32_t number);

void reader_unload_run(struct tidylog_reader *reader);

/* Checks the pages of one of the run's tables, before it is read; meta and epochs are checked already. */
int reader_check_table(const struct tidylog_reader *reader, enum tidylog_table table);

/* Finds out which epochs are packed, before anything is asked of `packed`, `layout` or reader_columns. */
int reader_find_packed(struct tidylog_reader *reader);

/* Makes what blocks' codes are read with. */
int reader_fill_tables(struct tidylog_reader *reader);

struct columns_source reader_columns(const struct tidylog_reader *reader);

/* Decodes the epoch record `epoch`, whose epochs before end at step `steps_before`. Returns NULL or what is
 * wrong. */
const char *epoch_decode(uint64_t epoch, uint64_t steps_before, const MDB_val *key, const MDB_val *value,
                         struct tidylog_epoch *out, uint64_t *steps_through);

/* Reads all epoch records. On success the caller frees both arrays. */
int epochs_read(MDB_txn *txn, MDB_dbi table, const char *path, struct tidylog_epoch **epochs,
                uint64_t **steps_through, uint64_t *count);

/* tidy_fail for a damaged record: says what to do as well. */
int reader_fail(const struct tidylog_reader *reader, const char *kind, uint64_t number, const char *wrong);

#endif
