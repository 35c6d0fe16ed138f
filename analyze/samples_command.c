/* tidy-analyze samples: every sample with its scores. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/commands.h"
#include "analyze/forgotten_at.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/table.h"

static const char forgotten_at_name[] = "forgotten-at";

/* Takes the name `forgotten-at` out of a list of scores, in place. Returns whether it was there. */
static bool take_forgotten_at(char *list)
{
    size_t length = sizeof forgotten_at_name - 1;
    for (char *name = list; name != NULL; name = strchr(name, ',')) {
        name += *name == ',';
        if (strncmp(name, forgotten_at_name, length) != 0 || (name[length] != ',' && name[length] != 0))
            continue;
        if (name[length] == ',')
            memmove(name, name + length + 1, strlen(name + length + 1) + 1);
        else
            *(name > list ? name - 1 : name) = 0;
        return true;
    }
    return false;
}

static void add_sample(struct table *table, const void *context, size_t sample)
{
    const struct analysis *analysis = context;
    const struct tidylog_run *run = analysis->run;
    const struct score_set *scores = &analysis->scores;
    table_add_count(table, sample);
    table_add_count(table, analysis->given[sample]);
    if (run->truth != NULL)
        table_add_count(table, run->truth[sample]);
    for (size_t s = 0; s < scores->count; s++)
        table_add_real(table, score_value(&scores->scores[s], sample));
}

/* `forgotten` is NULL where it is not asked for. */
static int print(const struct analysis *analysis, struct forgotten_at *forgotten, bool json)
{
    const struct tidylog_run *run = analysis->run;
    const struct score_set *scores = &analysis->scores;
    const char **columns;
    int status = memory_allocate(&columns, scores->count + 4, sizeof *columns, "columns");
    if (status != 0)
        return status;
    size_t count = 0;
    columns[count++] = "sample";
    columns[count++] = "label";
    if (run->truth != NULL)
        columns[count++] = "truth";
    for (size_t s = 0; s < scores->count; s++)
        columns[count++] = scores->scores[s].name;
    if (forgotten != NULL)
        columns[count++] = forgotten_at_name;

    struct table *table = table_begin(columns, count, json);
    if (table == NULL) {
        status = TIDY_FAILED;
        goto end;
    }
    int rows = 0;
    if (forgotten == NULL)
        rows = table_add_rows(table, run->samples, add_sample, analysis);
    for (uint64_t i = 0; i < run->samples && forgotten != NULL && !table_failed(table) && rows == 0; i++) {
        const char *text = NULL;
        add_sample(table, analysis, i);
        rows = forgotten_at_text(forgotten, i, &text);
        table_add_text(table, text);
    }
    status = table_end(table);
    if (rows != 0)
        status = rows;
end:
    free(columns);
    return status;
}

static int show(const char *path, const struct selection *selection, const char *score_text, bool json)
{
    struct analysis analysis;
    struct forgotten_at forgotten = {0};
    char *list = NULL;
    bool asks_forgotten = false;

    int status = analysis_open(&analysis, path);
    if (status != 0)
        goto end;
    analysis.selection = *selection;
    if ((status = memory_allocate(&list, strlen(score_text) + 1, 1, "names of scores")) != 0)
        goto end;
    memcpy(list, score_text, strlen(score_text) + 1);
    asks_forgotten = take_forgotten_at(list);
    if (!asks_forgotten || *list != 0)
        status = analysis_choose(&analysis, list);
    if (status == 0 && asks_forgotten && analysis.runs > 1)
        status = tidy_fail("%s: forgotten-at lists the epochs of one run, and this log has %" PRIu32, path,
                           analysis.runs);
    if (status == 0 && asks_forgotten)
        status = forgotten_at_create(&forgotten, analysis.run->samples);
    if (status != 0)
        goto end;
    const struct replay_observer observer = {.observe = forgotten_at_observe, .context = &forgotten};
    status = analysis_replay(&analysis, asks_forgotten ? &observer : NULL);
    if (status == 0)
        status = print(&analysis, asks_forgotten ? &forgotten : NULL, json);
end:
    free(list);
    forgotten_at_destroy(&forgotten);
    analysis_close(&analysis);
    return status;
}

/* The description with all scores in it, made from their table. Freed by the caller; NULL: no memory. */
static char *describe(void)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return NULL;
    fprintf(out,
            "Columns: sample, label (as given), truth (where it is known), then the scores asked for.\n"
            "'all' are all that the log's detail feeds. forgotten-at only comes when asked for by name: for each\n"
            "time the sample was forgotten, epoch:class, the epoch counting from 1 and the class predicted then.\n"
            "\nscores, the detail they need, the end that is suspicious:\n");
    for (size_t i = 0; i < score_row_count; i++) {
        fprintf(out, "%s  %-28s %-7s %-5s ", i > 0 ? "\n" : "", score_rows[i].name,
                tidylog_detail_names[score_rows[i].detail],
                score_rows[i].suspicious == SUSPICIOUS_HIGH ? "high" : "low");
        options_wrap(out, score_rows[i].summary, 45, 45); /* where the summaries begin */
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

int samples_command(int argc, char **argv)
{
    bool json = false;
    const char *score = "all";
    struct selection selection = {0};
    const struct option_row options[] = {
        {.name = "score",
         .kind = OPTION_TEXT,
         .value = &score,
         .argument = "NAME[,NAME...]",
         .help = "the scores to show"},
        SELECTION_OPTIONS(selection),
        JSON_OPTION(json),
    };
    char *description = describe();
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "samples",
        .arguments = "run.tidy [OPTION...]",
        .summary = "A line per sample, a column per score.",
        .description = description,
        .example = "tidy-analyze samples run.tidy\n"
                   "tidy-analyze samples run.tidy --score correctness,forgetting-events,forgotten-at\n"
                   "tidy-analyze samples run.tidy --score aum,mean-loss --epochs 1..2",
        OPTION_ROWS(options),
    };
    const char *path;
    bool helped;
    int status = command_parse(&usage, argc, argv, &path, 1, &helped);
    free(description);
    return status != 0 || helped ? status : show(path, &selection, score, json);
}
