/* Copies between logs: several runs in one file, some samples, shards. What was predicted stays the same to the
 * bit. */
#include "common/tidylog_copy.h"

#include "tests/common/log_fixture.h"
#include "tests/support/code_errors.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/packing.h"

enum { SAMPLES = 300, CLASSES = 10, BATCH = 64, EPOCHS = 2, STEPS = 10, MOST = 2000 };

static const char *scratch(const char *name)
{
    return support_path(support_scratch_folder(), name);
}

static const char *write_by(void (*write)(struct log_fixture *fixture, const char *path, uint64_t steps),
                            const char *name, enum tidylog_detail detail, struct tidylog_codes codes, uint64_t seed,
                            uint64_t steps)
{
    struct log_fixture fixture;
    log_fixture_create(&fixture, SAMPLES, CLASSES, BATCH, EPOCHS, detail);
    fixture.run.codes = codes;
    fixture.run.seed = seed;
    tidylog_order_destroy(fixture.order);
    assert_int_equal(tidylog_order_create(&fixture.order, &fixture.run), 0);
    const char *path = scratch(name);
    write(&fixture, path, steps);
    log_fixture_destroy(&fixture);
    return path;
}

static const char *write_log(const char *name, enum tidylog_detail detail, uint64_t seed, uint64_t steps)
{
    return write_by(log_fixture_write, name, detail, packing_codes_default, seed, steps);
}

/* No epoch of it is packed. */
static const char *write_unpacked_log(const char *name, enum tidylog_detail detail, uint64_t seed, uint64_t steps)
{
    return write_by(log_fixture_write_unpacked, name, detail, packing_codes_default, seed, steps);
}

static const char *write_coded(const char *name, enum tidylog_detail detail, struct tidylog_codes codes,
                               uint64_t seed, uint64_t steps)
{
    return write_by(log_fixture_write, name, detail, codes, seed, steps);
}

/* Other codes than new logs have by themselves. */
static const struct tidylog_codes other_codes = {19, 30};

/* One observation with all its bits. */
struct observation {
    uint64_t epoch;
    uint32_t sample;
    uint16_t label, predicted, evaluated;
    float numbers[3 + CLASSES]; /* zero where the detail has none */
};

static size_t read_run(struct observation *out, struct tidylog_reader *reader, uint32_t run)
{
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    size_t count = 0;
    assert_int_equal(tidylog_reader_select(reader, run), 0);
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, UINT64_MAX), 0);
    int status;
    while ((status = tidylog_replay_next(replay, &seen)) == 1) {
        for (uint32_t i = 0; i < seen.count; i++) {
            assert_true(count < MOST);
            struct observation *one = &out[count++];
            memset(one, 0, sizeof *one);
            one->epoch = seen.epoch;
            one->sample = seen.samples[i];
            one->label = seen.labels[i];
            one->predicted = seen.predicted[i];
            one->evaluated = seen.evaluated;
            if (seen.margin != NULL) {
                one->numbers[0] = seen.margin[i];
                one->numbers[1] = seen.loss[i];
                one->numbers[2] = seen.confidence[i];
            }
            if (seen.log_probs != NULL)
                memcpy(one->numbers + 3, seen.log_probs + (size_t)i * CLASSES, CLASSES * sizeof(float));
        }
    }
    assert_int_equal(status, 0);
    tidylog_replay_end(replay);
    return count;
}

static void check_same(const struct observation *a, size_t a_count, const struct observation *b, size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++)
        assert_memory_equal(&a[i], &b[i], sizeof *a);
}

/* By epoch and sample. */
static int compare_observations(const void *a, const void *b)
{
    const struct observation *first = a, *second = b;
    if (first->epoch != second->epoch)
        return first->epoch < second->epoch ? -1 : 1;
    return first->sample < second->sample ? -1 : first->sample > second->sample;
}

static void check_no_file(const char *path)
{
    assert_int_not_equal(access(path, F_OK), 0);
    /* Nor anything half written beside it. */
    char command[512];
    snprintf(command, sizeof command, "test -z \"$(ls %s* 2>/dev/null)\"", path);
    assert_int_equal(system(command), 0);
}

static const char *copy_runs(const char *name, const char *const *paths, size_t count, int expected)
{
    struct tidylog_reader *readers[80];
    const char *path = scratch(name);
    for (size_t i = 0; i < count; i++)
        readers[i] = log_fixture_open(paths[i]);
    int status = tidylog_copy_runs(path, false, readers, count);
    if (status != expected)
        fail_msg("%d: %s", status, tidy_error_message());
    for (size_t i = 0; i < count; i++)
        tidylog_close_reader(readers[i]);
    if (expected != 0)
        check_no_file(path);
    return path;
}

/* ---- runs ------------------------------------------------------------------------------------------------- */

