/* The training loop. Within an epoch steps are submitted ahead as far as the backend allows; at the ends of epochs
 * and for checkpoints all submitted steps are collected first. */
#include "record/training.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/progress.h"
#include "record/interruption.h"

const char *const training_schedules[] = {"constant", "cosine", NULL};

double training_learning_rate(const struct tidylog_run *run, uint64_t epoch, uint64_t step, uint64_t steps)
{
    if (strcmp(run->lr_schedule, "constant") == 0)
        return run->learning_rate;
    bool second = run->second_split > 0 && epoch >= run->second_split;
    uint64_t first = second ? run->second_split : 0;
    uint64_t end = run->second_split > 0 && !second ? run->second_split : run->epochs;
    double done = (double)((epoch - first) * steps + step), total = (double)((end - first) * steps);
    return run->learning_rate / 2 * (1 + cos(M_PI * done / total));
}

int training_start(struct training *training)
{
    training->position = (struct checkpoint_position){0};
    return training->backend->load(training->trainer, training->state);
}

int training_restore(struct training *training)
{
    const struct tidylog_run *run = tidylog_writer_run(training->log);
    bool found;
    training->position = (struct checkpoint_position){0};
    int status = checkpoint_load(training->checkpoint_path, checkpoint_fingerprint(run), &training->position,
                                 training->state, &found);
    if (status == 0)
        status = training->backend->load(training->trainer, training->state);
    if (status == 0)
        status = tidylog_cut(training->log, training->position.step);
    return status;
}

/* What the loop keeps beside the position. */
struct loop {
    struct training *training;
    const struct tidylog_run *run;
    struct tidylog_order *order;
    uint16_t *labels; /* [batch_size] of the step that is being submitted */
    uint64_t fingerprint;
    uint64_t total_steps;
    uint64_t epoch_start, trained_end, epoch_end; /* steps of training->epoch: from, to the last trained one, to */
    uint64_t submitted;                           /* steps handed to the backend, counted as position.step */
    uint64_t first_step;                          /* of this program's run: speed is measured from there */
    uint64_t images;                              /* since then */
    double clock;                                 /* when position.seconds was last brought up to date */
    double last_checkpoint;
    double step_seconds; /* of all steps since first_step */
    double test_seconds; /* of the last evaluation */
};

static struct checkpoint_position *position(struct loop *loop)
{
    return &loop->training->position;
}

/* Finds the steps of training->epoch: those that train come first. */
static void enter_epoch(struct loop *loop)
{
    uint64_t epoch = loop->training->epoch, trained = tidylog_order_trained(loop->order, epoch);
    loop->epoch_start = tidylog_order_steps_before(loop->order, epoch);
    loop->epoch_end = tidylog_order_steps_before(loop->order, epoch + 1);
    loop->trained_end = loop->epoch_start + (trained + loop->run->batch_size - 1) / loop->run->batch_size;
}

static double learning_rate(const struct loop *loop, uint64_t step)
{
    return training_learning_rate(loop->run, loop->training->epoch, step - loop->epoch_start,
                                  loop->trained_end - loop->epoch_start);
}

/* Adds the time since the last call to the epoch's seconds, and returns it. */
static double take_seconds(struct loop *loop)
{
    double now = progress_seconds(), passed = now - loop->clock;
    loop->clock = now;
    position(loop)->seconds += passed;
    return passed;
}

/* Asks for a step's samples; their labels are in loop->labels. */
static struct tidylog_due find_due(struct loop *loop, uint64_t step)
{
    struct tidylog_due due;
    tidylog_order_step(loop->order, step, &due);
    for (uint32_t i = 0; i < due.count; i++)
        loop->labels[i] = loop->run->labels[due.samples[i]];
    return due;
}

static int submit_step(struct loop *loop)
{
    const struct training *training = loop->training;
    struct tidylog_due due = find_due(loop, loop->submitted);
    double rate = learning_rate(loop, loop->submitted);
    loop->submitted++;
    return training->backend->step(training->trainer, due.samples, loop->labels, due.count, (float)rate);
}

