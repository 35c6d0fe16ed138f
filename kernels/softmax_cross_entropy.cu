/* Loss and its gradient, and what the log wants to know of each prediction, on the device: a warp for each row of
 * logits, or a block where a row is long.
 *
 * With M the largest of the others' logits and rest = sum of exp(z - M) over the others but that one, the row's are
 *     margin = z_label - M,  log odds = margin - log1p(rest),  others / label = exp(-margin) (1 + rest):
 * no sum is near 1 where its distance from 1 is what counts, so float32 is enough on either side. */
#include "kernels/gpu_launch.h"

#include <math.h>

enum {
    SHORT_ROW = 256, /* classes up to which a warp takes a row */
    BLOCK_WARPS = 8, /* of a block, whether its warps work on one row or on eight */
    ALL_LANES = -1
};

/* A logit and its class. None: -infinity and a class past all others. */
struct ranked {
    float logit;
    uint32_t of_class;
};

/* The larger logit; of two equal ones the first class. NaN is never the larger. */
static __device__ inline ranked larger(ranked a, ranked b)
{
    bool takes_b = b.logit > a.logit || (b.logit == a.logit && b.of_class < a.of_class);
    return takes_b ? b : a;
}

/* All lanes of a row's WARPS warps get the largest of their values.
 *
 * Where a row has several warps this and the sum are called in turn, each with shared memory of its own: so a warp
 * that comes to write here again has passed the barrier of the sum, which each warp reaches after it has read. */
template <int WARPS> static __device__ ranked largest_of_row(ranked value)
{
#pragma unroll
    for (unsigned lanes = GPU_WARP / 2; lanes > 0; lanes /= 2) {
        ranked other;
        other.logit = __shfl_xor_sync((unsigned)ALL_LANES, value.logit, lanes);
        other.of_class = __shfl_xor_sync((unsigned)ALL_LANES, value.of_class, lanes);
        value = larger(value, other);
    }
    if (WARPS > 1) {
        __shared__ ranked of_warp[WARPS];
        if (threadIdx.x % GPU_WARP == 0)
            of_warp[threadIdx.x / GPU_WARP] = value;
        __syncthreads();
        for (int warp = 0; warp < WARPS; warp++)
            value = larger(value, of_warp[warp]);
    }
    return value;
}

/* The same for the sum. All lanes get the same bits: at each step two lanes add the same two values. */
template <int WARPS> static __device__ float sum_of_row(float value)
{
#pragma unroll
    for (unsigned lanes = GPU_WARP / 2; lanes > 0; lanes /= 2)
        value += __shfl_xor_sync((unsigned)ALL_LANES, value, lanes);
    if (WARPS > 1) {
        __shared__ float of_warp[WARPS];
        if (threadIdx.x % GPU_WARP == 0)
            of_warp[threadIdx.x / GPU_WARP] = value;
        __syncthreads();
        value = 0;
        for (int warp = 0; warp < WARPS; warp++)
            value += of_warp[warp];
    }
    return value;
}

