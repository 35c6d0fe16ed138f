/* Promises of batch norm on the GPU: equal to plain loops in double and to the C twin, within what rounding
 * allows, over both ways that rows are cut; the same bits for every size of the grid and order of threads. */
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gpu/kernels/tensors.h"

/* A sum of float32 is off by at most its count of roundings x 2^-24 x the sum of magnitudes (Higham, Accuracy
 * and Stability of Numerical Algorithms, 4.2). A thread adds at most 64 rows, a warp its threads in at most 5 levels
 * of pairs and a block its warps in as many, and a term has three roundings of its own; the parts are added in double. */
static const double sum_error = (64 + 5 + 5 + 3) * 0x1p-24;
/* A few roundings of one value, and of the factors that it is made with. */
static const double value_error = 8 * 0x1p-24;

struct shape {
    size_t rows, channels;
};

/* 1024 rows are the most that one launch takes. Channels: not and just a multiple of 4, of one tile and of
 * several. */
static const struct shape shapes[] = {{1, 3},     {1, 64},   {2, 1},     {2, 64},          {96, 10},  {127, 64},
                                      {128, 256}, {1000, 1}, {1000, 68}, {1024, 12},       {1025, 3}, {1100, 64},
                                      {1500, 10}, {3000, 1}, {1060, 68}, {128 * 8 * 8, 16}};

struct options {
    bool relu, shortcut, accumulate, in_place;
};

/* Each shape is tried with every other of these. */
static const struct options options[] = {{false, false, false, false},
                                         {true, false, false, true},
                                         {false, true, false, false},
                                         {true, true, true, true}};

enum { SHAPES = sizeof shapes / sizeof *shapes, OPTIONS = sizeof options / sizeof *options };

/* What a layer reads, as float32 that `type` can hold. */
struct layer {
    enum tensor_type type;
    struct options options;
    size_t rows, channels, count;
    float *x, *shortcut, *scale, *shift;             /* forward */
    float *dy, *y, *mean, *inverse_std, *d_shortcut; /* backward */
};

/* What one call gives: `first` and `second` of the tensors' shape, the rest [channels]. */
struct result {
    float *first, *second;
    float *statistics[4];
};

static float *scaled_normal(size_t count, enum tensor_type type, uint64_t seed, float centre, float deviation)
{
    float *values = floats_normal(count, TENSOR_F32, seed);
    for (size_t i = 0; i < count; i++)
        values[i] = centre + deviation * values[i];
    floats_round(values, count, type);
    return values;
}

static struct layer make_layer(struct shape shape, enum tensor_type type, struct options chosen, float centre)
{
    struct layer l = {.type = type,
                      .options = chosen,
                      .rows = shape.rows,
                      .channels = shape.channels,
                      .count = shape.rows * shape.channels};
    l.x = scaled_normal(l.count, type, 1, centre, 2);
    l.shortcut = scaled_normal(l.count, type, 2, 0, 1);
    l.scale = scaled_normal(l.channels, TENSOR_F32, 3, 1, 0.5f);
    l.shift = scaled_normal(l.channels, TENSOR_F32, 4, 0, 0.5f);
    l.dy = scaled_normal(l.count, type, 5, 0.25f, 1);
    l.y = scaled_normal(l.count, type, 6, 0, 1);
    l.d_shortcut = scaled_normal(l.count, type, 7, 10, 1);
    l.mean = scaled_normal(l.channels, TENSOR_F32, 8, centre, 0.1f);
    l.inverse_std = floats_allocate(l.channels);
    for (size_t c = 0; c < l.channels; c++)
        l.inverse_std[c] = 0.4f + 0.001f * (float)c;
    /* A ReLU's output has zeros, which have no gradient. */
    for (size_t i = 0; i < l.count; i++)
        if (l.y[i] < 0)
            l.y[i] = 0;
    return l;
}

