/* Plain bodies of packed epochs: what few samples, or predictions that nothing tells of, take the least as. */
#include <string.h>

#include "common/bits.h"
#include "common/columns_parts.h"
#include "common/error.h"

size_t columns_plain_bytes(const struct columns_shape *shape, uint32_t count, size_t wrong)
{
    size_t codes = shape->detail == TIDYLOG_MARGIN ? (size_t)count * 2 : 0;
    return 1 + columns_bytes_of_bits(count) + columns_bytes_of_bits(wrong * bits_of_class(shape->classes)) + codes;
}

size_t columns_pack_plain(uint8_t *out, const struct columns_row *row, const uint16_t *labels,
                          const struct columns_past *past)
{
    uint32_t count = past->count;
    unsigned bits = bits_of_class(past->shape.classes);
    *out = COLUMNS_PLAIN;
    uint8_t *wrong = out + 1;
    memset(wrong, 0, columns_bytes_of_bits(count));
    struct bit_writer list = {.at = wrong + columns_bytes_of_bits(count)};
    for (uint32_t i = 0; i < count; i++) {
        if (row->predicted[i] == labels[i])
            continue;
        wrong[i / 8] |= (uint8_t)(1 << i % 8);
        bits_write(&list, row->predicted[i], bits);
    }
    uint8_t *end = bits_end(&list);
    if (past->shape.detail == TIDYLOG_MARGIN) {
        memcpy(end, row->margin, count);
        memcpy(end + count, row->log_odds, count);
        end += (size_t)count * 2;
    }
    return (size_t)(end - out);
}

int columns_unpack_plain(struct columns_coder *coder, const struct columns_row *row, const uint8_t *in,
                         const uint8_t *end, const uint16_t *labels, struct columns_past *past)
{
    uint32_t count = past->count;
    size_t codes = past->shape.detail == TIDYLOG_MARGIN ? (size_t)count * 2 : 0,
           bitmap = columns_bytes_of_bits(count);
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
    if (list.pending != 0 || (size_t)(end - codes - in) != bitmap + columns_bytes_of_bits(listed * bits))
        return TIDY_FAILED;
    if (codes > 0) {
        memcpy(row->margin, end - codes, count);
        coder->kernels->flip(coder->margins, end - codes, count);
        columns_advance_margins(coder, past);
        memcpy(row->log_odds, end - count, count);
    }
    columns_advance_classes(past, row->predicted, labels);
    past->begun = true;
    return TIDY_OK;
}
