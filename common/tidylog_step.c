/* One step's record to observations. */
#include "common/tidylog_step.h"

#include <stdlib.h>

#include "common/error.h"
#include "common/little_endian.h"
#include "common/memory.h"
#include "common/packing.h"
#include "common/step_codes.h"
#include "common/tidylog_format.h"

struct step_decoder {
    const struct tidylog_run *run;
    struct tidylog_order *order;
    struct packing_tables *tables; /* TIDYLOG_MARGIN only */
    uint32_t *listed;              /* [largest step] samples of a step that lists them; as the others */
    uint16_t *labels;
    struct packing_columns columns;
    /* Of a step of a packed epoch. */
    struct columns_row codes;
    uint8_t *packed;
};

int step_decoder_create(struct step_decoder **out, const struct tidylog_run *run)
{
    static const char what[] = "a step's predictions";
    struct step_decoder *decoder;
    *out = NULL;
    int status = memory_allocate(&decoder, 1, sizeof *decoder, what);
    if (status != TIDY_OK)
        return status;
    size_t count = run->samples < run->batch_size ? (size_t)run->samples : run->batch_size;
    struct packing_columns *columns = &decoder->columns;
    decoder->run = run;
    status = tidylog_order_create(&decoder->order, run);
    if (status == TIDY_OK)
        status = memory_allocate(&decoder->listed, count, sizeof *decoder->listed, what);
    if (status == TIDY_OK)
        status = memory_allocate(&decoder->labels, count, sizeof *decoder->labels, what);
    if (status == TIDY_OK)
        status = memory_allocate(&columns->predicted, count, sizeof *columns->predicted, what);
    if (status == TIDY_OK && run->detail >= TIDYLOG_MARGIN) {
        status = memory_allocate(&columns->margin, count * 3, sizeof *columns->margin, what);
        columns->loss = columns->margin + count;
        columns->confidence = columns->loss + count;
    }
    if (status == TIDY_OK && run->detail == TIDYLOG_MARGIN) {
        status = memory_allocate(&decoder->tables, 1, sizeof *decoder->tables, what);
        if (status == TIDY_OK)
            packing_tables_fill(decoder->tables, run->classes, run->codes);
    }
    if (status == TIDY_OK && run->detail <= TIDYLOG_MARGIN)
        status = columns_row_allocate(&decoder->codes, (uint32_t)count, run->detail);
    if (status == TIDY_OK && run->detail <= TIDYLOG_MARGIN)
        status =
            memory_allocate(&decoder->packed, packing_bound((uint32_t)count, run->classes, run->detail), 1, what);
    if (status == TIDY_OK && run->detail >= TIDYLOG_PROBS)
        status = memory_allocate(&columns->log_probs, count * run->classes, sizeof *columns->log_probs, what);
    if (status != TIDY_OK) {
        step_decoder_destroy(decoder);
        return status;
    }
    *out = decoder;
    return TIDY_OK;
}

void step_decoder_destroy(struct step_decoder *decoder)
{
    if (decoder == NULL)
        return;
    free(decoder->packed);
    columns_row_free(&decoder->codes);
    free(decoder->columns.log_probs);
    free(decoder->tables);
    free(decoder->columns.margin);
    free(decoder->columns.predicted);
    free(decoder->labels);
    free(decoder->listed);
    tidylog_order_destroy(decoder->order);
    free(decoder);
}

/* Takes the list of samples from the body's start. */
static const char *read_listed(struct step_decoder *decoder, struct record *record)
{
    size_t bytes = (size_t)record->count * 4;
    if (record->count < 1 || record->count > decoder->run->batch_size || record->count > decoder->run->samples ||
        record->body_bytes < bytes)
        return "its number of predictions is not possible (damaged value)";
    for (uint32_t i = 0; i < record->count; i++) {
        decoder->listed[i] = load_u32(record->body + (size_t)i * 4);
        if (decoder->listed[i] >= decoder->run->samples)
            return "it lists a sample that does not exist (damaged value)";
    }
    record->body += bytes;
    record->body_bytes -= bytes;
    return NULL;
}

