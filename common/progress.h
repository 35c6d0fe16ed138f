/* Progress on stderr: one live line on a terminal, nothing in between elsewhere. */
#ifndef TIDY_COMMON_PROGRESS_H
#define TIDY_COMMON_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Replaces the live line, at most ten times a second, cut to the terminal's width.
 * Does nothing where stderr is no terminal. */
void progress_update(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Clears the live line, if any, and prints a plain line that stays (terminal or not). */
void progress_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Clears the live line, so that an error message stands on its own. */
void progress_clear(void);

/* Seconds since some fixed point, monotonic. */
double progress_seconds(void);

/* Writes seconds as "3 s", "2 min 05 s", "1 h 07 min" into text (at least 24 bytes) and returns it. */
const char *progress_duration(char *text, double seconds);

/* Writes a size as "800 bytes", "512 KiB", "1.3 GiB" into text (at least 24 bytes) and returns it. */
const char *progress_bytes(char *text, uint64_t bytes);

#endif
