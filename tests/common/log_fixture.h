/* A simulated training run for tests of the log: what it predicts at each step is known, and made again at will. */
#ifndef TIDY_TESTS_LOG_FIXTURE_H
#define TIDY_TESTS_LOG_FIXTURE_H

#include "common/tidylog.h"

struct log_fixture {
    struct tidylog_run run;
    struct tidylog_order *order;
    uint16_t *labels, *truth;
    /* One step's predictions. */
    uint16_t *predicted;
    float *margin, *log_odds, *logits;
};

/* A run of `samples` samples, 1% of them with a wrong label, that learns as a small network learns MNIST: 13% of
 * the predictions are wrong in the first epoch, 1% in the last. The test fails where there is no memory. */
void log_fixture_create(struct log_fixture *fixture, uint32_t samples, uint32_t classes, uint32_t batch_size,
                        uint32_t epochs, enum tidylog_detail detail);
void log_fixture_destroy(struct log_fixture *fixture);

/* Step `step`'s predictions, always the same; they live until the next call. */
struct tidylog_predictions log_fixture_step(struct log_fixture *fixture, uint64_t step);

/* The figures of an epoch, always the same. */
struct tidylog_epoch log_fixture_epoch(uint64_t epoch);

/* Appends the steps first..end-1, and each epoch's record after its last step. Returns what failed first. */
int log_fixture_append(struct log_fixture *fixture, struct tidylog_writer *writer, uint64_t first, uint64_t end);

/* ---- what the suites do with logs; the test fails where one of these does --------------------------------- */

/* Writes a whole log of the run's first `steps` steps, over an old one. */
void log_fixture_write(struct log_fixture *fixture, const char *path, uint64_t steps);

/* The same as a program made it that packed no epochs: all of it is steps. */
void log_fixture_write_unpacked(struct log_fixture *fixture, const char *path, uint64_t steps);

struct tidylog_reader *log_fixture_open(const char *path);

/* Steps of the log, with those of an unfinished epoch. */
uint64_t log_fixture_count_steps(struct tidylog_reader *reader);

/* Opens the log, verifies all of it, and returns how many steps it has. */
uint64_t log_fixture_check_whole(const char *path);

/* Changes one record of a closed log by LMDB alone: the value's byte `at` by XOR with `change`; 0 deletes the
 * record. */
void log_fixture_edit(const char *path, const char *table, const void *key_bytes, size_t key_size, size_t at,
                      int change);

/* Puts one record of a closed log into another one, by LMDB alone. */
void log_fixture_copy_record(const char *from, const char *to, const char *table, const void *key_bytes,
                             size_t key_size);

/* A new folder of that name in the scratch folder, and how many files one has. */
char *log_fixture_folder(const char *name);
int log_fixture_count_files(const char *folder);

/* Runs `work` in a process of its own, as the user `user` where that is not 0. Returns its exit code. */
int log_fixture_run_child(int (*work)(void *argument), void *argument, unsigned user);

/* The message of the last failure must start with the path and this. */
void log_fixture_check_message(const char *path, const char *rest);

#endif