const char *step_open(struct step_decoder *decoder, uint64_t step, uint64_t epoch, const MDB_val *key,
                      const MDB_val *value, struct tidylog_due *done, struct record *record)
{
    const char *wrong = record_open(record, key, value);
    if (wrong != NULL)
        return wrong;
    if ((record->flags & ~RECORD_LISTS_SAMPLES) != 0)
        return "it has a flag that this version does not know";
    if ((record->flags & RECORD_LISTS_SAMPLES) != 0) {
        *done = (struct tidylog_due){.epoch = epoch, .samples = decoder->listed, .count = record->count};
        return read_listed(decoder, record);
    }
    tidylog_order_step(decoder->order, step, done);
    if (done->count != record->count || (done->epoch != epoch && epoch != STEP_EPOCH_UNKNOWN))
        return "its number of predictions is not what is due there (damaged value)";
    return NULL;
}

const char *step_decode(struct step_decoder *decoder, uint64_t step, uint64_t epoch, const MDB_val *key,
                        const MDB_val *value, struct tidylog_observations *out)
{
    const struct tidylog_run *run = decoder->run;
    struct tidylog_due done;
    struct record record;
    const char *wrong = step_open(decoder, step, epoch, key, value, &done, &record);
    if (wrong != NULL)
        return wrong;
    for (uint32_t i = 0; i < record.count; i++)
        decoder->labels[i] = run->labels[done.samples[i]];
    const struct packing_columns *columns = &decoder->columns;
    if (packing_unpack(columns, record.body, record.body_bytes, decoder->labels, record.count, run->classes,
                       run->detail, decoder->tables) != TIDY_OK)
        return "its predictions are not possible (damaged value)";
    *out = (struct tidylog_observations){.step = step,
                                         .epoch = epoch,
                                         .evaluated = done.evaluated,
                                         .count = record.count,
                                         .samples = done.samples,
                                         .labels = decoder->labels,
                                         .predicted = columns->predicted,
                                         .margin = columns->margin,
                                         .loss = columns->loss,
                                         .confidence = columns->confidence,
                                         .log_probs = columns->log_probs};
    return NULL;
}

/* Takes the step's codes and labels. */
static const char *gather(struct step_decoder *decoder, uint64_t step, uint64_t epoch,
                          const struct columns_epoch *columns, struct tidylog_due *due)
{
    tidylog_order_step(decoder->order, step, due);
    if (due->epoch != epoch || due->evaluated)
        return "its epoch is packed, and has other steps than are due (damaged file)";
    columns_epoch_get(columns, due->samples, due->count, &decoder->codes);
    for (uint32_t i = 0; i < due->count; i++)
        decoder->labels[i] = decoder->run->labels[due->samples[i]];
    return NULL;
}

const char *step_open_packed(struct step_decoder *decoder, uint64_t step, uint64_t epoch,
                             const struct columns_epoch *columns, struct tidylog_due *done, struct record *record)
{
    const struct tidylog_run *run = decoder->run;
    const char *wrong = gather(decoder, step, epoch, columns, done);
    if (wrong != NULL)
        return wrong;
    *record = (struct record){.count = done->count, .body = decoder->packed};
    record->body_bytes =
        step_codes_write(decoder->packed, &decoder->codes, decoder->labels, done->count, run->classes, run->detail);
    return NULL;
}

const char *step_decode_packed(struct step_decoder *decoder, uint64_t step, uint64_t epoch,
                               const struct columns_epoch *columns, struct tidylog_observations *out)
{
    struct tidylog_due due;
    const char *wrong = gather(decoder, step, epoch, columns, &due);
    if (wrong != NULL)
        return wrong;
    if (decoder->run->detail == TIDYLOG_MARGIN &&
        !packing_values(&decoder->columns, decoder->codes.margin, decoder->codes.log_odds, due.count,
                        decoder->tables))
        return "its predictions are not possible (damaged value)";
    *out = (struct tidylog_observations){.step = step,
                                         .epoch = epoch,
                                         .count = due.count,
                                         .samples = due.samples,
                                         .labels = decoder->labels,
                                         .predicted = decoder->codes.predicted,
                                         .margin = decoder->columns.margin,
                                         .loss = decoder->columns.loss,
                                         .confidence = decoder->columns.confidence};
    return NULL;
}
