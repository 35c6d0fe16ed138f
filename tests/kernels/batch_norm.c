/* Promises of batch norm: equal to the textbook's formulas in double, gradients to finite differences of them. */
#include "tests/support/support.h"

#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/random.h"
#include "kernels/kernels.h"

/* One layer's inputs; y and the rest are made from them. */
struct case_data {
    size_t rows, channels;
    bool relu;
    float *x, *shortcut, *scale, *shift; /* shortcut may be NULL */
};

static float *random_values(struct random_stream *random, size_t count, double mean, double deviation)
{
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(mean + deviation * random_normal(random));
    return values;
}

static struct case_data make_case(size_t rows, size_t channels, bool relu, bool shortcut, double mean)
{
    struct random_stream random = random_open(rows * 131 + channels, RANDOM_ORDER, relu + 2u * shortcut);
    return (struct case_data){rows,
                              channels,
                              relu,
                              random_values(&random, rows * channels, mean, 2),
                              shortcut ? random_values(&random, rows * channels, 0, 1) : NULL,
                              random_values(&random, channels, 1, 0.5),
                              random_values(&random, channels, 0, 0.5)};
}

static void free_case(struct case_data *d)
{
    free(d->x);
    free(d->shortcut);
    free(d->scale);
    free(d->shift);
}

/* Textbook forward in double; returns y's channel sums weighted by `weights`, a scalar to differentiate. */
static double reference(const struct case_data *d, double *y, double *mean_out, double *variance_out,
                        const float *weights)
{
    double total = 0;
    for (size_t c = 0; c < d->channels; c++) {
        double mean = 0, variance = 0;
        for (size_t r = 0; r < d->rows; r++)
            mean += (double)d->x[r * d->channels + c] / (double)d->rows;
        for (size_t r = 0; r < d->rows; r++) {
            double deviation = (double)d->x[r * d->channels + c] - mean;
            variance += deviation * deviation / (double)d->rows;
        }
        for (size_t r = 0; r < d->rows; r++) {
            size_t i = r * d->channels + c;
            double value =
                ((double)d->x[i] - mean) / sqrt(variance + 1e-5) * (double)d->scale[c] + (double)d->shift[c];
            if (d->shortcut != NULL)
                value += (double)d->shortcut[i];
            if (d->relu && value < 0)
                value = 0;
            if (y != NULL)
                y[i] = value;
            total += value * (double)weights[i];
        }
        if (mean_out != NULL) {
            mean_out[c] = mean;
            variance_out[c] = variance;
        }
    }
    return total;
}

static const size_t shapes[][2] = {{1, 3}, {2, 1}, {96, 5}, {128, 130}, {300, 64}, {5000, 17}, {20000, 3}};

static void test_forward_equals_the_textbook(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
        for (int variant = 0; variant < 4; variant++) {
            size_t rows = shapes[k][0], channels = shapes[k][1], count = rows * channels;
            struct case_data d = make_case(rows, channels, variant & 1, variant & 2, 3);
            float *y = calloc(count, sizeof *y), *ones = calloc(count, sizeof *ones);
            double *expected = calloc(count, sizeof *expected);
            float mean[130], inverse_std[130], running_mean[130], running_variance[130];
            double true_mean[130], true_variance[130];
            for (size_t c = 0; c < channels; c++) {
                running_mean[c] = 1;
                running_variance[c] = 2;
            }
            batch_norm_forward(TENSOR_F32, y, mean, inverse_std, running_mean, running_variance, d.x, d.shortcut,
                               d.scale, d.shift, rows, channels, d.relu);
            reference(&d, expected, true_mean, true_variance, ones);
            for (size_t i = 0; i < count; i++)
                assert_near(y[i], (float)expected[i], rows == 1 ? 2e-3 : 2e-5);
            for (size_t c = 0; c < channels; c++) {
                assert_near(running_mean[c], (float)(0.9 + 0.1 * true_mean[c]), 1e-5);
                assert_near(running_variance[c], (float)(1.8 + 0.1 * true_variance[c]), 1e-5);
            }
            free(expected);
            free(ones);
            free(y);
            free_case(&d);
        }
}

static void test_variance_keeps_its_digits_beside_a_large_mean(void **state)
{
    (void)state;
    /* Mean 1000, deviation 2: a sum of squares in float32 would keep nothing of the variance. */
    struct case_data d = make_case(4096, 2, false, false, 1000);
    float *y = calloc(2 * 4096, sizeof *y);
    double true_mean[2], true_variance[2];
    float mean[2], inverse_std[2], running_mean[2] = {0}, running_variance[2] = {0};
    batch_norm_forward(TENSOR_F32, y, mean, inverse_std, running_mean, running_variance, d.x, NULL, d.scale,
                       d.shift, 4096, 2, false);
    reference(&d, NULL, true_mean, true_variance, y);
    for (int c = 0; c < 2; c++)
        assert_near(inverse_std[c], (float)(1 / sqrt(true_variance[c] + 1e-5)), 1e-6);
    free(y);
    free_case(&d);
}

