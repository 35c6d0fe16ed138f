/* How all charts look, and how texts and numbers are put into a gnuplot script. */
#ifndef TIDY_ANALYZE_CHARTS_HOUSE_STYLE_H
#define TIDY_ANALYZE_CHARTS_HOUSE_STYLE_H

#include <stdio.h>

#include "analyze/charts/charts.h"

/* Colours of Okabe and Ito (2008), told apart by nearly everyone: linetypes 1 to HOUSE_COLOURS. */
enum { HOUSE_COLOURS = 7 };

/* A theme's colours, "#rrggbb". A script has all but the linetypes' as strings of the same names, for
 * `textcolor rgb ink`. */
struct house_theme {
    const char *background, *ink, *axis, *faint,
        *grid; /* titles, ticks and axes, captions, lines behind the data */
    const char *colours[HOUSE_COLOURS];
};
const struct house_theme *house_style_theme(enum chart_theme theme);

/* Starts a script: fonts, colours, axes, the title (what the chart shows, as a sentence) and the caption (what was
 * run; `rule` says how the figures came about). */
void house_style_begin(FILE *out, const struct chart *chart, const char *title, const char *rule);

/* Writes text as a gnuplot string, whatever is in it: what is not UTF-8 or not printable becomes a question mark. */
void house_style_quote(FILE *out, const char *text);

/* The title of a script that house_style_begin has started, which the caller frees. */
int house_style_title(char **out, const char *script);

/* What a chart's title counts: "images", or "samples" where the log does not say that it is about images. */
const char *house_style_noun(const struct analysis *analysis);

#endif
