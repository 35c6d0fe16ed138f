/* Numbers as text: what "%PRIu64" and the shortest "%.Ng" would print, at a fraction of their cost. */
#ifndef TIDY_COMMON_DECIMAL_TEXT_H
#define TIDY_COMMON_DECIMAL_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Room that any of the texts fits into. */
enum { DECIMAL_TEXT_BYTES = 24 };

/* Writes `value` to out[DECIMAL_TEXT_BYTES], with no 0 at its end. Returns the bytes written. */
size_t decimal_text_of_count(char *out, uint64_t value);

/* The same of a finite `value`: with the fewest digits that read back to it (round to nearest, ties to even), in
 * the notation of "%.9g"; -0 is "0". Of two texts of that length, the one nearer to "%.9g"'s, and of two as near
 * the larger one in magnitude. */
size_t decimal_text_of_float(char *out, float value);

#endif