static void free_layer(struct layer *l)
{
    float *arrays[] = {l->x, l->shortcut, l->scale, l->shift, l->dy, l->y, l->mean, l->inverse_std, l->d_shortcut};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
}

static struct result make_result(const struct layer *l)
{
    struct result r = {.first = floats_allocate(l->count), .second = floats_allocate(l->count)};
    for (int i = 0; i < 4; i++)
        r.statistics[i] = floats_allocate(l->channels);
    return r;
}

static void free_result(struct result *r)
{
    free(r->first);
    free(r->second);
    for (int i = 0; i < 4; i++)
        free(r->statistics[i]);
}

static void assert_same_bits(const struct result *a, const struct result *b, const struct layer *l, bool second)
{
    assert_memory_equal(a->first, b->first, l->count * sizeof(float));
    if (second)
        assert_memory_equal(a->second, b->second, l->count * sizeof(float));
    for (int i = 0; i < 4; i++)
        assert_memory_equal(a->statistics[i], b->statistics[i], l->channels * sizeof(float));
}

static void *scratch_for(const struct layer *l)
{
    size_t bytes = gpu_batch_norm_scratch(l->rows, l->channels);
    return bytes > 0 ? device_allocate(bytes) : NULL;
}

/* ---- forward ------------------------------------------------------------------------------------------- */

/* first: y; statistics: mean, inverse_std, running mean (1 before) and running variance (2 before). */
static void run_forward(struct result *r, const struct layer *l, int variant)
{
    struct gpu_queue queue = device_queue(variant);
    size_t bytes = l->channels * sizeof(float);
    for (size_t c = 0; c < l->channels; c++) {
        r->statistics[2][c] = 1;
        r->statistics[3][c] = 2;
    }
    void *x = tensor_upload(l->x, l->count, l->type), *y = device_allocate(tensor_bytes(l->count, l->type));
    void *shortcut = l->options.shortcut ? tensor_upload(l->shortcut, l->count, l->type) : NULL;
    float *scale = device_copy(l->scale, bytes), *shift = device_copy(l->shift, bytes), *statistics[4];
    for (int i = 0; i < 4; i++)
        statistics[i] = i < 2 ? device_allocate(bytes) : device_copy(r->statistics[i], bytes);
    void *scratch = scratch_for(l);
    device_wait(gpu_batch_norm_forward(&queue, l->type, y, statistics[0], statistics[1], statistics[2],
                                       statistics[3], x, shortcut, scale, shift, scratch, l->rows, l->channels,
                                       l->options.relu));
    tensor_download(r->first, y, l->count, l->type);
    for (int i = 0; i < 4; i++) {
        device_download(r->statistics[i], statistics[i], bytes);
        device_free(statistics[i]);
    }
    device_free(scratch);
    device_free(shift);
    device_free(scale);
    device_free(shortcut);
    device_free(y);
    device_free(x);
}

/* Expected values of one channel by plain loops, and how far off they may be. Squares are summed of x less a
 * rough mean from 4 rows: `squares` allows for a mean that is 3 deviations of such a mean away. */
