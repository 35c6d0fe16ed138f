/* Readers: a snapshot of the log, what the run is, and its finished epochs. */
#include "common/tidylog_read.h"

#include <stdlib.h>

#include "common/error.h"
#include "common/little_endian.h"
#include "common/memory.h"
#include "common/tidylog_format.h"
#include "common/tidylog_meta.h"
#include "common/tidylog_pages.h"

const char *epoch_decode(uint64_t epoch, uint64_t steps_before, const MDB_val *key, const MDB_val *value,
                         struct tidylog_epoch *out, uint64_t *steps_through)
{
    struct record record;
    if (record_number(key) != epoch)
        return "missing (damaged file)";
    const char *wrong = record_open(&record, key, value);
    if (wrong != NULL)
        return wrong;
    if (record.body_bytes != EPOCH_BODY_BYTES || record.flags != 0)
        return "its size is not an epoch's (damaged value)";
    *steps_through = load_u64(record.body);
    *out = (struct tidylog_epoch){.epoch = epoch,
                                  .loss = load_f64(record.body + 8),
                                  .accuracy = load_f64(record.body + 16),
                                  .test_accuracy = load_f64(record.body + 24),
                                  .learning_rate = load_f64(record.body + 32),
                                  .seconds = load_f64(record.body + 40)};
    return *steps_through > steps_before ? NULL : "it ends before it starts (damaged value)";
}

int epochs_read(MDB_txn *txn, MDB_dbi table, const char *path, struct tidylog_epoch **epochs,
                uint64_t **steps_through, uint64_t *count)
{
    MDB_stat stat;
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    uint64_t before = 0;
    *epochs = NULL;
    *steps_through = NULL;
    *count = 0;
    int code = mdb_stat(txn, table, &stat);
    if (code == 0)
        code = mdb_cursor_open(txn, table, &cursor);
    if (code != 0)
        return store_fail(path, "read its epochs", code);
    int status = memory_allocate(epochs, stat.ms_entries, sizeof **epochs, "epochs");
    if (status == TIDY_OK)
        status = memory_allocate(steps_through, stat.ms_entries, sizeof **steps_through, "epochs");
    for (uint64_t i = 0; i < stat.ms_entries && status == TIDY_OK; i++) {
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        if (code != 0) {
            status = store_fail(path, "read its epochs", code);
            break;
        }
        const char *wrong = epoch_decode(i, before, &key, &value, &(*epochs)[i], &(*steps_through)[i]);
        before = (*steps_through)[i];
        if (wrong != NULL)
            status = tidy_fail("%s: epoch %llu: %s; 'tidy-analyze verify %s' lists all damage", path,
                               (unsigned long long)i, wrong, path);
    }
    mdb_cursor_close(cursor);
    if (status != TIDY_OK) {
        free(*epochs);
        free(*steps_through);
        *epochs = NULL;
        *steps_through = NULL;
        return status;
    }
    *count = stat.ms_entries;
    return TIDY_OK;
}

int reader_fail(const struct tidylog_reader *reader, const char *kind, uint64_t number, const char *wrong)
{
    const char *path = reader->store.path;
    return tidy_fail("%s: %s %llu: %s; 'tidy-analyze verify %s' lists all damage", path, kind,
                     (unsigned long long)number, wrong, path);
}

int reader_load_run(struct tidylog_reader *reader, uint32_t number)
{
    const char *path = reader->store.path;
    reader->number = number;
    int status = store_open_tables(&reader->store, reader->txn, number);
    if (status == TIDY_OK)
        status = reader_check_table(reader, TABLE_META);
    if (status == TIDY_OK)
        status = reader_check_table(reader, TABLE_EPOCHS);
    if (status == TIDY_OK)
        status = meta_read(reader->txn, reader->store.tables[TABLE_META], &reader->run, &reader->owned, path);
    if (status == TIDY_OK)
        status = epochs_read(reader->txn, reader->store.tables[TABLE_EPOCHS], path, &reader->epochs,
                             &reader->steps_through, &reader->epoch_count);
    return status;
}

int reader_check_table(const struct tidylog_reader *reader, enum tidylog_table table)
{
    return store_check_table(&reader->store, table, reader->number);
}

int reader_view(struct tidylog_reader *out, const struct tidylog_reader *reader, uint32_t number)
{
    *out = (struct tidylog_reader){.store = reader->store, .txn = reader->txn, .mutex = PTHREAD_MUTEX_INITIALIZER};
    return reader_load_run(out, number);
}

void reader_unload_run(struct tidylog_reader *reader)
{
    free(reader->tables);
    free(reader->packed);
    columns_layout_destroy(&reader->layout);
    reader->tables = NULL;
    reader->packed = NULL;
    free(reader->steps_through);
    free(reader->epochs);
    meta_free(&reader->run, reader->owned);
    reader->steps_through = NULL;
    reader->epochs = NULL;
    reader->epoch_count = 0;
}

static int find_packed(struct tidylog_reader *reader)
{
    bool *packed = NULL;
    int status = reader_check_table(reader, TABLE_COLUMNS);
    if (status == TIDY_OK)
        status = columns_layout_create(&reader->layout, &reader->run);
    if (status == TIDY_OK)
        status = memory_allocate(&packed, reader->epoch_count, sizeof *packed, "packed epochs");
    if (status == TIDY_OK) {
        int code =
            columns_find_packed(reader->txn, reader->store.tables[TABLE_COLUMNS], reader->epoch_count, packed);
        if (code != 0)
            status = store_fail(reader->store.path, "read its columns", code);
    }
    if (status != TIDY_OK) {
        columns_layout_destroy(&reader->layout);
        free(packed);
        return status;
    }
    reader->packed = packed;
    return TIDY_OK;
}

