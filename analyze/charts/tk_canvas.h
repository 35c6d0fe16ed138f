/* Reading what gnuplot draws for Tk: lines, areas and texts, an element at a time, in thousandths of the picture.
 * It is the plainest of gnuplot's formats with colours, dashes and texts in it. */
#ifndef TIDY_ANALYZE_CHARTS_TK_CANVAS_H
#define TIDY_ANALYZE_CHARTS_TK_CANVAS_H

#include "analyze/charts/cells.h"

/* The terminal line of a script whose picture tk_canvas_draw reads. */
extern const char tk_canvas_terminal[];

/* Draws the picture, text that ends with a 0, into cells. Texts in the colour `ink` (0xrrggbb) get the terminal's;
 * those that stand upright have no room in cells: at the picture's sides, where axes have their names, they are
 * written into `upright`, a line each, and elsewhere left out. Errors: memory. */
int tk_canvas_draw(struct cells *cells, FILE *upright, const char *picture, uint32_t ink);

#endif
