/* NPY files, NumPy's format for one array (versions 1, 2 and 3), read through a memory map and written in version
 * 1.
 *
 * The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#ifndef TIDY_COMMON_NPY_H
#define TIDY_COMMON_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/element.h"

enum { NPY_DIMENSIONS = 3 };

struct npy {
    enum element type;
    uint32_t dimensions;             /* 0 to NPY_DIMENSIONS */
    uint64_t size[NPY_DIMENSIONS];   /* elements, outermost first; 1 beyond `dimensions` */
    uint64_t stride[NPY_DIMENSIONS]; /* bytes, whatever the file's order (C or Fortran) */
    const uint8_t *data;             /* all that the shape says; elements may be unaligned */
    void *map;                       /* the file */
    size_t map_bytes;
};

/* Maps `path`. Errors: not an NPY file, a newer version, a header that is none, an element type that enum element
 * has not, big endian, more dimensions, truncated, surplus bytes, sizes whose product does not fit. Closed with
 * npy_close. A size may be 0. */
int npy_open(struct npy *out, const char *path);
void npy_close(struct npy *npy);

/* Gives back the memory of what was read so far; it is read again where it is needed again. */
void npy_release(const struct npy *npy);

/* Writes the header of an array in C order, to which the caller appends the elements, little endian.
 * dimensions: 0 to NPY_DIMENSIONS. The message of a failure has no file name, which the caller knows. */
int npy_write_header(FILE *out, enum element type, uint32_t dimensions, const uint64_t *size);

#endif
