/* Reads the stream's frames. Memory follows what really arrives: counts are bounded by the samples, and a step's
 * numbers are read a block at a time. */
#include "record/import_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/little_endian.h"
#include "common/memory.h"

static const char magic[] = "tidystrm";
enum { VERSION = 1, HEADER_BYTES = 32, FRAME_BYTES = 16, FIGURES_BYTES = 32, DETAIL_NOT_SAID = 255 };
enum { READ_BYTES = 1 << 20 };

/* Kinds of frames, and of a step's outputs (by import_kind). */
enum { FRAME_STEP = 's', FRAME_EPOCH = 'e', FRAME_END = '.' };
static const char output_letters[IMPORT_KINDS] = {'l', 'p', 'c'};

static const char name[] = "the stream";

/* ---- reading -------------------------------------------------------------------------------------------- */

/* Reads exactly that many bytes. `within`: what the stream would end in, "its header". */
static int read_bytes(struct import_stream *stream, void *out, size_t bytes, const char *within)
{
    size_t got = fread(out, 1, bytes, stream->in);
    stream->bytes += got;
    if (got == bytes)
        return 0;
    if (ferror(stream->in))
        return tidy_fail("%s cannot be read: %s", name, strerror(errno));
    return tidy_fail("%s ended within %s, after %" PRIu64 " bytes", name, within, stream->bytes);
}

/* The same into stream->raw, in pieces: a count is believed as far as its bytes arrive. */
static int read_raw(struct import_stream *stream, size_t bytes, const char *within)
{
    for (size_t there = 0; there < bytes;) {
        size_t piece = bytes - there < READ_BYTES ? bytes - there : READ_BYTES;
        int status = memory_grow(&stream->raw, &stream->raw_capacity, there + piece, 1, "a step of the stream");
        if (status == 0)
            status = read_bytes(stream, stream->raw + there, piece, within);
        if (status != 0)
            return status;
        there += piece;
    }
    return 0;
}

/* Reads the next frame's first bytes. */
static int read_frame(struct import_stream *stream, struct stream_frame *out)
{
    uint8_t bytes[FRAME_BYTES];
    int next = getc(stream->in);
    if (next == EOF && !ferror(stream->in))
        return tidy_fail("%s ended without its last frame, which says that all is there", name);
    if (next != EOF)
        ungetc(next, stream->in);
    int status = read_bytes(stream, bytes, sizeof bytes, "a frame's first bytes");
    if (status != 0)
        return status;
    *out = (struct stream_frame){
        .kind = bytes[0],
        .outputs = bytes[1],
        .index_type = bytes[2],
        .label_type = bytes[3],
        .output_type = bytes[4],
        .count = load_u32(bytes + 8),
        .epoch = load_u32(bytes + 12),
    };
    return 0;
}

int import_stream_open(struct import_stream *out, FILE *in)
{
    uint8_t bytes[HEADER_BYTES];
    *out = (struct import_stream){.in = in, .detail = -1};
    int status = read_bytes(out, bytes, sizeof bytes, "its header");
    if (status != 0)
        return status;
    if (memcmp(bytes, magic, 8) != 0)
        return tidy_fail("%s is none of TIDY's: it does not begin with '%s'; bindings/python/tidylog.py writes one",
                         name, magic);
    if (bytes[8] != VERSION)
        return tidy_fail("%s has version %u of its format, and this program reads version %d", name, bytes[8],
                         VERSION);
    if (bytes[9] > TIDYLOG_FULL && bytes[9] != DETAIL_NOT_SAID)
        return tidy_fail("%s asks for detail %u, and there is none above %d", name, bytes[9], TIDYLOG_FULL);
    out->detail = bytes[9] == DETAIL_NOT_SAID ? -1 : bytes[9];
    out->classes = load_u32(bytes + 12);
    out->samples = load_u64(bytes + 16);
    out->epochs = load_u64(bytes + 24);
    if (out->classes < 1 || out->classes > IMPORT_MOST_CLASSES || out->samples < 1 ||
        out->samples > TIDYLOG_MOST_SAMPLES)
        return tidy_fail("%s says %" PRIu64 " samples and %" PRIu32 " classes; there may be 1 to %d and 1 to %d",
                         name, out->samples, out->classes, TIDYLOG_MOST_SAMPLES, IMPORT_MOST_CLASSES);
    status = read_frame(out, &out->first);
    if (status == 0 && out->first.kind == FRAME_END)
        status = tidy_fail("%s has no steps", name);
    return status;
}