static void test_variance_keeps_its_digits_beside_one_unlike_pixel(void **state)
{
    (void)state;
    /* Padding makes an image's corner unlike the rest, and it comes back in every image of the batch. A sum of squares
     * around it would be a thousand times the variance, and so would be its roundings. */
    enum { IMAGES = 16, PIXELS = 1024, ROWS = IMAGES * PIXELS };
    struct case_data d = make_case(ROWS, 1, false, false, 3);
    for (size_t i = 0; i < ROWS; i += PIXELS)
        d.x[i] += 1e4f;
    float *y = calloc(ROWS, sizeof *y);
    double true_mean, true_variance;
    float mean, inverse_std, running_mean = 0, running_variance = 0;
    batch_norm_forward(TENSOR_F32, y, &mean, &inverse_std, &running_mean, &running_variance, d.x, NULL, d.scale,
                       d.shift, ROWS, 1, false);
    reference(&d, NULL, &true_mean, &true_variance, y);
    assert_near((double)running_variance / (0.1 * true_variance), 1, 1e-6);
    assert_near((double)mean / true_mean, 1, 1e-6);
    free(y);
    free_case(&d);
}

static void test_inference_uses_the_running_statistics(void **state)
{
    (void)state;
    /* (x - 3) / sqrt(4 + 1e-5) * 2 + 1 = x - 2 (to 1e-5): 1 -> -1, cut to 0 by ReLU; 5 -> 3, plus 0.5 = 3.5. */
    const float running_mean = 3, running_variance = 4, scale = 2, shift = 1;
    const float x[2] = {1, 5}, shortcut[2] = {0.5f, 0.5f};
    float y[2];
    batch_norm_inference(TENSOR_F32, y, &running_mean, &running_variance, x, shortcut, &scale, &shift, 2, 1, true);
    assert_near(y[0], 0, 0);
    assert_near(y[1], 3.5f, 1e-5);
    batch_norm_inference(TENSOR_F32, y, &running_mean, &running_variance, x, NULL, &scale, &shift, 2, 1, false);
    assert_near(y[0], -1, 1e-5);
}

/* Central difference of the reference with respect to *value. */
static double slope(const struct case_data *d, float *value, const float *weights)
{
    const float step = 1.0f / 256;
    float before = *value;
    *value = before + step;
    double above = reference(d, NULL, NULL, NULL, weights);
    *value = before - step;
    double below = reference(d, NULL, NULL, NULL, weights);
    *value = before;
    return (above - below) / (2.0 * (double)step);
}

static void test_gradients_equal_finite_differences(void **state)
{
    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        enum { ROWS = 150, CHANNELS = 70, COUNT = ROWS * CHANNELS };
        struct case_data d = make_case(ROWS, CHANNELS, variant & 1, variant & 2, 0);
        struct random_stream random = random_open(9, RANDOM_ORDER, 0);
        float *dy = random_values(&random, COUNT, 0, 1);
        float *y = calloc(COUNT, sizeof *y), *dx = calloc(COUNT, sizeof *dx),
              *d_shortcut = calloc(COUNT, sizeof *dx);
        float mean[CHANNELS], inverse_std[CHANNELS], running[CHANNELS] = {0}, running_variance[CHANNELS] = {0};
        float d_scale[CHANNELS], d_shift[CHANNELS];
        batch_norm_forward(TENSOR_F32, y, mean, inverse_std, running, running_variance, d.x, d.shortcut, d.scale,
                           d.shift, ROWS, CHANNELS, d.relu);
        batch_norm_backward(TENSOR_F32, dx, d.shortcut ? d_shortcut : NULL, false, d_scale, d_shift, dy, d.x, y,
                            d.scale, d.shift, mean, inverse_std, ROWS, CHANNELS, d.relu);
        for (size_t i = 0; i < COUNT; i += 997) {
            /* A ReLU's kink within the step has no slope to compare with. */
            if (d.relu && fabsf(y[i]) < 0.05f)
                continue;
            assert_near(dx[i], (float)slope(&d, &d.x[i], dy), 2e-2);
            if (d.shortcut != NULL)
                assert_near(d_shortcut[i], (float)slope(&d, &d.shortcut[i], dy), 1e-3);
        }
        for (size_t c = 0; c < CHANNELS && !d.relu; c += 23) {
            assert_near(d_scale[c], slope(&d, &d.scale[c], dy), 1e-3);
            assert_near(d_shift[c], slope(&d, &d.shift[c], dy), 1e-3);
        }
        free(d_shortcut);
        free(dx);
        free(y);
        free(dy);
        free_case(&d);
    }
}

