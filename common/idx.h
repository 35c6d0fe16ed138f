/* One IDX file (the format of MNIST), plain or .gz. Internal to the data sets and the label files. */
#ifndef TIDY_COMMON_IDX_H
#define TIDY_COMMON_IDX_H

#include <stdint.h>

/* What an IDX file holds. */
struct idx {
    uint32_t dimensions;  /* 1: labels, 3: images */
    uint32_t size[3];     /* [dimensions], the first is the count */
    uint32_t value_bytes; /* of one value */
    uint8_t *values;      /* [product of sizes][value_bytes], whole numbers, big endian as in the file */
};

/* Reads all of `path`, unsigned bytes that must have that many dimensions (1 or 3). Errors: cannot be read, wrong
 * magic number, sizes of 0 or absurd, truncated, surplus bytes, damaged compression. On success the caller frees
 * `values`. */
int idx_read(struct idx *out, const char *path, uint32_t dimensions);

/* The same for labels (one dimension) of unsigned bytes, or of signed numbers of 2 or 4 bytes. */
int idx_read_labels(struct idx *out, const char *path);

#endif
