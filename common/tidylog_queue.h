/* Records on their way from the trainer to the writer thread. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_QUEUE_H
#define TIDY_COMMON_TIDYLOG_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/tidylog_format.h"

/* One record; `value` has room for `bytes` bytes. Made by malloc, in a list of which each is freed by free. */
struct queued {
    struct queued *next;
    enum tidylog_table table;
    uint64_t number;
    size_t bytes;
    uint8_t value[];
};

struct queue; /* with the thread that empties it */

/* What the thread calls with a list of records to commit them all, synced: 0 or TIDY_FAILED with a message (of the
 * thread). After the first failure it is not called again. */
typedef int queue_commit(void *context, const struct queued *first);

/* What the thread calls where nothing is to be committed, at first and after each commit until *more is false: a
 * piece of work that commits have to wait for. 0 or TIDY_FAILED, which is as a commit's. */
typedef int queue_work(void *context, bool *more);

int queue_create(struct queue **out, queue_commit *commit, queue_work *work, void *context);

/* Takes over `record`, also on failure. Waits only while too much is queued. Returns 0, or TIDY_FAILED with the
 * message of the commit that failed. */
int queue_add(struct queue *queue, struct queued *record);

/* Returns once all that was added is committed, or a commit failed. */
int queue_flush(struct queue *queue);

/* Flushes, and returns once there is no more work either: the thread then sleeps until something is added. */
int queue_settle(struct queue *queue);

/* Settles, ends the thread and frees. NULL is allowed. */
int queue_destroy(struct queue *queue);

#endif