int reader_find_packed(struct tidylog_reader *reader)
{
    pthread_mutex_lock(&reader->mutex);
    int status = reader->packed == NULL ? find_packed(reader) : TIDY_OK;
    pthread_mutex_unlock(&reader->mutex);
    return status;
}

int reader_fill_tables(struct tidylog_reader *reader)
{
    int status = TIDY_OK;
    pthread_mutex_lock(&reader->mutex);
    if (reader->run.detail == TIDYLOG_MARGIN && reader->tables == NULL) {
        status = memory_allocate(&reader->tables, 1, sizeof *reader->tables, "what codes stand for");
        if (status == TIDY_OK)
            packing_tables_fill(reader->tables, reader->run.classes, reader->run.codes);
    }
    pthread_mutex_unlock(&reader->mutex);
    return status;
}

struct columns_source reader_columns(const struct tidylog_reader *reader)
{
    return (struct columns_source){.txn = reader->txn,
                                   .table = reader->store.tables[TABLE_COLUMNS],
                                   .packed = reader->packed,
                                   .path = reader->store.path};
}

static int open_reader(struct tidylog_reader **out, const char *path, bool even_if_damaged)
{
    struct tidylog_reader *reader;
    *out = NULL;
    int status = memory_allocate(&reader, 1, sizeof *reader, "a reader of the log");
    if (status != TIDY_OK)
        return status;
    pthread_mutex_init(&reader->mutex, NULL);
    status = store_open_reader(&reader->store, &reader->txn, path);
    if (status == TIDY_OK && reader_load_run(reader, 0) != TIDY_OK && !even_if_damaged)
        status = TIDY_FAILED;
    if (status != TIDY_OK) {
        tidylog_close_reader(reader);
        return status;
    }
    *out = reader;
    return TIDY_OK;
}

int tidylog_open(struct tidylog_reader **out, const char *path)
{
    return open_reader(out, path, false);
}

int tidylog_open_to_verify(struct tidylog_reader **out, const char *path)
{
    return open_reader(out, path, true);
}

void tidylog_close_reader(struct tidylog_reader *reader)
{
    if (reader == NULL)
        return;
    reader_unload_run(reader);
    mdb_txn_abort(reader->txn);
    store_close(&reader->store);
    pthread_mutex_destroy(&reader->mutex);
    free(reader);
}

uint32_t tidylog_reader_runs(const struct tidylog_reader *reader)
{
    return reader->store.runs;
}

int tidylog_reader_select(struct tidylog_reader *reader, uint32_t run)
{
    if (run >= reader->store.runs)
        return tidy_fail("%s: there is no run %u; it holds %u", reader->store.path, (unsigned)run,
                         (unsigned)reader->store.runs);
    reader_unload_run(reader);
    return reader_load_run(reader, run);
}

const struct tidylog_run *tidylog_reader_run(const struct tidylog_reader *reader)
{
    return &reader->run;
}

const struct tidylog_epoch *tidylog_reader_epochs(const struct tidylog_reader *reader, uint64_t *count)
{
    *count = reader->epoch_count;
    return reader->epochs;
}

uint64_t tidylog_reader_steps_through(const struct tidylog_reader *reader, uint64_t epoch)
{
    return reader->steps_through[epoch];
}

int tidylog_reader_steps(struct tidylog_reader *reader, uint64_t *steps)
{
    uint8_t name[NUMBER_KEY_BYTES];
    char table[TABLE_NAME_ROOM];
    MDB_val key = {.mv_data = name};
    table_name(table, TABLE_STEPS, reader->number);
    int status = pages_last_key(reader->store.pages, table, name, sizeof name, &key.mv_size);
    if (status != TIDY_OK)
        return status;
    /* Those of packed epochs have no records. A key that is none of a step counts for nothing. */
    uint64_t finished = reader->epoch_count > 0 ? reader->steps_through[reader->epoch_count - 1] : 0;
    uint64_t recorded = record_number(&key) + 1;
    *steps = recorded > finished ? recorded : finished;
    return TIDY_OK;
}

/* What the columns count follows from how many records there are: all blocks of each packed epoch. Where damage has
 * taken some, in proportion. */
static int count_columns(const struct tidylog_reader *reader, struct tidylog_table_size *size)
{
    struct columns_layout layout;
    int status = columns_layout_create(&layout, &reader->run);
    if (status == TIDY_OK && layout.blocks > 0)
        size->counts = size->records * layout.count / layout.blocks;
    columns_layout_destroy(&layout);
    return status;
}

int tidylog_table_sizes(struct tidylog_reader *reader, struct tidylog_table_size sizes[TIDYLOG_TABLES])
{
    int status = TIDY_OK;
    for (int i = 0; i < TIDYLOG_TABLES && status == TIDY_OK; i++) {
        char name[TABLE_NAME_ROOM];
        table_name(name, (enum tidylog_table)i, reader->number);
        sizes[i] = (struct tidylog_table_size){.name = table_names[i]};
        status = pages_measure_table(reader->store.pages, name, i != TABLE_COLUMNS, &sizes[i]);
        if (status == TIDY_OK && i == TABLE_COLUMNS && sizes[i].records > 0)
            status = count_columns(reader, &sizes[i]);
    }
    return status;
}
