/* Copies blocks of weights into matrices, and sums them back. */
#include "record/cpu/weight_matrix.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "kernels/bf16.h"
#include "kernels/vector_clones.h"

struct weight_block {
    size_t tap;
    size_t row, column; /* of the matrix */
};

static void start(struct weight_matrix *m, const struct layer *layer, enum tensor_type type)
{
    *m = (struct weight_matrix){.taps = (size_t)layer->kernel * layer->kernel,
                                .in_channels = layer->in_channels,
                                .out_channels = layer->out_channels,
                                .type = type};
}

/* Weights that are one run, and the whole matrix, are its values as they lie, in float32. */
static bool is_one_run(const struct weight_matrix *m)
{
    for (size_t b = 1; b < m->block_count; b++)
        if (m->blocks[b].tap != m->blocks[0].tap + b)
            return false;
    return m->columns == m->out_channels && m->depth == m->block_count * m->in_channels;
}

static int finish(struct weight_matrix *m)
{
    if (is_one_run(m) && m->type == TENSOR_F32)
        return TIDY_OK;
    return memory_allocate(&m->values, m->depth * m->columns, tensor_type_bytes(m->type), "a convolution's matrix");
}

int weight_matrix_create_columns(struct weight_matrix *out, const struct layer *layer, enum tensor_type type)
{
    start(out, layer, type);
    out->depth = out->taps * out->in_channels;
    out->columns = out->out_channels;
    out->block_count = out->taps;
    int status = memory_allocate(&out->blocks, out->taps, sizeof *out->blocks, "a convolution's matrix");
    if (status != TIDY_OK)
        return status;
    for (size_t tap = 0; tap < out->taps; tap++)
        out->blocks[tap] = (struct weight_block){.tap = tap, .row = tap * out->in_channels};
    return finish(out);
}

int weight_matrix_create_dense(struct weight_matrix *out, const struct layer *layer, enum tensor_type type)
{
    start(out, layer, type);
    size_t in_pixels = (size_t)layer->in_height * layer->in_width, out_pixels = layer_output_pixels(layer);
    out->depth = in_pixels * out->in_channels;
    out->columns = out_pixels * out->out_channels;
    int status =
        memory_allocate(&out->blocks, in_pixels * out_pixels, sizeof *out->blocks, "a convolution's matrix");
    if (status != TIDY_OK)
        return status;
    for (int64_t tap_y = 0; tap_y < layer->kernel; tap_y++)
        for (int64_t tap_x = 0; tap_x < layer->kernel; tap_x++)
            for (int64_t y = 0; y < layer->out_height; y++)
                for (int64_t x = 0; x < layer->out_width; x++) {
                    int64_t in_y = y * layer->stride + tap_y - layer->padding;
                    int64_t in_x = x * layer->stride + tap_x - layer->padding;
                    if (in_y < 0 || in_y >= layer->in_height || in_x < 0 || in_x >= layer->in_width)
                        continue;
                    out->blocks[out->block_count++] = (struct weight_block){
                        .tap = (size_t)(tap_y * layer->kernel + tap_x),
                        .row = (size_t)(in_y * layer->in_width + in_x) * out->in_channels,
                        .column = (size_t)(y * layer->out_width + x) * out->out_channels,
                    };
                }
    return finish(out);
}

void weight_matrix_destroy(struct weight_matrix *matrix)
{
    free(matrix->blocks);
    free(matrix->values);
}

VECTOR_CLONES static void round_values(struct bf16 *restrict to, const float *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = bf16_from_float(from[i]);
}

VECTOR_CLONES static void add_values(float *restrict sum, const float *restrict added, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += added[i];
}

/* Row i of each block. */
static void spread_row(const struct weight_matrix *m, const float *weights, size_t i)
{
    for (size_t b = 0; b < m->block_count; b++) {
        const struct weight_block *block = &m->blocks[b];
        const float *from = weights + (block->tap * m->in_channels + i) * m->out_channels;
        size_t place = (block->row + i) * m->columns + block->column;
        if (m->type == TENSOR_F32)
            memcpy((float *)m->values + place, from, m->out_channels * sizeof *from);
        else
            round_values((struct bf16 *)m->values + place, from, m->out_channels);
    }
}

void *weight_matrix_values(struct weight_matrix *m, const float *weights)
{
    if (m->values == NULL)
        return (float *)weights + m->blocks[0].tap * m->in_channels * m->out_channels;
    if (!m->current) {
#pragma omp parallel for schedule(static)
        for (size_t i = 0; i < m->in_channels; i++)
            spread_row(m, weights, i);
        m->current = true;
    }
    return m->values;
}

float *weight_matrix_gradient(const struct weight_matrix *m, float *d_weights)
{
    if (!is_one_run(m))
        return NULL;
    size_t block = m->in_channels * m->out_channels, before = m->blocks[0].tap * block;
    size_t end = before + m->block_count * block;
    memset(d_weights, 0, before * sizeof *d_weights);
    memset(d_weights + end, 0, (m->taps * block - end) * sizeof *d_weights);
    return d_weights + before;
}

/* Row i of each tap. */
static void fold_row(const struct weight_matrix *m, float *d_weights, const float *gradient, size_t i)
{
    size_t b = 0;
    for (size_t tap = 0; tap < m->taps; tap++) {
        float *to = d_weights + (tap * m->in_channels + i) * m->out_channels;
        memset(to, 0, m->out_channels * sizeof *to);
        for (; b < m->block_count && m->blocks[b].tap == tap; b++)
            add_values(to, gradient + (m->blocks[b].row + i) * m->columns + m->blocks[b].column, m->out_channels);
    }
}

void weight_matrix_fold(const struct weight_matrix *m, float *d_weights, const float *gradient)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < m->in_channels; i++)
        fold_row(m, d_weights, gradient, i);
}
