/* A new log's file, made whole before it appears. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_CREATE_H
#define TIDY_COMMON_TIDYLOG_CREATE_H

#include "common/tidylog_store.h"

/* Makes the log's file at `path` with its tables and what the run is, and opens it for writing, locked. On
 * success the caller ends with store_close. */
int store_create(struct store *store, const char *path, const struct tidylog_run *run, bool force);

#endif
