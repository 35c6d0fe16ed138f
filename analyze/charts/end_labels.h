/* Names at the right ends of curves, in the margin, instead of a key that the eye has to go to and fro between. */
#ifndef TIDY_ANALYZE_CHARTS_END_LABELS_H
#define TIDY_ANALYZE_CHARTS_END_LABELS_H

#include <stddef.h>
#include <stdio.h>

/* A curve's name. */
struct end_label {
    double height; /* of the curve's end: 0 at the bottom of the plot, 1 at the top; NaN: it has none */
    const char *text;
    int linetype;
    double missing; /* how far short of the plot's right edge the curve ends: a share of the width */
    double place;   /* where the text goes: set by end_labels_spread */
};

/* Sorts labels by height and sets their places: the heights, moved apart to at least `gap` by as little as can be
 * (least squares), and into 0 to 1 where there is room. Equal heights keep the array's order. At most
 * END_LABELS. */
enum { END_LABELS = 64 };
void end_labels_spread(struct end_label *labels, size_t count, double gap);

/* Writes them as gnuplot labels and arrows with the numbers `first` and up: the text, cut to `pixels` of a chart
 * 1280 wide, and a line as the curve's from its end to the text. `plot_height` is the plot's, in pixels of a chart
 * 720 high. Stands before the plot command. */
void end_labels_write(FILE *out, struct end_label *labels, size_t count, int first, double plot_height,
                      double pixels);

#endif
