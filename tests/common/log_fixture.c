/* A simulated training run. */
#include "tests/common/log_fixture.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lmdb.h>

#include "common/error.h"
#include "common/packing.h"
#include "common/tidylog_build.h"

#include "tests/support/support.h"

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

/* A number in [0, 1) that depends on all three. */
static double hash(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x = a * 0x9e3779b97f4a7c15u ^ b * 0xc2b2ae3d27d4eb4fu ^ c * 0x165667b19e3779f9u;
    for (int i = 0; i < 3; i++)
        x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
    return (double)(x >> 11) * 0x1p-53;
}

void log_fixture_create(struct log_fixture *fixture, uint32_t samples, uint32_t classes, uint32_t batch_size,
                        uint32_t epochs, enum tidylog_detail detail)
{
    *fixture = (struct log_fixture){.labels = allocate(samples, sizeof(uint16_t)),
                                    .truth = allocate(samples, sizeof(uint16_t)),
                                    .predicted = allocate(batch_size, sizeof(uint16_t)),
                                    .margin = allocate(batch_size, sizeof(float)),
                                    .log_odds = allocate(batch_size, sizeof(float)),
                                    .logits = allocate((size_t)batch_size * classes, sizeof(float))};
    for (uint32_t i = 0; i < samples; i++) {
        fixture->truth[i] = (uint16_t)(hash(i, 1, 1) * classes);
        fixture->labels[i] = fixture->truth[i];
        if (i % 100 == 50)
            fixture->labels[i] = (uint16_t)((fixture->truth[i] + 1u) % classes);
    }
    fixture->run = (struct tidylog_run){.samples = samples,
                                        .classes = classes,
                                        .batch_size = batch_size,
                                        .epochs = epochs,
                                        .seed = 20,
                                        .shuffle = true,
                                        .detail = detail,
                                        .labels = fixture->labels,
                                        .truth = fixture->truth,
                                        .network = "simulated",
                                        .learning_rate = 0.1,
                                        .momentum = 0.9,
                                        .weight_decay = 5e-4,
                                        .lr_schedule = "cosine",
                                        .noise = "every:100",
                                        .device = "cpu",
                                        .precision = "f32",
                                        .deterministic = true,
                                        .threads = 2,
                                        .height = 28,
                                        .width = 28,
                                        .channels = 1,
                                        .data = "/data/simulated",
                                        .data_name = "simulated",
                                        .data_digest = "0123456789abcdef0123456789abcdef",
                                        .command_line = "tidy-record train --net 'a b'",
                                        .started = "2024-05-01T12:00:00Z",
                                        .machine = "a machine",
                                        .versions = "tidy 0.1.0"};
    assert_int_equal(tidylog_order_create(&fixture->order, &fixture->run), 0);
}

void log_fixture_destroy(struct log_fixture *fixture)
{
    tidylog_order_destroy(fixture->order);
    free(fixture->logits);
    free(fixture->log_odds);
    free(fixture->margin);
    free(fixture->predicted);
    free(fixture->truth);
    free(fixture->labels);
}

/* Logits of one sample: noise of unit size, and a lead of the true class that grows over the epochs and differs
 * from sample to sample. */
static void simulate_logits(float *logits, const struct log_fixture *fixture, uint32_t sample, uint64_t epoch)
{
    double lead = 5 + 6 * (1 - exp(-(double)epoch / 2)) + 4 * hash(sample, 2, 2) - 3 * hash(sample, epoch, 3);
    for (uint32_t c = 0; c < fixture->run.classes; c++) {
        double uniform = hash(sample, epoch * 65536 + c, 4);
        double noise = 2 * (uniform - 0.5) / (0.2 + 2 * (uniform - uniform * uniform));
        logits[c] = (float)(noise + (c == fixture->truth[sample] ? lead : 0));
    }
}

/* Margin and log-odds by their definitions, in double. */
static void measure(struct log_fixture *fixture, uint32_t i, uint16_t label)
{
    const float *logits = fixture->logits + (size_t)i * fixture->run.classes;
    uint16_t best = 0;
    double other = -INFINITY, sum = 0;
    for (uint32_t c = 0; c < fixture->run.classes; c++) {
        if (logits[c] > logits[best])
            best = (uint16_t)c;
        if (c != label) {
            other = fmax(other, (double)logits[c]);
            sum += exp((double)logits[c] - (double)logits[label]);
        }
    }
    fixture->predicted[i] = best;
    fixture->margin[i] = (float)((double)logits[label] - other);
    fixture->log_odds[i] = (float)-log(sum);
}

