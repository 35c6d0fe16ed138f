/* Whole packed epochs: all blocks on their way through the epochs. */
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/tidylog_columns.h"

struct block {
    struct columns_past *past;
    uint64_t next; /* the epochs before this one are in it */
};

struct columns_epoch {
    const struct columns_layout *layout;
    struct columns_coder *coder;
    struct block *blocks;    /* [layout->blocks] */
    struct columns_row row;  /* [layout->count] */
    struct columns_row room; /* [COLUMNS_BLOCK] of epochs that are passed through */
    uint16_t *labels;        /* [COLUMNS_BLOCK] */
    uint32_t *places;        /* [samples] each one's place among the members; NULL where that is its number */
    uint8_t *value;          /* the record that is being made */
};

/* Where each sample stands in the row, where that is not its number. */
static int find_places(struct columns_epoch *columns)
{
    const struct columns_layout *layout = columns->layout;
    if (layout->members == NULL)
        return TIDY_OK;
    int status =
        memory_allocate(&columns->places, layout->run->samples, sizeof *columns->places, "the samples of blocks");
    for (uint32_t i = 0; i < layout->count && status == TIDY_OK; i++)
        columns->places[layout->members[i]] = i;
    return status;
}

int columns_epoch_create(struct columns_epoch **out, const struct columns_layout *layout)
{
    static const char what[] = "an epoch's predictions";
    struct columns_epoch *columns;
    const struct columns_shape *shape = &layout->shape;
    uint32_t largest = layout->count < COLUMNS_BLOCK ? layout->count : COLUMNS_BLOCK;
    *out = NULL;
    int status = memory_allocate(&columns, 1, sizeof *columns, what);
    if (status != TIDY_OK)
        return status;
    columns->layout = layout;
    status = memory_allocate(&columns->blocks, layout->blocks, sizeof *columns->blocks, what);
    if (status == TIDY_OK)
        status = columns_coder_create(&columns->coder, shape);
    for (uint32_t block = 0; block < layout->blocks && status == TIDY_OK; block++)
        status = columns_past_create(&columns->blocks[block].past, shape, columns_block_count(layout, block));
    if (status == TIDY_OK)
        status = columns_row_allocate(&columns->row, layout->count, shape->detail);
    if (status == TIDY_OK)
        status = columns_row_allocate(&columns->room, largest, shape->detail);
    if (status == TIDY_OK)
        status = memory_allocate(&columns->labels, COLUMNS_BLOCK, sizeof *columns->labels, what);
    if (status == TIDY_OK)
        status = memory_allocate(&columns->value, RECORD_HEADER_BYTES + columns_bound(shape, largest), 1, what);
    if (status == TIDY_OK)
        status = find_places(columns);
    if (status != TIDY_OK) {
        columns_epoch_destroy(columns);
        return status;
    }
    *out = columns;
    return TIDY_OK;
}

void columns_epoch_destroy(struct columns_epoch *columns)
{
    if (columns == NULL)
        return;
    for (uint32_t block = 0; block < columns->layout->blocks && columns->blocks != NULL; block++)
        columns_past_destroy(columns->blocks[block].past);
    free(columns->blocks);
    columns_coder_destroy(columns->coder);
    columns_row_free(&columns->row);
    columns_row_free(&columns->room);
    free(columns->places);
    free(columns->labels);
    free(columns->value);
    free(columns);
}

/* As if nothing of the block had been read. */
static void forget_block(struct block *block)
{
    columns_past_reset(block->past);
    block->next = 0;
}

void columns_epoch_forget(struct columns_epoch *columns)
{
    for (uint32_t block = 0; block < columns->layout->blocks; block++)
        forget_block(&columns->blocks[block]);
}

/* Unpacks the block's record in `epoch`, which is its next packed one. */
static int read_record(struct columns_epoch *columns, const struct columns_source *source, uint64_t epoch,
                       uint32_t number, const uint16_t *labels, struct columns_row *row)
{
    struct block *block = &columns->blocks[number];
    MDB_val value;
    int status = columns_find(source, epoch, number, &value);
    if (status != TIDY_OK)
        return status;
    const char *wrong =
        columns_unpack_record(columns->layout, columns->coder, epoch, number, &value, labels, row, block->past);
    if (wrong != NULL) {
        forget_block(block);
        return columns_fail(source->path, epoch, number, wrong);
    }
    block->next = epoch + 1;
    return TIDY_OK;
}

int columns_epoch_catch_up(struct columns_epoch *columns, const struct columns_source *source, uint64_t epoch,
                           uint32_t number)
{
    struct block *block = &columns->blocks[number];
    const uint16_t *labels = columns_block_labels(columns->layout, number, columns->labels);
    int status = TIDY_OK;
    if (block->next > epoch)
        forget_block(block);
    for (uint64_t before = block->next; before < epoch && status == TIDY_OK; before++) {
        if (source->packed[before])
            status = read_record(columns, source, before, number, labels, &columns->room);
    }
    return status;
}

int columns_epoch_read(struct columns_epoch *columns, const struct columns_source *source, uint64_t epoch)
{
    int status = TIDY_OK;
    for (uint32_t number = 0; number < columns->layout->blocks && status == TIDY_OK; number++) {
        status = columns_epoch_catch_up(columns, source, epoch, number);
        struct columns_row row = columns_row_from(&columns->row, number * COLUMNS_BLOCK);
        if (status == TIDY_OK)
            status = read_record(columns, source, epoch, number,
                                 columns_block_labels(columns->layout, number, columns->labels), &row);
    }
    return status;
}

void columns_epoch_get(const struct columns_epoch *columns, const uint32_t *samples, uint32_t count,
                       struct columns_row *out)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = columns->places != NULL ? columns->places[samples[i]] : samples[i];
        out->predicted[i] = columns->row.predicted[place];
        if (columns->row.margin != NULL) {
            out->margin[i] = columns->row.margin[place];
            out->log_odds[i] = columns->row.log_odds[place];
        }
    }
}

void columns_epoch_set(struct columns_epoch *columns, const uint32_t *samples, uint32_t count,
                       const struct columns_row *codes)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = columns->places != NULL ? columns->places[samples[i]] : samples[i];
        columns->row.predicted[place] = codes->predicted[i];
        if (columns->row.margin != NULL) {
            columns->row.margin[place] = codes->margin[i];
            columns->row.log_odds[place] = codes->log_odds[i];
        }
    }
}

void columns_epoch_pack(struct columns_epoch *columns, uint64_t epoch, uint32_t number,
                        const uint8_t key[COLUMNS_KEY_BYTES], MDB_val *value)
{
    const struct columns_layout *layout = columns->layout;
    struct block *block = &columns->blocks[number];
    struct columns_row row = columns_row_from(&columns->row, number * COLUMNS_BLOCK);
    uint32_t count = columns_block_count(layout, number);
    const uint16_t *labels = columns_block_labels(layout, number, columns->labels);
    size_t bytes = RECORD_HEADER_BYTES +
                   columns_pack(columns->coder, columns->value + RECORD_HEADER_BYTES, &row, labels, block->past);
    record_seal(columns->value, bytes, key, COLUMNS_KEY_BYTES, 0, count);
    block->next = epoch + 1;
    *value = (MDB_val){.mv_size = bytes, .mv_data = columns->value};
}
