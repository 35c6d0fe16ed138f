/* The packing of predictions: error bounds of the log-odds, exactness of the rest, refusal of impossible bytes. */
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/packing.h"
#include "common/random.h"

/* What logs have that do not say their codes, others, and the coarsest and the finest there are. */
static const struct tidylog_codes old_codes = {20, 0};
static const struct tidylog_codes code_sets[] = {{20, 0}, {6, 8}, {1, 1}, {7, 64}, {20, 2}};
enum { CODE_SETS = 5 };

/* A step's arrays. */
struct batch {
    uint32_t count, classes;
    uint16_t *labels, *predicted;
    uint32_t *samples;
    float *logits, *margin, *log_odds;
    double *exact_margin, *exact_log_odds;
};

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

static struct batch create_batch(uint32_t count, uint32_t classes)
{
    return (struct batch){.count = count,
                          .classes = classes,
                          .labels = allocate(count, 2),
                          .predicted = allocate(count, 2),
                          .samples = allocate(count, 4),
                          .logits = allocate((size_t)count * classes, 4),
                          .margin = allocate(count, 4),
                          .log_odds = allocate(count, 4),
                          .exact_margin = allocate(count, 8),
                          .exact_log_odds = allocate(count, 8)};
}

static void destroy_batch(struct batch *batch)
{
    free(batch->labels);
    free(batch->predicted);
    free(batch->samples);
    free(batch->logits);
    free(batch->margin);
    free(batch->log_odds);
    free(batch->exact_margin);
    free(batch->exact_log_odds);
}

/* Everything that is known of sample i, from its logits by the definitions, in double. */
static void derive(struct batch *batch, uint32_t i)
{
    const float *z = batch->logits + (size_t)i * batch->classes;
    uint16_t label = batch->labels[i], best = 0;
    double other = -INFINITY, sum = 0;
    for (uint32_t c = 0; c < batch->classes; c++) {
        if (z[c] > z[best])
            best = (uint16_t)c;
        if (c != label) {
            other = fmax(other, (double)z[c]);
            sum += exp((double)z[c] - (double)z[label]);
        }
    }
    batch->predicted[i] = best;
    batch->exact_margin[i] = (double)z[label] - other;
    batch->exact_log_odds[i] = -log(sum);
    batch->margin[i] = (float)batch->exact_margin[i];
    batch->log_odds[i] = (float)batch->exact_log_odds[i];
}

static void fill_batch(struct batch *batch, uint64_t seed)
{
    struct random_stream stream = random_open(seed, RANDOM_NOISE, batch->classes);
    for (uint32_t i = 0; i < batch->count; i++) {
        batch->labels[i] = (uint16_t)random_below(&stream, batch->classes);
        batch->samples[i] = i;
        /* From nearly even to extremely sure. */
        double scale = exp(random_uniform(&stream) * 7 - 3);
        for (uint32_t c = 0; c < batch->classes; c++)
            batch->logits[(size_t)i * batch->classes + c] = (float)(scale * random_normal(&stream));
        if (random_below(&stream, 2) == 0)
            batch->logits[(size_t)i * batch->classes + batch->labels[i]] += (float)(3 * scale);
        derive(batch, i);
    }
}

static struct tidylog_predictions predictions_of(const struct batch *batch)
{
    return (struct tidylog_predictions){.count = batch->count,
                                        .samples = batch->samples,
                                        .predicted = batch->predicted,
                                        .margin = batch->margin,
                                        .log_odds = batch->log_odds,
                                        .logits = batch->logits};
}

static const uint32_t class_counts[] = {2, 3, 10, 1000};
enum { CLASS_COUNTS = 4 };

/* The contract's scale of log-odds, and its bound on it where the margin has this code; none where that is
 * saturated. */
static double scale_of(double log_odds, struct tidylog_codes codes)
{
    return codes.log_odds_density == 0 || log_odds <= 0 ? log_odds : 8 * (1 - exp(-log_odds / 8));
}

static double scale_bound(int8_t margin_code, uint32_t classes, struct tidylog_codes codes)
{
    if (abs(margin_code) == packing_largest_margin_code(codes))
        return INFINITY;
    double low = 2 * sinh((margin_code - 0.5) / codes.margin_scale) - log(classes - 1);
    double high = 2 * sinh((margin_code + 0.5) / codes.margin_scale);
    double width = scale_of(high, codes) - scale_of(low, codes);
    return codes.log_odds_density == 0 ? width / 510 : fmax(0.5 / codes.log_odds_density, width / 512);
}

