/* Makes steps and epochs of predictions that another program made. */
#include "record/importer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/progress.h"
#include "kernels/kernels.h"

const char *const import_kind_names[IMPORT_KINDS] = {"logits", "probabilities", "predicted classes"};

const struct import_figures import_figures_unknown = {NAN, NAN, NAN, NAN};

/* How far a sum of probabilities may be from 1: half precision and a thousand classes come this near. */
#define SUM_TOLERANCE 0.01

enum { BLOCK_NUMBERS = 4 << 20 }; /* of all predictions of a step */

uint32_t import_width(enum import_kind kind, uint32_t classes)
{
    return kind == IMPORT_CLASSES ? 1 : classes;
}

uint32_t import_batch_size(uint64_t samples, uint32_t classes)
{
    uint32_t size = BLOCK_NUMBERS / classes < IMPORT_STEP_MOST ? BLOCK_NUMBERS / classes : IMPORT_STEP_MOST;
    return samples < size ? (uint32_t)samples : size;
}

int importer_create(struct importer *out, struct tidylog_writer *log)
{
    const struct tidylog_run *run = tidylog_writer_run(log);
    size_t batch = run->batch_size;
    *out = (struct importer){.log = log, .run = run, .samples = run->samples, .only_probabilities = true};
    int status = memory_allocate(&out->seen, run->samples, sizeof *out->seen, "the samples of an epoch");
    if (status == 0)
        status = memory_allocate(&out->logits, batch * run->classes, sizeof *out->logits, "a block of logits");
    if (status == 0)
        status = memory_allocate(&out->predicted, batch, sizeof *out->predicted, "a block of predictions");
    if (status == 0)
        status = memory_allocate(&out->margin, batch, sizeof *out->margin, "a block of margins");
    if (status == 0)
        status = memory_allocate(&out->log_odds, batch, sizeof *out->log_odds, "a block of log-odds");
    if (status == 0)
        status = memory_allocate(&out->loss, batch, sizeof *out->loss, "a block of losses");
    if (status == 0)
        status = memory_allocate(&out->whole, batch, sizeof *out->whole, "a block of classes");
    return status;
}

void importer_destroy(struct importer *importer)
{
    free(importer->whole);
    free(importer->loss);
    free(importer->log_odds);
    free(importer->margin);
    free(importer->predicted);
    free(importer->logits);
    free(importer->seen);
    *importer = (struct importer){0};
}

static int fail_sample(const struct import_block *block, uint32_t i, const char *what)
{
    return tidy_fail("%s: sample %" PRIu32 " in epoch %" PRIu64 ": %s", block->source, block->samples[i],
                     block->epoch, what);
}

/* ---- what the numbers mean ------------------------------------------------------------------------------ */

/* Turns a row of probabilities into their logarithms and finds the first largest: rounding a logarithm might make
 * two of them equal. */
static int take_probabilities(float *row, uint16_t *predicted, uint32_t classes, enum element type,
                              const struct import_block *block, uint32_t i)
{
    const float smallest = type == ELEMENT_F16 ? 0x1p-24f : 0x1p-149f;
    double sum = 0;
    uint32_t best = 0;
    for (uint32_t c = 0; c < classes; c++) {
        if (row[c] < 0)
            return fail_sample(block, i, "a probability is below 0; logits are imported with --logits");
        sum += (double)row[c];
        if (row[c] > row[best] || isnan(row[best]))
            best = c;
    }
    if (fabs(sum - 1) > SUM_TOLERANCE) { /* a NaN goes on, as a logit that is one does */
        char what[128];
        snprintf(what, sizeof what, "its probabilities sum to %.4g, not to 1; logits are imported with --logits",
                 sum);
        return fail_sample(block, i, what);
    }
    for (uint32_t c = 0; c < classes; c++)
        row[c] = row[c] == 0 ? logf(smallest) : logf(row[c]);
    *predicted = (uint16_t)best;
    return 0;
}

/* Are the numbers of a sample those that a softmax gives? */
static bool looks_like_probabilities(const float *row, uint32_t classes)
{
    double sum = 0;
    for (uint32_t c = 0; c < classes; c++) {
        if (!(row[c] >= 0))
            return false;
        sum += (double)row[c];
    }
    return fabs(sum - 1) <= SUM_TOLERANCE;
}

