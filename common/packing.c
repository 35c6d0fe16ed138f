/* Packing of a step's predictions: sections one after the other, as packing.h lists them. */
#include "common/packing.h"

#include <math.h>
#include <string.h>

#include "common/bit_stream.h"
#include "common/error.h"
#include "common/half.h"
#include "common/little_endian.h"

/* Bytes that follow the wrong bitmap and the classes. */
static uint64_t detail_bytes(uint32_t count, uint32_t classes, enum tidylog_detail detail)
{
    switch (detail) {
    case TIDYLOG_CLASS:
        return 0;
    case TIDYLOG_MARGIN:
        return (uint64_t)count * 2;
    case TIDYLOG_PROBS:
        return (uint64_t)count * classes * 2;
    case TIDYLOG_FULL:
        return (uint64_t)count * classes * 4;
    }
    return 0;
}

static size_t bitmap_bytes(uint32_t count)
{
    return ((size_t)count + 7) / 8;
}

static size_t classes_bytes(size_t wrong_count, uint32_t classes)
{
    return (wrong_count * class_bits(classes) + 7) / 8;
}

size_t packing_bound(uint32_t count, uint32_t classes, enum tidylog_detail detail)
{
    /* Below 2^32 * 2^17 * 4, so nothing overflows. */
    uint64_t bytes = bitmap_bytes(count) + classes_bytes(count, classes) + detail_bytes(count, classes, detail);
    return bytes < (UINT64_C(1) << 31) ? (size_t)bytes : 0;
}

/* ---- codes ---------------------------------------------------------------------------------------------- */

const struct tidylog_codes packing_codes_default = {.margin_scale = 6, .log_odds_density = 8};
const struct tidylog_codes packing_codes_unsaid = {.margin_scale = 20, .log_odds_density = 0};

enum { FINEST_SCALE = 20, LARGEST_AT_FINEST = 127, HIGHEST_DENSITY = 64, MOST_LEVELS = 256 };

bool packing_codes_possible(struct tidylog_codes codes)
{
    return codes.margin_scale >= 1 && codes.margin_scale <= FINEST_SCALE &&
           codes.log_odds_density <= HIGHEST_DENSITY;
}

int packing_largest_margin_code(struct tidylog_codes codes)
{
    return (int)(LARGEST_AT_FINEST * codes.margin_scale + FINEST_SCALE - 1) / FINEST_SCALE;
}

/* The margin at a (possibly half) code. */
static double margin_at(double code, struct tidylog_codes codes)
{
    return 2 * sinh(code / codes.margin_scale);
}

int8_t packing_margin_code(float margin, struct tidylog_codes codes)
{
    if (isnan(margin))
        return PACKING_NOT_A_NUMBER;
    double code = round(codes.margin_scale * asinh((double)margin / 2)),
           largest = packing_largest_margin_code(codes);
    return (int8_t)fmax(-largest, fmin(largest, code));
}

float packing_margin(int8_t code, struct tidylog_codes codes)
{
    return code == PACKING_NOT_A_NUMBER ? NAN : (float)margin_at(code, codes);
}

/* ---- log-odds ------------------------------------------------------------------------------------------- */

/* The scale on which log-odds are cut into levels, and back. */
static double scale_of(double log_odds, struct tidylog_codes codes)
{
    return log_odds <= 0 || codes.log_odds_density == 0 ? log_odds : -8 * expm1(-log_odds / 8);
}

static double log_odds_at(double place, struct tidylog_codes codes)
{
    return place <= 0 || codes.log_odds_density == 0 ? place : -8 * log1p(-place / 8);
}

static uint16_t count_levels(double width, struct tidylog_codes codes)
{
    if (codes.log_odds_density == 0)
        return MOST_LEVELS;
    return (uint16_t)fmax(1, fmin(MOST_LEVELS, ceil(width * codes.log_odds_density)));
}

void packing_levels_fill(struct packing_levels *levels, uint32_t classes, struct tidylog_codes codes)
{
    int largest = packing_largest_margin_code(codes);
    double others = classes > 2 ? log((double)classes - 1) : 0;
    *levels = (struct packing_levels){.codes = codes};
    levels->count[(uint8_t)PACKING_NOT_A_NUMBER] = count_levels(0, codes);
    for (int code = -largest; code <= largest; code++) {
        uint8_t margin = (uint8_t)code;
        levels->low[margin] = scale_of(margin_at(code - 0.5, codes) - others, codes);
        levels->width[margin] = scale_of(margin_at(code + 0.5, codes), codes) - levels->low[margin];
        levels->count[margin] = count_levels(levels->width[margin], codes);
    }
}

