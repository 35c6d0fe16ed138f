/* Promises of tensors in bfloat16: every kernel gives what it gives in float32 for the same values, rounded once to
 * nearest; and batch norm's ways of going about a shape all give the same bits. */
#include "tests/support/support.h"

#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/random.h"
#include "kernels/bf16.h"
#include "kernels/kernels.h"

/* The same values in either type. */
struct pair {
    size_t count;
    float *f32;
    struct bf16 *bf16;
};

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes);
    assert_non_null(memory);
    return memory;
}

static struct pair make_pair(size_t count, uint64_t seed)
{
    struct pair p = {count, allocate(count * sizeof(float)), allocate(count * sizeof(struct bf16))};
    struct random_stream random = random_open(seed, RANDOM_ORDER, count);
    for (size_t i = 0; i < count; i++) {
        p.bf16[i] = bf16_from_float((float)random_normal(&random));
        p.f32[i] = bf16_to_float(p.bf16[i]);
    }
    return p;
}

static void free_pair(struct pair p)
{
    free(p.f32);
    free(p.bf16);
}

static const void *values_of(struct pair p, int type)
{
    return type == TENSOR_F32 ? (const void *)p.f32 : (const void *)p.bf16;
}

static void *room_of(struct pair p, int type)
{
    return type == TENSOR_F32 ? (void *)p.f32 : (void *)p.bf16;
}

/* The bfloat16 tensor is the float32 one, rounded. */
static void assert_rounded(struct pair p)
{
    for (size_t i = 0; i < p.count; i++)
        assert_int_equal(p.bf16[i].bits, bf16_from_float(p.f32[i]).bits);
}

/* ---- batch norm ---------------------------------------------------------------------------------------- */

enum { MOST_CHANNELS = 1030 };

