/* One IDX file (the format of MNIST), plain or .gz. Internal to the data sets. */
#ifndef TIDY_COMMON_IDX_H
#define TIDY_COMMON_IDX_H

#include <stdint.h>

/* What an IDX file of unsigned bytes holds. */
struct idx {
    uint32_t dimensions;  /* 1: labels, 3: images */
    uint32_t size[3];     /* [dimensions], the first is the count */
    uint8_t *values;      /* [product of sizes] */
};

/* Reads all of `path`, which must have that many dimensions (1 or 3). Errors: cannot be read, wrong magic number,
 * sizes of 0 or absurd, truncated, surplus bytes, damaged compression. On success the caller frees `values`. */
int idx_read(struct idx *out, const char *path, uint32_t dimensions);

#endif
