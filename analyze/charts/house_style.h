/* How all charts look, and how texts and numbers are put into a gnuplot script. */
#ifndef TIDY_ANALYZE_CHARTS_HOUSE_STYLE_H
#define TIDY_ANALYZE_CHARTS_HOUSE_STYLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analyze/charts/charts.h"

/* Linetypes 1 to HOUSE_COLOURS, each with a colour, a dash pattern and a point of its own, so that colour is never
 * the only difference. 1 is for what is right, 2 for what is wrong; 7 is the ink's, for what the others are held
 * against. tests/analyze/charts/check_palette.py says how the colours were chosen, and checks it. */
enum { HOUSE_COLOURS = 7 };

/* A theme's colours, "#rrggbb". A script has all but the linetypes' as strings of the same names, for
 * `textcolor rgb ink`. */
struct house_theme {
    const char *background, *ink, *axis, *faint,
        *grid; /* titles, ticks and axes, captions, lines behind the data */
    const char *colours[HOUSE_COLOURS];
};
const struct house_theme *house_style_theme(enum chart_theme theme);

/* Starts a script: fonts, colours, axes, the title (what the chart shows, as a sentence; label 1) and the caption
 * (what was run; `rule` says how the figures came about; label 2). Both take two lines where they are long, and a
 * title becomes smaller. The plot's margins stand at 0.105, 0.97, 0.18 and 0.82 of the picture (left, right,
 * bottom, top). */
void house_style_begin(FILE *out, const struct chart *chart, const char *title, const char *rule);

/* Puts the key into the free row between title and plot, where no data can be. */
void house_style_key(FILE *out);

/* Writes text as a gnuplot string, whatever is in it: what is not UTF-8 or not printable becomes a question mark,
 * and an apostrophe that gnuplot would mistake for the string's end a typographic one. */
void house_style_quote(FILE *out, const char *text);

/* A round distance of ticks, 1, 2 or 5 times a power of ten, with which a range has at most so many steps; a whole
 * number where `whole`. */
double house_style_step(double range, int most, bool whole);

/* A count with commas between thousands: "1,281,167". Returns `room`. */
enum { COUNT_TEXT = 28 };
const char *house_style_count(char room[COUNT_TEXT], uint64_t count);

/* Title and caption of a script that house_style_begin has started, whole, which the caller frees. */
int house_style_title(char **out, const char *script);
int house_style_caption(char **out, const char *script);

/* A percentage with so many decimals, and one more where it would read 0 or 100 and is not; "<0.1%" and ">99.9%"
 * where that is not enough. Returns `room`. */
enum { PERCENT_TEXT = 16 };
const char *house_style_percent(char room[PERCENT_TEXT], double percent, int decimals);

/* A file's name without its folders. */
const char *house_style_file_name(const char *path);

/* What a chart's title counts: "images", or "samples" where the log does not say that it is about images. */
const char *house_style_noun(const struct analysis *analysis);

#endif
