/* Verification: every record that is damaged, impossible or missing is named, and nothing else. */
#include "tests/common/log_fixture.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lmdb.h>
#include <xxhash.h>

#include "common/error.h"

enum { SAMPLES = 1000, CLASSES = 10, BATCH = 128, EPOCHS = 3, STEPS_PER_EPOCH = 8, STEPS = 24 };

static void create_fixture(struct log_fixture *fixture, enum tidylog_detail detail)
{
    log_fixture_create(fixture, SAMPLES, CLASSES, BATCH, EPOCHS, detail);
}

/* A new log of the run's first steps, none of them packed, in the scratch folder. */
static const char *write_log(struct log_fixture *fixture, const char *name, uint64_t steps)
{
    const char *path = support_path(support_scratch_folder(), name);
    log_fixture_write_unpacked(fixture, path, steps);
    return path;
}

/* Lines of damage, joined by '|'. */
static void collect(const char *what, void *context)
{
    char *text = context;
    strcat(strcat(text, what), "|");
}

static void check_damage(const char *path, const char *expected, uint64_t expected_checked)
{
    struct tidylog_reader *reader;
    char found[4096] = "";
    uint64_t checked;
    if (tidylog_open_to_verify(&reader, path) != 0)
        fail_msg("%s", tidy_error_message());
    assert_int_equal(tidylog_verify(reader, collect, found, &checked), 0);
    tidylog_close_reader(reader);
    assert_string_equal(found, expected);
    assert_int_equal(checked, expected_checked);
}

static void edit_step(const char *path, uint8_t step, size_t at, int change)
{
    uint8_t key[8] = {0, 0, 0, 0, 0, 0, 0, step};
    log_fixture_edit(path, "steps", key, 8, at, change);
}

/* Records of a log's description, `codes` of margins included, and of a whole log; of other details one less. */
enum { META_RECORDS = 32, ALL_RECORDS = META_RECORDS + STEPS + EPOCHS };

static void test_a_good_log_verifies(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    check_damage(write_log(&fixture, "good.tidy", STEPS), "", ALL_RECORDS);
    check_damage(write_log(&fixture, "good.tidy", 11), "", META_RECORDS + 11 + 1);
    log_fixture_destroy(&fixture);
}

/* Logs of before there was a choice of precision. */
static void test_a_log_that_says_nothing_of_precision_is_whole(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    const char *path = write_log(&fixture, "older.tidy", STEPS);
    log_fixture_edit(path, "meta", "precision", 9, 0, 0);
    log_fixture_edit(path, "meta", "deterministic", 13, 0, 0);
    check_damage(path, "", ALL_RECORDS - 2);
    struct tidylog_reader *reader;
    assert_int_equal(tidylog_open(&reader, path), 0);
    assert_null(tidylog_reader_run(reader)->precision);
    assert_false(tidylog_reader_run(reader)->deterministic);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

static void test_every_damaged_record_is_named(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    const char *path = write_log(&fixture, "damaged.tidy", STEPS);
    edit_step(path, 4, 100, 0x10); /* body */
    edit_step(path, 9, 3, 0x01);   /* checksum */
    edit_step(path, 20, 12, 0x80); /* count */
    uint8_t key[8] = {0, 0, 0, 0, 0, 0, 0, 1};
    log_fixture_edit(path, "epochs", key, 8, 30, 0x01);
    log_fixture_edit(path, "meta", "machine", 7, 18, 0x01);
    check_damage(path,
                 "meta 'machine': checksum mismatch (damaged value)|"
                 "epoch 1: checksum mismatch (damaged value)|"
                 "step 4: checksum mismatch (damaged value)|"
                 "step 9: checksum mismatch (damaged value)|"
                 "step 20: checksum mismatch (damaged value)|",
                 ALL_RECORDS);
    log_fixture_destroy(&fixture);
}

static void test_missing_steps_are_named(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_CLASS);
    const char *path = write_log(&fixture, "gaps.tidy", STEPS);
    edit_step(path, 3, 0, 0);
    edit_step(path, 10, 0, 0);
    edit_step(path, 11, 0, 0);
    edit_step(path, 12, 0, 0);
    edit_step(path, 23, 0, 0);
    check_damage(
        path,
        "step 3: missing|step 10: missing, as are all up to 12|step 23: missing, as is the rest of its epoch|",
        ALL_RECORDS - 1 - 5);
    struct tidylog_reader *reader = log_fixture_open(path);
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, 1), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tidylog_replay_next(replay, &seen), 1);
    assert_int_equal(tidylog_replay_next(replay, &seen), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "step 3: missing"));
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_resume(&writer, path), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "steps are missing"));
    log_fixture_destroy(&fixture);
}

