/* Charts where one works: in the terminal, or, where stdout is none, as the figures that a chart draws. */
#ifndef TIDY_ANALYZE_CHARTS_SHOW_H
#define TIDY_ANALYZE_CHARTS_SHOW_H

#include "analyze/charts/terminal.h"

/* Draws a script, as chart_write has written it, on stdout: as sixels, else in braille's dots with title and
 * caption as text, as wide as the window. `background` and `ink` are the theme's. Errors: gnuplot's, memory. */
int show_chart(const struct terminal *terminal, const char *script, const char *background, const char *ink);

/* Writes the script's data blocks as tables: columns are apart by a tab, and the first line, which starts with a
 * '#', names them; blocks without one are left out. Several are headed by their names and apart by an empty line. */
void show_table(FILE *out, const char *script);

#endif
