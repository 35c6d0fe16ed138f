/* The codes inside a packed step: sections one after the other, as packing.h lists them. */
#include "common/step_codes.h"

#include <string.h>

#include "common/bit_stream.h"
#include "common/error.h"

int step_codes_read(const struct columns_row *out, const uint8_t *in, size_t bytes, const uint16_t *labels,
                    uint32_t count, uint32_t classes, enum tidylog_detail detail)
{
    size_t bitmap_bytes = ((size_t)count + 7) / 8;
    size_t code_bytes = detail == TIDYLOG_MARGIN ? (size_t)count * 2 : 0;
    if (bytes < bitmap_bytes + code_bytes)
        return TIDY_FAILED;
    const uint8_t *codes = in + bytes - code_bytes;
    struct bit_reader list = {.at = in + bitmap_bytes, .end = codes};
    unsigned bits = class_bits(classes);
    size_t wrong = 0;
    memcpy(out->predicted, labels, (size_t)count * sizeof *labels);
    for (size_t byte = 0; byte < bitmap_bytes; byte++) {
        for (unsigned set = in[byte]; set != 0; set &= set - 1, wrong++) {
            size_t i = byte * 8 + (size_t)__builtin_ctz(set);
            uint32_t class = read_bits(&list, bits);
            if (i >= count || class >= classes || class == labels[i])
                return TIDY_FAILED;
            out->predicted[i] = (uint16_t) class;
        }
    }
    if (bytes != bitmap_bytes + (wrong * bits + 7) / 8 + code_bytes || list.pending != 0)
        return TIDY_FAILED;
    if (detail == TIDYLOG_MARGIN) {
        memcpy(out->margin, codes, count);
        memcpy(out->log_odds, codes + count, count);
    }
    return TIDY_OK;
}

size_t step_codes_write(uint8_t *out, const struct columns_row *row, const uint16_t *labels, uint32_t count,
                        uint32_t classes, enum tidylog_detail detail)
{
    size_t bitmap_bytes = ((size_t)count + 7) / 8;
    unsigned bits = class_bits(classes);
    struct bit_writer list = {.at = out + bitmap_bytes};
    memset(out, 0, bitmap_bytes);
    for (uint32_t i = 0; i < count; i++) {
        if (row->predicted[i] != labels[i]) {
            out[i / 8] |= (uint8_t)(1 << i % 8);
            write_bits(&list, row->predicted[i], bits);
        }
    }
    uint8_t *end = end_bits(&list);
    if (detail == TIDYLOG_MARGIN) {
        memcpy(end, row->margin, count);
        memcpy(end + count, row->log_odds, count);
        end += (size_t)count * 2;
    }
    return (size_t)(end - out);
}

bool step_codes_possible(const struct columns_row *row, uint32_t count, const struct packing_levels *levels)
{
    bool possible = true;
    for (uint32_t i = 0; i < count; i++)
        possible &= row->log_odds[i] < levels->count[(uint8_t)row->margin[i]];
    return possible;
}