static void test_runs_are_in_the_copy_as_they_were(void **state)
{
    (void)state;
    static struct observation before[MOST], after[MOST];
    /* The second has other codes; the third an epoch that is not finished, and another detail. */
    const char *inputs[] = {write_log("run1.tidy", TIDYLOG_MARGIN, 1, STEPS),
                            write_coded("run2.tidy", TIDYLOG_MARGIN, other_codes, 2, STEPS),
                            write_log("run3.tidy", TIDYLOG_FULL, 3, 7)};
    const char *two = copy_runs("two.tidy", inputs, 2, 0);
    /* A log that holds several runs already gives all of them. */
    const char *again[] = {two, inputs[2]};
    const char *all = copy_runs("all.tidy", again, 2, 0);
    struct tidylog_reader *copy = log_fixture_open(all);
    assert_int_equal(tidylog_reader_runs(copy), 3);
    assert_int_equal(tidylog_reader_run(copy)->seed, 1);
    for (uint32_t run = 3; run-- > 0;) {
        struct tidylog_reader *input = log_fixture_open(inputs[run]);
        size_t count = read_run(before, input, 0);
        assert_int_equal(count, run == 2 ? SAMPLES : 2 * SAMPLES);
        check_same(before, count, after, read_run(after, copy, run));
        const struct tidylog_run *is = tidylog_reader_run(copy), *was = tidylog_reader_run(input);
        assert_int_equal(is->seed, run + 1);
        assert_int_equal(is->detail, was->detail);
        assert_memory_equal(is->labels, was->labels, SAMPLES * sizeof(uint16_t));
        assert_string_equal(is->data_digest, was->data_digest);
        struct tidylog_table_size sizes[TIDYLOG_TABLES], sizes_before[TIDYLOG_TABLES];
        assert_int_equal(tidylog_table_sizes(copy, sizes), 0);
        assert_int_equal(tidylog_table_sizes(input, sizes_before), 0);
        for (int table = 0; table < TIDYLOG_TABLES; table++) {
            assert_int_equal(sizes[table].records, sizes_before[table].records);
            assert_int_equal(sizes[table].stored_bytes, sizes_before[table].stored_bytes);
        }
        tidylog_close_reader(input);
    }
    assert_int_equal(tidylog_reader_select(copy, 3), TIDY_FAILED);
    log_fixture_check_message(all, ": there is no run 3; it holds 3");
    tidylog_close_reader(copy);
    log_fixture_check_whole(all);
    /* Nothing is recorded into it. */
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_resume(&writer, all), TIDY_FAILED);
    log_fixture_check_message(all, ": it holds 3 runs, and recording goes on only in a log of one");
}

static void collect(const char *what, void *context)
{
    strcat(strcat(context, what), "|");
}

static void test_verification_names_the_run_of_what_is_damaged(void **state)
{
    (void)state;
    const char *inputs[] = {write_unpacked_log("run1.tidy", TIDYLOG_MARGIN, 1, STEPS),
                            write_unpacked_log("run2.tidy", TIDYLOG_MARGIN, 2, STEPS)};
    const char *path = copy_runs("damaged-runs.tidy", inputs, 2, 0);
    static const uint8_t four[8] = {0, 0, 0, 0, 0, 0, 0, 4};
    log_fixture_edit(path, "steps:1", four, 8, 30, 1);
    log_fixture_edit(path, "meta:1", "seed", 4, 16, 1);
    struct tidylog_reader *reader;
    char found[1000] = "";
    uint64_t checked;
    assert_int_equal(tidylog_open_to_verify(&reader, path), 0);
    assert_int_equal(tidylog_verify(reader, collect, found, &checked), 0);
    assert_string_equal(found, "run 1: meta 'seed': checksum mismatch (damaged value)|"
                               "run 1: step 4: checksum mismatch (damaged value)|");
    assert_int_equal(checked, 2 * (32 + STEPS + EPOCHS));
    assert_int_equal(tidylog_reader_select(reader, 1), TIDY_FAILED);
    tidylog_close_reader(reader);
}

static const char *write_changed(const char *name, uint32_t samples, uint32_t classes, int label, int truth)
{
    struct log_fixture fixture;
    log_fixture_create(&fixture, samples, classes, BATCH, EPOCHS, TIDYLOG_CLASS);
    if (label >= 0)
        fixture.labels[label] = (uint16_t)((fixture.labels[label] + 1) % classes);
    if (truth >= 0)
        fixture.truth[truth] = (uint16_t)((fixture.truth[truth] + 1) % classes);
    else if (truth == -2)
        fixture.run.truth = NULL;
    const char *path = scratch(name);
    log_fixture_write(&fixture, path, STEPS);
    log_fixture_destroy(&fixture);
    return path;
}

static void test_runs_of_other_samples_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t samples, classes;
        int label, truth;
        const char *why;
    } cases[] = {
        {SAMPLES - 1, CLASSES, -1, -1, ": it has 299 samples, "},
        {SAMPLES, CLASSES + 1, -1, -1, ": it has 11 classes, "},
        {SAMPLES, CLASSES, 77, -1, ": sample 77 has the label "},
        {SAMPLES, CLASSES, -1, 299, ": sample 299 has the true label "},
        {SAMPLES, CLASSES, -1, -2, ": the true labels are known in "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *inputs[] = {
            write_changed("first.tidy", SAMPLES, CLASSES, -1, -1),
            write_changed("other.tidy", cases[i].samples, cases[i].classes, cases[i].label, cases[i].truth)};
        copy_runs("refused.tidy", inputs, 2, TIDY_FAILED);
        log_fixture_check_message(inputs[1], cases[i].why);
    }
}

