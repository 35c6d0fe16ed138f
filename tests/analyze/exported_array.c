/* Arrays of logs that no training run of ours leaves: samples seen twice or never, and arrays larger than the
 * memory allowed. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analyze/export_array.h"
#include "common/npy.h"
#include "common/output_file.h"

enum { SAMPLES = 5, CLASSES = 3, EPOCHS = 3 };

/* A step of the log: its samples, and the predicted class of each, whose logit is 2 where the others' are 0. */
struct step {
    uint32_t count;
    uint32_t samples[3];
    uint16_t predicted[3];
    bool ends_epoch;
};

static const uint16_t labels[SAMPLES] = {0, 1, 2, 0, 1};
static const struct step steps[] = {
    {3, {4, 0, 4}, {1, 2, 0}, false}, /* epoch 0: sample 4 twice, 2 and 3 never */
    {1, {1}, {1}, true},
    {1, {2}, {0}, true}, /* epoch 1: one sample alone */
    {3, {3, 2, 1}, {0, 2, 1}, false},
    {2, {0, 4}, {0, 2}, true}, /* epoch 2: all */
};
enum { STEPS = sizeof steps / sizeof *steps };

/* By hand from the table above; -1: never. */
static const int32_t expected[EPOCHS][SAMPLES] = {{2, 1, -1, -1, 0}, {-1, -1, 0, -1, -1}, {0, 1, 2, 0, 2}};

static const char *make_log(void)
{
    const char *path = support_path(support_scratch_folder(), "run.tidy");
    const struct tidylog_run run = {.samples = SAMPLES,
                                    .classes = CLASSES,
                                    .batch_size = 3,
                                    .epochs = EPOCHS,
                                    .detail = TIDYLOG_FULL,
                                    .labels = labels};
    struct tidylog_writer *writer;
    uint64_t epoch = 0;
    assert_int_equal(tidylog_create(&writer, path, &run, true), 0);
    for (uint64_t s = 0; s < STEPS; s++) {
        float logits[3][CLASSES] = {{0}}, margin[3], log_odds[3];
        for (uint32_t i = 0; i < steps[s].count; i++) {
            logits[i][steps[s].predicted[i]] = 2;
            margin[i] = labels[steps[s].samples[i]] == steps[s].predicted[i] ? 2 : -2;
            log_odds[i] = 0; /* not stored at this detail */
        }
        const struct tidylog_predictions predictions = {steps[s].count, steps[s].samples, steps[s].predicted,
                                                        margin,         log_odds,         logits[0]};
        assert_int_equal(tidylog_append_step(writer, s, &predictions), 0);
        if (steps[s].ends_epoch)
            assert_int_equal(tidylog_append_epoch(writer, &(struct tidylog_epoch){.epoch = epoch++}), 0);
    }
    assert_int_equal(tidylog_close(writer), 0);
    return path;
}

static size_t index_of(const char *name)
{
    size_t index = 0;
    while (strcmp(export_names[index], name) != 0)
        index++;
    return index;
}

/* Exports with that much memory, and opens the array. Closed with npy_close. */
static struct npy exported(const char *what, struct window window, size_t block_bytes)
{
    const char *path = support_path(support_scratch_folder(), "x.npy");
    struct tidylog_reader *reader;
    struct output_file file;
    struct npy npy;
    assert_int_equal(tidylog_open(&reader, make_log()), 0);
    assert_int_equal(output_file_begin(&file, path, true), 0);
    int status = export_array_write(file.stream, reader, "run.tidy", index_of(what), window, block_bytes);
    assert_int_equal(output_file_end(&file, status), 0);
    tidylog_close_reader(reader);
    assert_int_equal(npy_open(&npy, path), 0);
    assert_int_equal(npy.size[0], window.end - window.first);
    assert_int_equal(npy.size[1], SAMPLES);
    return npy;
}

static void assert_predictions(struct window window, size_t block_bytes)
{
    struct npy npy = exported("predictions", window, block_bytes);
    assert_int_equal(npy.type, ELEMENT_I32);
    assert_int_equal(npy.dimensions, 2);
    assert_memory_equal(npy.data, expected[window.first], (window.end - window.first) * sizeof *expected);
    npy_close(&npy);
}

static void test_the_last_of_two_presentations_counts_and_none_is_minus_1(void **state)
{
    (void)state;
    assert_predictions((struct window){0, EPOCHS}, 1 << 20);
    assert_predictions((struct window){1, 2}, 1 << 20);
}

static void test_an_array_larger_than_memory_is_the_same(void **state)
{
    (void)state;
    /* Blocks of one, two, four and all five samples; less than one sample's bytes is one. */
    const size_t bytes[] = {1, 8, 19, 20};
    for (int i = 0; i < 4; i++) {
        assert_predictions((struct window){0, EPOCHS}, bytes[i]);
        assert_predictions((struct window){1, EPOCHS}, bytes[i]);
    }
}

static void test_probabilities_are_nan_where_there_was_no_presentation(void **state)
{
    (void)state;
    /* Softmax of (2, 0, 0): e^2 / (e^2 + 2) and 1 / (e^2 + 2). Two samples' bytes at a time. */
    const double most = exp(2) / (exp(2) + 2), least = 1 / (exp(2) + 2);
    struct npy npy = exported("probs", (struct window){0, EPOCHS}, 2 * CLASSES * sizeof(float));
    assert_int_equal(npy.type, ELEMENT_F32);
    assert_int_equal(npy.size[2], CLASSES);
    for (size_t i = 0; i < EPOCHS * SAMPLES; i++) {
        int32_t predicted = expected[i / SAMPLES][i % SAMPLES];
        float probs[CLASSES];
        element_to_float(probs, npy.type, npy.data + i * sizeof probs, CLASSES, sizeof *probs);
        for (int c = 0; c < CLASSES; c++)
            if (predicted < 0)
                assert_true(isnan(probs[c]));
            else
                assert_near(probs[c], c == predicted ? most : least, 1e-6);
    }
    npy_close(&npy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_of_two_presentations_counts_and_none_is_minus_1),
        cmocka_unit_test(test_an_array_larger_than_memory_is_the_same),
        cmocka_unit_test(test_probabilities_are_nan_where_there_was_no_presentation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
