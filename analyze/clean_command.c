/* tidy-analyze clean: lists of suspects become labels to train on. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/class_names.h"
#include "analyze/cleaning.h"
#include "analyze/commands.h"
#include "analyze/suggestions.h"
#include "common/error.h"
#include "common/label_file.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/output_file.h"
#include "common/table.h"

static const char *const columns[] = {"sample", "label"};

/* Where the labels go. */
struct destination {
    const char *path; /* NULL: a table on stdout */
    enum label_format format;
    const char *class_names; /* a file, or NULL */
    bool force, json;
};

static int print(const struct cleaning *cleaning, uint64_t samples, bool json)
{
    struct table *table = table_begin(columns, sizeof columns / sizeof *columns, json);
    if (table == NULL)
        return TIDY_FAILED;
    for (uint64_t i = 0; i < samples && !table_failed(table); i++)
        if (cleaning->labels[i] != LABEL_LEFT_OUT) {
            table_add_count(table, i);
            table_add_count(table, cleaning->labels[i]);
        }
    return table_end(table);
}

static int write_labels(const struct cleaning *cleaning, const struct tidylog_run *run,
                        const struct destination *to)
{
    const char *const *class_names = NULL;
    int status;
    if (to->path == NULL)
        return print(cleaning, run->samples, to->json);
    status = class_names_of(&class_names, run, to->class_names);
    if (status == 0)
        status = label_file_write(to->path, to->format, cleaning->labels, run->samples, tidylog_data_classes(run),
                                  class_names, to->force);
    free((void *)class_names);
    return status;
}

static void say_what_was_done(const struct cleaning *cleaning, const struct tidylog_run *run)
{
    fprintf(stderr, "%zu labels as given, %zu changed, %zu samples left out", cleaning->as_given, cleaning->changed,
            cleaning->left_out);
    if (run->truth != NULL)
        fprintf(stderr, "; %zu of %zu labels are wrong, where %zu of %zu were", cleaning->wrong,
                cleaning->as_given + cleaning->changed, cleaning->wrong_before, cleaning->before);
    fputc('\n', stderr);
}

static int clean(const char *path, struct cleaning_list lists[CLEANING_KINDS], const struct destination *to)
{
    struct analysis analysis;
    struct cleaning cleaning = {0};
    struct suggestion *suggestions = NULL;
    int status = to->path != NULL ? output_file_check(to->path, to->force) : 0;
    if (status != 0)
        return status;
    status = analysis_open(&analysis, path);
    for (int kind = 0; kind < CLEANING_KINDS && status == 0; kind++) {
        if (lists[kind].name == NULL)
            continue;
        status = sample_list_open_labels(&lists[kind].list, lists[kind].name, analysis.run);
        if (strcmp(lists[kind].name, "-") == 0)
            lists[kind].name = "standard input";
    }
    const struct sample_list *relabel = &lists[CLEANING_RELABEL].list;
    if (status == 0 && relabel->count > 0 && relabel->labels == NULL)
        status = suggestions_create(&suggestions, &analysis);
    if (status == 0)
        status = cleaning_create(&cleaning, analysis.run, lists, suggestions);
    if (status == 0 && cleaning.as_given + cleaning.changed == 0)
        status = tidy_fail("%s: the lists leave out every sample, so there would be nothing to train on", path);
    if (status == 0)
        status = write_labels(&cleaning, analysis.run, to);
    if (status == 0)
        say_what_was_done(&cleaning, analysis.run);
    cleaning_destroy(&cleaning);
    free(suggestions);
    for (int kind = 0; kind < CLEANING_KINDS; kind++)
        sample_list_destroy(&lists[kind].list);
    analysis_close(&analysis);
    return status;
}

