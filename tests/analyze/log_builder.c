/* Writes logs the way a trainer does: step by step, through the writer. */
#include "log_builder.h"

#include <math.h>
#include <stdlib.h>

/* Room for one step's predictions. */
struct step {
    uint16_t *predicted;
    float *margin, *log_odds, *logits;
};

/* Fills place `i` of the step from the sample's logits: plain definitions, in double. A NaN among them makes margin
 * and log-odds NaN and the class that of the largest other. */
static void predict(struct step *step, uint32_t i, const float *logits, uint32_t classes, uint16_t label)
{
    uint32_t best = classes;
    double largest_other = -INFINITY, sum = 0;
    for (uint32_t c = 0; c < classes; c++) {
        step->logits[(size_t)i * classes + c] = logits[c];
        if (!isnan(logits[c]) && (best == classes || logits[c] > logits[best]))
            best = c;
        if (c != label)
            largest_other = isnan(logits[c]) ? NAN : fmax(largest_other, (double)logits[c]);
    }
    for (uint32_t c = 0; c < classes; c++)
        if (c != label)
            sum += exp((double)logits[c] - largest_other);
    step->predicted[i] = (uint16_t)(best == classes ? 0 : best);
    step->margin[i] = (float)((double)logits[label] - largest_other);
    step->log_odds[i] = (float)((double)logits[label] - largest_other - log(sum));
}

static int append_epochs(struct tidylog_writer *writer, struct tidylog_order *order, const struct tidylog_run *run,
                         const float *logits, uint64_t epochs, uint64_t extra_steps, struct step *room)
{
    uint64_t steps = tidylog_order_steps_before(order, epochs) + extra_steps;
    double loss = 0;
    uint64_t right = 0;
    for (uint64_t number = 0; number < steps; number++) {
        struct tidylog_due due;
        tidylog_order_step(order, number, &due);
        for (uint32_t i = 0; i < due.count; i++) {
            uint16_t label = run->labels[due.samples[i]];
            predict(room, i, logits + (due.epoch * run->samples + due.samples[i]) * run->classes, run->classes,
                    label);
            loss += log1p(exp(-(double)room->log_odds[i]));
            right += room->predicted[i] == label;
        }
        const struct tidylog_predictions predictions = {due.count,    due.samples,    room->predicted,
                                                        room->margin, room->log_odds, room->logits};
        int status = tidylog_append_step(writer, number, &predictions);
        if (status == 0 && number + 1 == tidylog_order_steps_before(order, due.epoch + 1)) {
            double share = (double)right / (double)run->samples;
            const struct tidylog_epoch record = {.epoch = due.epoch,
                                                 .loss = loss / (double)run->samples,
                                                 .accuracy = share,
                                                 .test_accuracy = 0.99 * share,
                                                 .learning_rate = run->learning_rate,
                                                 .seconds = 2};
            status = tidylog_append_epoch(writer, &record);
            loss = 0;
            right = 0;
        }
        if (status != 0)
            return status;
    }
    return 0;
}

int log_from_logits(const char *path, struct tidylog_run run, const float *logits, uint64_t epochs,
                    uint64_t extra_steps)
{
    struct tidylog_writer *writer = NULL;
    struct tidylog_order *order = NULL;
    struct step room = {
        .predicted = calloc(run.batch_size, sizeof(uint16_t)),
        .margin = calloc(run.batch_size, sizeof(float)),
        .log_odds = calloc(run.batch_size, sizeof(float)),
        .logits = calloc((size_t)run.batch_size * run.classes, sizeof(float)),
    };
    run.epochs = extra_steps > 0 ? epochs + 1 : epochs;
    int status = tidylog_create(&writer, path, &run, true);
    if (status == 0)
        status = tidylog_order_create(&order, &run);
    if (status == 0)
        status = append_epochs(writer, order, &run, logits, epochs, extra_steps, &room);
    tidylog_order_destroy(order);
    int closed = tidylog_close(writer);
    free(room.predicted);
    free(room.margin);
    free(room.log_odds);
    free(room.logits);
    return status != 0 ? status : closed;
}

int log_from_steps(const char *path, struct tidylog_run run, const struct log_step *steps, size_t count)
{
    struct tidylog_writer *writer = NULL;
    uint16_t predicted[LOG_STEP_ROOM];
    float margin[LOG_STEP_ROOM], log_odds[LOG_STEP_ROOM],
        *logits = calloc(LOG_STEP_ROOM * run.classes, sizeof *logits);
    float *one_hot = calloc(run.classes, sizeof *one_hot);
    struct step room = {predicted, margin, log_odds, logits};
    struct tidylog_epoch epoch = {0};
    run.batch_size = LOG_STEP_ROOM;
    for (size_t i = 0; i < count; i++)
        run.epochs += steps[i].ends_epoch;
    int status = logits == NULL || one_hot == NULL ? -1 : tidylog_create(&writer, path, &run, true);
    for (size_t number = 0; number < count && status == 0; number++) {
        const struct log_step *step = &steps[number];
        for (uint32_t i = 0; i < step->count; i++) {
            one_hot[step->predicted[i]] = 1;
            predict(&room, i, one_hot, run.classes, run.labels[step->samples[i]]);
            one_hot[step->predicted[i]] = 0;
        }
        status = tidylog_append_step(
            writer, number,
            &(struct tidylog_predictions){step->count, step->samples, predicted, margin, log_odds, logits});
        if (status == 0 && step->ends_epoch) {
            status = tidylog_append_epoch(writer, &epoch);
            epoch.epoch++;
        }
    }
    int closed = tidylog_close(writer);
    free(one_hot);
    free(logits);
    return status != 0 ? status : closed;
}

float *logits_from_classes(const struct tidylog_run *run, const uint16_t *predicted, uint64_t epochs)
{
    float *logits = calloc(epochs * run->samples * run->classes, sizeof *logits);
    for (size_t i = 0; logits != NULL && i < epochs * run->samples; i++)
        logits[i * run->classes + predicted[i]] = 1;
    return logits;
}

int log_from_classes(const char *path, struct tidylog_run run, const uint16_t *predicted, uint64_t epochs)
{
    float *logits = logits_from_classes(&run, predicted, epochs);
    int status = logits == NULL ? -1 : log_from_logits(path, run, logits, epochs, 0);
    free(logits);
    return status;
}
