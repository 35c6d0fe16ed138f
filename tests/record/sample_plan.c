/* What a plan promises of each sample: label, part, probe; and that the seed alone draws. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/label_file.h"
#include "record/sample_plan.h"

enum { SAMPLES = 110, CLASSES = 10 };

static uint16_t given[SAMPLES];
static struct dataset data = {.samples = SAMPLES, .classes = CLASSES, .labels = given};

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++)
        given[i] = (uint16_t)(i * 3 % CLASSES);
    return 0;
}

static struct sample_plan make_plan(const struct sample_options *options)
{
    struct sample_plan plan;
    if (sample_plan_create(&plan, options, &data) != 0)
        fail_msg("%s", tidy_error_message());
    return plan;
}

static void expect_failure(const struct sample_options *options, const char *text)
{
    struct sample_plan plan;
    assert_int_equal(sample_plan_create(&plan, options, &data), TIDY_FAILED);
    if (strstr(tidy_error_message(), text) == NULL)
        fail_msg("no '%s' in '%s'", text, tidy_error_message());
    sample_plan_destroy(&plan);
}

/* A label file of `count` samples: sample i has label i % CLASSES, or none where i is divisible by `skipped`. */
static const char *write_file(size_t count, size_t skipped)
{
    char text[4096];
    size_t used = (size_t)snprintf(text, sizeof text, "#sample\tlabel\n");
    for (size_t i = 0; i < count; i++)
        if (i % skipped != 0)
            used += (size_t)snprintf(text + used, sizeof text - used, "%zu\t%zu\n", i, i % CLASSES);
    const char *path = support_path(support_scratch_folder(), "labels.tsv");
    support_write_file(path, text, used);
    return path;
}

static void test_without_options_a_plan_is_the_data_set(void **state)
{
    (void)state;
    const struct sample_options none = {.seed = 1};
    struct sample_plan plan = make_plan(&none);
    assert_int_equal(plan.classes, CLASSES);
    assert_memory_equal(plan.labels, given, sizeof given);
    assert_null(plan.truth);
    assert_null(plan.given);
    assert_null(plan.parts);
    assert_null(plan.probes);
    sample_plan_destroy(&plan);
}

static void test_a_label_file_replaces_labels_and_leaves_samples_out(void **state)
{
    (void)state;
    struct noise noise = {.rate = 0.5, .kind = NOISE_UNIFORM};
    struct sample_options options = {.labels = write_file(SAMPLES, 11), .seed = 1};
    struct sample_plan plan = make_plan(&options);
    for (size_t i = 0; i < SAMPLES; i++) {
        assert_int_equal(plan.labels[i], i % 11 == 0 ? given[i] : i % CLASSES);
        assert_int_equal(plan.parts[i], i % 11 == 0 ? TIDYLOG_LEFT_OUT : TIDYLOG_FIRST_SPLIT);
    }
    assert_null(plan.truth);
    sample_plan_destroy(&plan);

    /* Noise goes into what is left: half of 100. The truth is what the file says. */
    options.noise = &noise;
    plan = make_plan(&options);
    size_t wrong = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        wrong += plan.labels[i] != plan.truth[i];
        assert_int_equal(plan.truth[i], i % 11 == 0 ? given[i] : i % CLASSES);
        assert_true(i % 11 != 0 || plan.labels[i] == given[i]);
    }
    assert_int_equal(wrong, 50);
    sample_plan_destroy(&plan);
}

static void test_a_truth_is_kept_beside_whatever_is_trained_on(void **state)
{
    (void)state;
    struct noise noise = {.every = 10, .kind = NOISE_PAIR};
    const struct sample_options options = {
        .truth = support_path(support_scratch_folder(), "truth.tsv"), .noise = &noise, .seed = 1};
    char text[4096];
    size_t used = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%zu,%zu\n", i, i % CLASSES);
    support_write_file(options.truth, text, used);
    struct sample_plan plan = make_plan(&options);
    for (size_t i = 0; i < SAMPLES; i++) {
        assert_int_equal(plan.truth[i], i % CLASSES);
        assert_int_equal(plan.labels[i], (given[i] + (i % 10 == 0)) % CLASSES);
    }
    sample_plan_destroy(&plan);
}

/* 110 samples of 10 classes: 11 draws of round(110 / 11) = 10, which together have every sample once. */
static void test_draws_of_threshold_samples_are_disjoint_and_cover_all(void **state)
{
    (void)state;
    unsigned drawn[SAMPLES] = {0}, drawn_in_place = 0;
    for (uint64_t draw = 1; draw <= 11; draw++) {
        const struct sample_options options = {.threshold_draw = draw, .seed = 5};
        struct sample_plan plan = make_plan(&options);
        size_t probes = 0;
        assert_int_equal(plan.classes, CLASSES + 1);
        assert_string_equal(plan.probes, "threshold-samples");
        assert_memory_equal(plan.given, given, sizeof given);
        assert_null(plan.parts);
        for (size_t i = 0; i < SAMPLES; i++) {
            bool probe = plan.labels[i] == CLASSES;
            assert_true(probe || plan.labels[i] == given[i]);
            probes += probe;
            drawn[i] += probe;
            drawn_in_place += probe && i / 10 + 1 == draw;
        }
        assert_int_equal(probes, 10);
        sample_plan_destroy(&plan);
    }
    for (size_t i = 0; i < SAMPLES; i++)
        assert_int_equal(drawn[i], 1);
    assert_in_range(drawn_in_place, 0, 30); /* random: 10 are to be expected */
}