void import_stream_close(struct import_stream *stream)
{
    free(stream->rows);
    free(stream->step_labels);
    free(stream->indices);
    free(stream->raw);
    free(stream->known);
    *stream = (struct import_stream){0};
}

/* ---- a step --------------------------------------------------------------------------------------------- */

static int fail_step(const struct import_stream *stream, const char *what)
{
    return tidy_fail("step %" PRIu64 " of the stream: %s", stream->steps, what);
}

/* ELEMENTS where no type has that letter. */
static enum element find_type(uint8_t letter)
{
    int type = 0;
    while (type < ELEMENTS && (uint8_t)element_rows[type].buffer != letter)
        type++;
    return (enum element)type;
}

/* IMPORT_KINDS where no outputs have that letter. */
static enum import_kind find_kind(uint8_t letter)
{
    int kind = 0;
    while (kind < IMPORT_KINDS && (uint8_t)output_letters[kind] != letter)
        kind++;
    return (enum import_kind)kind;
}

static int check_step(const struct import_stream *stream, const struct stream_frame *frame,
                      enum tidylog_detail detail)
{
    const uint8_t types[] = {frame->index_type, frame->label_type, frame->output_type};
    char what[96] = "";
    for (size_t i = 0; i < sizeof types; i++) {
        if (find_type(types[i]) == ELEMENTS)
            snprintf(what, sizeof what, "no type of numbers has the letter with code %u", types[i]);
    }
    if (find_kind(frame->outputs) == IMPORT_KINDS)
        snprintf(what, sizeof what, "its outputs have the letter with code %u, which is none of l, p and c",
                 frame->outputs);
    else if (frame->count < 1 || frame->count > stream->samples)
        snprintf(what, sizeof what, "it has %" PRIu32 " predictions; it may have 1 to %" PRIu64, frame->count,
                 stream->samples);
    else if (find_kind(frame->outputs) == IMPORT_CLASSES && detail != TIDYLOG_CLASS)
        snprintf(what, sizeof what, "it has predicted classes alone, which feed no detail but --detail class");
    return what[0] == 0 ? 0 : fail_step(stream, what);
}

/* Reads `count` whole numbers of 0..most; `what` says which in messages. */
static int read_whole(struct import_stream *stream, int32_t **out, size_t *capacity, uint32_t count, uint8_t letter,
                      int32_t most, const char *what)
{
    enum element type = find_type(letter);
    size_t bytes = element_rows[type].bytes;
    int status = read_raw(stream, count * bytes, what);
    if (status == 0)
        status = memory_grow(out, capacity, count, sizeof **out, what);
    if (status != 0)
        return status;
    size_t good = element_to_whole(*out, type, stream->raw, count, bytes, 0, most);
    if (good == count)
        return 0;
    char number[32], text[128];
    snprintf(text, sizeof text, "number %zu of %s is %s, and they are 0 to %" PRId32, good, what,
             element_text(number, type, stream->raw + good * bytes), most);
    return fail_step(stream, text);
}

/* Learns the labels of samples that were not seen before. */
static int take_labels(struct import_stream *stream, struct importer *importer, uint32_t count)
{
    const struct tidylog_run *run = importer->run;
    char what[128];
    for (uint32_t i = 0; i < count; i++) {
        int32_t sample = stream->indices[i], label = stream->step_labels[i];
        if (tidylog_is_left_out(run, (uint64_t)sample)) {
            snprintf(what, sizeof what, "sample %" PRId32 " is in it, and its labels leave it out", sample);
            return fail_step(stream, what);
        }
        if (stream->known[sample] && run->labels[sample] != label) {
            snprintf(what, sizeof what, "sample %" PRId32 " has label %" PRId32 ", and had %u before", sample,
                     label, run->labels[sample]);
            return fail_step(stream, what);
        }
        int status = tidylog_set_label(importer->log, (uint64_t)sample, (uint16_t)label);
        if (status != 0)
            return status;
        stream->known[sample] = true;
    }
    return 0;
}

