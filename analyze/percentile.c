/* NumPy's default method, "linear" (Hyndman & Fan 1996, type 7). */
#include "analyze/percentile.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

void percentile_sort(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
}

double percentile_of(const double *values, size_t count, double percent)
{
    double place = (double)(count - 1) * (percent / 100), below = floor(place), share = place - below;
    double low = values[(size_t)below], high = values[(size_t)below + 1 < count ? (size_t)below + 1 : count - 1];
    /* From the nearer one, as NumPy does, so that the result is the same to the last bit. */
    return share < 0.5 ? low + (high - low) * share : high - (high - low) * (1 - share);
}
