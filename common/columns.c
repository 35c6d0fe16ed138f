/* Packing of a block's epoch: its columns one after the other, and what they leave of the past for the next
 * epoch. */
#include "common/columns.h"

#include <stdlib.h>
#include <string.h>

#include "common/columns_model.h"
#include "common/columns_parts.h"
#include "common/error.h"
#include "common/memory.h"

/* ---- the past ------------------------------------------------------------------------------------------- */

int columns_past_create(struct columns_past **out, const struct columns_shape *shape, uint32_t count)
{
    *out = NULL;
    size_t bytes = sizeof **out + (size_t)count * (shape->detail == TIDYLOG_MARGIN ? 4 : 3);
    struct columns_past *past;
    if (memory_allocate(&past, 1, bytes, "what a block's earlier epochs tell") != 0)
        return TIDY_FAILED;
    past->shape = *shape;
    past->count = count;
    past->last = (uint16_t *)(past + 1);
    past->history = (uint8_t *)(past->last + count);
    past->margin = shape->detail == TIDYLOG_MARGIN ? past->history + count : NULL;
    columns_past_reset(past);
    *out = past;
    return TIDY_OK;
}

void columns_past_reset(struct columns_past *past)
{
    past->begun = false;
    memset(past->history, 0, past->count);
    if (past->margin != NULL)
        memset(past->margin, COLUMNS_SIGN, past->count);
}

void columns_past_destroy(struct columns_past *past)
{
    free(past);
}

/* Before a block's first epoch no wrong class was predicted. */
static void begin_epoch(struct columns_past *past, const uint16_t *labels)
{
    if (!past->begun)
        memcpy(past->last, labels, past->count * sizeof *labels);
}

void columns_advance_classes(struct columns_past *past, const uint16_t *predicted, const uint16_t *labels)
{
    for (uint32_t i = 0; i < past->count; i++) {
        bool wrong = predicted[i] != labels[i];
        past->history[i] = (uint8_t)(past->history[i] << 1 | wrong);
        past->last[i] = wrong ? predicted[i] : past->last[i];
    }
}

void columns_advance_margins(const struct columns_coder *coder, struct columns_past *past)
{
    if (past->begun)
        coder->kernels->mean(past->margin, coder->margins, past->count);
    else
        memcpy(past->margin, coder->margins, past->count);
}

/* ---- the coder ------------------------------------------------------------------------------------------ */

int columns_coder_create(struct columns_coder **out, const struct columns_shape *shape)
{
    *out = NULL;
    struct columns_coder *coder;
    if (memory_allocate(&coder, 1, sizeof *coder, "packing of epochs") != 0)
        return TIDY_FAILED;
    coder->kernels = columns_kernels_best();
    if (shape->detail == TIDYLOG_MARGIN && memory_allocate(&coder->slots, 2 * RANS_SLOTS + COLUMNS_SLOTS_BEHIND,
                                                           sizeof *coder->slots, "packing of epochs") != 0) {
        free(coder);
        return TIDY_FAILED;
    }
    *out = coder;
    return TIDY_OK;
}

int columns_coder_use(struct columns_coder *coder, const char *kernels)
{
    const struct columns_kernels *named = columns_kernels_named(kernels);
    coder->kernels = named != NULL ? named : coder->kernels;
    return named != NULL ? TIDY_OK : TIDY_FAILED;
}

void columns_coder_destroy(struct columns_coder *coder)
{
    if (coder == NULL)
        return;
    free(coder->slots);
    free(coder);
}

/* ---- codes ---------------------------------------------------------------------------------------------- */

/* Codes symbols[count], each given the byte of `known`. Returns the end. */
static uint8_t *pack_codes(struct columns_coder *coder, uint8_t *out, const uint8_t *symbols, const uint8_t *known,
                           uint32_t count)
{
    struct rans_bins bins = columns_choose_bins(known, count);
    coder->kernels->code_contexts(coder->code_contexts, known, count, &bins);
    out = columns_models_write(out, &bins, symbols, coder->code_contexts, count, coder->models);
    return rans_encode(out, symbols, coder->code_contexts, count, coder->models, RANS_CODE_BITS, coder->words);
}

