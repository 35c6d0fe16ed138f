/* The log's records: what docs/log-format.md says of every value, whatever its table. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_FORMAT_H
#define TIDY_COMMON_TIDYLOG_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include <lmdb.h>

/* What is written; 1, which has no codes and no columns, is read as well. */
enum { TIDYLOG_FORMAT_VERSION = 2 };

/* A run's tables, which are LMDB's named databases; indices into table_names. */
enum tidylog_table { TABLE_META, TABLE_STEPS, TABLE_EPOCHS, TABLE_COLUMNS };
extern const char *const table_names[];

/* The most runs of a file, and what their tables' names need: run 0 has the names above, run 2 "meta:2", ... */
enum { MOST_RUNS = 64, TABLE_NAME_ROOM = 16 };
void table_name(char name[TABLE_NAME_ROOM], enum tidylog_table table, uint32_t run);

/* Every value starts with: u64 checksum, u8 version, u8 flags, u16 zero, u32 count. */
enum { RECORD_HEADER_BYTES = 16 };

/* Flag of a step: its body starts with the samples' indices, count u32, because no seed gives them. */
enum { RECORD_LISTS_SAMPLES = 1 };

/* The body of an epoch: u64 steps of the run through its end, then five f64. */
enum { EPOCH_BODY_BYTES = 48 };
struct tidylog_epoch;
void epoch_encode(uint8_t body[EPOCH_BODY_BYTES], const struct tidylog_epoch *epoch, uint64_t steps_through);

/* Steps and epochs are keyed by their number, 8 bytes big endian, so that LMDB's order is theirs. */
enum { NUMBER_KEY_BYTES = 8 };
void record_number_key(uint8_t key[NUMBER_KEY_BYTES], uint64_t number);

/* A record's parts; body points into the value. */
struct record {
    uint8_t flags;
    uint32_t count;
    const uint8_t *body;
    size_t body_bytes;
};

/* Writes the header of a value whose body already stands at value + RECORD_HEADER_BYTES. */
void record_seal(uint8_t *value, size_t bytes, const void *key, size_t key_bytes, uint8_t flags, uint32_t count);

/* Checks checksum and version. Returns NULL, or what is wrong: static text that fits after "step 7: ". */
const char *record_open(struct record *out, const MDB_val *key, const MDB_val *value);

/* The parts of a value that record_open has accepted before. */
struct record record_parts(const MDB_val *value);

/* What the value counts, unchecked; 0 where it has no header. */
uint32_t record_count(const MDB_val *value);

/* The number of a key of 8 bytes; UINT64_MAX, which no record has, where it has another length. */
uint64_t record_number(const MDB_val *key);

#endif
