/* Types of numbers that arrays from elsewhere have (NPY files, streams), and their conversion to ours. */
#ifndef TIDY_COMMON_ELEMENT_H
#define TIDY_COMMON_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum element {
    ELEMENT_I8, ELEMENT_I16, ELEMENT_I32, ELEMENT_I64,
    ELEMENT_U8, ELEMENT_U16, ELEMENT_U32, ELEMENT_U64,
    ELEMENT_F16, ELEMENT_F32, ELEMENT_F64,
    ELEMENTS
};

struct element_row {
    const char *npy;  /* NumPy's letters without the byte order: "i8", "f4" */
    char buffer;      /* the letter of Python's struct and buffer protocol: 'q', 'f' */
    size_t bytes;
    bool real;        /* a floating point type */
};
extern const struct element_row element_rows[ELEMENTS];

/* Reads `count` elements, `stride` bytes apart, little endian and perhaps unaligned. To float, rounding to nearest. */
void element_to_float(float *out, enum element type, const uint8_t *from, size_t count, size_t stride);

/* The same to whole numbers. Returns the index of the first element that is not a whole number in 0..most, or count. */
size_t element_to_u32(uint32_t *out, enum element type, const uint8_t *from, size_t count, size_t stride,
                      uint32_t most);

#endif
