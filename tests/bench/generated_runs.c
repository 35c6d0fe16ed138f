/* The generated runs are what their header says, and move as real ones do. */
#include <math.h>
#include <stdlib.h>

#include "tests/bench/generated_run.h"
#include "tests/support/support.h"

enum { SAMPLES = 20000, MOST_EPOCHS = 90 };

static struct tidylog_run run_of(uint64_t samples, uint32_t classes, uint64_t epochs)
{
    return (struct tidylog_run){.samples = samples,
                                .classes = classes,
                                .batch_size = 128,
                                .epochs = epochs,
                                .seed = 3,
                                .shuffle = true,
                                .detail = TIDYLOG_MARGIN};
}

struct seen {
    uint16_t *predicted; /* [epochs][samples] */
    float *margin, *log_odds;
    double accuracy[MOST_EPOCHS]; /* as the epochs' records say */
};

static struct generated_run *generate(struct seen *seen, const struct tidylog_run *run, const char *like,
                                      double noise)
{
    struct generated_run *generated;
    const struct learning *learning = generated_learnings;
    struct tidylog_predictions predictions;
    struct tidylog_epoch epoch;
    uint64_t whole = 0;
    while (strcmp(learning->name, like) != 0)
        learning++;
    seen->predicted = calloc(run->epochs * run->samples, sizeof *seen->predicted);
    seen->margin = calloc(run->epochs * run->samples, sizeof *seen->margin);
    seen->log_odds = calloc(run->epochs * run->samples, sizeof *seen->log_odds);
    assert_int_equal(generated_run_create(&generated, run, learning, noise), 0);
    while (whole < run->epochs) {
        bool last = generated_run_next(generated, &predictions, &epoch);
        for (uint32_t i = 0; i < predictions.count; i++) {
            uint64_t at = epoch.epoch * run->samples + predictions.samples[i];
            seen->predicted[at] = predictions.predicted[i];
            seen->margin[at] = predictions.margin[i];
            seen->log_odds[at] = predictions.log_odds[i];
        }
        if (last)
            seen->accuracy[epoch.epoch] = epoch.accuracy;
        whole += last;
    }
    return generated;
}

static void forget(struct seen *seen, struct generated_run *generated)
{
    free(seen->predicted);
    free(seen->margin);
    free(seen->log_odds);
    generated_run_destroy(generated);
}

/* The margin's sign says whether the label was predicted, and the log-odds lie where a softmax can have them. */
static void margins_and_classes_agree(void **state)
{
    (void)state;
    for (uint32_t classes = 2; classes < 30000; classes = classes * 10 + 1000) {
        struct tidylog_run run = run_of(5000, classes, 3);
        struct seen seen;
        struct generated_run *generated = generate(&seen, &run, "imagenet", 0.1);
        const uint16_t *labels = generated_run_description(generated)->labels;
        for (uint64_t i = 0; i < run.epochs * run.samples; i++) {
            bool right = seen.predicted[i] == labels[i % run.samples];
            assert_true(seen.predicted[i] < classes);
            assert_true(right ? seen.margin[i] >= 0 : seen.margin[i] <= 0);
            assert_true(seen.log_odds[i] <= seen.margin[i]);
            assert_true(seen.log_odds[i] >= seen.margin[i] - logf((float)classes - 1) - 1e-4f);
        }
        forget(&seen, generated);
    }
}

static void order_and_batches_change_nothing(void **state)
{
    (void)state;
    struct tidylog_run run = run_of(1000, 10, 4), other = run;
    struct seen seen, seen_other;
    other.shuffle = false;
    other.batch_size = 77;
    struct generated_run *one = generate(&seen, &run, "fashion-mnist", 0.05);
    struct generated_run *two = generate(&seen_other, &other, "fashion-mnist", 0.05);
    assert_memory_equal(seen.predicted, seen_other.predicted, 4 * 1000 * sizeof *seen.predicted);
    assert_memory_equal(seen.margin, seen_other.margin, 4 * 1000 * sizeof *seen.margin);
    assert_memory_equal(seen.log_odds, seen_other.log_odds, 4 * 1000 * sizeof *seen.log_odds);
    forget(&seen_other, two);
    other = run;
    other.seed = 4;
    two = generate(&seen_other, &other, "fashion-mnist", 0.05);
    assert_memory_not_equal(seen.predicted, seen_other.predicted, 4 * 1000 * sizeof *seen.predicted);
    forget(&seen_other, two);
    forget(&seen, one);
}

/* How far the samples have come in epoch `epoch`: the share that is right, and that is predicted otherwise than in the
 * epoch before. */
static void shares(double *right, double *changed, const struct seen *seen, const uint16_t *labels,
                   uint64_t samples, uint64_t epoch)
{
    *right = *changed = 0;
    for (uint64_t i = 0; i < samples; i++) {
        const uint16_t *now = &seen->predicted[epoch * samples + i];
        *right += (double)(*now == labels[i]) / (double)samples;
        *changed += epoch > 0 && *now != *(now - samples) ? 1 / (double)samples : 0;
    }
}

/* A ResNet-50 ends at about .75 in training, with augmentation, and then predicts another class for about a fifth of
 * the samples than an epoch before. */
