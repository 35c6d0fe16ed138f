/* How much room a text takes in a chart, and how it is made to fit. */
#ifndef TIDY_ANALYZE_CHARTS_TEXT_LAYOUT_H
#define TIDY_ANALYZE_CHARTS_TEXT_LAYOUT_H

#include <stddef.h>

/* Width of a text in pixels of a chart 1280 wide, at a font size as gnuplot's `font ',size'` has it. By the advance
 * widths of DejaVu Sans, which are wide: in most other fonts a text takes less. */
double text_width(const char *text, double size);

/* Copies a text, UTF-8, into `room`, with an ellipsis for what does not fit into `pixels` or the room's bytes.
 * What is not UTF-8 or not printable becomes a question mark. Returns `room`. */
const char *text_fit(char *room, size_t bytes, const char *text, double size, double pixels);

/* The same in several lines with '\n' between them, broken at spaces where there are some; only the last may end
 * in an ellipsis. Returns how many lines there are, at least 1. */
size_t text_wrap(char *room, size_t bytes, const char *text, double size, double pixels, size_t lines);

#endif
