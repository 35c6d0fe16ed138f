/* The images that a log is about, from its data set. */
#ifndef TIDY_ANALYZE_IMAGES_H
#define TIDY_ANALYZE_IMAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/dataset.h"
#include "common/tidylog.h"

struct images {
    struct dataset_pair set; /* set.train has them, by the log's sample index */
};

/* Does the log say where its images are? */
bool images_are_known(const struct tidylog_run *run);

/* Loads the data set at `path`, or where that is NULL, at the place that the log was recorded from. Freed with
 * images_close, also after a failure. Errors: the log does not know its place, it is not there, it is not the one
 * that the log was recorded from; `log` is for messages, which say that --data can name another place. */
int images_open(struct images *out, const struct tidylog_run *run, const char *path, const char *log);
void images_close(struct images *images);

/* The pixels of a sample's image: [height][width][channels]. */
const uint8_t *images_of(const struct images *images, uint64_t sample);

#endif