static void check_log_odds(const struct batch *batch, struct tidylog_codes codes)
{
    struct packing_levels levels;
    packing_levels_fill(&levels, batch->classes, codes);
    for (uint32_t i = 0; i < batch->count; i++) {
        int8_t margin = packing_margin_code(batch->margin[i], codes);
        uint8_t code = packing_log_odds_code(batch->log_odds[i], margin, &levels);
        double decoded = scale_of((double)packing_log_odds(code, margin, &levels), codes);
        double exact = scale_of(batch->exact_log_odds[i], codes);
        assert_true(code < levels.count[(uint8_t)margin]);
        /* What float's own rounding adds. */
        assert_near(decoded, exact, scale_bound(margin, batch->classes, codes) + 1e-6 * (1 + fabs(exact)));
    }
}

static void test_log_odds_codes_are_within_their_bound(void **state)
{
    (void)state;
    for (int n = 0; n < CLASS_COUNTS; n++) {
        uint32_t classes = class_counts[n];
        struct batch batch = create_batch(classes == 1000 ? 500 : 20000, classes);
        fill_batch(&batch, 1);
        for (int s = 0; s < CODE_SETS; s++)
            check_log_odds(&batch, code_sets[s]);
        destroy_batch(&batch);
    }
    /* docs/log-format.md's example: old logs, near margin 0 and with 10 classes, 0.005. */
    assert_true(scale_bound(0, 10, old_codes) < 0.005);
}

/* ---- whole steps ---------------------------------------------------------------------------------------- */

/* Unpacked columns of a batch. */
struct unpacked {
    struct packing_columns columns;
    struct packing_tables *tables;
};

static struct unpacked create_unpacked_in(const struct batch *batch, struct tidylog_codes codes)
{
    struct unpacked unpacked = {
        .columns = {.predicted = allocate(batch->count, 2),
                    .margin = allocate(batch->count, 4),
                    .loss = allocate(batch->count, 4),
                    .confidence = allocate(batch->count, 4),
                    .log_probs = allocate((size_t)batch->count * batch->classes, 4)},
        .tables = allocate(1, sizeof *unpacked.tables),
    };
    packing_tables_fill(unpacked.tables, batch->classes, codes);
    return unpacked;
}

static struct unpacked create_unpacked(const struct batch *batch)
{
    return create_unpacked_in(batch, packing_codes_default);
}

static void destroy_unpacked(struct unpacked *unpacked)
{
    free(unpacked->columns.predicted);
    free(unpacked->columns.margin);
    free(unpacked->columns.loss);
    free(unpacked->columns.confidence);
    free(unpacked->columns.log_probs);
    free(unpacked->tables);
}

/* Packs into exactly as many bytes as it takes, so that a sanitizer sees a byte too many. */
static uint8_t *pack_in(const struct batch *batch, enum tidylog_detail detail, struct tidylog_codes codes,
                        size_t *bytes)
{
    struct tidylog_predictions predictions = predictions_of(batch);
    struct packing_levels levels;
    size_t bound = packing_bound(batch->count, batch->classes, detail);
    uint8_t *room = allocate(bound, 1);
    packing_levels_fill(&levels, batch->classes, codes);
    *bytes = packing_pack(room, &predictions, batch->labels, batch->classes, detail, &levels);
    assert_in_range(*bytes, 1, bound);
    uint8_t *packed = allocate(*bytes, 1);
    memcpy(packed, room, *bytes);
    free(room);
    return packed;
}

static uint8_t *pack(const struct batch *batch, enum tidylog_detail detail, size_t *bytes)
{
    return pack_in(batch, detail, packing_codes_default, bytes);
}

static int unpack(struct unpacked *out, const struct batch *batch, const uint8_t *packed, size_t bytes,
                  enum tidylog_detail detail)
{
    return packing_unpack(&out->columns, packed, bytes, batch->labels, batch->count, batch->classes, detail,
                          out->tables);
}

