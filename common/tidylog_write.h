/* A writer's insides. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_WRITE_H
#define TIDY_COMMON_TIDYLOG_WRITE_H

#include <pthread.h>

#include "common/packing.h"
#include "common/tidylog_commit.h"
#include "common/tidylog_pack.h"
#include "common/tidylog_queue.h"

struct tidylog_writer {
    struct store store;
    struct tidylog_run run;
    struct tidylog_order *order;
    uint16_t *labels;             /* of the step being packed */
    struct packing_levels levels; /* TIDYLOG_MARGIN only */
    uint64_t steps;               /* appended so far, whether or not committed yet */
    uint64_t epochs;              /* the same */
    uint64_t epoch_start;         /* the first step after them */
    uint8_t *seen;                /* [samples] was it in a step? */
    struct queue *queue;
    struct committer committer;
    /* Of the thread, or of its caller while it sleeps. */
    uint64_t kept_steps; /* on disk */
    struct packer *packer;

    pthread_mutex_t labels_mutex; /* of changes to run.labels */
    bool labels_changed;          /* and not taken yet by a commit */
};

#endif
