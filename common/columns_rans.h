/* The entropy coder of packed epochs: range asymmetric numeral systems (Duda 2013, 'Asymmetric numeral systems: entropy
 * coding combining speed of Huffman coding with compression rate of arithmetic coding') with static frequencies.
 *
 * Symbol i is coded by state i mod RANS_LANES, so that the states are one vector of 16 numbers (or two of 8), and what
 * is known of symbols i to i + 15 lies side by side. States are 32 bits wide, at least RANS_LOW, and take in 16 bits
 * where they would fall below: all lanes from one list of words, in the order of the symbols. */
#ifndef TIDY_COMMON_COLUMNS_RANS_H
#define TIDY_COMMON_COLUMNS_RANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RANS_LANES = 16,
    RANS_LOW = 1 << 16,
    RANS_CLASS_BITS = 12, /* of frequencies of class symbols */
    RANS_CODE_BITS = 10,  /* of frequencies of margin and log-odds codes */
    RANS_CLASS_CONTEXTS = 16,
    RANS_CODE_CONTEXTS = 16
};

/* What to predict of a class: the label, the wrong class that the sample was last given, or another wrong class. */
enum rans_class_symbol { RANS_RIGHT, RANS_AGAIN, RANS_OTHER };

/* Frequencies of a context's symbols, of a sum that is a power of two, and of all symbols before each. */
struct rans_model {
    uint16_t frequency[256], start[256];
};

/* Frequencies of RANS_AGAIN and RANS_OTHER by context, with a sum of at most 1 << RANS_CLASS_BITS; the rest is
 * RANS_RIGHT's. */
struct rans_class_model {
    uint16_t again[RANS_CLASS_CONTEXTS], other[RANS_CLASS_CONTEXTS];
};

/* The symbol of each slot: symbol | (frequency - 1) << 8 | (slot - start) << 20, [context << RANS_CODE_BITS | slot]. */
typedef uint32_t rans_slots[RANS_CODE_CONTEXTS << RANS_CODE_BITS];

/* What is left to decode. */
struct rans_input {
    const uint8_t *at, *end; /* words */
    uint32_t states[RANS_LANES];
};

/* Bytes that `count` symbols take at most. */
size_t rans_bound(uint32_t count);

/* Codes symbols[count], each with the model of its context: writes the number of words (u16), the states, the words.
 * `words` is room for `count` of them. Returns the end. */
uint8_t *rans_encode(uint8_t *out, const uint8_t *symbols, const uint8_t *contexts, uint32_t count,
                     const struct rans_model *models, unsigned bits, uint16_t *words);

/* Reads the states and where the words are. Returns where they end, or NULL where `in` has too few bytes. */
const uint8_t *rans_open(struct rans_input *input, const uint8_t *in, const uint8_t *end);

/* Is all decoded, and did the encoder begin where the states are now? */
bool rans_is_spent(const struct rans_input *input);

/* Decode symbols[count], each in its context. Return false where the words end too soon. */
typedef bool rans_decode_classes(uint8_t *symbols, const uint8_t *contexts, uint32_t count,
                                 const struct rans_class_model *model, struct rans_input *input);
typedef bool rans_decode_codes(uint8_t *symbols, const uint8_t *contexts, uint32_t count, const uint32_t *slots,
                               struct rans_input *input);
rans_decode_classes rans_decode_classes_plain;
rans_decode_codes rans_decode_codes_plain;

/* What vector code does: decodes groups of RANS_LANES symbols while there are some and input->at is at most `limit`,
 * reading up to RANS_LANES words from there. Returns how many groups. */
typedef uint32_t rans_groups(uint8_t *symbols, const uint8_t *contexts, uint32_t groups, const void *model,
                             struct rans_input *input, const uint8_t *limit);

/* Decodes all whole groups so that nothing behind the words is read; *done: their symbols. Returns false where the words
 * end too soon. */
bool rans_decode_groups(rans_groups *decode, uint8_t *symbols, const uint8_t *contexts, uint32_t count,
                        const void *model, struct rans_input *input, uint32_t *done);

#endif
