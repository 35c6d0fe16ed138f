/* Reads two logs side by side through the library that tidy-analyze reads with. */
#include "tests/support/log_compare.h"

#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/tidylog.h"

static int same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int same_labels(const uint16_t *a, const uint16_t *b, uint64_t samples)
{
    return a == NULL || b == NULL ? a == b : memcmp(a, b, samples * sizeof *a) == 0;
}

static const char *compare_runs(const struct tidylog_run *a, const struct tidylog_run *b)
{
#define NUMBER(member)                                                                                             \
    if (a->member != b->member)                                                                                    \
        return #member;
#define TEXT(member)                                                                                               \
    if (!same_text(a->member, b->member))                                                                          \
        return #member;
    NUMBER(samples)
    NUMBER(classes)
    NUMBER(batch_size)
    NUMBER(epochs)
    NUMBER(seed)
    NUMBER(shuffle)
    NUMBER(detail)
    NUMBER(codes.margin_scale)
    NUMBER(codes.log_odds_density)
    NUMBER(second_split)
    NUMBER(learning_rate)
    NUMBER(momentum)
    NUMBER(weight_decay)
    NUMBER(deterministic)
    NUMBER(threads)
    NUMBER(resize)
    NUMBER(height)
    NUMBER(width)
    NUMBER(channels)
    TEXT(network)
    TEXT(lr_schedule)
    TEXT(probes)
    TEXT(noise)
    TEXT(stop)
    TEXT(device)
    TEXT(precision)
    TEXT(data)
    TEXT(data_name)
    TEXT(data_digest)
    TEXT(machine)
    TEXT(versions)
#undef NUMBER
#undef TEXT
    if (!same_labels(a->labels, b->labels, a->samples))
        return "labels";
    if (!same_labels(a->truth, b->truth, a->samples))
        return "truth";
    if (!same_labels(a->given, b->given, a->samples))
        return "given";
    if (!same_labels(a->parts, b->parts, a->samples))
        return "parts";
    return NULL;
}

static int same_bits(const void *a, const void *b, size_t bytes)
{
    return a == NULL || b == NULL ? a == b : memcmp(a, b, bytes) == 0;
}

static const char *compare_epochs(const struct tidylog_epoch *a, const struct tidylog_epoch *b)
{
    return a->epoch != b->epoch                                                        ? "number"
           : !same_bits(&a->loss, &b->loss, sizeof a->loss)                            ? "loss"
           : !same_bits(&a->accuracy, &b->accuracy, sizeof a->accuracy)                ? "accuracy"
           : !same_bits(&a->test_accuracy, &b->test_accuracy, sizeof a->test_accuracy) ? "test accuracy"
           : !same_bits(&a->learning_rate, &b->learning_rate, sizeof a->learning_rate) ? "learning rate"
                                                                                       : NULL;
}

static const char *compare_steps(const struct tidylog_observations *a, const struct tidylog_observations *b,
                                 uint32_t classes)
{
    size_t count = a->count;
    return a->step != b->step || a->epoch != b->epoch || a->count != b->count || a->evaluated != b->evaluated
               ? "number or size"
           : !same_bits(a->samples, b->samples, count * sizeof *a->samples)                 ? "samples"
           : !same_bits(a->labels, b->labels, count * sizeof *a->labels)                    ? "labels"
           : !same_bits(a->predicted, b->predicted, count * sizeof *a->predicted)           ? "predicted classes"
           : !same_bits(a->margin, b->margin, count * sizeof *a->margin)                    ? "margins"
           : !same_bits(a->loss, b->loss, count * sizeof *a->loss)                          ? "losses"
           : !same_bits(a->confidence, b->confidence, count * sizeof *a->confidence)        ? "confidences"
           : !same_bits(a->log_probs, b->log_probs, count * classes * sizeof *a->log_probs) ? "log-probabilities"
                                                                                            : NULL;
}

static int differ(char *text, size_t size, const char *what, unsigned long long number, const char *part)
{
    snprintf(text, size, "%s %llu: different %s", what, number, part);
    return 1;
}

static int compare_replays(struct tidylog_replay *a, struct tidylog_replay *b, uint32_t classes, char *text,
                           size_t size)
{
    for (;;) {
        struct tidylog_observations left, right;
        int more = tidylog_replay_next(a, &left), more_right = tidylog_replay_next(b, &right);
        if (more < 0 || more_right < 0) {
            snprintf(text, size, "%s", tidy_error_message());
            return -1;
        }
        if (more != more_right)
            return differ(text, size, "one log ends; step", more ? left.step : right.step, "length");
        if (more == 0)
            return 0;
        const char *part = compare_steps(&left, &right, classes);
        if (part != NULL)
            return differ(text, size, "step", left.step, part);
    }
}

static int compare_readers(struct tidylog_reader *a, struct tidylog_reader *b, char *text, size_t size)
{
    const struct tidylog_run *run = tidylog_reader_run(a);
    const char *part = compare_runs(run, tidylog_reader_run(b));
    if (part != NULL)
        return differ(text, size, "run", 0, part);
    uint64_t count, count_b;
    const struct tidylog_epoch *epochs = tidylog_reader_epochs(a, &count);
    const struct tidylog_epoch *epochs_b = tidylog_reader_epochs(b, &count_b);
    if (count != count_b)
        return differ(text, size, "epochs", count, "count");
    for (uint64_t i = 0; i < count; i++)
        if ((part = compare_epochs(&epochs[i], &epochs_b[i])) != NULL)
            return differ(text, size, "epoch", i, part);

    struct tidylog_replay *replay = NULL, *replay_b = NULL;
    int status = tidylog_replay_begin(&replay, a, 0, UINT64_MAX);
    if (status == 0)
        status = tidylog_replay_begin(&replay_b, b, 0, UINT64_MAX);
    if (status == 0)
        status = compare_replays(replay, replay_b, run->classes, text, size);
    else
        snprintf(text, size, "%s", tidy_error_message());
    tidylog_replay_end(replay);
    tidylog_replay_end(replay_b);
    return status;
}

int log_compare(const char *first, const char *second, char *text, size_t size)
{
    struct tidylog_reader *a = NULL, *b = NULL;
    text[0] = 0;
    int status = tidylog_open(&a, first);
    if (status == 0)
        status = tidylog_open(&b, second);
    if (status == 0)
        status = compare_readers(a, b, text, size);
    else
        snprintf(text, size, "%s", tidy_error_message());
    tidylog_close_reader(b);
    tidylog_close_reader(a);
    return status;
}
