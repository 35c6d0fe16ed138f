/* Packed epochs: the records of the table `columns`, and what a walk through them needs. Internal to the log.
 *
 * The samples of the first split, in the order of their numbers, are cut into blocks; a packed epoch has one
 * record for each block and no steps. What a record says rests on those of the block's earlier packed epochs, so
 * each block is read from its first one on. */
#ifndef TIDY_COMMON_TIDYLOG_COLUMNS_H
#define TIDY_COMMON_TIDYLOG_COLUMNS_H

#include "common/columns.h"
#include "common/tidylog_format.h"

/* A record's key: epoch, u64, and block, u32, big endian. */
enum { COLUMNS_KEY_BYTES = 12 };
void columns_key(uint8_t key[COLUMNS_KEY_BYTES], uint64_t epoch, uint32_t block);

/* Returns false where it is no such key. */
bool columns_key_read(const MDB_val *key, uint64_t *epoch, uint32_t *block);

/* How the samples of a run lie in blocks. */
struct columns_layout {
    const struct tidylog_run *run;
    struct columns_shape shape;
    uint32_t count;    /* samples of the first split */
    uint32_t blocks;   /* that they fill */
    uint32_t *members; /* [count] their numbers, rising; NULL: they are 0, 1, ... */
};

/* `run` must outlive it. */
int columns_layout_create(struct columns_layout *out, const struct tidylog_run *run);
void columns_layout_destroy(struct columns_layout *layout);

/* Samples of a block. */
uint32_t columns_block_count(const struct columns_layout *layout, uint32_t block);

/* The labels of a block's samples: the run's own, or put into `room`. */
const uint16_t *columns_block_labels(const struct columns_layout *layout, uint32_t block,
                                     uint16_t room[COLUMNS_BLOCK]);

/* Can an epoch be packed at all: does its detail consist of codes, and does it train on the first split? */
bool columns_can_pack(const struct tidylog_run *run, uint64_t epoch);

/* Room for the codes of `count` predictions. Freed with columns_row_free, also after a failure. */
int columns_row_allocate(struct columns_row *out, uint32_t count, enum tidylog_detail detail);
void columns_row_free(struct columns_row *row);

/* The row from prediction `first` on. */
struct columns_row columns_row_from(const struct columns_row *row, uint32_t first);

/* Where the records of a run are. */
struct columns_source {
    MDB_txn *txn;
    MDB_dbi table;
    const bool *packed; /* by epoch, of those that are asked for */
    const char *path;   /* for messages */
};

/* Which of the epochs 0..epochs-1 are packed. Returns 0 or LMDB's error. */
int columns_find_packed(MDB_txn *txn, MDB_dbi table, uint64_t epochs, bool *packed);

/* Finds the record of a block in a packed epoch. */
int columns_find(const struct columns_source *source, uint64_t epoch, uint32_t block, MDB_val *value);

/* What is wrong with a record whose bytes mean nothing. */
#define COLUMNS_IMPOSSIBLE "its predictions are not possible (damaged value)"

/* Opens and unpacks a record, which is the next of its block; advances `past`. Returns NULL, or what is wrong:
 * static text that fits after "columns of epoch 7, block 0: ". */
const char *columns_unpack_record(const struct columns_layout *layout, struct columns_coder *coder, uint64_t epoch,
                                  uint32_t block, const MDB_val *value, const uint16_t *labels,
                                  const struct columns_row *row, struct columns_past *past);

/* tidy_fail for a damaged record. */
int columns_fail(const char *path, uint64_t epoch, uint32_t block, const char *wrong);

/* ---- whole epochs ---------------------------------------------------------------------------------------- */

/* All blocks on their way through the epochs, and the codes of one epoch. Memory: that of the codes (4 bytes a
 * sample with margins) and of what the codec keeps of each sample. */
struct columns_epoch;

/* `layout` must outlive it. */
int columns_epoch_create(struct columns_epoch **out, const struct columns_layout *layout);
void columns_epoch_destroy(struct columns_epoch *epoch);

/* Reads a packed epoch; those before it are passed through where they were not yet. */
int columns_epoch_read(struct columns_epoch *columns, const struct columns_source *source, uint64_t epoch);

/* Passes one block through the packed epochs before `epoch`. */
int columns_epoch_catch_up(struct columns_epoch *columns, const struct columns_source *source, uint64_t epoch,
                           uint32_t block);

/* Takes codes out, or puts them in, for the epoch's `count` samples. They are of the first split. */
void columns_epoch_get(const struct columns_epoch *columns, const uint32_t *samples, uint32_t count,
                       struct columns_row *out);
void columns_epoch_set(struct columns_epoch *columns, const uint32_t *samples, uint32_t count,
                       const struct columns_row *codes);

/* Makes the record of a block that has caught up, of the codes that were put in, and takes it for read. *value
 * lives until the next call. */
void columns_epoch_pack(struct columns_epoch *columns, uint64_t epoch, uint32_t block,
                        const uint8_t key[COLUMNS_KEY_BYTES], MDB_val *value);

/* As if nothing had been read. */
void columns_epoch_forget(struct columns_epoch *columns);

#endif
