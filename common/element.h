/* Types of numbers that arrays from elsewhere have (NPY files, streams), and their conversion to ours. */
#ifndef TIDY_COMMON_ELEMENT_H
#define TIDY_COMMON_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum element {
    ELEMENT_I8,
    ELEMENT_I16,
    ELEMENT_I32,
    ELEMENT_I64,
    ELEMENT_U8,
    ELEMENT_U16,
    ELEMENT_U32,
    ELEMENT_U64,
    ELEMENT_F16,
    ELEMENT_F32,
    ELEMENT_F64,
    ELEMENTS
};

struct element_row {
    const char *npy; /* NumPy's letters without the byte order: "i8", "f4" */
    char buffer;     /* the letter of Python's struct and buffer protocol: 'q', 'f' */
    size_t bytes;
    bool real; /* a floating point type */
};
extern const struct element_row element_rows[ELEMENTS];

/* Reads `count` elements, `stride` bytes apart, little endian and perhaps unaligned. To float, rounding to
 * nearest. */
void element_to_float(float *out, enum element type, const uint8_t *from, size_t count, size_t stride);

/* The same to whole numbers. Returns the index of the first element that is no whole number in least..most, or
 * count; out is set before that index only. */
size_t element_to_whole(int32_t *out, enum element type, const uint8_t *from, size_t count, size_t stride,
                        int32_t least, int32_t most);

/* Writes one element as a person reads it ("-1", "2.5") into text (at least 32 bytes) and returns it: for
 * messages. */
const char *element_text(char *text, enum element type, const uint8_t *from);

#endif
