/* tidy-analyze subset: the log of some of a log's samples, or with less of each prediction. */
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

static void number_all(uint32_t *numbers, uint64_t samples)
{
    for (uint64_t i = 0; i < samples; i++)
        numbers[i] = (uint32_t)i;
}

/* Says what is in the new log. */
static void announce(const char *output, const char *path, uint64_t kept, uint64_t samples, bool listed, int detail)
{
    char with[32] = "";
    if (detail != TIDYLOG_WHOLE_DETAIL)
        snprintf(with, sizeof with, ", with --detail %s", tidylog_detail_names[detail]);
    if (listed)
        progress_line("%s: %" PRIu64 " of the %" PRIu64 " samples of %s, numbered from 0 in the same order%s",
                      output, kept, samples, path, with);
    else
        progress_line("%s: the %" PRIu64 " samples of %s%s", output, samples, path, with);
}

/* list_name: NULL for all samples. */
static int subset(const char *output, bool force, const char *path, const char *list_name, int detail)
{
    struct tidylog_reader *reader;
    struct sample_list list = {0};
    uint32_t *numbers = NULL;
    int status = output_file_check_input(output, path);
    if (status == 0)
        status = tidylog_open(&reader, path);
    if (status != 0)
        return status;
    uint64_t samples = tidylog_reader_run(reader)->samples, kept = samples;
    if (list_name != NULL) {
        status = read_list(&list, list_name, samples);
        kept = list.count;
    }
    if (status == 0 && kept == 0)
        status = tidy_fail("%s: no sample is listed", strcmp(list_name, "-") == 0 ? "standard input" : list_name);
    if (status == 0)
        status = memory_allocate(&numbers, samples, sizeof *numbers, "sample numbers");
    if (status == 0) {
        if (list_name != NULL)
            number_listed(numbers, samples, &list);
        else
            number_all(numbers, samples);
        const struct tidylog_source source = {.reader = reader, .renumber = numbers};
        status = tidylog_copy_samples(output, force, &source, 1, kept, detail);
    }
    if (status == 0)
        announce(output, path, kept, samples, list_name != NULL, detail);
    free(numbers);
    free(list.samples);
    tidylog_close_reader(reader);
    return status;
}

int subset_command(int argc, char **argv)
{
    const char *output = NULL;
    int detail = TIDYLOG_WHOLE_DETAIL;
    bool force = false;
    const struct option_row options[] = {
        OUTPUT_OPTION(output, "FILE.tidy", "the log to write; needed"),
        {.name = "detail",
         .kind = OPTION_CHOICE,
         .value = &detail,
         .argument = "LEVEL",
         .choices = tidylog_detail_names,
         .help = "how much to keep of each prediction, where that is less than the log has"},
        FORCE_OPTION(force, "replace a log that is there"),
    };
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "subset",
        .arguments = "run.tidy [LIST|-] -o FILE.tidy [OPTION...]",
        .summary = "The log of some samples, those of a list, or with less detail of each prediction.",
        .description =
            "LIST is a file as 'flag' and 'samples' print it, of which the first column counts; '-' reads it from\n"
            "standard input. The samples are numbered anew, from 0, in the order of their numbers: of the\n"
            "list's samples, sorted, the n-th becomes sample n - 1. Only finished epochs are copied; an epoch\n"
            "keeps the loss and accuracy of the whole run. Predictions are copied bit for bit.\n"
            "\n"
            "--detail keeps of each prediction what 'tidy-record train --detail LEVEL' records, of all samples\n"
            "where there is no LIST. With 10 classes a log's margins are a tenth of its probabilities.\n"
            "docs/log-format.md says how near they are to those of a log that was recorded with margins.\n"
            "\n"
            "A log with a second split has no subsets, but can have less detail. A log that was copied is for\n"
            "analysis: nothing is recorded into it.",
        .example =
            "tidy-analyze flag run.tidy --threshold top:0.1 | tidy-analyze subset run.tidy - -o suspects.tidy\n"
            "tidy-analyze subset run.tidy --detail class -o classes.tidy",
        OPTION_ROWS(options),
    };
    const char **arguments;
    int count;
    bool helped;
    int status = memory_allocate(&arguments, (size_t)argc, sizeof *arguments, "arguments");
    if (status == 0)
        status = options_parse(&usage, argc, argv, arguments, &count, &helped);
    if (status == 0 && !helped && (count < 1 || count > 2))
        status = tidy_fail_usage("subset: %s; usage: tidy-analyze subset %s",
                                 count < 1 ? "missing argument" : "surplus argument", usage.arguments);
    if (status == 0 && !helped && output == NULL)
        status = tidy_fail_usage("subset: -o FILE.tidy is needed");
    if (status == 0 && !helped && count == 1 && detail == TIDYLOG_WHOLE_DETAIL)
        status = tidy_fail_usage("subset: a LIST of samples or --detail LEVEL is needed: less of %s to copy",
                                 arguments[0]);
    if (status == 0 && !helped)
        status = subset(output, force, arguments[0], count == 2 ? arguments[1] : NULL, detail);
    free(arguments);
    return status;
}
