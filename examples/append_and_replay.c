/* A trainer appends what it predicts, step by step; a reader replays it. C or C++:
 * cc append_and_replay.c -o append_and_replay $(pkg-config --cflags --libs tidylog) */
#include <stdio.h>
#include <tidylog.h>

enum { SAMPLES = 6, CLASSES = 3, BATCH = 4, EPOCHS = 2 };

static const uint16_t labels[SAMPLES] = {0, 1, 2, 0, 1, 2};
static const uint32_t order[SAMPLES] = {3, 1, 5, 0, 4, 2}; /* in which samples are trained on: any will do */

/* The network here sees class 0 everywhere in the first epoch, and every label in the second. */
static int record(struct tidylog_writer *writer)
{
    int status = 0;
    for (uint64_t epoch = 0, step = 0; epoch < EPOCHS && status == 0; epoch++) {
        for (uint32_t first = 0; first < SAMPLES && status == 0; first += BATCH) {
            float logits[BATCH * CLASSES] = {0};
            uint16_t predicted[BATCH];
            uint32_t count = first + BATCH < SAMPLES ? (uint32_t)BATCH : SAMPLES - first;
            for (uint32_t i = 0; i < count; i++) {
                predicted[i] = epoch == 0 ? 0 : labels[order[first + i]];
                logits[i * CLASSES + predicted[i]] = 2;
            }
            struct tidylog_predictions made = {count, order + first, predicted, NULL, NULL, logits};
            status = tidylog_append_step(writer, step++, &made);
        }
        struct tidylog_epoch figures = {epoch, 0.5, 0.9, 0.8, 0.1, 1.5};
        status = status != 0 ? status : tidylog_append_epoch(writer, &figures);
    }
    return status;
}

static int replay(struct tidylog_reader *reader)
{
    struct tidylog_replay *steps = NULL;
    struct tidylog_observations seen;
    int more = tidylog_replay_begin(&steps, reader, 0, UINT64_MAX) == 0 ? 1 : -1;
    while (more == 1 && (more = tidylog_replay_next(steps, &seen)) == 1)
        for (uint32_t i = 0; i < seen.count; i++)
            printf("epoch %d sample %u label %u predicted %u loss %.4f\n", (int)seen.epoch, seen.samples[i],
                   seen.labels[i], seen.predicted[i], (double)seen.loss[i]);
    tidylog_replay_end(steps);
    return more;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "run.tidy";
    static struct tidylog_run run; /* all zero: not known */
    struct tidylog_writer *writer = NULL;
    struct tidylog_reader *reader = NULL;
    run.samples = SAMPLES, run.classes = CLASSES, run.batch_size = BATCH, run.epochs = EPOCHS;
    run.detail = TIDYLOG_FULL, run.labels = labels;
    bool done = tidylog_create(&writer, path, &run, false) == 0 && record(writer) == 0;
    done = tidylog_close(writer) == 0 && done && tidylog_open(&reader, path) == 0 && replay(reader) == 0;
    if (!done)
        fprintf(stderr, "%s\n", tidy_error_message());
    tidylog_close_reader(reader);
    return !done;
}