static void check_forward_channel(const struct result *r, const struct layer *l, size_t c)
{
    double mean = 0, variance = 0, rows = (double)l->rows;
    for (size_t row = 0; row < l->rows; row++)
        mean += (double)l->x[row * l->channels + c] / rows;
    for (size_t row = 0; row < l->rows; row++)
        variance += pow((double)l->x[row * l->channels + c] - mean, 2) / rows;
    double squares = variance * (1 + 9.0 / 4);
    double mean_error = sum_error * sqrt(squares) + value_error * fabs(mean);
    double variance_error = 2 * sum_error * squares;
    double inverse_std = 1 / sqrt(variance + 1e-5);
    double inverse_error = inverse_std * (variance_error / (variance + 1e-5) + value_error);
    assert_near(r->statistics[0][c], mean, mean_error);
    assert_near(r->statistics[1][c], inverse_std, inverse_error);
    assert_near(r->statistics[2][c], 0.9 + 0.1 * mean, 0.1 * mean_error + value_error);
    assert_near(r->statistics[3][c], 1.8 + 0.1 * variance, 0.1 * variance_error + value_error * (2 + variance));
    for (size_t row = 0; row < l->rows; row++) {
        size_t i = row * l->channels + c;
        double off = (double)l->x[i] - mean, scale = (double)l->scale[c];
        double value = off * inverse_std * scale + (double)l->shift[c];
        double error = fabs(scale) * (inverse_std * mean_error + fabs(off) * inverse_error) +
                       value_error * (fabs(off * inverse_std * scale) + fabs((double)l->shift[c]) + 1);
        value += l->options.shortcut ? (double)l->shortcut[i] : 0;
        value = l->options.relu ? fmax(value, 0) : value;
        error += rounding_of(l->type) * (fabs(value) + error);
        assert_near(r->first[i], value, error + value_error * fabs(value));
    }
}

static void check_forward_layer(const struct layer *l)
{
    struct result results[DEVICE_VARIANTS];
    for (int variant = 0; variant < DEVICE_VARIANTS; variant++) {
        results[variant] = make_result(l);
        run_forward(&results[variant], l, variant);
        assert_same_bits(&results[variant], &results[0], l, false);
    }
    for (size_t c = 0; c < l->channels; c++)
        check_forward_channel(&results[0], l, c);
    for (int variant = 0; variant < DEVICE_VARIANTS; variant++)
        free_result(&results[variant]);
}

static void check_forward(struct shape shape, enum tensor_type type, struct options chosen, float centre)
{
    struct layer l = make_layer(shape, type, chosen, centre);
    check_forward_layer(&l);
    free_layer(&l);
}

static void test_forward_equals_plain_loops(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++)
        for (int o = s % 2; o < OPTIONS; o += 2)
            for (int type = TENSOR_F32; type <= TENSOR_BF16; type++)
                check_forward(shapes[s], (enum tensor_type)type, options[o], 3);
}

static void test_a_mean_far_above_the_spread_costs_no_digits(void **state)
{
    (void)state;
    check_forward((struct shape){128, 64}, TENSOR_F32, options[0], 1e4f);
    check_forward((struct shape){4096, 6}, TENSOR_F32, options[0], 1e4f);
}

/* Padding makes an image's corner unlike the rest, and it comes back in every image. */
static void test_one_pixel_unlike_the_others_costs_no_digits(void **state)
{
    (void)state;
    const struct {
        size_t images, pixels;
    } chosen[] = {{4, 256}, {8, 256}, {8, 1024}};
    for (size_t s = 0; s < sizeof chosen / sizeof *chosen; s++) {
        struct shape shape = {chosen[s].images * chosen[s].pixels, 4};
        struct layer l = make_layer(shape, TENSOR_F32, options[0], 3);
        for (size_t i = 0; i < l.count; i += chosen[s].pixels * l.channels)
            for (size_t c = 0; c < l.channels; c++)
                l.x[i + c] += 1e4f;
        check_forward_layer(&l);
        free_layer(&l);
    }
}

static void test_many_rows_are_summed_without_loss(void **state)
{
    (void)state;
    check_forward((struct shape){1000003, 1}, TENSOR_F32, options[0], 3);
}

