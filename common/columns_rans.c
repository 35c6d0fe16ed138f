/* The entropy coder in plain C: what every machine can run, and what the vector kernels are compared with. */
#include "common/columns_rans.h"

#include <string.h>

#include "common/little_endian.h"

enum { WORDS_AT = 2 + RANS_LANES * 4 }; /* the number of words, the states */

size_t rans_bound(uint32_t count)
{
    return WORDS_AT + (size_t)count * 2;
}

/* ---- encoding ------------------------------------------------------------------------------------------- */

/* Decoding undoes the last step first, so symbols are coded from the last to the first, and words are written from the
 * end of `words` down. */
uint8_t *rans_encode(uint8_t *out, const uint8_t *symbols, const uint8_t *contexts, uint32_t count,
                     const struct rans_model *models, unsigned bits, uint16_t *words)
{
    uint32_t states[RANS_LANES], first = count;
    for (uint32_t lane = 0; lane < RANS_LANES; lane++)
        states[lane] = RANS_LOW;
    for (uint32_t i = count; i-- > 0;) {
        const struct rans_model *model = &models[contexts[i]];
        uint32_t frequency = model->frequency[symbols[i]], state = states[i % RANS_LANES];
        if (state >= (uint64_t)frequency << (32 - bits)) {
            words[--first] = (uint16_t)state;
            state >>= 16;
        }
        states[i % RANS_LANES] = ((state / frequency) << bits) + state % frequency + model->start[symbols[i]];
    }
    store_u16(out, (uint16_t)(count - first));
    out += 2;
    for (uint32_t lane = 0; lane < RANS_LANES; lane++, out += 4)
        store_u32(out, states[lane]);
    for (; first < count; first++, out += 2)
        store_u16(out, words[first]);
    return out;
}

/* ---- decoding ------------------------------------------------------------------------------------------- */

const uint8_t *rans_open(struct rans_input *input, const uint8_t *in, const uint8_t *end)
{
    if (end - in < WORDS_AT)
        return NULL;
    size_t bytes = (size_t)load_u16(in) * 2;
    input->at = in + WORDS_AT;
    if ((size_t)(end - input->at) < bytes)
        return NULL;
    input->end = input->at + bytes;
    for (uint32_t lane = 0; lane < RANS_LANES; lane++)
        input->states[lane] = load_u32(in + 2 + lane * 4);
    return input->end;
}

bool rans_is_spent(const struct rans_input *input)
{
    bool spent = input->at == input->end;
    for (uint32_t lane = 0; lane < RANS_LANES; lane++)
        spent = spent && input->states[lane] == RANS_LOW;
    return spent;
}

/* Takes a word in where the state needs one. */
static inline bool refill(struct rans_input *input, uint32_t *state)
{
    if (*state >= RANS_LOW)
        return true;
    if (input->at == input->end)
        return false;
    *state = *state << 16 | load_u16(input->at);
    input->at += 2;
    return true;
}

bool rans_decode_classes_plain(uint8_t *symbols, const uint8_t *contexts, uint32_t count,
                               const struct rans_class_model *model, struct rans_input *input)
{
    const uint32_t sum = 1 << RANS_CLASS_BITS;
    bool good = true;
    for (uint32_t i = 0; i < count && good; i++) {
        uint32_t *state = &input->states[i % RANS_LANES], slot = *state % sum;
        uint32_t again = model->again[contexts[i]], other = model->other[contexts[i]];
        uint32_t start[] = {0, sum - again - other, sum - other}, frequency[] = {sum - again - other, again, other};
        uint8_t symbol = (uint8_t)((slot >= start[1]) + (slot >= start[2]));
        *state = *state / sum * frequency[symbol] + slot - start[symbol];
        symbols[i] = symbol;
        good = refill(input, state);
    }
    return good;
}

bool rans_decode_codes_plain(uint8_t *symbols, const uint8_t *contexts, uint32_t count, const uint32_t *slots,
                             struct rans_input *input)
{
    const uint32_t sum = 1 << RANS_CODE_BITS;
    bool good = true;
    for (uint32_t i = 0; i < count && good; i++) {
        uint32_t *state = &input->states[i % RANS_LANES];
        uint32_t slot = slots[contexts[i] * sum + *state % sum];
        *state = *state / sum * ((slot >> 8 & 0xfff) + 1) + (slot >> 20);
        symbols[i] = (uint8_t)slot;
        good = refill(input, state);
    }
    return good;
}

bool rans_decode_groups(rans_groups *decode, uint8_t *symbols, const uint8_t *contexts, uint32_t count,
                        const void *model, struct rans_input *input, uint32_t *done)
{
    enum { READ = RANS_LANES * 2 };
    uint32_t groups = count / RANS_LANES, first = 0;
    if (input->end - input->at >= READ)
        first = decode(symbols, contexts, groups, model, input, input->end - READ);
    *done = groups * RANS_LANES;
    if (first == groups)
        return true;
    /* The last words again, with room behind them. */
    uint8_t words[2 * READ] = {0};
    size_t bytes = (size_t)(input->end - input->at);
    memcpy(words, input->at, bytes);
    struct rans_input rest = {.at = words, .end = words + bytes};
    memcpy(rest.states, input->states, sizeof rest.states);
    uint32_t symbol = first * RANS_LANES;
    uint32_t second = decode(symbols + symbol, contexts + symbol, groups - first, model, &rest, rest.end);
    if (first + second < groups || rest.at > rest.end)
        return false;
    input->at = input->end - (rest.end - rest.at);
    memcpy(input->states, rest.states, sizeof rest.states);
    return true;
}
