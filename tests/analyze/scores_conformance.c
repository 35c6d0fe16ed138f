/* Scores of a real training log against what the peers' own code computed from the same logits.
 *
 * Reals agree to 1e-5 of the value, or to 1e-7: the peers took probabilities in float32, of which those near 1 are
 * 6e-8 apart, so that a small loss or spread of theirs carries that much. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/evaluation.h"
#include "analyze/ranking.h"
#include "analyze/thresholds.h"
#include "common/error.h"
#include "log_builder.h"
#include "npy.h"
#include "tests/support/code_errors.h"
#include "tests/support/support.h"

enum { EPOCHS = 20, SAMPLES = 3000, CLASSES = 10 };

static const char *vectors;
static uint16_t labels[SAMPLES], truth[SAMPLES];
static float *logits;
static struct analysis full; /* all scores of the log at --detail full */

static void read_labels(uint16_t *out, const char *name)
{
    int64_t *values = npy_read(support_path(vectors, name), "<i8", sizeof *values, SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++)
        out[i] = (uint16_t)values[i];
    free(values);
}

/* Builds a log of that detail and replays all scores that it feeds. */
static void analyse(struct analysis *analysis, enum tidylog_detail detail)
{
    const char *path = support_path(support_scratch_folder(), tidylog_detail_names[detail]);
    const struct tidylog_run run = {.samples = SAMPLES,
                                    .classes = CLASSES,
                                    .batch_size = 128,
                                    .seed = 3,
                                    .shuffle = true,
                                    .detail = detail,
                                    .labels = labels,
                                    .truth = truth};
    if (log_from_logits(path, run, logits, EPOCHS, 0) != 0)
        fail_msg("%s", tidy_error_message());
    if (analysis_open(analysis, path) != 0 || analysis_choose(analysis, "all") != 0 ||
        analysis_replay(analysis, NULL) != 0)
        fail_msg("%s", tidy_error_message());
}