/* Everything that the log wants of logits or probabilities. */
static int compute(struct importer *importer, const struct import_block *block, const uint16_t *labels)
{
    uint32_t classes = importer->run->classes;
    for (uint32_t i = 0; i < block->count; i++)
        element_to_float(importer->logits + (size_t)i * classes, block->type, block->row[i], classes,
                         block->stride);
    uint16_t *first_largest = importer->predicted;
    for (uint32_t i = 0; i < block->count && importer->only_probabilities && block->kind == IMPORT_LOGITS; i++)
        importer->only_probabilities =
            classes > 1 && looks_like_probabilities(importer->logits + (size_t)i * classes, classes);
    if (block->kind == IMPORT_PROBABILITIES) {
        for (uint32_t i = 0; i < block->count; i++) {
            int status = take_probabilities(importer->logits + (size_t)i * classes, &first_largest[i], classes,
                                            block->type, block, i);
            if (status != 0)
                return status;
        }
    }
    uint16_t of_logits[IMPORT_STEP_MOST];
    softmax_cross_entropy(TENSOR_F32, NULL, block->kind == IMPORT_LOGITS ? importer->predicted : of_logits,
                          importer->margin, importer->log_odds, importer->loss, importer->logits, labels,
                          block->count, classes);
    return 0;
}

static int take_classes(struct importer *importer, const struct import_block *block)
{
    for (uint32_t i = 0; i < block->count; i++) {
        int32_t most = (int32_t)importer->run->classes - 1;
        if (element_to_whole(importer->whole + i, block->type, block->row[i], 1, 0, 0, most) == 0) {
            char number[32], what[128];
            snprintf(what, sizeof what, "predicted class %s; classes are 0 to %" PRId32 " (--classes)",
                     element_text(number, block->type, block->row[i]), most);
            return fail_sample(block, i, what);
        }
        importer->predicted[i] = (uint16_t)importer->whole[i];
    }
    return 0;
}

/* ---- steps and epochs ----------------------------------------------------------------------------------- */

static void count_step(struct importer *importer, const struct import_block *block, const uint16_t *labels)
{
    importer->predictions += block->count;
    for (uint32_t i = 0; i < block->count; i++) {
        uint32_t sample = block->samples[i];
        importer->right += importer->predicted[i] == labels[i];
        importer->again += importer->seen[sample];
        importer->seen[sample] = 1;
        if (block->kind != IMPORT_CLASSES && !isnan(importer->loss[i])) {
            importer->loss_sum += (double)importer->loss[i];
            importer->losses++;
        }
    }
}

int importer_add(struct importer *importer, const struct import_block *block)
{
    uint16_t labels[IMPORT_STEP_MOST];
    for (uint32_t i = 0; i < block->count; i++)
        labels[i] = importer->run->labels[block->samples[i]];
    int status = block->kind == IMPORT_CLASSES ? take_classes(importer, block) : compute(importer, block, labels);
    if (status != 0)
        return status;
    const struct tidylog_predictions predictions = {
        .count = block->count,
        .samples = block->samples,
        .predicted = importer->predicted,
        .margin = importer->margin,
        .log_odds = importer->log_odds,
        .logits = importer->logits,
    };
    status = tidylog_append_step(importer->log, importer->step, &predictions);
    if (status != 0)
        return status;
    importer->step++;
    count_step(importer, block, labels);
    return 0;
}

int importer_end_epoch(struct importer *importer, const struct import_figures *figures)
{
    const struct tidylog_run *run = importer->run;
    const struct tidylog_epoch epoch = {
        .epoch = importer->epoch,
        .loss = !isnan(figures->loss) ? figures->loss : importer->loss_sum / (double)importer->losses,
        .accuracy = (double)importer->right / (double)importer->predictions,
        .test_accuracy = figures->test_accuracy,
        .learning_rate = figures->learning_rate,
        .seconds = figures->seconds,
    };
    int status = tidylog_append_epoch(importer->log, &epoch);
    if (status != 0)
        return status;
    uint64_t absent = 0;
    for (uint64_t i = 0; i < run->samples; i++)
        absent += !importer->seen[i] && !tidylog_is_left_out(run, i);
    importer->repeats += importer->again;
    importer->repeat_epochs += importer->again > 0;
    importer->absent += absent;
    importer->absent_epochs += absent > 0;
    importer->total += importer->predictions;
    importer->epoch++;
    progress_update("epoch %" PRIu64 ": loss %.4g, accuracy %.4g", importer->epoch, epoch.loss, epoch.accuracy);

    importer->predictions = importer->right = importer->losses = importer->again = 0;
    importer->loss_sum = 0;
    memset(importer->seen, 0, run->samples);
    return 0;
}

void importer_report(const struct importer *importer, const char *path)
{
    char repeats[128] = "", absent[128] = "";
    if (importer->repeats > 0)
        snprintf(repeats, sizeof repeats,
                 "; in %" PRIu64 " of them samples were seen again, %" PRIu64 " predictions too many",
                 importer->repeat_epochs, importer->repeats);
    if (importer->absent > 0)
        snprintf(absent, sizeof absent,
                 "; in %" PRIu64 " of them samples were missing, %" PRIu64 " predictions in all",
                 importer->absent_epochs, importer->absent);
    progress_line("imported %" PRIu64 " epoch%s of %" PRIu64 " samples, %" PRIu64 " predictions, into %s%s%s",
                  importer->epoch, importer->epoch == 1 ? "" : "s", importer->samples, importer->total, path,
                  repeats, absent);
}