/* Few and many rows, channels of every kind of loop: strips of either width, rows as a whole, more than a block. */
static const size_t shapes[][2] = {{1, 3},    {130, 16},  {260, 64},   {300, 130},         {100, 512},
                                   {3000, 1}, {700, 256}, {9000, 128}, {20, MOST_CHANNELS}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

struct layer {
    struct pair x, shortcut, y, dy, d_shortcut;
    float scale[MOST_CHANNELS], shift[MOST_CHANNELS];
    float statistics[2][4][MOST_CHANNELS]; /* of each type: mean, inverse deviation, running mean and variance */
    float gradients[2][2][MOST_CHANNELS];  /* of each type: d_scale, d_shift */
};

static struct layer *make_layer(size_t rows, size_t channels)
{
    struct layer *l = allocate(sizeof *l);
    memset(l, 0, sizeof *l);
    struct pair *pairs[] = {&l->x, &l->shortcut, &l->y, &l->dy, &l->d_shortcut};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        *pairs[i] = make_pair(rows * channels, i + 1);
    struct random_stream random = random_open(77, RANDOM_ORDER, rows);
    for (size_t c = 0; c < channels; c++) {
        l->scale[c] = (float)(1 + random_normal(&random) / 2);
        l->shift[c] = (float)random_normal(&random);
    }
    return l;
}

static void free_layer(struct layer *l)
{
    free_pair(l->x);
    free_pair(l->shortcut);
    free_pair(l->y);
    free_pair(l->dy);
    free_pair(l->d_shortcut);
    free(l);
}

static void run_forward(struct layer *l, int type, const size_t *shape, bool shortcut, bool relu)
{
    float(*s)[MOST_CHANNELS] = l->statistics[type];
    batch_norm_forward((enum tensor_type)type, room_of(l->y, type), s[0], s[1], s[2], s[3], values_of(l->x, type),
                       shortcut ? values_of(l->shortcut, type) : NULL, l->scale, l->shift, shape[0], shape[1],
                       relu);
}

static void run_backward(struct layer *l, int type, const size_t *shape, bool shortcut, bool accumulate, bool relu,
                         bool from_y)
{
    float(*s)[MOST_CHANNELS] = l->statistics[type], (*g)[MOST_CHANNELS] = l->gradients[type];
    batch_norm_backward((enum tensor_type)type, room_of(l->dy, type),
                        shortcut ? room_of(l->d_shortcut, type) : NULL, accumulate, g[0], g[1],
                        values_of(l->dy, type), values_of(l->x, type), from_y ? values_of(l->y, type) : NULL,
                        l->scale, l->shift, s[0], s[1], shape[0], shape[1], relu);
}

static void test_batch_norm_in_bfloat16_is_that_of_float32_rounded_once(void **state)
{
    (void)state;
    for (int k = 0; k < SHAPES; k++)
        for (int variant = 0; variant < 8; variant++) {
            bool relu = variant & 1, shortcut = variant & 2, accumulate = variant & 4;
            struct layer *l = make_layer(shapes[k][0], shapes[k][1]);
            for (int type = 0; type < 2; type++)
                run_forward(l, type, shapes[k], shortcut, relu);
            assert_rounded(l->y);
            assert_memory_equal(l->statistics[0], l->statistics[1], sizeof l->statistics[0]);
            for (int type = 0; type < 2; type++)
                run_backward(l, type, shapes[k], shortcut, accumulate, relu, shortcut);
            assert_rounded(l->dy);
            assert_rounded(l->d_shortcut);
            assert_memory_equal(l->gradients[0], l->gradients[1], sizeof l->gradients[0]);
            for (int type = 0; type < 2; type++)
                batch_norm_inference((enum tensor_type)type, room_of(l->y, type), l->statistics[0][0],
                                     l->statistics[0][1], values_of(l->x, type),
                                     shortcut ? values_of(l->shortcut, type) : NULL, l->scale, l->shift,
                                     shapes[k][0], shapes[k][1], relu);
            assert_rounded(l->y);
            free_layer(l);
        }
}

static void test_the_mask_is_the_same_seen_from_the_input_and_from_the_output(void **state)
{
    (void)state;
    for (int k = 0; k < SHAPES; k++)
        for (int type = 0; type < 2; type++) {
            struct layer *layers[2];
            for (int from_y = 0; from_y < 2; from_y++) {
                layers[from_y] = make_layer(shapes[k][0], shapes[k][1]);
                run_forward(layers[from_y], type, shapes[k], false, true);
                run_backward(layers[from_y], type, shapes[k], false, false, true, from_y);
            }
            size_t bytes = layers[0]->dy.count * tensor_type_bytes((enum tensor_type)type);
            assert_memory_equal(values_of(layers[0]->dy, type), values_of(layers[1]->dy, type), bytes);
            assert_memory_equal(layers[0]->gradients, layers[1]->gradients, sizeof layers[0]->gradients);
            free_layer(layers[0]);
            free_layer(layers[1]);
        }
}

static void test_batch_norm_does_not_depend_on_the_thread_count(void **state)
{
    (void)state;
    const int counts[] = {1, 2, 3, 7, 16};
    int before = omp_get_max_threads();
    for (int k = 0; k < SHAPES; k++)
        for (int type = 0; type < 2; type++) {
            struct layer *first = NULL;
            for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
                omp_set_num_threads(counts[i]);
                struct layer *l = make_layer(shapes[k][0], shapes[k][1]);
                run_forward(l, type, shapes[k], true, true);
                run_backward(l, type, shapes[k], true, true, true, true);
                if (first == NULL) {
                    first = l;
                    continue;
                }
                size_t bytes = l->y.count * tensor_type_bytes((enum tensor_type)type);
                assert_memory_equal(values_of(l->y, type), values_of(first->y, type), bytes);
                assert_memory_equal(values_of(l->dy, type), values_of(first->dy, type), bytes);
                assert_memory_equal(values_of(l->d_shortcut, type), values_of(first->d_shortcut, type), bytes);
                assert_memory_equal(l->statistics, first->statistics, sizeof l->statistics);
                assert_memory_equal(l->gradients, first->gradients, sizeof l->gradients);
                free_layer(l);
            }
            free_layer(first);
        }
    omp_set_num_threads(before);
}

/* ---- the other kernels --------------------------------------------------------------------------------- */

