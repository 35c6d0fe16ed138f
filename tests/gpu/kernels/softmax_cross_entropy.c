/* Promises of gpu_softmax_cross_entropy, against the C twin, which computes in double. */
#include "tests/support/support.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "common/random.h"
#include "tests/gpu/kernels/tensors.h"

struct batch {
    uint32_t count, classes;
    float *logits;    /* [count][classes] */
    uint16_t *labels; /* [count] */
};

struct outcome {
    float *d_logits, *margin, *log_odds, *loss;
    uint16_t *predicted;
};

static struct batch batch_random(uint32_t count, uint32_t classes)
{
    struct batch b = {count, classes, floats_normal((size_t)count * classes, TENSOR_F32, classes),
                      malloc(count * 2)};
    assert_non_null(b.labels);
    struct random_stream random = random_open(classes, RANDOM_ORDER, count);
    for (uint32_t i = 0; i < count; i++)
        b.labels[i] = (uint16_t)random_below(&random, classes);
    for (size_t i = 0; i < (size_t)count * classes; i++)
        b.logits[i] *= 4;
    return b;
}

static void batch_free(struct batch *b)
{
    free(b->labels);
    free(b->logits);
}

static struct outcome outcome_allocate(const struct batch *b)
{
    struct outcome o = {floats_allocate((size_t)b->count * b->classes), floats_allocate(b->count),
                        floats_allocate(b->count), floats_allocate(b->count), malloc(b->count * 2)};
    assert_non_null(o.predicted);
    return o;
}

static void outcome_free(struct outcome *o)
{
    free(o->predicted);
    free(o->loss);
    free(o->log_odds);
    free(o->margin);
    free(o->d_logits);
}

static void run(struct outcome *o, const struct batch *b, enum tensor_type type, int variant, bool has_gradient)
{
    size_t values = (size_t)b->count * b->classes, floats = b->count * sizeof(float);
    struct gpu_queue queue = device_queue(variant);
    void *logits = device_copy(b->logits, values * sizeof *b->logits);
    void *labels = device_copy(b->labels, b->count * 2);
    void *d_logits = has_gradient ? device_allocate(tensor_bytes(values, type)) : NULL;
    void *predicted = device_allocate(b->count * 2), *margin = device_allocate(floats);
    void *log_odds = device_allocate(floats), *loss = device_allocate(floats);
    device_wait(gpu_softmax_cross_entropy(&queue, type, d_logits, predicted, margin, log_odds, loss, logits, labels,
                                          b->count, b->classes));
    device_download(o->predicted, predicted, b->count * 2);
    device_download(o->margin, margin, floats);
    device_download(o->log_odds, log_odds, floats);
    device_download(o->loss, loss, floats);
    if (has_gradient)
        tensor_download(o->d_logits, d_logits, values, type);
    device_free(loss);
    device_free(log_odds);
    device_free(margin);
    device_free(predicted);
    device_free(d_logits);
    device_free(labels);
    device_free(logits);
}

static void check(const struct batch *b, enum tensor_type type)
{
    size_t values = (size_t)b->count * b->classes;
    struct outcome expected = outcome_allocate(b), first = outcome_allocate(b), again = outcome_allocate(b);
    softmax_cross_entropy(TENSOR_F32, expected.d_logits, expected.predicted, expected.margin, expected.log_odds,
                          expected.loss, b->logits, b->labels, b->count, b->classes);
    run(&first, b, type, 0, true);
    assert_memory_equal(first.predicted, expected.predicted, b->count * 2);
    assert_floats_equal(first.margin, expected.margin, b->count);
    /* exp and log of either library are right to about 2 units in the last place, and a sum adds some. The twin's
     * loss is what a double keeps beside 1. */
    assert_floats_near(first.log_odds, expected.log_odds, b->count, 2e-6, 1e-6);
    assert_floats_near(first.loss, expected.loss, b->count, DBL_EPSILON, 5e-6);
    assert_floats_near(first.d_logits, expected.d_logits, values, 1e-6 / b->count, rounding_of(type));
    for (int variant = 1; variant < DEVICE_VARIANTS; variant++) {
        run(&again, b, type, variant, true);
        assert_memory_equal(again.predicted, first.predicted, b->count * 2);
        assert_floats_equal(again.margin, first.margin, b->count);
        assert_floats_equal(again.log_odds, first.log_odds, b->count);
        assert_floats_equal(again.loss, first.loss, b->count);
        assert_floats_equal(again.d_logits, first.d_logits, values);
    }
    outcome_free(&again);
    outcome_free(&first);
    outcome_free(&expected);
}