static void test_threshold_samples_are_of_those_that_are_trained_on(void **state)
{
    (void)state;
    /* 55 are left out; of the other 55, 5 draws of round(55 / 11) each, and 11 of them. */
    struct sample_options options = {.labels = write_file(SAMPLES, 2), .threshold_draw = 11, .seed = 5};
    struct sample_plan plan = make_plan(&options);
    size_t probes = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        probes += plan.labels[i] == CLASSES;
        assert_true(plan.labels[i] != CLASSES || plan.parts[i] == TIDYLOG_FIRST_SPLIT);
    }
    assert_int_equal(probes, 5);
    sample_plan_destroy(&plan);
    options.threshold_draw = 12;
    expect_failure(&options, "--threshold-samples: of 55 samples there are 11 draws of 5, not 12");
}

/* Checks what every control promises, and counts them by given class and label. Returns how many there are. */
static size_t check_controls(const struct sample_plan *plan, size_t of[CLASSES][CLASSES])
{
    size_t controls = 0;
    memset(of, 0, sizeof(size_t[CLASSES][CLASSES]));
    assert_int_equal(plan->classes, CLASSES);
    assert_string_equal(plan->probes, "controls");
    for (size_t i = 0; i < SAMPLES; i++) {
        assert_in_range(plan->labels[i], 0, CLASSES - 1);
        if (plan->labels[i] == plan->given[i])
            continue;
        controls++;
        of[plan->given[i]][plan->labels[i]]++;
        assert_true(plan->truth == NULL || plan->truth[i] == plan->given[i]);
        assert_true(plan->parts == NULL || plan->parts[i] != TIDYLOG_LEFT_OUT);
    }
    for (size_t given_class = 0; given_class < CLASSES; given_class++) {
        size_t least = SIZE_MAX, most = 0;
        for (size_t other = 0; other < CLASSES; other++) {
            size_t count = of[given_class][other];
            least = other != given_class && count < least ? count : least;
            most = count > most ? count : most;
        }
        assert_in_range(most - least, 0, 1);
    }
    return controls;
}

static void test_controls_are_a_share_with_wrong_labels_in_turn(void **state)
{
    (void)state;
    size_t of[CLASSES][CLASSES], other_of[CLASSES][CLASSES], of_first[SAMPLES] = {0};
    static const struct {
        double share;
        size_t count; /* round(110 share) */
    } cases[] = {{0.01, 1}, {0.1, 11}, {0.2, 22}, {0.5, 55}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sample_options options = {.controls = cases[i].share, .seed = 5};
        struct sample_plan plan = make_plan(&options), again = make_plan(&options);
        options.seed = 6;
        struct sample_plan other = make_plan(&options);
        assert_int_equal(check_controls(&plan, of), cases[i].count);
        assert_int_equal(check_controls(&other, other_of), cases[i].count);
        assert_memory_equal(plan.given, given, sizeof given);
        assert_null(plan.parts);
        assert_null(plan.truth);
        assert_memory_equal(plan.labels, again.labels, sizeof given);
        assert_memory_not_equal(plan.labels, other.labels, sizeof given);
        for (size_t k = 0; k < SAMPLES; k++)
            of_first[k] += plan.labels[k] != given[k];
        sample_plan_destroy(&plan);
        sample_plan_destroy(&again);
        sample_plan_destroy(&other);
    }
    size_t in_all = 0;
    for (size_t k = 0; k < SAMPLES; k++)
        in_all += of_first[k] == 4;
    assert_int_equal(in_all, 1); /* a smaller share is a part of a larger one's */
}

