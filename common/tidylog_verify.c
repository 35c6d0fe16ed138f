/* Verification: every record of every table, one line for each bad one. */
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/tidylog_format.h"
#include "common/tidylog_meta.h"
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

/* Values of no kind that this version knows still have a checksum. */
static void check_column(void *state, const MDB_val *key, const MDB_val *value)
{
    struct record record;
    const char *wrong = record_open(&record, key, value);
    if (wrong != NULL)
        report(state, "columns", "", wrong);
}

/* A walk through numbered records: which number is due. */
struct numbered_walk {
    const struct verification *verification;
    const char *kind;
    uint64_t due;
    uint64_t steps_before;        /* epochs: where the one before ends */
    struct step_decoder *decoder; /* steps: NULL where it is not known what the run is */
    uint64_t epoch;               /* steps: which the last one is in */
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

/* Reports a gap before `key`. Returns false where the key is none that could come now. */
static bool arrive(struct numbered_walk *walk, const MDB_val *key)
{
    uint64_t number = record_number(key);
    if (number == UINT64_MAX || number < walk->due) {
        report(walk->verification, walk->kind, "", "a key that cannot be there");
        return false;
    }
    if (number > walk->due) {
        /* One line for the gap, however wide. */
        char wrong[64] = "missing";
        if (number > walk->due + 1)
            snprintf(wrong, sizeof wrong, "missing, as are all up to %llu", (unsigned long long)(number - 1));
        report_number(walk->verification, walk->kind, walk->due, wrong);
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

static int verify_run(struct verification *verification)
{
    const struct tidylog_reader *reader = verification->reader;
    struct numbered_walk epochs = {.verification = verification, .kind = "epoch"};
    struct numbered_walk steps = {.verification = verification, .kind = "step"};
    int status = TIDY_OK;
    /* Without the run's description, which is then among what is reported, there is only the checksum to go by. */
    if (reader->run.samples > 0)
        status = step_decoder_create(&steps.decoder, &reader->run);
    if (status == TIDY_OK)
        status = for_each_record(verification, TABLE_META, check_meta, verification);
    if (status == TIDY_OK)
        status = for_each_record(verification, TABLE_EPOCHS, check_epoch, &epochs);
    if (status == TIDY_OK)
        status = for_each_record(verification, TABLE_STEPS, check_step, &steps);
    if (status == TIDY_OK)
        status = for_each_record(verification, TABLE_COLUMNS, check_column, verification);
    if (status == TIDY_OK && epochs.steps_before > steps.due)
        report_number(verification, "step", steps.due, "missing, as is the rest of its epoch");
    step_decoder_destroy(steps.decoder);
    return status;
}

int tidylog_verify(struct tidylog_reader *reader, void (*damaged)(const char *what, void *context), void *context,
                   uint64_t *checked)
{
    int status = TIDY_OK;
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
