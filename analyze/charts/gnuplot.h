/* Running gnuplot on a script, with a file as the result. */
#ifndef TIDY_ANALYZE_CHARTS_GNUPLOT_H
#define TIDY_ANALYZE_CHARTS_GNUPLOT_H

#include <stdbool.h>
#include <stdio.h>

/* The line that chooses a PNG terminal: what a script on stdout starts with. */
extern const char *const gnuplot_png_terminal;

struct gnuplot_drawing; /* a chart on its way into a file */

/* Starts a drawing into `path`, whose ending (.png, .svg, .pdf) chooses the format. The script is to be written
 * to *script, without terminal and output. Errors: another ending, the file exists (unless `force`), the folder
 * cannot be written. */
int gnuplot_begin(struct gnuplot_drawing **out, FILE **script, const char *path, bool force);

/* Draws; the file appears at its path once it is whole. Errors: gnuplot is not installed, or failed. */
int gnuplot_draw(struct gnuplot_drawing *drawing);

/* Frees, and removes what is not drawn to the end. NULL is allowed. */
void gnuplot_end(struct gnuplot_drawing *drawing);

#endif
