/* Packed epochs block by block: a block's samples in one epoch after the other. */
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/tidylog_read.h"

struct tidylog_blocks {
    struct tidylog_reader *reader;
    uint64_t first_epoch, end_epoch;
    struct columns_coder *coder;

    /* Of the block. */
    uint32_t block;
    uint32_t count;
    const uint16_t *labels;
    uint32_t *samples;   /* [COLUMNS_BLOCK] */
    uint16_t *room;      /* [COLUMNS_BLOCK] for its labels */
    MDB_val *values;     /* [end_epoch] its records, of the epochs that are packed */
    uint64_t next_epoch; /* what `past` has passed */
    struct columns_past *past;
    uint32_t past_count; /* samples that it is for */

    struct columns_row codes;       /* [COLUMNS_BLOCK] */
    struct packing_columns numbers; /* [COLUMNS_BLOCK]; predicted is the codes' */
};

uint64_t tidylog_reader_packed_end(const struct tidylog_reader *reader, uint64_t first_epoch)
{
    uint64_t epoch = first_epoch;
    /* A reader is not const itself: what is found here is kept in it. */
    if (reader_find_packed((struct tidylog_reader *)reader) != TIDY_OK)
        return epoch;
    while (epoch < reader->epoch_count && reader->packed[epoch])
        epoch++;
    return epoch;
}

uint32_t tidylog_block_count(const struct tidylog_reader *reader)
{
    return reader_find_packed((struct tidylog_reader *)reader) == TIDY_OK ? reader->layout.blocks : 0;
}

static int allocate(struct tidylog_blocks *blocks)
{
    static const char what[] = "a block of predictions";
    const struct columns_layout *layout = &blocks->reader->layout;
    uint32_t most = layout->count < COLUMNS_BLOCK ? layout->count : COLUMNS_BLOCK;
    struct packing_columns *numbers = &blocks->numbers;
    int status = memory_allocate(&blocks->values, blocks->end_epoch, sizeof *blocks->values, what);
    if (status == TIDY_OK)
        status = columns_coder_create(&blocks->coder, &layout->shape);
    if (status == TIDY_OK)
        status = columns_row_allocate(&blocks->codes, most, layout->shape.detail);
    if (status == TIDY_OK)
        status = memory_allocate(&blocks->samples, most, sizeof *blocks->samples, what);
    if (status == TIDY_OK)
        status = memory_allocate(&blocks->room, most, sizeof *blocks->room, what);
    if (status == TIDY_OK && layout->shape.detail == TIDYLOG_MARGIN) {
        status = memory_allocate(&numbers->margin, (size_t)most * 3, sizeof *numbers->margin, what);
        numbers->loss = numbers->margin + most;
        numbers->confidence = numbers->loss + most;
    }
    return status;
}

int tidylog_blocks_begin(struct tidylog_blocks **out, struct tidylog_reader *reader, uint64_t first_epoch,
                         uint64_t end_epoch)
{
    struct tidylog_blocks *blocks;
    *out = NULL;
    if (first_epoch >= end_epoch)
        first_epoch = end_epoch = 0;
    int status = reader_find_packed(reader);
    if (status == TIDY_OK && first_epoch < end_epoch && tidylog_reader_packed_end(reader, first_epoch) < end_epoch)
        status = tidy_fail("%s: epoch %llu is not packed", reader->store.path,
                           (unsigned long long)tidylog_reader_packed_end(reader, first_epoch));
    if (status == TIDY_OK)
        status = reader_fill_tables(reader);
    if (status == TIDY_OK)
        status = memory_allocate(&blocks, 1, sizeof *blocks, "a reader of blocks");
    if (status != TIDY_OK)
        return status;
    *blocks = (struct tidylog_blocks){.reader = reader, .first_epoch = first_epoch, .end_epoch = end_epoch};
    blocks->next_epoch = end_epoch;
    status = allocate(blocks);
    if (status != TIDY_OK) {
        tidylog_blocks_end(blocks);
        return status;
    }
    *out = blocks;
    return TIDY_OK;
}

