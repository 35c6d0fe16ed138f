/* Verification: every record of every table, one line for each bad one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/step_codes.h"
#include "common/tidylog_columns.h"
#include "common/tidylog_format.h"
#include "common/tidylog_meta.h"
#include "common/tidylog_pages.h"
#include "common/tidylog_read.h"
#include "common/tidylog_step.h"

/* Where the findings go. */
struct verification {
    const struct tidylog_reader *reader; /* the run that is checked */
    uint32_t number;                     /* its number */
    void (*damaged)(const char *what, void *context);
    void *context;
    uint64_t *checked;
};

static void report(const struct verification *verification, const char *kind, const char *name, const char *wrong)
{
    char text[256], run[24] = "";
    if (verification->reader->store.runs > 1)
        snprintf(run, sizeof run, "run %u: ", (unsigned)verification->number);
    snprintf(text, sizeof text, "%s%s%s%s: %s", run, kind, name[0] != 0 ? " " : "", name, wrong);
    verification->damaged(text, verification->context);
}

static void report_number(const struct verification *verification, const char *kind, uint64_t number,
                          const char *wrong)
{
    char name[24];
    snprintf(name, sizeof name, "%llu", (unsigned long long)number);
    report(verification, kind, name, wrong);
}

/* Calls check(...) for each record of a table. Returns 0 or TIDY_FAILED where the table cannot be read on. */
static int for_each_record(const struct verification *verification, enum tidylog_table table,
                           void (*check)(void *state, const MDB_val *key, const MDB_val *value), void *state)
{
    const struct tidylog_reader *reader = verification->reader;
    MDB_cursor *cursor;
    MDB_val key, value;
    int code = mdb_cursor_open(reader->txn, reader->store.tables[table], &cursor);
    if (code != 0)
        return store_fail(reader->store.path, "verify it", code);
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        check(state, &key, &value);
        ++*verification->checked;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? TIDY_OK : store_fail(reader->store.path, "verify it", code);
}

static void check_meta(void *state, const MDB_val *key, const MDB_val *value)
{
    const char *wrong = meta_verify(key, value);
    char name[META_NAME_ROOM], quoted[META_NAME_ROOM + 2];
    meta_name(name, key);
    snprintf(quoted, sizeof quoted, "'%s'", name);
    if (wrong != NULL)
        report(state, "meta", quoted, wrong);
}

/* Steps first..end-1. */
struct range {
    uint64_t first, end;
};

/* A walk through numbered records: which number is due. */
struct numbered_walk {
    const struct verification *verification;
    const char *kind;
    uint64_t due;
    uint64_t steps_before;        /* epochs: where the one before ends */
    struct step_decoder *decoder; /* steps: NULL where it is not known what the run is */
    uint64_t epoch;               /* steps: which the last one is in */
    const struct range *packed;   /* steps: [packed_count] those of packed epochs, which have no records */
    size_t packed_count, packed_passed;
    bool is_end;       /* steps: the last one was there */
    bool gaps_unknown; /* steps: some are packed, and it is not known which */
};

/* The epoch of a step that comes after those asked for before: what comes after the last record is in the next. */
static uint64_t epoch_of(struct numbered_walk *walk, uint64_t step)
{
    const struct tidylog_reader *reader = walk->verification->reader;
    if (reader->epochs == NULL)
        return STEP_EPOCH_UNKNOWN;
    while (walk->epoch < reader->epoch_count && step >= reader->steps_through[walk->epoch])
        walk->epoch++;
    return walk->epoch;
}

/* One line for the gap, however wide. */
static void report_gap(const struct numbered_walk *walk, uint64_t end)
{
    char wrong[64] = "missing";
    if (walk->is_end)
        snprintf(wrong, sizeof wrong, "missing, as is the rest of its epoch");
    else if (end > walk->due + 1)
        snprintf(wrong, sizeof wrong, "missing, as are all up to %llu", (unsigned long long)(end - 1));
    report_number(walk->verification, walk->kind, walk->due, wrong);
}

/* Reports what is missing before number `number`. */
static void pass_to(struct numbered_walk *walk, uint64_t number)
{
    if (walk->gaps_unknown && walk->due < number)
        walk->due = number;
    while (walk->due < number) {
        const struct range *packed = &walk->packed[walk->packed_passed];
        bool is_left = walk->packed_passed < walk->packed_count;
        if (is_left && walk->due >= packed->first) {
            walk->due = packed->end > walk->due ? packed->end : walk->due;
            walk->packed_passed++;
            continue;
        }
        uint64_t end = is_left && packed->first < number ? packed->first : number;
        report_gap(walk, end);
        walk->due = end;
    }
}

/* Reports a gap before `key`. Returns false where the key is none that could come now. */
static bool arrive(struct numbered_walk *walk, const MDB_val *key)
{
    uint64_t number = record_number(key);
    if (number != UINT64_MAX)
        pass_to(walk, number);
    if (number == UINT64_MAX || number < walk->due) {
        report(walk->verification, walk->kind, "", "a key that cannot be there");
        return false;
    }
    walk->due = number + 1;
    return true;
}