static void test_more_runs_than_a_log_can_hold_are_refused(void **state)
{
    (void)state;
    const char *inputs[65];
    for (int i = 0; i < 65; i++)
        inputs[i] = i == 0 ? write_log("run1.tidy", TIDYLOG_CLASS, 1, STEPS) : inputs[0];
    struct tidylog_reader *reader = log_fixture_open(copy_runs("most.tidy", inputs, 64, 0));
    assert_int_equal(tidylog_reader_runs(reader), 64);
    assert_int_equal(tidylog_reader_select(reader, 63), 0);
    tidylog_close_reader(reader);
    const char *path = copy_runs("too-many.tidy", inputs, 65, TIDY_FAILED);
    log_fixture_check_message(path, ": it would hold more than 64 runs");
}

/* ---- samples ---------------------------------------------------------------------------------------------- */

static int copy_detail(const char *path, const char *const *inputs, uint32_t *const *renumber, size_t count,
                       uint64_t samples, int detail)
{
    struct tidylog_source sources[3] = {{0}};
    struct tidylog_reader *readers[3];
    for (size_t k = 0; k < count; k++) {
        readers[k] = log_fixture_open(inputs[k]);
        sources[k] = (struct tidylog_source){.reader = readers[k], .renumber = renumber[k]};
    }
    int status = tidylog_copy_samples(path, true, sources, count, samples, detail);
    for (size_t k = 0; k < count; k++)
        tidylog_close_reader(readers[k]);
    return status;
}

static int copy_samples(const char *path, const char *const *inputs, uint32_t *const *renumber, size_t count,
                        uint64_t samples)
{
    return copy_detail(path, inputs, renumber, count, samples, TIDYLOG_WHOLE_DETAIL);
}

/* Samples 0, 3, 6, ... become 0, 1, 2, ...; and the others. */
static uint64_t every_third(uint32_t *numbers, bool others)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < SAMPLES; i++)
        numbers[i] = (i % 3 == 0) != others ? next++ : TIDYLOG_OMITTED;
    return next;
}

static void test_a_subset_has_its_samples_predictions_to_the_bit(void **state)
{
    (void)state;
    static struct observation before[MOST], after[MOST], kept[MOST];
    uint32_t numbers[SAMPLES], *renumber[] = {numbers};
    assert_int_equal(every_third(numbers, false), 100);
    for (int detail = TIDYLOG_CLASS; detail <= TIDYLOG_FULL; detail++) {
        const char *input = write_coded("whole.tidy", (enum tidylog_detail)detail, other_codes, 5, STEPS),
                   *path = scratch("subset.tidy");
        assert_int_equal(copy_samples(path, &input, renumber, 1, 100), 0);
        assert_int_equal(log_fixture_check_whole(path), STEPS);
        struct tidylog_reader *whole = log_fixture_open(input), *subset = log_fixture_open(path);
        size_t count = read_run(before, whole, 0), left = 0;
        for (size_t i = 0; i < count; i++) {
            if (before[i].sample % 3 == 0) {
                kept[left] = before[i];
                kept[left++].sample /= 3;
            }
        }
        check_same(kept, left, after, read_run(after, subset, 0));
        const struct tidylog_run *run = tidylog_reader_run(subset);
        assert_int_equal(run->samples, 100);
        assert_int_equal(run->epochs, EPOCHS);
        assert_null(run->data); /* so that nothing goes on recording */
        for (uint32_t i = 0; i < 100; i++) {
            assert_int_equal(run->labels[i], tidylog_reader_run(whole)->labels[3 * i]);
            assert_int_equal(run->truth[i], tidylog_reader_run(whole)->truth[3 * i]);
        }
        tidylog_close_reader(subset);
        tidylog_close_reader(whole);
    }
}

