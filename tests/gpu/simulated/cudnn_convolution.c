/* The convolutions of the simulated cuDNN: plain loops whose innermost one runs over channels. */
#include "tests/gpu/simulated/cudnn_convolution.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/bf16.h"

size_t simulated_tensor_values(const struct simulated_convolution *c, int tensor)
{
    int64_t values[TENSORS] = {c->count * c->in_height * c->in_width * c->in_channels,
                               c->out_channels * c->filter_height * c->filter_width * c->in_channels,
                               c->count * c->out_height * c->out_width * c->out_channels};
    return (size_t)values[tensor];
}

size_t simulated_tensor_bytes(const struct simulated_convolution *c, int tensor)
{
    return simulated_tensor_values(c, tensor) * (c->bf16 ? sizeof(struct bf16) : sizeof(float));
}

int simulated_output(enum simulated_pass pass)
{
    static const int outputs[] = {TENSOR_Y, TENSOR_X, TENSOR_W};
    return outputs[pass];
}

/* The second of the two tensors that the pass reads: the tensor core engine keeps a rounded copy of it in the
 * workspace. */
static int second_input(enum simulated_pass pass)
{
    return pass == PASS_BACKWARD_FILTER ? TENSOR_Y : TENSOR_W;
}

size_t simulated_workspace(const struct simulated_convolution *c, const struct simulated_method *method)
{
    size_t values = 0;
    if (method->tf32)
        values = simulated_tensor_values(c, second_input(c->pass));
    else if (method->parts > 1)
        values = (size_t)method->parts * simulated_tensor_values(c, simulated_output(c->pass));
    return values * sizeof(float);
}

/* There is no way to say so from within a device's work. */
static float *allocate_values(size_t count)
{
    float *values = calloc(count + 1, sizeof(float));
    if (values == NULL) {
        fprintf(stderr, "simulated cuDNN: no memory for %zu values\n", count);
        abort();
    }
    return values;
}