struct tidylog_predictions log_fixture_step(struct log_fixture *fixture, uint64_t step)
{
    struct tidylog_due due;
    tidylog_order_step(fixture->order, step, &due);
    for (uint32_t i = 0; i < due.count; i++) {
        simulate_logits(fixture->logits + (size_t)i * fixture->run.classes, fixture, due.samples[i], due.epoch);
        measure(fixture, i, fixture->labels[due.samples[i]]);
    }
    return (struct tidylog_predictions){.count = due.count,
                                        .samples = due.samples,
                                        .predicted = fixture->predicted,
                                        .margin = fixture->margin,
                                        .log_odds = fixture->log_odds,
                                        .logits = fixture->logits};
}

struct tidylog_epoch log_fixture_epoch(uint64_t epoch)
{
    double e = (double)epoch;
    return (struct tidylog_epoch){.epoch = epoch,
                                  .loss = 1 / (e + 1),
                                  .accuracy = 1 - 0.3 / (e + 1),
                                  .test_accuracy = epoch % 2 == 0 ? 1 - 0.4 / (e + 1) : NAN,
                                  .learning_rate = 0.1 / 3,
                                  .seconds = 12.5 + e};
}

int log_fixture_append(struct log_fixture *fixture, struct tidylog_writer *writer, uint64_t first, uint64_t end)
{
    int status = 0;
    for (uint64_t step = first; step < end && status == 0; step++) {
        struct tidylog_due due;
        struct tidylog_predictions predictions = log_fixture_step(fixture, step);
        status = tidylog_append_step(writer, step, &predictions);
        tidylog_order_step(fixture->order, step, &due);
        if (status == 0 && step + 1 == tidylog_order_steps_before(fixture->order, due.epoch + 1)) {
            struct tidylog_epoch epoch = log_fixture_epoch(due.epoch);
            status = tidylog_append_epoch(writer, &epoch);
        }
    }
    return status;
}

void log_fixture_write(struct log_fixture *fixture, const char *path, uint64_t steps)
{
    struct tidylog_writer *writer;
    if (tidylog_create(&writer, path, &fixture->run, true) != 0)
        fail_msg("%s", tidy_error_message());
    assert_int_equal(log_fixture_append(fixture, writer, 0, steps), 0);
    assert_int_equal(tidylog_close(writer), 0);
}

/* Seals and puts a record whose body stands at value + RECORD_HEADER_BYTES. */
static void put_record(struct build *build, enum tidylog_table table, uint64_t number, uint8_t *value, size_t body,
                       uint32_t count)
{
    uint8_t name[NUMBER_KEY_BYTES];
    record_number_key(name, number);
    record_seal(value, RECORD_HEADER_BYTES + body, name, sizeof name, 0, count);
    const MDB_val key = {sizeof name, name}, sealed = {RECORD_HEADER_BYTES + body, value};
    assert_int_equal(build_put(build, table, &key, &sealed), 0);
}

void log_fixture_write_unpacked(struct log_fixture *fixture, const char *path, uint64_t steps)
{
    const struct tidylog_run *run = &fixture->run;
    uint8_t *value = allocate(1, RECORD_HEADER_BYTES + EPOCH_BODY_BYTES +
                                     packing_bound(run->batch_size, run->classes, run->detail));
    uint16_t *labels = allocate(run->batch_size, sizeof *labels);
    struct packing_levels levels;
    struct build build;
    packing_levels_fill(&levels, run->classes, run->codes.margin_scale != 0 ? run->codes : packing_codes_default);
    assert_int_equal(build_begin(&build, path, true), 0);
    assert_int_equal(build_add_run(&build), 0);
    assert_int_equal(build_put_run(&build, run), 0);
    for (uint64_t step = 0; step < steps; step++) {
        struct tidylog_predictions predictions = log_fixture_step(fixture, step);
        struct tidylog_due due;
        for (uint32_t i = 0; i < predictions.count; i++)
            labels[i] = run->labels[predictions.samples[i]];
        size_t body =
            packing_pack(value + RECORD_HEADER_BYTES, &predictions, labels, run->classes, run->detail, &levels);
        put_record(&build, TABLE_STEPS, step, value, body, predictions.count);
        tidylog_order_step(fixture->order, step, &due);
        if (step + 1 == tidylog_order_steps_before(fixture->order, due.epoch + 1)) {
            struct tidylog_epoch epoch = log_fixture_epoch(due.epoch);
            epoch_encode(value + RECORD_HEADER_BYTES, &epoch, step + 1);
            put_record(&build, TABLE_EPOCHS, due.epoch, value, EPOCH_BODY_BYTES, 1);
        }
    }
    assert_int_equal(build_end(&build, 0), 0);
    free(labels);
    free(value);
}