static bool near(float value, double expected, double relative, double absolute)
{
    return fabs((double)value - expected) <= relative * fabs(expected) + absolute;
}

static void test_predicted_classes_come_back_at_every_detail(void **state)
{
    (void)state;
    for (int n = 0; n < CLASS_COUNTS; n++) {
        for (int detail = TIDYLOG_CLASS; detail <= TIDYLOG_FULL; detail++) {
            for (uint32_t count = 1; count <= 130; count += count < 20 ? 1 : 37) {
                size_t bytes;
                struct batch batch = create_batch(count, class_counts[n]);
                fill_batch(&batch, count);
                struct unpacked unpacked = create_unpacked(&batch);
                uint8_t *packed = pack(&batch, (enum tidylog_detail)detail, &bytes);
                assert_int_equal(unpack(&unpacked, &batch, packed, bytes, (enum tidylog_detail)detail), 0);
                assert_memory_equal(unpacked.columns.predicted, batch.predicted, count * sizeof(uint16_t));
                free(packed);
                destroy_unpacked(&unpacked);
                destroy_batch(&batch);
            }
        }
    }
}

static void test_bytes_are_as_the_format_says(void **state)
{
    (void)state;
    /* Ten samples of 10 classes; samples 1, 3 and 9 are wrong: classes 5, 9, 2 of 4 bits each.
     * Bitmap: 00001010, 00000010. Classes: 5 + 9 * 16 = 0x95, then 2. */
    uint16_t labels[10] = {0}, predicted[10] = {0, 5, 0, 9, 0, 0, 0, 0, 0, 2};
    float margin[10] = {0}, log_odds[10];
    for (int i = 0; i < 10; i++) {
        margin[i] = i == 1 ? -2.350402f : 0;            /* code -20 */
        log_odds[i] = i == 2 ? 100 : i == 3 ? -100 : 0; /* codes 255 and 0, the ends */
    }
    log_odds[4] = NAN;
    struct tidylog_predictions predictions = {
        .count = 10, .predicted = predicted, .margin = margin, .log_odds = log_odds};
    uint8_t out[64];
    struct packing_levels levels;
    packing_levels_fill(&levels, 10, old_codes);
    assert_int_equal(packing_pack(out, &predictions, labels, 10, TIDYLOG_CLASS, NULL), 4);
    assert_memory_equal(out, ((uint8_t[]){0x0a, 0x02, 0x95, 0x02}), 4);
    assert_int_equal(packing_pack(out, &predictions, labels, 10, TIDYLOG_MARGIN, &levels), 24);
    assert_memory_equal(out + 4, ((uint8_t[]){0, 236, 0, 0, 128, 0, 0, 0, 0, 0}), 10);
    assert_int_equal(out[14 + 2], 255);
    assert_int_equal(out[14 + 3], 0);
    assert_int_equal(out[14 + 4], 0);
    /* Margin 0 with log-odds 0 and 10 classes: the interval is -0.05001 - log 9 .. 0.05001, of length 2.29725;
     * 0 lies at (2.24724 / 2.29725) * 255 = 249.4. */
    assert_int_equal(out[14], 249);
    /* In other codes: asinh(2.350402 / 2) = 1 is code 8 of eighths. At margin 0 and 10 classes the log-odds lie in
     * -0.12508 - log 9 .. 0.12508, which is -2.32231 .. 0.12411 on their scale, of length 2.44642: 10 levels of 4 a
     * unit; 0 lies at 2.32231 / 2.44642 * 10 = 9.49 of them. */
    packing_levels_fill(&levels, 10, (struct tidylog_codes){8, 4});
    assert_int_equal(levels.count[0], 10);
    log_odds[0] = -1; /* (2.32231 - 1) / 2.44642 * 10 = 5.4 */
    assert_int_equal(packing_pack(out, &predictions, labels, 10, TIDYLOG_MARGIN, &levels), 24);
    assert_memory_equal(out + 4, ((uint8_t[]){0, 248, 0, 0, 128, 0, 0, 0, 0, 0}), 10);
    assert_memory_equal(out + 14 + 2, ((uint8_t[]){9, 0, 0, 9, 9, 9, 9, 9}), 8);
    assert_int_equal(out[14], 5);
    /* At margin -2.350402: -2.54801 - log 9 .. -2.16198, of length 2.58325: 11 levels; 0 is above them all. */
    assert_int_equal(out[14 + 1], 10);
    /* A level's middle: -2.32231 + 5.5 / 10 * 2.44642 = -0.97678. */
    assert_near(packing_log_odds(5, 0, &levels), -0.97678, 1e-5);
    /* Far out there is one level. At margin code 40 of eighths the log-odds are between 137 and 158. */
    assert_int_equal(levels.count[40], 1);
}

