/* Inner loops over tensors of either type: written once on float32 values, compiled for each type and vector width. C.
 *
 * A loop is a LOOP_BODY function whose last parameter is `enum tensor_type type`; LOOP_OF_EACH_TYPE makes LOOP_f32
 * and LOOP_bf16 of it, in which the type is a constant, and LOOP_OF picks one. Bodies read and write elements by
 * element_load and element_store alone. */
#ifndef TIDY_KERNELS_ELEMENT_H
#define TIDY_KERNELS_ELEMENT_H

#include "kernels/bf16.h"
#include "kernels/tensor_type.h"
#include "kernels/vector_clones.h"

#define LOOP_BODY static inline __attribute__((always_inline))

LOOP_BODY float element_load(const void *tensor, size_t index, enum tensor_type type)
{
    return type == TENSOR_F32 ? ((const float *)tensor)[index]
                              : bf16_to_float(((const struct bf16 *)tensor)[index]);
}

LOOP_BODY void element_store(void *tensor, size_t index, float value, enum tensor_type type)
{
    if (type == TENSOR_F32)
        ((float *)tensor)[index] = value;
    else
        ((struct bf16 *)tensor)[index] = bf16_from_result(value);
}

/* What element_load gives after element_store. */
LOOP_BODY float element_rounded(float value, enum tensor_type type)
{
    return type == TENSOR_F32 ? value : bf16_to_float(bf16_from_result(value));
}

/* LOOP_OF_EACH_TYPE(loop, (parameters), argument, ...): the parameters without the type, and their names again. */
#define LOOP_OF_EACH_TYPE(loop, parameters, ...)                                                                   \
    VECTOR_CLONES static void loop##_f32 parameters                                                                \
    {                                                                                                              \
        loop(__VA_ARGS__, TENSOR_F32);                                                                             \
    }                                                                                                              \
    VECTOR_CLONES static void loop##_bf16 parameters                                                               \
    {                                                                                                              \
        loop(__VA_ARGS__, TENSOR_BF16);                                                                            \
    }

#define LOOP_OF(loop, type) ((type) == TENSOR_F32 ? loop##_f32 : loop##_bf16)

#endif
