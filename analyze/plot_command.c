/* tidy-analyze plot: charts as gnuplot scripts or as files. */
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/charts.h"
#include "analyze/charts/gnuplot.h"
#include "analyze/commands.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"

static int find_chart(const char *name, const struct chart_row **out)
{
    const char **names;
    int status = memory_allocate(&names, chart_row_count, sizeof *names, "names of charts");
    if (status != 0)
        return status;
    *out = NULL;
    for (size_t i = 0; i < chart_row_count; i++) {
        names[i] = chart_rows[i].name;
        if (strcmp(name, names[i]) == 0)
            *out = &chart_rows[i];
    }
    const char *nearest = options_nearest(name, names, chart_row_count);
    free(names);
    if (*out != NULL)
        return 0;
    if (nearest != NULL)
        return tidy_fail_usage("unknown chart '%s'; did you mean '%s'?", name, nearest);
    return tidy_fail_usage("unknown chart '%s'; 'tidy-analyze plot --help' lists them", name);
}

static int write_chart(FILE *out, const struct chart_row *chart, const char *path, const char *scores)
{
    struct analysis analysis;
    int status = analysis_open(&analysis, path);
    if (status == 0 && scores == NULL)
        scores = analysis.run->detail == TIDYLOG_CLASS ? chart->scores_for_class : chart->scores_for_margin;
    if (status == 0)
        status = chart->write(out, &analysis, scores);
    analysis_close(&analysis);
    return status;
}

/* The script is made in memory first, so that a chart that fails leaves half of none on stdout.
 * `output` is NULL where the script itself is asked for. */
static int plot(const struct chart_row *chart, const char *path, const char *scores, const char *output, bool force)
{
    const char *terminal;
    char *script = NULL;
    size_t bytes = 0;
    int status = gnuplot_terminal(&terminal, output, force);
    if (status != 0)
        return status;
    FILE *out = open_memstream(&script, &bytes);
    if (out == NULL)
        return tidy_fail_memory("a chart", 1);
    fputs(terminal, out);
    status = write_chart(out, chart, path, scores);
    if (fclose(out) != 0 && status == 0)
        status = tidy_fail_memory("a chart", bytes);
    if (status == 0 && output != NULL)
        status = gnuplot_draw(script, bytes, output, force);
    else if (status == 0)
        fwrite(script, 1, bytes, stdout); /* main looks whether that worked */
    free(script);
    return status;
}

/* The description with all charts in it, made from their table. Freed by the caller; NULL: no memory. */
static char *describe(void)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return NULL;
    fputs("Prints a gnuplot script that has its data in it and draws a PNG, or runs gnuplot itself with "
          "-o.\n\ncharts:",
          out);
    for (size_t i = 0; i < chart_row_count; i++) {
        fprintf(out, "\n  %-12s %s", chart_rows[i].name, chart_rows[i].summary);
        if (chart_rows[i].scores_for_class != NULL)
            fprintf(out, ";\n               %s;\n               at --detail class: %s",
                    chart_rows[i].scores_for_margin, chart_rows[i].scores_for_class);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

int plot_command(int argc, char **argv)
{
    bool force = false;
    const char *output = NULL, *scores = NULL;
    const struct option_row options[] = {
        {.name = "output",
         .letter = 'o',
         .kind = OPTION_TEXT,
         .value = &output,
         .argument = "FILE",
         .help = "draw into this file; its ending, .png, .svg or .pdf, chooses the format"},
        {.name = "force", .kind = OPTION_FLAG, .value = &force, .help = "replace the file where it exists"},
        {.name = "score",
         .kind = OPTION_TEXT,
         .value = &scores,
         .argument = "NAME[,NAME...]",
         .help = "the scores of chart pr"},
    };
    char *description = describe();
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "plot",
        .arguments = "CHART run.tidy [OPTION...]",
        .summary = "Charts of a run.",
        .description = description,
        .example = "tidy-analyze plot forgetting run.tidy | gnuplot > forgetting.png\n"
                   "tidy-analyze plot pr run.tidy --score aum,forgetting-events -o pr.svg",
        OPTION_ROWS(options),
    };
    const char *arguments[2];
    const struct chart_row *chart;
    bool helped;
    int status = command_parse(&usage, argc, argv, arguments, 2, &helped);
    free(description);
    if (status != 0 || helped)
        return status;
    if ((status = find_chart(arguments[0], &chart)) != 0)
        return status;
    if (scores != NULL && chart->scores_for_class == NULL)
        return tidy_fail_usage("plot %s takes no --score", chart->name);
    if (force && output == NULL)
        return tidy_fail_usage("plot: --force goes with -o FILE");
    return plot(chart, arguments[1], scores, output, force);
}
