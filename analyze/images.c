#include "analyze/images.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"

bool images_are_known(const struct tidylog_run *run)
{
    return run->data != NULL;
}

/* Is it what the log was recorded from? An imported log says no more of that than its number of samples. */
static int check(const struct dataset *set, const struct tidylog_run *run, const char *path, const char *log)
{
    if (run->data_digest != NULL && strcmp(set->digest, run->data_digest) != 0)
        return tidy_fail(
            "%s: is not the data set that %s was recorded from (its digest is %s, the log's %s); --data "
            "DIR says where that is",
            path, log, set->digest, run->data_digest);
    if (set->samples != run->samples)
        return tidy_fail("%s: has %" PRIu64 " images, and %s is about %" PRIu64 "; --data DIR says where those are",
                         path, set->samples, log, run->samples);
    return 0;
}

int images_open(struct images *out, const struct tidylog_run *run, const char *path, const char *log)
{
    char cause[1024];
    *out = (struct images){0};
    if (path == NULL && run->data == NULL)
        return tidy_fail("%s does not say where its images are; --data DIR does", log);
    const char *place = path != NULL ? path : run->data;
    int status = dataset_load(&out->set, place, tidylog_data_classes(run));
    if (status != 0) {
        snprintf(cause, sizeof cause, "%s", tidy_error_message());
        return path != NULL ? tidy_fail("--data: %s", cause)
                            : tidy_fail("%s; --data DIR says where the images of %s are now", cause, log);
    }
    return check(&out->set.train, run, place, log);
}

void images_close(struct images *images)
{
    dataset_unload(&images->set);
}

const uint8_t *images_of(const struct images *images, uint64_t sample)
{
    const struct dataset *set = &images->set.train;
    return set->images + sample * set->height * set->width * set->channels;
}