static void check_step(void *state, const MDB_val *key, const MDB_val *value)
{
    struct numbered_walk *walk = state;
    struct tidylog_observations observations;
    struct record record;
    if (!arrive(walk, key))
        return;
    uint64_t step = walk->due - 1;
    const char *wrong;
    if (walk->decoder != NULL)
        wrong = step_decode(walk->decoder, step, epoch_of(walk, step), key, value, &observations);
    else
        wrong = record_open(&record, key, value);
    if (wrong != NULL)
        report_number(walk->verification, walk->kind, step, wrong);
}

static void check_epoch(void *state, const MDB_val *key, const MDB_val *value)
{
    struct numbered_walk *walk = state;
    struct tidylog_epoch epoch;
    uint64_t through = 0;
    if (!arrive(walk, key))
        return;
    const char *wrong = epoch_decode(walk->due - 1, walk->steps_before, key, value, &epoch, &through);
    if (wrong != NULL)
        report_number(walk->verification, walk->kind, walk->due - 1, wrong);
    else
        walk->steps_before = through;
}

/* ---- packed epochs ---------------------------------------------------------------------------------------- */

/* A walk through the records of packed epochs. */
struct columns_walk {
    const struct verification *verification;
    bool known;  /* is it known what the run is? If not, there is only the checksum to go by */
    bool unread; /* and there were records */
    struct columns_layout layout;
    struct tidylog_order *order;
    struct columns_coder *coder;
    struct columns_past **pasts; /* [layout.blocks]; NULL: an earlier record of the block is damaged */
    struct columns_row codes;
    struct packing_levels levels; /* TIDYLOG_MARGIN only */
    uint16_t *labels;
    uint64_t epoch;       /* of the last record; UINT64_MAX: there was none */
    uint32_t block;       /* the next one due of it */
    struct range *packed; /* [packed_count] the steps that the epochs stand for */
    size_t packed_count, packed_capacity;
    int status;
};

static void report_block(const struct columns_walk *walk, uint64_t epoch, uint32_t block, const char *wrong)
{
    char name[64];
    snprintf(name, sizeof name, "of epoch %llu, block %lu", (unsigned long long)epoch, (unsigned long)block);
    report(walk->verification, "columns", name, wrong);
}

/* What comes after a record that cannot be read cannot be either. */
static void lose_block(struct columns_walk *walk, uint64_t epoch, uint32_t block, const char *why)
{
    char wrong[160];
    snprintf(wrong, sizeof wrong, "%s; nor can these samples be read in later packed epochs", why);
    report_block(walk, epoch, block, wrong);
    columns_past_destroy(walk->pasts[block]);
    walk->pasts[block] = NULL;
}

/* Reports what is missing of the epoch that ends. */
static void end_packed_epoch(struct columns_walk *walk)
{
    for (; walk->epoch != UINT64_MAX && walk->block < walk->layout.blocks; walk->block++) {
        if (walk->pasts[walk->block] != NULL)
            lose_block(walk, walk->epoch, walk->block, "missing");
    }
}

static void begin_packed_epoch(struct columns_walk *walk, uint64_t epoch)
{
    const struct tidylog_reader *reader = walk->verification->reader;
    end_packed_epoch(walk);
    walk->epoch = epoch;
    walk->block = 0;
    struct range steps = {.first = tidylog_order_steps_before(walk->order, epoch),
                          .end = tidylog_order_steps_before(walk->order, epoch + 1)};
    if (walk->status == TIDY_OK)
        walk->status = memory_grow(&walk->packed, &walk->packed_capacity, walk->packed_count + 1,
                                   sizeof *walk->packed, "packed epochs");
    if (walk->status == TIDY_OK)
        walk->packed[walk->packed_count++] = steps;
    if (reader->epochs == NULL)
        return;
    if (epoch >= reader->epoch_count)
        report_block(walk, epoch, 0, "its epoch is not finished");
    else if (!columns_can_pack(walk->layout.run, epoch) || reader->steps_through[epoch] != steps.end)
        report_block(walk, epoch, 0, "its epoch has other steps than can be packed");
}

static void check_columns(void *state, const MDB_val *key, const MDB_val *value)
{
    struct columns_walk *walk = state;
    struct record record;
    uint64_t epoch;
    uint32_t block;
    const char *wrong = record_open(&record, key, value);
    if (!walk->known) {
        walk->unread = true;
        if (wrong != NULL)
            report(walk->verification, "columns", "", wrong);
        return;
    }
    if (!columns_key_read(key, &epoch, &block) || block >= walk->layout.blocks || epoch == UINT64_MAX) {
        report(walk->verification, "columns", "", "a key that cannot be there");
        return;
    }
    if (epoch != walk->epoch)
        begin_packed_epoch(walk, epoch);
    for (; walk->block < block; walk->block++) {
        if (walk->pasts[walk->block] != NULL)
            lose_block(walk, epoch, walk->block, "missing");
    }
    walk->block = block + 1;
    if (walk->pasts[block] != NULL) {
        const uint16_t *labels = columns_block_labels(&walk->layout, block, walk->labels);
        wrong = columns_unpack_record(&walk->layout, walk->coder, epoch, block, value, labels, &walk->codes,
                                      walk->pasts[block]);
        if (wrong == NULL && walk->layout.shape.detail == TIDYLOG_MARGIN &&
            !step_codes_possible(&walk->codes, record.count, &walk->levels))
            wrong = COLUMNS_IMPOSSIBLE;
        if (wrong != NULL)
            lose_block(walk, epoch, block, wrong);
    } else if (wrong != NULL) {
        report_block(walk, epoch, block, wrong);
    }
}

