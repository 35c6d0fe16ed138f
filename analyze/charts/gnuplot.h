/* Running gnuplot on a script, with a file as the result. */
#ifndef TIDY_ANALYZE_CHARTS_GNUPLOT_H
#define TIDY_ANALYZE_CHARTS_GNUPLOT_H

#include <stdbool.h>
#include <stddef.h>

/* The script's first line, which chooses format and size, for an output file; its ending (.png, .svg, .pdf) chooses,
 * NULL is PNG. Errors: another ending, the file exists (unless `force`). */
int gnuplot_terminal(const char **terminal, const char *path, bool force);

/* Draws a script of `bytes` bytes into `path`, which appears once it is whole. Errors: gnuplot is not installed, or
 * failed; the file exists (unless `force`), cannot be written. */
int gnuplot_draw(const char *script, size_t bytes, const char *path, bool force);

#endif
