/* From --epochs, --first and --last to the epochs of a run. */
#include "analyze/selection.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"

const char *const over_runs_names[] = {"mean", "worst", "toneva", NULL};

bool selection_is_given(const struct selection *selection)
{
    return selection->epochs != NULL || selection->first != NULL || selection->last != NULL;
}

/* Says which epochs there are. */
static int fail_missing(const char *option, const char *text, const char *path, uint64_t finished)
{
    return tidy_fail_usage("--%s %s: %s has %" PRIu64 " finished epoch%s, 0..%" PRIu64, option, text, path,
                           finished, finished == 1 ? "" : "s", finished - 1);
}

static int parse_range(struct window *out, const char *text, const char *path, uint64_t finished)
{
    const char *dots = strstr(text, "..");
    char first[24];
    uint64_t last = 0;
    if (dots == NULL || (size_t)(dots - text) >= sizeof first)
        return tidy_fail_usage("--epochs %s: two epochs are needed, as in 3..20", text);
    snprintf(first, sizeof first, "%.*s", (int)(dots - text), text);
    int status = options_parse_count(first, 0, UINT64_MAX, "--epochs", &out->first);
    if (status == 0)
        status = options_parse_count(dots + 2, 0, UINT64_MAX, "--epochs", &last);
    if (status != 0)
        return status;
    if (last < out->first)
        return tidy_fail_usage("--epochs %s: the first epoch comes after the last", text);
    if (last >= finished)
        return fail_missing("epochs", text, path, finished);
    out->end = last + 1;
    return 0;
}

static int parse_length(const char *option, const char *text, const char *path, uint64_t finished, uint64_t *out)
{
    char what[16];
    snprintf(what, sizeof what, "--%s", option);
    int status = options_parse_count(text, 1, UINT64_MAX, what, out);
    return status == 0 && *out > finished ? fail_missing(option, text, path, finished) : status;
}

int selection_window(struct window *out, const struct selection *selection, struct tidylog_reader *reader,
                     const char *path)
{
    uint64_t finished, length = 0;
    tidylog_reader_epochs(reader, &finished);
    *out = (struct window){0, finished};
    if ((selection->epochs != NULL) + (selection->first != NULL) + (selection->last != NULL) > 1)
        return tidy_fail_usage("--epochs, --first and --last exclude each other: only one of them can be given");
    if (finished == 0)
        return tidy_fail("%s: no epoch is finished yet, and only finished epochs count; "
                         "'tidy-analyze info' shows where the recording stands",
                         path);
    int status = 0;
    if (selection->epochs != NULL)
        return parse_range(out, selection->epochs, path, finished);
    if (selection->first != NULL &&
        (status = parse_length("first", selection->first, path, finished, &length)) == 0)
        out->end = length;
    if (selection->last != NULL && (status = parse_length("last", selection->last, path, finished, &length)) == 0)
        out->first = finished - length;
    return status;
}
