/* Packs finished epochs. */
#include "common/tidylog_pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/packing.h"
#include "common/step_codes.h"
#include "common/tidylog_columns.h"

/* A record that is made, and not put yet. */
struct packed_record {
    uint8_t key[COLUMNS_KEY_BYTES];
    size_t bytes;
    uint8_t *value;
};

struct packer {
    struct committer *committer;
    const struct tidylog_run *run;
    struct tidylog_order *order;

    /* The finished epochs. */
    uint64_t epochs;
    uint64_t *steps_through; /* [epochs] */
    bool *packed;            /* [epochs] */
    size_t steps_capacity, packed_capacity;

    /* The epoch that is being packed. */
    uint64_t epoch;
    bool gathered;                 /* its codes are in `columns` */
    uint32_t blocks;               /* of it that are in `records` */
    struct packed_record *records; /* [layout.blocks] */
    bool no_space;                 /* no more is tried */

    struct columns_layout layout;
    struct columns_epoch *columns; /* NULL before the first epoch */
    struct columns_row codes;      /* [largest step] */
    uint16_t *labels;              /* [largest step] */
};

/* ---- the epochs ------------------------------------------------------------------------------------------ */

int packer_add_epoch(struct packer *packer, uint64_t steps_through)
{
    size_t needed = (size_t)packer->epochs + 1;
    int status = memory_grow(&packer->steps_through, &packer->steps_capacity, needed, sizeof *packer->steps_through,
                             "finished epochs");
    if (status == TIDY_OK)
        status = memory_grow(&packer->packed, &packer->packed_capacity, needed, sizeof *packer->packed,
                             "finished epochs");
    if (status != TIDY_OK)
        return status;
    packer->steps_through[packer->epochs] = steps_through;
    packer->packed[packer->epochs] = false;
    packer->epochs++;
    return TIDY_OK;
}

uint64_t packer_steps_before(const struct packer *packer, uint64_t epoch)
{
    return epoch > 0 ? packer->steps_through[epoch - 1] : 0;
}

uint64_t packer_packed_steps(const struct packer *packer)
{
    uint64_t steps = 0;
    for (uint64_t epoch = 0; epoch < packer->epochs; epoch++) {
        if (packer->packed[epoch])
            steps += packer->steps_through[epoch] - packer_steps_before(packer, epoch);
    }
    return steps;
}

/* What is packed already. */
static int find_packed(struct packer *packer, MDB_txn *txn)
{
    const struct store *store = packer->committer->store;
    int code = columns_find_packed(txn, store->tables[TABLE_COLUMNS], packer->epochs, packer->packed);
    if (code != 0)
        return store_fail(store->path, "read its columns", code);
    /* What comes before a packed epoch was passed over. */
    for (uint64_t epoch = 0; epoch < packer->epochs; epoch++) {
        if (packer->packed[epoch])
            packer->epoch = epoch + 1;
    }
    return TIDY_OK;
}

int packer_create(struct packer **out, struct committer *committer, const struct tidylog_run *run, MDB_txn *txn,
                  const uint64_t *steps_through, uint64_t epochs)
{
    struct packer *packer;
    *out = NULL;
    int status = memory_allocate(&packer, 1, sizeof *packer, "the log's packer");
    if (status != TIDY_OK)
        return status;
    *packer = (struct packer){.committer = committer, .run = run};
    size_t largest = run->samples < run->batch_size ? (size_t)run->samples : run->batch_size;
    for (uint64_t epoch = 0; epoch < epochs && status == TIDY_OK; epoch++)
        status = packer_add_epoch(packer, steps_through[epoch]);
    if (status == TIDY_OK)
        status = find_packed(packer, txn);
    if (status == TIDY_OK)
        status = tidylog_order_create(&packer->order, run);
    if (status == TIDY_OK)
        status = columns_layout_create(&packer->layout, run);
    if (status == TIDY_OK)
        status = memory_allocate(&packer->records, packer->layout.blocks, sizeof *packer->records, "packed blocks");
    if (status == TIDY_OK)
        status = memory_allocate(&packer->labels, largest, sizeof *packer->labels, "a step's labels");
    if (status == TIDY_OK)
        status = columns_row_allocate(&packer->codes, (uint32_t)largest, run->detail);
    if (status != TIDY_OK) {
        packer_destroy(packer);
        return status;
    }
    *out = packer;
    return TIDY_OK;
}

