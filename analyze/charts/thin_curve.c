/* Columns first, which bound how many points there are, then lines ("swinging door"), which leave few of a smooth
 * curve's. */
#include "analyze/charts/thin_curve.h"

#include <math.h>

void thin_curve_begin(struct thin_curve *curve, FILE *out, double column_width, double tolerance)
{
    *curve = (struct thin_curve){.out = out, .column_width = column_width, .tolerance = tolerance};
}

/* ---- lines ----------------------------------------------------------------------------------------------- */

static void write_point(struct thin_curve *curve, struct thin_point point)
{
    fprintf(curve->out, "%.6g\t%.6g\n", curve->logarithmic ? pow(10, point.x) : point.x, point.y);
    curve->kept = point;
    curve->least_slope = -INFINITY;
    curve->most_slope = INFINITY;
    curve->has_pending = false;
}

/* Does a line from the point kept to this one pass all between them? */
static bool is_passed(const struct thin_curve *curve, struct thin_point point)
{
    double run = point.x - curve->kept.x, rise = point.y - curve->kept.y;
    if (run <= 0)
        return curve->least_slope == -INFINITY && fabs(rise) <= curve->tolerance;
    return rise >= curve->least_slope * run && rise <= curve->most_slope * run;
}

static void draw_to(struct thin_curve *curve, struct thin_point point)
{
    if (!curve->has_kept) {
        write_point(curve, point);
        curve->has_kept = true;
        return;
    }
    if (curve->has_pending && !is_passed(curve, point))
        write_point(curve, curve->pending);
    double run = point.x - curve->kept.x, rise = point.y - curve->kept.y;
    if (run > 0) {
        curve->least_slope = fmax(curve->least_slope, (rise - curve->tolerance) / run);
        curve->most_slope = fmin(curve->most_slope, (rise + curve->tolerance) / run);
    } else if (fabs(rise) > curve->tolerance) {
        write_point(curve, point); /* a line straight up or down */
        return;
    }
    curve->pending = point;
    curve->has_pending = true;
}

/* ---- columns --------------------------------------------------------------------------------------------- */

static void end_column(struct thin_curve *curve)
{
    bool rises = curve->lowest.number < curve->highest.number;
    const struct thin_point points[] = {curve->first, rises ? curve->lowest : curve->highest,
                                        rises ? curve->highest : curve->lowest, curve->last};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        if (i == 0 || points[i].number > points[i - 1].number)
            draw_to(curve, points[i]);
}

void thin_curve_add(struct thin_curve *curve, double x, double y)
{
    struct thin_point point = {x, y, curve->added};
    double column = floor(x / curve->column_width);
    if (curve->added > 0 && column != curve->column)
        end_column(curve);
    if (curve->added == 0 || column != curve->column)
        curve->first = curve->lowest = curve->highest = point;
    if (y < curve->lowest.y)
        curve->lowest = point;
    if (y > curve->highest.y)
        curve->highest = point;
    curve->last = point;
    curve->column = column;
    curve->added++;
}

void thin_curve_end(struct thin_curve *curve)
{
    if (curve->added > 0)
        end_column(curve);
    if (curve->has_pending)
        write_point(curve, curve->pending);
}