static int setup(void **state)
{
    (void)state;
    vectors = support_data_path("TIDY_PEER_VECTORS");
    read_labels(labels, "labels.npy");
    read_labels(truth, "true_labels.npy");
    logits =
        npy_read(support_path(vectors, "logits.npy"), "<f4", sizeof(float), (size_t)EPOCHS * SAMPLES * CLASSES);
    analyse(&full, TIDYLOG_FULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    analysis_close(&full);
    free(logits);
    return 0;
}

static const struct score *find(const struct analysis *analysis, const char *name)
{
    for (size_t i = 0; i < analysis->scores.count; i++)
        if (strcmp(analysis->scores.scores[i].name, name) == 0)
            return &analysis->scores.scores[i];
    fail_msg("no score %s", name);
    return NULL;
}

/* The values of a score, [SAMPLES], for the next 64 calls. */
static const float *values_of(const struct analysis *analysis, const char *name)
{
    static float room[64][SAMPLES];
    static size_t used;
    float *values = room[used++ % 64];
    for (size_t i = 0; i < SAMPLES; i++)
        values[i] = (float)score_value(find(analysis, name), i);
    return values;
}

/* The column of that name of a peer's table. Freed by the caller. */
static double *peer_column(const char *file, const char *name)
{
    size_t bytes, column = 0;
    char *text = support_read_file(support_path(vectors, file), &bytes), *rest = text;
    char *header = strsep(&rest, "\n");
    for (char *title; (title = strsep(&header, "\t")) != NULL && strcmp(title, name) != 0;)
        column++;
    double *values = malloc(SAMPLES * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < SAMPLES; i++) {
        char *line = strsep(&rest, "\n"), *cell = NULL;
        assert_non_null(line);
        for (size_t c = 0; c <= column; c++)
            assert_non_null(cell = strsep(&line, "\t"));
        values[i] = strtod(cell, NULL);
    }
    free(text);
    return values;
}

static void check_column(const char *file, const char *column, const char *score, double relative, double absolute)
{
    double *expected = peer_column(file, column);
    const float *values = values_of(&full, score);
    for (size_t i = 0; i < SAMPLES; i++) {
        double allowed = fmax(relative * fabs(expected[i]), absolute);
        if (isnan(expected[i]) ? !isnan(values[i]) : !(fabs((double)values[i] - expected[i]) <= allowed))
            fail_msg("%s of sample %zu: %.9g, the peer has %.9g", score, i, (double)values[i], expected[i]);
    }
    free(expected);
}

static void test_whole_numbers_are_the_peers(void **state)
{
    (void)state;
    check_column("expected.tsv", "forgetting_events", "forgetting-events", 0, 0);
    check_column("expected.tsv", "first_learned", "first-learned", 0, 0);
    check_column("expected.tsv", "presentations_to_learn", "presentations-to-learn", 0, 0);
    check_column("expected.tsv", "correctness", "correctness", 0, 0);
}

/* InterpretDL says -1 where never learned, and counts the same otherwise. */
static void test_never_learned_is_interpretdls_minus_one(void **state)
{
    (void)state;
    double *expected = peer_column("expected.tsv", "interpretdl_count");
    const float *events = values_of(&full, "forgetting-events"), *never = values_of(&full, "never-learned");
    for (size_t i = 0; i < SAMPLES; i++) {
        assert_true((expected[i] == -1) == (never[i] == 1));
        assert_true(never[i] == 1 ? events[i] == 0 : (double)events[i] == expected[i]);
    }
    free(expected);
}

static void test_reals_are_the_peers(void **state)
{
    (void)state;
    check_column("expected.tsv", "mean_correct_epoch", "mean-correct-epoch", 1e-5, 0);
    check_column("expected.tsv", "aum", "aum", 1e-5, 0);
    check_column("expected.tsv", "confidence", "confidence", 1e-5, 1e-7);
    check_column("expected.tsv", "variability", "variability", 1e-5, 1e-7);
    check_column("expected.tsv", "threshold_closeness", "threshold-closeness", 1e-5, 1e-7);
    check_column("expected.tsv", "mean_loss", "mean-loss", 1e-5, 1e-7);
    check_column("expected.tsv", "el2n", "el2n", 1e-5, 1e-7);
}

static void test_label_qualities_are_cleanlabs(void **state)
{
    (void)state;
    check_column("cleanlab_scores.tsv", "self_confidence", "self-confidence", 1e-5, 0);
    check_column("cleanlab_scores.tsv", "normalized_margin", "normalized-margin", 1e-5, 0);
    check_column("cleanlab_scores.tsv", "confidence_weighted_entropy", "confidence-weighted-entropy", 1e-5, 0);
}

/* ---- expected.json --------------------------------------------------------------------------------------- */

/* The text after "key": in expected.json. */
static const char *json_value(const char *json, const char *key)
{
    char quoted[80];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(json, quoted);
    assert_non_null(at);
    return at + strlen(quoted);
}

static size_t count_of(const char *score)
{
    const float *values = values_of(&full, score);
    size_t count = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        count += values[i] == 1;
    return count;
}

static void test_set_sizes_are_the_peers(void **state)
{
    (void)state;
    size_t bytes;
    char *json = support_read_file(support_path(vectors, "expected.json"), &bytes);
    assert_int_equal(count_of("never-learned"), strtoul(json_value(json, "never_learned"), NULL, 10));
    assert_int_equal(count_of("unforgettable"), strtoul(json_value(json, "unforgettable"), NULL, 10));
    free(json);
}

/* Flags by a rule into order[0..*count-1], most suspicious first. */
static void flag(const char *score_name, const char *rule, uint32_t *order, size_t *count)
{
    static bool flagged[SAMPLES];
    const struct score *score = find(&full, score_name);
    struct threshold threshold;
    struct ranking ranking;
    assert_int_equal(threshold_parse(&threshold, rule), 0);
    static float keys[SAMPLES];
    score_keys(score, keys, SAMPLES);
    assert_int_equal(ranking_create(&ranking, keys, SAMPLES), 0);
    assert_int_equal(threshold_apply(&threshold, &full, score, &ranking, flagged, count), 0);
    for (size_t i = 0, out = 0; i < SAMPLES; i++)
        if (flagged[ranking.order[i]])
            order[out++] = ranking.order[i];
    ranking_destroy(&ranking);
}

static void test_mean_plus_five_std_gives_interpretdls_list_in_its_order(void **state)
{
    (void)state;
    static uint32_t order[SAMPLES];
    size_t bytes, count;
    char *json = support_read_file(support_path(vectors, "expected.json"), &bytes);
    char *at = strchr(json_value(json, "interpretdl_noisy_in_order"), '[') + 1;
    flag("mean-correct-epoch", "mean+5std", order, &count);
    assert_int_equal(count, 11);
    for (size_t i = 0; i < count; i++, at++)
        assert_int_equal(order[i], strtoul(at, &at, 10));
    free(json);
}

static void test_the_variant_adds_the_never_learned_in_front_of_the_same_list(void **state)
{
    (void)state;
    static uint32_t original[SAMPLES], variants[SAMPLES];
    size_t original_count, variant_count;
    flag("mean-correct-epoch", "mean+5std", original, &original_count);
    flag("mean-correct-epoch-or-never", "mean+5std", variants, &variant_count);
    const float *never = values_of(&full, "never-learned");
    assert_int_equal(variant_count, original_count + 103);
    for (size_t i = 0; i < 103; i++)
        assert_true(never[variants[i]] == 1);
    assert_memory_equal(variants + 103, original, original_count * sizeof *original);
}

/* ---- lower detail ------------------------------------------------------------------------------------------ */

static void test_class_scores_are_the_same_at_every_detail(void **state)
{
    (void)state;
    for (enum tidylog_detail detail = TIDYLOG_CLASS; detail <= TIDYLOG_PROBS; detail++) {
        struct analysis lower;
        analyse(&lower, detail);
        for (size_t s = 0; s < lower.scores.count; s++)
            if (lower.scores.scores[s].row->detail == TIDYLOG_CLASS)
                assert_memory_equal(values_of(&lower, lower.scores.scores[s].name),
                                    values_of(&full, lower.scores.scores[s].name), SAMPLES * sizeof(float));
        analysis_close(&lower);
    }
}

static void test_margin_detail_stays_within_the_stated_error(void **state)
{
    (void)state;
    struct analysis margin;
    analyse(&margin, TIDYLOG_MARGIN);
    const float *aum = values_of(&margin, "aum"), *loss = values_of(&margin, "mean-loss");
    const float *confidence = values_of(&margin, "confidence");
    const float *full_aum = values_of(&full, "aum"), *full_loss = values_of(&full, "mean-loss");
    const float *full_confidence = values_of(&full, "confidence");
    for (size_t i = 0; i < SAMPLES; i++) {
        double margin_error = 0, loss_error = 0, confidence_error = 0;
        for (size_t t = 0; t < EPOCHS; t++) {
            const float *z = logits + (t * SAMPLES + i) * CLASSES;
            double other = -INFINITY;
            for (size_t c = 0; c < CLASSES; c++)
                if (c != labels[i])
                    other = fmax(other, (double)z[c]);
            double exact = (double)z[labels[i]] - other;
            margin_error += code_margin_error(margin.run->codes, exact) / EPOCHS;
            loss_error += code_loss_error(margin.run->codes, CLASSES, exact) / EPOCHS;
            confidence_error += code_confidence_error(margin.run->codes, CLASSES, exact) / EPOCHS;
        }
        assert_true(fabs((double)(aum[i] - full_aum[i])) <= margin_error + 1e-6);
        assert_true(fabs((double)(loss[i] - full_loss[i])) <= loss_error + 1e-6);
        assert_true(fabs((double)(confidence[i] - full_confidence[i])) <= confidence_error + 1e-6);
    }
    analysis_close(&margin);
}

/* Log-probabilities l in half precision are off by at most 2^-11 |l|, so probabilities q by q 2^-11 |log q|. */
static void test_probs_detail_stays_within_half_precision(void **state)
{
    (void)state;
    struct analysis probs;
    analyse(&probs, TIDYLOG_PROBS);
    const float *confidence = values_of(&probs, "self-confidence");
    const float *full_confidence = values_of(&full, "self-confidence");
    for (size_t i = 0; i < SAMPLES; i++) {
        double error = 0;
        for (size_t t = 0; t < EPOCHS; t++) {
            const float *z = logits + (t * SAMPLES + i) * CLASSES;
            double sum = 0;
            for (size_t c = 0; c < CLASSES; c++)
                sum += exp((double)z[c] - (double)z[labels[i]]);
            error += log(sum) / sum / 2048 / EPOCHS;
        }
        assert_true(fabs((double)(confidence[i] - full_confidence[i])) <= error * 1.001 + 1e-6);
    }
    analysis_close(&probs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_numbers_are_the_peers),
        cmocka_unit_test(test_never_learned_is_interpretdls_minus_one),
        cmocka_unit_test(test_reals_are_the_peers),
        cmocka_unit_test(test_label_qualities_are_cleanlabs),
        cmocka_unit_test(test_set_sizes_are_the_peers),
        cmocka_unit_test(test_mean_plus_five_std_gives_interpretdls_list_in_its_order),
        cmocka_unit_test(test_the_variant_adds_the_never_learned_in_front_of_the_same_list),
        cmocka_unit_test(test_class_scores_are_the_same_at_every_detail),
        cmocka_unit_test(test_margin_detail_stays_within_the_stated_error),
        cmocka_unit_test(test_probs_detail_stays_within_half_precision),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
