/* The bias of the linear layer: a few values beside the product that oneDNN or cuBLAS does. */
#include "kernels/element.h"
#include "kernels/kernels.h"

void linear_add_bias(float *y, const float *bias, uint32_t count, uint32_t outputs)
{
    for (size_t row = 0; row < count; row++)
        for (size_t c = 0; c < outputs; c++)
            y[row * outputs + c] += bias[c];
}

LOOP_BODY void add_rows(float *restrict sums, const void *restrict dy, size_t rows, size_t outputs,
                        enum tensor_type type)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t c = 0; c < outputs; c++)
            sums[c] += element_load(dy, row * outputs + c, type);
}

LOOP_OF_EACH_TYPE(add_rows, (float *restrict sums, const void *restrict dy, size_t rows, size_t outputs), sums, dy,
                  rows, outputs)

void linear_bias_gradient(enum tensor_type type, float *d_bias, const void *dy, uint32_t count, uint32_t outputs)
{
    for (size_t c = 0; c < outputs; c++)
        d_bias[c] = 0;
    LOOP_OF(add_rows, type)(d_bias, dy, count, outputs);
}
