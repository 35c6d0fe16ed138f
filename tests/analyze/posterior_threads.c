/* label-posterior is the same number, bit for bit, for any number of threads and on any kind of processor. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/label_posterior.h"
#include "analyze/posterior_passes.h"
#include "common/parallel.h"
#include "common/random.h"
#include "tests/support/support.h"

enum { SAMPLES = 3001, EPOCHS = 6, MOST_CLASSES = 40 };

/* Samples of `classes` classes, each mostly taken for two others, and one in eight for the class after its label. */
static void observe_all(struct rebuilt_means *means, uint16_t *given, uint32_t classes)
{
    struct random_stream random = random_open(3, RANDOM_NOISE, 0);
    for (size_t i = 0; i < SAMPLES; i++)
        given[i] = (uint16_t)(i * 7 % classes);
    assert_int_equal(rebuilt_means_create(means, given, SAMPLES, classes, 0), 0);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
        for (uint32_t i = 0; i < SAMPLES; i++) {
            bool wrong = random_uniform(&random) < (i % 8 == 0 ? 0.95 : 0.2);
            uint16_t predicted = (uint16_t)(i % 8 == 0 ? (given[i] + 1) % classes : random_below(&random, classes));
            float q = (float)(wrong ? 0.02 + 0.3 * random_uniform(&random) : 0.6 + 0.39 * random_uniform(&random));
            const struct tidylog_observations step = {.epoch = epoch,
                                                      .count = 1,
                                                      .samples = &i,
                                                      .labels = &given[i],
                                                      .predicted = wrong ? &predicted : &given[i],
                                                      .margin = (float[]){wrong ? -logf((1 - q) * 0.8F / q) : 2},
                                                      .confidence = &q};
            if (i % 100 != 99) /* who is never presented has none */
                assert_int_equal(rebuilt_means_observe(means, &step), 0);
        }
}

static void make(struct label_posterior *out, uint32_t classes, bool with_probes)
{
    static uint16_t given[SAMPLES], unchanged[SAMPLES];
    struct rebuilt_means means;
    observe_all(&means, given, classes);
    for (size_t i = 0; i < SAMPLES; i++)
        unchanged[i] = (uint16_t)(i % 30 == 0 ? (given[i] + 1) % classes : given[i]);
    means.unchanged = with_probes ? unchanged : NULL;
    assert_int_equal(label_posterior_create(out, &means), 0);
    rebuilt_means_destroy(&means);
}

static void check_same(const struct label_posterior *a, const struct label_posterior *b, uint32_t classes)
{
    assert_memory_equal(a->wrong, b->wrong, SAMPLES * sizeof *a->wrong);
    assert_memory_equal(a->log_odds, b->log_odds, SAMPLES * sizeof *a->log_odds);
    assert_memory_equal(a->suggestions, b->suggestions, SAMPLES * sizeof *a->suggestions);
    assert_memory_equal(a->class_weights, b->class_weights, classes * sizeof *a->class_weights);
    assert_memory_equal(a->true_counts, b->true_counts, classes * sizeof *a->true_counts);
    assert_true(a->temperature == b->temperature && a->expected_wrong == b->expected_wrong);
    assert_true(a->transition.other == b->transition.other && a->judged == b->judged);
}

static void test_any_number_of_threads_gives_the_same(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < 3; k++) {
        uint32_t classes = ((uint32_t[]){4, 10, MOST_CLASSES})[k];
        struct label_posterior one, other;
        parallel_set_available(1);
        make(&one, classes, k == 1);
        assert_true(one.transition.count > 0); /* pairs stand out */
        for (unsigned threads = 2; threads <= 7; threads += threads == 3 ? 4 : 1) {
            parallel_set_available(threads);
            make(&other, classes, k == 1);
            check_same(&one, &other, classes);
            label_posterior_destroy(&other);
        }
        parallel_set_available(0);
        label_posterior_destroy(&one);
    }
}

/* What one round of all passes makes of rows: the blocks afterwards, and the sums. */
struct passed {
    struct posterior_rows rows;
    struct row_totals totals;
    struct surprise_slopes slopes;
};

static void pass_over(struct passed *out, const struct posterior_passes *passes, struct rebuilt_means *means,
                      const struct noise_transition *transition, const double *weights)
{
    assert_int_equal(posterior_rows_create(&out->rows, means, transition, 3, NULL), 0);
    out->totals.sums = calloc(transition->classes, sizeof *out->totals.sums);
    assert_non_null(out->totals.sums);
    struct posterior_rows *rows = &out->rows;
    posterior_rows_prepare(rows, weights);
    passes->begin(rows, 0, rows->count);
    passes->slopes(&out->slopes, rows, 0, rows->chosen, 0.75F);
    passes->raise(rows, 0, rows->count, 0.75F);
    passes->sum(&out->totals, rows, 0, rows->count);
}

static void test_any_kind_of_processor_gives_the_same(void **state)
{
    (void)state;
#ifdef __x86_64__
    static uint16_t given[SAMPLES];
    double weights[MOST_CLASSES];
    for (uint32_t c = 0; c < MOST_CLASSES; c++)
        weights[c] = 1 + 0.1 * c;
    for (uint32_t classes = 10; classes <= MOST_CLASSES; classes += MOST_CLASSES - 10) {
        struct rebuilt_means means;
        struct noise_transition transition;
        struct passed plain, other;
        observe_all(&means, given, classes);
        rebuilt_means_discount(&means);
        assert_int_equal(noise_transition_create(&transition, &means), 0);
        pass_over(&plain, &posterior_passes_plain, &means, &transition, weights);
        for (int kind = 0; kind < 2; kind++) {
            if (kind == 0 ? !__builtin_cpu_supports("avx2") : !__builtin_cpu_supports("avx512f"))
                continue;
            pass_over(&other, kind == 0 ? &posterior_passes_avx2 : &posterior_passes_avx512, &means, &transition,
                      weights);
            assert_int_equal(plain.rows.count, other.rows.count);
            for (size_t b = 0; b < plain.rows.count; b++)
                assert_memory_equal(plain.rows.blocks[b].row, other.rows.blocks[b].row,
                                    sizeof plain.rows.blocks[b].row);
            assert_true(isfinite(plain.slopes.first) && plain.slopes.first == other.slopes.first);
            assert_true(isfinite(plain.slopes.second) && plain.slopes.second == other.slopes.second);
            assert_true(plain.totals.wrong == other.totals.wrong);
            assert_memory_equal(plain.totals.sums, other.totals.sums, classes * sizeof *plain.totals.sums);
            free(other.totals.sums);
            posterior_rows_destroy(&other.rows);
        }
        free(plain.totals.sums);
        posterior_rows_destroy(&plain.rows);
        noise_transition_destroy(&transition);
        rebuilt_means_destroy(&means);
    }
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_number_of_threads_gives_the_same),
        cmocka_unit_test(test_any_kind_of_processor_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