/* Rows up to 256 classes are a warp's, longer ones a block's. */
static void test_any_number_of_classes_and_samples_equals_the_c_twin(void **state)
{
    (void)state;
    const uint32_t cases[][2] = {{1, 1},   {1, 10},    {1, 1000}, {96, 26},    {128, 1},   {128, 10}, {128, 26},
                                 {96, 33}, {128, 256}, {96, 257}, {128, 1000}, {1000, 10}, {3, 65536}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct batch b = batch_random(cases[k][0], cases[k][1]);
        check(&b, TENSOR_F32);
        check(&b, TENSOR_BF16);
        batch_free(&b);
    }
}

static void test_every_label_of_a_row_equals_the_c_twin(void **state)
{
    (void)state;
    const uint32_t class_counts[] = {2, 65, 300};
    for (size_t k = 0; k < sizeof class_counts / sizeof *class_counts; k++) {
        uint32_t classes = class_counts[k];
        struct batch b = batch_random(classes, classes);
        for (uint32_t i = 0; i < classes; i++) {
            b.labels[i] = (uint16_t)i;
            for (uint32_t c = 0; c < classes; c++)
                b.logits[(size_t)i * classes + c] = b.logits[c];
        }
        check(&b, TENSOR_F32);
        batch_free(&b);
    }
}

/* One fault or oddity in a row. `label` stands for the label's place, `other` for another one. */
enum oddity {
    LABEL_NAN,
    OTHER_NAN,
    ALL_BUT_LABEL_NAN,
    ALL_NAN,
    LABEL_INFINITE,
    OTHER_INFINITE,
    BOTH_INFINITE,
    LABEL_MINUS_INFINITE,
    OTHER_MINUS_INFINITE,
    ALL_BUT_LABEL_MINUS_INFINITE,
    ALL_MINUS_INFINITE,
    ALL_EQUAL,
    LABEL_TIES_FOR_BEST,
    OTHERS_TIE_FOR_BEST,
    LABEL_CERTAIN,
    LABEL_HOPELESS,
    HUGE_APART,
    ODDITIES
};

static void make_odd(float *z, uint32_t classes, uint32_t label, uint32_t other, enum oddity oddity)
{
    static const struct {
        float label, other, rest; /* 0: left as it is */
    } values[ODDITIES] = {
        [LABEL_NAN] = {NAN, 0, 0},
        [OTHER_NAN] = {0, NAN, 0},
        [ALL_BUT_LABEL_NAN] = {0, NAN, NAN},
        [ALL_NAN] = {NAN, NAN, NAN},
        [LABEL_INFINITE] = {INFINITY, 0, 0},
        [OTHER_INFINITE] = {0, INFINITY, 0},
        [BOTH_INFINITE] = {INFINITY, INFINITY, 0},
        [LABEL_MINUS_INFINITE] = {-INFINITY, 0, 0},
        [OTHER_MINUS_INFINITE] = {0, -INFINITY, 0},
        [ALL_BUT_LABEL_MINUS_INFINITE] = {0, -INFINITY, -INFINITY},
        [ALL_MINUS_INFINITE] = {-INFINITY, -INFINITY, -INFINITY},
        [ALL_EQUAL] = {-3, -3, -3},
        [LABEL_TIES_FOR_BEST] = {50, 50, 0},
        [OTHERS_TIE_FOR_BEST] = {0, 50, 0},
        [LABEL_CERTAIN] = {80, 0, 0},
        [LABEL_HOPELESS] = {-200, 0, 0},
        [HUGE_APART] = {-3e38f, 3e38f, 0},
    };
    for (uint32_t c = 0; c < classes; c++) {
        float value = c == label ? values[oddity].label : c == other ? values[oddity].other : values[oddity].rest;
        if (oddity == OTHERS_TIE_FOR_BEST && c != label && c % 3 == other % 3)
            value = 50;
        z[c] = value != 0 ? value : z[c];
    }
}

