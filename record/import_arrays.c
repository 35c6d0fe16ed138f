/* Predictions in NPY files: their shapes, and the way through them in the log's order. */
#include "record/import_arrays.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "record/interruption.h"

/* "[60000][10]" */
static const char *shape_text(char text[80], const struct npy *npy)
{
    int used = 0;
    text[0] = 0;
    for (uint32_t d = 0; d < npy->dimensions; d++)
        used += snprintf(text + used, 80 - (size_t)used, "[%" PRIu64 "]", npy->size[d]);
    return npy->dimensions > 0 ? text : "a single number";
}

/* What one file holds; the first file says what all are. */
static int check_shape(struct import_arrays *arrays, size_t i)
{
    const struct npy *npy = &arrays->files[i];
    const char *path = arrays->paths[i];
    char shape[80], first[80];
    uint32_t inner = arrays->kind == IMPORT_CLASSES ? 1 : 2; /* dimensions of one epoch */
    bool whole = npy->dimensions == inner + 1;
    if (npy->dimensions != inner && !whole)
        return tidy_fail(
            "%s: its shape is %s; %s are [epochs][samples]%s in one file, or [samples]%s in one an epoch", path,
            shape_text(shape, npy), import_kind_names[arrays->kind], inner == 2 ? "[classes]" : "",
            inner == 2 ? "[classes]" : "");
    if (whole && arrays->file_count > 1)
        return tidy_fail("%s: it has several epochs (%s), and of several files each is one epoch", path,
                         shape_text(shape, npy));
    const uint64_t *size = npy->size + whole;
    if (i > 0 && (size[0] != arrays->samples || npy->type != arrays->files[0].type ||
                  (inner == 2 && size[1] != arrays->classes)))
        return tidy_fail(
            "%s: %s of type %s, and %s is %s of type %s: epochs must be of the same samples and classes", path,
            shape_text(shape, npy), element_rows[npy->type].npy, arrays->paths[0],
            shape_text(first, &arrays->files[0]), element_rows[arrays->files[0].type].npy);
    if (npy->size[0] == 0 || npy->size[1] == 0 || npy->size[2] == 0)
        return tidy_fail("%s: it is empty: its shape is %s", path, shape_text(shape, npy));
    if (size[0] > TIDYLOG_MOST_SAMPLES || (inner == 2 && size[1] > IMPORT_MOST_CLASSES))
        return tidy_fail("%s: its shape is %s; at most %d samples and %d classes can be imported", path,
                         shape_text(shape, npy), TIDYLOG_MOST_SAMPLES, IMPORT_MOST_CLASSES);
    arrays->whole = whole;
    arrays->epochs = whole ? npy->size[0] : arrays->file_count;
    arrays->samples = size[0];
    arrays->classes = inner == 2 ? (uint32_t)size[1] : 0;
    return 0;
}

int import_arrays_open(struct import_arrays *out, enum import_kind kind, const char *const *paths, size_t count)
{
    *out = (struct import_arrays){.kind = kind, .file_count = count, .paths = paths};
    int status = memory_allocate(&out->files, count, sizeof *out->files, "files");
    for (size_t i = 0; i < count && status == 0; i++) {
        status = npy_open(&out->files[i], paths[i]);
        if (status == 0)
            status = check_shape(out, i);
    }
    return status;
}

void import_arrays_close(struct import_arrays *arrays)
{
    for (size_t i = 0; i < arrays->file_count && arrays->files != NULL; i++)
        npy_close(&arrays->files[i]);
    free(arrays->files);
    *arrays = (struct import_arrays){0};
}

int import_arrays_run(struct import_arrays *arrays, struct importer *importer)
{
    struct tidylog_order *order = NULL;
    const uint8_t **rows = NULL;
    int status = tidylog_order_create(&order, importer->run);
    if (status == 0)
        status = memory_allocate(&rows, importer->run->batch_size, sizeof *rows, "places in a file");
    for (uint64_t epoch = 0; epoch < arrays->epochs && status == 0; epoch++) {
        struct npy *npy = &arrays->files[arrays->whole ? 0 : epoch];
        const uint64_t *stride = npy->stride + arrays->whole;
        const uint8_t *start = npy->data + (arrays->whole ? epoch * npy->stride[0] : 0);
        uint64_t end = tidylog_order_steps_before(order, epoch + 1);
        while (importer->step < end && status == 0) {
            struct tidylog_due due;
            tidylog_order_step(order, importer->step, &due);
            for (uint32_t i = 0; i < due.count; i++)
                rows[i] = start + due.samples[i] * stride[0];
            const struct import_block block = {
                .kind = arrays->kind,
                .type = npy->type,
                .count = due.count,
                .samples = due.samples,
                .row = rows,
                .stride = stride[1],
                .source = arrays->paths[arrays->whole ? 0 : epoch],
                .epoch = epoch,
            };
            status = importer_add(importer, &block);
            npy_release(npy);
            if (status == 0 && interruption_signal() != 0)
                status = TIDY_INTERRUPTED;
        }
        if (status == 0 && arrays->kind == IMPORT_LOGITS && importer->only_probabilities)
            status = tidy_fail("%s: each sample's numbers are 0 to 1 and sum to 1, which logits do not: these are "
                               "probabilities, and imported with --probs",
                               arrays->paths[arrays->whole ? 0 : epoch]);
        if (status == 0)
            status = importer_end_epoch(importer, &import_figures_unknown);
    }
    free(rows);
    tidylog_order_destroy(order);
    return status;
}
