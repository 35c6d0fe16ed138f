/* Packing of a block's epoch: which symbols its predictions become, and in which contexts. */
#include "common/columns.h"

#include <stdlib.h>
#include <string.h>

#include "common/bits.h"
#include "common/columns_kernels.h"
#include "common/error.h"
#include "common/little_endian.h"
#include "common/memory.h"

/* How a body begins. */
enum mode { PLAIN, CODED };

/* At TIDYLOG_MARGIN: whose class is coded. A margin above 0 says that the prediction is right. */
enum coded_classes { OF_NO_MARGIN, OF_ALL };

/* Margin code k as a byte that rises with it: k ^ SIGN. */
enum { SIGN = 0x80 };

struct columns_past {
    struct columns_shape shape;
    uint32_t count;
    bool begun;       /* there was an epoch */
    uint16_t *last;   /* [count] the wrong class that was last predicted; the label where none was */
    uint8_t *history; /* [count] bit k: was the prediction k + 1 epochs ago wrong? */
    uint8_t *margin;  /* [count] codes ^ SIGN, each epoch's averaged with what was there; NULL at TIDYLOG_CLASS */
};

struct columns_coder {
    struct columns_shape shape;
    const struct columns_kernels *kernels;
    uint8_t symbols[COLUMNS_BLOCK], contexts[COLUMNS_BLOCK];
    uint8_t margins[COLUMNS_BLOCK]; /* codes ^ SIGN */
    /* At TIDYLOG_MARGIN, of samples whose class is coded. */
    uint8_t coded_symbols[COLUMNS_BLOCK], coded_contexts[COLUMNS_BLOCK];
    uint16_t coded[COLUMNS_BLOCK];
    uint16_t words[COLUMNS_BLOCK];
    struct rans_model models[RANS_CODE_CONTEXTS];
    uint32_t *slots; /* NULL at TIDYLOG_CLASS */
};

/* ---- what coding needs ------------------------------------------------------------------------------------ */

int columns_past_create(struct columns_past **out, const struct columns_shape *shape, uint32_t count)
{
    *out = NULL;
    size_t bytes = sizeof **out + (size_t)count * (shape->detail == TIDYLOG_MARGIN ? 4 : 3);
    struct columns_past *past;
    if (memory_allocate(&past, 1, bytes, "what a block's earlier epochs tell") != 0)
        return TIDY_FAILED;
    past->shape = *shape;
    past->count = count;
    past->last = (uint16_t *)(past + 1);
    past->history = (uint8_t *)(past->last + count);
    past->margin = shape->detail == TIDYLOG_MARGIN ? past->history + count : NULL;
    columns_past_reset(past);
    *out = past;
    return TIDY_OK;
}

void columns_past_reset(struct columns_past *past)
{
    past->begun = false;
    memset(past->history, 0, past->count);
    if (past->margin != NULL)
        memset(past->margin, SIGN, past->count);
}

void columns_past_destroy(struct columns_past *past)
{
    free(past);
}

int columns_coder_create(struct columns_coder **out, const struct columns_shape *shape)
{
    *out = NULL;
    struct columns_coder *coder;
    if (memory_allocate(&coder, 1, sizeof *coder, "packing of epochs") != 0)
        return TIDY_FAILED;
    coder->shape = *shape;
    coder->kernels = columns_kernels_best();
    if (shape->detail == TIDYLOG_MARGIN &&
        memory_allocate(&coder->slots, 1, sizeof(rans_slots), "packing of epochs") != 0) {
        free(coder);
        return TIDY_FAILED;
    }
    *out = coder;
    return TIDY_OK;
}

int columns_coder_use(struct columns_coder *coder, const char *kernels)
{
    const struct columns_kernels *named = columns_kernels_named(kernels);
    coder->kernels = named != NULL ? named : coder->kernels;
    return named != NULL ? TIDY_OK : TIDY_FAILED;
}

