/* What the files that pack and unpack a block's epoch share. */
#ifndef TIDY_COMMON_COLUMNS_PARTS_H
#define TIDY_COMMON_COLUMNS_PARTS_H

#include "common/columns.h"
#include "common/columns_kernels.h"

/* How a body begins. */
enum { COLUMNS_PLAIN, COLUMNS_CODED };

struct columns_past {
    struct columns_shape shape;
    uint32_t count;
    bool begun;       /* there was an epoch */
    uint16_t *last;   /* [count] the wrong class that was last predicted; the label where none was */
    uint8_t *history; /* [count] bit k: was the prediction k + 1 epochs ago wrong? */
    uint8_t *margin;  /* [count] codes ^ COLUMNS_SIGN, each averaged with what was there; NULL at TIDYLOG_CLASS */
};

struct columns_coder {
    const struct columns_kernels *kernels;
    uint8_t symbols[COLUMNS_BLOCK], contexts[COLUMNS_BLOCK]; /* of classes */
    uint8_t margins[COLUMNS_BLOCK];                          /* codes ^ COLUMNS_SIGN */
    uint8_t code_contexts[COLUMNS_BLOCK];
    /* At TIDYLOG_MARGIN, of the samples whose class is coded. */
    uint8_t coded_symbols[COLUMNS_BLOCK], coded_contexts[COLUMNS_BLOCK];
    uint16_t places[COLUMNS_BLOCK + COLUMNS_PLACES_BEHIND];
    uint16_t words[COLUMNS_BLOCK];
    struct rans_model models[RANS_CODE_CONTEXTS];
    uint32_t *slots; /* [2][RANS_SLOTS] and a few behind; NULL at TIDYLOG_CLASS */
};

/* The past after a row: by its classes, and by coder->margins. */
void columns_advance_classes(struct columns_past *past, const uint16_t *predicted, const uint16_t *labels);
void columns_advance_margins(const struct columns_coder *coder, struct columns_past *past);

static inline size_t columns_bytes_of_bits(size_t bits)
{
    return (bits + 7) / 8;
}

/* columns_plain.c: bodies that are as in a step, where coding does not pay. `in` is behind the first byte. */
size_t columns_plain_bytes(const struct columns_shape *shape, uint32_t count, size_t wrong);
size_t columns_pack_plain(uint8_t *out, const struct columns_row *row, const uint16_t *labels,
                          const struct columns_past *past);
int columns_unpack_plain(struct columns_coder *coder, const struct columns_row *row, const uint8_t *in,
                         const uint8_t *end, const uint16_t *labels, struct columns_past *past);

/* columns_classes.c: the classes of a coded body, which end it. At TIDYLOG_MARGIN coder->margins are the row's.
 * columns_pack_classes does not advance the past, columns_unpack_classes does. */
size_t columns_classes_bound(const struct columns_shape *shape, uint32_t count);
uint8_t *columns_pack_classes(struct columns_coder *coder, uint8_t *out, const struct columns_row *row,
                              const uint16_t *labels, const struct columns_past *past);
int columns_unpack_classes(struct columns_coder *coder, const struct columns_row *row, const uint8_t *in,
                           const uint8_t *end, const uint16_t *labels, struct columns_past *past);

#endif
