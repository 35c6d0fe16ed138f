/* What checkpoints promise: the bytes of docs/checkpoint-format.md, all damage noticed, all replaced or nothing. */
#include "tests/support/support.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/error.h"
#include "record/checkpoint.h"

enum { PARAMETERS = 5, STATISTICS = 3, FILE_BYTES = 72 + 8 * PARAMETERS + 4 * STATISTICS + 8 };

/* A network's state without a network. */
struct arrays {
    float parameters[PARAMETERS], velocity[PARAMETERS], statistics[STATISTICS];
};

static struct network_state state_of(struct arrays *arrays)
{
    return (struct network_state){
        .parameter_count = PARAMETERS,
        .statistics_count = STATISTICS,
        .parameters = arrays->parameters,
        .velocity = arrays->velocity,
        .statistics = arrays->statistics,
    };
}

static const struct arrays values = {
    {1.5f, -2.25f, 0.0f, 1e-40f, INFINITY}, {0.125f, -0.0f, 3e38f, 7.0f, NAN}, {0.5f, 1.0f, -1.0f}};
static const struct checkpoint_position place = {1203, 345.678, 1100, 9.5};
static const uint64_t fingerprint = 0x0123456789abcdef;

static const char *save_with(const char *name, const char *plans)
{
    const char *path = support_path(support_scratch_folder(), name);
    struct arrays arrays = values;
    struct network_state state = state_of(&arrays);
    if (checkpoint_save(path, fingerprint, &place, &state, plans) != 0)
        fail_msg("%s", tidy_error_message());
    return path;
}

static const char *save(const char *name)
{
    return save_with(name, "");
}

/* Loads `path`, which must exist, into *arrays. */
static int load(const char *path, struct checkpoint_position *position, struct arrays *arrays)
{
    struct network_state state = state_of(arrays);
    bool found = false;
    int status = checkpoint_load(path, fingerprint, position, &state, &found);
    assert_true(found);
    return status;
}

/* A device and its choices. */
static const char plans[] = "Some GPU, cuDNN 9\nforward n128\tengine 1\n";
enum { PLANS_BYTES = sizeof plans - 1 };

/* What refuses the checkpoint refuses its plans. */
static void expect_no_plans(const char *path, const char *expected)
{
    char *text = (char *)plans;
    assert_int_equal(checkpoint_plans(&text, path, fingerprint), TIDY_FAILED);
    assert_null(text);
    if (strstr(tidy_error_message(), expected) == NULL)
        fail_msg("'%s' has no '%s'", tidy_error_message(), expected);
}

static void expect_refusal(const char *path, const char *expected)
{
    struct arrays arrays;
    struct checkpoint_position position;
    assert_int_equal(load(path, &position, &arrays), TIDY_FAILED);
    if (strstr(tidy_error_message(), expected) == NULL)
        fail_msg("'%s' has no '%s'", tidy_error_message(), expected);
    assert_non_null(strstr(tidy_error_message(), path));
}

static void test_what_was_saved_loads_bit_for_bit(void **state)
{
    (void)state;
    struct arrays arrays = {0};
    struct checkpoint_position position = {0};
    assert_int_equal(load(save("round-trip"), &position, &arrays), 0);
    assert_memory_equal(&arrays, &values, sizeof values);
    assert_memory_equal(&position, &place, sizeof place);
}

static void test_the_bytes_are_those_of_the_documentation(void **state)
{
    (void)state;
    size_t bytes;
    char *file = support_read_file(save("layout"), &bytes);
    uint8_t expected[FILE_BYTES] =
        "TIDYCKPT\1\0\0\0\0\0\0\0\xef\xcd\xab\x89\x67\x45\x23\x01\xb3\4"; /* 1203 = 0x4b3 */
    memcpy(expected + 32, &place.loss_sum, 8);
    expected[40] = 1100 & 255, expected[41] = 1100 >> 8;
    memcpy(expected + 48, &place.seconds, 8);
    expected[56] = PARAMETERS;
    expected[64] = STATISTICS;
    memcpy(expected + 72, values.parameters, sizeof values.parameters);
    memcpy(expected + 72 + 4 * PARAMETERS, values.velocity, sizeof values.velocity);
    memcpy(expected + 72 + 8 * PARAMETERS, values.statistics, sizeof values.statistics);
    uint64_t checksum = XXH3_64bits(expected, FILE_BYTES - 8);
    memcpy(expected + FILE_BYTES - 8, &checksum, 8);
    assert_int_equal(bytes, FILE_BYTES);
    assert_memory_equal(file, expected, FILE_BYTES);
    free(file);
}

