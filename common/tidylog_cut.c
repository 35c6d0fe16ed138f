/* Taking a log's end away: steps, the epochs that depend on them, and what is packed of those. */
#include <stdlib.h>

#include "common/error.h"
#include "common/little_endian.h"
#include "common/memory.h"
#include "common/packing.h"
#include "common/step_codes.h"
#include "common/tidylog_columns.h"
#include "common/tidylog_write.h"

/* Deletes a table's last records while `goes` says so of them and `from`, a step or an epoch. */
static int delete_from_end(MDB_txn *txn, MDB_dbi table,
                           bool (*goes)(const MDB_val *key, const MDB_val *value, uint64_t from), uint64_t from)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int code = mdb_cursor_open(txn, table, &cursor);
    if (code != 0)
        return code;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_LAST)) == 0 && goes(&key, &value, from)) {
        code = mdb_cursor_del(cursor, 0);
        if (code != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static bool step_goes(const MDB_val *key, const MDB_val *value, uint64_t step)
{
    (void)value;
    return record_number(key) >= step;
}

static bool epoch_goes(const MDB_val *key, const MDB_val *value, uint64_t step)
{
    struct record record;
    return record_open(&record, key, value) != NULL || record.body_bytes != EPOCH_BODY_BYTES ||
           load_u64(record.body) > step;
}

static bool columns_go(const MDB_val *key, const MDB_val *value, uint64_t epoch)
{
    uint64_t number;
    uint32_t block;
    (void)value;
    return !columns_key_read(key, &number, &block) || number >= epoch;
}

/* A cut, with what its transaction needs. */
struct cut {
    const struct tidylog_run *run;
    uint64_t step;        /* the first that goes */
    uint64_t epochs;      /* that stay finished */
    uint64_t epoch_start; /* their last step, and one */
    /* Where a packed epoch loses its end, the rest becomes steps again. */
    struct columns_epoch *columns; /* NULL: none does */
    struct tidylog_order *order;
    struct columns_row codes; /* [largest step] */
    uint16_t *labels;         /* [largest step] */
    uint8_t *value;           /* a step's record */
};

static int put_unpacked_step(const struct cut *cut, MDB_txn *txn, MDB_dbi table, uint64_t step)
{
    const struct tidylog_run *run = cut->run;
    struct columns_row codes = cut->codes;
    uint8_t name[NUMBER_KEY_BYTES];
    struct tidylog_due due;
    tidylog_order_step(cut->order, step, &due);
    for (uint32_t i = 0; i < due.count; i++)
        cut->labels[i] = run->labels[due.samples[i]];
    columns_epoch_get(cut->columns, due.samples, due.count, &codes);
    size_t bytes = RECORD_HEADER_BYTES + step_codes_write(cut->value + RECORD_HEADER_BYTES, &codes, cut->labels,
                                                          due.count, run->classes, run->detail);
    record_number_key(name, step);
    record_seal(cut->value, bytes, name, sizeof name, 0, due.count);
    MDB_val key = {.mv_size = sizeof name, .mv_data = name};
    MDB_val value = {.mv_size = bytes, .mv_data = cut->value};
    return mdb_put(txn, table, &key, &value, MDB_APPEND);
}

static int apply_cut(const struct store *store, MDB_txn *txn, const void *argument)
{
    const struct cut *cut = argument;
    int code = delete_from_end(txn, store->tables[TABLE_STEPS], step_goes, cut->step);
    if (code == 0)
        code = delete_from_end(txn, store->tables[TABLE_EPOCHS], epoch_goes, cut->step);
    if (code == 0)
        code = delete_from_end(txn, store->tables[TABLE_COLUMNS], columns_go, cut->epochs);
    for (uint64_t step = cut->epoch_start; cut->columns != NULL && step < cut->step && code == 0; step++)
        code = put_unpacked_step(cut, txn, store->tables[TABLE_STEPS], step);
    return code;
}

/* Reads the packed epoch that loses its end, where there is one. */
static int read_cut_epoch(struct cut *cut, const struct tidylog_writer *writer, MDB_txn *txn,
                          const struct columns_layout *layout)
{
    static const char what[] = "an epoch's predictions";
    const struct tidylog_run *run = cut->run;
    const struct columns_source source = {.txn = txn,
                                          .table = writer->store.tables[TABLE_COLUMNS],
                                          .packed = packer_packed(writer->packer),
                                          .path = writer->store.path};
    uint32_t largest = run->samples < run->batch_size ? (uint32_t)run->samples : run->batch_size;
    if (cut->step == cut->epoch_start || cut->epochs == writer->epochs || !source.packed[cut->epochs])
        return TIDY_OK;
    int status = columns_epoch_create(&cut->columns, layout);
    if (status == TIDY_OK)
        status = columns_epoch_read(cut->columns, &source, cut->epochs);
    if (status == TIDY_OK)
        status = tidylog_order_create(&cut->order, run);
    if (status == TIDY_OK)
        status = columns_row_allocate(&cut->codes, largest, run->detail);
    if (status == TIDY_OK)
        status = memory_allocate(&cut->labels, largest, sizeof *cut->labels, what);
    if (status == TIDY_OK)
        status = memory_allocate(&cut->value,
                                 RECORD_HEADER_BYTES + packing_bound(largest, run->classes, run->detail), 1, what);
    return status;
}

/* Does it, once all is known. */
static int commit_cut(struct tidylog_writer *writer, struct cut *cut)
{
    struct columns_layout layout;
    MDB_txn *txn = NULL;
    int status = columns_layout_create(&layout, &writer->run);
    int code = status == TIDY_OK ? mdb_txn_begin(writer->store.env, NULL, MDB_RDONLY, &txn) : 0;
    if (code != 0)
        status = store_fail(writer->store.path, "read it", code);
    if (status == TIDY_OK)
        status = read_cut_epoch(cut, writer, txn, &layout);
    mdb_txn_abort(txn);
    if (status == TIDY_OK) {
        code = committer_run(&writer->committer, apply_cut, cut, 0);
        if (code != 0)
            status = store_fail(writer->store.path, "cut it", code);
    }
    free(cut->value);
    free(cut->labels);
    columns_row_free(&cut->codes);
    tidylog_order_destroy(cut->order);
    columns_epoch_destroy(cut->columns);
    columns_layout_destroy(&layout);
    return status;
}

int tidylog_cut(struct tidylog_writer *writer, uint64_t step)
{
    int status = queue_settle(writer->queue);
    if (status != TIDY_OK)
        return status;
    if (step > writer->steps)
        return tidy_fail("%s: the log has %llu steps, so it cannot be cut to %llu", writer->store.path,
                         (unsigned long long)writer->steps, (unsigned long long)step);
    uint64_t epochs = packer_epochs_through(writer->packer, step);
    struct cut cut = {.run = &writer->run,
                      .step = step,
                      .epochs = epochs,
                      .epoch_start = packer_steps_before(writer->packer, epochs)};
    status = commit_cut(writer, &cut);
    if (status != TIDY_OK)
        return status;
    packer_cut(writer->packer, epochs);
    writer->steps = writer->kept_steps = step;
    writer->epochs = epochs;
    writer->epoch_start = cut.epoch_start;
    return TIDY_OK;
}
