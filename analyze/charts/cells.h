/* A picture of a terminal's cells: braille's dots, two by four in a cell, and letters. */
#ifndef TIDY_ANALYZE_CHARTS_CELLS_H
#define TIDY_ANALYZE_CHARTS_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A colour is 0xrrggbb, or the terminal's own for letters. */
enum { CELLS_INK = 1 << 24 };

/* What a terminal can show. */
enum cells_colours { CELLS_PLAIN, CELLS_256, CELLS_TRUE };

struct cell; /* what is in one */
struct cells {
    struct cell *cells; /* [rows][columns] */
    size_t columns, rows;
};

/* Empty cells. Freed with cells_destroy, also after a failure. */
int cells_create(struct cells *out, size_t columns, size_t rows);
void cells_destroy(struct cells *cells);

/* Where something is drawn: 0, 0 is the left top of all, 1, 1 the right bottom. What lies outside is left out. */
struct cells_point {
    double x, y;
};

/* A line through the points, in dashes of the lengths given, of strokes and gaps in turn, in shares of the width;
 * none: solid. */
void cells_line(struct cells *cells, const struct cells_point *points, size_t count, const double *dashes,
                size_t dash_count, uint32_t colour);

/* A polygon's inside, by the even-odd rule; `pale`: every second dot of it. */
void cells_fill(struct cells *cells, const struct cells_point *points, size_t count, bool pale, uint32_t colour);

/* UTF-8 in the row of a point, from its column on, about it, or up to it; moved to the left as far as it would
 * leave the picture at the right, and to the row below or above where others stand in its own. */
enum cells_anchor { CELLS_FROM, CELLS_ABOUT, CELLS_UP_TO };
void cells_text(struct cells *cells, struct cells_point at, const char *text, enum cells_anchor anchor,
                uint32_t colour);

/* Writes the rows but empty ones at top and bottom. */
void cells_write(FILE *out, const struct cells *cells, enum cells_colours colours);

#endif
