/* Which part of a log counts, and how several runs become one: options that all commands with scores share. */
#ifndef TIDY_ANALYZE_SELECTION_H
#define TIDY_ANALYZE_SELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/options.h"
#include "common/tidylog.h"

/* How a score of several runs becomes one. */
enum over_runs {
    OVER_RUNS_MEAN,   /* the mean of values, and of what is ranked by */
    OVER_RUNS_WORST,  /* the run in which the sample is most suspicious */
    OVER_RUNS_TONEVA, /* the sum of forgetting events, never learned counting as all epochs (Toneva et al. 2019) */
};

/* As on the command line; all zero: every finished epoch, mean. */
struct selection {
    const char *epochs, *first, *last; /* NULL where not given */
    int over_runs;                     /* enum over_runs */
};

extern const char *const over_runs_names[];

/* Rows for a command_usage: which epochs; and over runs. */
#define WINDOW_OPTIONS(selection)                                                                                  \
    {.name = "epochs",                                                                                             \
     .kind = OPTION_TEXT,                                                                                          \
     .value = &(selection).epochs,                                                                                 \
     .argument = "A..B",                                                                                           \
     .help = "only what was predicted in these epochs, both included, from 0"},                                    \
        {.name = "first",                                                                                          \
         .kind = OPTION_TEXT,                                                                                      \
         .value = &(selection).first,                                                                              \
         .argument = "N",                                                                                          \
         .help = "only the first N epochs"},                                                                       \
    {                                                                                                              \
        .name = "last", .kind = OPTION_TEXT, .value = &(selection).last, .argument = "N",                          \
        .help = "only the last N finished epochs"                                                                  \
    }
#define SELECTION_OPTIONS(selection)                                                                               \
    WINDOW_OPTIONS(selection),                                                                                     \
    {                                                                                                              \
        .name = "over-runs", .kind = OPTION_CHOICE, .value = &(selection).over_runs, .argument = "HOW",            \
        .choices = over_runs_names, .help = "how the runs of a log that has several become one"                    \
    }

/* The row of a command that works on one run, a uint64_t. */
#define RUN_OPTION(run)                                                                                            \
    {                                                                                                              \
        .name = "run", .kind = OPTION_COUNT, .value = &(run), .argument = "N", .most = UINT32_MAX,                 \
        .help = "the run of a log that has several, from 0"                                                        \
    }

/* Are epochs chosen? */
bool selection_is_given(const struct selection *selection);

/* Epochs first .. end - 1 of a run. */
struct window {
    uint64_t first, end;
};

/* The window of the reader's selected run. `path` is for messages. Errors: no epoch is finished, the epochs are not
 * there, more than one option given, no numbers. */
int selection_window(struct window *out, const struct selection *selection, struct tidylog_reader *reader,
                     const char *path);

#endif