static int read_step(struct import_stream *stream, struct importer *importer, const struct stream_frame *frame)
{
    const struct tidylog_run *run = importer->run;
    enum import_kind kind = find_kind(frame->outputs);
    enum element type = find_type(frame->output_type);
    int status = check_step(stream, frame, run->detail);
    if (status == 0)
        status = read_whole(stream, &stream->indices, &stream->index_capacity, frame->count, frame->index_type,
                            (int32_t)(stream->samples - 1), "a step's samples");
    if (status == 0)
        status = read_whole(stream, &stream->step_labels, &stream->label_capacity, frame->count, frame->label_type,
                            (int32_t)stream->classes - 1, "a step's labels");
    if (status == 0)
        status = take_labels(stream, importer, frame->count);
    uint64_t stride = type < ELEMENTS ? element_rows[type].bytes : 0;
    size_t row_bytes = (size_t)stride * import_width(kind, stream->classes);
    uint32_t samples[IMPORT_STEP_MOST];
    for (uint32_t done = 0; done < frame->count && status == 0;) {
        uint32_t count = frame->count - done < run->batch_size ? frame->count - done : run->batch_size;
        status = read_raw(stream, count * row_bytes, "a step's outputs");
        for (uint32_t i = 0; i < count && status == 0; i++) {
            stream->rows[i] = stream->raw + i * row_bytes;
            samples[i] = (uint32_t)stream->indices[done + i];
        }
        const struct import_block block = {kind, type, count, samples, stream->rows, stride, name, frame->epoch};
        if (status == 0)
            status = importer_add(importer, &block);
        done += count;
    }
    stream->steps += status == 0;
    return status;
}

/* ---- epochs --------------------------------------------------------------------------------------------- */

/* The log counts epochs from 0 without a gap, whatever the stream calls them. */
static int end_epoch(struct importer *importer, const struct import_figures *figures)
{
    int status = importer_end_epoch(importer, figures);
    if (status == 0 && importer->epoch > importer->run->epochs)
        status = tidylog_set_epochs(importer->log, importer->epoch);
    return status;
}

static int read_epoch(struct import_stream *stream, struct importer *importer, uint32_t epoch, bool in_progress)
{
    uint8_t bytes[FIGURES_BYTES];
    if (!in_progress)
        return tidy_fail("%s ends epoch %" PRIu32 " after %" PRIu64 " steps, and no step of it was seen", name,
                         epoch, stream->steps);
    int status = read_bytes(stream, bytes, sizeof bytes, "an epoch's figures");
    if (status != 0)
        return status;
    const struct import_figures figures = {load_f64(bytes), load_f64(bytes + 8), load_f64(bytes + 16),
                                           load_f64(bytes + 24)};
    return end_epoch(importer, &figures);
}

static int read_frames(struct import_stream *stream, struct importer *importer)
{
    struct stream_frame frame = stream->first;
    uint64_t least = 0; /* the first epoch that may come */
    for (int status; frame.kind != FRAME_END;) {
        bool in_progress = importer->predictions > 0 && frame.epoch + UINT64_C(1) == least;
        if (frame.kind != FRAME_STEP && frame.kind != FRAME_EPOCH)
            return tidy_fail("%s is damaged: a frame has kind %u, after %" PRIu64 " steps", name, frame.kind,
                             stream->steps);
        if (!in_progress && frame.epoch < least)
            return tidy_fail("%s goes back to epoch %" PRIu32 " after %" PRIu64 " steps, after epoch %" PRIu64,
                             name, frame.epoch, stream->steps, least - 1);
        if (frame.kind == FRAME_EPOCH) {
            status = read_epoch(stream, importer, frame.epoch, in_progress);
        } else {
            status = !in_progress && importer->predictions > 0 ? end_epoch(importer, &import_figures_unknown) : 0;
            least = frame.epoch + UINT64_C(1);
            if (status == 0)
                status = read_step(stream, importer, &frame);
        }
        if (status == 0)
            status = read_frame(stream, &frame);
        if (status != 0)
            return status;
    }
    int status = importer->predictions > 0 ? end_epoch(importer, &import_figures_unknown) : 0;
    if (status == 0 && getc(stream->in) != EOF)
        status = tidy_fail("%s goes on after its last frame", name);
    return status;
}

int import_stream_run(struct import_stream *stream, struct importer *importer, bool known)
{
    size_t samples = (size_t)stream->samples;
    int status = memory_allocate(&stream->known, samples, sizeof *stream->known, "which labels are known");
    if (status == 0)
        status =
            memory_allocate(&stream->rows, importer->run->batch_size, sizeof *stream->rows, "places in a step");
    if (status != 0)
        return status;
    memset(stream->known, known, samples);
    return read_frames(stream, importer);
}
