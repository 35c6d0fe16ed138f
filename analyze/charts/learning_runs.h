/* What the learning chart draws: epochs of one run or several. */
#ifndef TIDY_ANALYZE_CHARTS_LEARNING_RUNS_H
#define TIDY_ANALYZE_CHARTS_LEARNING_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analyze/charts/charts.h"

/* Columns of the data block $run<number>, counted as gnuplot does. All but the first two and the learning rate are
 * in percent. The last three are there where `apart`: the share of samples with a right label for which it was
 * predicted, of those with a wrong one the same, and of these the share for which the true class was. */
enum {
    LEARNING_EPOCHS = 1,
    LEARNING_LOSS,
    LEARNING_TRAINING,
    LEARNING_TEST,
    LEARNING_RATE,
    LEARNING_RIGHT,
    LEARNING_REPEATED,
    LEARNING_SEEN_THROUGH,
    LEARNING_COLUMNS
};

struct learning_run {
    char name[256];                /* short: "run 1", or the log's */
    double ends[LEARNING_COLUMNS]; /* the last values that are numbers; NaN: none is */
};

struct learning {
    struct learning_run *runs; /* [count] */
    size_t count;
    bool apart;                 /* one run, of which the truth is known: right and wrong labels have columns */
    uint64_t epochs;            /* of the longest run */
    bool has[LEARNING_COLUMNS]; /* is any value a number? */
    double least[LEARNING_COLUMNS], most[LEARNING_COLUMNS]; /* of these */
};

/* Writes the data blocks of all runs of all the chart's logs, $run<n> and $rate<n>, the corners of the learning
 * rate's steps, from 1 on, and fills *learning, whose runs the caller frees, also after a failure. Errors: a run
 * without a finished epoch, damage. */
int learning_runs_write(FILE *out, struct learning *learning, const struct chart *chart);

#endif