static int check_usage(const struct cleaning_list lists[CLEANING_KINDS], struct destination *to)
{
    int from_stdin = 0, given = 0, status = 0;
    for (int kind = 0; kind < CLEANING_KINDS; kind++) {
        given += lists[kind].name != NULL;
        from_stdin += lists[kind].name != NULL && strcmp(lists[kind].name, "-") == 0;
    }
    if (given == 0)
        return tidy_fail_usage(
            "clean: a list is needed: --drop, --relabel, --keep or --decisions LIST ('-' is standard "
            "input)");
    if (from_stdin > 1)
        return tidy_fail_usage("clean: only one list can come from standard input");
    if (to->path == NULL && to->force)
        return tidy_fail_usage("--force goes with -o FILE");
    if (to->path != NULL && to->json)
        return tidy_fail_usage("--json is for standard output: it does not go with -o FILE");
    if (to->path != NULL)
        status = label_file_format(&to->format, to->path);
    if (status == 0 && to->class_names != NULL && (to->path == NULL || to->format != LABEL_CSV))
        status = tidy_fail_usage("--class-names goes with -o FILE.csv: other formats have no names");
    return status;
}

static const char description[] =
    "Begins with the labels that the data set gave the run, planted wrong ones included. A LIST is a\n"
    "file, or '-' for standard input: the first column of each line is a sample, as 'flag' prints them;\n"
    "lines that start with '#' are skipped. Lists can be combined; a sample in two of them is an error.\n"
    "With --keep all that is in no list is left out, else it stays. What the run left out stays out.\n"
    "\n"
    "--relabel takes the new label from the list: from the column 'suggested' that its header line names,\n"
    "as that of 'flag' does, or from the second of just two columns, where there is no header or it says\n"
    "'label'. For a list without labels it is the suggestion of 'flag'.\n"
    "\n"
    "--decisions is what a report saves: columns sample, decision (keep, relabel or remove) and label,\n"
    "the given one where it is kept and the right one where it is changed.\n"
    "\n"
    "The table has columns sample and label, without the samples left out; .tsv is the same. .csv has\n"
    "commas, and the class's name in a third column. .idx and .npy have a label for each sample, -1 where\n"
    "it is left out. 'tidy-record train --labels FILE' trains on what remains.\n"
    "How many labels stay as given, change and are left out is said on standard error, and where the\n"
    "truth is known, how many are wrong.";

int clean_command(int argc, char **argv)
{
    struct cleaning_list lists[CLEANING_KINDS] = {0};
    struct destination to = {0};
    const struct option_row options[] = {
        {.name = "drop",
         .kind = OPTION_TEXT,
         .value = &lists[CLEANING_DROP].name,
         .argument = "LIST",
         .help = "leave these samples out"},
        {.name = "relabel",
         .kind = OPTION_TEXT,
         .value = &lists[CLEANING_RELABEL].name,
         .argument = "LIST",
         .help = "give these samples another label"},
        {.name = "keep",
         .kind = OPTION_TEXT,
         .value = &lists[CLEANING_KEEP].name,
         .argument = "LIST",
         .help = "keep these samples as they are, and leave out all that are in no list"},
        {.name = "decisions",
         .kind = OPTION_TEXT,
         .value = &lists[CLEANING_DECIDED].name,
         .argument = "LIST",
         .help = "do with each sample what a reviewer of the report decided"},
        OUTPUT_OPTION(to.path, "FILE",
                      "write .idx, .npy, .tsv or .csv by its ending; without it, a table on standard output"),
        {.name = "class-names",
         .kind = OPTION_TEXT,
         .value = &to.class_names,
         .argument = "FILE",
         .help = "the classes' names, a line each, for .csv; without it, those that the log has"},
        FORCE_OPTION(to.force, "replace a file that exists"),
        JSON_OPTION(to.json),
    };
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "clean",
        .arguments = "run.tidy --drop | --relabel | --keep | --decisions LIST [OPTION...]",
        .summary = "Labels to train on next, from lists of suspects.",
        .description = description,
        .example =
            "tidy-analyze flag run.tidy --threshold gmm | tidy-analyze clean run.tidy --drop - -o labels.idx\n"
            "tidy-analyze flag run.tidy --threshold top:0.05 > suspects.tsv\n"
            "tidy-analyze clean run.tidy --relabel suspects.tsv -o labels.npy",
        OPTION_ROWS(options),
    };
    const char *path;
    bool helped;
    int status = command_parse(&usage, argc, argv, &path, 1, &helped);
    if (status == 0 && !helped)
        status = check_usage(lists, &to);
    return status != 0 || helped ? status : clean(path, lists, &to);
}