static void test_margin_detail_gives_loss_and_confidence_of_the_decoded_log_odds(void **state)
{
    (void)state;
    for (int n = 0; n < CLASS_COUNTS * CODE_SETS; n++) {
        size_t bytes;
        struct tidylog_codes codes = code_sets[n / CLASS_COUNTS];
        struct batch batch = create_batch(500, class_counts[n % CLASS_COUNTS]);
        fill_batch(&batch, 2);
        struct unpacked unpacked = create_unpacked_in(&batch, codes);
        uint8_t *packed = pack_in(&batch, TIDYLOG_MARGIN, codes, &bytes);
        assert_int_equal(unpack(&unpacked, &batch, packed, bytes, TIDYLOG_MARGIN), 0);
        for (uint32_t i = 0; i < batch.count; i++) {
            int8_t margin_code = packing_margin_code(batch.margin[i], codes);
            double widest = scale_bound(margin_code, batch.classes, codes);
            double loss = log1p(exp(-batch.exact_log_odds[i]));
            double confidence = 1 / (1 + exp(-batch.exact_log_odds[i]));
            assert_true(unpacked.columns.margin[i] == packing_margin(margin_code, codes));
            /* The loss changes no faster than the scale; confidence at most 0.254 times as fast. */
            double rounding = 1e-6 * (1 + fabs(batch.exact_log_odds[i]));
            assert_true(near(unpacked.columns.loss[i], loss, 1e-6, widest + rounding));
            assert_true(near(unpacked.columns.confidence[i], confidence, 1e-6, 0.254 * widest + rounding));
        }
        free(packed);
        destroy_unpacked(&unpacked);
        destroy_batch(&batch);
    }
}

static void test_probs_and_full_detail_give_log_softmax(void **state)
{
    (void)state;
    for (int n = 0; n < CLASS_COUNTS; n++) {
        uint32_t classes = class_counts[n];
        struct batch batch = create_batch(classes == 1000 ? 50 : 1000, classes);
        fill_batch(&batch, 3);
        struct unpacked unpacked = create_unpacked(&batch);
        for (int detail = TIDYLOG_PROBS; detail <= TIDYLOG_FULL; detail++) {
            size_t bytes;
            uint8_t *packed = pack(&batch, (enum tidylog_detail)detail, &bytes);
            assert_int_equal(unpack(&unpacked, &batch, packed, bytes, (enum tidylog_detail)detail), 0);
            /* Half precision has 11 significant bits, float 24; below 2^-14 steps of 2^-24. */
            double relative = detail == TIDYLOG_PROBS ? 0x1p-11 * 1.001 : 1e-6;
            double absolute = detail == TIDYLOG_PROBS ? 0x1p-25 * 1.01 : 1e-30;
            for (uint32_t i = 0; i < batch.count; i++) {
                const float *z = batch.logits + (size_t)i * classes;
                double label_log_prob = -log1p(exp(-batch.exact_log_odds[i]));
                double sum = 0;
                for (uint32_t c = 0; c < classes; c++)
                    sum += exp((double)z[c] - (double)z[batch.predicted[i]]);
                for (uint32_t c = 0; c < classes; c++) {
                    double log_prob = (double)z[c] - (double)z[batch.predicted[i]] - log(sum);
                    /* The expected value itself cancels where it is near 0. */
                    assert_true(near(unpacked.columns.log_probs[(size_t)i * classes + c], log_prob, relative,
                                     absolute + 1e-12));
                }
                assert_true(near(unpacked.columns.loss[i], -label_log_prob, relative, absolute));
                assert_true(near(unpacked.columns.confidence[i], exp(label_log_prob), 0,
                                 (fabs(label_log_prob) * relative + absolute) * exp(label_log_prob) * 1.1 + 1e-7));
                /* The difference of two log-probabilities, each rounded. */
                double margin_bound =
                    detail == TIDYLOG_FULL
                        ? 1e-6 * fabs(batch.exact_margin[i])
                        : relative * (2 * fabs(label_log_prob) + fabs(batch.exact_margin[i])) * 1.01 + 2 * absolute;
                assert_true(near(unpacked.columns.margin[i], batch.exact_margin[i], 0, margin_bound + 1e-7));
            }
            free(packed);
        }
        destroy_unpacked(&unpacked);
        destroy_batch(&batch);
    }
}

