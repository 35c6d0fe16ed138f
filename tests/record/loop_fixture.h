/* Runs of the loop on the fake backend, for the suites that test it. */
#ifndef TIDY_TESTS_RECORD_LOOP_FIXTURE_H
#define TIDY_TESTS_RECORD_LOOP_FIXTURE_H

#include "record/training.h"
#include "tests/record/fake_backend.h"

/* 50 samples in steps of 8: 7 steps an epoch, the last of 2; 4 epochs: 28 steps. */
enum { SAMPLES = 50, CLASSES = 5, BATCH = 8, STEPS_PER_EPOCH = 7, EPOCHS = 4, STEPS = 28, TEST_SAMPLES = 20 };

extern uint16_t loop_labels[SAMPLES], loop_test_labels[TEST_SAMPLES]; /* set by loop_plan */
extern const struct backend *loop_backend;                            /* fake_backend */
extern double loop_checkpoint_seconds;                                /* TRAINING_CHECKPOINT_SECONDS */

struct tidylog_run loop_plan(void);

/* A path for a log of this name, and its checkpoint's. */
const char *loop_log(const char *name);
const char *loop_checkpoint(const char *path);

/* Records into an open log and closes it. epochs: 0 = as planned, or where its run says to stop. */
int loop_train(struct tidylog_writer *log, const char *path, bool resumed, uint64_t epochs);
int loop_record(const char *path, const struct tidylog_run *run);
int loop_resume(const char *path, uint64_t epochs);

void loop_expect_same(const char *first, const char *second);

#endif
