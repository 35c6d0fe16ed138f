/* Import of a stream that a trainer writes while it trains: docs/stream-format.md. */
#ifndef TIDY_RECORD_IMPORT_STREAM_H
#define TIDY_RECORD_IMPORT_STREAM_H

#include <stdio.h>

#include "record/importer.h"

/* One frame's first bytes. */
struct stream_frame {
    uint8_t kind, outputs; /* letters of the format */
    uint8_t index_type, label_type, output_type;
    uint32_t count, epoch;
};

struct import_stream {
    FILE *in;                 /* not owned */
    uint64_t samples, epochs; /* epochs planned; 0: not known */
    uint32_t classes;
    int detail;                /* enum tidylog_detail, or -1: the stream does not say */
    struct stream_frame first; /* read already, so that a stream of nothing makes no log */

    /* While it runs. */
    uint64_t bytes, steps; /* read so far */
    bool *known;           /* [samples] labels of the log that are known; the others stand for nothing yet */
    uint8_t *raw;          /* what was read last */
    size_t raw_capacity;
    int32_t *indices, *step_labels; /* [count] of a step's frame */
    size_t index_capacity, label_capacity;
    const uint8_t **rows; /* [batch size] */
};

/* Reads the stream's header and the first frame's. Freed with import_stream_close, also after a failure.
 * Errors: no such stream, a newer version, sizes that cannot be, an end before the first frame. */
int import_stream_open(struct import_stream *out, FILE *in);
void import_stream_close(struct import_stream *stream);

/* Reads to the stream's end. `known`: the log's labels were known beforehand, else they stand for nothing until
 * their sample is seen. Errors: an end within a step or without the end's frame, a frame that is none, an
 * epoch before the one in progress, a sample or class that is none, a sample with another label than before; as
 * importer_add's. What came before stays in the log. */
int import_stream_run(struct import_stream *stream, struct importer *importer, bool known);

#endif
