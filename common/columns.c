/* The codec of a block of predictions. */
#include "common/columns.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/little_endian.h"
#include "common/memory.h"

struct columns_past {
    struct columns_shape shape;
    uint32_t count;
    uint32_t epochs; /* seen */
};

struct columns_coder {
    struct columns_shape shape;
};

int columns_past_create(struct columns_past **out, const struct columns_shape *shape, uint32_t count)
{
    int status = memory_allocate(out, 1, sizeof **out, "a block of predictions");
    if (status == TIDY_OK)
        **out = (struct columns_past){.shape = *shape, .count = count};
    return status;
}

void columns_past_reset(struct columns_past *past)
{
    past->epochs = 0;
}

void columns_past_destroy(struct columns_past *past)
{
    free(past);
}

int columns_coder_create(struct columns_coder **out, const struct columns_shape *shape)
{
    int status = memory_allocate(out, 1, sizeof **out, "a block of predictions");
    if (status == TIDY_OK)
        (*out)->shape = *shape;
    return status;
}

void columns_coder_destroy(struct columns_coder *coder)
{
    free(coder);
}

size_t columns_bound(const struct columns_shape *shape, uint32_t count)
{
    return 4 + (size_t)count * (shape->detail == TIDYLOG_MARGIN ? 4 : 2);
}

size_t columns_pack(struct columns_coder *coder, uint8_t *out, const struct columns_row *row, const uint16_t *labels,
                    struct columns_past *past)
{
    uint8_t *at = out + 4;
    uint32_t count = past->count;
    store_u32(out, past->epochs++);
    for (uint32_t i = 0; i < count; i++, at += 2)
        store_u16(at, row->predicted[i] ^ labels[i]);
    if (coder->shape.detail == TIDYLOG_MARGIN) {
        memcpy(at, row->margin, count);
        memcpy(at + count, row->log_odds, count);
        at += (size_t)count * 2;
    }
    return (size_t)(at - out);
}

int columns_unpack(struct columns_coder *coder, const struct columns_row *row, const uint8_t *in, size_t bytes,
                   const uint16_t *labels, struct columns_past *past)
{
    uint32_t count = past->count;
    if (bytes != columns_bound(&coder->shape, count) || load_u32(in) != past->epochs++)
        return TIDY_FAILED;
    in += 4;
    for (uint32_t i = 0; i < count; i++, in += 2) {
        row->predicted[i] = load_u16(in) ^ labels[i];
        if (row->predicted[i] >= coder->shape.classes)
            return TIDY_FAILED;
    }
    if (coder->shape.detail == TIDYLOG_MARGIN) {
        memcpy(row->margin, in, count);
        memcpy(row->log_odds, in + count, count);
    }
    return TIDY_OK;
}