static void test_forward_equals_the_twin(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++) {
        struct layer l = make_layer(shapes[s], TENSOR_F32, options[s % OPTIONS], 1);
        struct result gpu = make_result(&l), twin = make_result(&l);
        run_forward(&gpu, &l, 1);
        for (size_t c = 0; c < l.channels; c++) {
            twin.statistics[2][c] = 1;
            twin.statistics[3][c] = 2;
        }
        batch_norm_forward(TENSOR_F32, twin.first, twin.statistics[0], twin.statistics[1], twin.statistics[2],
                           twin.statistics[3], l.x, l.options.shortcut ? l.shortcut : NULL, l.scale, l.shift,
                           l.rows, l.channels, l.options.relu);
        /* Two rows may lie close together: then 1 / deviation makes much of a mean's last digit. */
        double factor = l.rows == 2 ? 50 : 1;
        assert_floats_near(gpu.first, twin.first, l.count, factor * 1e-5, 1e-5);
        for (int i = 0; i < 4; i++)
            assert_floats_near(gpu.statistics[i], twin.statistics[i], l.channels, 2e-6, factor * 2e-6);
        free_result(&twin);
        free_result(&gpu);
        free_layer(&l);
    }
}

static void test_nan_stays_in_its_channel(void **state)
{
    (void)state;
    const struct shape chosen[] = {{100, 8}, {1100, 8}};
    for (int s = 0; s < 2; s++) {
        struct layer l = make_layer(chosen[s], TENSOR_F32, options[1], 1);
        struct result r = make_result(&l);
        l.x[(l.rows - 1) * l.channels + 5] = NAN;
        run_forward(&r, &l, 1);
        for (size_t i = 0; i < l.count; i++)
            assert_true(isnan(r.first[i]) == (i % l.channels == 5));
        free_result(&r);
        free_layer(&l);
    }
}

/* ---- inference ----------------------------------------------------------------------------------------- */

static void test_inference_equals_plain_loops(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++)
        for (int type = TENSOR_F32; type <= TENSOR_BF16; type++) {
            struct layer l = make_layer(shapes[s], (enum tensor_type)type, options[s % OPTIONS], 1);
            size_t bytes = l.channels * sizeof(float);
            float *actual = floats_allocate(l.count), *kept = floats_allocate(l.count);
            for (int variant = 0; variant < DEVICE_VARIANTS; variant++) {
                struct gpu_queue queue = device_queue(variant);
                void *x = tensor_upload(l.x, l.count, l.type), *y = device_allocate(tensor_bytes(l.count, l.type));
                void *shortcut = l.options.shortcut ? tensor_upload(l.shortcut, l.count, l.type) : NULL;
                float *mean = device_copy(l.mean, bytes), *variance = device_copy(l.inverse_std, bytes);
                float *scale = device_copy(l.scale, bytes), *shift = device_copy(l.shift, bytes);
                device_wait(gpu_batch_norm_inference(&queue, l.type, y, mean, variance, x, shortcut, scale, shift,
                                                     l.rows, l.channels, l.options.relu));
                tensor_download(actual, y, l.count, l.type);
                if (variant == 0)
                    memcpy(kept, actual, l.count * sizeof *kept);
                assert_memory_equal(actual, kept, l.count * sizeof *kept);
                device_free(shift);
                device_free(scale);
                device_free(variance);
                device_free(mean);
                device_free(shortcut);
                device_free(y);
                device_free(x);
            }
            for (size_t i = 0; i < l.count; i++) {
                size_t c = i % l.channels; /* inverse_std holds variances here */
                double normalised = ((double)l.x[i] - (double)l.mean[c]) / sqrt((double)l.inverse_std[c] + 1e-5);
                double scaled = normalised * (double)l.scale[c],
                       added = l.options.shortcut ? (double)l.shortcut[i] : 0;
                double value = scaled + (double)l.shift[c] + added;
                double error = value_error * (fabs(scaled) + fabs((double)l.shift[c]) + fabs(added));
                value = l.options.relu ? fmax(value, 0) : value;
                assert_near(actual[i], value, error + rounding_of(l.type) * (fabs(value) + error));
            }
            free(kept);
            free(actual);
            free_layer(&l);
        }
}

/* ---- backward ------------------------------------------------------------------------------------------ */

