/* The .npy format: magic, version, header length, a Python dictionary as text, then the values. */
#include "npy.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

void *npy_read(const char *path, const char *descr, size_t item_bytes, size_t count)
{
    size_t bytes;
    char *file = support_read_file(path, &bytes);
    assert_true(bytes > 10 && memcmp(file, "\x93NUMPY\x01\x00", 8) == 0);
    size_t header = (size_t)(unsigned char)file[8] + 256 * (size_t)(unsigned char)file[9];
    assert_int_equal(bytes, 10 + header + item_bytes * count);
    char *text = strndup(file + 10, header);
    assert_non_null(text);
    assert_non_null(strstr(text, descr));
    assert_non_null(strstr(text, "'fortran_order': False"));
    free(text);
    void *values = malloc(item_bytes * count);
    assert_non_null(values);
    memcpy(values, file + 10 + header, item_bytes * count);
    free(file);
    return values;
}
