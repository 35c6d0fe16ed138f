/* The bias of the linear layer: a few values beside the product that oneDNN or cuBLAS does. */
#include "kernels/kernels.h"

void linear_add_bias(float *y, const float *bias, uint32_t count, uint32_t outputs)
{
    for (size_t row = 0; row < count; row++)
        for (size_t c = 0; c < outputs; c++)
            y[row * outputs + c] += bias[c];
}

void linear_bias_gradient(float *d_bias, const float *dy, uint32_t count, uint32_t outputs)
{
    for (size_t c = 0; c < outputs; c++)
        d_bias[c] = 0;
    for (size_t row = 0; row < count; row++)
        for (size_t c = 0; c < outputs; c++)
            d_bias[c] += dy[row * outputs + c];
}
