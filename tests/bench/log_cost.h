/* What the log costs a trainer, measured around its calls: time of the trainer's own thread in tidylog_append_*, and
 * processor time of the writer's thread, which packs and commits. */
#ifndef TIDY_TESTS_LOG_COST_H
#define TIDY_TESTS_LOG_COST_H

#include "common/tidylog.h"

struct log_cost {
    double append_seconds; /* of the trainer's thread, on the clock */
    double longest_append;
    double append_processor; /* the same in processor seconds */
    double writer_processor; /* of the writer's thread, and of all in log_cost_close */
    double close_seconds;    /* on the clock: sync and close, with what is packed there */
    int writer_task;         /* number of the writer's thread */
};

/* As tidylog_create, tidylog_append_step, tidylog_append_epoch and tidylog_close; `cost` is set to zero by the first.
 * Linux alone tells a thread's processor time from outside; elsewhere writer_processor is what closing took. */
int log_cost_create(struct log_cost *cost, struct tidylog_writer **out, const char *path,
                    const struct tidylog_run *run, bool force);
int log_cost_step(struct log_cost *cost, struct tidylog_writer *writer, uint64_t step,
                  const struct tidylog_predictions *predictions);
int log_cost_epoch(struct log_cost *cost, struct tidylog_writer *writer, const struct tidylog_epoch *epoch);
int log_cost_close(struct log_cost *cost, struct tidylog_writer *writer);

#endif