void columns_coder_destroy(struct columns_coder *coder)
{
    if (coder == NULL)
        return;
    free(coder->slots);
    free(coder);
}

/* ---- the past ----------------------------------------------------------------------------------------------- */

/* Before a block's first epoch no wrong class was predicted. */
static void begin_epoch(struct columns_past *past, const uint16_t *labels)
{
    if (!past->begun)
        memcpy(past->last, labels, past->count * sizeof *labels);
}

static void advance_classes(struct columns_past *past, const uint16_t *predicted, const uint16_t *labels)
{
    for (uint32_t i = 0; i < past->count; i++) {
        bool wrong = predicted[i] != labels[i];
        past->history[i] = (uint8_t)(past->history[i] << 1 | wrong);
        past->last[i] = wrong ? predicted[i] : past->last[i];
    }
}

/* By margins[count] ^ flip. */
static void advance_margins(struct columns_past *past, const uint8_t *margins, uint8_t flip)
{
    if (!past->begun) {
        for (uint32_t i = 0; i < past->count; i++)
            past->margin[i] = margins[i] ^ flip;
        return;
    }
    for (uint32_t i = 0; i < past->count; i++)
        past->margin[i] = (uint8_t)((past->margin[i] + (margins[i] ^ flip) + 1) >> 1);
}

/* ---- plain: what does not pay to code ----------------------------------------------------------------------- */

static size_t bytes_of_bits(size_t bits)
{
    return (bits + 7) / 8;
}

static size_t plain_bytes(const struct columns_shape *shape, uint32_t count, size_t wrong)
{
    size_t codes = shape->detail == TIDYLOG_MARGIN ? (size_t)count * 2 : 0;
    return 1 + bytes_of_bits(count) + bytes_of_bits(wrong * bits_of_class(shape->classes)) + codes;
}

size_t columns_bound(const struct columns_shape *shape, uint32_t count)
{
    size_t coded = 1 + 1 + 2 + RANS_CLASS_CONTEXTS * 3 + rans_bound(count) +
                   bytes_of_bits((size_t)count * bits_of_class(shape->classes));
    if (shape->detail == TIDYLOG_MARGIN)
        coded += 2 * (columns_models_bound() + rans_bound(count));
    size_t plain = plain_bytes(shape, count, count);
    return coded > plain ? coded : plain;
}

static size_t pack_plain(uint8_t *out, const struct columns_row *row, const uint16_t *labels,
                         const struct columns_past *past)
{
    uint32_t count = past->count;
    *out = PLAIN;
    uint8_t *wrong = out + 1;
    memset(wrong, 0, bytes_of_bits(count));
    struct bit_writer list = {.at = wrong + bytes_of_bits(count)};
    for (uint32_t i = 0; i < count; i++) {
        if (row->predicted[i] == labels[i])
            continue;
        wrong[i / 8] |= (uint8_t)(1 << i % 8);
        bits_write(&list, row->predicted[i], bits_of_class(past->shape.classes));
    }
    uint8_t *end = bits_end(&list);
    if (past->shape.detail == TIDYLOG_MARGIN) {
        memcpy(end, row->margin, count);
        memcpy(end + count, row->log_odds, count);
        end += (size_t)count * 2;
    }
    return (size_t)(end - out);
}

