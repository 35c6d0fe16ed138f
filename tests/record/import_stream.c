/* The stream of docs/stream-format.md, its bytes made here by hand: what it says is in the log, and a stream that
 * ends anywhere or is damaged leaves a good log of what was whole. */
#include "record/import_stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/little_endian.h"
#include "common/random.h"
#include "tests/support/support.h"

enum { SAMPLES = 4, CLASSES = 3, ROOM = 4096 };

struct bytes {
    uint8_t at[ROOM];
    size_t count;
};

static void put(struct bytes *out, const void *from, size_t count)
{
    assert_true(out->count + count <= ROOM);
    memcpy(out->at + out->count, from, count);
    out->count += count;
}

static void put_u32(struct bytes *out, uint32_t value)
{
    uint8_t bytes[4];
    store_u32(bytes, value);
    put(out, bytes, sizeof bytes);
}

static void put_f32(struct bytes *out, float value)
{
    uint8_t bytes[4];
    store_f32(bytes, value);
    put(out, bytes, sizeof bytes);
}

static void put_f64(struct bytes *out, double value)
{
    uint8_t bytes[8];
    store_f64(bytes, value);
    put(out, bytes, sizeof bytes);
}

static void put_header(struct bytes *out)
{
    static const uint8_t header[32] = {'t', 'i', 'd',     'y', 's', 't', 'r',     'm', 1, TIDYLOG_FULL,
                                       0,   0,   CLASSES, 0,   0,   0,   SAMPLES, 0,   0, 0,
                                       0,   0,   0,       0,   2};
    put(out, header, sizeof header);
}

/* The sample's label is sample % CLASSES. Its logits: 1 for the class that is predicted, 0 for the others. */
static void put_step(struct bytes *out, uint32_t epoch, uint32_t count, const uint8_t *samples,
                     const uint8_t *predicted)
{
    put(out, (uint8_t[8]){'s', 'l', 'B', 'i', 'f'}, 8);
    put_u32(out, count);
    put_u32(out, epoch);
    put(out, samples, count);
    for (uint32_t i = 0; i < count; i++)
        put_u32(out, samples[i] % CLASSES);
    for (uint32_t i = 0; i < count * CLASSES; i++)
        put_f32(out, i % CLASSES == predicted[i / CLASSES] ? 1 : 0);
}

static void put_epoch(struct bytes *out, uint32_t epoch)
{
    put(out, (uint8_t[12]){'e'}, 12);
    put_u32(out, epoch);
    put_f64(out, 0.5);
    put_f64(out, 0.75);
    put_f64(out, 0.125);
    put_f64(out, 60);
}

static void put_end(struct bytes *out)
{
    put(out, (uint8_t[16]){'.'}, 16);
}

/* Two epochs: 0, of two steps, ended by its figures, and 5, of one step. */
static void make_good(struct bytes *out)
{
    out->count = 0;
    put_header(out);
    put_step(out, 0, 3, (const uint8_t[]){2, 0, 3}, (const uint8_t[]){2, 1, 0});
    put_step(out, 0, 1, (const uint8_t[]){1}, (const uint8_t[]){2});
    put_epoch(out, 0);
    put_step(out, 5, 4, (const uint8_t[]){3, 2, 1, 0}, (const uint8_t[]){0, 2, 1, 0});
    put_end(out);
}

static char *log_path(void)
{
    return support_path(support_scratch_folder(), "run.tidy");
}