/* first: dx, second: d_shortcut; statistics: d_scale and d_shift. */
static void run_backward(struct result *r, const struct layer *l, int variant)
{
    struct gpu_queue queue = device_queue(variant);
    size_t bytes = l->channels * sizeof(float);
    void *dy = tensor_upload(l->dy, l->count, l->type), *x = tensor_upload(l->x, l->count, l->type);
    void *dx = l->options.in_place ? dy : device_allocate(tensor_bytes(l->count, l->type));
    void *y = l->options.relu ? tensor_upload(l->y, l->count, l->type) : NULL;
    void *d_shortcut = NULL;
    if (l->options.shortcut)
        d_shortcut = l->options.accumulate ? tensor_upload(l->d_shortcut, l->count, l->type)
                                           : device_allocate(tensor_bytes(l->count, l->type));
    float *scale = device_copy(l->scale, bytes), *mean = device_copy(l->mean, bytes);
    float *inverse_std = device_copy(l->inverse_std, bytes);
    float *d_scale = device_allocate(bytes), *d_shift = device_allocate(bytes);
    void *scratch = scratch_for(l);
    device_wait(gpu_batch_norm_backward(&queue, l->type, dx, d_shortcut, l->options.accumulate, d_scale, d_shift,
                                        dy, x, y, scale, mean, inverse_std, scratch, l->rows, l->channels,
                                        l->options.relu));
    tensor_download(r->first, dx, l->count, l->type);
    if (l->options.shortcut)
        tensor_download(r->second, d_shortcut, l->count, l->type);
    device_download(r->statistics[0], d_scale, bytes);
    device_download(r->statistics[1], d_shift, bytes);
    memcpy(r->statistics[2], r->statistics[0], bytes);
    memcpy(r->statistics[3], r->statistics[1], bytes);
    device_free(scratch);
    device_free(d_shift);
    device_free(d_scale);
    device_free(inverse_std);
    device_free(mean);
    device_free(scale);
    device_free(d_shortcut);
    device_free(y);
    if (!l->options.in_place)
        device_free(dx);
    device_free(x);
    device_free(dy);
}

static void check_backward_channel(const struct result *r, const struct layer *l, size_t c)
{
    double rows = (double)l->rows, mean = (double)l->mean[c], inverse_std = (double)l->inverse_std[c];
    double d_shift = 0, d_scale = 0, shift_magnitude = 0, scale_magnitude = 0;
    for (size_t row = 0; row < l->rows; row++) {
        size_t i = row * l->channels + c;
        double gradient = l->options.relu && l->y[i] <= 0 ? 0 : (double)l->dy[i];
        double product = gradient * ((double)l->x[i] - mean) * inverse_std;
        d_shift += gradient;
        d_scale += product;
        shift_magnitude += fabs(gradient);
        scale_magnitude += fabs(product);
    }
    double shift_error = sum_error * shift_magnitude, scale_error = sum_error * scale_magnitude;
    assert_near(r->statistics[0][c], d_scale, scale_error);
    assert_near(r->statistics[1][c], d_shift, shift_error);
    for (size_t row = 0; row < l->rows; row++) {
        size_t i = row * l->channels + c;
        double gradient = l->options.relu && l->y[i] <= 0 ? 0 : (double)l->dy[i];
        double normalised = ((double)l->x[i] - mean) * inverse_std, factor = (double)l->scale[c] * inverse_std;
        double value = factor * (gradient - d_shift / rows - normalised * d_scale / rows);
        double error = fabs(factor) *
                       ((shift_error + fabs(normalised) * scale_error) / rows +
                        value_error * (fabs(gradient) + fabs(d_shift / rows) + fabs(normalised * d_scale / rows)));
        assert_near(r->first[i], value, error + rounding_of(l->type) * (fabs(value) + error));
        if (l->options.shortcut) {
            float expected = (float)gradient + (l->options.accumulate ? l->d_shortcut[i] : 0);
            floats_round(&expected, 1, l->type);
            assert_near(r->second[i], expected, 0);
        }
    }
}