static void test_shards_of_a_log_make_the_log_again(void **state)
{
    (void)state;
    static struct observation before[MOST], after[MOST];
    for (int detail = TIDYLOG_CLASS; detail <= TIDYLOG_FULL; detail++) {
        const char *input = write_log("whole.tidy", (enum tidylog_detail)detail, 5, STEPS);
        const char *shards[] = {scratch("shard1.tidy"), scratch("shard2.tidy")}, *joined = scratch("joined.tidy");
        uint32_t numbers[2][SAMPLES], *renumber[] = {numbers[0], numbers[1]};
        uint64_t first = every_third(numbers[0], false), second = every_third(numbers[1], true);
        assert_int_equal(copy_samples(shards[0], &input, &renumber[0], 1, first), 0);
        assert_int_equal(copy_samples(shards[1], &input, &renumber[1], 1, second), 0);
        for (uint32_t i = 0; i < first; i++)
            numbers[0][i] = 3 * i;
        for (uint32_t i = 0; i < second; i++)
            numbers[1][i] = i / 2 * 3 + 1 + i % 2;
        assert_int_equal(copy_samples(joined, shards, renumber, 2, SAMPLES), 0);
        log_fixture_check_whole(joined);
        struct tidylog_reader *whole = log_fixture_open(input), *copy = log_fixture_open(joined);
        size_t count = read_run(before, whole, 0), copied = read_run(after, copy, 0);
        qsort(before, count, sizeof *before, compare_observations);
        qsort(after, copied, sizeof *after, compare_observations);
        check_same(before, count, after, copied);
        uint64_t epochs;
        const struct tidylog_epoch *epoch = tidylog_reader_epochs(copy, &epochs);
        assert_int_equal(epochs, EPOCHS);
        /* Both shards' figures are the log's, so their means are as well; the seconds add up. */
        struct tidylog_epoch expected = log_fixture_epoch(0);
        assert_near(epoch->loss, expected.loss, 1e-15);
        assert_near(epoch->test_accuracy, expected.test_accuracy, 0);
        assert_near(epoch->seconds, 2 * expected.seconds, 0);
        tidylog_close_reader(copy);
        tidylog_close_reader(whole);
    }
}

static void test_shards_of_other_codes_are_refused(void **state)
{
    (void)state;
    const char *inputs[] = {write_log("shard1.tidy", TIDYLOG_MARGIN, 5, STEPS),
                            write_coded("shard2.tidy", TIDYLOG_MARGIN, other_codes, 5, STEPS)};
    uint32_t numbers[2][SAMPLES], *renumber[] = {numbers[0], numbers[1]};
    for (uint32_t i = 0; i < 2 * SAMPLES; i++)
        numbers[i / SAMPLES][i % SAMPLES] = i;
    assert_int_equal(copy_samples(scratch("joined.tidy"), inputs, renumber, 2, 2 * SAMPLES), TIDY_FAILED);
    log_fixture_check_message(inputs[1], ": its margins have the codes 19 30, those of ");
}

/* ---- less detail ------------------------------------------------------------------------------------------ */

/* The margin's code, docs/log-format.md. */
static long code_of(float margin)
{
    return lround(packing_codes_default.margin_scale * asinh((double)margin / 2));
}

/* Bytes of the steps' keys and values. */
static uint64_t stored_steps(struct tidylog_reader *reader)
{
    struct tidylog_table_size sizes[TIDYLOG_TABLES];
    assert_int_equal(tidylog_table_sizes(reader, sizes), 0);
    assert_string_equal(sizes[1].name, "steps");
    return sizes[1].stored_bytes;
}

static void number_all(uint32_t *numbers)
{
    for (uint32_t i = 0; i < SAMPLES; i++)
        numbers[i] = i;
}

static void test_less_detail_is_what_would_have_been_recorded(void **state)
{
    (void)state;
    static struct observation due[MOST], reduced[MOST];
    uint32_t numbers[SAMPLES], *renumber[] = {numbers};
    number_all(numbers);
    for (int has = TIDYLOG_CLASS; has <= TIDYLOG_FULL; has++) {
        for (int detail = TIDYLOG_CLASS; detail <= has; detail++) {
            const char *input = write_log("whole.tidy", (enum tidylog_detail)has, 5, STEPS),
                       *expected = write_log("expected.tidy", (enum tidylog_detail)detail, 5, STEPS),
                       *path = scratch("reduced.tidy");
            assert_int_equal(copy_detail(path, &input, renumber, 1, SAMPLES, detail), 0);
            assert_int_equal(log_fixture_check_whole(path), STEPS);
            struct tidylog_reader *is = log_fixture_open(path), *was = log_fixture_open(expected);
            assert_int_equal(tidylog_reader_run(is)->detail, detail);
            assert_int_equal(stored_steps(is), stored_steps(was)); /* no step lists its samples */
            size_t count = read_run(due, was, 0);
            assert_int_equal(read_run(reduced, is, 0), count);
            /* Half precision moves a log-probability by up to 2^-11 of it, here of 30: a margin, of two, by less
             * than the narrowest code's width, and the loss by that and twice the codes' error. */
            bool rounded = has == TIDYLOG_PROBS && detail == TIDYLOG_MARGIN;
            for (size_t i = 0; i < count && rounded; i++) {
                assert_in_range(code_of(reduced[i].numbers[0]) - code_of(due[i].numbers[0]) + 1, 0, 2);
                double error = code_loss_error(packing_codes_default, CLASSES, fabs((double)due[i].numbers[0]) + 1);
                assert_near(reduced[i].numbers[1], due[i].numbers[1], 2 * 30 * 0x1p-11 + 2 * error);
                memcpy(reduced[i].numbers, due[i].numbers, sizeof due[i].numbers);
            }
            check_same(due, count, reduced, count);
            tidylog_close_reader(was);
            tidylog_close_reader(is);
        }
    }
}

