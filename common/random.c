/* Random numbers: SplitMix64 streams and what is drawn from them. */
#include "common/random.h"

#include <math.h>

#define INCREMENT UINT64_C(0x9e3779b97f4a7c15)

/* SplitMix64's output function of x + its increment (Steele, Lea, Flood 2014, with Stafford's variant 13). */
static uint64_t mix(uint64_t x)
{
    x += INCREMENT;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

struct random_stream random_open(uint64_t seed, enum random_purpose purpose, uint64_t index)
{
    return (struct random_stream){.state = mix(mix(mix(seed) ^ (uint64_t)purpose) ^ index)};
}

uint64_t random_bits(struct random_stream *stream)
{
    uint64_t bits = mix(stream->state);
    stream->state += INCREMENT;
    return bits;
}

uint64_t random_below(struct random_stream *stream, uint64_t bound)
{
    unsigned __int128 wide = (unsigned __int128)random_bits(stream) * bound;
    if ((uint64_t)wide < bound) {
        /* 2^64 mod bound: low products below it belong to the values that would come once too often. */
        uint64_t surplus = (0 - bound) % bound;
        while ((uint64_t)wide < surplus)
            wide = (unsigned __int128)random_bits(stream) * bound;
    }
    return (uint64_t)(wide >> 64);
}

double random_uniform(struct random_stream *stream)
{
    return (double)(random_bits(stream) >> 11) * 0x1p-53;
}

double random_normal(struct random_stream *stream)
{
    /* 1 - u lies in (0, 1], so that the logarithm is finite. */
    double radius = sqrt(-2 * log(1 - random_uniform(stream)));
    return radius * cos(2 * M_PI * random_uniform(stream));
}

double random_gamma(struct random_stream *stream, double shape)
{
    /* Their method is for shapes of 1 and more: one less is a draw of the next shape times u^(1 / shape). */
    double boost = shape < 1 ? pow(1 - random_uniform(stream), 1 / shape) : 1;
    double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = random_normal(stream), v = 1 + c * x, u = 1 - random_uniform(stream);
        v = v * v * v;
        if (v > 0 && log(u) < x * x / 2 + d - d * v + d * log(v))
            return d * v * boost;
    }
}

void random_permutation(struct random_stream *stream, uint32_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t i = count; i-- > 1;) {
        size_t j = (size_t)random_below(stream, i + 1);
        uint32_t swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
}
