/* A curve of very many points as the few that show: where it is drawn, the difference cannot be seen.
 *
 * Of the points in a column, a range of x, the first, the lowest, the highest and the last are kept, in their order.
 * A point of these is left out where the straight line between those kept passes it, and all others left out there,
 * no further than the tolerance above or below. */
#ifndef TIDY_ANALYZE_CHARTS_THIN_CURVE_H
#define TIDY_ANALYZE_CHARTS_THIN_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct thin_curve {
    FILE *out; /* a line a point: x, tab, y, each of six digits */
    double column_width, tolerance;
    bool logarithmic; /* x is a logarithm to base 10, and 10**x is written; set it after thin_curve_begin */

    struct thin_point {
        double x, y;
        size_t number;              /* of those added */
    } first, lowest, highest, last; /* of the column */
    size_t added;
    double column;

    struct thin_point kept, pending; /* the last one written, and the last one since, which may be left out */
    bool has_kept, has_pending;
    double least_slope, most_slope; /* of a line from `kept` that passes all points since */
};

/* Starts a curve. */
void thin_curve_begin(struct thin_curve *curve, FILE *out, double column_width, double tolerance);

/* Adds a point, whose x is no less than that of the one before. */
void thin_curve_add(struct thin_curve *curve, double x, double y);

/* Writes what is left. */
void thin_curve_end(struct thin_curve *curve);

#endif
