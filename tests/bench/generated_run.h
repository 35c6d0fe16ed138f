/* A training run that never was: predictions of any number of samples, classes and epochs that move as a real
 * run's do, for measuring at sizes that nobody trains for a benchmark.
 *
 * What a sample's true class has over its rival in epoch e is, with t = e + 1/2,
 *     limit g(t) - behind (1 - g(t)) + scale(t) (wander + shift of the class in the epoch)
 *     g(t) = (1 - (1 - first) / (1 + t / half)) (1 - held_back sqrt(rate(t)))
 * where rate is the learning rate's cosine from 1 to 0, limit is drawn once (normal), wander is an AR(1) process over
 * the epochs, and scale falls and wander grows steadier as rate falls. Below 0 the rival is predicted, which mostly stays the same, and mostly is one
 * of two classes that the true class is taken for. A wrong label is a third class in that race: it starts behind,
 * and what is learnt by heart brings it forward late. The log-odds are the margin less what the other classes add.
 *
 * Everything is a function of (seed, sample, epoch), not of the order or of who asks. */
#ifndef TIDY_TESTS_GENERATED_RUN_H
#define TIDY_TESTS_GENERATED_RUN_H

#include "common/tidylog.h"
#include "tests/bench/log_cost.h"

/* How the samples of a kind of data move. */
struct learning {
    const char *name;
    double mean, deviation;           /* of limit */
    double behind;                    /* what the true class lacks before anything is learnt */
    double first, half;               /* of g: its start, and the epochs after which half of the rest is learnt */
    double held_back;                 /* share of what is learnt that shows only once the learning rate is small */
    double scale_first, scale_last;   /* of wander, in logits, at the run's start and end */
    double growth;                    /* of scale with |limit| */
    double memory, memory_last;       /* correlation of wander with that of the epoch before, at start and end */
    double shift;                     /* deviation of the shift */
    double rival_stays;               /* probability that the rival is the epoch before's */
    double rival_first, rival_second; /* that it is the true class's first or second rival, where it is drawn */
    double handicap, by_heart; /* of a wrong label: its start, and what it has gained in the end, on average */
    double rest, rest_wander;  /* of margin less log-odds: mean, and deviation from epoch to epoch */
};

/* The kinds: "fashion-mnist" as TIDY's own network learns it in 20 epochs, and "imagenet" as a ResNet-50 learns it in
 * 90, ended by a row without a name. */
extern const struct learning generated_learnings[];

struct generated_run;

/* `run` says samples, classes, batch size, epochs, seed, detail and order; its labels and truth are
 * made here: a share `noise` of the labels is wrong. */
int generated_run_create(struct generated_run **out, const struct tidylog_run *run, const struct learning *learning,
                         double noise);
void generated_run_destroy(struct generated_run *generated);

/* With labels and truth, for tidylog_create; lives as long as the generated run. */
const struct tidylog_run *generated_run_description(const struct generated_run *generated);

/* The next step's predictions, from step 0 on; true where it is its epoch's last, whose record is then in *epoch.
 * Arrays live until the next call. */
bool generated_run_next(struct generated_run *generated, struct tidylog_predictions *out,
                        struct tidylog_epoch *epoch);

/* Writes the whole run into a new log, and says what that cost. Errors: as tidylog_create's and tidylog_append_step's. */
int generated_run_write(struct generated_run *generated, const char *path, bool force, struct log_cost *cost);

#endif