uint8_t packing_log_odds_code(float log_odds, int8_t margin_code, const struct packing_levels *levels)
{
    uint8_t margin = (uint8_t)margin_code;
    int last = levels->count[margin] - 1;
    if (margin_code == PACKING_NOT_A_NUMBER || isnan(log_odds) || last == 0)
        return 0;
    double place = (scale_of((double)log_odds, levels->codes) - levels->low[margin]) / levels->width[margin];
    double code = levels->codes.log_odds_density == 0 ? round(place * last) : floor(place * levels->count[margin]);
    return (uint8_t)fmax(0, fmin(last, code));
}

/* In double, so that losses near 0 keep their digits. */
static double log_odds_of_code(uint8_t code, uint8_t margin, const struct packing_levels *levels)
{
    if ((int8_t)margin == PACKING_NOT_A_NUMBER)
        return NAN;
    double width = levels->width[margin];
    double above = levels->codes.log_odds_density == 0 ? width * code / (levels->count[margin] - 1)
                                                       : width * (code + 0.5) / levels->count[margin];
    return log_odds_at(levels->low[margin] + above, levels->codes);
}

float packing_log_odds(uint8_t code, int8_t margin_code, const struct packing_levels *levels)
{
    return (float)log_odds_of_code(code, (uint8_t)margin_code, levels);
}

void packing_tables_fill(struct packing_tables *tables, uint32_t classes, struct tidylog_codes codes)
{
    uint32_t pair = 0;
    packing_levels_fill(&tables->levels, classes, codes);
    for (int margin = 0; margin < 256; margin++) {
        tables->margins[margin] = (struct packing_margin_values){
            .margin = packing_margin((int8_t)(margin < 128 ? margin : margin - 256), codes),
            .first = (uint16_t)pair,
            .count = tables->levels.count[margin]};
        for (int code = 0; code < tables->levels.count[margin]; code++, pair++) {
            double log_odds = log_odds_of_code((uint8_t)code, (uint8_t)margin, &tables->levels);
            /* By the smaller of the two odds, so that nothing cancels or overflows. */
            double odds = exp(-fabs(log_odds));
            tables->pairs[pair] =
                (struct packing_pair_values){.loss = (float)(log_odds > 0 ? log1p(odds) : log1p(odds) - log_odds),
                                             .confidence = (float)((log_odds > 0 ? 1 : odds) / (1 + odds))};
        }
    }
}

/* ---- whole vectors -------------------------------------------------------------------------------------- */

/* What turns a row's logits into log-probabilities. */
struct softmax {
    bool defined; /* no logit is NaN and the largest is finite */
    double top, log_sum;
};

static struct softmax softmax_of_row(const float *logits, uint32_t classes)
{
    struct softmax softmax = {.defined = true};
    uint32_t largest = 0;
    for (uint32_t c = 0; c < classes; c++) {
        softmax.defined = softmax.defined && !isnan(logits[c]);
        if (logits[c] > logits[largest])
            largest = c;
    }
    softmax.top = logits[largest];
    softmax.defined = softmax.defined && !isinf(softmax.top);
    double others = 0;
    for (uint32_t c = 0; c < classes && softmax.defined; c++) {
        if (c != largest)
            others += exp((double)logits[c] - softmax.top);
    }
    softmax.log_sum = log1p(others);
    return softmax;
}

static float log_prob(const struct softmax *softmax, float logit)
{
    return softmax->defined ? (float)((double)logit - softmax->top - softmax->log_sum) : NAN;
}

/* values[label] minus the largest other; +infinity where there is no other. */
static float margin_of_row(const float *values, uint32_t label, uint32_t classes)
{
    float other = -INFINITY;
    for (uint32_t c = 0; c < classes; c++) {
        if (c != label && values[c] > other)
            other = values[c];
    }
    return values[label] - other;
}

/* ---- packing -------------------------------------------------------------------------------------------- */

static uint8_t *pack_classes(uint8_t *out, const struct tidylog_predictions *predictions, const uint16_t *labels,
                             uint32_t classes)
{
    unsigned bits = class_bits(classes);
    struct bit_writer list = {.at = out};
    for (uint32_t i = 0; i < predictions->count; i++) {
        if (predictions->predicted[i] != labels[i])
            write_bits(&list, predictions->predicted[i], bits);
    }
    return end_bits(&list);
}

