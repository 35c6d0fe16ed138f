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

/* Decoding undoes the last step first, so symbols are coded from the last to the first, and words are written
 * from the end of `words` down. */
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

bool rans_decode_classes_plain(struct rans_column *column, uint32_t first, uint32_t end)
{
    const uint32_t sum = 1 << RANS_CLASS_BITS;
    const struct rans_class_model *model = column->model;
    struct rans_input input = column->input;
    bool good = true;
    for (uint32_t i = first; i < end && good; i++) {
        uint32_t *state = &input.states[i % RANS_LANES], slot = *state % sum;
        uint32_t again = model->again[column->contexts[i]], other = model->other[column->contexts[i]];
        uint32_t start[] = {0, sum - again - other, sum - other}, frequency[] = {sum - again - other, again, other};
        uint8_t symbol = (uint8_t)((slot >= start[1]) + (slot >= start[2]));
        *state = *state / sum * frequency[symbol] + slot - start[symbol];
        column->symbols[i] = symbol;
        good = refill(&input, state);
    }
    column->input = input;
    return good;
}

bool rans_decode_codes_plain(struct rans_column *column, uint32_t first, uint32_t end)
{
    const uint32_t sum = 1 << RANS_CODE_BITS, *slots = column->model;
    struct rans_input input = column->input;
    bool good = true;
    for (uint32_t i = first; i < end && good; i++) {
        uint32_t *state = &input.states[i % RANS_LANES];
        uint32_t slot = slots[column->contexts[i] * sum + *state % sum];
        *state = *state / sum * ((slot >> 8 & 0xfff) + 1) + (slot >> 20);
        column->symbols[i] = (uint8_t)slot;
        good = refill(&input, state);
    }
    column->input = input;
    return good;
}

/* ---- groups --------------------------------------------------------------------------------------------- */

enum { GROUP_BYTES = RANS_LANES * 2, MOST_COLUMNS = 2 };

/* The last words of a column again, with room behind them. */
struct last_words {
    const uint8_t *end; /* of the column's own; NULL while those are read */
    uint8_t words[2 * GROUP_BYTES];
};

/* Where a column has fewer bytes left than a group may read, goes on in `last`. Returns the limit of input->at. */
static const uint8_t *limit_of(struct rans_input *input, struct last_words *last)
{
    size_t left = (size_t)(input->end - input->at);
    if (last->end != NULL)
        return input->end;
    if (left >= GROUP_BYTES)
        return input->end - GROUP_BYTES;
    memcpy(last->words, input->at, left);
    last->end = input->end;
    input->at = last->words;
    input->end = last->words + left;
    return input->end;
}

bool rans_decode_groups(rans_groups *decode, struct rans_column *columns, uint32_t column_count, uint32_t groups)
{
    struct last_words last[MOST_COLUMNS] = {{.end = NULL}, {.end = NULL}};
    bool good = true;
    for (uint32_t group = 0; group < groups && good;) {
        const uint8_t *limits[MOST_COLUMNS];
        for (uint32_t c = 0; c < column_count; c++)
            limits[c] = limit_of(&columns[c].input, &last[c]);
        group = decode(columns, limits, group, groups);
        for (uint32_t c = 0; c < column_count; c++)
            good = good && columns[c].input.at <= columns[c].input.end;
    }
    for (uint32_t c = 0; c < column_count && good; c++) {
        struct rans_input *input = &columns[c].input;
        if (last[c].end == NULL)
            continue;
        input->at = last[c].end - (input->end - input->at);
        input->end = last[c].end;
    }
    return good;
}