static int begin_columns(struct columns_walk *walk, const struct verification *verification)
{
    static const char what[] = "a block of predictions";
    const struct tidylog_run *run = &verification->reader->run;
    struct columns_layout *layout = &walk->layout;
    *walk = (struct columns_walk){.verification = verification, .epoch = UINT64_MAX};
    /* What has no codes has nothing that can be packed: its columns are then only checksums, too. */
    walk->known = run->samples > 0 && run->detail <= TIDYLOG_MARGIN;
    if (!walk->known)
        return TIDY_OK;
    if (run->detail == TIDYLOG_MARGIN)
        packing_levels_fill(&walk->levels, run->classes, run->codes);
    int status = columns_layout_create(layout, run);
    if (status == TIDY_OK)
        status = tidylog_order_create(&walk->order, run);
    if (status == TIDY_OK)
        status = columns_coder_create(&walk->coder, &layout->shape);
    if (status == TIDY_OK)
        status = memory_allocate(&walk->pasts, layout->blocks, sizeof *walk->pasts, what);
    for (uint32_t block = 0; block < layout->blocks && status == TIDY_OK; block++)
        status = columns_past_create(&walk->pasts[block], &layout->shape, columns_block_count(layout, block));
    if (status == TIDY_OK)
        status = columns_row_allocate(&walk->codes, COLUMNS_BLOCK, run->detail);
    if (status == TIDY_OK)
        status = memory_allocate(&walk->labels, COLUMNS_BLOCK, sizeof *walk->labels, what);
    return status;
}

static void free_columns(struct columns_walk *walk)
{
    for (uint32_t block = 0; block < walk->layout.blocks && walk->pasts != NULL; block++)
        columns_past_destroy(walk->pasts[block]);
    free(walk->packed);
    free(walk->labels);
    columns_row_free(&walk->codes);
    free(walk->pasts);
    columns_coder_destroy(walk->coder);
    tidylog_order_destroy(walk->order);
    columns_layout_destroy(&walk->layout);
}

/* ---- runs -------------------------------------------------------------------------------------------------- */

static int verify_run(struct verification *verification)
{
    const struct tidylog_reader *reader = verification->reader;
    struct numbered_walk epochs = {.verification = verification, .kind = "epoch"};
    struct numbered_walk steps = {.verification = verification, .kind = "step"};
    struct columns_walk columns;
    int status = begin_columns(&columns, verification);
    /* Without the run's description, which is then among what is reported, there is only the checksum to go by. */
    if (status == TIDY_OK && reader->run.samples > 0)
        status = step_decoder_create(&steps.decoder, &reader->run);
    if (status == TIDY_OK)
        status = for_each_record(verification, TABLE_META, check_meta, verification);
    if (status == TIDY_OK)
        status = for_each_record(verification, TABLE_EPOCHS, check_epoch, &epochs);
    if (status == TIDY_OK)
        status = for_each_record(verification, TABLE_COLUMNS, check_columns, &columns);
    if (status == TIDY_OK) {
        end_packed_epoch(&columns);
        status = columns.status;
    }
    steps.packed = columns.packed;
    steps.packed_count = columns.packed_count;
    steps.gaps_unknown = columns.unread;
    if (status == TIDY_OK)
        status = for_each_record(verification, TABLE_STEPS, check_step, &steps);
    steps.is_end = true;
    if (status == TIDY_OK)
        pass_to(&steps, epochs.steps_before);
    step_decoder_destroy(steps.decoder);
    free_columns(&columns);
    return status;
}

int tidylog_verify(struct tidylog_reader *reader, void (*damaged)(const char *what, void *context), void *context,
                   uint64_t *checked)
{
    int status = pages_check_tables(reader->store.pages);
    *checked = 0;
    for (uint32_t run = 0; run < reader->store.runs && status == TIDY_OK; run++) {
        struct tidylog_reader view;
        struct verification verification = {
            .reader = &view, .number = run, .damaged = damaged, .context = context, .checked = checked};
        /* What of a record fails here is among what is reported; but without tables there is nothing to report
         * on. */
        (void)reader_view(&view, reader, run);
        status = store_open_tables(&view.store, view.txn, run);
        if (status == TIDY_OK)
            status = verify_run(&verification);
        reader_unload_run(&view);
    }
    return status;
}