/* Writes into the log what step position.step gave; an epoch's means are over what it trained. */
static int log_step(struct loop *loop, const struct step_result *result, bool trained)
{
    struct checkpoint_position *at = position(loop);
    const struct tidylog_predictions *predictions = &result->predictions;
    double loss_sum = 0;
    uint64_t correct = 0;
    for (uint32_t i = 0; i < predictions->count; i++) {
        loss_sum += (double)result->loss[i];
        correct += predictions->predicted[i] == loop->run->labels[predictions->samples[i]];
    }
    if (!isfinite(loss_sum))
        return tidy_fail("the loss is not a number in epoch %" PRIu64 ", step %" PRIu64
                         ": lower --lr (the log keeps the steps before it)",
                         loop->training->epoch + 1, at->step);
    int status = tidylog_append_step(loop->training->log, at->step, predictions);
    if (status != 0)
        return status;
    at->step++;
    loop->images += predictions->count;
    if (trained) {
        at->loss_sum += loss_sum;
        at->correct += correct;
    }
    return 0;
}

static int collect_step(struct loop *loop)
{
    const struct training *training = loop->training;
    struct step_result result;
    int status = training->backend->collect(training->trainer, &result);
    return status == 0 ? log_step(loop, &result, true) : status;
}

/* Classifies the samples of a step that trains nothing. */
static int predict_step(struct loop *loop)
{
    const struct training *training = loop->training;
    struct step_result result;
    struct tidylog_due due = find_due(loop, loop->submitted++);
    int status = training->backend->predict(training->trainer, due.samples, loop->labels, due.count, &result);
    return status == 0 ? log_step(loop, &result, false) : status;
}

/* Steps ahead end with the epoch's training, as what follows is classified by the network that it leaves. */
static int next_step(struct loop *loop)
{
    const struct training *training = loop->training;
    uint64_t step = training->position.step;
    if (step >= loop->trained_end)
        return predict_step(loop);
    int status = 0;
    while (status == 0 && loop->submitted < loop->trained_end &&
           loop->submitted - step < training->backend->steps_ahead)
        status = submit_step(loop);
    return status == 0 ? collect_step(loop) : status;
}

/* Collects what was submitted, so that the trainer's state is that of position.step. */
static int collect_all(struct loop *loop)
{
    int status = 0;
    while (status == 0 && position(loop)->step < loop->submitted)
        status = collect_step(loop);
    return status;
}

/* Nothing may be uncollected. What is saved depends on the log, so the log goes to disk first. */
static int save_checkpoint(struct loop *loop)
{
    struct training *training = loop->training;
    int status = tidylog_sync(training->log);
    if (status == 0)
        status = training->backend->save(training->trainer, training->state);
    if (status == 0)
        status = checkpoint_save(training->checkpoint_path, loop->fingerprint, position(loop), training->state,
                                 training->backend->plans(training->trainer));
    take_seconds(loop);
    loop->last_checkpoint = progress_seconds();
    return status;
}

/* Seconds until the run's end, judged by the steps since the program started: there was at least one. */
static double seconds_left(const struct loop *loop, uint64_t tests)
{
    uint64_t done = loop->training->position.step;
    return loop->step_seconds / (double)(done - loop->first_step) * (double)(loop->total_steps - done) +
           loop->test_seconds * (double)tests;
}

static double images_per_second(const struct loop *loop)
{
    return loop->step_seconds > 0 ? (double)loop->images / loop->step_seconds : 0;
}

static void show_progress(struct loop *loop)
{
    const struct checkpoint_position *at = position(loop);
    uint64_t epoch = loop->training->epoch, trained = tidylog_order_trained(loop->order, epoch);
    uint64_t images = (at->step - loop->epoch_start) * loop->run->batch_size;
    double seen = (double)(images < trained ? images : trained);
    char left[24];
    /* The speed comes last: on 80 columns the line's end may be cut. */
    progress_update("epoch %" PRIu64 "/%" PRIu64 ", step %" PRIu64
                    ", loss %.3g, accuracy %.3f, %s left, %.0f images/s",
                    epoch + 1, loop->run->epochs, at->step, at->loss_sum / seen, (double)at->correct / seen,
                    progress_duration(left, seconds_left(loop, loop->run->epochs - epoch)),
                    images_per_second(loop));
}

static int test_accuracy(struct loop *loop, double *accuracy)
{
    const struct training *training = loop->training;
    *accuracy = NAN;
    if (training->test_samples == 0)
        return 0;
    uint64_t correct;
    int status = training->backend->evaluate(training->trainer, &correct);
    loop->test_seconds = take_seconds(loop);
    *accuracy = (double)correct / (double)training->test_samples;
    return status;
}