static void test_odd_logits_equal_the_c_twin(void **state)
{
    (void)state;
    const uint32_t class_counts[] = {2, 10, 26, 256, 1000};
    for (size_t k = 0; k < sizeof class_counts / sizeof *class_counts; k++) {
        uint32_t classes = class_counts[k];
        struct batch b = batch_random(4 * ODDITIES, classes);
        for (uint32_t i = 0; i < b.count; i++) {
            /* Label and other at either end, and with either of them first. */
            uint32_t label = (const uint32_t[]){0, classes - 1, classes / 2, 1}[i % 4];
            uint32_t other = (const uint32_t[]){classes - 1, 0, classes / 2 - 1, 0}[i % 4];
            b.labels[i] = (uint16_t)label;
            make_odd(b.logits + (size_t)i * classes, classes, label, other, (enum oddity)(i / 4));
        }
        check(&b, TENSOR_F32);
        check(&b, TENSOR_BF16);
        batch_free(&b);
    }
}

static void test_evaluation_needs_no_gradient(void **state)
{
    (void)state;
    const uint32_t class_counts[] = {10, 300};
    for (size_t k = 0; k < sizeof class_counts / sizeof *class_counts; k++) {
        struct batch b = batch_random(5, class_counts[k]);
        struct outcome with = outcome_allocate(&b), without = outcome_allocate(&b);
        run(&with, &b, TENSOR_F32, 0, true);
        run(&without, &b, TENSOR_F32, 0, false);
        assert_memory_equal(without.predicted, with.predicted, b.count * 2);
        assert_floats_equal(without.margin, with.margin, b.count);
        assert_floats_equal(without.log_odds, with.log_odds, b.count);
        assert_floats_equal(without.loss, with.loss, b.count);
        outcome_free(&without);
        outcome_free(&with);
        batch_free(&b);
    }
}

static void test_log_odds_and_loss_keep_their_digits_near_zero_and_far_away(void **state)
{
    (void)state;
    /* Of two classes log odds are the difference: 2^-20 here, 40 and 3e38. e^-40 = 4.248354255e-18 is the loss of
     * 40 to 0. */
    struct batch b = batch_random(3, 2);
    b.logits[0] = 1 + 0x1p-20f, b.logits[1] = 1, b.labels[0] = 0;
    b.logits[2] = 0, b.logits[3] = 40, b.labels[1] = 1;
    b.logits[4] = 3e38f, b.logits[5] = 1, b.labels[2] = 0;
    struct outcome o = outcome_allocate(&b);
    run(&o, &b, TENSOR_F32, 0, true);
    assert_near(o.log_odds[0], 0x1p-20, 0);
    assert_near(o.log_odds[1], 40, 0);
    assert_near(o.log_odds[2], 3e38f, 0);
    assert_near(o.loss[1], 4.248354255e-18, 1e-23);
    outcome_free(&o);
    batch_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_number_of_classes_and_samples_equals_the_c_twin),
        cmocka_unit_test(test_every_label_of_a_row_equals_the_c_twin),
        cmocka_unit_test(test_odd_logits_equal_the_c_twin),
        cmocka_unit_test(test_evaluation_needs_no_gradient),
        cmocka_unit_test(test_log_odds_and_loss_keep_their_digits_near_zero_and_far_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