struct tidylog_reader *log_fixture_open(const char *path)
{
    struct tidylog_reader *reader;
    if (tidylog_open(&reader, path) != 0)
        fail_msg("%s", tidy_error_message());
    return reader;
}

uint64_t log_fixture_count_steps(struct tidylog_reader *reader)
{
    uint64_t steps;
    assert_int_equal(tidylog_reader_steps(reader, &steps), 0);
    return steps;
}

static void count_damage(const char *what, void *context)
{
    fprintf(stderr, "%s\n", what);
    ++*(int *)context;
}

uint64_t log_fixture_check_whole(const char *path)
{
    struct tidylog_reader *reader = log_fixture_open(path);
    uint64_t checked, steps;
    int damaged = 0;
    assert_int_equal(tidylog_verify(reader, count_damage, &damaged, &checked), 0);
    assert_int_equal(damaged, 0);
    steps = log_fixture_count_steps(reader);
    tidylog_close_reader(reader);
    return steps;
}

/* A transaction on one table of a closed log. */
static MDB_env *open_table(const char *path, const char *table, MDB_txn **txn, MDB_dbi *dbi)
{
    MDB_env *env;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0666), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, txn), 0);
    assert_int_equal(mdb_dbi_open(*txn, table, 0, dbi), 0);
    return env;
}

void log_fixture_copy_record(const char *from, const char *to, const char *table, const void *key_bytes,
                             size_t key_size)
{
    MDB_txn *from_txn, *to_txn;
    MDB_dbi from_dbi, to_dbi;
    MDB_env *from_env = open_table(from, table, &from_txn, &from_dbi),
            *to_env = open_table(to, table, &to_txn, &to_dbi);
    MDB_val key = {.mv_size = key_size, .mv_data = (void *)key_bytes}, value;
    assert_int_equal(mdb_get(from_txn, from_dbi, &key, &value), 0);
    assert_int_equal(mdb_put(to_txn, to_dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(to_txn), 0);
    mdb_txn_abort(from_txn);
    mdb_env_close(from_env);
    mdb_env_close(to_env);
}

void log_fixture_edit(const char *path, const char *table, const void *key_bytes, size_t key_size, size_t at,
                      int change)
{
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_env *env = open_table(path, table, &txn, &dbi);
    MDB_val key = {.mv_size = key_size, .mv_data = (void *)key_bytes}, value;
    assert_int_equal(mdb_get(txn, dbi, &key, &value), 0);
    uint8_t *copy = malloc(value.mv_size);
    assert_non_null(copy);
    memcpy(copy, value.mv_data, value.mv_size);
    assert_true(at < value.mv_size);
    copy[at] = (uint8_t)(copy[at] ^ change);
    value.mv_data = copy;
    if (change == 0)
        assert_int_equal(mdb_del(txn, dbi, &key, NULL), 0);
    else
        assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    free(copy);
}

char *log_fixture_folder(const char *name)
{
    char *folder = support_path(support_scratch_folder(), name);
    assert_int_equal(mkdir(folder, 0755), 0);
    return folder;
}

int log_fixture_count_files(const char *folder)
{
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    int count = -2; /* without . and .. */
    while (readdir(entries) != NULL)
        count++;
    closedir(entries);
    return count;
}

int log_fixture_run_child(int (*work)(void *argument), void *argument, unsigned user)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (user != 0 && (setgid(user) != 0 || setuid(user) != 0))
            _exit(99);
        _exit(work(argument));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void log_fixture_check_message(const char *path, const char *rest)
{
    const char *message = tidy_error_message();
    size_t length = strlen(path);
    if (strncmp(message, path, length) != 0 || strncmp(message + length, rest, strlen(rest)) != 0)
        fail_msg("'%s' is not '%s%s'", message, path, rest);
}
