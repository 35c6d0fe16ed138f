/* One IDX file (the format of MNIST), plain or .gz. Internal to the data sets and the label files. */
#ifndef TIDY_COMMON_IDX_H
#define TIDY_COMMON_IDX_H

#include <stdint.h>

/* What an IDX file holds. */
struct idx {
    uint32_t dimensions;  /* 1: labels; 3: grey images; 4: images of size[3] channels */
    uint32_t size[4];     /* [dimensions], the first is the count */
    uint32_t value_bytes; /* of one value */
    uint8_t *values;      /* [product of sizes][value_bytes], whole numbers, big endian as in the file */
};

/* What is asked for. */
enum idx_kind {
    IDX_IMAGES, /* unsigned bytes of 3 dimensions, or of 4, the last of which is 1 (grey) or 3 (red, green, blue) */
    IDX_LABELS, /* unsigned bytes of one dimension */
    IDX_NEW_LABELS, /* the same, or signed numbers of 2 or 4 bytes */
};

/* Reads all of `path`. Errors: cannot be read, wrong magic number, sizes of 0 or absurd, truncated, surplus bytes, damaged
 * compression. On success the caller frees `values`. */
int idx_read(struct idx *out, const char *path, enum idx_kind kind);

#endif
