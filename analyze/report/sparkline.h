/* A sample's trajectory as the path of a tiny picture. */
#ifndef TIDY_ANALYZE_REPORT_SPARKLINE_H
#define TIDY_ANALYZE_REPORT_SPARKLINE_H

#include <stdbool.h>
#include <stddef.h>

/* The picture is as wide as there are bins and SPARKLINE_HEIGHT high: the curve from 0 (top) to SPARKLINE_LOW,
 * dashes on the line SPARKLINE_DASHES. No path is longer than SPARKLINE_BYTES: the curve's start "M.5 16l" and 23
 * steps of " 1-16", and 12 dashes, the first "M10 19h1" and all others "m1 0h1", are 196 bytes; gaps make it
 * shorter. */
enum {
    SPARKLINE_BINS = 24,
    SPARKLINE_LOW = 16,
    SPARKLINE_DASHES = 19,
    SPARKLINE_HEIGHT = 20,
    SPARKLINE_BYTES = 200
};

struct sparkline_bin {
    int level;      /* of the curve, 0 to SPARKLINE_LOW; negative: it has a gap here */
    bool forgotten; /* has a dash */
};

/* Writes the value of a path's attribute d for bins[count], count at most SPARKLINE_BINS, to
 * out[SPARKLINE_BYTES + 1], ended with a 0. Returns its length. */
size_t sparkline_path(char *out, const struct sparkline_bin *bins, int count);

#endif
