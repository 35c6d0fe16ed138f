/* The writer: packs records in the trainer's thread, commits them in its own. */
#include "common/tidylog_write.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/little_endian.h"
#include "common/memory.h"
#include "common/packing.h"
#include "common/tidylog_compact.h"
#include "common/tidylog_create.h"
#include "common/tidylog_meta.h"
#include "common/tidylog_read.h"

/* ---- the thread's commits --------------------------------------------------------------------------------- */

/* What a commit is to write. */
struct batch {
    const struct queued *first;
    const struct tidylog_run *labelled; /* the run with labels that are not on disk yet; or NULL */
};

static int put_batch(const struct store *store, MDB_txn *txn, const void *argument)
{
    const struct batch *batch = argument;
    int code = 0;
    if (batch->labelled != NULL)
        code = meta_write_labels(txn, store->tables[TABLE_META], batch->labelled);
    for (const struct queued *record = batch->first; record != NULL && code == 0; record = record->next) {
        uint8_t number[NUMBER_KEY_BYTES];
        record_number_key(number, record->number);
        MDB_val key = {.mv_size = sizeof number, .mv_data = number};
        MDB_val value = {.mv_size = record->bytes, .mv_data = (void *)record->value};
        code = mdb_put(txn, store->tables[record->table], &key, &value, MDB_APPEND);
    }
    return code;
}

/* A copy of labels that changed since the last call, for the caller to free; NULL where none did. They may be of
 * later steps than the batch's: what was in a step keeps its label. */
static int take_labels(struct tidylog_writer *writer, uint16_t **labels)
{
    size_t samples = (size_t)writer->run.samples;
    int status = TIDY_OK;
    *labels = NULL;
    pthread_mutex_lock(&writer->labels_mutex);
    if (writer->labels_changed)
        status = memory_allocate(labels, samples, sizeof **labels, "labels");
    if (*labels != NULL) {
        memcpy(*labels, writer->run.labels, samples * sizeof **labels);
        writer->labels_changed = false;
    }
    pthread_mutex_unlock(&writer->labels_mutex);
    return status;
}

/* The thread's commit of a batch. */
static int commit_batch(void *context, const struct queued *first)
{
    struct tidylog_writer *writer = context;
    struct tidylog_run labelled = writer->run;
    struct batch batch = {.first = first};
    uint16_t *labels;
    size_t bytes = 0;
    if (take_labels(writer, &labels) != TIDY_OK)
        return TIDY_FAILED;
    if (labels != NULL) {
        labelled.labels = labels;
        batch.labelled = &labelled;
        bytes = (size_t)labelled.samples * sizeof *labels;
    }
    for (const struct queued *record = first; record != NULL; record = record->next)
        bytes += record->bytes;
    int code = committer_run(&writer->committer, put_batch, &batch, bytes);
    free(labels);
    if (code != 0) {
        const char *path = writer->store.path;
        const char *table = first->table == TABLE_STEPS ? "step" : "epoch";
        unsigned long long number = first->number, kept = writer->kept_steps;
        if (writer->run.data == NULL) /* an import, with which resume cannot go on */
            return tidy_fail("%s: cannot write %s %llu: %s", path, table, number, store_error_text(code));
        return tidy_fail("%s: cannot write %s %llu: %s; all steps before %llu are kept; free space and run "
                         "'tidy-record resume %s'",
                         path, table, number, store_error_text(code), kept, path);
    }
    int status = TIDY_OK;
    for (; first != NULL && status == TIDY_OK; first = first->next) {
        if (first->table == TABLE_STEPS)
            writer->kept_steps = first->number + 1;
        else
            status = packer_add_epoch(writer->packer, load_u64(first->value + RECORD_HEADER_BYTES));
    }
    return status;
}

static int pack_finished_epochs(void *context, bool *more)
{
    struct tidylog_writer *writer = context;
    return packer_work(writer->packer, more);
}

/* ---- opening and closing -------------------------------------------------------------------------------- */

