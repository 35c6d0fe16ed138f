/* The bias of the linear layer on the device. */
#include "kernels/gpu_launch.h"

extern "C" __global__ void __launch_bounds__(GPU_THREADS)
    linear_bias_add(float *__restrict__ y, const float *__restrict__ bias, uint32_t count, uint32_t outputs)
{
    /* An item's column is found by division once, and then moves on by the stride's remainder. */
    size_t values = (size_t)count * outputs, first = gpu_first_item(), stride = gpu_stride();
    uint32_t column = (uint32_t)(first % outputs), step = (uint32_t)(stride % outputs);
    for (size_t i = first; i < values; i += stride) {
        y[i] += bias[column];
        column = column < outputs - step ? column + step : column - (outputs - step);
    }
}

enum { COLUMNS = 32, ROWS = 32 }; /* of a block's threads */

/* A block sums 32 columns: 32 threads for each, which take every 32nd row, and then one that adds up what they
 * have. */
template <typename Type>
static __device__ void sum_columns(float *__restrict__ d_bias, const Type *__restrict__ dy, uint32_t count,
                                   uint32_t outputs)
{
    __shared__ float partial[ROWS][COLUMNS];
    uint32_t place = threadIdx.x % COLUMNS, first_row = threadIdx.x / COLUMNS;
    for (uint32_t tile = blockIdx.x; tile < (outputs + COLUMNS - 1) / COLUMNS; tile += gridDim.x) {
        uint32_t column = tile * COLUMNS + place;
        float sum = 0;
#pragma unroll 4
        for (uint32_t row = first_row; row < count && column < outputs; row += ROWS)
            sum += gpu_load<1>(dy + (size_t)row * outputs + column).at[0];
        partial[first_row][place] = sum;
        __syncthreads();
        if (first_row == 0 && column < outputs) {
            for (uint32_t row = 1; row < ROWS; row++)
                sum += partial[row][place];
            d_bias[column] = sum;
        }
        __syncthreads(); /* before the next tile's sums take their places */
    }
}

extern "C" __global__ void __launch_bounds__(ROWS *COLUMNS)
    linear_bias_gradient_f32(float *__restrict__ d_bias, const float *__restrict__ dy, uint32_t count,
                             uint32_t outputs)
{
    sum_columns(d_bias, dy, count, outputs);
}

extern "C" __global__ void __launch_bounds__(ROWS *COLUMNS)
    linear_bias_gradient_bf16(float *__restrict__ d_bias, const struct bf16 *__restrict__ dy, uint32_t count,
                              uint32_t outputs)
{
    sum_columns(d_bias, dy, count, outputs);
}

int gpu_linear_add_bias(const struct gpu_queue *queue, float *y, const float *bias, uint32_t count,
                        uint32_t outputs)
{
    unsigned blocks = gpu_blocks(queue, (size_t)count * outputs, GPU_THREADS);
    return gpu_launch(queue, blocks, GPU_THREADS, linear_bias_add, y, bias, count, outputs);
}

int gpu_linear_bias_gradient(const struct gpu_queue *queue, enum tensor_type type, float *d_bias, const void *dy,
                             uint32_t count, uint32_t outputs)
{
    size_t tiles = (outputs + COLUMNS - 1) / COLUMNS;
    unsigned blocks = gpu_blocks(queue, tiles * ROWS * COLUMNS, ROWS * COLUMNS);
    if (type == TENSOR_F32)
        return gpu_launch(queue, blocks, ROWS * COLUMNS, linear_bias_gradient_f32, d_bias,
                          static_cast<const float *>(dy), count, outputs);
    return gpu_launch(queue, blocks, ROWS * COLUMNS, linear_bias_gradient_bf16, d_bias,
                      static_cast<const struct bf16 *>(dy), count, outputs);
}

GPU_KERNELS(linear_bias_add, linear_bias_gradient_f32, linear_bias_gradient_bf16);