static uint8_t *pack_margins(uint8_t *out, const struct tidylog_predictions *predictions,
                             const struct packing_levels *levels)
{
    uint32_t count = predictions->count;
    for (uint32_t i = 0; i < count; i++) {
        bool defined = !isnan(predictions->log_odds[i]);
        int8_t code = defined ? packing_margin_code(predictions->margin[i], levels->codes) : PACKING_NOT_A_NUMBER;
        out[i] = (uint8_t)code;
        out[count + i] = packing_log_odds_code(predictions->log_odds[i], code, levels);
    }
    return out + (size_t)count * 2;
}

static uint8_t *pack_log_probs(uint8_t *out, const struct tidylog_predictions *predictions, uint32_t classes)
{
    for (uint32_t i = 0; i < predictions->count; i++) {
        const float *logits = predictions->logits + (size_t)i * classes;
        struct softmax softmax = softmax_of_row(logits, classes);
        for (uint32_t c = 0; c < classes; c++, out += 2)
            store_u16(out, half_from_float(log_prob(&softmax, logits[c])));
    }
    return out;
}

static uint8_t *pack_logits(uint8_t *out, const struct tidylog_predictions *predictions, uint32_t classes)
{
    for (size_t i = 0; i < (size_t)predictions->count * classes; i++, out += 4)
        store_f32(out, predictions->logits[i]);
    return out;
}

size_t packing_pack(uint8_t *out, const struct tidylog_predictions *predictions, const uint16_t *labels,
                    uint32_t classes, enum tidylog_detail detail, const struct packing_levels *levels)
{
    uint8_t *end = out + bitmap_bytes(predictions->count);
    memset(out, 0, bitmap_bytes(predictions->count));
    for (uint32_t i = 0; i < predictions->count; i++)
        out[i / 8] |= (uint8_t)((predictions->predicted[i] != labels[i]) << i % 8);
    end = pack_classes(end, predictions, labels, classes);
    switch (detail) {
    case TIDYLOG_CLASS:
        break;
    case TIDYLOG_MARGIN:
        end = pack_margins(end, predictions, levels);
        break;
    case TIDYLOG_PROBS:
        end = pack_log_probs(end, predictions, classes);
        break;
    case TIDYLOG_FULL:
        end = pack_logits(end, predictions, classes);
        break;
    }
    return (size_t)(end - out);
}

/* ---- unpacking ------------------------------------------------------------------------------------------ */

static size_t count_wrong(const uint8_t *bitmap, uint32_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < bitmap_bytes(count); i++)
        wrong += (size_t)__builtin_popcount(bitmap[i]);
    return wrong;
}

/* The labels, but where the bitmap says wrong the next class of the list. Most predictions are right, so whole
 * bytes of zeros are passed over. Returns whether all classes were possible. */
static bool unpack_predicted(uint16_t *predicted, const uint8_t *bitmap, struct bit_reader *list,
                             const uint16_t *labels, uint32_t count, uint32_t classes)
{
    unsigned bits = class_bits(classes);
    memcpy(predicted, labels, (size_t)count * sizeof *predicted);
    for (size_t byte = 0; byte < bitmap_bytes(count); byte++) {
        for (unsigned wrong = bitmap[byte]; wrong != 0; wrong &= wrong - 1) {
            size_t i = byte * 8 + (size_t)__builtin_ctz(wrong);
            uint32_t class = read_bits(list, bits);
            if (i >= count || class >= classes || class == labels[i])
                return false;
            predicted[i] = (uint16_t) class;
        }
    }
    return list->pending == 0;
}

bool packing_values(const struct packing_columns *out, const int8_t *margin_codes, const uint8_t *log_odds_codes,
                    uint32_t count, const struct packing_tables *tables)
{
    float *restrict margins = out->margin, *restrict losses = out->loss, *restrict confidences = out->confidence;
    bool possible = true;
    for (uint32_t i = 0; i < count; i++) {
        const struct packing_margin_values *margin = &tables->margins[(uint8_t)margin_codes[i]];
        /* One that is not possible is in the table as well: `first` is at most 255 * 256. */
        const struct packing_pair_values *pair = &tables->pairs[margin->first + log_odds_codes[i]];
        possible &= log_odds_codes[i] < margin->count;
        margins[i] = margin->margin;
        losses[i] = pair->loss;
        confidences[i] = pair->confidence;
    }
    return possible;
}

static void set_label_columns(const struct packing_columns *out, uint32_t i, float label_log_prob, float margin)
{
    out->margin[i] = margin;
    out->loss[i] = 0 - label_log_prob;
    out->confidence[i] = (float)exp((double)label_log_prob);
}

static void unpack_log_probs(const struct packing_columns *out, const uint8_t *in, const uint16_t *labels,
                             uint32_t count, uint32_t classes)
{
    half_to_floats(out->log_probs, in, (size_t)count * classes);
    for (uint32_t i = 0; i < count; i++) {
        const float *row = out->log_probs + (size_t)i * classes;
        set_label_columns(out, i, row[labels[i]], margin_of_row(row, labels[i], classes));
    }
}