static int unpack_plain(const struct columns_row *row, const uint8_t *in, const uint8_t *end,
                        const uint16_t *labels, struct columns_past *past)
{
    uint32_t count = past->count;
    size_t codes = past->shape.detail == TIDYLOG_MARGIN ? (size_t)count * 2 : 0, bitmap = bytes_of_bits(count);
    if ((size_t)(end - in) < bitmap + codes)
        return TIDY_FAILED;
    unsigned bits = bits_of_class(past->shape.classes);
    size_t listed = 0;
    struct bit_reader list = {.at = in + bitmap, .end = end - codes};
    for (uint32_t i = 0; i < count; i++) {
        row->predicted[i] = labels[i];
        if ((in[i / 8] >> i % 8 & 1) == 0)
            continue;
        uint32_t class = bits_read(&list, bits);
        if (class >= past->shape.classes || class == labels[i])
            return TIDY_FAILED;
        row->predicted[i] = (uint16_t) class;
        listed++;
    }
    if (list.pending != 0 || (size_t)(end - codes - in) != bitmap + bytes_of_bits(listed * bits))
        return TIDY_FAILED;
    if (codes > 0) {
        memcpy(row->margin, end - codes, count);
        memcpy(row->log_odds, end - count, count);
        advance_margins(past, (const uint8_t *)row->margin, SIGN);
    }
    advance_classes(past, row->predicted, labels);
    past->begun = true;
    return TIDY_OK;
}

/* ---- codes ------------------------------------------------------------------------------------------------ */

/* Codes symbols[count], each given the byte of `known`. Returns the end. */
static uint8_t *pack_codes(struct columns_coder *coder, uint8_t *out, const uint8_t *symbols, const uint8_t *known,
                           uint32_t count)
{
    struct columns_bins bins = columns_bins_choose(known, count);
    coder->kernels->code_contexts(coder->contexts, known, count, &bins);
    out = columns_models_write(out, &bins, symbols, coder->contexts, count, coder->models);
    return rans_encode(out, symbols, coder->contexts, count, coder->models, RANS_CODE_BITS, coder->words);
}

/* Returns where the column ends, or NULL. */
static const uint8_t *unpack_codes(struct columns_coder *coder, uint8_t *symbols, const uint8_t *known,
                                   uint32_t count, const uint8_t *in, const uint8_t *end)
{
    struct columns_bins bins;
    struct rans_input input;
    in = columns_models_read(&bins, coder->models, in, end);
    if (in == NULL || (in = rans_open(&input, in, end)) == NULL)
        return NULL;
    columns_slots_fill(coder->slots, coder->models, &bins);
    coder->kernels->code_contexts(coder->contexts, known, count, &bins);
    if (!coder->kernels->decode_codes(symbols, coder->contexts, count, coder->slots, &input) ||
        !rans_is_spent(&input))
        return NULL;
    return in;
}

/* ---- classes ---------------------------------------------------------------------------------------------- */

/* Samples whose class is coded at TIDYLOG_MARGIN, and their contexts: whether the margin is below 0, how many of the
 * last epochs were wrong. coder->contexts are those of TIDYLOG_CLASS. Returns how many. */
static uint32_t list_coded(struct columns_coder *coder, uint32_t count, enum coded_classes coded)
{
    uint32_t listed = 0;
    for (uint32_t i = 0; i < count; i++) {
        coder->coded[listed] = (uint16_t)i;
        coder->coded_contexts[listed] = (uint8_t)((coder->margins[i] >= SIGN) << 3 | (coder->contexts[i] & 7));
        listed += coder->margins[i] <= SIGN || coded == OF_ALL;
    }
    return listed;
}

/* Another class than the label and the last wrong one (which is the label where there was none) is its number among
 * those. */
static void write_other(struct bit_writer *list, uint32_t class, uint32_t classes, uint32_t label, uint32_t last)
{
    uint32_t known = label == last ? 1 : 2;
    bits_write(list, class - (class > label) - (known == 2 && class > last), bits_of_class(classes - known));
}

/* A number that is too large gives `classes` or more. *bits: is advanced by the bits read. */
static uint32_t read_other(struct bit_reader *list, uint32_t classes, uint32_t label, uint32_t last, size_t *bits)
{
    uint32_t known = label == last ? 1 : 2, low = label < last ? label : last, high = label < last ? last : label;
    if (classes <= known)
        return classes;
    unsigned class_bits = bits_of_class(classes - known);
    uint32_t class = bits_read(list, class_bits);
    *bits += class_bits;
    class += class >= low;
    return class + (known == 2 && class >= high);
}

