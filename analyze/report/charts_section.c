/* The charts as SVG in the page: drawn by gnuplot on the light theme, whose colours become the page's variables. */
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/charts.h"
#include "analyze/charts/gnuplot.h"
#include "analyze/charts/house_style.h"
#include "analyze/report/html.h"
#include "analyze/report/report.h"
#include "analyze/report/svg_in_page.h"
#include "common/error.h"
#include "common/progress.h"

/* Is it about the whole log? */
static bool is_for_reports(const struct chart_row *row)
{
    return (row->takes & (CHART_SAMPLE | CHART_DATA)) == 0;
}

/* A chart of one score is of the report's, with its rule. */
static struct chart_request request_of(const struct report *report, const struct chart_row *row)
{
    const struct report_request *request = report->request;
    const char *scores = row->scores_for_margin;
    struct chart_request out = {.row = row, .paths = &request->path, .path_count = 1};
    if ((row->takes & CHART_RULES) != 0 && scores != NULL && strchr(scores, ',') == NULL) {
        out.scores = report->suspects.score;
        out.rules = report->suspects.rule;
    }
    if ((row->takes & CHART_EPOCHS) != 0)
        out.selection = request->selection;
    if ((row->takes & CHART_NAMES) != 0)
        out.class_names = request->class_names;
    return out;
}

static int write_figure(FILE *out, const struct report *report, const struct chart_row *row)
{
    const struct chart_request request = request_of(report, row);
    char *script = NULL, *title = NULL, *picture = NULL;
    size_t bytes = 0, picture_bytes = 0;
    const enum gnuplot_format format = GNUPLOT_SVG;
    if (chart_script(&script, &bytes, &request, &format) != 0) { /* this log does not feed it */
        fprintf(out, "<p class=missing>%s is not drawn: ", row->name);
        html_text(out, tidy_error_message());
        fputs("</p>\n", out);
        return 0;
    }
    int status = house_style_title(&title, script);
    if (status == 0)
        status = gnuplot_render(&picture, &picture_bytes, script, bytes, row->name);
    if (status == 0) {
        fprintf(out, "<figure id=chart-%s>\n", row->name);
        status = svg_in_page(out, picture, picture_bytes, row->name, title);
        fprintf(out, "\n<figcaption>%s</figcaption>\n</figure>\n", row->summary);
    }
    free(picture);
    free(title);
    free(script);
    return status;
}

int report_write_charts(FILE *out, const struct report *report)
{
    int status = 0;
    for (size_t i = 0; i < chart_row_count && status == 0; i++)
        if (is_for_reports(&chart_rows[i])) {
            progress_update("drawing %s", chart_rows[i].name);
            status = write_figure(out, report, &chart_rows[i]);
        }
    progress_clear();
    return status;
}

static void write_theme(FILE *out, enum chart_theme theme)
{
    const struct house_theme *colours = house_style_theme(theme);
    fprintf(out, "{--background:%s;--ink:%s;--axis:%s;--faint:%s;--grid:%s", colours->background, colours->ink,
            colours->axis, colours->faint, colours->grid);
    for (int i = 0; i < HOUSE_COLOURS; i++)
        fprintf(out, ";--colour%d:%s", i + 1, colours->colours[i]);
    fputs("}", out);
}

void report_write_colours(FILE *out)
{
    fputs(":root,.plate", out);
    write_theme(out, CHART_LIGHT);
    fputs("\n@media (prefers-color-scheme:dark){:root", out);
    write_theme(out, CHART_DARK);
    /* Nearly white's inverse, with hues as they were. */
    fputs(".plate{filter:invert(.91) hue-rotate(180deg)}}\n", out);
}
