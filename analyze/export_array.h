/* What a log holds of every epoch and sample, or of every sample, as one NumPy array. */
#ifndef TIDY_ANALYZE_EXPORT_ARRAY_H
#define TIDY_ANALYZE_EXPORT_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analyze/selection.h"
#include "common/tidylog.h"

/* What can be exported, ended by NULL. */
extern const char *const export_names[];

/* Is there one for each epoch? Labels are the same in all. */
bool export_is_of_epochs(size_t what);

/* Writes an NPY file to `out`, which can be sought in. Of labels: int32 [samples]; those trained on are -1 where a
 * sample is left out. Of all else the window's epochs, [epochs][samples] or, of probabilities,
 * [epochs][samples][classes]: int32 of predictions, float32 of what is real. A sample that an epoch presented twice
 * has its last values; one that it never presented has -1 or NaN. Keeps at most `block_bytes` (or one sample's) in
 * memory: where an epoch has more, the log is replayed once for each block of samples. what: an index of
 * export_names; `path` is for messages. Errors: detail not recorded, a truth that is not known, a
 * damaged step, a failed write. */
int export_array_write(FILE *out, struct tidylog_reader *reader, const char *path, size_t what,
                       struct window window, size_t block_bytes);

#endif