static void test_backward_equals_plain_loops(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++)
        for (int o = s % 2; o < OPTIONS; o += 2)
            for (int type = TENSOR_F32; type <= TENSOR_BF16; type++) {
                struct layer l = make_layer(shapes[s], (enum tensor_type)type, options[o], 1);
                struct result results[DEVICE_VARIANTS];
                for (int variant = 0; variant < DEVICE_VARIANTS; variant++) {
                    results[variant] = make_result(&l);
                    run_backward(&results[variant], &l, variant);
                    assert_same_bits(&results[variant], &results[0], &l, l.options.shortcut);
                }
                for (size_t c = 0; c < l.channels; c++)
                    check_backward_channel(&results[0], &l, c);
                for (int variant = 0; variant < DEVICE_VARIANTS; variant++)
                    free_result(&results[variant]);
                free_layer(&l);
            }
}

static void test_backward_equals_the_twin(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++) {
        struct layer l = make_layer(shapes[s], TENSOR_F32, options[s % OPTIONS], 1);
        struct result gpu = make_result(&l), twin = make_result(&l);
        run_backward(&gpu, &l, 1);
        memcpy(twin.second, l.d_shortcut, l.count * sizeof(float));
        batch_norm_backward(TENSOR_F32, twin.first, l.options.shortcut ? twin.second : NULL, l.options.accumulate,
                            twin.statistics[0], twin.statistics[1], l.dy, l.x, l.y, l.scale, l.shift, l.mean,
                            l.inverse_std, l.rows, l.channels, l.options.relu);
        assert_floats_near(gpu.first, twin.first, l.count, 2e-6, 2e-6);
        if (l.options.shortcut)
            assert_floats_equal(gpu.second, twin.second, l.count);
        for (int i = 0; i < 2; i++)
            assert_floats_near(gpu.statistics[i], twin.statistics[i], l.channels, 1e-6 * (double)l.rows, 1e-5);
        free_result(&twin);
        free_result(&gpu);
        free_layer(&l);
    }
}

/* ---- how the rows are cut ------------------------------------------------------------------------------ */

/* Scratch holds two sums of each part and one shift, float32, for each channel. */
static size_t parts_of(size_t rows, size_t channels)
{
    return (gpu_batch_norm_scratch(rows, channels) / (channels * sizeof(float)) - 1) / 2;
}

static void test_parts_are_enough_for_a_large_gpu_and_not_too_many(void **state)
{
    (void)state;
    /* The first layers of a ResNet-50 on 32x32 images, and 64 channels of a tile. An H100 has 132
     * multiprocessors; three blocks of 256 threads on each keep enough loads under way. */
    assert_true(parts_of(128 * 32 * 32, 64) >= 3 * 132);
    assert_true(parts_of(128 * 8 * 8, 256) * (256 / 64) >= 3 * 132);
    /* Sums written and read again stay below a hundredth of what is read to make them. */
    assert_true(100 * gpu_batch_norm_scratch(10000000, 64) < (size_t)10000000 * 64 * sizeof(float));
    assert_int_equal(gpu_batch_norm_scratch(128, 2048), 0); /* one launch */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward_equals_plain_loops),
        cmocka_unit_test(test_a_mean_far_above_the_spread_costs_no_digits),
        cmocka_unit_test(test_one_pixel_unlike_the_others_costs_no_digits),
        cmocka_unit_test(test_many_rows_are_summed_without_loss),
        cmocka_unit_test(test_forward_equals_the_twin),
        cmocka_unit_test(test_nan_stays_in_its_channel),
        cmocka_unit_test(test_inference_equals_plain_loops),
        cmocka_unit_test(test_backward_equals_plain_loops),
        cmocka_unit_test(test_backward_equals_the_twin),
        cmocka_unit_test(test_parts_are_enough_for_a_large_gpu_and_not_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