/* TF32 keeps 10 of float32's 23 bits of mantissa; rounded to the nearest, ties to even. */
static float round_to_tf32(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    if ((bits & 0x7f800000) == 0x7f800000)
        return value;
    bits += 0xfff + (bits >> 13 & 1);
    bits &= ~UINT32_C(0x1fff);
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static void load_values(float *out, const void *tensor, size_t count, bool bf16, bool tf32)
{
    if (bf16)
        for (size_t i = 0; i < count; i++)
            out[i] = bf16_to_float(((const struct bf16 *)tensor)[i]);
    else
        memcpy(out, tensor, count * sizeof(float));
    if (tf32)
        for (size_t i = 0; i < count; i++)
            out[i] = round_to_tf32(out[i]);
}

static void store_values(const struct simulated_convolution *c, void *tensor, const float *values, size_t count)
{
    struct bf16 *rounded = tensor;
    float *plain = tensor;
    for (size_t i = 0; i < count; i++) {
        float value = c->alpha * values[i];
        /* With beta 0 the output is not read: it may hold anything. */
        if (c->beta != 0)
            value += c->beta * (c->bf16 ? bf16_to_float(rounded[i]) : plain[i]);
        if (c->bf16)
            rounded[i] = bf16_from_float(value);
        else
            plain[i] = value;
    }
}

/* What the three passes walk over: pairs of an output pixel and the input pixel under one place of the filter. */
struct pair {
    size_t in, out, filter; /* pixels, and place in the filter */
};
typedef void visit_pair(void *context, struct pair pair);

/* Inlined with the function that it calls, which is a constant: pairs of few channels cost no call. */
static inline __attribute__((always_inline)) void
for_each_pair(const struct simulated_convolution *c, int64_t first, int64_t last, visit_pair *visit, void *context)
{
    for (int64_t n = first; n < last; n++)
        for (int64_t oy = 0; oy < c->out_height; oy++)
            for (int64_t ox = 0; ox < c->out_width; ox++)
                for (int64_t fy = 0; fy < c->filter_height; fy++)
                    for (int64_t fx = 0; fx < c->filter_width; fx++) {
                        int64_t iy = oy * c->stride[0] - c->padding[0] + fy * c->dilation[0];
                        int64_t ix = ox * c->stride[1] - c->padding[1] + fx * c->dilation[1];
                        if (iy < 0 || ix < 0 || iy >= c->in_height || ix >= c->in_width)
                            continue;
                        int64_t place = fy * c->filter_width + fx;
                        if (c->flipped)
                            place = c->filter_height * c->filter_width - 1 - place;
                        visit(context,
                              (struct pair){(size_t)((n * c->in_height + iy) * c->in_width + ix),
                                            (size_t)((n * c->out_height + oy) * c->out_width + ox), (size_t)place});
                    }
}

struct pass_sums {
    const float *x, *w, *y; /* the inputs of the pass; w of forward is [place][in channels][out channels] */
    float *sums;            /* like the output */
    size_t in_channels, out_channels, places;
    size_t first, last; /* of the channels that are summed over */
};

static inline void add_forward(void *context, struct pair pair)
{
    const struct pass_sums *s = context;
    const float *restrict x = s->x + pair.in * s->in_channels;
    float *restrict sums = s->sums + pair.out * s->out_channels;
    for (size_t i = s->first; i < s->last; i++) {
        const float *restrict w = s->w + (pair.filter * s->in_channels + i) * s->out_channels;
        for (size_t o = 0; o < s->out_channels; o++)
            sums[o] += x[i] * w[o];
    }
}

static inline void add_backward_data(void *context, struct pair pair)
{
    const struct pass_sums *s = context;
    const float *restrict dy = s->y + pair.out * s->out_channels;
    float *restrict sums = s->sums + pair.in * s->in_channels;
    for (size_t o = s->first; o < s->last; o++) {
        const float *restrict w = s->w + (o * s->places + pair.filter) * s->in_channels;
        for (size_t i = 0; i < s->in_channels; i++)
            sums[i] += dy[o] * w[i];
    }
}

static inline void add_backward_filter(void *context, struct pair pair)
{
    const struct pass_sums *s = context;
    const float *restrict x = s->x + pair.in * s->in_channels;
    const float *restrict dy = s->y + pair.out * s->out_channels;
    for (size_t o = 0; o < s->out_channels; o++) {
        float *restrict sums = s->sums + (o * s->places + pair.filter) * s->in_channels;
        for (size_t i = 0; i < s->in_channels; i++)
            sums[i] += dy[o] * x[i];
    }
}

/* [out][place][in] to [place][in][out], so that forward's inner loop is over neighbours. */
static float *turn_filter(const float *w, size_t out_channels, size_t places, size_t in_channels)
{
    float *turned = allocate_values(out_channels * places * in_channels);
    for (size_t o = 0; o < out_channels; o++)
        for (size_t p = 0; p < places; p++)
            for (size_t i = 0; i < in_channels; i++)
                turned[(p * in_channels + i) * out_channels + o] = w[(o * places + p) * in_channels + i];
    return turned;
}

/* Adds one part of the sum, of `parts`, to s->sums. */
static void add_part(const struct simulated_convolution *c, struct pass_sums *s, int64_t part, int64_t parts)
{
    int64_t summed[] = {c->in_channels, c->out_channels, c->count};
    int64_t first = summed[c->pass] * part / parts, last = summed[c->pass] * (part + 1) / parts;
    s->first = (size_t)first;
    s->last = (size_t)last;
    switch (c->pass) {
    case PASS_FORWARD:
        for_each_pair(c, 0, c->count, add_forward, s);
        break;
    case PASS_BACKWARD_DATA:
        for_each_pair(c, 0, c->count, add_backward_data, s);
        break;
    case PASS_BACKWARD_FILTER:
        for_each_pair(c, first, last, add_backward_filter, s);
        break;
    }
}

void simulated_convolve(const struct simulated_convolution *c, const struct simulated_method *method,
                        void *const tensors[TENSORS])
{
    int output = simulated_output(c->pass), second = second_input(c->pass);
    size_t out_values = simulated_tensor_values(c, output), workspace = simulated_workspace(c, method);
    float *loaded[TENSORS] = {NULL, NULL, NULL};
    /* What a workspace held before is gone, all of it. */
    if (workspace > 0)
        memset(method->workspace, 0xff, workspace);
    for (int t = 0; t < TENSORS; t++) {
        if (t == output)
            continue;
        bool in_workspace = method->tf32 && t == second;
        loaded[t] = in_workspace ? method->workspace : allocate_values(simulated_tensor_values(c, t));
        load_values(loaded[t], tensors[t], simulated_tensor_values(c, t), c->bf16, method->tf32);
    }
    struct pass_sums s = {.x = loaded[TENSOR_X],
                          .w = loaded[TENSOR_W],
                          .y = loaded[TENSOR_Y],
                          .in_channels = (size_t)c->in_channels,
                          .out_channels = (size_t)c->out_channels,
                          .places = (size_t)(c->filter_height * c->filter_width)};
    float *turned = c->pass == PASS_FORWARD ? turn_filter(s.w, s.out_channels, s.places, s.in_channels) : NULL;
    if (turned != NULL)
        s.w = turned;
    float *sums = allocate_values(out_values);
    if (method->parts > 1) {
        memset(method->workspace, 0, workspace);
        for (int64_t part = 0; part < method->parts; part++) {
            s.sums = method->workspace + (size_t)part * out_values;
            add_part(c, &s, part, method->parts);
        }
        for (int64_t i = 0; i < method->parts; i++) {
            const float *part =
                method->workspace + (method->first + (uint64_t)i) % (uint64_t)method->parts * out_values;
            for (size_t v = 0; v < out_values; v++)
                sums[v] += part[v];
        }
    } else {
        s.sums = sums;
        add_part(c, &s, 0, 1);
    }
    store_values(c, tensors[output], sums, out_values);
    free(sums);
    free(turned);
    for (int t = 0; t < TENSORS; t++)
        if (loaded[t] != method->workspace)
            free(loaded[t]);
}
