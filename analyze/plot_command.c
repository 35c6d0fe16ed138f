/* tidy-analyze plot: charts as gnuplot scripts or as files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/charts.h"
#include "analyze/charts/gnuplot.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/show.h"
#include "analyze/commands.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/output_file.h"

static const char *const theme_names[] = {"light", "dark", NULL};

/* Where a chart goes. */
struct destination {
    const char *path; /* NULL: the script itself is asked for */
    bool force;
    bool show; /* in the terminal, or as a table */
};

/* Error: stdout cannot be written; where nobody reads it any more, TIDY_PIPE_CLOSED. */
static int flush_stdout(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return errno == EPIPE ? TIDY_PIPE_CLOSED : tidy_fail("cannot write to standard output: %s", strerror(errno));
}

/* The script is made in memory first, so that a chart that fails leaves half of none on stdout. */
static int plot(const struct chart_request *request, const struct destination *to)
{
    enum gnuplot_format format = GNUPLOT_PNG;
    char *script = NULL;
    size_t bytes = 0;
    int status = to->path != NULL ? gnuplot_format_of(&format, to->path) : 0;
    if (status == 0 && to->path != NULL)
        status = output_file_check(to->path, to->force);
    if (status != 0)
        return status;
    status = chart_script(&script, &bytes, request, &format);
    if (status == 0 && to->path != NULL)
        status = gnuplot_draw(script, bytes, to->path, to->force);
    else if (status == 0 && fwrite(script, 1, bytes, stdout) != bytes)
        status = flush_stdout();
    free(script);
    return status;
}

