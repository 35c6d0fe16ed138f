/* The score label-posterior on invented logs whose noise is known, and at the edges. tests/analyze/scores_numpy.py
 * has its definition. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/evaluation.h"
#include "analyze/ranking.h"
#include "analyze/rebuilt_means.h"
#include "common/error.h"
#include "common/random.h"
#include "log_builder.h"
#include "tests/support/support.h"

/* ---- rebuilt vectors, by hand ----------------------------------------------------------------------------- */

static bool near(double got, double expected)
{
    return fabs(got - expected) < 1e-6;
}

static void observe(struct rebuilt_means *means, uint64_t epoch, uint16_t predicted, double q, double margin)
{
    const struct tidylog_observations step = {.epoch = epoch,
                                              .count = 1,
                                              .samples = (uint32_t[]){0},
                                              .labels = means->given,
                                              .predicted = &predicted,
                                              .margin = (float[]){(float)margin},
                                              .confidence = (float[]){(float)q}};
    assert_int_equal(rebuilt_means_observe(means, &step), 0);
}

/* Four classes, given 1. Epoch 3, weight 1: right with 0.4, the others 0.2 each. Epoch 4, weight 2: class 3, with
 * 0.25 e^ln 2 = 0.5, and 0.125 for classes 0 and 2. Sums: 0.4 + 2 x 0.25 = 0.9, 0.2 + 2 x 0.125 = 0.45 each, class
 * 3 has 0.2 + 2 x 0.5 = 1.2, which is 0.75 more; the mean of class 3 is 1.2 / 3. */
static void test_vectors_are_rebuilt_from_class_margin_and_probability(void **state)
{
    (void)state;
    const uint16_t given[1] = {1};
    struct rebuilt_means means;
    double most;
    assert_int_equal(rebuilt_means_create(&means, given, 1, 4, 3), 0);
    assert_false(rebuilt_means_has(&means, 0));
    observe(&means, 3, 1, 0.4, log(2));
    observe(&means, 4, 3, 0.25, -log(2));
    const struct rebuilt_mean *mean = &means.means[0];
    assert_true(near((double)mean->weight, 3) && near((double)mean->given, 0.9));
    assert_true(near((double)mean->even, 0.45) && near((double)mean->extra[0], 0.75));
    assert_int_equal(mean->named[0], 3);
    assert_int_equal(mean->named[1], 1);
    assert_int_equal(rebuilt_means_top(&means, 0, &most), 3);
    assert_true(near(most, 0.4));
    rebuilt_means_discount(&means); /* e^-0.1 = 0.9048374 */
    assert_true(near((double)mean->given, 0.9 * 0.9048374));
    assert_true(near((double)mean->weight, 0.9 * 0.9048374 + 3 * 0.45 + 0.75));
    observe(&means, 5, 1, NAN, NAN);
    assert_false(rebuilt_means_has(&means, 0));
    rebuilt_means_destroy(&means);
}

/* Of 21 classes, given 20, class k is predicted in epoch k with probability 0.5, the given label has 0.1. A place
 * is lost to who has more above the others: all do, since later epochs weigh more. What the probabilities of one
 * epoch sum to is its weight, whoever has a place. */
static void test_a_tenth_class_takes_the_place_of_the_least_probable(void **state)
{
    (void)state;
    const uint16_t given[1] = {20};
    enum { EPOCHS = 12 };
    struct rebuilt_means means;
    assert_int_equal(rebuilt_means_create(&means, given, 1, 21, 0), 0);
    for (uint16_t k = 0; k < EPOCHS; k++)
        observe(&means, k, k, 0.1, -log(5));
    const struct rebuilt_mean *mean = &means.means[0];
    double sum = (double)mean->given + 20 * (double)mean->even;
    for (size_t place = 0; place < NAMED_CLASSES; place++) {
        assert_in_range(mean->named[place], EPOCHS - NAMED_CLASSES, EPOCHS - 1);
        sum += (double)mean->extra[place];
    }
    assert_true(fabs(sum - (double)mean->weight) < 1e-4 && near((double)mean->weight, EPOCHS * (EPOCHS + 1) / 2));
    observe(&means, 0, 13, 0.1, -log(5)); /* an epoch of weight 1 has too little */
    for (size_t place = 0; place < NAMED_CLASSES; place++)
        assert_int_not_equal(mean->named[place], 13);
    rebuilt_means_destroy(&means);
}