/* Sets coder->symbols. Returns whether all predictions are right where the margin, if there is one, is above 0. */
static bool set_class_symbols(struct columns_coder *coder, const struct columns_row *row, const uint16_t *labels,
                              const struct columns_past *past)
{
    bool told = true;
    for (uint32_t i = 0; i < past->count; i++) {
        uint16_t class = row->predicted[i];
        coder->symbols[i] = class == labels[i] ? RANS_RIGHT : class == past->last[i] ? RANS_AGAIN : RANS_OTHER;
        told = told && (row->margin == NULL || row->margin[i] <= 0 || coder->symbols[i] == RANS_RIGHT);
    }
    return told;
}

static uint8_t *code_classes(struct columns_coder *coder, uint8_t *out, const uint8_t *symbols,
                             const uint8_t *contexts, uint32_t count)
{
    struct rans_class_model model;
    columns_class_model_choose(&model, symbols, contexts, count);
    uint8_t *used = out;
    out = columns_class_model_write(out, &model);
    if (load_u16(used) == 0)
        return out;
    for (uint32_t c = 0; c < RANS_CLASS_CONTEXTS; c++) {
        uint16_t again = model.again[c], other = model.other[c],
                 right = (uint16_t)((1 << RANS_CLASS_BITS) - again - other);
        memcpy(coder->models[c].frequency, (uint16_t[]){right, again, other}, 3 * sizeof right);
        memcpy(coder->models[c].start, (uint16_t[]){0, right, (uint16_t)(right + again)}, 3 * sizeof right);
    }
    return rans_encode(out, symbols, contexts, count, coder->models, RANS_CLASS_BITS, coder->words);
}

/* Sets symbols[count]. Returns where the column ends, or NULL. */
static const uint8_t *decode_classes(struct columns_coder *coder, uint8_t *symbols, const uint8_t *contexts,
                                     uint32_t count, const uint8_t *in, const uint8_t *end)
{
    struct rans_class_model model;
    struct rans_input input;
    const uint8_t *used = in;
    in = columns_class_model_read(&model, in, end);
    if (in != NULL && load_u16(used) == 0) {
        memset(symbols, RANS_RIGHT, count);
        return in;
    }
    if (in == NULL || (in = rans_open(&input, in, end)) == NULL)
        return NULL;
    if (!coder->kernels->decode_classes(symbols, contexts, count, &model, &input) || !rans_is_spent(&input))
        return NULL;
    return in;
}

static uint8_t *pack_classes(struct columns_coder *coder, uint8_t *out, const struct columns_row *row,
                             const uint16_t *labels, const struct columns_past *past)
{
    bool told = set_class_symbols(coder, row, labels, past);
    coder->kernels->class_contexts(coder->contexts, past->history, past->count);
    if (past->shape.detail == TIDYLOG_CLASS) {
        out = code_classes(coder, out, coder->symbols, coder->contexts, past->count);
    } else {
        *out = told ? OF_NO_MARGIN : OF_ALL;
        uint32_t listed = list_coded(coder, past->count, *out++);
        for (uint32_t i = 0; i < listed; i++)
            coder->coded_symbols[i] = coder->symbols[coder->coded[i]];
        out = code_classes(coder, out, coder->coded_symbols, coder->coded_contexts, listed);
    }
    struct bit_writer list = {.at = out};
    for (uint32_t i = 0; i < past->count; i++) {
        if (coder->symbols[i] == RANS_OTHER)
            write_other(&list, row->predicted[i], past->shape.classes, labels[i], past->last[i]);
    }
    return bits_end(&list);
}

