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

/* What is asked for. */
struct request {
    const struct chart_row *chart;
    const char *path;
    const char *scores; /* NULL: the chart's own */
    struct selection selection;
    const char *output; /* NULL: the script itself is asked for */
    bool force;
};

static int write_chart(FILE *out, const struct request *request)
{
    const struct chart_row *chart = request->chart;
    const char *scores = request->scores;
    struct analysis analysis;
    int status = analysis_open(&analysis, request->path);
    analysis.selection = request->selection;
    if (status == 0 && scores == NULL)
        scores = analysis.run->detail == TIDYLOG_CLASS ? chart->scores_for_class : chart->scores_for_margin;
    if (status == 0)
        status = chart->write(out, &analysis, scores);
    analysis_close(&analysis);
    return status;
}

/* The script is made in memory first, so that a chart that fails leaves half of none on stdout. */
static int plot(const struct request *request)
{
    const char *terminal;
    char *script = NULL;
    size_t bytes = 0;
    int status = gnuplot_terminal(&terminal, request->output, request->force);
    if (status != 0)
        return status;
    FILE *out = open_memstream(&script, &bytes);
    if (out == NULL)
        return tidy_fail_memory("a chart", 1);
    fputs(terminal, out);
    status = write_chart(out, request);
    if (fclose(out) != 0 && status == 0)
        status = tidy_fail_memory("a chart", bytes);
    if (status == 0 && request->output != NULL)
        status = gnuplot_draw(script, bytes, request->output, request->force);
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
          "-o.\nOf a curve of very many points the script has those that show.\n\ncharts:",
          out);
    for (size_t i = 0; i < chart_row_count; i++) {
        fprintf(out, "\n  %-12s %s", chart_rows[i].name, chart_rows[i].summary);
        if (chart_rows[i].scores_for_class != NULL)
            fprintf(out, ";\n               %s;\n               at --detail class:\n               %s",
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
    struct request request = {0};
    const struct option_row options[] = {
        OUTPUT_OPTION(request.output, "FILE",
                      "draw into this file; its ending, .png, .svg or .pdf, chooses the format"),
        FORCE_OPTION(request.force, "replace the file where it exists"),
        {.name = "score",
         .kind = OPTION_TEXT,
         .value = &request.scores,
         .argument = "NAME[,NAME...]",
         .help = "the scores of chart pr"},
        SELECTION_OPTIONS(request.selection),
    };
    char *description = describe();
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "plot",
        .arguments = "CHART run.tidy [OPTION...]",
        .summary = "Charts of a run.",
        .description = description,
        .example = "tidy-analyze plot forgetting run.tidy | gnuplot > forgetting.png\n"
                   "tidy-analyze plot pr run.tidy --score aum,forgetting-events --first 3 -o pr.svg",
        OPTION_ROWS(options),
    };
    const char *arguments[2];
    bool helped;
    int status = command_parse(&usage, argc, argv, arguments, 2, &helped);
    free(description);
    if (status != 0 || helped)
        return status;
    if ((status = find_chart(arguments[0], &request.chart)) != 0)
        return status;
    request.path = arguments[1];
    if (request.scores != NULL && request.chart->scores_for_class == NULL)
        return tidy_fail_usage("plot %s takes no --score", request.chart->name);
    if (selection_is_given(&request.selection) && !request.chart->selects)
        return tidy_fail_usage("plot %s takes no --epochs, --first, --last", request.chart->name);
    if (request.force && request.output == NULL)
        return tidy_fail_usage("plot: --force goes with -o FILE");
    return plot(&request);
}