static void test_logits_that_are_not_finite_give_nan_and_keep_the_class(void **state)
{
    (void)state;
    /* Samples: one NaN; the label +infinity; all -infinity; another class +infinity. */
    static const float rows[4][3] = {
        {1, NAN, 2}, {INFINITY, 1, 2}, {-INFINITY, -INFINITY, -INFINITY}, {1, INFINITY, 2}};
    struct batch batch = create_batch(4, 3);
    memcpy(batch.logits, rows, sizeof rows);
    static const uint16_t predicted[4] = {2, 0, 0, 1};
    memcpy(batch.predicted, predicted, sizeof predicted);
    for (int i = 0; i < 4; i++)
        batch.margin[i] = batch.log_odds[i] = NAN;
    struct unpacked unpacked = create_unpacked(&batch);
    for (int detail = TIDYLOG_MARGIN; detail <= TIDYLOG_FULL; detail++) {
        size_t bytes;
        uint8_t *packed = pack(&batch, (enum tidylog_detail)detail, &bytes);
        assert_int_equal(unpack(&unpacked, &batch, packed, bytes, (enum tidylog_detail)detail), 0);
        assert_memory_equal(unpacked.columns.predicted, predicted, sizeof predicted);
        for (int i = 0; i < 4; i++) {
            assert_true(isnan(unpacked.columns.loss[i]));
            assert_true(isnan(unpacked.columns.margin[i]));
            assert_true(isnan(unpacked.columns.confidence[i]));
        }
        free(packed);
    }
    destroy_unpacked(&unpacked);
    destroy_batch(&batch);
}

static void test_infinite_margins_saturate_where_the_log_odds_are_known(void **state)
{
    (void)state;
    /* Other classes that are masked out (-infinity) leave the label with probability 1, and the other way round. */
    struct batch batch = create_batch(2, 10);
    batch.margin[0] = batch.log_odds[0] = INFINITY;
    batch.margin[1] = batch.log_odds[1] = -INFINITY;
    size_t bytes;
    struct unpacked unpacked = create_unpacked(&batch);
    uint8_t *packed = pack(&batch, TIDYLOG_MARGIN, &bytes);
    assert_int_equal(unpack(&unpacked, &batch, packed, bytes, TIDYLOG_MARGIN), 0);
    assert_true(unpacked.columns.margin[0] > 572 && unpacked.columns.margin[1] < -572);
    assert_true(unpacked.columns.loss[0] < 1e-9f && unpacked.columns.loss[1] > 550);
    assert_true(unpacked.columns.confidence[0] == 1 && unpacked.columns.confidence[1] < 1e-9f);
    free(packed);
    destroy_unpacked(&unpacked);
    destroy_batch(&batch);
}

static void test_one_class_is_never_wrong_and_costs_no_class_bits(void **state)
{
    (void)state;
    struct batch batch = create_batch(9, 1);
    for (int i = 0; i < 9; i++)
        batch.margin[i] = batch.log_odds[i] = INFINITY;
    struct unpacked unpacked = create_unpacked(&batch);
    size_t bytes;
    uint8_t *packed = pack(&batch, TIDYLOG_MARGIN, &bytes);
    assert_int_equal(bytes, 2 + 9 + 9);
    assert_int_equal(unpack(&unpacked, &batch, packed, bytes, TIDYLOG_MARGIN), 0);
    assert_true(unpacked.columns.loss[3] < 1e-9f && unpacked.columns.confidence[3] == 1);
    packed[0] = 1;
    assert_int_equal(unpack(&unpacked, &batch, packed, bytes, TIDYLOG_MARGIN), TIDY_FAILED);
    free(packed);
    destroy_unpacked(&unpacked);
    destroy_batch(&batch);
}

