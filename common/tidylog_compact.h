/* Compaction of a log that is being closed. Internal to the log. */
#ifndef TIDY_COMMON_TIDYLOG_COMPACT_H
#define TIDY_COMMON_TIDYLOG_COMPACT_H

#include "common/tidylog_store.h"

/* Puts a copy without free pages in the place of a log that is open for writing and has no transaction open,
 * where that makes it smaller by a sixteenth at least, and nobody reads it (who did would keep the old file's
 * pages in use). Its name is first the log's with ".compact" behind; what a killed process left there is written
 * over. Done without where there is no space, or the file is more than one name's. The store is then good for
 * store_close only. */
int store_compact(const struct store *store);

#endif
