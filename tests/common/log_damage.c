/* Damaged logs: bytes are changed at random places, and whatever comes of it, nothing may crash and no wrong data
 * may pass for right. Each damaged file is tried in a process of its own.
 *
 * usage: test-log_damage [ROUNDS [SEED]] */
#include "tests/common/log_fixture.h"
#include "tests/support/support.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "common/random.h"

enum {
    SAMPLES = 6000,
    BATCH = 128,
    EPOCHS = 3,
    STEPS_PER_EPOCH = 47,
    STEPS = EPOCHS * STEPS_PER_EPOCH,
    LISTED_STEP = 96,
    PAGE = 4096
};

enum { FIRST_EXIT_CODE = 100 };

static unsigned rounds = 150;
static uint64_t seed = 1;

/* The good log: its bytes, and what a replay of it gives. */
static struct {
    struct log_fixture fixture;
    const char *path;
    char *bytes;
    size_t size;
    uint16_t predicted[STEPS][BATCH];
    float loss[STEPS][BATCH];
} good;

static void keep_replay(void)
{
    struct tidylog_reader *reader;
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    assert_int_equal(tidylog_open(&reader, good.path), 0);
    assert_int_equal(tidylog_replay_begin(&replay, reader, 0, UINT64_MAX), 0);
    for (int step = 0; step < STEPS; step++) {
        assert_int_equal(tidylog_replay_next(replay, &seen), 1);
        memcpy(good.predicted[step], seen.predicted, seen.count * sizeof(uint16_t));
        memcpy(good.loss[step], seen.loss, seen.count * sizeof(float));
    }
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
}

/* Appends steps as the fixture does, but for one of the last epoch, which lists its samples backwards: so this
 * epoch is not packed. */
static int append(struct tidylog_writer *writer, uint64_t first, uint64_t end)
{
    int status = 0;
    for (uint64_t step = first; step < end && status == 0; step++) {
        if (step != LISTED_STEP) {
            status = log_fixture_append(&good.fixture, writer, step, step + 1);
            continue;
        }
        uint32_t backwards[BATCH];
        struct tidylog_predictions predictions = log_fixture_step(&good.fixture, step);
        for (uint32_t i = 0; i < predictions.count; i++)
            backwards[i] = predictions.samples[predictions.count - 1 - i];
        predictions.samples = backwards;
        status = tidylog_append_step(writer, step, &predictions);
    }
    return status;
}

static int create_good_log(void **state)
{
    (void)state;
    struct tidylog_writer *writer;
    struct tidylog_reader *reader;
    log_fixture_create(&good.fixture, SAMPLES, 10, BATCH, EPOCHS, TIDYLOG_MARGIN);
    good.path = support_path(support_scratch_folder(), "damaged.tidy");
    assert_int_equal(tidylog_create(&writer, good.path, &good.fixture.run, true), 0);
    /* Many commits, so that there are free pages too; and one cut. */
    for (uint64_t step = 0; step < STEPS; step++) {
        assert_int_equal(append(writer, step, step + 1), 0);
        assert_int_equal(tidylog_sync(writer), 0);
    }
    assert_int_equal(tidylog_cut(writer, STEPS - 60), 0);
    assert_int_equal(append(writer, STEPS - 60, STEPS), 0);
    /* Somebody reads, so that it is not compacted. */
    assert_int_equal(tidylog_open(&reader, good.path), 0);
    assert_int_equal(tidylog_close(writer), 0);
    tidylog_close_reader(reader);
    good.bytes = support_read_file(good.path, &good.size);
    keep_replay();
    return 0;
}

static int destroy_good_log(void **state)
{
    (void)state;
    free(good.bytes);
    log_fixture_destroy(&good.fixture);
    return 0;
}

/* ---- damage --------------------------------------------------------------------------------------------- */

