/* Random numbers that anyone can make again from the seed in the log: SplitMix64 (Steele, Lea, Flood 2014).
 *
 * A stream is keyed by (seed, purpose, index), so that no stream depends on how much another was used. */
#ifndef TIDY_COMMON_RANDOM_H
#define TIDY_COMMON_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* What a stream is for. The numbers are part of the log's format (order) and of reproducibility (all). */
enum random_purpose {
    RANDOM_ORDER = 1,             /* sample order of an epoch; index = epoch */
    RANDOM_NOISE = 2,             /* planted label noise; index = 0 */
    RANDOM_WEIGHTS = 3,           /* initial weights; index = layer */
    RANDOM_THRESHOLD_SAMPLES = 4, /* which samples each draw of threshold samples has; index = 0 */
    RANDOM_HALVES = 5,            /* which half of the samples is trained on first; index = 0 */
    RANDOM_CONTROLS = 6,          /* which samples are planted controls; index = 0 */
    RANDOM_CONTROL_LABELS = 7,    /* where each class's turns begin; index = 0 */
    RANDOM_BOOTSTRAP = 8          /* of an estimate's interval; index = draw */
};

struct random_stream {
    uint64_t state;
};

/* state = mix(mix(mix(seed) ^ purpose) ^ index), where mix is SplitMix64's output function of x + its increment. */
struct random_stream random_open(uint64_t seed, enum random_purpose purpose, uint64_t index);

/* The next 64 bits. */
uint64_t random_bits(struct random_stream *stream);

/* A whole number in [0, bound), without bias: draws again while the low product is short (Lemire 2019). bound >
 * 0. */
uint64_t random_below(struct random_stream *stream, uint64_t bound);

/* A real number in [0, 1): the top 53 bits over 2^53. */
double random_uniform(struct random_stream *stream);

/* A draw from the standard normal distribution, by Box and Muller from two uniforms u, v:
 * sqrt(-2 log(1 - u)) cos(2 pi v). */
double random_normal(struct random_stream *stream);

/* A draw from the gamma distribution of this shape, above 0, and scale 1, by Marsaglia and Tsang (2000, 'A
 * Simple Method for Generating Gamma Variables'). Of a whole shape n it is the sum of n exponential draws. */
double random_gamma(struct random_stream *stream, double shape);

/* Fills order[0..count-1] with a permutation of 0..count-1: Fisher-Yates from the last place down,
 * order[i] swaps with order[random_below(i + 1)]. */
void random_permutation(struct random_stream *stream, uint32_t *order, size_t count);

#endif