/* Without a theme on the command line, the one that suits the terminal. */
static int show(struct chart_request *request, bool theme_given)
{
    struct terminal terminal;
    char *script = NULL;
    size_t bytes = 0;
    const bool is_terminal = terminal_ask(&terminal);
    if (is_terminal && !theme_given)
        request->theme = terminal.is_dark ? CHART_DARK : CHART_LIGHT;
    int status = chart_script(&script, &bytes, request, NULL);
    const struct house_theme *theme = house_style_theme(request->theme);
    if (status == 0 && is_terminal)
        status = show_chart(&terminal, script, theme->background, theme->ink);
    else if (status == 0)
        show_table(stdout, script);
    free(script);
    return status == 0 ? flush_stdout() : status;
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
        fprintf(out, "\n  %-12s ", chart_rows[i].name);
        options_wrap(out, chart_rows[i].summary, 15, 15);
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

/* Refuses options that the chart does not take. `given` has the bits of those on the command line. */
static int check_options(const struct chart_row *row, unsigned given)
{
    static const struct {
        unsigned bit;
        const char *options;
    } texts[] = {
        {CHART_EPOCHS, "--epochs, --first, --last"},
        {CHART_RULES, "--threshold"},
        {CHART_NAMES, "--class-names"},
        {CHART_COUNT, "--count"},
        {CHART_SAMPLE, "--sample"},
        {CHART_DATA, "--data"},
        {CHART_LOGS, "second log"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if ((given & ~row->takes & texts[i].bit) != 0)
            return tidy_fail_usage("plot %s takes no %s", row->name, texts[i].options);
    if ((row->takes & ~given & CHART_SAMPLE) != 0)
        return tidy_fail_usage("plot %s: --sample N is needed, of a sample from 0", row->name);
    return 0;
}

static int check_usage(struct chart_request *request, const struct destination *to, bool sample_given)
{
    const struct chart_row *row = request->row;
    const unsigned given = (selection_is_given(&request->selection) ? CHART_EPOCHS : 0) |
                           (request->rules != NULL ? CHART_RULES : 0) |
                           (request->class_names != NULL ? CHART_NAMES : 0) |
                           (request->count > 0 ? CHART_COUNT : 0) | (sample_given ? CHART_SAMPLE : 0) |
                           (request->data != NULL ? CHART_DATA : 0) | (request->path_count > 1 ? CHART_LOGS : 0);
    if (request->scores != NULL && row->scores_for_class == NULL)
        return tidy_fail_usage("plot %s takes no --score", row->name);
    if (to->show && to->path != NULL)
        return tidy_fail_usage("plot: --show goes without -o FILE");
    if (to->force && to->path == NULL)
        return tidy_fail_usage("plot: --force goes with -o FILE");
    return check_options(row, given);
}

int plot_command(int argc, char **argv)
{
    struct chart_request request = {0};
    struct destination to = {0};
    int theme = CHART_LIGHT;
    bool sample_given = false, theme_given = false, helped = false;
    const struct option_row options[] = {
        OUTPUT_OPTION(to.path, "FILE", "draw into this file; its ending, .png, .svg or .pdf, chooses the format"),
        FORCE_OPTION(to.force, "replace the file where it exists"),
        {.name = "show",
         .kind = OPTION_FLAG,
         .value = &to.show,
         .help =
             "draw in the terminal, in pixels where it takes sixels and in characters where not; where stdout is "
             "no terminal, print the chart's figures as a table"},
        {.name = "theme",
         .kind = OPTION_CHOICE,
         .value = &theme,
         .argument = "THEME",
         .choices = theme_names,
         .help = "colours for light or dark pages and slides; of --show, what suits the terminal",
         .given = &theme_given},
        {.name = "score",
         .kind = OPTION_TEXT,
         .value = &request.scores,
         .argument = "NAME[,NAME...]",
         .help = "the scores of a chart that has some"},
        {.name = "threshold",
         .kind = OPTION_TEXT,
         .value = &request.rules,
         .argument = "RULE[,RULE...]",
         .help = "the rules that a chart marks ('tidy-analyze flag --help' explains them)"},
        {.name = "class-names",
         .kind = OPTION_TEXT,
         .value = &request.class_names,
         .argument = "FILE",
         .help = "the classes' names, a line each; without it, those that the log has"},
        {.name = "sample",
         .kind = OPTION_COUNT,
         .value = &request.sample,
         .argument = "N",
         .most = TIDYLOG_MOST_SAMPLES,
         .help = "the sample of a chart of one",
         .given = &sample_given},
        {.name = "count",
         .kind = OPTION_COUNT,
         .value = &request.count,
         .argument = "N",
         .least = 1,
         .most = 1000,
         .help = "how many a chart shows of the most suspicious"},
        {.name = "data",
         .kind = OPTION_TEXT,
         .value = &request.data,
         .argument = "DIR",
         .help = "the data set with the images; without it, where the log was recorded from"},
        SELECTION_OPTIONS(request.selection),
    };
    char *description = describe();
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "plot",
        .arguments = "CHART run.tidy... [OPTION...]",
        .summary = "Charts of a run.",
        .description = description,
        .example = "tidy-analyze plot forgetting run.tidy | gnuplot > forgetting.png\n"
                   "tidy-analyze plot learning run.tidy --show\n"
                   "tidy-analyze plot pr run.tidy --score aum,forgetting-events --first 3 -o pr.svg",
        OPTION_ROWS(options),
    };
    const char **arguments = NULL;
    int count = 0, status = memory_allocate(&arguments, (size_t)argc, sizeof *arguments, "arguments");
    if (status == 0)
        status = options_parse(&usage, argc, argv, arguments, &count, &helped);
    free(description);
    if (status != 0 || helped)
        goto end;
    if (count < 2) {
        status =
            tidy_fail_usage("plot: a chart and a log are needed; usage: tidy-analyze plot %s", usage.arguments);
        goto end;
    }
    request.paths = arguments + 1;
    request.path_count = (size_t)count - 1;
    request.theme = (enum chart_theme)theme;
    status = chart_find(&request.row, arguments[0]);
    if (status == 0)
        status = check_usage(&request, &to, sample_given);
    if (status == 0)
        status = to.show ? show(&request, theme_given) : plot(&request, &to);
end:
    free(arguments);
    return status;
}