static void test_plans_stand_between_the_statistics_and_the_checksum(void **state)
{
    (void)state;
    size_t bytes, bytes_without;
    char *file = support_read_file(save_with("plans", plans), &bytes);
    char *without = support_read_file(save("no-plans"), &bytes_without);
    assert_int_equal(bytes_without, FILE_BYTES);
    assert_int_equal(bytes, FILE_BYTES + PLANS_BYTES);
    without[12] = PLANS_BYTES;
    assert_memory_equal(file, without, FILE_BYTES - 8);
    assert_memory_equal(file + FILE_BYTES - 8, plans, PLANS_BYTES);
    uint64_t checksum = XXH3_64bits(file, bytes - 8);
    assert_memory_equal(file + bytes - 8, &checksum, 8);
    free(file);
    free(without);
}

static void test_plans_come_back_with_and_without_the_state(void **state)
{
    (void)state;
    const char *path = save_with("plans-back", plans);
    struct arrays arrays = {0};
    struct checkpoint_position position = {0};
    char *text;
    assert_int_equal(checkpoint_plans(&text, path, fingerprint), 0);
    assert_string_equal(text, plans);
    free(text);
    assert_int_equal(load(path, &position, &arrays), 0);
    assert_memory_equal(&arrays, &values, sizeof values);
    assert_memory_equal(&position, &place, sizeof place);
}

static void test_where_there_are_no_plans_none_are_found(void **state)
{
    (void)state;
    char *text = (char *)plans;
    assert_int_equal(checkpoint_plans(&text, "/nowhere/at/all", fingerprint), 0);
    assert_null(text);
    text = (char *)plans;
    assert_int_equal(checkpoint_plans(&text, save("none"), fingerprint), 0);
    assert_null(text);
}

static void test_plans_of_another_run_are_refused(void **state)
{
    (void)state;
    char *text;
    const char *path = save_with("other-plans", plans);
    assert_int_equal(checkpoint_plans(&text, path, fingerprint + 1), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "belongs to another run"));
    assert_null(text);
}

static void test_plans_have_a_bound(void **state)
{
    (void)state;
    struct arrays arrays = values;
    struct network_state network = state_of(&arrays);
    char *most = malloc(CHECKPOINT_MOST_PLANS + 2), *text;
    assert_non_null(most);
    memset(most, 'x', CHECKPOINT_MOST_PLANS + 1);
    most[CHECKPOINT_MOST_PLANS + 1] = 0;
    const char *path = save("bound");
    assert_int_equal(checkpoint_save(path, fingerprint, &place, &network, most), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "plans have 1048577 bytes"));
    assert_int_equal(load(path, &(struct checkpoint_position){0}, &arrays), 0); /* the one before */
    most[CHECKPOINT_MOST_PLANS] = 0;
    assert_int_equal(checkpoint_save(path, fingerprint, &place, &network, most), 0);
    assert_int_equal(checkpoint_plans(&text, path, fingerprint), 0);
    assert_string_equal(text, most);
    free(text);
    free(most);

    /* A file that is as long as its header says, but says more. */
    size_t bytes;
    char *file = support_read_file(path, &bytes);
    uint32_t more = CHECKPOINT_MOST_PLANS + 1;
    memcpy(file + 12, &more, sizeof more);
    support_write_file(path, file, bytes + 1); /* support_read_file adds a 0 byte */
    free(file);
    expect_no_plans(path, "truncated or damaged");
    expect_refusal(path, "truncated or damaged");
}

static void test_where_there_is_none_none_is_found(void **state)
{
    (void)state;
    struct arrays arrays;
    struct network_state network = state_of(&arrays);
    struct checkpoint_position position;
    bool found = true;
    assert_int_equal(checkpoint_load("/nowhere/at/all", 0, &position, &network, &found), 0);
    assert_false(found);
}

static void test_damage_of_any_byte_is_noticed(void **state)
{
    (void)state;
    size_t bytes;
    const char *path = save_with("damage", plans);
    char *file = support_read_file(path, &bytes);
    for (size_t i = 0; i < bytes; i++) {
        for (int bit = 0; bit < 8; bit++) {
            file[i] ^= (char)(1 << bit);
            support_write_file(path, file, bytes);
            expect_refusal(path, "");
            expect_no_plans(path, "");
            file[i] ^= (char)(1 << bit);
        }
    }
    free(file);
}