/* Imports into a new log. *finished: epochs, or -1 where no log was made. */
static int import(const char *path, const struct bytes *bytes, int *finished)
{
    static const uint16_t unknown[SAMPLES];
    struct import_stream stream;
    struct importer importer = {0};
    struct tidylog_writer *log = NULL;
    *finished = -1;
    FILE *in = fmemopen((void *)bytes->at, bytes->count > 0 ? bytes->count : 1, "rb");
    assert_non_null(in);
    if (bytes->count == 0)
        getc(in);
    int status = import_stream_open(&stream, in);
    bool ours = status == 0 && stream.samples == SAMPLES && stream.classes == CLASSES;
    if (ours) {
        const struct tidylog_run run = {
            .samples = SAMPLES,
            .classes = CLASSES,
            .batch_size = import_batch_size(SAMPLES, CLASSES),
            .epochs = 1,
            .detail = stream.detail >= 0 ? (enum tidylog_detail)stream.detail : TIDYLOG_MARGIN,
            .labels = unknown,
        };
        assert_int_equal(tidylog_create(&log, path, &run, true), TIDY_OK);
        status = importer_create(&importer, log);
        if (status == 0)
            status = import_stream_run(&stream, &importer, false);
        *finished = (int)importer.epoch;
        importer_destroy(&importer);
        assert_int_equal(tidylog_close(log), TIDY_OK);
    }
    import_stream_close(&stream);
    fclose(in);
    return status;
}

static void fail_on_damage(const char *what, void *context)
{
    (void)context;
    fail_msg("damaged: %s", what);
}

/* The log can be read whole, and has that many epochs. */
static void check_log(const char *path, int epochs)
{
    struct tidylog_reader *reader;
    uint64_t count, checked;
    if (tidylog_open(&reader, path) != 0)
        fail_msg("%s", tidy_error_message());
    tidylog_reader_epochs(reader, &count);
    assert_int_equal(count, epochs);
    assert_int_equal(tidylog_verify(reader, fail_on_damage, NULL, &checked), TIDY_OK);
    tidylog_close_reader(reader);
}

static void test_a_stream_is_in_the_log_as_it_says(void **state)
{
    (void)state;
    struct bytes bytes;
    int finished;
    char *path = log_path();
    make_good(&bytes);
    if (import(path, &bytes, &finished) != 0)
        fail_msg("%s", tidy_error_message());
    assert_int_equal(finished, 2);
    check_log(path, 2);
    struct tidylog_reader *reader;
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    uint64_t count;
    assert_int_equal(tidylog_open(&reader, path), TIDY_OK);
    for (int i = 0; i < SAMPLES; i++)
        assert_int_equal(tidylog_reader_run(reader)->labels[i], i % CLASSES);
    assert_int_equal(tidylog_reader_run(reader)->epochs, 2);
    const struct tidylog_epoch *epochs = tidylog_reader_epochs(reader, &count);
    /* The figures that came; of the other epoch, all right with the logits 1, 0, 0: log(e + 2) - 1. */
    assert_near(epochs[0].loss, 0.5, 0);
    assert_near(epochs[0].accuracy, 0.5, 0);
    assert_near(epochs[0].test_accuracy, 0.75, 0);
    assert_near(epochs[0].learning_rate, 0.125, 0);
    assert_near(epochs[0].seconds, 60, 0);
    assert_near(epochs[1].loss, log(exp(1) + 2) - 1, 1e-6);
    assert_near(epochs[1].accuracy, 1, 0);
    assert_true(isnan(epochs[1].test_accuracy));
    static const struct {
        uint64_t epoch;
        uint32_t count, samples[4];
        uint16_t predicted[4];
    } steps[] = {{0, 3, {2, 0, 3}, {2, 1, 0}}, {0, 1, {1}, {2}}, {1, 4, {3, 2, 1, 0}, {0, 2, 1, 0}}};
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, 2), TIDY_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tidylog_replay_next(replay, &seen), 1);
        assert_int_equal(seen.epoch, steps[i].epoch);
        assert_int_equal(seen.count, steps[i].count);
        assert_memory_equal(seen.samples, steps[i].samples, seen.count * sizeof *seen.samples);
        assert_memory_equal(seen.predicted, steps[i].predicted, seen.count * sizeof *seen.predicted);
    }
    assert_int_equal(tidylog_replay_next(replay, &seen), 0);
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
}

