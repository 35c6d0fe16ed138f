/* Running gnuplot on a script, with a file as the result. */
#ifndef TIDY_ANALYZE_CHARTS_GNUPLOT_H
#define TIDY_ANALYZE_CHARTS_GNUPLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What a picture can be. */
enum gnuplot_format { GNUPLOT_PNG, GNUPLOT_SVG, GNUPLOT_PDF };

/* The format of an output file by its ending. Errors: another ending. */
int gnuplot_format_of(enum gnuplot_format *out, const char *path);

/* Writes a script's first line, which chooses format and size; the background is a colour, "#rrggbb". */
void gnuplot_write_terminal(FILE *out, enum gnuplot_format format, const char *background);

/* Draws a script of `bytes` bytes into memory, followed by a 0, which the caller frees. `name` is for messages.
 * Errors: gnuplot is not installed, or failed. */
int gnuplot_render(char **picture, size_t *picture_bytes, const char *script, size_t bytes, const char *name);

/* The same into `path`, which appears once it is whole. Errors: also that the file exists (unless `force`), or
 * cannot be written. */
int gnuplot_draw(const char *script, size_t bytes, const char *path, bool force);

#endif
