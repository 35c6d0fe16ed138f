/* One pass over the text. gnuplot's SVG is known well enough (version 5): no comments, no CDATA, no style sheet. */
#include "analyze/report/svg_in_page.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyze/charts/house_style.h"
#include "analyze/report/html.h"
#include "common/error.h"

struct scan {
    FILE *out;
    const char *at, *end;
    const char *name;
    bool has_other_colours; /* that no theme has: a palette's */
};

static bool starts(const struct scan *scan, const char *text)
{
    size_t length = strlen(text);
    return (size_t)(scan->end - scan->at) >= length && memcmp(scan->at, text, length) == 0;
}

/* ---- colours ----------------------------------------------------------------------------------------------- */

/* Reads "rgb( 0, 114, 178)", "#0072b2" or "black" at scan->at as "#0072b2". Returns its length; 0: it is none. */
static size_t read_colour(const struct scan *scan, char hex[8])
{
    const char *at = scan->at;
    if (starts(scan, "rgb(")) {
        unsigned long parts[3];
        char *next = NULL;
        at += 3;
        for (int i = 0; i < 3; i++, at = next) {
            parts[i] = strtoul(at + 1, &next, 10);
            if (next == at + 1 || *next != (i < 2 ? ',' : ')') || parts[i] > 255)
                return 0;
        }
        snprintf(hex, 8, "#%02x%02x%02x", (unsigned)parts[0], (unsigned)parts[1], (unsigned)parts[2]);
        return (size_t)(at + 1 - scan->at);
    }
    if (starts(scan, "black")) {
        memcpy(hex, "#000000", 8);
        return strlen("black");
    }
    if (*at != '#' || scan->end - at < 7 || strspn(at + 1, "0123456789abcdefABCDEF") != 6)
        return 0;
    memcpy(hex, at, 7);
    hex[7] = 0;
    return 7;
}

/* Writes a colour as the page's variable of the same use, or as it is where no theme has it. */
static void write_colour(struct scan *scan, const char *hex)
{
    const struct house_theme *theme = house_style_theme(CHART_LIGHT);
    const struct {
        const char *name, *colour;
    } uses[] = {{"background", theme->background},
                {"ink", theme->ink},
                {"axis", theme->axis},
                {"faint", theme->faint},
                {"grid", theme->grid},
                {"ink", "#000000"}}; /* what gnuplot draws in where nothing is asked for */
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (strcasecmp(hex, uses[i].colour) == 0) {
            fprintf(scan->out, "var(--%s,%s)", uses[i].name, hex);
            return;
        }
    for (int i = 0; i < HOUSE_COLOURS; i++)
        if (strcasecmp(hex, theme->colours[i]) == 0) {
            fprintf(scan->out, "var(--colour%d,%s)", i + 1, hex);
            return;
        }
    fputs(hex, scan->out);
    scan->has_other_colours = true;
}

/* ---- the element ------------------------------------------------------------------------------------------- */

/* In a tag, before an id or what points to one: writes it up to where the name goes. */
static bool write_reference(struct scan *scan)
{
    static const struct {
        const char *text, *written;
    } references[] = {{" id='", " id='"},
                      {" id=\"", " id=\""},
                      {"xlink:href='#", "href='#"},
                      {"xlink:href=\"#", "href=\"#"},
                      {"url(#", "url(#"}};
    for (size_t i = 0; i < sizeof references / sizeof *references; i++)
        if (starts(scan, references[i].text)) {
            fprintf(scan->out, "%s%s-", references[i].written, scan->name);
            scan->at += strlen(references[i].text);
            return true;
        }
    return false;
}

/* From '<' through '>'. */
static void write_tag(struct scan *scan)
{
    char hex[8];
    while (scan->at < scan->end && *scan->at != '>') {
        size_t colour;
        if (write_reference(scan))
            continue;
        if ((colour = read_colour(scan, hex)) > 0) {
            write_colour(scan, hex);
            scan->at += colour;
        } else if (isspace((unsigned char)*scan->at)) {
            while (scan->at + 1 < scan->end && isspace((unsigned char)scan->at[1]))
                scan->at++;
            if (!starts(scan, " id="))
                fputc(' ', scan->out), scan->at++;
        } else
            fputc(*scan->at++, scan->out);
    }
    if (scan->at < scan->end)
        fputc(*scan->at++, scan->out);
}

/* Skips past `text`; to the end where it does not come. */
static void skip_past(struct scan *scan, const char *text)
{
    const char *found = memmem(scan->at, (size_t)(scan->end - scan->at), text, strlen(text));
    scan->at = found != NULL ? found + strlen(text) : scan->end;
}

/* The start tag, of which the view box stays, but not what describes gnuplot. Returns that, within the picture. */
static struct scan skip_start(struct scan *scan)
{
    skip_past(scan, "viewBox=\"");
    struct scan box = *scan;
    skip_past(scan, "\"");
    box.end = scan->at - 1;
    skip_past(scan, "</desc>");
    return box;
}

static void write_content(struct scan *scan)
{
    while (scan->at < scan->end)
        if (starts(scan, "<title>gnuplot_plot_"))
            skip_past(scan, "</title>");
        else if (*scan->at == '<')
            write_tag(scan);
        else if (*scan->at == '\n' || *scan->at == '\t' || *scan->at == '\r')
            scan->at++;
        else
            fputc(*scan->at++, scan->out);
}

int svg_in_page(FILE *out, const char *picture, size_t bytes, const char *name, const char *title)
{
    char *content = NULL;
    size_t content_bytes = 0;
    FILE *stream = open_memstream(&content, &content_bytes);
    if (stream == NULL)
        return tidy_fail_memory("a chart", bytes);
    struct scan scan = {stream, picture, picture + bytes, name, false};
    const struct scan box = skip_start(&scan);
    write_content(&scan);
    int status = fclose(stream) == 0 ? 0 : tidy_fail_memory("a chart", bytes);
    if (status == 0) {
        fprintf(out, "<svg viewBox=\"%.*s\"%s role=img aria-label=\"", (int)(box.end - box.at), box.at,
                scan.has_other_colours ? " class=plate" : "");
        html_text(out, title);
        fputs("\">", out);
        fwrite(content, 1, content_bytes, out);
    }
    free(content);
    return status;
}