/* Logits of three classes, of which 0 is the label: what has no softmax, margins that no code reaches, and a
 * probability that is 1 in single precision, log(1 + e^-20) from it. */
static void test_what_is_not_finite_stays_so_with_less_detail(void **state)
{
    (void)state;
    static struct observation due[MOST], seen[MOST];
    enum { ROWS = 5, THREE = 3 };
    static const uint16_t labels[ROWS] = {0}, predicted[ROWS] = {1, 0, 0, 1, 0};
    static const uint32_t samples[ROWS] = {0, 1, 2, 3, 4};
    static const float logits[ROWS * THREE] = {
        NAN, 1, 0, INFINITY, 0, 0, 1, -INFINITY, -INFINITY, -700, 0, -INFINITY, 20, 0, -INFINITY,
    };
    static const float margin[ROWS] = {NAN, NAN, INFINITY, -700, 20},
                       log_odds[ROWS] = {NAN, NAN, INFINITY, -700, 20};
    struct tidylog_run run = {
        .samples = ROWS, .classes = THREE, .batch_size = ROWS, .epochs = 1, .labels = labels, .shuffle = false};
    const struct tidylog_predictions step = {ROWS, samples, predicted, margin, log_odds, logits};
    const char *paths[4];
    for (int detail = TIDYLOG_MARGIN; detail <= TIDYLOG_FULL; detail++) {
        struct tidylog_writer *writer;
        paths[detail] = scratch(tidylog_detail_names[detail]);
        run.detail = (enum tidylog_detail)detail;
        assert_int_equal(tidylog_create(&writer, paths[detail], &run, true), 0);
        assert_int_equal(tidylog_append_step(writer, 0, &step), 0);
        assert_int_equal(tidylog_append_epoch(writer, &(struct tidylog_epoch){.loss = NAN}), 0);
        assert_int_equal(tidylog_close(writer), 0);
    }
    struct tidylog_reader *expected = log_fixture_open(paths[TIDYLOG_MARGIN]);
    size_t count = read_run(due, expected, 0);
    tidylog_close_reader(expected);
    assert_true(isnan(due[1].numbers[0]) && due[2].numbers[0] > 572 && due[3].numbers[0] < -572);
    for (int detail = TIDYLOG_PROBS; detail <= TIDYLOG_FULL; detail++) {
        uint32_t numbers[ROWS] = {0, 1, 2, 3, 4}, *renumber[] = {numbers};
        const char *path = scratch("less.tidy");
        assert_int_equal(copy_detail(path, &paths[detail], renumber, 1, ROWS, TIDYLOG_MARGIN), 0);
        struct tidylog_reader *reader = log_fixture_open(path);
        check_same(due, count, seen, read_run(seen, reader, 0));
        tidylog_close_reader(reader);
    }
}

static void test_a_subset_with_less_detail_is_the_subset_of_the_log_with_less(void **state)
{
    (void)state;
    static struct observation one[MOST], other[MOST];
    uint32_t third[SAMPLES], all[SAMPLES], *renumber[] = {third}, *whole[] = {all};
    number_all(all);
    assert_int_equal(every_third(third, false), 100);
    const char *input = write_log("whole.tidy", TIDYLOG_PROBS, 5, STEPS), *less = scratch("less.tidy");
    const char *paths[] = {scratch("one.tidy"), scratch("other.tidy")};
    assert_int_equal(copy_detail(paths[0], &input, renumber, 1, 100, TIDYLOG_MARGIN), 0);
    assert_int_equal(copy_detail(less, &input, whole, 1, SAMPLES, TIDYLOG_MARGIN), 0);
    assert_int_equal(copy_samples(paths[1], &less, renumber, 1, 100), 0);
    struct tidylog_reader *readers[] = {log_fixture_open(paths[0]), log_fixture_open(paths[1])};
    size_t count = read_run(one, readers[0], 0);
    assert_int_equal(count, 200);
    check_same(one, count, other, read_run(other, readers[1], 0));
    tidylog_close_reader(readers[0]);
    tidylog_close_reader(readers[1]);
}

static void test_every_run_of_a_log_can_have_less_detail(void **state)
{
    (void)state;
    static struct observation due[MOST], seen[MOST];
    uint32_t numbers[SAMPLES], *renumber[] = {numbers};
    number_all(numbers);
    const char *inputs[] = {write_log("run1.tidy", TIDYLOG_MARGIN, 1, STEPS),
                            write_log("run2.tidy", TIDYLOG_FULL, 2, STEPS)};
    const char *runs = copy_runs("runs.tidy", inputs, 2, 0), *path = scratch("less.tidy");
    assert_int_equal(copy_detail(path, &runs, renumber, 1, SAMPLES, TIDYLOG_MARGIN), 0);
    struct tidylog_reader *reader = log_fixture_open(path);
    assert_int_equal(tidylog_reader_runs(reader), 2);
    for (uint32_t run = 0; run < 2; run++) {
        struct tidylog_reader *expected =
            log_fixture_open(write_log("expected.tidy", TIDYLOG_MARGIN, run + 1, STEPS));
        size_t count = read_run(due, expected, 0);
        check_same(due, count, seen, read_run(seen, reader, run));
        tidylog_close_reader(expected);
    }
    tidylog_close_reader(reader);
    assert_int_equal(copy_detail(path, &runs, renumber, 1, SAMPLES, TIDYLOG_FULL), TIDY_FAILED);
    log_fixture_check_message(runs, ": it has --detail margin; a copy can have as much or less, not full");
}