/* ---- noise that is known ---------------------------------------------------------------------------------- */

enum { SAMPLES = 6000, CLASSES = 10, EPOCHS = 8 };

struct invented {
    uint16_t truth[SAMPLES], labels[SAMPLES], trained[SAMPLES];
    float *logits; /* [EPOCHS][SAMPLES][CLASSES] */
};

/* Softmax of a logit that stands out among standard normal ones. */
static void draw_image(double image[CLASSES], struct random_stream *random)
{
    size_t likely = random_below(random, CLASSES);
    double strength = 4 + 8 * random_uniform(random), sum = 0;
    for (size_t c = 0; c < CLASSES; c++)
        sum += image[c] = exp(random_normal(random) + (c == likely ? strength : 0));
    for (size_t c = 0; c < CLASSES; c++)
        image[c] /= sum;
}

static uint16_t draw_class(const double image[CLASSES], struct random_stream *random)
{
    double place = random_uniform(random);
    uint16_t class = 0;
    while (class < CLASSES - 1 && place >= image[class])
        place -= image[class ++];
    return class;
}

/* Images whose true class is what their probabilities say, and a network that has learnt these, with the noise in
 * them and a little of each label by heart, but for some wavering from epoch to epoch: what the score assumes. The label is wrong with probability `rate`: the next class, or any
 * other. Every `probe_every`-th sample is trained on the class before its label and has logits that are spread by
 * `probe_scale`; 0: none is. */
static struct invented *invent(double rate, bool pair, size_t probe_every, double probe_scale)
{
    struct invented *invented = malloc(sizeof *invented);
    struct random_stream random = random_open(11, RANDOM_NOISE, 0);
    assert_non_null(invented);
    invented->logits = malloc((size_t)EPOCHS * SAMPLES * CLASSES * sizeof *invented->logits);
    assert_non_null(invented->logits);
    for (size_t i = 0; i < SAMPLES; i++) {
        double image[CLASSES];
        draw_image(image, &random);
        uint16_t truth = draw_class(image, &random), away = (uint16_t)random_below(&random, CLASSES - 1);
        bool wrong = random_uniform(&random)<rate, probe = probe_every> 0 && i % probe_every == 0;
        uint16_t label = (uint16_t)(wrong ? (truth + 1 + (pair ? 0 : away)) % CLASSES : truth);
        invented->truth[i] = truth;
        invented->labels[i] = label;
        invented->trained[i] = (uint16_t)(probe ? (label + CLASSES - 1) % CLASSES : label);
        for (size_t t = 0; t < EPOCHS; t++) {
            for (size_t c = 0; c < CLASSES; c++) {
                double from = pair ? image[(c + CLASSES - 1) % CLASSES] : (1 - image[c]) / (CLASSES - 1);
                double logit = log((1 - rate) * image[c] + rate * from) + 0.3 * random_normal(&random) +
                               (c == label ? 0.1 : 0);
                invented->logits[(t * SAMPLES + i) * CLASSES + c] = (float)((probe ? probe_scale : 1) * logit);
            }
        }
    }
    return invented;
}

static void forget(struct invented *invented)
{
    free(invented->logits);
    free(invented);
}

/* Writes the log and replays the score. */
static void analyse(struct analysis *out, const char *name, const struct invented *invented, bool probes)
{
    const char *path = support_path(support_scratch_folder(), name);
    const struct tidylog_run run = {.samples = SAMPLES,
                                    .classes = CLASSES,
                                    .batch_size = 100,
                                    .shuffle = true,
                                    .detail = TIDYLOG_FULL,
                                    .labels = invented->trained,
                                    .truth = invented->truth,
                                    .given = probes ? invented->labels : NULL,
                                    .probes = probes ? "controls" : NULL};
    if (log_from_logits(path, run, invented->logits, EPOCHS, 0) != 0 || analysis_open(out, path) != 0 ||
        analysis_choose(out, "label-posterior") != 0 || analysis_replay(out, NULL) != 0)
        fail_msg("%s", tidy_error_message());
}

/* What the score of a log is worth. */
struct worth {
    double average_precision, log_loss, base_log_loss; /* of the base rate for every sample */
    double expected, wrong;                            /* wrong labels */
    double suggested;                                  /* share of the wrong ones whose true class is suggested */
};