static void free_records(struct packer *packer)
{
    for (uint32_t block = 0; block < packer->blocks; block++)
        free(packer->records[block].value);
    packer->blocks = 0;
}

void packer_destroy(struct packer *packer)
{
    if (packer == NULL)
        return;
    free_records(packer);
    columns_epoch_destroy(packer->columns);
    columns_layout_destroy(&packer->layout);
    columns_row_free(&packer->codes);
    free(packer->labels);
    free(packer->records);
    free(packer->packed);
    free(packer->steps_through);
    tidylog_order_destroy(packer->order);
    free(packer);
}

/* ---- for a cut ------------------------------------------------------------------------------------------- */

uint64_t packer_epochs_through(const struct packer *packer, uint64_t step)
{
    uint64_t epochs = packer->epochs;
    while (epochs > 0 && packer->steps_through[epochs - 1] > step)
        epochs--;
    return epochs;
}

const bool *packer_packed(const struct packer *packer)
{
    return packer->packed;
}

void packer_cut(struct packer *packer, uint64_t epochs)
{
    free_records(packer);
    packer->gathered = false;
    packer->epochs = epochs;
    if (packer->epoch > epochs)
        packer->epoch = epochs;
    if (packer->columns != NULL)
        columns_epoch_forget(packer->columns);
}

/* ---- an epoch's pieces ------------------------------------------------------------------------------------- */

/* To the next epoch. */
static void end_epoch(struct packer *packer)
{
    free_records(packer);
    packer->gathered = false;
    packer->epoch++;
}

/* Puts a step's codes into the epoch's. Returns false where it is not one that can be packed: not the one that
 * is due, or damaged. */
static bool gather_step(struct packer *packer, uint64_t step, const MDB_val *key, const MDB_val *value)
{
    const struct tidylog_run *run = packer->run;
    struct tidylog_due due;
    struct record record;
    if (record_open(&record, key, value) != NULL || record.flags != 0)
        return false;
    tidylog_order_step(packer->order, step, &due);
    if (due.epoch != packer->epoch || due.evaluated || due.count != record.count)
        return false;
    for (uint32_t i = 0; i < due.count; i++)
        packer->labels[i] = run->labels[due.samples[i]];
    if (step_codes_read(&packer->codes, record.body, record.body_bytes, packer->labels, due.count, run->classes,
                        run->detail) != TIDY_OK)
        return false;
    columns_epoch_set(packer->columns, due.samples, due.count, &packer->codes);
    return true;
}

/* Reads the epoch's steps. *gathered: can it be packed? */
static int gather(struct packer *packer, MDB_txn *txn, bool *gathered)
{
    const struct store *store = packer->committer->store;
    uint64_t first = packer_steps_before(packer, packer->epoch), end = packer->steps_through[packer->epoch];
    *gathered = false;
    if (!columns_can_pack(packer->run, packer->epoch) ||
        first != tidylog_order_steps_before(packer->order, packer->epoch) ||
        end != tidylog_order_steps_before(packer->order, packer->epoch + 1))
        return TIDY_OK;
    int status = packer->columns != NULL ? TIDY_OK : columns_epoch_create(&packer->columns, &packer->layout);
    if (status != TIDY_OK)
        return status;
    for (uint64_t step = first; step < end; step++) {
        uint8_t name[NUMBER_KEY_BYTES];
        record_number_key(name, step);
        MDB_val key = {.mv_size = sizeof name, .mv_data = name}, value;
        int code = mdb_get(txn, store->tables[TABLE_STEPS], &key, &value);
        if (code != 0 && code != MDB_NOTFOUND)
            return store_fail(store->path, "read its steps", code);
        if (code == MDB_NOTFOUND || !gather_step(packer, step, &key, &value))
            return TIDY_OK;
    }
    *gathered = true;
    return TIDY_OK;
}