/* Sets coder->symbols of all samples. Returns where the column ends, or NULL. */
static const uint8_t *unpack_class_symbols(struct columns_coder *coder, const uint8_t *in, const uint8_t *end,
                                           const struct columns_past *past)
{
    coder->kernels->class_contexts(coder->contexts, past->history, past->count);
    if (past->shape.detail == TIDYLOG_CLASS)
        return decode_classes(coder, coder->symbols, coder->contexts, past->count, in, end);
    if (in == end || *in > OF_ALL)
        return NULL;
    uint32_t listed = list_coded(coder, past->count, *in++);
    in = decode_classes(coder, coder->coded_symbols, coder->coded_contexts, listed, in, end);
    memset(coder->symbols, RANS_RIGHT, past->count);
    for (uint32_t i = 0; i < listed && in != NULL; i++)
        coder->symbols[coder->coded[i]] = coder->coded_symbols[i];
    return in;
}

/* The classes of coder->symbols; other ones are listed from `in` to `end`. */
static int unpack_classes(const struct columns_coder *coder, const struct columns_row *row, const uint8_t *in,
                          const uint8_t *end, const uint16_t *labels, struct columns_past *past)
{
    bool others;
    bool possible = coder->kernels->classes(row->predicted, past->history, coder->symbols, labels, past->last,
                                            past->count, &others);
    size_t bits = 0;
    struct bit_reader list = {.at = in, .end = end};
    for (uint32_t i = 0; i < past->count && others && possible; i++) {
        if (coder->symbols[i] != RANS_OTHER)
            continue;
        uint32_t class = read_other(&list, past->shape.classes, labels[i], past->last[i], &bits);
        possible = class < past->shape.classes;
        row->predicted[i] = past->last[i] = (uint16_t) class;
    }
    bool ended = list.pending == 0 && (size_t)(end - in) == bytes_of_bits(bits);
    return possible && ended ? TIDY_OK : TIDY_FAILED;
}

/* ---- rows --------------------------------------------------------------------------------------------------- */

size_t columns_pack(struct columns_coder *coder, uint8_t *out, const struct columns_row *row,
                    const uint16_t *labels, struct columns_past *past)
{
    uint32_t count = past->count;
    begin_epoch(past, labels);
    uint8_t *end = out;
    *end++ = CODED;
    if (past->shape.detail == TIDYLOG_MARGIN) {
        for (uint32_t i = 0; i < count; i++)
            coder->margins[i] = (uint8_t)row->margin[i] ^ SIGN;
        end = pack_codes(coder, end, coder->margins, past->margin, count);
        end = pack_codes(coder, end, row->log_odds, coder->margins, count);
        advance_margins(past, coder->margins, 0);
    }
    end = pack_classes(coder, end, row, labels, past);
    size_t wrong = 0;
    for (uint32_t i = 0; i < count; i++)
        wrong += row->predicted[i] != labels[i];
    advance_classes(past, row->predicted, labels);
    past->begun = true;
    if ((size_t)(end - out) < plain_bytes(&past->shape, count, wrong))
        return (size_t)(end - out);
    return pack_plain(out, row, labels, past);
}

int columns_unpack(struct columns_coder *coder, const struct columns_row *row, const uint8_t *in, size_t bytes,
                   const uint16_t *labels, struct columns_past *past)
{
    const uint8_t *end = in + bytes;
    begin_epoch(past, labels);
    if (in == end || *in > CODED)
        return TIDY_FAILED;
    if (*in++ == PLAIN)
        return unpack_plain(row, in, end, labels, past);
    if (past->shape.detail == TIDYLOG_MARGIN) {
        uint32_t count = past->count;
        in = unpack_codes(coder, coder->margins, past->margin, count, in, end);
        in = in == NULL ? NULL : unpack_codes(coder, row->log_odds, coder->margins, count, in, end);
        if (in == NULL)
            return TIDY_FAILED;
        for (uint32_t i = 0; i < count; i++)
            row->margin[i] = (int8_t)(coder->margins[i] ^ SIGN);
        advance_margins(past, coder->margins, 0);
    }
    in = unpack_class_symbols(coder, in, end, past);
    past->begun = true;
    return in == NULL ? TIDY_FAILED : unpack_classes(coder, row, in, end, labels, past);
}
