/* Packed epochs: keys, records, blocks. */
#include "common/tidylog_columns.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/tidylog_store.h"

void columns_key(uint8_t key[COLUMNS_KEY_BYTES], uint64_t epoch, uint32_t block)
{
    epoch = htobe64(epoch);
    block = htobe32(block);
    memcpy(key, &epoch, 8);
    memcpy(key + 8, &block, 4);
}

bool columns_key_read(const MDB_val *key, uint64_t *epoch, uint32_t *block)
{
    if (key->mv_size != COLUMNS_KEY_BYTES)
        return false;
    memcpy(epoch, key->mv_data, 8);
    memcpy(block, (const uint8_t *)key->mv_data + 8, 4);
    *epoch = be64toh(*epoch);
    *block = be32toh(*block);
    return true;
}

int columns_layout_create(struct columns_layout *out, const struct tidylog_run *run)
{
    *out = (struct columns_layout){.run = run, .shape = {.classes = run->classes, .detail = run->detail}};
    out->count = (uint32_t)run->samples;
    if (run->parts != NULL) {
        out->count = 0;
        for (uint64_t i = 0; i < run->samples; i++)
            out->count += run->parts[i] == TIDYLOG_FIRST_SPLIT;
        int status = memory_allocate(&out->members, out->count, sizeof *out->members, "the samples of blocks");
        if (status != TIDY_OK)
            return status;
        uint32_t count = 0;
        for (uint32_t i = 0; i < run->samples; i++) {
            if (run->parts[i] == TIDYLOG_FIRST_SPLIT)
                out->members[count++] = i;
        }
    }
    out->blocks = out->count / COLUMNS_BLOCK + (out->count % COLUMNS_BLOCK != 0);
    return TIDY_OK;
}

void columns_layout_destroy(struct columns_layout *layout)
{
    free(layout->members);
    layout->members = NULL;
}

uint32_t columns_block_count(const struct columns_layout *layout, uint32_t block)
{
    uint32_t left = layout->count - block * COLUMNS_BLOCK;
    return left < COLUMNS_BLOCK ? left : COLUMNS_BLOCK;
}

const uint16_t *columns_block_labels(const struct columns_layout *layout, uint32_t block,
                                     uint16_t room[COLUMNS_BLOCK])
{
    const uint16_t *labels = layout->run->labels;
    if (layout->members == NULL)
        return labels + (size_t)block * COLUMNS_BLOCK;
    const uint32_t *members = layout->members + (size_t)block * COLUMNS_BLOCK;
    for (uint32_t i = 0; i < columns_block_count(layout, block); i++)
        room[i] = labels[members[i]];
    return room;
}

bool columns_can_pack(const struct tidylog_run *run, uint64_t epoch)
{
    return run->detail <= TIDYLOG_MARGIN && (run->second_split == 0 || epoch < run->second_split);
}

int columns_row_allocate(struct columns_row *out, uint32_t count, enum tidylog_detail detail)
{
    static const char what[] = "a block of predictions";
    *out = (struct columns_row){0};
    int status = memory_allocate(&out->predicted, count, sizeof *out->predicted, what);
    if (status == TIDY_OK && detail == TIDYLOG_MARGIN)
        status = memory_allocate(&out->margin, count, sizeof *out->margin, what);
    if (status == TIDY_OK && detail == TIDYLOG_MARGIN)
        status = memory_allocate(&out->log_odds, count, sizeof *out->log_odds, what);
    return status;
}

void columns_row_free(struct columns_row *row)
{
    free(row->log_odds);
    free(row->margin);
    free(row->predicted);
    *row = (struct columns_row){0};
}

struct columns_row columns_row_from(const struct columns_row *row, uint32_t first)
{
    return (struct columns_row){.predicted = row->predicted + first,
                                .margin = row->margin != NULL ? row->margin + first : NULL,
                                .log_odds = row->log_odds != NULL ? row->log_odds + first : NULL};
}

int columns_find_packed(MDB_txn *txn, MDB_dbi table, uint64_t epochs, bool *packed)
{
    MDB_stat stat;
    int code = mdb_stat(txn, table, &stat);
    for (uint64_t epoch = 0; epoch < epochs; epoch++)
        packed[epoch] = false;
    for (uint64_t epoch = 0; epoch < epochs && code == 0 && stat.ms_entries > 0; epoch++) {
        uint8_t name[COLUMNS_KEY_BYTES];
        columns_key(name, epoch, 0);
        MDB_val key = {.mv_size = sizeof name, .mv_data = name}, value;
        code = mdb_get(txn, table, &key, &value);
        packed[epoch] = code == 0;
        code = code == MDB_NOTFOUND ? 0 : code;
    }
    return code;
}

int columns_fail(const char *path, uint64_t epoch, uint32_t block, const char *wrong)
{
    return tidy_fail("%s: columns of epoch %llu, block %lu: %s; 'tidy-analyze verify %s' lists all damage", path,
                     (unsigned long long)epoch, (unsigned long)block, wrong, path);
}

int columns_find(const struct columns_source *source, uint64_t epoch, uint32_t block, MDB_val *value)
{
    uint8_t name[COLUMNS_KEY_BYTES];
    columns_key(name, epoch, block);
    MDB_val key = {.mv_size = sizeof name, .mv_data = name};
    int code = mdb_get(source->txn, source->table, &key, value);
    if (code == MDB_NOTFOUND)
        return columns_fail(source->path, epoch, block, "missing (damaged file)");
    return code == 0 ? TIDY_OK : store_fail(source->path, "read its columns", code);
}

const char *columns_unpack_record(const struct columns_layout *layout, struct columns_coder *coder, uint64_t epoch,
                                  uint32_t block, const MDB_val *value, const uint16_t *labels,
                                  const struct columns_row *row, struct columns_past *past)
{
    uint8_t name[COLUMNS_KEY_BYTES];
    struct record record;
    columns_key(name, epoch, block);
    const MDB_val key = {.mv_size = sizeof name, .mv_data = name};
    const char *wrong = record_open(&record, &key, value);
    if (wrong != NULL)
        return wrong;
    if (record.flags != 0)
        return "it has a flag that this version does not know";
    if (block >= layout->blocks || record.count != columns_block_count(layout, block))
        return "its number of predictions is not what is due there (damaged value)";
    if (columns_unpack(coder, row, record.body, record.body_bytes, labels, past) != TIDY_OK)
        return COLUMNS_IMPOSSIBLE;
    return NULL;
}
