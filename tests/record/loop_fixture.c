/* Runs of the loop on the fake backend, and their logs. */
#include "tests/record/loop_fixture.h"

#include "tests/support/support.h"

#include <stdio.h>

#include "common/error.h"
#include "record/interruption.h"
#include "record/stability.h"
#include "tests/support/log_compare.h"

uint16_t loop_labels[SAMPLES], loop_test_labels[TEST_SAMPLES];
const struct backend *loop_backend = &fake_backend;
double loop_checkpoint_seconds = TRAINING_CHECKPOINT_SECONDS;

struct tidylog_run loop_plan(void)
{
    for (size_t i = 0; i < SAMPLES; i++)
        loop_labels[i] = (uint16_t)(i * i % CLASSES);
    for (size_t i = 0; i < TEST_SAMPLES; i++)
        loop_test_labels[i] = (uint16_t)(i * i % CLASSES);
    return (struct tidylog_run){.samples = SAMPLES,
                                .classes = CLASSES,
                                .batch_size = BATCH,
                                .epochs = EPOCHS,
                                .seed = 7,
                                .shuffle = true,
                                .detail = TIDYLOG_FULL,
                                .labels = loop_labels,
                                .network = "table",
                                .learning_rate = 0.5,
                                .momentum = 0.9,
                                .lr_schedule = "cosine",
                                .started = "2024-05-31T12:00:00Z"};
}

const char *loop_log(const char *name)
{
    return support_path(support_scratch_folder(), name);
}

const char *loop_checkpoint(const char *path)
{
    static char text[512];
    snprintf(text, sizeof text, "%s.ckpt", path);
    return text;
}

int loop_train(struct tidylog_writer *log, const char *path, bool resumed, uint64_t epochs)
{
    const struct tidylog_run *run = tidylog_writer_run(log);
    struct network network = {.classes = run->classes};
    struct dataset images = {.samples = SAMPLES};
    struct dataset test = {.samples = TEST_SAMPLES, .labels = loop_test_labels};
    struct network_state state;
    fake_state_create(&state, run->classes, run->seed);
    struct trainer_config config = {.network = &network,
                                    .train = &images,
                                    .test = &test,
                                    .batch_size = BATCH,
                                    .epoch_samples = {SAMPLES},
                                    .threads = 1,
                                    .momentum = (float)run->momentum};
    struct training training = {.backend = loop_backend,
                                .state = &state,
                                .log = log,
                                .checkpoint_path = loop_checkpoint(path),
                                .test_samples = TEST_SAMPLES,
                                .checkpoint_seconds = loop_checkpoint_seconds};
    assert_int_equal(loop_backend->create(&training.trainer, &config), 0);
    interruption_watch();
    int status = resumed ? training_restore(&training) : training_start(&training);
    if (status == 0 && run->stop != NULL && epochs == 0)
        status = stability_create(&training.stability, path, run);
    if (status == 0 && epochs > 0)
        status = tidylog_set_epochs(log, epochs);
    if (status == 0)
        status = training_run(&training);
    loop_backend->destroy(training.trainer);
    fake_state_destroy(&state);
    stability_destroy(training.stability);
    int closed = tidylog_close(log);
    return status != 0 ? status : closed;
}

int loop_record(const char *path, const struct tidylog_run *run)
{
    struct tidylog_writer *log;
    if (tidylog_create(&log, path, run, true) != 0)
        fail_msg("%s", tidy_error_message());
    return loop_train(log, path, false, 0);
}

int loop_resume(const char *path, uint64_t epochs)
{
    struct tidylog_writer *log;
    if (tidylog_resume(&log, path) != 0)
        fail_msg("%s", tidy_error_message());
    return loop_train(log, path, true, epochs);
}

void loop_expect_same(const char *first, const char *second)
{
    char text[512];
    if (log_compare(first, second, text, sizeof text) != 0)
        fail_msg("%s", text);
}
