/* Classes of packed epochs: each is the label, the wrong class that was last predicted for the sample, or
 * another one, given which of the last eight predictions were wrong. */
#include <string.h>

#include "common/bit_stream.h"
#include "common/columns_model.h"
#include "common/columns_parts.h"
#include "common/error.h"
#include "common/little_endian.h"

/* At TIDYLOG_MARGIN: whose class is coded. A margin above 0 says that the prediction is right. */
enum coded_classes { OF_NO_MARGIN, OF_ALL };

size_t columns_classes_bound(const struct columns_shape *shape, uint32_t count)
{
    return 1 + 2 + RANS_CLASS_CONTEXTS * 3 + rans_bound(count) +
           columns_bytes_of_bits((size_t)count * class_bits(shape->classes));
}

/* Lists the samples whose class is coded at TIDYLOG_MARGIN, and their contexts: whether the margin is below 0,
 * and how many of the predictions 2 to 8 epochs ago were wrong. Returns how many. */
static uint32_t list_coded(struct columns_coder *coder, uint32_t count, enum coded_classes coded)
{
    uint8_t most = coded == OF_ALL ? UINT8_MAX : COLUMNS_SIGN;
    uint32_t listed = coder->kernels->places(coder->places, coder->margins, count, 0, most);
    for (uint32_t i = 0; i < listed; i++) {
        uint32_t place = coder->places[i];
        coder->coded_contexts[i] =
            (uint8_t)((coder->margins[place] >= COLUMNS_SIGN) << 3 | (coder->contexts[place] & 7));
    }
    return listed;
}

/* ---- other classes -------------------------------------------------------------------------------------- */

/* Another class than the label and the last wrong one (which is the label where there was none) is its number among
 * those. */
struct other_classes {
    uint32_t classes;
    unsigned bits[2]; /* of a number; [1]: where there was a wrong one */
};

static struct other_classes other_classes_of(uint32_t classes)
{
    return (struct other_classes){
        .classes = classes,
        .bits = {class_bits(classes > 1 ? classes - 1 : 1), class_bits(classes > 2 ? classes - 2 : 1)}};
}

static void write_other(struct bit_writer *list, const struct other_classes *others, uint32_t class, uint32_t label,
                        uint32_t last)
{
    bool had_wrong = label != last;
    write_bits(list, class - (class > label) - (had_wrong && class > last), others->bits[had_wrong]);
}

/* *bits: is advanced by the bits read. Returns `classes` or more where the number is too large. */
static uint32_t read_other(struct bit_reader *list, const struct other_classes *others, uint32_t label,
                           uint32_t last, size_t *bits)
{
    bool had_wrong = label != last;
    uint32_t low = label < last ? label : last, high = label < last ? last : label;
    uint32_t class = read_bits(list, others->bits[had_wrong]);
    *bits += others->bits[had_wrong];
    class += class >= low;
    return class + (had_wrong && class >= high);
}

/* ---- packing -------------------------------------------------------------------------------------------- */

