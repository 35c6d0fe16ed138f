/* The order of a ranking, against the C library's sort. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/ranking.h"
#include "common/parallel.h"
#include "common/random.h"
#include "tests/support/support.h"

struct item {
    float key;
    uint32_t sample;
};

/* Most suspicious first, ties by sample index, the unscored last. -0 is equal to 0. */
static int by_suspicion(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    if (isnan(a->key) != isnan(b->key))
        return isnan(a->key) ? 1 : -1;
    if (!isnan(a->key) && a->key != b->key)
        return a->key > b->key ? -1 : 1;
    return (a->sample > b->sample) - (a->sample < b->sample);
}

/* By each number of threads. */
static void check(const float *keys, size_t samples)
{
    struct item *items = malloc((samples + 1) * sizeof *items);
    size_t scored = 0;
    for (size_t i = 0; i < samples; i++) {
        items[i] = (struct item){keys[i], (uint32_t)i};
        scored += isnan(keys[i]) ? 0 : 1;
    }
    qsort(items, samples, sizeof *items, by_suspicion);
    for (unsigned threads = 1; threads <= 5; threads += 2) {
        struct ranking ranking;
        parallel_set_available(threads);
        assert_int_equal(ranking_create(&ranking, keys, samples), 0);
        assert_int_equal(ranking.samples, samples);
        assert_int_equal(ranking.scored, scored);
        for (size_t i = 0; i < samples; i++)
            if (ranking.order[i] != items[i].sample)
                fail_msg("%zu samples, %u threads: sample %u at place %zu, not %u", samples, threads,
                         ranking.order[i], i, items[i].sample);
        ranking_destroy(&ranking);
    }
    parallel_set_available(0);
    free(items);
}

enum { MANY = 300007 }; /* enough for several threads, in uneven shares */

static const size_t sizes[] = {0, 1, 2, 1000, MANY};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* Keys by any rule of a draw. */
static void check_keys(float (*key)(struct random_stream *random))
{
    float *keys = malloc(MANY * sizeof *keys);
    struct random_stream random = random_open(3, RANDOM_NOISE, 0);
    for (size_t i = 0; i < MANY; i++)
        keys[i] = key(&random);
    for (size_t i = 0; i < SIZES; i++)
        check(keys, sizes[i]);
    free(keys);
}

static float any_bits(struct random_stream *random)
{
    uint32_t bits = (uint32_t)random_bits(random);
    float key;
    memcpy(&key, &bits, sizeof key);
    return key; /* infinities and NaN among them */
}

static float few_whole_numbers(struct random_stream *random)
{
    return (float)(random_bits(random) % 91);
}

static float edges(struct random_stream *random)
{
    static const float keys[] = {0,       -0.0f,    INFINITY,     -INFINITY,     NAN,
                                 FLT_MAX, -FLT_MAX, FLT_TRUE_MIN, -FLT_TRUE_MIN, 1};
    return keys[random_bits(random) % (sizeof keys / sizeof *keys)];
}

static float one_number(struct random_stream *random)
{
    (void)random;
    return 0.1f;
}

static float no_number(struct random_stream *random)
{
    (void)random;
    return NAN;
}

/* Differences in the lowest, the middle or the highest bits alone. */
static float low_bits(struct random_stream *random)
{
    uint32_t bits = 0x3f800000 + (uint32_t)random_bits(random) % 1024;
    float key;
    memcpy(&key, &bits, sizeof key);
    return key;
}

static float middle_bits(struct random_stream *random)
{
    return 1 + (float)(random_bits(random) % 2048) / 4096;
}

static float powers_of_two(struct random_stream *random)
{
    return ldexpf(random_bits(random) % 2 == 0 ? 1 : -1, (int)(random_bits(random) % 200) - 100);
}

static void test_keys_of_all_kinds_are_ranked_as_the_c_library_sorts(void **state)
{
    (void)state;
    check_keys(any_bits);
    check_keys(few_whole_numbers);
    check_keys(edges);
    check_keys(one_number);
    check_keys(no_number);
    check_keys(low_bits);
    check_keys(middle_bits);
    check_keys(powers_of_two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_all_kinds_are_ranked_as_the_c_library_sorts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
