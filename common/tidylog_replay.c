/* Replay: the steps of finished epochs, one after the other. */
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/tidylog_format.h"
#include "common/tidylog_read.h"
#include "common/tidylog_step.h"

struct tidylog_replay {
    struct tidylog_reader *reader;
    struct step_decoder *decoder;
    MDB_cursor *cursor;
    uint64_t epoch, end_epoch;     /* of the next step; first not to replay */
    uint64_t step;                 /* the next one */
    bool positioned;               /* the cursor stands before the next step */
    struct columns_epoch *columns; /* NULL: no packed epoch was reached yet */
    uint64_t columns_end;          /* the epoch that they have read, and one */
};

int tidylog_replay_begin(struct tidylog_replay **out, struct tidylog_reader *reader, uint64_t first_epoch,
                         uint64_t end_epoch)
{
    struct tidylog_replay *replay;
    *out = NULL;
    int status = memory_allocate(&replay, 1, sizeof *replay, "a replay");
    if (status != TIDY_OK)
        return status;
    replay->reader = reader;
    replay->epoch = first_epoch;
    replay->end_epoch = end_epoch < reader->epoch_count ? end_epoch : reader->epoch_count;
    if (first_epoch > 0 && first_epoch < replay->end_epoch)
        replay->step = reader->steps_through[first_epoch - 1];
    status = step_decoder_create(&replay->decoder, &reader->run);
    if (status == TIDY_OK)
        status = reader_find_packed(reader);
    if (status == TIDY_OK) {
        int code = mdb_cursor_open(reader->txn, reader->store.tables[TABLE_STEPS], &replay->cursor);
        if (code != 0)
            status = store_fail(reader->store.path, "read its steps", code);
    }
    if (status != TIDY_OK) {
        tidylog_replay_end(replay);
        return status;
    }
    *out = replay;
    return TIDY_OK;
}

/* The next step, which is in a packed epoch. */
static int next_packed(struct tidylog_replay *replay, struct tidylog_observations *out)
{
    struct tidylog_reader *reader = replay->reader;
    int status = TIDY_OK;
    replay->positioned = false;
    if (replay->columns == NULL)
        status = columns_epoch_create(&replay->columns, &reader->layout);
    if (status == TIDY_OK && replay->columns_end != replay->epoch + 1) {
        struct columns_source source = reader_columns(reader);
        status = columns_epoch_read(replay->columns, &source, replay->epoch);
    }
    if (status != TIDY_OK)
        return status;
    replay->columns_end = replay->epoch + 1;
    const char *wrong = step_decode_packed(replay->decoder, replay->step, replay->epoch, replay->columns, out);
    return wrong == NULL ? 1 : reader_fail(reader, "step", replay->step, wrong);
}

/* The next step, which has a record. */
static int next_recorded(struct tidylog_replay *replay, struct tidylog_observations *out)
{
    struct tidylog_reader *reader = replay->reader;
    uint8_t wanted[NUMBER_KEY_BYTES];
    if (!replay->positioned) {
        int status = reader_check_table(reader, TABLE_STEPS);
        if (status != TIDY_OK)
            return status;
    }
    record_number_key(wanted, replay->step);
    MDB_val key = {.mv_size = sizeof wanted, .mv_data = wanted}, value;
    int code = mdb_cursor_get(replay->cursor, &key, &value, replay->positioned ? MDB_NEXT : MDB_SET_KEY);
    replay->positioned = true;
    if (code != 0 && code != MDB_NOTFOUND)
        return store_fail(reader->store.path, "read its steps", code);
    if (code == MDB_NOTFOUND || record_number(&key) != replay->step)
        return reader_fail(reader, "step", replay->step, "missing (damaged file)");
    const char *wrong = step_decode(replay->decoder, replay->step, replay->epoch, &key, &value, out);
    return wrong == NULL ? 1 : reader_fail(reader, "step", replay->step, wrong);
}

int tidylog_replay_next(struct tidylog_replay *replay, struct tidylog_observations *out)
{
    const struct tidylog_reader *reader = replay->reader;
    if (replay->epoch >= replay->end_epoch)
        return 0;
    int more = reader->packed[replay->epoch] ? next_packed(replay, out) : next_recorded(replay, out);
    if (more != 1)
        return more;
    replay->step++;
    if (replay->step == reader->steps_through[replay->epoch])
        replay->epoch++;
    return 1;
}

void tidylog_replay_end(struct tidylog_replay *replay)
{
    if (replay == NULL)
        return;
    if (replay->cursor != NULL)
        mdb_cursor_close(replay->cursor);
    columns_epoch_destroy(replay->columns);
    step_decoder_destroy(replay->decoder);
    free(replay);
}
