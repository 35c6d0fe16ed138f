/* The log's records: header, checksum, keys. */
#include "common/tidylog_format.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

/* Compiled in, because the size of its state is not part of the library's binary interface. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/little_endian.h"
#include "common/tidylog.h"

const char *const table_names[] = {"meta", "steps", "epochs", "columns"};

void table_name(char name[TABLE_NAME_ROOM], enum tidylog_table table, uint32_t run)
{
    const char *first = table_names[table];
    if (run == 0)
        snprintf(name, TABLE_NAME_ROOM, "%s", first);
    else
        snprintf(name, TABLE_NAME_ROOM, "%s:%u", first, run % MOST_RUNS);
}

void record_number_key(uint8_t key[NUMBER_KEY_BYTES], uint64_t number)
{
    number = htobe64(number);
    memcpy(key, &number, NUMBER_KEY_BYTES);
}

uint64_t record_number(const MDB_val *key)
{
    uint64_t number;
    if (key->mv_size != NUMBER_KEY_BYTES)
        return UINT64_MAX;
    memcpy(&number, key->mv_data, NUMBER_KEY_BYTES);
    return be64toh(number);
}

/* Of the key, so that a value cannot pass for another's, and of all of the value that follows the checksum. */
static uint64_t checksum(const void *key, size_t key_bytes, const uint8_t *value, size_t bytes)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, key, key_bytes);
    XXH3_64bits_update(&state, value + 8, bytes - 8);
    return XXH3_64bits_digest(&state);
}

void record_seal(uint8_t *value, size_t bytes, const void *key, size_t key_bytes, uint8_t flags, uint32_t count)
{
    value[8] = TIDYLOG_FORMAT_VERSION;
    value[9] = flags;
    store_u16(value + 10, 0);
    store_u32(value + 12, count);
    store_u64(value, checksum(key, key_bytes, value, bytes));
}

const char *record_open(struct record *out, const MDB_val *key, const MDB_val *value)
{
    const uint8_t *at = value->mv_data;
    if (value->mv_size < RECORD_HEADER_BYTES)
        return "shorter than its header (damaged value)";
    /* Version by version this much stays as it is, so that damage and a newer version can be told apart. */
    if (load_u64(at) != checksum(key->mv_data, key->mv_size, at, value->mv_size))
        return "checksum mismatch (damaged value)";
    if (at[8] > TIDYLOG_FORMAT_VERSION)
        return "written by a newer version of TIDY: update this one to read it";
    if (at[8] == 0 || load_u16(at + 10) != 0)
        return "its header is not possible (damaged value)";
    *out = record_parts(value);
    return NULL;
}

struct record record_parts(const MDB_val *value)
{
    const uint8_t *at = value->mv_data;
    return (struct record){.flags = at[9],
                           .count = load_u32(at + 12),
                           .body = at + RECORD_HEADER_BYTES,
                           .body_bytes = value->mv_size - RECORD_HEADER_BYTES};
}

void epoch_encode(uint8_t body[EPOCH_BODY_BYTES], const struct tidylog_epoch *epoch, uint64_t steps_through)
{
    store_u64(body, steps_through);
    store_f64(body + 8, epoch->loss);
    store_f64(body + 16, epoch->accuracy);
    store_f64(body + 24, epoch->test_accuracy);
    store_f64(body + 32, epoch->learning_rate);
    store_f64(body + 40, epoch->seconds);
}

uint32_t record_count(const MDB_val *value)
{
    return value->mv_size < RECORD_HEADER_BYTES ? 0 : load_u32((const uint8_t *)value->mv_data + 12);
}