static void test_impossible_bytes_are_refused(void **state)
{
    (void)state;
    uint16_t labels[10] = {1}, predicted[10];
    struct packing_columns columns = {.predicted = predicted};
    struct row {
        uint8_t bytes[6];
        size_t size;
        int expected;
    };
    static const struct row rows[] = {
        {{0x01, 0x02, 0x95}, 3, TIDY_OK},     /* classes 5 and 9 */
        {{0x01, 0x02, 0x95}, 2, TIDY_FAILED}, /* truncated list */
        {{0x01, 0x02, 0x95}, 1, TIDY_FAILED}, /* truncated bitmap */
        {{0}, 0, TIDY_FAILED},
        {{0x01, 0x02, 0x95, 0x00}, 4, TIDY_FAILED}, /* surplus byte */
        {{0x01, 0x02, 0x91}, 3, TIDY_FAILED},       /* "wrong" with the class of the label */
        {{0x01, 0x02, 0xa5}, 3, TIDY_FAILED},       /* class 10 of 10 */
        {{0x01, 0x04, 0x95}, 3, TIDY_FAILED},       /* an eleventh prediction is wrong */
        {{0x01, 0x00, 0x95}, 3, TIDY_FAILED},       /* bits that nobody uses are set */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        /* An allocation of just that size, for the sanitizer. */
        uint8_t *bytes = malloc(rows[i].size + (rows[i].size == 0));
        assert_non_null(bytes);
        memcpy(bytes, rows[i].bytes, rows[i].size);
        assert_int_equal(packing_unpack(&columns, bytes, rows[i].size, labels, 10, 10, TIDYLOG_CLASS, NULL),
                         rows[i].expected);
        free(bytes);
    }
}

static void test_impossible_codes_are_refused(void **state)
{
    (void)state;
    static const struct tidylog_codes eighths = {8, 4};
    struct {
        int margin, level, expected;
    } rows[] = {
        {51, 0, TIDY_OK},     {-51, 0, TIDY_OK},     {-128, 0, TIDY_OK},     {0, 9, TIDY_OK},
        {52, 0, TIDY_FAILED}, {-52, 0, TIDY_FAILED}, {127, 0, TIDY_FAILED},  {-127, 0, TIDY_FAILED},
        {0, 10, TIDY_FAILED}, {51, 1, TIDY_FAILED},  {-128, 1, TIDY_FAILED},
    };
    struct batch batch = create_batch(3, 10);
    struct unpacked unpacked = create_unpacked_in(&batch, eighths);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const uint8_t bytes[7] = {0, 0, 0, (uint8_t)rows[i].margin, 0, 0, (uint8_t)rows[i].level};
        assert_int_equal(unpack(&unpacked, &batch, bytes, sizeof bytes, TIDYLOG_MARGIN), rows[i].expected);
    }
    destroy_unpacked(&unpacked);
    destroy_batch(&batch);
}

static void test_a_step_that_is_too_large_has_no_bound(void **state)
{
    (void)state;
    assert_int_equal(packing_bound(UINT32_MAX, 65536, TIDYLOG_FULL), 0);
    assert_int_equal(packing_bound(1 << 20, 1000, TIDYLOG_FULL), 0);
    /* 128 of 10 classes: 16 + 64 + 256. */
    assert_int_equal(packing_bound(128, 10, TIDYLOG_MARGIN), 336);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_odds_codes_are_within_their_bound),
        cmocka_unit_test(test_predicted_classes_come_back_at_every_detail),
        cmocka_unit_test(test_bytes_are_as_the_format_says),
        cmocka_unit_test(test_margin_detail_gives_loss_and_confidence_of_the_decoded_log_odds),
        cmocka_unit_test(test_probs_and_full_detail_give_log_softmax),
        cmocka_unit_test(test_logits_that_are_not_finite_give_nan_and_keep_the_class),
        cmocka_unit_test(test_infinite_margins_saturate_where_the_log_odds_are_known),
        cmocka_unit_test(test_one_class_is_never_wrong_and_costs_no_class_bits),
        cmocka_unit_test(test_impossible_bytes_are_refused),
        cmocka_unit_test(test_impossible_codes_are_refused),
        cmocka_unit_test(test_a_step_that_is_too_large_has_no_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
