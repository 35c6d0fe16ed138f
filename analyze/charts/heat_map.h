/* A matrix in a part of a chart: a cell a pair, with its number in it, and the darker the more. */
#ifndef TIDY_ANALYZE_CHARTS_HEAT_MAP_H
#define TIDY_ANALYZE_CHARTS_HEAT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "analyze/charts/charts.h"

enum { HEAT_TEXT = 32 };

struct heat_cell {
    double shade;          /* 0 to 1; NaN: no cell is drawn, though its texts are */
    char text[HEAT_TEXT];  /* its number, or "" */
    char below[HEAT_TEXT]; /* smaller, under it, or "" */
};

struct heat_map {
    size_t side;                          /* as many rows as columns, of the same names */
    struct heat_cell *cells;              /* [side][side] from the top left on */
    const char *const *names;             /* [side] UTF-8 */
    const char *row_title, *column_title; /* what rows and columns are; NULL: the names say it */
    const char *below_title;              /* what the smaller texts are; NULL: there are none */
    double most_name;                     /* pixels that a name may take */
    double left, right, bottom, top;      /* of all of it with its names, in pixels of 1280 x 720, y upwards */
};

/* Are the cells of such a map so high that they hold two lines of text? */
bool heat_map_has_room_below(const struct heat_map *map);

/* Writes the data block $cells, the axes and the plot command; nothing else may be drawn on these axes. Colours are
 * the house's first with opacity, so that the ink is readable on all of them on light and on dark. */
void heat_map_write(FILE *out, const struct heat_map *map, enum chart_theme theme);

#endif
