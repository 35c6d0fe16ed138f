/* gnuplot's SVG as a part of a page. */
#ifndef TIDY_ANALYZE_REPORT_SVG_IN_PAGE_H
#define TIDY_ANALYZE_REPORT_SVG_IN_PAGE_H

#include <stddef.h>
#include <stdio.h>

/* Writes the <svg> element of a picture that gnuplot has drawn: without what comes before it and its size, with
 * `title` as its accessible name, without the names that gnuplot gives its plots, which a pointer over them would
 * show, every id and what points to it with `name`- before it, so that pictures do not share any, without white space
 * between elements, and with each colour of the light theme as the page's variable, `var(--ink,#111111)`. One with
 * other colours, of a palette that was made for a light page, is of the class `plate`, for which the page's variables
 * stay light and which a dark page inverts. Error: no memory. */
int svg_in_page(FILE *out, const char *picture, size_t bytes, const char *name, const char *title);

#endif
