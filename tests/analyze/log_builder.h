/* Logs for tests, made from the logits of every epoch. */
#ifndef TIDY_TESTS_LOG_BUILDER_H
#define TIDY_TESTS_LOG_BUILDER_H

#include "common/tidylog.h"

/* Writes a log at `path` (replacing what is there) of `epochs` finished epochs and `extra_steps` steps of one more.
 * run: samples, classes, batch_size, seed, shuffle, detail, labels, truth and what else is to be in it; epochs
 * planned are set to epochs + 1 where there are extra steps, else to epochs.
 * logits is [epochs, one more where there are extra steps][samples][classes]. What is predicted is computed here
 * in double. Returns 0 or a tidy_error. */
int log_from_logits(const char *path, struct tidylog_run run, const float *logits, uint64_t epochs,
                    uint64_t extra_steps);

/* A step that is not what the order derives. */
enum { LOG_STEP_ROOM = 8 };
struct log_step {
    uint32_t count;
    uint32_t samples[LOG_STEP_ROOM];
    uint16_t predicted[LOG_STEP_ROOM]; /* its logit is 1, the others 0 */
    bool ends_epoch;
};

/* Writes a log of these steps, whose last one ends an epoch; run.batch_size and epochs are set. */
int log_from_steps(const char *path, struct tidylog_run run, const struct log_step *steps, size_t count);

/* The same as log_from_logits from predicted classes [epochs][samples]: the predicted class's logit is 1, the
 * others 0. */
int log_from_classes(const char *path, struct tidylog_run run, const uint16_t *predicted, uint64_t epochs);

/* The logits of log_from_classes. Freed by the caller; NULL: no memory. */
float *logits_from_classes(const struct tidylog_run *run, const uint16_t *predicted, uint64_t epochs);

#endif