static void test_a_damaged_step_is_named_on_replay_and_those_before_it_are_given(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_MARGIN);
    const char *path = write_log(&fixture, "replay-damage.tidy", STEPS);
    edit_step(path, 13, 40, 0x04);
    struct tidylog_reader *reader = log_fixture_open(path);
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, UINT64_MAX), 0);
    for (uint64_t step = 0; step < 13; step++) {
        assert_int_equal(tidylog_replay_next(replay, &seen), 1);
        struct tidylog_predictions expected = log_fixture_step(&fixture, step);
        assert_memory_equal(seen.predicted, expected.predicted, seen.count * sizeof(uint16_t));
    }
    assert_int_equal(tidylog_replay_next(replay, &seen), TIDY_FAILED);
    char expected[512];
    snprintf(expected, sizeof expected,
             "%s: step 13: checksum mismatch (damaged value); 'tidy-analyze verify %s' lists all damage", path,
             path);
    assert_string_equal(tidy_error_message(), expected);
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
    log_fixture_destroy(&fixture);
}

/* Changes a byte of a step's value and gives it the checksum that it then has. */
static void edit_sealed_step(const char *path, uint8_t step, size_t at, int change)
{
    uint8_t key_bytes[8] = {0, 0, 0, 0, 0, 0, 0, step}, bytes[4096];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val key = {8, key_bytes}, value;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0666), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "steps", 0, &dbi), 0);
    assert_int_equal(mdb_get(txn, dbi, &key, &value), 0);
    assert_true(value.mv_size <= sizeof bytes);
    /* The key in place of the checksum, which is of the key and of what follows. */
    memcpy(bytes, value.mv_data, value.mv_size);
    bytes[at] = (uint8_t)(bytes[at] ^ change);
    memcpy(bytes, key_bytes, 8);
    uint64_t checksum = XXH3_64bits(bytes, value.mv_size);
    memcpy(bytes, &checksum, 8);
    value.mv_data = bytes;
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void test_records_that_are_whole_but_impossible_are_named(void **state)
{
    (void)state;
    static const struct {
        enum tidylog_detail detail;
        size_t at;
        int change;
        const char *expected;
    } rows[] = {
        {TIDYLOG_MARGIN, 8, 1, "step 5: written by a newer version of TIDY: update this one to read it|"},
        {TIDYLOG_MARGIN, 8, 2, "step 5: its header is not possible (damaged value)|"},
        {TIDYLOG_MARGIN, 10, 1, "step 5: its header is not possible (damaged value)|"},
        {TIDYLOG_MARGIN, 9, 2, "step 5: it has a flag that this version does not know|"},
        {TIDYLOG_MARGIN, 12, 1, "step 5: its number of predictions is not what is due there (damaged value)|"},
        {TIDYLOG_MARGIN, 9, 1, "step 5: its number of predictions is not possible (damaged value)|"},
        {TIDYLOG_PROBS, 9, 1, "step 5: it lists a sample that does not exist (damaged value)|"},
    };
    struct log_fixture fixture;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        create_fixture(&fixture, rows[i].detail);
        const char *path = write_log(&fixture, "impossible-step.tidy", STEPS);
        uint64_t records = rows[i].detail == TIDYLOG_MARGIN ? ALL_RECORDS : ALL_RECORDS - 1;
        edit_sealed_step(path, 5, 0, 0);
        check_damage(path, "", records);
        edit_sealed_step(path, 5, rows[i].at, rows[i].change);
        check_damage(path, rows[i].expected, records);
        log_fixture_destroy(&fixture);
    }
}

static void test_a_damaged_name_is_not_taken_for_an_unknown_one(void **state)
{
    (void)state;
    struct log_fixture fixture;
    create_fixture(&fixture, TIDYLOG_CLASS);
    const char *path = write_log(&fixture, "name.tidy", STEPS);
    size_t bytes;
    char *file = support_read_file(path, &bytes);
    for (char *at = file; (at = memmem(at, bytes - (size_t)(at - file), "truth", 5)) != NULL;)
        at[2] = 'o';
    support_write_file(path, file, bytes);
    free(file);
    struct tidylog_reader *reader;
    assert_int_equal(tidylog_open(&reader, path), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "meta 'troth': checksum mismatch (damaged value)"));
    check_damage(path, "meta 'troth': checksum mismatch (damaged value)|", ALL_RECORDS - 1);
    log_fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_log_verifies),
        cmocka_unit_test(test_a_log_that_says_nothing_of_precision_is_whole),
        cmocka_unit_test(test_every_damaged_record_is_named),
        cmocka_unit_test(test_records_that_are_whole_but_impossible_are_named),
        cmocka_unit_test(test_a_damaged_name_is_not_taken_for_an_unknown_one),
        cmocka_unit_test(test_missing_steps_are_named),
        cmocka_unit_test(test_a_damaged_step_is_named_on_replay_and_those_before_it_are_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