/* A place in the file; half of the time near the start or the end of a page, where LMDB's own numbers stand. */
static size_t pick_place(struct random_stream *stream)
{
    size_t place = (size_t)random_below(stream, good.size - 8);
    size_t page = place / PAGE * PAGE;
    if (random_below(stream, 4) == 0)
        place = page + (size_t)random_below(stream, 48);
    else if (random_below(stream, 4) == 0)
        place = page + PAGE - 64 + (size_t)random_below(stream, 56);
    return place;
}

/* Damages the bytes. */
static void damage(char *bytes, uint64_t round)
{
    struct random_stream stream = random_open(seed, RANDOM_NOISE, round);
    size_t place = pick_place(&stream);
    uint64_t bits = random_bits(&stream);
    switch (random_below(&stream, 6)) {
    case 0: /* one bit */
        bytes[place] = (char)(bytes[place] ^ 1 << bits % 8);
        break;
    case 1: /* one byte */
        bytes[place] = (char)(bytes[place] ^ (char)(1 + bits % 255));
        break;
    case 2: /* a number */
        memcpy(bytes + place, &bits, 8);
        break;
    case 3: /* a small number, which may be a page's */
        bits %= good.size / PAGE + 2;
        memcpy(bytes + place / 8 * 8, &bits, 8);
        break;
    case 4: /* a sector of zeros */
        memset(bytes + place / 512 * 512, 0, 512);
        break;
    default: /* a page over another */
        memcpy(bytes + place / PAGE * PAGE, good.bytes + bits % (good.size / PAGE) * PAGE, PAGE);
        break;
    }
}

/* ---- what a process makes of it ------------------------------------------------------------------------- */

enum outcome {
    REFUSED,
    DAMAGE_FOUND,
    ALL_RIGHT,
    OLDER,
    FIRST_FAILURE,
    WRONG_DATA = FIRST_FAILURE,
    NOT_VERIFIED,
    CRASHED,
    OUTCOMES
};
static const char *const outcome_names[] = {
    "refused when opened", "damage found when read",           "nothing lost", "the snapshot before",
    "WRONG DATA",          "DAMAGE THAT verify DOES NOT FIND", "CRASHED"};

static bool same_run(const struct tidylog_run *a, const struct tidylog_run *b)
{
    return a->samples == b->samples && a->classes == b->classes && a->batch_size == b->batch_size &&
           a->epochs == b->epochs && a->seed == b->seed && a->shuffle == b->shuffle && a->detail == b->detail &&
           memcmp(a->labels, b->labels, SAMPLES * 2) == 0 && memcmp(a->truth, b->truth, SAMPLES * 2) == 0 &&
           strcmp(a->network, b->network) == 0 && a->learning_rate == b->learning_rate &&
           strcmp(a->command_line, b->command_line) == 0 && strcmp(a->versions, b->versions) == 0;
}

static bool same_step(const struct tidylog_observations *seen)
{
    return memcmp(seen->predicted, good.predicted[seen->step], seen->count * sizeof(uint16_t)) == 0 &&
           memcmp(seen->loss, good.loss[seen->step], seen->count * sizeof(float)) == 0;
}

static void count_line(const char *what, void *context)
{
    (void)what;
    ++*(unsigned *)context;
}