static struct worth worth_of(const struct analysis *analysis, const struct invented *invented)
{
    static float keys[SAMPLES];
    const struct label_posterior *posterior = analysis->posterior;
    struct worth out = {0};
    struct ranking ranking;
    struct truth truth;
    score_keys(&analysis->scores.scores[0], keys, SAMPLES);
    assert_int_equal(ranking_create(&ranking, keys, SAMPLES), 0);
    assert_int_equal(truth_create(&truth, analysis->run, "the log"), 0);
    out.average_precision = rank_quality_of(&ranking, &truth).average_precision;
    for (size_t i = 0; i < SAMPLES; i++) {
        double p = (double)keys[i];
        assert_true(p >= 0 && p <= 1);
        out.expected += p;
        out.wrong += truth.mislabelled[i];
        out.log_loss -= log(fmax(truth.mislabelled[i] ? p : 1 - p, 1e-6)) / SAMPLES;
        out.suggested += truth.mislabelled[i] && posterior->suggestions[i].label == invented->truth[i];
        assert_int_not_equal(posterior->suggestions[i].label, invented->labels[i]);
    }
    double base = out.wrong / SAMPLES;
    out.base_log_loss = -(base * log(base) + (1 - base) * log(1 - base));
    out.suggested /= out.wrong;
    assert_near(posterior->expected_wrong, out.expected, 1e-3);
    assert_int_equal(posterior->judged, SAMPLES);
    ranking_destroy(&ranking);
    truth_destroy(&truth);
    return out;
}

static void check_worth(const struct worth *worth)
{
    assert_true(worth->average_precision > 0.9);
    assert_true(worth->log_loss < 0.5 * worth->base_log_loss);
    assert_near(worth->expected, worth->wrong, 0.1 * worth->wrong);
    assert_true(worth->suggested > 0.95);
}

static void test_uniform_noise_is_ranked_counted_and_put_right(void **state)
{
    (void)state;
    struct invented *invented = invent(0.05, false, 0, 0);
    struct analysis analysis;
    analyse(&analysis, "uniform.tidy", invented, false);
    struct worth worth = worth_of(&analysis, invented);
    check_worth(&worth);
    assert_int_equal(analysis.posterior->transition.count, 0);
    assert_near(analysis.posterior->transition.other, 0.05 / (CLASSES - 1), 0.001);
    analysis_close(&analysis);
    forget(invented);
}

static void test_pair_noise_is_ranked_counted_and_put_right(void **state)
{
    (void)state;
    struct invented *invented = invent(0.2, true, 0, 0);
    struct analysis analysis;
    analyse(&analysis, "pair.tidy", invented, false);
    const struct noise_transition *transition = &analysis.posterior->transition;
    struct worth worth = worth_of(&analysis, invented);
    check_worth(&worth);
    assert_int_equal(transition->count, CLASSES);
    for (uint32_t a = 0; a < CLASSES; a++) {
        assert_near(noise_transition_probability(transition, a, (a + 1) % CLASSES), 0.2, 0.05);
        assert_near(noise_transition_probability(transition, a, a), 0.8, 0.05);
        assert_true(noise_transition_probability(transition, a, (a + 2) % CLASSES) == transition->other);
    }
    assert_true(transition->other < 0.005);
    analysis_close(&analysis);
    forget(invented);
}

/* What the network makes of the probes differs between the logs; the other samples' posteriors do not. */
static void test_probes_change_nothing(void **state)
{
    (void)state;
    struct invented *one = invent(0.1, false, 20, 1), *other = invent(0.1, false, 20, 3);
    struct analysis first, second;
    analyse(&first, "probes-1.tidy", one, true);
    analyse(&second, "probes-2.tidy", other, true);
    double sum = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        double value = score_value(&first.scores.scores[0], i), same = score_value(&second.scores.scores[0], i);
        if (i % 20 == 0)
            assert_true(isnan(value) && isnan(first.posterior->suggestions[i].probability));
        else
            assert_true(value == same);
        sum += isnan(value) ? 0 : value;
    }
    assert_near(first.posterior->expected_wrong, sum, 1e-3);
    assert_true(first.posterior->judged == SAMPLES - SAMPLES / 20);
    analysis_close(&first);
    analysis_close(&second);
    forget(one);
    forget(other);
}