/* Makes the record of the next block. *packed: false where an earlier record of it is damaged. */
static int pack_block(struct packer *packer, MDB_txn *txn, bool *packed)
{
    const struct store *store = packer->committer->store;
    const struct columns_source source = {
        .txn = txn, .table = store->tables[TABLE_COLUMNS], .packed = packer->packed, .path = store->path};
    struct packed_record *record = &packer->records[packer->blocks];
    MDB_val value;
    *packed = columns_epoch_catch_up(packer->columns, &source, packer->epoch, packer->blocks) == TIDY_OK;
    if (!*packed)
        return TIDY_OK;
    columns_key(record->key, packer->epoch, packer->blocks);
    columns_epoch_pack(packer->columns, packer->epoch, packer->blocks, record->key, &value);
    int status = memory_allocate(&record->value, value.mv_size, 1, "a packed block");
    if (status != TIDY_OK)
        return status;
    record->bytes = value.mv_size;
    memcpy(record->value, value.mv_data, value.mv_size);
    packer->blocks++;
    return TIDY_OK;
}

static int put_columns(const struct store *store, MDB_txn *txn, const void *argument)
{
    const struct packer *packer = argument;
    int code = 0;
    for (uint32_t block = 0; block < packer->blocks && code == 0; block++) {
        struct packed_record *record = &packer->records[block];
        MDB_val key = {.mv_size = sizeof record->key, .mv_data = record->key};
        MDB_val value = {.mv_size = record->bytes, .mv_data = record->value};
        code = mdb_put(txn, store->tables[TABLE_COLUMNS], &key, &value, MDB_APPEND);
    }
    for (uint64_t step = packer_steps_before(packer, packer->epoch);
         step < packer->steps_through[packer->epoch] && code == 0; step++) {
        uint8_t name[NUMBER_KEY_BYTES];
        record_number_key(name, step);
        MDB_val key = {.mv_size = sizeof name, .mv_data = name};
        code = mdb_del(txn, store->tables[TABLE_STEPS], &key, NULL);
    }
    return code;
}

/* In the place of the epoch's steps. */
static int replace_steps(struct packer *packer)
{
    const char *path = packer->committer->store->path;
    size_t bytes = 0;
    for (uint32_t block = 0; block < packer->blocks; block++)
        bytes += packer->records[block].bytes;
    int code = committer_run(packer->committer, put_columns, packer, bytes);
    /* Steps that stay are no loss; the next one that does not fit says what is wrong. */
    packer->no_space = code == ENOSPC || code == EFBIG || code == EDQUOT;
    if (code != 0 && !packer->no_space)
        return tidy_fail("%s: cannot pack epoch %llu: %s; all its steps are kept", path,
                         (unsigned long long)packer->epoch, store_error_text(code));
    packer->packed[packer->epoch] = code == 0;
    end_epoch(packer);
    return TIDY_OK;
}

int packer_work(struct packer *packer, bool *more)
{
    const struct store *store = packer->committer->store;
    bool possible = true;
    *more = !packer->no_space && packer->epoch < packer->epochs;
    if (!*more)
        return TIDY_OK;
    if (packer->gathered && packer->blocks == packer->layout.blocks)
        return replace_steps(packer);
    MDB_txn *txn;
    int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (code != 0)
        return store_fail(store->path, "read it", code);
    int status;
    if (packer->gathered) {
        status = pack_block(packer, txn, &possible);
    } else {
        status = gather(packer, txn, &possible);
        packer->gathered = possible;
    }
    mdb_txn_abort(txn);
    if (status == TIDY_OK && !possible)
        end_epoch(packer);
    return status;
}
