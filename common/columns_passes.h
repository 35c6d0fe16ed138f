/* What unpacking an epoch does to whole columns beside entropy decoding, in C that compilers turn into vector
 * code: each file of kernels has it compiled for its own processors. */
#ifndef TIDY_COMMON_COLUMNS_PASSES_H
#define TIDY_COMMON_COLUMNS_PASSES_H

#include "common/columns_kernels.h"

#define COLUMNS_PASS static inline __attribute__((always_inline))

/* The context of a class: whether the last prediction was wrong (8), and how many of the seven before. Each byte of
 * `history` has a bit for each of eight epochs, the last one's is the least significant. */
COLUMNS_PASS void pass_class_contexts(uint8_t *restrict contexts, const uint8_t *restrict history, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t older = history[i] >> 1, pairs = (uint8_t)(older - (older >> 1 & 0x55));
        uint8_t nibbles = (uint8_t)((pairs & 0x33) + (pairs >> 2 & 0x33));
        contexts[i] = (uint8_t)((history[i] & 1) << 3 | ((nibbles + (nibbles >> 4)) & 0x0f));
    }
}

/* The context of a code. */
COLUMNS_PASS void pass_code_contexts(uint8_t *restrict contexts, const uint8_t *restrict known, uint32_t count,
                                     const struct rans_bins *bins)
{
    const uint8_t low = bins->low, shift = bins->shift, last = bins->last;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t above = (uint8_t)(known[i] > low ? known[i] - low : 0);
        uint8_t bin = (uint8_t)(above >> shift);
        contexts[i] = bin < last ? bin : last;
    }
}

/* Classes of symbols: RANS_OTHER gets that of RANS_AGAIN, to be replaced. Advances the history. Returns whether
 * RANS_AGAIN comes only where there was a wrong class; *others: is there any RANS_OTHER? */
COLUMNS_PASS bool pass_classes(uint16_t *restrict predicted, uint8_t *restrict history,
                               const uint8_t *restrict symbols, const uint16_t *restrict labels,
                               const uint16_t *restrict last, uint32_t count, bool *others)
{
    uint16_t impossible = 0;
    uint8_t seen = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t symbol = symbols[i];
        predicted[i] = symbol != RANS_RIGHT ? last[i] : labels[i];
        impossible |= (uint16_t)(symbol == RANS_AGAIN && last[i] == labels[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        history[i] = (uint8_t)(history[i] << 1 | (symbols[i] != RANS_RIGHT));
        seen |= symbols[i];
    }
    *others = (seen & RANS_OTHER) != 0;
    return impossible == 0;
}

/* Margin codes as bytes that rise with them, and back. */
COLUMNS_PASS void pass_flip(uint8_t *restrict out, const uint8_t *restrict in, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = in[i] ^ COLUMNS_SIGN;
}

/* The running mean of margins. */
COLUMNS_PASS void pass_mean(uint8_t *restrict mean, const uint8_t *restrict margins, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        mean[i] = (uint8_t)((mean[i] + margins[i] + 1) >> 1);
}

/* Lists where bytes[first..end - 1] are from low to high, behind what is listed already. Returns how many then
 * are. */
COLUMNS_PASS uint32_t pass_places(uint16_t *places, uint32_t listed, const uint8_t *bytes, uint32_t first,
                                  uint32_t end, uint8_t low, uint8_t high)
{
    for (uint32_t i = first; i < end; i++) {
        places[listed] = (uint16_t)i;
        listed += (uint8_t)(bytes[i] - low) <= (uint8_t)(high - low);
    }
    return listed;
}

/* Those of them that no processor has code of its own for, as functions compiled for `target` (an attribute). */
#define COLUMNS_PASSES_FOR(target)                                                                                 \
    target static void class_contexts(uint8_t *contexts, const uint8_t *history, uint32_t count)                   \
    {                                                                                                              \
        pass_class_contexts(contexts, history, count);                                                             \
    }                                                                                                              \
    target static void code_contexts(uint8_t *contexts, const uint8_t *known, uint32_t count,                      \
                                     const struct rans_bins *bins)                                                 \
    {                                                                                                              \
        pass_code_contexts(contexts, known, count, bins);                                                          \
    }                                                                                                              \
    target static void flip(uint8_t *out, const uint8_t *in, uint32_t count)                                       \
    {                                                                                                              \
        pass_flip(out, in, count);                                                                                 \
    }                                                                                                              \
    target static void mean(uint8_t *means, const uint8_t *margins, uint32_t count)                                \
    {                                                                                                              \
        pass_mean(means, margins, count);                                                                          \
    }

#endif
