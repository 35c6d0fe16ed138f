/* What every import shares: predictions that another program made become steps and epochs of a log. */
#ifndef TIDY_RECORD_IMPORTER_H
#define TIDY_RECORD_IMPORTER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/element.h"
#include "common/tidylog.h"

/* What another program says of each prediction. */
enum import_kind { IMPORT_LOGITS, IMPORT_PROBABILITIES, IMPORT_CLASSES, IMPORT_KINDS };

/* "logits", "probabilities", "predicted classes". */
extern const char *const import_kind_names[IMPORT_KINDS];

/* Classes that can be imported: a label of all ones stands for a sample that is left out. */
enum { IMPORT_MOST_CLASSES = 65535 };

/* No step has more predictions than this: two records of margin detail fill a page of 4 KiB. */
enum { IMPORT_STEP_MOST = 768 };

/* Numbers of each prediction: `classes`, or 1 for IMPORT_CLASSES. */
uint32_t import_width(enum import_kind kind, uint32_t classes);

/* The most predictions of a run's step: IMPORT_STEP_MOST, but fewer where there are so many classes that a block
 * of them would take much memory. */
uint32_t import_batch_size(uint64_t samples, uint32_t classes);

/* An epoch's figures that only the other program knows; NaN where it does not say. */
struct import_figures {
    double loss; /* NaN: the mean of the predictions' */
    double test_accuracy, learning_rate, seconds;
};
extern const struct import_figures import_figures_unknown;

struct importer {
    struct tidylog_writer *log;    /* not owned */
    const struct tidylog_run *run; /* the log's */
    uint64_t samples;
    uint64_t epoch, step; /* that come next */

    /* Of the epoch in progress. */
    uint64_t predictions, right, losses;
    double loss_sum;
    uint8_t *seen;  /* [samples] */
    uint64_t again; /* predictions for samples that were in the epoch before */

    bool only_probabilities; /* all that came as logits were numbers that a softmax gives */

    /* Of all finished epochs: for the report. */
    uint64_t total;           /* predictions */
    uint64_t repeats, absent; /* predictions too many, and too few */
    uint64_t repeat_epochs, absent_epochs;

    /* A block of predictions, [batch_size]. */
    float *logits; /* [batch_size][classes] */
    uint16_t *predicted;
    float *margin, *log_odds, *loss;
    int32_t *whole;
};

/* For a new log of a run with import_batch_size. Freed with importer_destroy, also after a failure. */
int importer_create(struct importer *out, struct tidylog_writer *log);
void importer_destroy(struct importer *importer);

/* Where a block's numbers are, and what messages call it. */
struct import_block {
    enum import_kind kind;
    enum element type;
    uint32_t count;            /* 1 to the log's batch size */
    const uint32_t *samples;   /* [count] */
    const uint8_t *const *row; /* [count] the first number of each prediction */
    uint64_t stride;           /* bytes from one number of a prediction to its next */
    const char *source;        /* a file's name, or what else the message begins with */
    uint64_t epoch;            /* as the source counts */
};

/* Makes a step of a block; the labels are the log's. What is stored is what training would have stored of the same
 * logits: kernels/softmax_cross_entropy.c computes both. The logits of probabilities are their logarithms, where
 * a 0 counts as the smallest positive number of its type (2^-24 of float16, else 2^-149).
 * Errors: probabilities below 0 or whose sum is not about 1, a predicted class that is none (the message says which
 * sample); as tidylog_append_step's. */
int importer_add(struct importer *importer, const struct import_block *block);

/* Ends the epoch in progress, which has predictions. */
int importer_end_epoch(struct importer *importer, const struct import_figures *figures);

/* One line on stderr of what was imported into `path`, and of what was not as an epoch is. The log may be
 * closed. */
void importer_report(const struct importer *importer, const char *path);

#endif
