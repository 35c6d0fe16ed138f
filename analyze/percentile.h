/* Percentiles as NumPy's: between the two values around the place, in proportion. */
#ifndef TIDY_ANALYZE_PERCENTILE_H
#define TIDY_ANALYZE_PERCENTILE_H

#include <stddef.h>

/* Sorts values[count], none of which is NaN, upwards. */
void percentile_sort(double *values, size_t count);

/* The percentile (0 to 100) of sorted values; count is at least 1. */
double percentile_of(const double *values, size_t count, double percent);

/* The same of values that are not sorted, whose order it changes: quicker where few percentiles are asked for. */
double percentile_select(double *values, size_t count, double percent);

#endif