/* Frees all but the queue. NULL is allowed. */
static void destroy(struct tidylog_writer *writer)
{
    if (writer == NULL)
        return;
    packer_destroy(writer->packer);
    committer_end(&writer->committer);
    pthread_mutex_destroy(&writer->labels_mutex);
    free(writer->seen);
    free(writer->labels);
    tidylog_order_destroy(writer->order);
    meta_free(&writer->run, META_ALL_OWNED);
    store_close(&writer->store);
    free(writer);
}

/* How many steps there are, by the last one's number; LMDB says whether that many records are there. */
static int count_steps(struct tidylog_writer *writer, MDB_txn *txn)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    MDB_stat stat;
    MDB_dbi table = writer->store.tables[TABLE_STEPS];
    int code = mdb_stat(txn, table, &stat);
    if (code == 0)
        code = mdb_cursor_open(txn, table, &cursor);
    if (code == 0)
        code = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (code != 0 && code != MDB_NOTFOUND)
        return store_fail(writer->store.path, "read its steps", code);
    uint64_t recorded = code == MDB_NOTFOUND ? 0 : record_number(&key) + 1;
    writer->steps = recorded > writer->epoch_start ? recorded : writer->epoch_start;
    writer->kept_steps = writer->steps;
    if (writer->steps - packer_packed_steps(writer->packer) != stat.ms_entries)
        return tidy_fail("%s: steps are missing; 'tidy-analyze verify %s' lists all damage", writer->store.path,
                         writer->store.path);
    return TIDY_OK;
}

/* What the finished epochs say of where the next one starts, and whether they are packed. */
static int read_epochs(struct tidylog_writer *writer, MDB_txn *txn)
{
    const struct store *store = &writer->store;
    struct tidylog_epoch *epochs = NULL;
    uint64_t *steps_through = NULL;
    int status =
        epochs_read(txn, store->tables[TABLE_EPOCHS], store->path, &epochs, &steps_through, &writer->epochs);
    if (status == TIDY_OK)
        writer->epoch_start = writer->epochs > 0 ? steps_through[writer->epochs - 1] : 0;
    if (status == TIDY_OK)
        status =
            packer_create(&writer->packer, &writer->committer, &writer->run, txn, steps_through, writer->epochs);
    free(steps_through);
    free(epochs);
    return status;
}

/* Reads what the open file holds, and starts the thread. */
static int start(struct tidylog_writer *writer, bool resumed)
{
    struct store *store = &writer->store;
    writer->committer.store = store;
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (code != 0)
        return store_fail(store->path, "read it", code);
    int status = meta_read(txn, store->tables[TABLE_META], &writer->run, NULL, store->path);
    if (status == TIDY_OK)
        status = read_epochs(writer, txn);
    if (status == TIDY_OK)
        status = count_steps(writer, txn);
    mdb_txn_abort(txn);
    if (status == TIDY_OK)
        status = tidylog_order_create(&writer->order, &writer->run);
    const struct tidylog_run *run = &writer->run;
    if (status == TIDY_OK && run->detail == TIDYLOG_MARGIN)
        packing_levels_fill(&writer->levels, run->classes, run->codes);
    size_t largest_step = run->samples < run->batch_size ? (size_t)run->samples : run->batch_size;
    if (status == TIDY_OK)
        status = memory_allocate(&writer->labels, largest_step, sizeof *writer->labels, "a step's labels");
    if (status == TIDY_OK)
        status = memory_allocate(&writer->seen, run->samples, sizeof *writer->seen, "the samples of steps");
    if (status == TIDY_OK && resumed)
        memset(writer->seen, 1, run->samples * sizeof *writer->seen);
    if (status == TIDY_OK)
        status = queue_create(&writer->queue, commit_batch, pack_finished_epochs, writer);
    return status;
}

static int allocate_writer(struct tidylog_writer **out)
{
    int status = memory_allocate(out, 1, sizeof **out, "the log's writer");
    if (status != TIDY_OK)
        return status;
    (*out)->store.file = -1;
    pthread_mutex_init(&(*out)->labels_mutex, NULL);
    return TIDY_OK;
}