/* Sets coder->symbols. Returns whether all predictions are right where the margin, if there is one, is above 0. */
static bool set_symbols(struct columns_coder *coder, const struct columns_row *row, const uint16_t *labels,
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

static uint8_t *code_symbols(struct columns_coder *coder, uint8_t *out, const uint8_t *symbols,
                             const uint8_t *contexts, uint32_t count)
{
    struct rans_class_model model;
    uint8_t *used = out;
    columns_class_model_choose(&model, symbols, contexts, count);
    out = columns_class_model_write(out, &model);
    if (load_u16(used) == 0)
        return out;
    for (uint32_t c = 0; c < RANS_CLASS_CONTEXTS; c++) {
        uint16_t again = model.again[c], other = model.other[c];
        uint16_t right = (uint16_t)((1 << RANS_CLASS_BITS) - again - other);
        memcpy(coder->models[c].frequency, (uint16_t[]){right, again, other}, 3 * sizeof right);
        memcpy(coder->models[c].start, (uint16_t[]){0, right, (uint16_t)(right + again)}, 3 * sizeof right);
    }
    return rans_encode(out, symbols, contexts, count, coder->models, RANS_CLASS_BITS, coder->words);
}

uint8_t *columns_pack_classes(struct columns_coder *coder, uint8_t *out, const struct columns_row *row,
                              const uint16_t *labels, const struct columns_past *past)
{
    bool told = set_symbols(coder, row, labels, past);
    coder->kernels->class_contexts(coder->contexts, past->history, past->count);
    if (past->shape.detail == TIDYLOG_CLASS) {
        out = code_symbols(coder, out, coder->symbols, coder->contexts, past->count);
    } else {
        *out = told ? OF_NO_MARGIN : OF_ALL;
        uint32_t listed = list_coded(coder, past->count, *out++);
        for (uint32_t i = 0; i < listed; i++)
            coder->coded_symbols[i] = coder->symbols[coder->places[i]];
        out = code_symbols(coder, out, coder->coded_symbols, coder->coded_contexts, listed);
    }
    const struct other_classes others = other_classes_of(past->shape.classes);
    struct bit_writer list = {.at = out};
    for (uint32_t i = 0; i < past->count; i++) {
        if (coder->symbols[i] == RANS_OTHER)
            write_other(&list, &others, row->predicted[i], labels[i], past->last[i]);
    }
    return end_bits(&list);
}

/* ---- unpacking ------------------------------------------------------------------------------------------ */

/* Sets symbols[count]. Returns where the column ends, or NULL. */
static const uint8_t *decode_symbols(const struct columns_coder *coder, uint8_t *symbols, const uint8_t *contexts,
                                     uint32_t count, const uint8_t *in, const uint8_t *end)
{
    struct rans_class_model model;
    struct rans_column column = {.symbols = symbols, .contexts = contexts, .model = &model};
    const uint8_t *used = in;
    in = columns_class_model_read(&model, in, end);
    if (in != NULL && load_u16(used) == 0) {
        memset(symbols, RANS_RIGHT, count);
        return in;
    }
    if (in == NULL || (in = rans_open(&column.input, in, end)) == NULL)
        return NULL;
    return columns_decode_classes(coder->kernels, &column, count) && rans_is_spent(&column.input) ? in : NULL;
}

/* Sets coder->symbols of all samples. Returns where the column ends, or NULL. */
static const uint8_t *unpack_symbols(struct columns_coder *coder, const uint8_t *in, const uint8_t *end,
                                     const struct columns_past *past)
{
    coder->kernels->class_contexts(coder->contexts, past->history, past->count);
    if (past->shape.detail == TIDYLOG_CLASS)
        return decode_symbols(coder, coder->symbols, coder->contexts, past->count, in, end);
    if (in == end || *in > OF_ALL)
        return NULL;
    uint32_t listed = list_coded(coder, past->count, *in++);
    in = decode_symbols(coder, coder->coded_symbols, coder->coded_contexts, listed, in, end);
    memset(coder->symbols, RANS_RIGHT, past->count);
    for (uint32_t i = 0; i < listed && in != NULL; i++)
        coder->symbols[coder->places[i]] = coder->coded_symbols[i];
    return in;
}

/* The classes of RANS_OTHER, listed from `in` to `end`. */
static int unpack_others(struct columns_coder *coder, const struct columns_row *row, const uint8_t *in,
                         const uint8_t *end, const uint16_t *labels, struct columns_past *past)
{
    const struct other_classes others = other_classes_of(past->shape.classes);
    struct bit_reader list = {.at = in, .end = end};
    size_t bits = 0;
    uint32_t listed = coder->kernels->places(coder->places, coder->symbols, past->count, RANS_OTHER, RANS_OTHER);
    for (uint32_t i = 0; i < listed; i++) {
        uint32_t place = coder->places[i];
        uint32_t class = read_other(&list, &others, labels[place], past->last[place], &bits);
        if (class >= others.classes)
            return TIDY_FAILED;
        row->predicted[place] = past->last[place] = (uint16_t) class;
    }
    return list.pending == 0 && (size_t)(end - in) == columns_bytes_of_bits(bits) ? TIDY_OK : TIDY_FAILED;
}

int columns_unpack_classes(struct columns_coder *coder, const struct columns_row *row, const uint8_t *in,
                           const uint8_t *end, const uint16_t *labels, struct columns_past *past)
{
    bool others;
    in = unpack_symbols(coder, in, end, past);
    if (in == NULL || !coder->kernels->classes(row->predicted, past->history, coder->symbols, labels, past->last,
                                               past->count, &others))
        return TIDY_FAILED;
    if (others)
        return unpack_others(coder, row, in, end, labels, past);
    return in == end ? TIDY_OK : TIDY_FAILED;
}
