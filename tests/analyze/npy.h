/* Arrays from numpy's .npy files, as far as the tests need them. */
#ifndef TIDY_TESTS_NPY_H
#define TIDY_TESTS_NPY_H

#include <stddef.h>

/* Reads `count` values of type `descr` ("<f4", "<i8"), C order. The test fails where the file is another. Freed by
 * the caller. */
void *npy_read(const char *path, const char *descr, size_t item_bytes, size_t count);

#endif