static void test_each_kind_of_damage_has_its_message(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        const char *expected;
    } damages[] = {
        {0, "is not a checkpoint"},
        {8, "has format version 0, this program reads version 1"},
        {12, "truncated or damaged"},
        {56, "truncated or damaged"},
        {80, "checksum mismatch"},
        {FILE_BYTES - 1, "checksum mismatch"},
    };
    size_t bytes;
    const char *path = save("kinds");
    char *file = support_read_file(path, &bytes);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        file[damages[i].offset] ^= 1;
        support_write_file(path, file, bytes);
        expect_refusal(path, damages[i].expected);
        file[damages[i].offset] ^= 1;
    }
    free(file);
}

static void test_a_truncated_or_prolonged_file_is_refused(void **state)
{
    (void)state;
    size_t bytes;
    const char *path = save_with("size", plans);
    char *file = support_read_file(path, &bytes);
    for (size_t size = 0; size < bytes; size++) {
        support_write_file(path, file, size);
        expect_refusal(path, "truncated");
        expect_no_plans(path, "truncated");
    }
    support_write_file(path, file, bytes + 1); /* support_read_file adds a 0 byte */
    expect_refusal(path, "truncated or damaged");
    free(file);
}

static void test_counts_that_no_file_can_have_are_refused(void **state)
{
    (void)state;
    size_t bytes;
    const char *path = save("counts");
    char *file = support_read_file(path, &bytes);
    /* 2^63 parameters of 8 bytes wrap to 0 bytes. */
    memset(file + 56, 0, 16);
    file[63] = (char)0x80;
    support_write_file(path, file, 72 + 8);
    expect_refusal(path, "truncated or damaged");
    free(file);
}

static void test_the_checkpoint_of_another_run_or_network_is_refused(void **state)
{
    (void)state;
    const char *path = save("other");
    struct arrays arrays;
    struct network_state network = state_of(&arrays);
    struct checkpoint_position position;
    bool found;
    assert_int_equal(checkpoint_load(path, fingerprint + 1, &position, &network, &found), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "belongs to another run"));
    network.parameter_count--;
    assert_int_equal(checkpoint_load(path, fingerprint, &position, &network, &found), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "of another network"));
}

static void test_a_save_that_fails_leaves_the_old_checkpoint(void **state)
{
    (void)state;
    const char *path = save("kept");
    size_t bytes;
    char *before = support_read_file(path, &bytes);

    /* A limit on file sizes stands in for a full disk. */
    struct rlimit limit, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 100;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct arrays arrays = {{1}, {2}, {3}};
    struct network_state network = state_of(&arrays);
    int status = checkpoint_save(path, fingerprint, &place, &network, "");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);

    assert_int_equal(status, TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "File too large"));
    char *after = support_read_file(path, &bytes);
    assert_memory_equal(before, after, bytes);
    assert_int_not_equal(access(support_path(support_scratch_folder(), "kept.new"), F_OK), 0);
    free(before);
    free(after);
    assert_int_equal(checkpoint_save("/nowhere/at/all", fingerprint, &place, &network, ""), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "/nowhere/at/all.new"));
}

static void test_a_half_written_file_of_a_killed_program_is_in_nobodys_way(void **state)
{
    (void)state;
    support_write_file(support_path(support_scratch_folder(), "again.new"), (char[300]){"TIDYCKPT"}, 300);
    struct arrays arrays = {0};
    struct checkpoint_position position;
    assert_int_equal(load(save("again"), &position, &arrays), 0);
}