/* 150 samples in each split: an epoch has 3 steps, from epoch 1 on 3 that train and 3 that evaluate. */
static const char *write_splits(const char *name, enum tidylog_detail detail)
{
    struct log_fixture fixture;
    uint16_t parts[SAMPLES];
    for (uint32_t i = 0; i < SAMPLES; i++)
        parts[i] = i % 2;
    log_fixture_create(&fixture, SAMPLES, CLASSES, BATCH, EPOCHS, detail);
    fixture.run.parts = parts;
    fixture.run.second_split = 1;
    tidylog_order_destroy(fixture.order);
    assert_int_equal(tidylog_order_create(&fixture.order, &fixture.run), 0);
    const char *path = scratch(name);
    log_fixture_write(&fixture, path, 9);
    log_fixture_destroy(&fixture);
    return path;
}

static void test_a_log_with_a_second_split_is_copied_whole_alone(void **state)
{
    (void)state;
    static struct observation due[MOST], seen[MOST];
    uint32_t numbers[SAMPLES], *renumber[] = {numbers};
    number_all(numbers);
    const char *input = write_splits("splits.tidy", TIDYLOG_FULL), *path = scratch("less.tidy");
    assert_int_equal(copy_detail(path, &input, renumber, 1, SAMPLES, TIDYLOG_CLASS), 0);
    struct tidylog_reader *reader = log_fixture_open(path),
                          *expected = log_fixture_open(write_splits("expected.tidy", TIDYLOG_CLASS));
    size_t count = read_run(due, expected, 0), evaluated = 0;
    check_same(due, count, seen, read_run(seen, reader, 0));
    for (size_t i = 0; i < count; i++)
        evaluated += seen[i].evaluated;
    assert_int_equal(evaluated, 150);
    assert_int_equal(tidylog_reader_run(reader)->second_split, 1);
    tidylog_close_reader(reader);
    tidylog_close_reader(expected);
}

/* ---- probes ----------------------------------------------------------------------------------------------- */

/* A log whose first sample is a probe of that kind; NULL: none is. */
static const char *write_probes(const char *name, const char *probes)
{
    struct log_fixture fixture;
    uint16_t given[SAMPLES];
    log_fixture_create(&fixture, SAMPLES, CLASSES, BATCH, EPOCHS, TIDYLOG_CLASS);
    memcpy(given, fixture.labels, sizeof given);
    fixture.run.probes = probes;
    fixture.run.given = probes != NULL ? given : NULL;
    if (probes != NULL)
        fixture.labels[0] = (uint16_t)((given[0] + 1) % CLASSES);
    const char *path = scratch(name);
    log_fixture_write(&fixture, path, STEPS);
    log_fixture_destroy(&fixture);
    return path;
}