template <typename Type, int WARPS>
static __device__ void predict_rows(Type *__restrict__ d_logits, uint16_t *__restrict__ predicted,
                                    float *__restrict__ margins, float *__restrict__ log_odds,
                                    float *__restrict__ loss, const float *__restrict__ logits,
                                    const uint16_t *__restrict__ labels, uint32_t count, uint32_t classes)
{
    const uint32_t lanes = WARPS * GPU_WARP, lane = threadIdx.x % lanes;
    const float gradient_scale = 1.0f / (float)count;
    for (size_t row = gpu_first_item() / lanes; row < count; row += gpu_stride() / lanes) {
        const float *z = logits + row * classes;
        uint32_t label = labels[row];
        ranked other = {-INFINITY, UINT32_MAX};
        for (uint32_t c = lane; c < classes; c += lanes)
            if (c != label)
                other = larger(other, {z[c], c});
        other = largest_of_row<WARPS>(other);

        float rest = 0, label_logit = z[label];
        /* Where all others are -infinity any finite value will do: exp gives 0, and NaN stays NaN. */
        float reference = other.logit == -INFINITY ? 0 : other.logit;
        for (uint32_t c = lane; c < classes; c += lanes)
            if (c != label && c != other.of_class)
                rest += expf(z[c] - reference);
        rest = sum_of_row<WARPS>(rest);

        ranked best = larger(other, {label_logit, label});
        float margin = label_logit - other.logit;
        /* A NaN among the others has made rest NaN; infinite logits have no softmax. */
        bool valid = isfinite(best.logit) && !isnan(rest) && !isnan(label_logit);
        float label_part, others_part, row_loss; /* of the softmax, relative to the larger of the two */
        if (margin >= 0) {
            label_part = 1;
            others_part = expf(-margin) * (1 + rest);
            row_loss = log1pf(others_part);
        } else {
            label_part = expf(margin);
            others_part = 1 + rest;
            row_loss = logf(label_part + others_part) - margin;
        }
        if (lane == 0) {
            predicted[row] = (uint16_t)(best.of_class < classes ? best.of_class : 0);
            margins[row] = valid ? margin : NAN;
            log_odds[row] = valid ? margin - log1pf(rest) : NAN;
            loss[row] = valid ? row_loss : NAN;
        }
        if (d_logits == nullptr)
            continue;
        float scale = valid ? gradient_scale / (label_part + others_part) : NAN;
        for (uint32_t c = lane; c < classes; c += lanes) {
            float gradient = c == label ? -others_part * scale : expf(z[c] - best.logit) * scale;
            gpu_store(d_logits + row * classes + c, gpu_values<1>{{gradient}});
        }
    }
}

#define PREDICT_KERNEL(kernel, type, warps)                                                                        \
    extern "C" __global__ void __launch_bounds__(BLOCK_WARPS *GPU_WARP)                                            \
        kernel(type *__restrict__ d_logits, uint16_t *__restrict__ predicted, float *__restrict__ margins,         \
               float *__restrict__ log_odds, float *__restrict__ loss, const float *__restrict__ logits,           \
               const uint16_t *__restrict__ labels, uint32_t count, uint32_t classes)                              \
    {                                                                                                              \
        predict_rows<type, warps>(d_logits, predicted, margins, log_odds, loss, logits, labels, count, classes);   \
    }
PREDICT_KERNEL(predict_short_f32, float, 1)
PREDICT_KERNEL(predict_short_bf16, struct bf16, 1)
PREDICT_KERNEL(predict_long_f32, float, BLOCK_WARPS)
PREDICT_KERNEL(predict_long_bf16, struct bf16, BLOCK_WARPS)

int gpu_softmax_cross_entropy(const struct gpu_queue *queue, enum tensor_type type, void *d_logits,
                              uint16_t *predicted, float *margin, float *log_odds, float *loss, const float *logits,
                              const uint16_t *labels, uint32_t count, uint32_t classes)
{
    const unsigned threads = BLOCK_WARPS * GPU_WARP;
    bool is_short = classes <= SHORT_ROW;
    unsigned threads_of_row = is_short ? (unsigned)GPU_WARP : threads;
    unsigned blocks = gpu_blocks(queue, (size_t)count * threads_of_row, threads);
    if (type == TENSOR_F32)
        return gpu_launch(queue, blocks, threads, is_short ? predict_short_f32 : predict_long_f32,
                          static_cast<float *>(d_logits), predicted, margin, log_odds, loss, logits, labels, count,
                          classes);
    return gpu_launch(queue, blocks, threads, is_short ? predict_short_bf16 : predict_long_bf16,
                      static_cast<struct bf16 *>(d_logits), predicted, margin, log_odds, loss, logits, labels,
                      count, classes);
}

GPU_KERNELS(predict_short_f32, predict_short_bf16, predict_long_f32, predict_long_bf16);
