/* The training loop: steps through a backend, every prediction into the log, checkpoints beside it. */
#ifndef TIDY_RECORD_TRAINING_H
#define TIDY_RECORD_TRAINING_H

#include <stdint.h>

#include "common/tidylog.h"
#include "record/backend.h"
#include "record/checkpoint.h"
#include "record/network.h"
#include "record/stability.h"

/* Seconds between two checkpoints within an epoch. */
#define TRAINING_CHECKPOINT_SECONDS 600.0

/* What a run trains with. Everything is the caller's and outlives the calls below. */
struct training {
    const struct backend *backend;
    struct trainer *trainer;
    struct network_state *state; /* the initial state; later what was last saved */
    struct tidylog_writer *log;  /* its run is the plan: labels, order, optimiser, epochs */
    const char *checkpoint_path;
    struct stability *stability;         /* ends the run where it says so; NULL: after the planned epochs */
    uint64_t test_samples;               /* 0: no test accuracy */
    double checkpoint_seconds;           /* TRAINING_CHECKPOINT_SECONDS */
    struct checkpoint_position position; /* set by training_start and training_restore, moved by training_run */
    uint64_t epoch;                      /* that position.step belongs to, from 0; set by training_run */
};

/* Learning rate of step `step` (from 0) of the `steps` that epoch `epoch` trains: constant, or cosine,
 * rate / 2 (1 + cos(pi t / T)) where the step is number t (from 0) of T (Loshchilov, Hutter 2017). A second split
 * starts anew: T is the number of steps that the epochs on one split train. */
double training_learning_rate(const struct tidylog_run *run, uint64_t epoch, uint64_t step, uint64_t steps);

/* The names that run->lr_schedule may have, ended by NULL. */
extern const char *const training_schedules[];

/* Loads training->state, the initial one, into the trainer: the run starts at step 0. */
int training_start(struct training *training);

/* Goes back to the checkpoint (to the initial state in training->state and step 0 where there is none): loads it
 * into the trainer and cuts the log back to its step. */
int training_restore(struct training *training);

/* Trains until the log has all its planned epochs, or until training->stability says that nothing changes any more;
 * then these are the planned ones. Prints a line an epoch, and progress on a terminal. After every step what was
 * predicted before its update goes into the log, and what the order says is to be classified alone; after every
 * epoch, every checkpoint_seconds, and before it returns TIDY_INTERRUPTED, the log is synced and the checkpoint
 * replaced. Errors: TIDY_INTERRUPTED where interruption_signal() became set; TIDY_FAILED where a step's loss is not
 * finite (the log keeps the steps before it) or the backend, the log or the checkpoint failed. */
int training_run(struct training *training);

#endif
