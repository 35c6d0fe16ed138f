/* Whether the most suspicious samples still change: what `train --stop-when-stable` ends a recording by.
 *
 * All is read from the log, so that a run that was interrupted ends where one that was not would have. */
#ifndef TIDY_RECORD_STABILITY_H
#define TIDY_RECORD_STABILITY_H

#include <stdbool.h>

#include "common/tidylog.h"

struct stability;

/* For the log at `path`, which is being recorded, with that run; both outlive it. */
int stability_create(struct stability **out, const char *path, const struct tidylog_run *run);
void stability_destroy(struct stability *stability);

/* Replays the log's finished epochs that it has not seen. *stable: in each of the last 3 epochs at least 95% of the
 * suspects were those of the epoch before. Suspects are the 1% (at least 1) of the samples that are trained on with
 * their given label whose mean margin over the epochs so far is the lowest (where the log has margins; else those
 * wrongly predicted most often). All that was appended must be synced. Errors: as tidylog_open's and
 * tidylog_replay_next's. */
int stability_look(struct stability *stability, bool *stable);

#endif