static void unpack_logits(const struct packing_columns *out, const uint8_t *in, const uint16_t *labels,
                          uint32_t count, uint32_t classes)
{
    for (uint32_t i = 0; i < count; i++) {
        float *row = out->log_probs + (size_t)i * classes;
        for (uint32_t c = 0; c < classes; c++, in += 4)
            row[c] = load_f32(in);
        struct softmax softmax = softmax_of_row(row, classes);
        float margin = softmax.defined ? margin_of_row(row, labels[i], classes) : NAN;
        for (uint32_t c = 0; c < classes; c++)
            row[c] = log_prob(&softmax, row[c]);
        set_label_columns(out, i, row[labels[i]], margin);
    }
}

/* Are the sections' sizes possible? *rest: where those that the detail adds begin. */
static bool find_sections(const uint8_t *in, size_t bytes, uint32_t count, uint32_t classes,
                          enum tidylog_detail detail, const uint8_t **rest)
{
    size_t bitmap = bitmap_bytes(count);
    if (bytes < bitmap)
        return false;
    size_t list = classes_bytes(count_wrong(in, count), classes);
    if (bytes - bitmap < list || bytes - bitmap - list != detail_bytes(count, classes, detail))
        return false;
    *rest = in + bitmap + list;
    return true;
}

int packing_unpack(const struct packing_columns *out, const uint8_t *in, size_t bytes, const uint16_t *labels,
                   uint32_t count, uint32_t classes, enum tidylog_detail detail,
                   const struct packing_tables *tables)
{
    const uint8_t *rest;
    if (!find_sections(in, bytes, count, classes, detail, &rest))
        return TIDY_FAILED;
    struct bit_reader reader = {.at = in + bitmap_bytes(count), .end = rest};
    if (!unpack_predicted(out->predicted, in, &reader, labels, count, classes))
        return TIDY_FAILED;
    switch (detail) {
    case TIDYLOG_CLASS:
        break;
    case TIDYLOG_MARGIN:
        return packing_values(out, (const int8_t *)rest, rest + count, count, tables) ? TIDY_OK : TIDY_FAILED;
    case TIDYLOG_PROBS:
        unpack_log_probs(out, rest, labels, count, classes);
        break;
    case TIDYLOG_FULL:
        unpack_logits(out, rest, labels, count, classes);
        break;
    }
    return TIDY_OK;
}

/* ---- some of a vector -------------------------------------------------------------------------------------- */

/* Copies the items at `places` of an array of items of `size` bytes. Returns the end. */
static uint8_t *select_items(uint8_t *out, const uint8_t *in, const uint32_t *places, uint32_t kept, size_t size)
{
    for (uint32_t i = 0; i < kept; i++, out += size)
        memcpy(out, in + places[i] * size, size);
    return out;
}

size_t packing_select(uint8_t *out, const uint8_t *in, size_t bytes, uint32_t count, const uint32_t *places,
                      uint32_t kept, uint32_t classes, enum tidylog_detail detail)
{
    const uint8_t *rest;
    if (!find_sections(in, bytes, count, classes, detail, &rest))
        return 0;
    unsigned bits = class_bits(classes);
    struct bit_reader reader = {.at = in + bitmap_bytes(count), .end = rest};
    struct bit_writer writer = {.at = out + bitmap_bytes(kept)};
    memset(out, 0, bitmap_bytes(kept));
    for (uint32_t i = 0, next = 0; i < count; i++) {
        bool is_kept = next < kept && places[next] == i;
        if ((in[i / 8] >> i % 8 & 1) != 0) {
            uint32_t class = read_bits(&reader, bits);
            if (class >= classes)
                return 0;
            if (is_kept) {
                out[next / 8] |= (uint8_t)(1 << next % 8);
                write_bits(&writer, class, bits);
            }
        }
        next += is_kept;
    }
    uint8_t *end = end_bits(&writer);
    switch (detail) {
    case TIDYLOG_CLASS:
        break;
    case TIDYLOG_MARGIN:
        end = select_items(end, rest, places, kept, 1);
        end = select_items(end, rest + count, places, kept, 1);
        break;
    case TIDYLOG_PROBS:
        end = select_items(end, rest, places, kept, (size_t)classes * 2);
        break;
    case TIDYLOG_FULL:
        end = select_items(end, rest, places, kept, (size_t)classes * 4);
        break;
    }
    return (size_t)(end - out);
}