/* ---- edges ------------------------------------------------------------------------------------------------ */

/* Replays `epochs` epochs of logits that say nothing about labels[samples]; the score is a probability. The sum is
 * returned. */
static double check_finite(uint16_t classes, const uint16_t *labels, size_t samples, uint64_t epochs)
{
    const char *path = support_path(support_scratch_folder(), "edge.tidy");
    struct random_stream random = random_open(5, RANDOM_NOISE, 0);
    struct analysis analysis;
    double sum = 0;
    const struct tidylog_run run = {
        .samples = samples, .classes = classes, .batch_size = 3, .detail = TIDYLOG_MARGIN, .labels = labels};
    float *logits = malloc(epochs * samples * classes * sizeof *logits);
    assert_non_null(logits);
    for (size_t i = 0; i < epochs * samples * classes; i++)
        logits[i] = (float)(2 * random_normal(&random));
    if (log_from_logits(path, run, logits, epochs, 0) != 0 || analysis_open(&analysis, path) != 0 ||
        analysis_choose(&analysis, "label-posterior") != 0 || analysis_replay(&analysis, NULL) != 0)
        fail_msg("%s", tidy_error_message());
    for (size_t i = 0; i < samples; i++) {
        double value = score_value(&analysis.scores.scores[0], i);
        if (!(value >= 0 && value <= 1))
            fail_msg("%u classes, %zu samples, %u epochs: %g", classes, samples, (unsigned)epochs, value);
        sum += value;
    }
    assert_true(isfinite(analysis.posterior->temperature) && isfinite(analysis.posterior->transition.other));
    analysis_close(&analysis);
    free(logits);
    return sum;
}

static void test_every_log_has_posteriors_between_0_and_1(void **state)
{
    (void)state;
    const uint16_t zeros[60] = {0}, few[4] = {0, 1, 2, 1};
    uint16_t mixed[60];
    for (uint16_t i = 0; i < 60; i++)
        mixed[i] = (uint16_t)(i * 7 % 12);
    assert_true(check_finite(1, zeros, 60, 3) == 0);
    for (uint64_t epochs = 1; epochs < 4; epochs++) {
        check_finite(2, few + 3, 1, epochs);
        check_finite(3, few, 4, epochs);
        check_finite(3, zeros, 60, epochs);
        check_finite(12, mixed, 60, epochs);
        check_finite(12, zeros, 60, epochs);
        check_finite(1000, mixed, 60, epochs);
    }
}

/* Sample 0 is presented twice in an epoch, 1 and 3 once, 2 never. */
static void test_samples_presented_twice_or_never(void **state)
{
    (void)state;
    const char *path = support_path(support_scratch_folder(), "steps.tidy");
    const uint16_t labels[4] = {0, 1, 1, 0};
    const struct tidylog_run run = {.samples = 4, .classes = 3, .detail = TIDYLOG_MARGIN, .labels = labels};
    const struct log_step steps[] = {{3, {0, 0, 1}, {0, 1, 1}, false}, {1, {3}, {2}, true}};
    struct analysis analysis;
    if (log_from_steps(path, run, steps, 2) != 0 || analysis_open(&analysis, path) != 0 ||
        analysis_choose(&analysis, "label-posterior") != 0 || analysis_replay(&analysis, NULL) != 0)
        fail_msg("%s", tidy_error_message());
    for (size_t i = 0; i < 4; i++) {
        double value = score_value(&analysis.scores.scores[0], i);
        assert_true(i == 2 ? isnan(value) : value >= 0 && value <= 1);
    }
    assert_int_equal(analysis.posterior->judged, 3);
    analysis_close(&analysis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_are_rebuilt_from_class_margin_and_probability),
        cmocka_unit_test(test_a_tenth_class_takes_the_place_of_the_least_probable),
        cmocka_unit_test(test_uniform_noise_is_ranked_counted_and_put_right),
        cmocka_unit_test(test_pair_noise_is_ranked_counted_and_put_right),
        cmocka_unit_test(test_probes_change_nothing),
        cmocka_unit_test(test_every_log_has_posteriors_between_0_and_1),
        cmocka_unit_test(test_samples_presented_twice_or_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
