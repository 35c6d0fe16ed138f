/* tidy-analyze subset: the log of some of a log's samples. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/commands.h"
#include "analyze/sample_list.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/output_file.h"
#include "common/progress.h"
#include "common/tidylog.h"
#include "common/tidylog_copy.h"

static int read_list(struct sample_list *list, const char *name, uint64_t samples)
{
    if (strcmp(name, "-") == 0)
        return sample_list_read(list, stdin, "standard input", samples);
    FILE *in = fopen(name, "r");
    if (in == NULL)
        return tidy_fail("%s cannot be read: %s", name, strerror(errno));
    int status = sample_list_read(list, in, name, samples);
    fclose(in);
    return status;
}

/* Numbers the listed samples in the order of their old numbers. */
static void number_listed(uint32_t *numbers, uint64_t samples, const struct sample_list *list)
{
    for (uint64_t i = 0; i < samples; i++)
        numbers[i] = TIDYLOG_OMITTED;
    for (size_t i = 0; i < list->count; i++)
        numbers[list->samples[i]] = 0;
    uint32_t next = 0;
    for (uint64_t i = 0; i < samples; i++) {
        if (numbers[i] != TIDYLOG_OMITTED)
            numbers[i] = next++;
    }
}

static int subset(const char *output, bool force, const char *path, const char *list_name)
{
    struct tidylog_reader *reader;
    struct sample_list list = {0};
    uint32_t *numbers = NULL;
    int status = output_file_check_input(output, path);
    if (status == 0)
        status = tidylog_open(&reader, path);
    if (status != 0)
        return status;
    uint64_t samples = tidylog_reader_run(reader)->samples;
    status = read_list(&list, list_name, samples);
    if (status == 0 && list.count == 0)
        status = tidy_fail("%s: no sample is listed", strcmp(list_name, "-") == 0 ? "standard input" : list_name);
    if (status == 0)
        status = memory_allocate(&numbers, samples, sizeof *numbers, "sample numbers");
    if (status == 0) {
        number_listed(numbers, samples, &list);
        const struct tidylog_source source = {.reader = reader, .renumber = numbers};
        status = tidylog_copy_samples(output, force, &source, 1, list.count);
    }
    if (status == 0)
        progress_line("%s: %zu of the %" PRIu64 " samples of %s, numbered from 0 in the same order", output,
                      list.count, samples, path);
    free(numbers);
    free(list.samples);
    tidylog_close_reader(reader);
    return status;
}

int subset_command(int argc, char **argv)
{
    const char *output = NULL;
    bool force = false;
    const struct option_row options[] = {
        OUTPUT_OPTION(output, "FILE.tidy", "the log to write; needed"),
        FORCE_OPTION(force, "replace a log that is there"),
    };
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "subset",
        .arguments = "run.tidy LIST|- -o FILE.tidy [OPTION...]",
        .summary = "The log of some samples: those of a list, with their predictions bit for bit.",
        .description =
            "LIST is a file as 'flag' and 'samples' print it, of which the first column counts; '-' reads it from\n"
            "standard input. The samples are numbered anew, from 0, in the order of their numbers: of the\n"
            "list's samples, sorted, the n-th becomes sample n - 1. Only finished epochs are copied; an epoch\n"
            "keeps the loss and accuracy of the whole run. A log with a second split has no subsets.\n"
            "Such a log is for analysis: nothing is recorded into it.",
        .example =
            "tidy-analyze flag run.tidy --threshold top:0.1 | tidy-analyze subset run.tidy - -o suspects.tidy",
        OPTION_ROWS(options),
    };
    const char *arguments[2];
    bool helped;
    int status = command_parse(&usage, argc, argv, arguments, 2, &helped);
    if (status != 0 || helped)
        return status;
    if (output == NULL)
        return tidy_fail_usage("subset: -o FILE.tidy is needed");
    return subset(output, force, arguments[0], arguments[1]);
}