static void test_shards_keep_their_probes_and_are_of_one_kind(void **state)
{
    (void)state;
    static const struct {
        const char *kinds[2];
        const char *why; /* NULL: they can be joined */
    } cases[] = {
        {{"controls", "controls"}, NULL},
        {{"controls", NULL}, NULL},
        {{NULL, "controls"}, NULL},
        {{"controls", "threshold-samples"}, ": it has threshold-samples, "},
        {{"threshold-samples", NULL}, ": it has no probes, "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *inputs[] = {write_probes("first.tidy", cases[i].kinds[0]),
                                write_probes("second.tidy", cases[i].kinds[1])};
        uint32_t numbers[2][SAMPLES], *renumber[] = {numbers[0], numbers[1]};
        const char *path = scratch("joined.tidy");
        number_all(numbers[0]);
        for (uint32_t k = 0; k < SAMPLES; k++)
            numbers[1][k] = SAMPLES + k;
        int status = copy_samples(path, inputs, renumber, 2, 2 * SAMPLES);
        assert_int_equal(status, cases[i].why == NULL ? 0 : TIDY_FAILED);
        if (cases[i].why != NULL) {
            log_fixture_check_message(inputs[1], cases[i].why);
            continue;
        }
        struct tidylog_reader *reader = log_fixture_open(path);
        const struct tidylog_run *run = tidylog_reader_run(reader);
        assert_string_equal(run->probes, "controls");
        for (uint32_t k = 0; k < 2 * SAMPLES; k++)
            assert_int_equal(tidylog_is_probe(run, k), k % SAMPLES == 0 && cases[i].kinds[k / SAMPLES] != NULL);
        tidylog_close_reader(reader);
    }
}

/* A log of `samples` samples, all predicted right in one epoch, with these figures. */
static const char *write_figures(const char *name, uint32_t samples, double loss, double accuracy, double test)
{
    struct log_fixture fixture;
    struct tidylog_writer *writer;
    const char *path = scratch(name);
    log_fixture_create(&fixture, samples, CLASSES, samples, 1, TIDYLOG_CLASS);
    assert_int_equal(tidylog_create(&writer, path, &fixture.run, true), 0);
    struct tidylog_predictions step = log_fixture_step(&fixture, 0);
    assert_int_equal(tidylog_append_step(writer, 0, &step), 0);
    const struct tidylog_epoch epoch = {
        .loss = loss, .accuracy = accuracy, .test_accuracy = test, .learning_rate = 0.5, .seconds = 2};
    assert_int_equal(tidylog_append_epoch(writer, &epoch), 0);
    assert_int_equal(tidylog_close(writer), 0);
    log_fixture_destroy(&fixture);
    return path;
}

static void test_an_epochs_figures_are_weighted_by_the_shards_predictions(void **state)
{
    (void)state;
    const char *inputs[] = {write_figures("light.tidy", 10, 1.0, 0.5, 0.75),
                            write_figures("heavy.tidy", 30, 2.0, 0.9, 0.8)};
    uint32_t numbers[2][30], *renumber[] = {numbers[0], numbers[1]};
    for (uint32_t i = 0; i < 30; i++) {
        numbers[0][i] = i;
        numbers[1][i] = 10 + i;
    }
    const char *path = scratch("weighted.tidy");
    assert_int_equal(copy_samples(path, inputs, renumber, 2, 40), 0);
    struct tidylog_reader *reader = log_fixture_open(path);
    uint64_t epochs;
    const struct tidylog_epoch *epoch = tidylog_reader_epochs(reader, &epochs);
    assert_near(epoch->loss, (10 * 1.0 + 30 * 2.0) / 40, 1e-12);
    assert_near(epoch->accuracy, (10 * 0.5 + 30 * 0.9) / 40, 1e-12);
    assert_true(isnan(epoch->test_accuracy));
    assert_near(epoch->learning_rate, 0.5, 0);
    assert_near(epoch->seconds, 4, 0);
    tidylog_close_reader(reader);
}

static void test_a_sample_often_in_a_step_stays_there_in_smaller_steps(void **state)
{
    (void)state;
    static struct observation seen[MOST];
    struct log_fixture fixture;
    struct tidylog_writer *writer;
    const char *input = scratch("often.tidy"), *path = scratch("often-subset.tidy");
    log_fixture_create(&fixture, 40, CLASSES, 20, 1, TIDYLOG_MARGIN);
    assert_int_equal(tidylog_create(&writer, input, &fixture.run, true), 0);
    struct tidylog_predictions step = log_fixture_step(&fixture, 0);
    uint32_t samples[20];
    for (uint32_t i = 0; i < 20; i++)
        samples[i] = i < 5 ? 7 : 30 + i / 2;
    step.samples = samples;
    assert_int_equal(tidylog_append_step(writer, 0, &step), 0);
    struct tidylog_epoch epoch = log_fixture_epoch(0);
    assert_int_equal(tidylog_append_epoch(writer, &epoch), 0);
    assert_int_equal(tidylog_close(writer), 0);
    log_fixture_destroy(&fixture);

    uint32_t numbers[40], *renumber[] = {numbers};
    for (uint32_t i = 0; i < 40; i++)
        numbers[i] = i == 7 ? 0 : i == 39 ? 1 : TIDYLOG_OMITTED;
    assert_int_equal(copy_samples(path, &input, renumber, 1, 2), 0);
    assert_int_equal(log_fixture_check_whole(path), 4);
    struct tidylog_reader *reader = log_fixture_open(path);
    assert_int_equal(read_run(seen, reader, 0), 7);
    for (int i = 0; i < 7; i++)
        assert_int_equal(seen[i].sample, i < 5 ? 0 : 1);
    tidylog_close_reader(reader);
}

static void check_no_subset(const char *input, uint32_t *numbers, uint64_t samples, const char *why)
{
    uint32_t *renumber[] = {numbers};
    const char *path = scratch("none.tidy");
    assert_int_equal(copy_samples(path, &input, renumber, 1, samples), TIDY_FAILED);
    if (strstr(tidy_error_message(), why) == NULL)
        fail_msg("'%s' does not say '%s'", tidy_error_message(), why);
    check_no_file(path);
}

static void test_subsets_that_cannot_be_are_refused(void **state)
{
    (void)state;
    uint32_t numbers[SAMPLES];
    every_third(numbers, false);
    check_no_subset(write_log("begun.tidy", TIDYLOG_CLASS, 1, 3), numbers, 100, "no epoch is finished yet");
    const char *input = write_log("whole.tidy", TIDYLOG_CLASS, 1, STEPS);
    check_no_subset(input, numbers, 99, "two samples, or none, would be sample 99");
    check_no_subset(input, numbers, 101, "1 sample numbers would have no sample");
    numbers[3] = 0;
    check_no_subset(input, numbers, 100, "two samples, or none, would be sample 0");

    /* An epoch of one step, in which none of the samples is. */
    struct log_fixture fixture;
    struct tidylog_writer *writer;
    log_fixture_create(&fixture, SAMPLES, CLASSES, BATCH, 1, TIDYLOG_CLASS);
    const char *partial = scratch("partial.tidy");
    assert_int_equal(tidylog_create(&writer, partial, &fixture.run, true), 0);
    struct tidylog_predictions step = log_fixture_step(&fixture, 0);
    assert_int_equal(tidylog_append_step(writer, 0, &step), 0);
    struct tidylog_epoch epoch = log_fixture_epoch(0);
    assert_int_equal(tidylog_append_epoch(writer, &epoch), 0);
    assert_int_equal(tidylog_close(writer), 0);
    for (uint32_t i = 0; i < SAMPLES; i++)
        numbers[i] = TIDYLOG_OMITTED;
    struct tidylog_due due;
    tidylog_order_step(fixture.order, 1, &due);
    numbers[due.samples[0]] = 0; /* a sample of the second step */
    check_no_subset(partial, numbers, 1, "epoch 0 has none of the samples");

    log_fixture_destroy(&fixture);
    every_third(numbers, false);
    check_no_subset(write_splits("splits.tidy", TIDYLOG_CLASS), numbers, 100, "it has a second split");
}

static void test_damaged_logs_are_not_copied(void **state)
{
    (void)state;
    uint32_t numbers[SAMPLES];
    every_third(numbers, false);
    static const uint8_t keys[2][8] = {{0, 0, 0, 0, 0, 0, 0, 6}, {0, 0, 0, 0, 0, 0, 0, 9}};
    for (int change = 0; change < 2; change++) {
        for (int key = 0; key < 2; key++) {
            const char *input = write_unpacked_log("damaged.tidy", TIDYLOG_MARGIN, 1, STEPS);
            log_fixture_edit(input, "steps", keys[key], 8, 40, change);
            char why[80];
            snprintf(why, sizeof why, "step %d: %s", keys[key][7], change ? "checksum mismatch" : "missing");
            check_no_subset(input, numbers, 100, why);
            copy_runs("refused.tidy", &input, 1, TIDY_FAILED);
            assert_non_null(strstr(tidy_error_message(), why));
        }
    }
}

static void test_a_log_that_is_there_is_kept_unless_forced(void **state)
{
    (void)state;
    const char *input = write_log("run1.tidy", TIDYLOG_CLASS, 1, STEPS),
               *path = write_log("there.tidy", TIDYLOG_CLASS, 9, 3);
    struct tidylog_reader *readers[] = {log_fixture_open(input), log_fixture_open(path)};
    assert_int_equal(tidylog_copy_runs(path, false, readers, 1), TIDY_FAILED);
    log_fixture_check_message(path, ": the file exists");
    assert_int_equal(log_fixture_check_whole(path), 3);
    /* It may be one of the inputs. */
    assert_int_equal(tidylog_copy_runs(path, true, readers, 2), 0);
    tidylog_close_reader(readers[0]);
    tidylog_close_reader(readers[1]);
    struct tidylog_reader *reader = log_fixture_open(path);
    assert_int_equal(tidylog_reader_runs(reader), 2);
    tidylog_close_reader(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_are_in_the_copy_as_they_were),
        cmocka_unit_test(test_verification_names_the_run_of_what_is_damaged),
        cmocka_unit_test(test_runs_of_other_samples_are_refused),
        cmocka_unit_test(test_more_runs_than_a_log_can_hold_are_refused),
        cmocka_unit_test(test_a_subset_has_its_samples_predictions_to_the_bit),
        cmocka_unit_test(test_shards_of_a_log_make_the_log_again),
        cmocka_unit_test(test_shards_of_other_codes_are_refused),
        cmocka_unit_test(test_less_detail_is_what_would_have_been_recorded),
        cmocka_unit_test(test_what_is_not_finite_stays_so_with_less_detail),
        cmocka_unit_test(test_a_subset_with_less_detail_is_the_subset_of_the_log_with_less),
        cmocka_unit_test(test_every_run_of_a_log_can_have_less_detail),
        cmocka_unit_test(test_a_log_with_a_second_split_is_copied_whole_alone),
        cmocka_unit_test(test_shards_keep_their_probes_and_are_of_one_kind),
        cmocka_unit_test(test_an_epochs_figures_are_weighted_by_the_shards_predictions),
        cmocka_unit_test(test_a_sample_often_in_a_step_stays_there_in_smaller_steps),
        cmocka_unit_test(test_subsets_that_cannot_be_are_refused),
        cmocka_unit_test(test_damaged_logs_are_not_copied),
        cmocka_unit_test(test_a_log_that_is_there_is_kept_unless_forced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