/* Finds the block's records; the snapshot is one that threads share. */
static int find_records(struct tidylog_blocks *blocks)
{
    struct tidylog_reader *reader = blocks->reader;
    struct columns_source source = reader_columns(reader);
    int status = TIDY_OK;
    pthread_mutex_lock(&reader->mutex);
    for (uint64_t epoch = 0; epoch < blocks->end_epoch && status == TIDY_OK; epoch++) {
        if (reader->packed[epoch])
            status = columns_find(&source, epoch, blocks->block, &blocks->values[epoch]);
    }
    pthread_mutex_unlock(&reader->mutex);
    return status;
}

/* A past of no epochs for the block; only the last block has another number of samples than the others. */
static int begin_past(struct tidylog_blocks *blocks)
{
    if (blocks->past != NULL && blocks->past_count == blocks->count) {
        columns_past_reset(blocks->past);
        return TIDY_OK;
    }
    columns_past_destroy(blocks->past);
    blocks->past = NULL;
    blocks->past_count = blocks->count;
    return columns_past_create(&blocks->past, &blocks->reader->layout.shape, blocks->count);
}

int tidylog_blocks_seek(struct tidylog_blocks *blocks, uint32_t block)
{
    const struct columns_layout *layout = &blocks->reader->layout;
    uint32_t first = block * COLUMNS_BLOCK;
    blocks->next_epoch = blocks->end_epoch;
    if (block >= layout->blocks)
        return tidy_fail("%s: there is no block %lu; an epoch has %lu", blocks->reader->store.path,
                         (unsigned long)block, (unsigned long)layout->blocks);
    blocks->block = block;
    blocks->count = columns_block_count(layout, block);
    blocks->labels = columns_block_labels(layout, block, blocks->room);
    for (uint32_t i = 0; i < blocks->count; i++)
        blocks->samples[i] = layout->members != NULL ? layout->members[first + i] : first + i;
    int status = find_records(blocks);
    if (status == TIDY_OK)
        status = begin_past(blocks);
    if (status == TIDY_OK)
        blocks->next_epoch = 0;
    return status;
}

int tidylog_blocks_next(struct tidylog_blocks *blocks, struct tidylog_observations *out)
{
    const struct tidylog_reader *reader = blocks->reader;
    const struct columns_layout *layout = &reader->layout;
    uint64_t epoch;
    do {
        epoch = blocks->next_epoch;
        if (epoch >= blocks->end_epoch)
            return 0;
        blocks->next_epoch++;
        if (!reader->packed[epoch])
            continue;
        const char *wrong =
            columns_unpack_record(layout, blocks->coder, epoch, blocks->block, &blocks->values[epoch],
                                  blocks->labels, &blocks->codes, blocks->past);
        if (wrong != NULL) {
            blocks->next_epoch = blocks->end_epoch;
            return columns_fail(reader->store.path, epoch, blocks->block, wrong);
        }
    } while (epoch < blocks->first_epoch);
    if (layout->shape.detail == TIDYLOG_MARGIN &&
        !packing_values(&blocks->numbers, blocks->codes.margin, blocks->codes.log_odds, blocks->count,
                        reader->tables)) {
        blocks->next_epoch = blocks->end_epoch;
        return columns_fail(reader->store.path, epoch, blocks->block, COLUMNS_IMPOSSIBLE);
    }
    *out = (struct tidylog_observations){.step = UINT64_MAX,
                                         .epoch = epoch,
                                         .count = blocks->count,
                                         .samples = blocks->samples,
                                         .labels = blocks->labels,
                                         .predicted = blocks->codes.predicted,
                                         .margin = blocks->numbers.margin,
                                         .loss = blocks->numbers.loss,
                                         .confidence = blocks->numbers.confidence};
    return 1;
}

void tidylog_blocks_end(struct tidylog_blocks *blocks)
{
    if (blocks == NULL)
        return;
    free(blocks->numbers.margin);
    free(blocks->room);
    free(blocks->samples);
    columns_row_free(&blocks->codes);
    columns_past_destroy(blocks->past);
    columns_coder_destroy(blocks->coder);
    free(blocks->values);
    free(blocks);
}