static void test_a_stream_that_ends_anywhere_keeps_its_finished_epochs(void **state)
{
    (void)state;
    struct bytes whole, bytes;
    int finished;
    char *path = log_path();
    make_good(&whole);
    /* The first epoch is finished with its figures, the second with the last frame. */
    size_t first = 0;
    while (memcmp(whole.at + first, "e\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15) != 0)
        first++;
    first += 16 + 32;
    for (size_t left = 0; left < whole.count; left++) {
        bytes = whole;
        bytes.count = left;
        unlink(path);
        assert_int_equal(import(path, &bytes, &finished), TIDY_FAILED);
        if (strstr(tidy_error_message(), "the stream ended with") == NULL)
            fail_msg("after %zu bytes: %s", left, tidy_error_message());
        assert_int_equal(finished, left < 32 + 16 ? -1 : left < first ? 0 : 1);
        if (finished >= 0)
            check_log(path, finished);
    }
}

static void check_refused(const struct bytes *bytes, int epochs, const char *message)
{
    int finished;
    char *path = log_path();
    assert_int_equal(import(path, bytes, &finished), TIDY_FAILED);
    if (strstr(tidy_error_message(), message) == NULL)
        fail_msg("'%s' has no '%s'", tidy_error_message(), message);
    assert_int_equal(finished, epochs);
    if (finished >= 0)
        check_log(path, finished);
}

/* The good stream with one byte changed; the first step's frame begins at byte 32. */
static void test_what_is_wrong_is_said(void **state)
{
    (void)state;
    enum { FRAME = 32, SAMPLES_AT = FRAME + 16, LABELS_AT = SAMPLES_AT + 3 };
    static const struct {
        size_t at;
        uint8_t value;
        int epochs;
        const char *message;
    } rows[] = {
        {0, 'x', -1, "it does not begin with 'tidystrm'"},
        {8, 2, -1, "has version 2 of its format, and this program reads version 1"},
        {9, 7, -1, "asks for detail 7"},
        {12, 0, -1, "0 classes"},
        {16, 0, -1, "0 samples"},
        {23, 1, -1, "samples and 3 classes; there may be"},
        {FRAME, 'x', 0, "is damaged: a frame has kind 120, after 0 steps"},
        {FRAME, 'e', 0, "ends epoch 0 after 0 steps, and no step of it was seen"},
        {FRAME, '.', -1, "has no steps"},
        {FRAME + 1, 'x', 0, "step 0 of the stream: its outputs have the letter with code 120"},
        {FRAME + 1, 'c', 0, "predicted classes alone, which feed no detail but --detail class"},
        {FRAME + 2, 'x', 0, "no type of numbers has the letter with code 120"},
        {FRAME + 4, '?', 0, "no type of numbers has the letter with code 63"},
        {FRAME + 8, 0, 0, "it has 0 predictions; it may have 1 to 4"},
        {FRAME + 8, 5, 0, "it has 5 predictions; it may have 1 to 4"},
        {FRAME + 11, 255, 0, "predictions; it may have 1 to 4"},
        {FRAME + 12, 9, 0, "goes back to epoch 0 after 1 steps, after epoch 9"},
        {SAMPLES_AT + 1, 4, 0, "number 1 of a step's samples is 4, and they are 0 to 3"},
        {LABELS_AT + 4, 3, 0, "number 1 of a step's labels is 3, and they are 0 to 2"},
        {LABELS_AT + 7, 255, 0, "number 1 of a step's labels is -16777216"},
        {LABELS_AT + 4, 1, 1, "step 2 of the stream: sample 0 has label 0, and had 1 before"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes bytes;
        make_good(&bytes);
        bytes.at[rows[i].at] = rows[i].value;
        check_refused(&bytes, rows[i].epochs, rows[i].message);
    }
    struct bytes bytes;
    make_good(&bytes);
    put(&bytes, "x", 1);
    check_refused(&bytes, 2, "goes on after its last frame");
}

static void test_samples_twice_or_never_in_an_epoch_are_counted(void **state)
{
    (void)state;
    struct bytes bytes = {.count = 0};
    put_header(&bytes);
    put_step(&bytes, 0, 4, (const uint8_t[]){0, 1, 1, 1}, (const uint8_t[]){0, 0, 1, 2});
    put_step(&bytes, 1, 4, (const uint8_t[]){0, 1, 2, 3}, (const uint8_t[]){0, 0, 1, 2});
    put_step(&bytes, 2, 2, (const uint8_t[]){0, 0}, (const uint8_t[]){0, 0});
    put_end(&bytes);
    char *path = log_path(), *said = support_path(support_scratch_folder(), "said");
    fflush(stderr);
    int old = dup(STDERR_FILENO);
    assert_non_null(freopen(said, "wb", stderr));
    static const uint16_t unknown[SAMPLES];
    const struct tidylog_run run = {
        .samples = SAMPLES, .classes = CLASSES, .batch_size = SAMPLES, .epochs = 1, .labels = unknown};
    struct tidylog_writer *log = NULL;
    struct importer importer = {0};
    struct import_stream stream;
    FILE *in = fmemopen(bytes.at, bytes.count, "rb");
    int status = import_stream_open(&stream, in);
    if (status == 0)
        status = tidylog_create(&log, path, &run, true);
    if (status == 0)
        status = importer_create(&importer, log);
    if (status == 0)
        status = import_stream_run(&stream, &importer, false);
    importer_report(&importer, "run.tidy");
    fflush(stderr);
    dup2(old, STDERR_FILENO);
    close(old);
    if (status != 0)
        fail_msg("%s", tidy_error_message());
    size_t size;
    char *text = support_read_file(said, &size);
    assert_string_equal(text,
                        "imported 3 epochs of 4 samples, 10 predictions, into run.tidy; in 2 of them samples were "
                        "seen again, 3 predictions too many; in 2 of them samples were missing, 5 predictions in "
                        "all\n");
    free(text);
    importer_destroy(&importer);
    import_stream_close(&stream);
    fclose(in);
    assert_int_equal(tidylog_close(log), TIDY_OK);
    check_log(path, 3);
}

/* Bytes changed, left out or doubled at random: an error or not, but never a log that cannot be read. */
static void test_damaged_streams_leave_good_logs(void **state)
{
    (void)state;
    struct random_stream random = random_open(1, RANDOM_NOISE, 0);
    char *path = log_path();
    int good = 0, finished;
    for (int round = 0; round < 600; round++) {
        struct bytes bytes;
        make_good(&bytes);
        for (uint64_t changes = 1 + random_below(&random, 3); changes > 0; changes--) {
            size_t at = random_below(&random, bytes.count);
            switch (random_below(&random, 4)) {
            case 0:
                bytes.at[at] ^= (uint8_t)(1 << random_below(&random, 8));
                break;
            case 1:
                bytes.at[at] = (uint8_t)random_below(&random, 256);
                break;
            case 2:
                memmove(bytes.at + at, bytes.at + at + 1, bytes.count - at - 1);
                bytes.count--;
                break;
            default:
                memmove(bytes.at + at + 1, bytes.at + at, bytes.count - at);
                bytes.count++;
            }
        }
        good += import(path, &bytes, &finished) == 0;
        if (finished >= 0)
            check_log(path, finished);
    }
    assert_in_range(good, 20, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stream_is_in_the_log_as_it_says),
        cmocka_unit_test(test_a_stream_that_ends_anywhere_keeps_its_finished_epochs),
        cmocka_unit_test(test_what_is_wrong_is_said),
        cmocka_unit_test(test_samples_twice_or_never_in_an_epoch_are_counted),
        cmocka_unit_test(test_damaged_streams_leave_good_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