int tidylog_create(struct tidylog_writer **out, const char *path, const struct tidylog_run *run, bool force)
{
    struct tidylog_writer *writer;
    *out = NULL;
    int status = meta_check(run, path);
    if (status != TIDY_OK)
        return status;
    status = allocate_writer(&writer);
    if (status != TIDY_OK)
        return status;
    status = store_create(&writer->store, path, run, force);
    if (status == TIDY_OK)
        status = start(writer, false);
    if (status != TIDY_OK) {
        destroy(writer);
        return status;
    }
    *out = writer;
    return TIDY_OK;
}

int tidylog_resume(struct tidylog_writer **out, const char *path)
{
    struct tidylog_writer *writer;
    *out = NULL;
    int status = allocate_writer(&writer);
    if (status != TIDY_OK)
        return status;
    status = store_open_writer(&writer->store, path);
    if (status == TIDY_OK && writer->store.runs > 1)
        status = tidy_fail("%s: it holds %u runs, and recording goes on only in a log of one", path,
                           (unsigned)writer->store.runs);
    if (status == TIDY_OK)
        status = start(writer, true);
    if (status != TIDY_OK) {
        destroy(writer);
        return status;
    }
    *out = writer;
    return TIDY_OK;
}

const struct tidylog_run *tidylog_writer_run(const struct tidylog_writer *writer)
{
    return &writer->run;
}

int tidylog_sync(struct tidylog_writer *writer)
{
    return queue_flush(writer->queue);
}

int tidylog_close(struct tidylog_writer *writer)
{
    if (writer == NULL)
        return TIDY_OK;
    int status = queue_destroy(writer->queue);
    committer_end(&writer->committer);
    if (status == TIDY_OK)
        status = store_compact(&writer->store);
    destroy(writer);
    return status;
}

/* ---- appending ------------------------------------------------------------------------------------------ */

static int check_predictions(const struct tidylog_writer *writer, uint64_t step,
                             const struct tidylog_predictions *predictions)
{
    const struct tidylog_run *run = &writer->run;
    if (step != writer->steps)
        return tidy_fail("%s: step %llu was appended where step %llu is due", writer->store.path,
                         (unsigned long long)step, (unsigned long long)writer->steps);
    if (predictions->count < 1 || predictions->count > run->batch_size || predictions->count > run->samples)
        return tidy_fail("%s: step %llu has %lu predictions, and the batch size is %lu", writer->store.path,
                         (unsigned long long)step, (unsigned long)predictions->count,
                         (unsigned long)run->batch_size);
    for (uint32_t i = 0; i < predictions->count; i++) {
        if (predictions->samples[i] >= run->samples || predictions->predicted[i] >= run->classes)
            return tidy_fail("%s: step %llu: no such sample or class: %lu, %u", writer->store.path,
                             (unsigned long long)step, (unsigned long)predictions->samples[i],
                             predictions->predicted[i]);
    }
    return TIDY_OK;
}

/* Does the run's order give these samples? */
static bool is_derived(struct tidylog_writer *writer, uint64_t step, const struct tidylog_predictions *predictions)
{
    struct tidylog_due due;
    tidylog_order_step(writer->order, step, &due);
    return due.epoch == writer->epochs && due.count == predictions->count &&
           memcmp(due.samples, predictions->samples, due.count * sizeof *due.samples) == 0;
}

static int allocate_record(struct queued **out, size_t body_bytes)
{
    size_t bytes = RECORD_HEADER_BYTES + body_bytes;
    *out = malloc(sizeof **out + bytes);
    if (*out == NULL)
        return tidy_fail_memory("a record of the log", bytes);
    **out = (struct queued){.bytes = bytes};
    return TIDY_OK;
}

/* Seals and queues a record whose body is complete. */
static int append(struct tidylog_writer *writer, struct queued *record, enum tidylog_table table, uint64_t number,
                  uint8_t flags, uint32_t count)
{
    uint8_t key[NUMBER_KEY_BYTES];
    record_number_key(key, number);
    record->table = table;
    record->number = number;
    record_seal(record->value, record->bytes, key, sizeof key, flags, count);
    return queue_add(writer->queue, record);
}