static void say_epoch(const struct loop *loop, const struct tidylog_epoch *record)
{
    const struct training *training = loop->training;
    char test[48] = "", took[24], left[24], more[40] = "";
    if (training->test_samples > 0)
        snprintf(test, sizeof test, ", test accuracy %.4f", record->test_accuracy);
    if (training->position.step < loop->total_steps)
        snprintf(more, sizeof more, ", %s left",
                 progress_duration(left, seconds_left(loop, loop->run->epochs - record->epoch - 1)));
    progress_line("epoch %" PRIu64 "/%" PRIu64 ": loss %.4g, accuracy %.4f%s, lr %.3g, %s (%.0f images/s)%s",
                  record->epoch + 1, loop->run->epochs, record->loss, record->accuracy, test, record->learning_rate,
                  progress_duration(took, record->seconds), images_per_second(loop), more);
}

/* Ends the run with the epochs that it has where its suspects are stable. */
static int look_at_stability(struct loop *loop)
{
    struct training *training = loop->training;
    bool stable;
    int status = tidylog_sync(training->log);
    if (status == 0)
        status = stability_look(training->stability, &stable);
    if (status != 0 || !stable || training->epoch == loop->run->epochs)
        return status;
    loop->total_steps = training->position.step;
    progress_line("the most suspicious samples no longer change: ended after epoch %" PRIu64 " of %" PRIu64,
                  training->epoch, loop->run->epochs);
    return tidylog_set_epochs(training->log, training->epoch);
}

static int finish_epoch(struct loop *loop)
{
    struct training *training = loop->training;
    struct checkpoint_position *at = position(loop);
    double trained = (double)tidylog_order_trained(loop->order, training->epoch);
    struct tidylog_epoch record = {
        .epoch = training->epoch,
        .loss = at->loss_sum / trained,
        .accuracy = (double)at->correct / trained,
        .learning_rate = learning_rate(loop, loop->trained_end - 1),
    };
    int status = test_accuracy(loop, &record.test_accuracy);
    if (status != 0)
        return status;
    record.seconds = at->seconds;
    status = tidylog_append_epoch(training->log, &record);
    if (status != 0)
        return status;
    *at = (struct checkpoint_position){.step = at->step};
    say_epoch(loop, &record);
    training->epoch++;
    enter_epoch(loop);
    if (training->stability != NULL)
        status = look_at_stability(loop);
    return status == 0 ? save_checkpoint(loop) : status;
}

/* One epoch, or what is left of it. */
static int train_epoch(struct loop *loop)
{
    const struct training *training = loop->training;
    const struct checkpoint_position *at = position(loop);
    while (at->step < loop->epoch_end) {
        int status = next_step(loop);
        if (status != 0)
            return status;
        loop->step_seconds += take_seconds(loop);
        show_progress(loop);

        bool interrupted = interruption_signal() != 0;
        if (!interrupted && loop->clock - loop->last_checkpoint < training->checkpoint_seconds)
            continue;
        status = collect_all(loop);
        if (status == 0 && at->step < loop->epoch_end) {
            /* At the epoch's end the checkpoint has to come after the epoch's record. */
            status = save_checkpoint(loop);
            if (status == 0 && interrupted)
                status = TIDY_INTERRUPTED;
        }
        if (status != 0)
            return status;
    }
    return finish_epoch(loop);
}

int training_run(struct training *training)
{
    const struct tidylog_run *run = tidylog_writer_run(training->log);
    struct loop loop = {
        .training = training,
        .run = run,
        .fingerprint = checkpoint_fingerprint(run),
        .submitted = training->position.step,
        .first_step = training->position.step,
        .clock = progress_seconds(),
        .last_checkpoint = progress_seconds(),
    };
    int status = memory_allocate(&loop.labels, run->batch_size, sizeof *loop.labels, "a step's labels");
    if (status == 0)
        status = tidylog_order_create(&loop.order, run);
    if (status == 0) {
        struct tidylog_due due;
        tidylog_order_step(loop.order, training->position.step, &due);
        training->epoch = due.epoch;
        loop.total_steps = tidylog_order_steps_before(loop.order, run->epochs);
        enter_epoch(&loop);
    }
    while (status == 0 && training->position.step < loop.total_steps) {
        status = train_epoch(&loop);
        if (status == 0 && interruption_signal() != 0 && training->position.step < loop.total_steps)
            status = TIDY_INTERRUPTED;
    }
    progress_clear();
    tidylog_order_destroy(loop.order);
    free(loop.labels);
    return status;
}