/* Opens, verifies and replays. */
static enum outcome read_damaged(void)
{
    struct tidylog_reader *reader;
    struct tidylog_replay *replay;
    struct tidylog_observations seen;
    uint64_t checked, epochs;
    unsigned damaged = 0;
    if (tidylog_open_to_verify(&reader, good.path) != 0)
        return REFUSED;
    bool verified = tidylog_verify(reader, count_line, &damaged, &checked) == 0 && damaged == 0;
    tidylog_close_reader(reader);
    if (tidylog_open(&reader, good.path) != 0)
        return verified ? NOT_VERIFIED : REFUSED;
    if (!same_run(tidylog_reader_run(reader), &good.fixture.run))
        return WRONG_DATA;
    const struct tidylog_epoch *epoch = tidylog_reader_epochs(reader, &epochs);
    for (uint64_t i = 0; i < epochs; i++) {
        struct tidylog_epoch expected = log_fixture_epoch(i);
        if (epoch[i].loss != expected.loss || epoch[i].seconds != expected.seconds)
            return WRONG_DATA;
    }
    uint64_t steps = 0;
    int more = tidylog_replay_begin(&replay, reader, 0, UINT64_MAX);
    while (more == 0 && (more = tidylog_replay_next(replay, &seen)) == 1) {
        if (seen.step != steps++ || !same_step(&seen))
            return WRONG_DATA;
        more = 0;
    }
    bool replayed = more == 0 && steps == epochs * STEPS_PER_EPOCH;
    tidylog_replay_end(replay);
    tidylog_close_reader(reader);
    if (verified && !replayed)
        return NOT_VERIFIED;
    return !replayed || !verified ? DAMAGE_FOUND : steps == STEPS ? ALL_RIGHT : OLDER;
}

/* Goes on recording into it. */
static enum outcome write_damaged(void)
{
    struct tidylog_writer *writer;
    if (tidylog_resume(&writer, good.path) != 0)
        return REFUSED;
    uint64_t from = 100;
    int status = tidylog_cut(writer, from);
    for (uint64_t step = from; step < STEPS && status == 0; step++) {
        status = append(writer, step, step + 1);
        if (status == 0 && step % 10 == 0)
            status = tidylog_sync(writer);
    }
    if (tidylog_close(writer) != 0 || status != 0)
        return DAMAGE_FOUND;
    return read_damaged();
}

static void test_damage_is_noticed_and_nothing_crashes(enum outcome (*work)(void))
{
    unsigned counts[OUTCOMES] = {0};
    const char *lock = support_path(support_scratch_folder(), "damaged.tidy-lock");
    char *bytes = malloc(good.size);
    assert_non_null(bytes);
    for (uint64_t round = 0; round < rounds; round++) {
        memcpy(bytes, good.bytes, good.size);
        damage(bytes, round);
        support_write_file(good.path, bytes, good.size);
        unlink(lock);
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            /* A crash must end the process, not the test: cmocka would go on with the next one. */
            static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL};
            for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
                signal(crashes[i], SIG_DFL);
            alarm(20);
            _exit(FIRST_EXIT_CODE + (int)work());
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        /* Anything else is a crash, a sanitizer's report included. */
        int code = WIFEXITED(status) ? WEXITSTATUS(status) - FIRST_EXIT_CODE : CRASHED;
        enum outcome outcome = code >= 0 && code < OUTCOMES ? (enum outcome)code : CRASHED;
        counts[outcome]++;
        if (outcome >= FIRST_FAILURE)
            print_message("round %u: %s\n", (unsigned)round, outcome_names[outcome]);
    }
    free(bytes);
    for (int i = 0; i < OUTCOMES; i++)
        print_message("%6u %s\n", counts[i], outcome_names[i]);
    for (int i = FIRST_FAILURE; i < OUTCOMES; i++)
        assert_int_equal(counts[i], 0);
    /* It was damage worth the name, and not all of it was fatal. */
    assert_true(counts[REFUSED] > rounds / 20 && counts[ALL_RIGHT] > rounds / 20);
}

static void test_reading_damaged_logs_never_crashes_and_never_gives_wrong_data(void **state)
{
    (void)state;
    test_damage_is_noticed_and_nothing_crashes(read_damaged);
}

static void test_writing_damaged_logs_never_crashes(void **state)
{
    (void)state;
    test_damage_is_noticed_and_nothing_crashes(write_damaged);
}

/* ---- a free list that lies ------------------------------------------------------------------------------ */

static uint64_t load(const char *at, size_t bytes)
{
    uint64_t number = 0;
    memcpy(&number, at, bytes);
    return number;
}

