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

static void swap(double *a, double *b)
{
    double value = *a;
    *a = *b;
    *b = value;
}

/* Hoare 1961: brings what would stand at `place` of the sorted values there; before it nothing is larger, after it
 * nothing smaller. */
static void bring(double *values, size_t count, size_t place)
{
    size_t first = 0, last = count - 1;
    while (first < last) {
        double pivot = values[first + (last - first) / 2];
        size_t low = first, high = last;
        for (;;) {
            while (values[low] < pivot)
                low++;
            while (values[high] > pivot)
                high--;
            if (low >= high)
                break;
            swap(&values[low++], &values[high--]);
        }
        /* All up to `high`, which is before `last`, are at most the pivot, all after it at least that. */
        if (place <= high)
            last = high;
        else
            first = high + 1;
    }
}

double percentile_select(double *values, size_t count, double percent)
{
    size_t below = (size_t)((double)(count - 1) * (percent / 100));
    bring(values, count, below);
    if (below + 1 < count)
        bring(values + below + 1, count - below - 1, 0);
    return percentile_of(values, count, percent);
}
