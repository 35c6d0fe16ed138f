/* Numbers of a few bits each, one after the other, the least significant bit first. */
#ifndef TIDY_COMMON_BIT_STREAM_H
#define TIDY_COMMON_BIT_STREAM_H

#include <stdint.h>

/* ceil(log2 classes): bits of a class. */
static inline unsigned class_bits(uint32_t classes)
{
    unsigned bits = 0;
    while ((UINT64_C(1) << bits) < classes)
        bits++;
    return bits;
}

struct bit_writer {
    uint8_t *at;
    uint64_t pending;
    unsigned pending_bits;
};

/* `bits` is at most 32. */
static inline void write_bits(struct bit_writer *writer, uint32_t value, unsigned bits)
{
    writer->pending |= (uint64_t)value << writer->pending_bits;
    writer->pending_bits += bits;
    for (; writer->pending_bits >= 8; writer->pending_bits -= 8, writer->pending >>= 8)
        *writer->at++ = (uint8_t)writer->pending;
}

/* Fills up the last byte. Returns the end. */
static inline uint8_t *end_bits(struct bit_writer *writer)
{
    if (writer->pending_bits > 0)
        *writer->at++ = (uint8_t)writer->pending;
    return writer->at;
}

/* Never reads past the end: what would lie there is 0. */
struct bit_reader {
    const uint8_t *at, *end;
    uint64_t pending;
    unsigned pending_bits;
};

static inline uint32_t read_bits(struct bit_reader *reader, unsigned bits)
{
    while (reader->pending_bits < bits && reader->at < reader->end) {
        reader->pending |= (uint64_t)*reader->at++ << reader->pending_bits;
        reader->pending_bits += 8;
    }
    uint32_t value = (uint32_t)(reader->pending & ((UINT64_C(1) << bits) - 1));
    reader->pending >>= bits;
    reader->pending_bits -= bits < reader->pending_bits ? bits : reader->pending_bits;
    return value;
}

#endif
