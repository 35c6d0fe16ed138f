/* One function for each kind of array, and the passes over the log that lay its elements out in the samples'
 * order; labels are there in that order already. */
#include "analyze/export_array.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/replay.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/npy.h"
#include "common/progress.h"

/* ---- what can be exported ------------------------------------------------------------------------------- */

static const float *margins(const struct tidylog_observations *step)
{
    return step->margin;
}

static const float *losses(const struct tidylog_observations *step)
{
    return step->loss;
}

static const float *confidences(const struct tidylog_observations *step)
{
    return step->confidence;
}

static const float *log_probs(const struct tidylog_observations *step)
{
    return step->log_probs;
}

/* An element of the array. */
union value {
    int32_t class;
    float real;
};
_Static_assert(sizeof(union value) == 4, "elements of both types are as long, and lie side by side");

static const uint16_t *trained_labels(const struct tidylog_run *run)
{
    return run->labels;
}

static const uint16_t *true_labels(const struct tidylog_run *run)
{
    return run->truth;
}

static const struct export_row {
    const uint16_t *(*labels)(const struct tidylog_run *run);        /* an array of labels; or NULL */
    const float *(*values)(const struct tidylog_observations *step); /* both NULL: the predicted classes */
    enum tidylog_detail detail;
    bool per_class;
    bool exponential; /* of the values */
} rows[] = {
    {.detail = TIDYLOG_CLASS},
    {.values = margins, .detail = TIDYLOG_MARGIN},
    {.values = losses, .detail = TIDYLOG_MARGIN},
    {.values = confidences, .detail = TIDYLOG_MARGIN},
    {.values = log_probs, .detail = TIDYLOG_PROBS, .per_class = true, .exponential = true},
    {.values = log_probs, .detail = TIDYLOG_PROBS, .per_class = true},
    {.labels = trained_labels},
    {.labels = tidylog_given_labels},
    {.labels = true_labels},
};
const char *const export_names[] = {"predictions", "margins", "losses", "confidences", "probs",
                                    "log-probs",   "labels",  "given",  "truth",       NULL};
_Static_assert(sizeof rows / sizeof *rows == sizeof export_names / sizeof *export_names - 1, "a name for each row");

bool export_is_of_epochs(size_t what)
{
    return rows[what].labels == NULL;
}

/* ---- labels ---------------------------------------------------------------------------------------------- */

static int write_labels(FILE *out, const struct tidylog_run *run, const uint16_t *labels)
{
    enum { PIECE = 4096 };
    int32_t piece[PIECE];
    int status = npy_write_header(out, ELEMENT_I32, 1, &run->samples);
    for (uint64_t i = 0, count; i < run->samples && status == 0; i += count) {
        count = run->samples - i < PIECE ? run->samples - i : PIECE;
        for (uint64_t j = 0; j < count; j++)
            piece[j] = labels == run->labels && tidylog_is_left_out(run, i + j) ? -1 : labels[i + j];
        if (fwrite(piece, sizeof *piece, count, out) != count)
            status = tidy_fail("the array cannot be written: %s", strerror(errno));
    }
    return status;
}

/* ---- one epoch of a block of samples --------------------------------------------------------------------- */

struct block {
    const struct export_row *row;
    size_t elements;     /* of a sample */
    size_t first, count; /* samples */
    union value *items;  /* [count][elements] */
};

/* Nothing was presented yet. */
static void clear(struct block *block)
{
    const union value none = block->row->values == NULL ? (union value){.class = -1} : (union value){.real = NAN};
    for (size_t i = 0; i < block->count * block->elements; i++)
        block->items[i] = none;
}

static void put(struct block *block, const struct tidylog_observations *step)
{
    const struct export_row *row = block->row;
    const float *values = row->values == NULL ? NULL : row->values(step);
    for (uint32_t i = 0; i < step->count; i++) {
        size_t place = step->samples[i] - block->first;
        if (step->samples[i] < block->first || place >= block->count)
            continue;
        union value *to = block->items + place * block->elements;
        if (values == NULL)
            to->class = step->predicted[i];
        for (size_t c = 0; values != NULL && c < block->elements; c++)
            to[c].real = row->exponential ? expf(values[i * block->elements + c]) : values[i * block->elements + c];
    }
}

/* Writes the block's part of the epoch that has number `epoch` in the array. */
static int write_block(const struct block *block, FILE *out, off_t header, size_t samples, uint64_t epoch)
{
    size_t count = block->count * block->elements;
    off_t place = header + (off_t)((epoch * samples + block->first) * block->elements * sizeof *block->items);
    if (fseeko(out, place, SEEK_SET) != 0 || fwrite(block->items, sizeof *block->items, count, out) != count)
        return tidy_fail("the array cannot be written: %s", strerror(errno));
    return 0;
}

