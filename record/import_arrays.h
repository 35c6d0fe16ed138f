/* Import of predictions that lie in NPY files: one of all epochs, or one an epoch. */
#ifndef TIDY_RECORD_IMPORT_ARRAYS_H
#define TIDY_RECORD_IMPORT_ARRAYS_H

#include "common/npy.h"
#include "record/importer.h"

struct import_arrays {
    enum import_kind kind;
    size_t file_count;
    const char *const *paths; /* [file_count]; not owned */
    struct npy *files;        /* [file_count] */
    bool whole;               /* one file, [epochs][samples]([classes]); else an epoch each, [samples]([classes]) */
    uint64_t epochs, samples;
    uint32_t classes; /* 0 for IMPORT_CLASSES: the files do not say */
};

/* Maps the files and checks that their shapes agree. Freed with import_arrays_close, also after a failure.
 * Errors: as npy_open's, another number of dimensions, files of several shapes, nothing in them. */
int import_arrays_open(struct import_arrays *out, enum import_kind kind, const char *const *paths, size_t count);
void import_arrays_close(struct import_arrays *arrays);

/* Makes all steps and epochs, in the log's order of samples. Memory: a block of samples; what was mapped is given
 * back after each block. Errors: as importer_add's; TIDY_INTERRUPTED after SIGINT or SIGTERM. */
int import_arrays_run(struct import_arrays *arrays, struct importer *importer);

#endif
