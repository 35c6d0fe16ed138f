/* Names of a log's classes, for people. */
#ifndef TIDY_ANALYZE_CLASS_NAMES_H
#define TIDY_ANALYZE_CLASS_NAMES_H

#include "common/tidylog.h"

/* Of the file `path` (a line each), or where that is NULL, those that the log has; *out is NULL where it has none.
 * [tidylog_data_classes(run)] of them, in one block that the caller frees; "" for those that the log does not name.
 * Errors: class_names_read's. */
int class_names_of(const char *const **out, const struct tidylog_run *run, const char *path);

#endif
