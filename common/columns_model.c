/* Frequencies of packed columns. A record has its own, so they must be short: half a byte for each code of a
 * context, which says how frequent it is beside the most frequent one, in steps of the square root of 2. Coding
 * with such rounded frequencies takes under 0.01 bits a code more than with exact ones. */
#include "common/columns_model.h"

#include <string.h>

#include "common/little_endian.h"

enum {
    CODES = 256,
    SAMPLES_A_CONTEXT = 512, /* so few make a context worth its frequencies */
    WEIGHTS = 16
};

/* What half a byte stands for: 0, and 2^((n + 1) / 2) rounded. */
static const uint16_t weights[WEIGHTS] = {0, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256};

/* ---- bins ----------------------------------------------------------------------------------------------- */

struct rans_bins columns_choose_bins(const uint8_t *known, uint32_t count)
{
    uint32_t counts[CODES] = {0}, low = 0, high = CODES - 1;
    for (uint32_t i = 0; i < count; i++)
        counts[known[i]]++;
    /* Where all but 1/64 of the samples are. */
    for (uint32_t below = counts[low]; low < CODES - 1 && below <= count / 128; below += counts[++low])
        ;
    for (uint32_t above = counts[high]; high > low && above <= count / 128; above += counts[--high])
        ;
    uint32_t most = count / SAMPLES_A_CONTEXT, shift = 0;
    most = most < 1 ? 1 : most > RANS_CODE_CONTEXTS ? RANS_CODE_CONTEXTS : most;
    while ((high - low) >> shift >= most)
        shift++;
    return (struct rans_bins){
        .low = (uint8_t)low, .shift = (uint8_t)shift, .last = (uint8_t)((high - low) >> shift)};
}

/* ---- models of codes -------------------------------------------------------------------------------------- */

size_t columns_models_bound(void)
{
    return 2 + RANS_CODE_CONTEXTS * (2 + CODES / 2);
}

/* Makes frequencies of the weights of symbols first to last: 1 where it is above 0, and of the rest of the sum in
 * proportion, rounded down; what is then left is the first most frequent symbol's. Of a context that no sample has all
 * weights are 0. */
static void set_frequencies(struct rans_model *model, const uint8_t numbers[CODES])
{
    const uint32_t sum = 1 << RANS_CODE_BITS;
    uint32_t uses[WEIGHTS] = {0}, weight_sum = 0, symbols = 0, left = sum, most = model->first;
    for (uint32_t s = model->first; s <= model->last; s++)
        uses[numbers[s]]++;
    for (unsigned n = 1; n < WEIGHTS; n++) {
        weight_sum += uses[n] * weights[n];
        symbols += uses[n];
    }
    uint16_t frequency[WEIGHTS] = {0};
    for (unsigned n = 1; n < WEIGHTS; n++) {
        frequency[n] = (uint16_t)(uses[n] > 0 ? 1 + weights[n] * (sum - symbols) / weight_sum : 0);
        left -= uses[n] * frequency[n];
    }
    for (uint32_t s = model->first; s <= model->last; s++) {
        model->frequency[s] = frequency[numbers[s]];
        most = numbers[s] > numbers[most] ? s : most;
    }
    model->frequency[most] = (uint16_t)(model->frequency[most] + left);
    for (uint32_t s = model->first, start = 0; s <= model->last; start += model->frequency[s++])
        model->start[s] = (uint16_t)start;
}

/* The number whose weight is nearest to count / most, in proportion; 0 for none only. */
static unsigned nearest_weight(uint32_t count, uint32_t most)
{
    if (count == 0)
        return 0;
    unsigned n = WEIGHTS - 1;
    /* Between two weights a and b the border is their geometric mean: (256 count / most)^2 < a b. */
    uint64_t square = (uint64_t)count * count * 256 * 256;
    while (n > 1 && square < (uint64_t)weights[n] * weights[n - 1] * most * most)
        n--;
    return n;
}

/* Writes a context's first and last symbol, and the weights from the one to the other; of a context without any,
 * 255, 255 and none. */
static uint8_t *write_model(uint8_t *out, const uint32_t counts[CODES])
{
    uint32_t first = 0, last = CODES - 1, most = 0;
    while (first < CODES - 1 && counts[first] == 0)
        first++;
    while (last > first && counts[last] == 0)
        last--;
    for (uint32_t s = first; s <= last; s++)
        most = counts[s] > most ? counts[s] : most;
    *out++ = (uint8_t)first;
    *out++ = (uint8_t)last;
    size_t bytes = (last - first) / 2 + 1;
    memset(out, 0, bytes);
    for (uint32_t s = first; s <= last; s++)
        out[(s - first) / 2] |= (uint8_t)(nearest_weight(counts[s], most) << (s - first) % 2 * 4);
    return out + bytes;
}