/* In a leaf of the tree of free pages, a page's number for one that is not free: between two neighbours of a
 * list, which falls. Returns false where there is none. Places are LMDB's: 16 bytes before the nodes' places, a
 * node's flags at 4, its key's size, 8, at 6, its key at 8, then the list: how many, and each. */
static bool spoil_free_list(char *page)
{
    uint64_t nodes = (load(page + 12, 2) - 16) / 2;
    for (uint64_t n = 0; n < nodes; n++) {
        char *node = page + load(page + 16 + n * 2, 2), *list = node + 16;
        for (uint64_t i = 1; load(node + 4, 2) == 0 && i < load(list, 8); i++) {
            uint64_t page_number = load(list + i * 8, 8), next = load(list + i * 8 + 8, 8);
            if (page_number > next + 1) {
                page_number--;
                memcpy(list + i * 8, &page_number, 8);
                return true;
            }
        }
    }
    return false;
}

static void test_a_free_list_that_names_a_page_in_use_stops_writing_but_not_reading(void **state)
{
    (void)state;
    /* Meta pages: the transaction's number at 16 + 128, the root of the free pages' tree at 16 + 24 + 40. */
    uint64_t newest = load(good.bytes + PAGE + 144, 8) > load(good.bytes + 144, 8);
    uint64_t root = load(good.bytes + newest * PAGE + 80, 8);
    assert_in_range(root, 2, good.size / PAGE - 1);
    char *bytes = malloc(good.size);
    assert_non_null(bytes);
    memcpy(bytes, good.bytes, good.size);
    assert_int_equal(load(bytes + root * PAGE + 10, 2), 2); /* a leaf */
    assert_true(spoil_free_list(bytes + root * PAGE));
    support_write_file(good.path, bytes, good.size);
    free(bytes);
    assert_int_equal(read_damaged(), ALL_RIGHT);
    struct tidylog_writer *writer;
    assert_int_equal(tidylog_resume(&writer, good.path), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), ": damaged: its structure is wrong at page "));
}

/* Raises the last byte of each key by which a branch says which page has what: whoever looks a key up then looks
 * into the page before it, and whoever goes through all keys sees nothing of it. */
static void test_a_branch_that_leads_to_the_wrong_page_is_noticed_when_all_is_verified(void **state)
{
    (void)state;
    unsigned noticed = 0;
    for (size_t page = 2 * PAGE; page < good.size; page += PAGE) {
        if (load(good.bytes + page + 10, 2) != 1) /* a branch */
            continue;
        uint64_t nodes = (load(good.bytes + page + 12, 2) - 16) / 2;
        for (uint64_t n = 1; n < nodes && nodes < PAGE / 8; n++) {
            size_t node = page + load(good.bytes + page + 16 + n * 2, 2),
                   key_bytes = load(good.bytes + node + 6, 2);
            char *bytes = malloc(good.size);
            assert_non_null(bytes);
            memcpy(bytes, good.bytes, good.size);
            bytes[node + 8 + key_bytes - 1]++;
            support_write_file(good.path, bytes, good.size);
            free(bytes);
            enum outcome outcome = read_damaged();
            /* Free pages may look like branches, too. */
            assert_true(outcome == REFUSED || outcome == DAMAGE_FOUND || outcome == ALL_RIGHT);
            noticed += outcome != ALL_RIGHT;
        }
    }
    assert_true(noticed > 2);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = (unsigned)atoi(argv[1]);
    if (argc > 2)
        seed = (uint64_t)atoll(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading_damaged_logs_never_crashes_and_never_gives_wrong_data),
        cmocka_unit_test(test_writing_damaged_logs_never_crashes),
        cmocka_unit_test(test_a_free_list_that_names_a_page_in_use_stops_writing_but_not_reading),
        cmocka_unit_test(test_a_branch_that_leads_to_the_wrong_page_is_noticed_when_all_is_verified),
    };
    return cmocka_run_group_tests(tests, create_good_log, destroy_good_log);
}
