/* What several test suites share: scratch folders, running programs, reading files. */
#ifndef TIDY_TESTS_SUPPORT_H
#define TIDY_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A new empty folder, removed with all in it when the program ends. */
const char *support_scratch_folder(void);

/* "folder/name" in a buffer that lives until the program ends. */
char *support_path(const char *folder, const char *name);

/* Whole file, with a 0 byte after its end; *bytes is its size. The test fails where it cannot be read. Freed by
 * the caller. */
char *support_read_file(const char *path, size_t *bytes);
void support_write_file(const char *path, const void *data, size_t bytes);

/* Environment variable set by ctest; where it is missing or names no existing path the suite prints why and
 * exits with 77 (skipped), or fails where CI=true. */
const char *support_data_path(const char *variable);

/* Fails unless `actual` is within `tolerance` of `expected`; NaN is never near. */
#define assert_near(actual, expected, tolerance) \
    support_assert_near((double)(actual), (double)(expected), (double)(tolerance), __FILE__, __LINE__)
void support_assert_near(double actual, double expected, double tolerance, const char *file, int line);

#endif