static const uint8_t *read_model(struct rans_model *model, const uint8_t *in, const uint8_t *end)
{
    if (end - in < 2 || in[0] > in[1])
        return NULL;
    uint32_t first = in[0], last = in[1];
    in += 2;
    size_t bytes = (last - first) / 2 + 1;
    if ((size_t)(end - in) < bytes)
        return NULL;
    uint8_t numbers[CODES];
    for (uint32_t s = first; s <= last; s++)
        numbers[s] = in[(s - first) / 2] >> (s - first) % 2 * 4 & 15;
    model->first = (uint8_t)first;
    model->last = (uint8_t)last;
    set_frequencies(model, numbers);
    return in + bytes;
}

uint8_t *columns_models_write(uint8_t *out, const struct rans_bins *bins, const uint8_t *symbols,
                              const uint8_t *contexts, uint32_t count, struct rans_model *models)
{
    uint32_t counts[RANS_CODE_CONTEXTS][CODES];
    memset(counts, 0, sizeof counts);
    for (uint32_t i = 0; i < count; i++)
        counts[contexts[i]][symbols[i]]++;
    *out++ = bins->low;
    *out++ = (uint8_t)(bins->shift | bins->last << 4);
    for (uint32_t c = 0; c <= bins->last; c++) {
        uint8_t *end = write_model(out, counts[c]);
        read_model(&models[c], out, end);
        out = end;
    }
    return out;
}

const uint8_t *columns_models_read(struct rans_bins *bins, struct rans_model *models, const uint8_t *in,
                                   const uint8_t *end)
{
    if (end - in < 2)
        return NULL;
    *bins = (struct rans_bins){.low = in[0], .shift = in[1] & 15, .last = in[1] >> 4};
    in += 2;
    for (uint32_t c = 0; c <= bins->last && in != NULL; c++)
        in = read_model(&models[c], in, end);
    return in;
}

/* Eight at a time, which vector code does at once; what is too many is overwritten by the next symbol's. */
void columns_slots_fill(uint32_t *slots, const struct rans_model *models, const struct rans_bins *bins)
{
    for (uint32_t c = 0; c <= bins->last; c++) {
        for (uint32_t s = models[c].first; s <= models[c].last; s++) {
            uint32_t frequency = models[c].frequency[s], slot = s | (frequency - 1) << 8;
            for (uint32_t i = 0; i < frequency; i += COLUMNS_SLOTS_BEHIND) {
                for (uint32_t j = 0; j < COLUMNS_SLOTS_BEHIND; j++)
                    slots[i + j] = slot + ((i + j) << 20);
            }
            slots += frequency;
        }
    }
}

/* ---- model of classes ----------------------------------------------------------------------------------- */

void columns_class_model_choose(struct rans_class_model *model, const uint8_t *symbols, const uint8_t *contexts,
                                uint32_t count)
{
    const uint32_t sum = 1 << RANS_CLASS_BITS;
    uint32_t counts[RANS_CLASS_CONTEXTS][3] = {0};
    for (uint32_t i = 0; i < count; i++)
        counts[contexts[i]][symbols[i]]++;
    for (uint32_t c = 0; c < RANS_CLASS_CONTEXTS; c++) {
        uint32_t all = counts[c][0] + counts[c][1] + counts[c][2], frequency[3] = {0};
        for (uint32_t s = 0; s < 3; s++) {
            frequency[s] = all == 0 ? 0 : (counts[c][s] * sum + all / 2) / all;
            if (frequency[s] == 0 && counts[c][s] > 0)
                frequency[s] = 1;
        }
        /* All three are to be possible and to fit their 12 bits; the larger of two pays. */
        uint32_t rest = counts[c][0] > 0 || frequency[1] == sum || frequency[2] == sum;
        while (frequency[1] + frequency[2] + rest > sum)
            frequency[frequency[2] > frequency[1] ? 2 : 1]--;
        model->again[c] = (uint16_t)frequency[1];
        model->other[c] = (uint16_t)frequency[2];
    }
}

uint8_t *columns_class_model_write(uint8_t *out, const struct rans_class_model *model)
{
    uint32_t used = 0;
    uint8_t *end = out + 2;
    for (uint32_t c = 0; c < RANS_CLASS_CONTEXTS; c++) {
        uint32_t again = model->again[c], other = model->other[c];
        if (again == 0 && other == 0)
            continue;
        used |= UINT32_C(1) << c;
        *end++ = (uint8_t)again;
        *end++ = (uint8_t)(again >> 8 | other << 4);
        *end++ = (uint8_t)(other >> 4);
    }
    store_u16(out, (uint16_t)used);
    return end;
}

const uint8_t *columns_class_model_read(struct rans_class_model *model, const uint8_t *in, const uint8_t *end)
{
    if (end - in < 2)
        return NULL;
    unsigned used = load_u16(in);
    in += 2;
    for (uint32_t c = 0; c < RANS_CLASS_CONTEXTS; c++) {
        model->again[c] = model->other[c] = 0;
        if ((used >> c & 1) == 0)
            continue;
        if (end - in < 3)
            return NULL;
        model->again[c] = (uint16_t)(in[0] | (in[1] & 15) << 8);
        model->other[c] = (uint16_t)(in[1] >> 4 | in[2] << 4);
        if (model->again[c] + model->other[c] > 1 << RANS_CLASS_BITS)
            return NULL;
        in += 3;
    }
    return in;
}
