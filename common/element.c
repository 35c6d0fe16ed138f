/* Loops over elements of each type: the type is asked for once an array, so that the loops are plain. */
#include "common/element.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "common/half.h"
#include "common/little_endian.h"

const struct element_row element_rows[ELEMENTS] = {
    [ELEMENT_I8] = {"i1", 'b', 1, false},  [ELEMENT_I16] = {"i2", 'h', 2, false},
    [ELEMENT_I32] = {"i4", 'i', 4, false}, [ELEMENT_I64] = {"i8", 'q', 8, false},
    [ELEMENT_U8] = {"u1", 'B', 1, false},  [ELEMENT_U16] = {"u2", 'H', 2, false},
    [ELEMENT_U32] = {"u4", 'I', 4, false}, [ELEMENT_U64] = {"u8", 'Q', 8, false},
    [ELEMENT_F16] = {"f2", 'e', 2, true},  [ELEMENT_F32] = {"f4", 'f', 4, true},
    [ELEMENT_F64] = {"f8", 'd', 8, true},
};

static inline int64_t load_i8(const uint8_t *at)
{
    return (int8_t)*at;
}

static inline int64_t load_i16(const uint8_t *at)
{
    return (int16_t)load_u16(at);
}

static inline int64_t load_i32(const uint8_t *at)
{
    return (int32_t)load_u32(at);
}

static inline int64_t load_i64(const uint8_t *at)
{
    return (int64_t)load_u64(at);
}

static inline uint64_t load_u8(const uint8_t *at)
{
    return *at;
}

static inline float load_f16(const uint8_t *at)
{
    return half_to_float(load_u16(at));
}

void element_to_float(float *out, enum element type, const uint8_t *from, size_t count, size_t stride)
{
#define CONVERT(load)                                                                                              \
    for (size_t i = 0; i < count; i++)                                                                             \
        out[i] = (float)load(from + i * stride);                                                                   \
    break
    if (type == ELEMENT_F16 && stride == 2) {
        half_to_floats(out, from, count);
        return;
    }
    switch (type) {
    case ELEMENT_I8:
        CONVERT(load_i8);
    case ELEMENT_I16:
        CONVERT(load_i16);
    case ELEMENT_I32:
        CONVERT(load_i32);
    case ELEMENT_I64:
        CONVERT(load_i64);
    case ELEMENT_U8:
        CONVERT(load_u8);
    case ELEMENT_U16:
        CONVERT(load_u16);
    case ELEMENT_U32:
        CONVERT(load_u32);
    case ELEMENT_U64:
        CONVERT(load_u64);
    case ELEMENT_F16:
        CONVERT(load_f16);
    case ELEMENT_F32:
        CONVERT(load_f32);
    case ELEMENT_F64:
        CONVERT(load_f64);
    case ELEMENTS:
        break;
    }
#undef CONVERT
}

static inline bool signed_fits(int64_t value, int32_t least, int32_t most)
{
    return value >= least && value <= most;
}

static inline bool unsigned_fits(uint64_t value, int32_t least, int32_t most)
{
    return value <= INT32_MAX && signed_fits((int64_t)value, least, most);
}

/* A NaN fits nothing. */
static inline bool real_fits(double value, int32_t least, int32_t most)
{
    return value >= least && value <= most && trunc(value) == value;
}

size_t element_to_whole(int32_t *out, enum element type, const uint8_t *from, size_t count, size_t stride,
                        int32_t least, int32_t most)
{
#define CONVERT(load, fits)                                                                                        \
    for (size_t i = 0; i < count; i++) {                                                                           \
        if (!fits(load(from + i * stride), least, most))                                                           \
            return i;                                                                                              \
        out[i] = (int32_t)load(from + i * stride);                                                                 \
    }                                                                                                              \
    break
    switch (type) {
    case ELEMENT_I8:
        CONVERT(load_i8, signed_fits);
    case ELEMENT_I16:
        CONVERT(load_i16, signed_fits);
    case ELEMENT_I32:
        CONVERT(load_i32, signed_fits);
    case ELEMENT_I64:
        CONVERT(load_i64, signed_fits);
    case ELEMENT_U8:
        CONVERT(load_u8, unsigned_fits);
    case ELEMENT_U16:
        CONVERT(load_u16, unsigned_fits);
    case ELEMENT_U32:
        CONVERT(load_u32, unsigned_fits);
    case ELEMENT_U64:
        CONVERT(load_u64, unsigned_fits);
    case ELEMENT_F16:
        CONVERT(load_f16, real_fits);
    case ELEMENT_F32:
        CONVERT(load_f32, real_fits);
    case ELEMENT_F64:
        CONVERT(load_f64, real_fits);
    case ELEMENTS:
        break;
    }
#undef CONVERT
    return count;
}

const char *element_text(char *text, enum element type, const uint8_t *from)
{
    enum { ROOM = 32 };
    float real = 0; /* gcc cannot tell that a type is set in every case */
    int32_t whole = 0;
    if (type == ELEMENT_F64)
        snprintf(text, ROOM, "%g", load_f64(from));
    else if (type == ELEMENT_U64)
        snprintf(text, ROOM, "%" PRIu64, load_u64(from));
    else if (type == ELEMENT_U32)
        snprintf(text, ROOM, "%" PRIu32, load_u32(from));
    else if (type == ELEMENT_I64)
        snprintf(text, ROOM, "%" PRId64, load_i64(from));
    else if (element_rows[type].real) {
        element_to_float(&real, type, from, 1, 0);
        snprintf(text, ROOM, "%g", (double)real);
    } else {
        element_to_whole(&whole, type, from, 1, 0, INT32_MIN, INT32_MAX);
        snprintf(text, ROOM, "%" PRId32, whole);
    }
    return text;
}
