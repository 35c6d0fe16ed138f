/* Base64 (RFC 4648, section 4), as data: URLs have it. */
#ifndef TIDY_COMMON_BASE64_H
#define TIDY_COMMON_BASE64_H

#include <stddef.h>
#include <stdio.h>

/* Writes `bytes` bytes as 4 characters for every 3 of them, the last ones padded. The stream keeps errors. */
void base64_write(FILE *out, const void *data, size_t bytes);

#endif
