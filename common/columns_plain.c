/* Plain bodies of packed epochs: what few samples, or predictions that nothing tells of, take the least as. Behind the
 * first byte they are what a step holds. */
#include "common/bit_stream.h"
#include "common/columns_parts.h"
#include "common/error.h"
#include "common/step_codes.h"

size_t columns_plain_bytes(const struct columns_shape *shape, uint32_t count, size_t wrong)
{
    size_t codes = shape->detail == TIDYLOG_MARGIN ? (size_t)count * 2 : 0;
    return 1 + columns_bytes_of_bits(count) + columns_bytes_of_bits(wrong * class_bits(shape->classes)) + codes;
}

size_t columns_pack_plain(uint8_t *out, const struct columns_row *row, const uint16_t *labels,
                          const struct columns_past *past)
{
    *out = COLUMNS_PLAIN;
    return 1 + step_codes_write(out + 1, row, labels, past->count, past->shape.classes, past->shape.detail);
}

int columns_unpack_plain(struct columns_coder *coder, const struct columns_row *row, const uint8_t *in,
                         const uint8_t *end, const uint16_t *labels, struct columns_past *past)
{
    if (step_codes_read(row, in, (size_t)(end - in), labels, past->count, past->shape.classes,
                        past->shape.detail) != TIDY_OK)
        return TIDY_FAILED;
    if (past->shape.detail == TIDYLOG_MARGIN) {
        coder->kernels->flip(coder->margins, (const uint8_t *)row->margin, past->count);
        columns_advance_margins(coder, past);
    }
    columns_advance_classes(past, row->predicted, labels);
    past->begun = true;
    return TIDY_OK;
}