int tidylog_append_step(struct tidylog_writer *writer, uint64_t step, const struct tidylog_predictions *predictions)
{
    const struct tidylog_run *run = &writer->run;
    uint32_t count = predictions->count;
    struct queued *record;
    int status = check_predictions(writer, step, predictions);
    if (status != TIDY_OK)
        return status;
    bool listed = !is_derived(writer, step, predictions);
    size_t list_bytes = listed ? (size_t)count * 4 : 0;
    status = allocate_record(&record, list_bytes + packing_bound(count, run->classes, run->detail));
    if (status != TIDY_OK)
        return status;
    uint8_t *body = record->value + RECORD_HEADER_BYTES;
    for (uint32_t i = 0; i < count; i++) {
        writer->labels[i] = run->labels[predictions->samples[i]];
        writer->seen[predictions->samples[i]] = 1;
        if (listed)
            store_u32(body + (size_t)i * 4, predictions->samples[i]);
    }
    size_t packed =
        packing_pack(body + list_bytes, predictions, writer->labels, run->classes, run->detail, &writer->levels);
    record->bytes = RECORD_HEADER_BYTES + list_bytes + packed;
    status = append(writer, record, TABLE_STEPS, step, listed ? RECORD_LISTS_SAMPLES : 0, count);
    if (status == TIDY_OK)
        writer->steps++;
    return status;
}

int tidylog_append_epoch(struct tidylog_writer *writer, const struct tidylog_epoch *epoch)
{
    struct queued *record;
    if (epoch->epoch != writer->epochs || writer->steps == writer->epoch_start)
        return tidy_fail(
            "%s: epoch %llu was appended after %llu steps, of which %llu are in epoch %llu, which is due",
            writer->store.path, (unsigned long long)epoch->epoch, (unsigned long long)writer->steps,
            (unsigned long long)(writer->steps - writer->epoch_start), (unsigned long long)writer->epochs);
    int status = allocate_record(&record, EPOCH_BODY_BYTES);
    if (status != TIDY_OK)
        return status;
    epoch_encode(record->value + RECORD_HEADER_BYTES, epoch, writer->steps);
    status = append(writer, record, TABLE_EPOCHS, epoch->epoch, 0, 1);
    if (status == TIDY_OK) {
        writer->epochs++;
        writer->epoch_start = writer->steps;
    }
    return status;
}

/* ---- changing what is there ----------------------------------------------------------------------------- */

static int put_epochs(const struct store *store, MDB_txn *txn, const void *argument)
{
    return meta_write_epochs(txn, store->tables[TABLE_META], argument);
}

int tidylog_set_epochs(struct tidylog_writer *writer, uint64_t epochs)
{
    struct tidylog_run changed = writer->run;
    changed.epochs = epochs;
    int status = queue_settle(writer->queue);
    if (status != TIDY_OK)
        return status;
    int code = committer_run(&writer->committer, put_epochs, &changed, 0);
    if (code != 0)
        return store_fail(writer->store.path, "write it", code);
    writer->run.epochs = epochs;
    return TIDY_OK;
}

int tidylog_set_label(struct tidylog_writer *writer, uint64_t sample, uint16_t label)
{
    const struct tidylog_run *run = &writer->run;
    if (sample >= run->samples || label >= run->classes)
        return tidy_fail("%s: label %u of sample %llu: there are %llu samples and %lu classes", writer->store.path,
                         label, (unsigned long long)sample, (unsigned long long)run->samples,
                         (unsigned long)run->classes);
    if (label == run->labels[sample])
        return TIDY_OK;
    if (writer->seen[sample])
        return tidy_fail("%s: sample %llu was in a step with label %u, so its label cannot become %u",
                         writer->store.path, (unsigned long long)sample, run->labels[sample], label);
    pthread_mutex_lock(&writer->labels_mutex);
    ((uint16_t *)run->labels)[sample] = label;
    writer->labels_changed = true;
    pthread_mutex_unlock(&writer->labels_mutex);
    return TIDY_OK;
}
