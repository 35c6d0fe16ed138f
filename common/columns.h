/* Packing of an epoch by sample: the body of a record of the table `columns`, docs/log-format.md, section
 * "columns".
 *
 * A block is up to COLUMNS_BLOCK samples in the order of their numbers. Its predictions of one epoch, which
 * steps hold in the order of training, are coded together, given what the block's earlier packed epochs tell of
 * each sample: a sample that was right is mostly right again, and its margin is near the one before. So a
 * block's epochs are packed and unpacked in order from its first one on, with one columns_past that begins with
 * nothing. Coded are the codes that steps hold (common/packing.h): nothing is lost. */
#ifndef TIDY_COMMON_COLUMNS_H
#define TIDY_COMMON_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "common/tidylog.h"

/* The most samples of a block. */
enum { COLUMNS_BLOCK = 16384 };

/* What all blocks of a run share. */
struct columns_shape {
    uint32_t classes;           /* at most 65536 */
    enum tidylog_detail detail; /* TIDYLOG_CLASS or TIDYLOG_MARGIN */
};

/* One epoch of a block, in the order of the block's samples. */
struct columns_row {
    uint16_t *predicted; /* [count] classes */
    int8_t *margin;      /* [count] codes; NULL at TIDYLOG_CLASS, as log_odds */
    uint8_t *log_odds;   /* [count] codes */
};

/* What a block's earlier packed epochs tell of each sample: at most 4 bytes a sample. `count` is at most
 * COLUMNS_BLOCK. */
struct columns_past;
int columns_past_create(struct columns_past **out, const struct columns_shape *shape, uint32_t count);
void columns_past_reset(struct columns_past *past); /* to no earlier epoch */
void columns_past_destroy(struct columns_past *past);

/* Working memory of one thread (about 0.3 MB at TIDYLOG_MARGIN), for any block of the run. */
struct columns_coder;
int columns_coder_create(struct columns_coder **out, const struct columns_shape *shape);
void columns_coder_destroy(struct columns_coder *coder);

/* Unpacks with the kernels of this name, "plain", "AVX2" or "AVX-512", in place of the machine's fastest, which
 * give the same: for tests and measurements. Returns TIDY_FAILED, without a message, where the machine cannot
 * run them. */
int columns_coder_use(struct columns_coder *coder, const char *kernels);

/* Bytes that a row of `count` samples takes at most. */
size_t columns_bound(const struct columns_shape *shape, uint32_t count);

/* Packs the row of the block's next epoch, and advances `past` by it. out has columns_bound bytes; labels are
 * the block's ([count], below classes, the same at every epoch), classes in the row are below `classes`. Returns
 * the bytes written. */
size_t columns_pack(struct columns_coder *coder, uint8_t *out, const struct columns_row *row,
                    const uint16_t *labels, struct columns_past *past);

/* Unpacks `bytes` bytes into the arrays of `row`, and advances `past`. Returns 0, or TIDY_FAILED without a message
 * where the bytes are not possible (the caller knows the record and says so); `past` is then good for
 * columns_past_reset only. Safe on any bytes; classes are below `classes`, but of codes any may come. */
int columns_unpack(struct columns_coder *coder, const struct columns_row *row, const uint8_t *in, size_t bytes,
                   const uint16_t *labels, struct columns_past *past);

#endif
