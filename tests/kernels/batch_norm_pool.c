/* Promises of batch norm with a max pool in one kernel: what the two give one after the other, in either type of tensor, on
 * any number of threads. */
#include "tests/support/support.h"

#include <math.h>
#include <omp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/random.h"
#include "kernels/bf16.h"
#include "kernels/kernels.h"

enum { IMAGES = 70, MOST_CHANNELS = 600 };

/* Channels of every kind of loop, sides that windows fill and that they do not. */
static const struct pool_shape shapes[] = {
    {28, 28, 16, 14, 14, 2, 2, 0}, {14, 14, 32, 7, 7, 2, 2, 0}, {7, 7, 64, 3, 3, 2, 2, 0}, {5, 4, 3, 2, 2, 2, 2, 0},
    {2, 3, 130, 1, 1, 2, 2, 0},    {2, 2, 600, 1, 1, 2, 2, 0},  {3, 6, 48, 1, 3, 2, 2, 0},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

struct tensors {
    const struct pool_shape *shape;
    enum tensor_type type;
    size_t in, out; /* elements of the batch */
    void *x, *between, *y, *dy, *d_between, *dx;
    uint8_t *winner;
    float scale[MOST_CHANNELS], shift[MOST_CHANNELS];
    float mean[MOST_CHANNELS], inverse_std[MOST_CHANNELS], running_mean[MOST_CHANNELS], variance[MOST_CHANNELS];
    float d_scale[MOST_CHANNELS], d_shift[MOST_CHANNELS];
};

static float value_at(const void *tensor, size_t i, enum tensor_type type)
{
    return type == TENSOR_F32 ? ((const float *)tensor)[i] : bf16_to_float(((const struct bf16 *)tensor)[i]);
}

/* Normal values that both types hold. */
static void *make_tensor(size_t count, uint64_t seed, enum tensor_type type)
{
    void *tensor = malloc(count * tensor_type_bytes(type));
    assert_non_null(tensor);
    struct random_stream random = random_open(seed, RANDOM_ORDER, count);
    for (size_t i = 0; i < count; i++) {
        struct bf16 value = bf16_from_float((float)random_normal(&random));
        if (type == TENSOR_F32)
            ((float *)tensor)[i] = bf16_to_float(value);
        else
            ((struct bf16 *)tensor)[i] = value;
    }
    return tensor;
}

static struct tensors *make_tensors(const struct pool_shape *shape, enum tensor_type type)
{
    struct tensors *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->shape = shape;
    t->type = type;
    t->in = (size_t)IMAGES * shape->height * shape->width * shape->channels;
    t->out = (size_t)IMAGES * shape->out_height * shape->out_width * shape->channels;
    t->x = make_tensor(t->in, 1, type);
    t->between = make_tensor(t->in, 2, type);
    t->y = make_tensor(t->out, 3, type);
    t->dy = make_tensor(t->out, 4, type);
    t->d_between = make_tensor(t->in, 5, type);
    t->dx = make_tensor(t->in, 6, type);
    t->winner = calloc(t->out, 1);
    assert_non_null(t->winner);
    struct random_stream random = random_open(7, RANDOM_ORDER, 0);
    for (size_t c = 0; c < shape->channels; c++) {
        t->scale[c] = (float)random_normal(&random);
        t->shift[c] = (float)random_normal(&random);
    }
    return t;
}

static void free_tensors(struct tensors *t)
{
    free(t->x);
    free(t->between);
    free(t->y);
    free(t->dy);
    free(t->d_between);
    free(t->dx);
    free(t->winner);
    free(t);
}

static void run_together(struct tensors *t)
{
    batch_norm_pool_forward(t->type, t->y, t->winner, t->mean, t->inverse_std, t->running_mean, t->variance, t->x,
                            t->scale, t->shift, IMAGES, t->shape);
    batch_norm_pool_backward(t->type, t->dx, t->d_scale, t->d_shift, t->dy, t->winner, t->x, t->scale, t->mean,
                             t->inverse_std, IMAGES, t->shape);
}

static void run_one_after_the_other(struct tensors *t)
{
    size_t channels = t->shape->channels, rows = t->in / channels;
    batch_norm_forward(t->type, t->between, t->mean, t->inverse_std, t->running_mean, t->variance, t->x, NULL,
                       t->scale, t->shift, rows, channels, true);
    max_pool_forward(t->type, t->y, t->winner, t->between, IMAGES, t->shape);
    max_pool_backward(t->type, t->d_between, t->dy, t->winner, IMAGES, t->shape);
    batch_norm_backward(t->type, t->dx, NULL, false, t->d_scale, t->d_shift, t->d_between, t->x, NULL, t->scale,
                        t->shift, t->mean, t->inverse_std, rows, channels, true);
}

static void test_windows_of_two_that_fill_no_padding_have_the_kernel(void **state)
{
    (void)state;
    const struct pool_shape overlapping = {16, 16, 64, 8, 8, 3, 2, 1}, wide = {6, 6, 4, 2, 2, 3, 3, 0};
    assert_true(batch_norm_pools(&shapes[0]));
    assert_false(batch_norm_pools(&overlapping));
    assert_false(batch_norm_pools(&wide));
}

/* The order of sums is another one, so gradients may differ in their last digits: of bfloat16, one of its own. */
static void test_it_gives_what_the_two_kernels_give(void **state)
{
    (void)state;
    for (int k = 0; k < SHAPES; k++)
        for (int type = 0; type < 2; type++) {
            struct tensors *one = make_tensors(&shapes[k], (enum tensor_type)type);
            struct tensors *two = make_tensors(&shapes[k], (enum tensor_type)type);
            run_together(one);
            run_one_after_the_other(two);
            assert_memory_equal(one->y, two->y, one->out * tensor_type_bytes(one->type));
            assert_memory_equal(one->mean, two->mean, sizeof one->mean);
            assert_memory_equal(one->inverse_std, two->inverse_std, sizeof one->inverse_std);
            assert_memory_equal(one->running_mean, two->running_mean, sizeof one->running_mean);
            assert_memory_equal(one->variance, two->variance, sizeof one->variance);
            for (size_t i = 0; i < one->out; i++)
                assert_int_equal(one->winner[i],
                                 value_at(two->y, i, two->type) > 0 ? two->winner[i] : BATCH_NORM_POOL_NONE);
            for (size_t c = 0; c < shapes[k].channels; c++) {
                assert_near(one->d_scale[c], two->d_scale[c], 1e-4 * (1 + fabs((double)two->d_scale[c])));
                assert_near(one->d_shift[c], two->d_shift[c], 1e-4 * (1 + fabs((double)two->d_shift[c])));
            }
            double digit = type == TENSOR_F32 ? 1e-5 : 1.0 / 128;
            for (size_t i = 0; i < one->in; i++) {
                double expected = value_at(two->dx, i, two->type);
                assert_near(value_at(one->dx, i, one->type), expected, 1e-5 + digit * fabs(expected));
            }
            free_tensors(one);
            free_tensors(two);
        }
}

static void test_in_bfloat16_it_gives_what_float32_gives_rounded_once(void **state)
{
    (void)state;
    for (int k = 0; k < SHAPES; k++) {
        struct tensors *exact = make_tensors(&shapes[k], TENSOR_F32), *half = make_tensors(&shapes[k], TENSOR_BF16);
        run_together(half);
        run_together(exact);
        for (size_t i = 0; i < exact->out; i++)
            assert_int_equal(((struct bf16 *)half->y)[i].bits, bf16_from_float(((float *)exact->y)[i]).bits);
        /* Values that round to the same tie, of which the first wins: so the winner is bfloat16's. */
        batch_norm_pool_backward(TENSOR_F32, exact->dx, exact->d_scale, exact->d_shift, exact->dy, half->winner,
                                 exact->x, exact->scale, exact->mean, exact->inverse_std, IMAGES, exact->shape);
        assert_memory_equal(half->d_scale, exact->d_scale, sizeof half->d_scale);
        assert_memory_equal(half->d_shift, exact->d_shift, sizeof half->d_shift);
        for (size_t i = 0; i < exact->in; i++)
            assert_int_equal(((struct bf16 *)half->dx)[i].bits, bf16_from_float(((float *)exact->dx)[i]).bits);
        free_tensors(exact);
        free_tensors(half);
    }
}

static void test_it_does_not_depend_on_the_thread_count(void **state)
{
    (void)state;
    const int counts[] = {2, 3, 7, 16};
    int before = omp_get_max_threads();
    for (int k = 0; k < SHAPES; k++)
        for (int type = 0; type < 2; type++) {
            struct tensors *one = make_tensors(&shapes[k], (enum tensor_type)type);
            omp_set_num_threads(1);
            run_together(one);
            for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
                struct tensors *many = make_tensors(&shapes[k], (enum tensor_type)type);
                omp_set_num_threads(counts[i]);
                run_together(many);
                assert_memory_equal(many->y, one->y, one->out * tensor_type_bytes(one->type));
                assert_memory_equal(many->dx, one->dx, one->in * tensor_type_bytes(one->type));
                assert_memory_equal(many->winner, one->winner, one->out);
                assert_memory_equal(many->scale, one->scale, sizeof *one - offsetof(struct tensors, scale));
                free_tensors(many);
            }
            free_tensors(one);
        }
    omp_set_num_threads(before);
}

/* Training that has diverged must be seen to: a NaN must not become a 0. */
static void test_nan_does_not_become_a_number_of_its_own(void **state)
{
    (void)state;
    struct tensors *one = make_tensors(&shapes[0], TENSOR_F32), *two = make_tensors(&shapes[0], TENSOR_F32);
    ((float *)one->x)[0] = ((float *)two->x)[0] = NAN;
    run_together(one);
    run_one_after_the_other(two);
    assert_memory_equal(one->y, two->y, one->out * sizeof(float));
    free_tensors(one);
    free_tensors(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_of_two_that_fill_no_padding_have_the_kernel),
        cmocka_unit_test(test_it_gives_what_the_two_kernels_give),
        cmocka_unit_test(test_in_bfloat16_it_gives_what_float32_gives_rounded_once),
        cmocka_unit_test(test_it_does_not_depend_on_the_thread_count),
        cmocka_unit_test(test_nan_does_not_become_a_number_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
