/* tidy-analyze merge: several logs into one, as runs of the same samples or as shards of one run. */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "analyze/commands.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/progress.h"
#include "common/tidylog.h"
#include "common/tidylog_copy.h"

static int merge_runs(const char *output, bool force, struct tidylog_reader *const *readers, size_t count)
{
    int status = tidylog_copy_runs(output, force, readers, count);
    uint64_t runs = 0;
    for (size_t i = 0; i < count; i++)
        runs += tidylog_reader_runs(readers[i]);
    if (status == 0)
        progress_line("%s: %" PRIu64 " runs of %" PRIu64 " samples", output, runs,
                      tidylog_reader_run(readers[0])->samples);
    return status;
}

/* Numbers the samples of one log after those of the ones before it. */
static int number_samples(struct tidylog_source *source, uint32_t **numbers, struct tidylog_reader *reader,
                          uint64_t *samples)
{
    uint64_t own = tidylog_reader_run(reader)->samples;
    if (*samples + own >= TIDYLOG_OMITTED)
        return tidy_fail("the logs have too many samples for one: more than %" PRIu64, *samples + own);
    int status = memory_allocate(numbers, own, sizeof **numbers, "sample numbers");
    for (uint64_t i = 0; i < own && status == 0; i++)
        (*numbers)[i] = (uint32_t)(*samples + i);
    *source = (struct tidylog_source){.reader = reader, .renumber = *numbers};
    *samples += own;
    return status;
}

static int merge_shards(const char *output, bool force, struct tidylog_reader *const *readers, size_t count)
{
    struct tidylog_source *sources;
    uint32_t **numbers = NULL;
    uint64_t samples = 0;
    int status = memory_allocate(&sources, count, sizeof *sources, "the logs to merge");
    if (status == 0)
        status = memory_allocate(&numbers, count, sizeof *numbers, "sample numbers");
    for (size_t i = 0; i < count && status == 0; i++)
        status = number_samples(&sources[i], &numbers[i], readers[i], &samples);
    if (status == 0)
        status = tidylog_copy_samples(output, force, sources, count, samples, TIDYLOG_WHOLE_DETAIL);
    for (size_t i = 0; i < count && numbers != NULL; i++)
        free(numbers[i]);
    free(numbers);
    free(sources);
    if (status == 0)
        progress_line("%s: %" PRIu64 " samples of %zu shards", output, samples, count);
    return status;
}

/* A log that is merged with itself would agree with itself. */
static int check_paths(const char *const *paths, size_t count)
{
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        struct stat one, other;
        for (size_t j = 0; j < i && status == 0; j++)
            if (stat(paths[i], &one) == 0 && stat(paths[j], &other) == 0 && one.st_dev == other.st_dev &&
                one.st_ino == other.st_ino)
                status = tidy_fail_usage("merge: %s is given twice; each log counts once", paths[i]);
    }
    return status;
}

static int merge(const char *output, bool force, bool shards, const char *const *paths, size_t count)
{
    struct tidylog_reader **readers;
    int status = check_paths(paths, count);
    if (status != 0)
        return status;
    status = memory_allocate(&readers, count, sizeof *readers, "the logs to merge");
    for (size_t i = 0; i < count && status == 0; i++)
        status = tidylog_open(&readers[i], paths[i]);
    if (status == 0)
        status = (shards ? merge_shards : merge_runs)(output, force, readers, count);
    for (size_t i = 0; i < count && readers != NULL; i++)
        tidylog_close_reader(readers[i]);
    free(readers);
    return status;
}

int merge_command(int argc, char **argv)
{
    const char *output = NULL;
    bool shards = false, force = false;
    const struct option_row options[] = {
        OUTPUT_OPTION(output, "FILE.tidy", "the log to write; needed"),
        {.name = "shards",
         .kind = OPTION_FLAG,
         .value = &shards,
         .help = "the logs are of different samples: one run of all of them"},
        FORCE_OPTION(force, "replace a log that is there"),
    };
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "merge",
        .arguments = "run1.tidy run2.tidy [...] -o FILE.tidy [OPTION...]",
        .summary = "Several logs into one: runs of the same samples, or shards of one run.",
        .description =
            "Without --shards the logs are of the same samples with the same labels, such as runs with other\n"
            "seeds or networks. All their records are copied as they are, and the log then holds several runs:\n"
            "every score is made for each of them, and --over-runs says how they are joined.\n"
            "With --shards the logs are of different samples, with the same classes, detail and number of\n"
            "finished epochs. The samples are numbered on through the logs in the order given: sample 0 of the\n"
            "second comes after the last of the first. Only finished epochs are copied, predictions bit for bit.\n"
            "A log that was merged is for analysis: nothing is recorded into it.",
        .example = "tidy-analyze merge run1.tidy run2.tidy -o runs.tidy\n"
                   "tidy-analyze merge --shards part1.tidy part2.tidy -o whole.tidy",
        OPTION_ROWS(options),
    };
    const char **paths;
    int count;
    bool helped;
    int status = memory_allocate(&paths, (size_t)argc, sizeof *paths, "arguments");
    if (status == 0)
        status = options_parse(&usage, argc, argv, paths, &count, &helped);
    if (status == 0 && !helped && count < 2)
        status =
            tidy_fail_usage("merge: two logs or more are needed; usage: tidy-analyze merge %s", usage.arguments);
    if (status == 0 && !helped && output == NULL)
        status = tidy_fail_usage("merge: -o FILE.tidy is needed");
    if (status == 0 && !helped)
        status = merge(output, force, shards, paths, (size_t)count);
    free(paths);
    return status;
}