/* The closed form of the gradient in double, which finite differences above vouch for, to all digits. */
static void test_gradients_equal_the_closed_form(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
        for (int relu = 0; relu < 2; relu++) {
            size_t rows = shapes[k][0], channels = shapes[k][1], count = rows * channels;
            struct case_data d = make_case(rows, channels, relu, true, 1);
            struct random_stream random = random_open(9, RANDOM_ORDER, 0);
            float *dy = random_values(&random, count, 0, 1), *y = calloc(count, sizeof *y);
            float *d_shortcut = malloc(count * sizeof *d_shortcut), *original = malloc(count * sizeof *original);
            double *expected_y = calloc(count, sizeof *expected_y);
            float mean[130], inverse_std[130], running[130] = {0}, running_variance[130] = {0};
            float d_scale[130], d_shift[130];
            double true_mean[130], true_variance[130];
            batch_norm_forward(TENSOR_F32, y, mean, inverse_std, running, running_variance, d.x, d.shortcut,
                               d.scale, d.shift, rows, channels, d.relu);
            reference(&d, expected_y, true_mean, true_variance, dy);
            memcpy(original, dy, count * sizeof *dy);
            for (size_t i = 0; i < count; i++)
                d_shortcut[i] = 10;
            batch_norm_backward(TENSOR_F32, dy, d_shortcut, true, d_scale, d_shift, dy, d.x, y, d.scale, d.shift,
                                mean, inverse_std, rows, channels,
                                d.relu); /* in place, and added to what is there */
            for (size_t c = 0; c < channels; c++) {
                double deviation = sqrt(true_variance[c] + 1e-5), sum = 0, weighted = 0;
                for (size_t r = 0; r < rows; r++) {
                    size_t i = r * channels + c;
                    double g = d.relu && y[i] <= 0 ? 0 : (double)original[i];
                    sum += g;
                    weighted += g * ((double)d.x[i] - true_mean[c]) / deviation;
                }
                assert_near(d_shift[c], (float)sum, 1e-3 + 1e-5 * fabs(sum));
                assert_near(d_scale[c], (float)weighted, rows == 1 ? 1 : 1e-3 + 1e-5 * fabs(weighted));
                for (size_t r = 0; r < rows; r++) {
                    size_t i = r * channels + c;
                    double g = d.relu && y[i] <= 0 ? 0 : (double)original[i];
                    double normalised = ((double)d.x[i] - true_mean[c]) / deviation;
                    double expected = (double)d.scale[c] / deviation *
                                      (g - sum / (double)rows - normalised * weighted / (double)rows);
                    assert_near(dy[i], (float)expected, rows == 1 ? 0.1 : 2e-5 * (1 + fabs(expected)));
                    assert_near(d_shortcut[i], (float)(10 + g), 1e-5);
                }
            }
            free(expected_y);
            free(original);
            free(d_shortcut);
            free(y);
            free(dy);
            free_case(&d);
        }
}

static void test_sums_do_not_depend_on_the_thread_count(void **state)
{
    (void)state;
    enum { ROWS = 3000, CHANNELS = 100, COUNT = ROWS * CHANNELS };
    struct case_data d = make_case(ROWS, CHANNELS, true, false, 1);
    float *y[2], mean[2][CHANNELS], inverse_std[2][CHANNELS], d_scale[2][CHANNELS], d_shift[2][CHANNELS];
    for (int i = 0; i < 2; i++) {
        float running[CHANNELS] = {0}, running_variance[CHANNELS] = {0};
        omp_set_num_threads(i == 0 ? 1 : 7);
        y[i] = calloc(COUNT, sizeof *y[i]);
        float *dx = calloc(COUNT, sizeof *dx);
        batch_norm_forward(TENSOR_F32, y[i], mean[i], inverse_std[i], running, running_variance, d.x, NULL, d.scale,
                           d.shift, ROWS, CHANNELS, true);
        batch_norm_backward(TENSOR_F32, dx, NULL, false, d_scale[i], d_shift[i], d.x, d.x, y[i], d.scale, d.shift,
                            mean[i], inverse_std[i], ROWS, CHANNELS, true);
        free(dx);
    }
    assert_memory_equal(y[0], y[1], COUNT * sizeof(float));
    assert_memory_equal(d_scale[0], d_scale[1], sizeof d_scale[0]);
    assert_memory_equal(d_shift[0], d_shift[1], sizeof d_shift[0]);
    free(y[0]);
    free(y[1]);
    free_case(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward_equals_the_textbook),
        cmocka_unit_test(test_variance_keeps_its_digits_beside_a_large_mean),
        cmocka_unit_test(test_variance_keeps_its_digits_beside_one_unlike_pixel),
        cmocka_unit_test(test_inference_uses_the_running_statistics),
        cmocka_unit_test(test_gradients_equal_finite_differences),
        cmocka_unit_test(test_gradients_equal_the_closed_form),
        cmocka_unit_test(test_sums_do_not_depend_on_the_thread_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