static void test_controls_are_drawn_from_labels_not_known_to_be_wrong(void **state)
{
    (void)state;
    struct noise noise = {.rate = 0.5, .kind = NOISE_UNIFORM};
    size_t of[CLASSES][CLASSES];
    struct sample_options options = {.labels = write_file(SAMPLES, 11), .noise = &noise, .seed = 3};
    struct sample_plan without = make_plan(&options);
    /* 100 are left, 50 of them right: every one of those can be a control. */
    options.controls = 0.5;
    struct sample_plan plan = make_plan(&options);
    assert_int_equal(check_controls(&plan, of), 50);
    assert_memory_equal(plan.truth, without.truth, sizeof given);
    assert_memory_equal(plan.given, without.labels, sizeof given);
    assert_memory_equal(plan.parts, without.parts, sizeof given);
    assert_null(without.given);
    sample_plan_destroy(&plan);
    sample_plan_destroy(&without);

    noise.rate = 0.51;
    expect_failure(&options,
                   "--controls 0.5: 50 samples are wanted, but only 49 have a label that is not known to be wrong");

    /* A truth from a file, of which every other label differs: 55 can be controls. */
    char text[4096];
    size_t used = 0;
    options = (struct sample_options){
        .truth = support_path(support_scratch_folder(), "truth.tsv"), .controls = 0.5, .seed = 3};
    for (size_t i = 0; i < SAMPLES; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%zu,%zu\n", i, (given[i] + i % 2) % CLASSES);
    support_write_file(options.truth, text, used);
    plan = make_plan(&options);
    assert_int_equal(check_controls(&plan, of), 55);
    sample_plan_destroy(&plan);
}

static void test_controls_are_in_both_halves(void **state)
{
    (void)state;
    size_t of[CLASSES][CLASSES], in[2] = {0};
    struct sample_options options = {.controls = 0.2, .halves = true, .seed = 1};
    struct sample_plan plan = make_plan(&options);
    options.controls = 0;
    struct sample_plan without = make_plan(&options);
    assert_int_equal(check_controls(&plan, of), 22);
    assert_memory_equal(plan.parts, without.parts, sizeof given);
    for (size_t i = 0; i < SAMPLES; i++)
        in[plan.parts[i]] += plan.labels[i] != given[i];
    assert_true(in[0] > 0 && in[1] > 0);
    sample_plan_destroy(&plan);
    sample_plan_destroy(&without);
}

static void test_halves_are_random_by_the_seed_and_can_be_exchanged(void **state)
{
    (void)state;
    struct sample_options options = {.labels = write_file(SAMPLES, 10), .halves = true, .seed = 1};
    struct sample_plan first = make_plan(&options), again = make_plan(&options);
    options.swap_halves = true;
    struct sample_plan swapped = make_plan(&options);
    options.seed = 2;
    struct sample_plan other = make_plan(&options);
    size_t sizes[3] = {0};
    assert_memory_equal(first.parts, again.parts, SAMPLES * sizeof *first.parts);
    assert_memory_not_equal(swapped.parts, other.parts, SAMPLES * sizeof *first.parts);
    for (size_t i = 0; i < SAMPLES; i++) {
        static const uint16_t exchanged[] = {TIDYLOG_SECOND_SPLIT, TIDYLOG_FIRST_SPLIT, TIDYLOG_LEFT_OUT};
        sizes[first.parts[i]]++;
        assert_int_equal(first.parts[i] == TIDYLOG_LEFT_OUT, i % 10 == 0);
        assert_int_equal(swapped.parts[i], exchanged[first.parts[i]]);
    }
    assert_int_equal(sizes[TIDYLOG_FIRST_SPLIT], 50); /* of 99 */
    assert_int_equal(sizes[TIDYLOG_SECOND_SPLIT], 49);
    sample_plan_destroy(&first);
    sample_plan_destroy(&again);
    sample_plan_destroy(&swapped);
    sample_plan_destroy(&other);
}

static void test_what_cannot_be_planned_is_an_error(void **state)
{
    (void)state;
    struct sample_options options = {.labels = "/nowhere/labels.idx"};
    expect_failure(&options, "/nowhere/labels.idx");
    options.labels = write_file(SAMPLES, 1); /* a header alone */
    expect_failure(&options, "labels.tsv: ");
    options = (struct sample_options){.truth = write_file(SAMPLES, SAMPLES)};
    expect_failure(&options, "has no label for sample 0; --truth needs one for each sample");
    options = (struct sample_options){.threshold_draw = 12};
    expect_failure(&options, "of 110 samples there are 11 draws of 10, not 12");
    options = (struct sample_options){.halves = true};
    data.samples = 1;
    expect_failure(&options, "one sample cannot be split in two");
    options = (struct sample_options){.threshold_draw = 1}; /* round(1 / 11) = 0 */
    expect_failure(&options, "of 1 samples there are 0 draws of 0, not 1");
    options = (struct sample_options){.controls = 0.4}; /* round(0.4 * 1) = 0 */
    expect_failure(&options, "--controls 0.4: of 1 samples that is none");
    data.samples = SAMPLES;
    data.classes = 1;
    memset(given, 0, sizeof given);
    options.controls = 0.5;
    expect_failure(&options, "--controls: the data set has one class only, so that no label can be wrong");
    data.classes = CLASSES;
    set_up(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_options_a_plan_is_the_data_set),
        cmocka_unit_test(test_a_label_file_replaces_labels_and_leaves_samples_out),
        cmocka_unit_test(test_a_truth_is_kept_beside_whatever_is_trained_on),
        cmocka_unit_test(test_draws_of_threshold_samples_are_disjoint_and_cover_all),
        cmocka_unit_test(test_threshold_samples_are_of_those_that_are_trained_on),
        cmocka_unit_test(test_controls_are_a_share_with_wrong_labels_in_turn),
        cmocka_unit_test(test_controls_are_drawn_from_labels_not_known_to_be_wrong),
        cmocka_unit_test(test_controls_are_in_both_halves),
        cmocka_unit_test(test_halves_are_random_by_the_seed_and_can_be_exchanged),
        cmocka_unit_test(test_what_cannot_be_planned_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
