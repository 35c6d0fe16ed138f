/* The entropy coder of packed epochs: range asymmetric numeral systems (Duda 2013, 'Asymmetric numeral systems:
 * entropy coding combining speed of Huffman coding with compression rate of arithmetic coding') with static
 * frequencies.
 *
 * Symbol i is coded by state i mod RANS_LANES, so that the states are one vector of 16 numbers (or two of 8),
 * and what is known of symbols i to i + 15 lies side by side. States are 32 bits wide, at least RANS_LOW, and
 * take in 16 bits where they would fall below: all lanes from one list of words, in the order of the symbols. */
#ifndef TIDY_COMMON_COLUMNS_RANS_H
#define TIDY_COMMON_COLUMNS_RANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RANS_LANES = 16,
    RANS_LOW = 1 << 16,
    RANS_CLASS_BITS = 12, /* of frequencies of class symbols */
    RANS_CODE_BITS = 9,   /* of frequencies of margin and log-odds codes */
    RANS_CLASS_CONTEXTS = 16,
    RANS_CODE_CONTEXTS = 16
};

/* What to predict of a class: the label, the wrong class that the sample was last given, or another wrong class. */
enum rans_class_symbol { RANS_RIGHT, RANS_AGAIN, RANS_OTHER };

/* Frequencies of a context's symbols, of a sum that is a power of two, and of all symbols before each. */
struct rans_model {
    uint16_t frequency[256], start[256]; /* set from `first` to `last` */
    uint8_t first, last;
};

/* Frequencies of RANS_AGAIN and RANS_OTHER by context, with a sum of at most 1 << RANS_CLASS_BITS; the rest is
 * RANS_RIGHT's. */
struct rans_class_model {
    uint16_t again[RANS_CLASS_CONTEXTS], other[RANS_CLASS_CONTEXTS];
};

/* The symbol of each slot: symbol | (frequency - 1) << 8 | (slot - start) << 20, [context << RANS_CODE_BITS |
 * slot]. */
enum { RANS_SLOTS = RANS_CODE_CONTEXTS << RANS_CODE_BITS };

/* The context of a code, by a byte that is known before it: min(max(known - low, 0) >> shift, last). */
struct rans_bins {
    uint8_t low, shift, last;
};

/* What is left to decode. */
struct rans_input {
    const uint8_t *at, *end; /* words */
    uint32_t states[RANS_LANES];
};

/* A column to decode. */
struct rans_column {
    uint8_t *symbols;
    const uint8_t
        *contexts;     /* below the contexts' number; NULL: by the bins, of the symbols of the column before */
    const void *model; /* struct rans_class_model, or uint32_t[RANS_SLOTS] */
    struct rans_bins bins;
    struct rans_input input;
};

/* Bytes that `count` symbols take at most. */
size_t rans_bound(uint32_t count);

/* Codes symbols[count], each with the model of its context: writes the number of words (u16), the states, the
 * words. `words` is room for `count` of them. Returns the end. */
uint8_t *rans_encode(uint8_t *out, const uint8_t *symbols, const uint8_t *contexts, uint32_t count,
                     const struct rans_model *models, unsigned bits, uint16_t *words);

/* Reads the states and where the words are. Returns where they end, or NULL where `in` has too few bytes. */
const uint8_t *rans_open(struct rans_input *input, const uint8_t *in, const uint8_t *end);

/* Is all decoded, and did the encoder begin where the states are now? */
bool rans_is_spent(const struct rans_input *input);

/* Decode symbols `first` (a multiple of RANS_LANES) to `end` - 1 of a column. Return false where the words end
 * too soon. */
bool rans_decode_classes_plain(struct rans_column *column, uint32_t first, uint32_t end);
bool rans_decode_codes_plain(struct rans_column *column, uint32_t first, uint32_t end);

/* What vector code does: decodes groups `first` to `end` - 1 of RANS_LANES symbols of the columns while each
 * column's input->at is at most its limit, reading up to RANS_LANES words from there. Returns the group that
 * comes next. */
typedef uint32_t rans_groups(struct rans_column *columns, const uint8_t *const *limits, uint32_t first,
                             uint32_t end);

/* Decodes the first `groups` groups of up to two columns together so that nothing behind their words is read.
 * Returns false where words end too soon. */
bool rans_decode_groups(rans_groups *decode, struct rans_column *columns, uint32_t column_count, uint32_t groups);

#endif