static void test_pools_in_bfloat16_are_those_of_float32_rounded_once(void **state)
{
    (void)state;
    const struct pool_shape pools[] = {{16, 16, 64, 8, 8, 3, 2, 1},
                                       {7, 7, 48, 3, 3, 2, 2, 0},
                                       {5, 9, 3, 3, 5, 3, 2, 1},
                                       {6, 4, 17, 2, 1, 4, 2, 0}};
    enum { IMAGES = 3 };
    for (size_t k = 0; k < sizeof pools / sizeof *pools; k++) {
        const struct pool_shape *s = &pools[k];
        uint32_t pixels = s->height * s->width;
        size_t in = (size_t)IMAGES * pixels * s->channels;
        size_t out = (size_t)IMAGES * s->out_height * s->out_width * s->channels;
        struct pair x = make_pair(in, 1), y = make_pair(out, 2), dy = make_pair(out, 3), dx = make_pair(in, 4);
        struct pair mean = make_pair((size_t)IMAGES * s->channels, 5);
        uint8_t *winners[2] = {allocate(out), allocate(out)};
        for (int t = 0; t < 2; t++) {
            enum tensor_type type = (enum tensor_type)t;
            max_pool_forward(type, room_of(y, t), winners[t], values_of(x, t), IMAGES, s);
            max_pool_backward(type, room_of(dx, t), values_of(dy, t), winners[t], IMAGES, s);
        }
        assert_memory_equal(winners[0], winners[1], out);
        assert_rounded(y);
        assert_rounded(dx);
        for (int t = 0; t < 2; t++) {
            enum tensor_type type = (enum tensor_type)t;
            average_pool_backward(type, room_of(dx, t), values_of(dy, t), IMAGES, pixels, s->channels);
            average_pool_forward(type, room_of(mean, t), values_of(x, t), IMAGES, pixels, s->channels);
        }
        assert_rounded(dx);
        assert_rounded(mean);
        free(winners[0]);
        free(winners[1]);
        free_pair(mean);
        free_pair(dx);
        free_pair(dy);
        free_pair(y);
        free_pair(x);
    }
}

static void test_images_are_rounded_once(void **state)
{
    (void)state;
    enum { SIDE = 28, COUNT = 5 };
    uint8_t images[COUNT * SIDE * SIDE];
    const uint32_t samples[COUNT] = {4, 2, 0, 3, 1};
    struct random_stream random = random_open(3, RANDOM_ORDER, 0);
    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (uint8_t)random_bits(&random);
    for (uint32_t size = SIDE; size <= 32; size += 4) {
        struct pair out = make_pair((size_t)COUNT * size * size, 1);
        for (int type = 0; type < 2; type++)
            gather_images((enum tensor_type)type, room_of(out, type), images, samples, COUNT, SIDE, SIDE, 1, size,
                          size);
        assert_rounded(out);
        free_pair(out);
    }
}

static void test_gradients_at_the_networks_end_are_rounded_once(void **state)
{
    (void)state;
    enum { COUNT = 33, CLASSES = 19 };
    struct pair logits = make_pair(COUNT * CLASSES, 1), d_logits = make_pair(COUNT * CLASSES, 2);
    uint16_t labels[COUNT], predicted[COUNT];
    float margin[COUNT], log_odds[COUNT], loss[COUNT], d_bias[2][CLASSES];
    for (size_t i = 0; i < COUNT; i++)
        labels[i] = (uint16_t)(i * 7 % CLASSES);
    for (int type = 0; type < 2; type++)
        softmax_cross_entropy((enum tensor_type)type, room_of(d_logits, type), predicted, margin, log_odds, loss,
                              logits.f32, labels, COUNT, CLASSES);
    assert_rounded(d_logits);
    for (int type = 0; type < 2; type++)
        linear_bias_gradient((enum tensor_type)type, d_bias[type], values_of(logits, type), COUNT, CLASSES);
    assert_memory_equal(d_bias[0], d_bias[1], sizeof d_bias[0]);
    free_pair(d_logits);
    free_pair(logits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_norm_in_bfloat16_is_that_of_float32_rounded_once),
        cmocka_unit_test(test_the_mask_is_the_same_seen_from_the_input_and_from_the_output),
        cmocka_unit_test(test_batch_norm_does_not_depend_on_the_thread_count),
        cmocka_unit_test(test_pools_in_bfloat16_are_those_of_float32_rounded_once),
        cmocka_unit_test(test_images_are_rounded_once),
        cmocka_unit_test(test_gradients_at_the_networks_end_are_rounded_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