static void moves_as_imagenet(void **state)
{
    (void)state;
    struct tidylog_run run = run_of(SAMPLES, 1000, 90);
    struct seen seen;
    double right, changed, first;
    struct generated_run *generated = generate(&seen, &run, "imagenet", 0);
    const uint16_t *labels = generated_run_description(generated)->labels;
    shares(&first, &changed, &seen, labels, SAMPLES, 0);
    assert_true(first < 0.2);
    shares(&right, &changed, &seen, labels, SAMPLES, 89);
    assert_near(right, 0.75, 0.03);
    assert_near(changed, 0.2, 0.03);
    forget(&seen, generated);
}

/* As log-statistics prints of 'tidy-record train --data DIR_OF_FASHION_MNIST --noise 0.05,uniform --epochs 20': accuracy
 * .800 in the first epoch and .913 in the last, .072 of the predictions changed (.017 in the last epoch), .712 of the
 * samples never forgotten and .083 once, .062 never learnt, .020 of the wrong labels learnt in the end. */
static void moves_as_fashion_mnist(void **state)
{
    (void)state;
    struct tidylog_run run = run_of(SAMPLES, 10, 20);
    struct seen seen;
    struct generated_run *generated = generate(&seen, &run, "fashion-mnist", 0.05);
    const struct tidylog_run *as_made = generated_run_description(generated);
    double right = 0, changed = 0, all_changed = 0, forgotten[20] = {0}, never = 0, wrong = 0, learnt = 0;
    for (uint32_t e = 0; e < run.epochs; e++) {
        shares(&right, &changed, &seen, as_made->labels, SAMPLES, e);
        all_changed += changed / 19;
        if (e == 0)
            assert_near(right, 0.800, 0.05);
    }
    assert_near(right, 0.913, 0.02);
    assert_near(changed, 0.017, 0.01);
    assert_near(all_changed, 0.072, 0.015);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint16_t label = as_made->labels[i], last = seen.predicted[19 * SAMPLES + i];
        unsigned events = 0, rights = seen.predicted[i] == label;
        for (uint32_t e = 1; e < run.epochs; e++) {
            bool now = seen.predicted[e * SAMPLES + i] == label;
            events += !now && seen.predicted[(e - 1) * SAMPLES + i] == label;
            rights += now;
        }
        forgotten[events] += rights > 0;
        never += rights == 0;
        wrong += label != as_made->truth[i];
        learnt += label != as_made->truth[i] && last == label;
    }
    assert_near(forgotten[0] / SAMPLES, 0.712, 0.05);
    assert_near(forgotten[1] / SAMPLES, 0.083, 0.05);
    assert_near(never / SAMPLES, 0.062, 0.02);
    assert_near(learnt / wrong, 0.020, 0.015);
    forget(&seen, generated);
}

static void the_record_and_the_noise_are_as_said(void **state)
{
    (void)state;
    struct tidylog_run run = run_of(SAMPLES, 10, 3);
    struct seen seen;
    double right, changed, wrong = 0;
    struct generated_run *generated = generate(&seen, &run, "fashion-mnist", 0.05);
    const uint16_t *labels = generated_run_description(generated)->labels;
    const uint16_t *truth = generated_run_description(generated)->truth;
    for (uint32_t e = 0; e < run.epochs; e++) {
        shares(&right, &changed, &seen, labels, SAMPLES, e);
        assert_near(seen.accuracy[e], right, 1e-9);
    }
    for (uint32_t i = 0; i < SAMPLES; i++)
        wrong += labels[i] != truth[i];
    assert_near(wrong / SAMPLES, 0.05, 0.005);
    forget(&seen, generated);
}

/* Logits say what class, margin and log-odds say. */
static void logits_agree(void **state)
{
    (void)state;
    struct tidylog_run run = run_of(1000, 10, 1);
    struct generated_run *generated;
    struct tidylog_predictions predictions;
    struct tidylog_epoch epoch;
    run.detail = TIDYLOG_FULL;
    assert_int_equal(generated_run_create(&generated, &run, generated_learnings, 0.1), 0);
    generated_run_next(generated, &predictions, &epoch);
    for (uint32_t i = 0; i < predictions.count; i++) {
        uint16_t label = generated_run_description(generated)->labels[predictions.samples[i]];
        const float *logits = predictions.logits + (size_t)i * run.classes;
        double others = 0, largest = -INFINITY;
        int best = 0;
        for (int c = 0; c < 10; c++) {
            best = logits[c] > logits[best] ? c : best;
            others += c != label ? exp(logits[c]) : 0;
            largest = c != label ? fmax(largest, logits[c]) : largest;
        }
        assert_int_equal(best, predictions.predicted[i]);
        assert_near(logits[label] - largest, predictions.margin[i], 1e-6);
        assert_near(logits[label] - log(others), predictions.log_odds[i], 0.01);
    }
    generated_run_destroy(generated);
}

static void labels_can_be_all_right(void **state)
{
    (void)state;
    struct tidylog_run run = run_of(100, 10, 1);
    struct seen seen;
    struct generated_run *generated = generate(&seen, &run, "fashion-mnist", 0);
    assert_null(generated_run_description(generated)->truth);
    forget(&seen, generated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(margins_and_classes_agree),
        cmocka_unit_test(order_and_batches_change_nothing),
        cmocka_unit_test(moves_as_fashion_mnist),
        cmocka_unit_test(moves_as_imagenet),
        cmocka_unit_test(the_record_and_the_noise_are_as_said),
        cmocka_unit_test(logits_agree),
        cmocka_unit_test(labels_can_be_all_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
