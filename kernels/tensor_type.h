/* What a tensor's elements are stored as. C and C++. */
#ifndef TIDY_KERNELS_TENSOR_TYPE_H
#define TIDY_KERNELS_TENSOR_TYPE_H

#include <stddef.h>

/* Arithmetic is in float32 in either, and sums in float32 or better: bfloat16 is how values lie in memory. */
enum tensor_type { TENSOR_F32, TENSOR_BF16 };

/* Bytes of an element. */
static inline size_t tensor_type_bytes(enum tensor_type type)
{
    return type == TENSOR_F32 ? 4 : 2;
}

/* Where element `index` of a tensor lies; NULL of NULL. */
static inline const void *tensor_at(const void *tensor, enum tensor_type type, size_t index)
{
    return tensor ? (const char *)tensor + index * tensor_type_bytes(type) : NULL;
}
static inline void *tensor_at_to_write(void *tensor, enum tensor_type type, size_t index)
{
    return tensor ? (char *)tensor + index * tensor_type_bytes(type) : NULL;
}

#endif
