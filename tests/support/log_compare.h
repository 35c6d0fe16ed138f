/* Compares two logs value by value. */
#ifndef TIDY_TESTS_SUPPORT_LOG_COMPARE_H
#define TIDY_TESTS_SUPPORT_LOG_COMPARE_H

#include <stddef.h>

/* Writes the first difference of two logs into `text` and returns 1; returns 0 where all that they say is the same,
 * bit for bit: what the run is, each epoch, each prediction. Not compared: seconds, and the texts on when and how
 * the run was made (started, command line). -1 where a log cannot be read: then text has the reason. */
int log_compare(const char *first, const char *second, char *text, size_t size);

#endif