/* ---- the passes ------------------------------------------------------------------------------------------ */

static int write_pass(struct block *block, FILE *out, off_t header, struct tidylog_reader *reader,
                      struct window window)
{
    size_t samples = tidylog_reader_run(reader)->samples;
    struct tidylog_replay *replay;
    struct tidylog_observations step;
    int status = tidylog_replay_begin(&replay, reader, window.first, window.end);
    if (status != 0)
        return status;
    clear(block);
    uint64_t epoch = window.first;
    while ((status = tidylog_replay_next(replay, &step)) > 0) {
        for (status = 0; epoch < step.epoch && status == 0; epoch++) {
            progress_update("exporting epoch %" PRIu64, epoch + 1);
            status = write_block(block, out, header, samples, epoch - window.first);
            clear(block);
        }
        if (status != 0)
            break;
        put(block, &step);
    }
    if (status == 0)
        status = write_block(block, out, header, samples, epoch - window.first);
    progress_clear();
    tidylog_replay_end(replay);
    return status;
}

/* Where packed epochs go. */
struct packed {
    struct block *block;
    FILE *out;
    off_t header;
    size_t samples;
    uint64_t first_epoch;
};

/* Writes one epoch of a block of the log: of all its samples, which lie side by side. */
static int write_observed(void *context, const struct tidylog_observations *epoch)
{
    struct packed *packed = context;
    packed->block->first = epoch->samples[0];
    packed->block->count = epoch->count;
    put(packed->block, epoch);
    return write_block(packed->block, packed->out, packed->header, packed->samples,
                       epoch->epoch - packed->first_epoch);
}

/* Epochs that are all packed, of a run that trains on all samples: by the log's own blocks, in one pass. */
static int write_packed(struct block *block, FILE *out, off_t header, struct tidylog_reader *reader,
                        struct window window)
{
    struct packed packed = {block, out, header, tidylog_reader_run(reader)->samples, window.first};
    const struct replay_observer observer = {.observe = write_observed, .context = &packed};
    return replay_epochs(reader, window, &observer, 1);
}

/* Checks that the whole array's bytes can be counted. */
static int check_size(const uint64_t size[NPY_DIMENSIONS])
{
    uint64_t bytes = sizeof(union value);
    for (int d = 0; d < NPY_DIMENSIONS; d++)
        if (__builtin_mul_overflow(bytes, size[d], &bytes) || bytes > INT64_MAX / 2)
            return tidy_fail("the array would have %" PRIu64 " x %" PRIu64 " x %" PRIu64
                             " elements, more than a file can have; ask for fewer epochs",
                             size[0], size[1], size[2]);
    return 0;
}

int export_array_write(FILE *out, struct tidylog_reader *reader, const char *path, size_t what,
                       struct window window, size_t block_bytes)
{
    const struct tidylog_run *run = tidylog_reader_run(reader);
    const struct export_row *row = &rows[what];
    const uint16_t *labels = row->labels != NULL ? row->labels(run) : NULL;
    const uint64_t size[NPY_DIMENSIONS] = {window.end - window.first, run->samples,
                                           row->per_class ? run->classes : 1};
    struct block block = {.row = row, .elements = size[2]};
    if (row->detail > run->detail)
        return tidy_fail("%s: '%s' needs --detail %s or more; this log was recorded with --detail %s", path,
                         export_names[what], tidylog_detail_names[row->detail], tidylog_detail_names[run->detail]);
    if (row->labels != NULL && labels == NULL)
        return tidy_fail(
            "%s: '%s' is not known; it is where wrong labels were planted (tidy-record train --noise), "
            "or given (--truth)",
            path, export_names[what]);
    if (labels != NULL)
        return write_labels(out, run, labels);

    size_t most = block_bytes / (block.elements * sizeof *block.items);
    most = most < 1 ? 1 : most < run->samples ? most : run->samples;
    bool packed = run->parts == NULL && most == run->samples && replay_is_by_blocks(reader, window);
    int status = check_size(size);
    if (status == 0)
        status = memory_allocate(&block.items, most, block.elements * sizeof *block.items, "an epoch's values");
    if (status == 0)
        status =
            npy_write_header(out, row->values == NULL ? ELEMENT_I32 : ELEMENT_F32, row->per_class ? 3 : 2, size);
    off_t header = ftello(out);
    if (packed && status == 0)
        status = write_packed(&block, out, header, reader, window);
    for (; block.first < run->samples && status == 0 && !packed; block.first += block.count) {
        block.count = run->samples - block.first < most ? run->samples - block.first : most;
        status = write_pass(&block, out, header, reader, window);
    }
    free(block.items);
    return status;
}