static void test_the_fingerprint_depends_on_all_that_decides_values_and_on_nothing_else(void **state)
{
    (void)state;
    static const uint16_t labels[] = {1, 0, 2, 1}, other_labels[] = {1, 0, 2, 2};
    const struct tidylog_run run = {.samples = 4,
                                    .classes = 3,
                                    .batch_size = 2,
                                    .epochs = 5,
                                    .seed = 1,
                                    .shuffle = true,
                                    .detail = TIDYLOG_MARGIN,
                                    .labels = labels,
                                    .network = "small",
                                    .learning_rate = 0.05,
                                    .momentum = 0.9,
                                    .weight_decay = 0,
                                    .lr_schedule = "cosine",
                                    .height = 28,
                                    .width = 28,
                                    .channels = 1,
                                    .data_digest = "00112233445566778899aabbccddeeff",
                                    .started = "2024-05-31T12:00:00Z"};
    /* As the documentation spells it; the labels' hash and the text's come from the xxHash library. */
    char text[1024];
    int length = snprintf(text, sizeof text,
                          "started 2024-05-31T12:00:00Z\nseed 1\nsamples 4\nclasses 3\nbatch_size 2\nshuffle 1\n"
                          "detail margin\nlabels %016llx\nnetwork small\nlearning_rate 0.050000000000000003\n"
                          "momentum 0.90000000000000002\nweight_decay 0\nlr_schedule cosine\nresize 0\nheight 28\n"
                          "width 28\nchannels 1\ndata_digest 00112233445566778899aabbccddeeff\n",
                          (unsigned long long)XXH3_64bits(labels, sizeof labels));
    uint64_t expected = XXH3_64bits(text, (size_t)length);
    assert_int_equal(checkpoint_fingerprint(&run), expected);

    static const uint16_t parts[] = {0, 1, 0, 2}, other_parts[] = {0, 1, 2, 0};
    struct tidylog_run split = run;
    split.parts = parts;
    split.second_split = 3;
    snprintf(text + length, sizeof text - (size_t)length, "second_split 3\nparts %016llx\n",
             (unsigned long long)XXH3_64bits(parts, sizeof parts));
    assert_int_equal(checkpoint_fingerprint(&split), XXH3_64bits(text, strlen(text)));

    struct tidylog_run others[32];
    size_t count = 0;
#define OTHER(member, value) (others[count] = run, others[count].member = (value), count++)
    OTHER(samples, 3);
    OTHER(classes, 4);
    OTHER(batch_size, 3);
    OTHER(seed, 2);
    OTHER(shuffle, false);
    OTHER(detail, TIDYLOG_CLASS);
    OTHER(labels, other_labels);
    OTHER(network, "resnet18");
    OTHER(learning_rate, 0.05000000000000001);
    OTHER(momentum, 0.8);
    OTHER(weight_decay, 1e-4);
    OTHER(lr_schedule, "constant");
    OTHER(resize, 32);
    OTHER(height, 27);
    OTHER(width, 27);
    OTHER(channels, 3);
    OTHER(data_digest, NULL);
    OTHER(started, "2024-05-31T12:00:01Z");
    OTHER(parts, parts);
    others[count] = split;
    others[count++].second_split = 2;
    others[count] = split;
    others[count++].parts = other_parts;
    for (size_t i = 0; i < count; i++)
        if (checkpoint_fingerprint(&others[i]) == expected ||
            checkpoint_fingerprint(&others[i]) == checkpoint_fingerprint(&split))
            fail_msg("change %zu gives the same fingerprint", i);

    count = 0;
    OTHER(epochs, 6);
    OTHER(threads, 3);
    OTHER(truth, other_labels);
    OTHER(given, other_labels);
    OTHER(stop, "when-stable");
    OTHER(data, "/elsewhere");
    OTHER(machine, "another");
    OTHER(device, "cuda");
    OTHER(precision, "bf16");
    OTHER(deterministic, true);
    OTHER(command_line, "another");
    for (size_t i = 0; i < count; i++)
        assert_int_equal(checkpoint_fingerprint(&others[i]), expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_saved_loads_bit_for_bit),
        cmocka_unit_test(test_the_bytes_are_those_of_the_documentation),
        cmocka_unit_test(test_plans_stand_between_the_statistics_and_the_checksum),
        cmocka_unit_test(test_plans_come_back_with_and_without_the_state),
        cmocka_unit_test(test_where_there_are_no_plans_none_are_found),
        cmocka_unit_test(test_plans_of_another_run_are_refused),
        cmocka_unit_test(test_plans_have_a_bound),
        cmocka_unit_test(test_where_there_is_none_none_is_found),
        cmocka_unit_test(test_damage_of_any_byte_is_noticed),
        cmocka_unit_test(test_each_kind_of_damage_has_its_message),
        cmocka_unit_test(test_a_truncated_or_prolonged_file_is_refused),
        cmocka_unit_test(test_counts_that_no_file_can_have_are_refused),
        cmocka_unit_test(test_the_checkpoint_of_another_run_or_network_is_refused),
        cmocka_unit_test(test_a_save_that_fails_leaves_the_old_checkpoint),
        cmocka_unit_test(test_a_half_written_file_of_a_killed_program_is_in_nobodys_way),
        cmocka_unit_test(test_the_fingerprint_depends_on_all_that_decides_values_and_on_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