/* Reads what a column of codes begins with. Returns where it ends, or NULL. */
static const uint8_t *open_codes(struct columns_coder *coder, struct rans_column *column, uint32_t *slots,
                                 const uint8_t *in, const uint8_t *end)
{
    in = columns_models_read(&column->bins, coder->models, in, end);
    if (in == NULL)
        return NULL;
    columns_slots_fill(slots, coder->models, &column->bins);
    column->model = slots;
    return rans_open(&column->input, in, end);
}

/* Margins into coder->margins, and log-odds. Returns where the columns end, or NULL. */
static const uint8_t *unpack_codes(struct columns_coder *coder, const struct columns_row *row, const uint8_t *in,
                                   const uint8_t *end, const struct columns_past *past)
{
    struct rans_column columns[2] = {{.symbols = coder->margins, .contexts = coder->contexts},
                                     {.symbols = row->log_odds}};
    for (int c = 0; c < 2 && in != NULL; c++)
        in = open_codes(coder, &columns[c], coder->slots + c * RANS_SLOTS, in, end);
    if (in == NULL)
        return NULL;
    coder->kernels->code_contexts(coder->contexts, past->margin, past->count, &columns[0].bins);
    bool good = columns_decode_codes(coder->kernels, columns, past->count, coder->code_contexts);
    return good && rans_is_spent(&columns[0].input) && rans_is_spent(&columns[1].input) ? in : NULL;
}

/* ---- rows ----------------------------------------------------------------------------------------------- */

size_t columns_bound(const struct columns_shape *shape, uint32_t count)
{
    size_t coded = 1 + columns_classes_bound(shape, count);
    if (shape->detail == TIDYLOG_MARGIN)
        coded += 2 * (columns_models_bound() + rans_bound(count));
    size_t plain = columns_plain_bytes(shape, count, count);
    return coded > plain ? coded : plain;
}

size_t columns_pack(struct columns_coder *coder, uint8_t *out, const struct columns_row *row,
                    const uint16_t *labels, struct columns_past *past)
{
    uint32_t count = past->count;
    begin_epoch(past, labels);
    uint8_t *end = out;
    *end++ = COLUMNS_CODED;
    if (past->shape.detail == TIDYLOG_MARGIN) {
        coder->kernels->flip(coder->margins, (const uint8_t *)row->margin, count);
        end = pack_codes(coder, end, coder->margins, past->margin, count);
        end = pack_codes(coder, end, row->log_odds, coder->margins, count);
        columns_advance_margins(coder, past);
    }
    end = columns_pack_classes(coder, end, row, labels, past);
    size_t wrong = 0;
    for (uint32_t i = 0; i < count; i++)
        wrong += row->predicted[i] != labels[i];
    columns_advance_classes(past, row->predicted, labels);
    past->begun = true;
    if ((size_t)(end - out) < columns_plain_bytes(&past->shape, count, wrong))
        return (size_t)(end - out);
    return columns_pack_plain(out, row, labels, past);
}

int columns_unpack(struct columns_coder *coder, const struct columns_row *row, const uint8_t *in, size_t bytes,
                   const uint16_t *labels, struct columns_past *past)
{
    const uint8_t *end = in + bytes;
    begin_epoch(past, labels);
    if (in == end || *in > COLUMNS_CODED)
        return TIDY_FAILED;
    if (*in++ == COLUMNS_PLAIN)
        return columns_unpack_plain(coder, row, in, end, labels, past);
    if (past->shape.detail == TIDYLOG_MARGIN) {
        in = unpack_codes(coder, row, in, end, past);
        if (in == NULL)
            return TIDY_FAILED;
        coder->kernels->flip((uint8_t *)row->margin, coder->margins, past->count);
        columns_advance_margins(coder, past);
    }
    past->begun = true;
    return columns_unpack_classes(coder, row, in, end, labels, past);
}
