/* Lists of the wrong predictions of each sample, in pieces of half a cache line out of one pool. */
#include "analyze/class_counts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"

static const char what[] = "counts of the classes predicted";

/* Samples whose history is fetched ahead, and the nearer ones whose last piece is. */
enum { HISTORY_AHEAD = 16, PIECE_AHEAD = 8 };

/* Predictions of a step that are looked at together. */
enum { CHOSEN_ROOM = 512 };

/* Pieces that 29 bits can number: 8 GB. */
enum { LARGEST_POOL = 1 << 28 };

int class_counts_begin(struct class_counts *out, const uint16_t *given, uint32_t classes, size_t samples,
                       size_t first, size_t bytes)
{
    /* Half of the memory is for pieces: two a sample are enough for up to 14 changes of the prediction. */
    size_t most = bytes / (2 * sizeof *out->histories), left = samples - first;
    size_t count = most < left ? most > 0 ? most : 1 : left;
    *out = (struct class_counts){.given = given, .classes = classes, .first = first, .end = first + count};
    size_t histories_bytes = count * sizeof *out->histories;
    out->most = bytes > histories_bytes ? (bytes - histories_bytes) / sizeof *out->pieces : 0;
    if (out->most > LARGEST_POOL)
        out->most = LARGEST_POOL;
    while ((out->most & (out->most - 1)) != 0) /* to a power of two, so that doubling ends there */
        out->most &= out->most - 1;
    int status = memory_allocate(&out->histories, count, sizeof *out->histories, what);
    return status != 0 ? status : memory_allocate(&out->counts, classes, sizeof *out->counts, what);
}

void class_counts_destroy(struct class_counts *block)
{
    free(block->counts);
    free(block->pieces);
    free(block->histories);
    *block = (struct class_counts){0};
}

/* Leaves the upper half of the samples to another block, and takes their pieces. */
static int drop_half(struct class_counts *block)
{
    size_t end = block->first + (block->end - block->first) / 2;
    if (end == block->first)
        return tidy_fail("the classes predicted for sample %zu alone need more than %zu bytes", block->first,
                         block->most * sizeof *block->pieces);
    for (size_t sample = end; sample < block->end; sample++)
        for (uint32_t at = block->histories[sample - block->first].last; at != 0;) {
            struct class_piece *piece = &block->pieces[at - 1];
            uint32_t previous = piece->previous;
            piece->previous = block->unused;
            block->unused = at;
            at = previous;
        }
    block->end = end;
    return 0;
}

/* A piece without content: *out is 1 + its index, or 0 where there is none left. */
static int take_piece(struct class_counts *block, uint32_t *out)
{
    *out = block->unused;
    if (block->unused != 0) {
        block->unused = block->pieces[block->unused - 1].previous;
    } else if (block->used < block->most) {
        if (block->used == block->capacity) {
            size_t needed = block->capacity > 0 ? block->capacity + 1 : block->most < 1024 ? block->most : 1024;
            int status = memory_grow(&block->pieces, &block->capacity, needed, sizeof *block->pieces, what);
            if (status != 0)
                return status;
        }
        *out = (uint32_t)++block->used;
    }
    if (*out != 0)
        block->pieces[*out - 1] = (struct class_piece){0};
    return 0;
}

static bool holds(const struct class_counts *block, uint32_t sample)
{
    return sample >= block->first && sample < block->end;
}

/* Adds a wrong prediction to the list of a sample of the block. */
static int add_wrong(struct class_counts *block, uint32_t sample, uint16_t class)
{
    struct class_history *history = &block->histories[sample - block->first];
    if (history->last != 0) {
        struct class_piece *piece = &block->pieces[history->last - 1];
        if (piece->runs[history->used - 1].class == class && piece->runs[history->used - 1].count < UINT16_MAX) {
            piece->runs[history->used - 1].count++;
            return 0;
        }
        if (history->used < PIECE_RUNS) {
            piece->runs[history->used].class = class;
            piece->runs[history->used].count = 1;
            history->used = (history->used + 1) & 7;
            return 0;
        }
    }
    uint32_t at = 0;
    int status = 0;
    while (status == 0 && at == 0 && holds(block, sample)) {
        status = take_piece(block, &at);
        if (status == 0 && at == 0)
            status = drop_half(block);
    }
    if (status != 0 || at == 0)
        return status;
    struct class_piece *piece = &block->pieces[at - 1];
    piece->previous = history->last;
    piece->runs[0].class = class;
    piece->runs[0].count = 1;
    history->last = at & (LARGEST_POOL * 2 - 1);
    history->used = 1;
    return 0;
}

/* Lists the predictions first .. end - 1 that the histories take up: the wrong ones of the block's samples, and the
 * right ones too where nobody else counts them. Without branches, since no processor foresees which ones they
 * are. */
static uint32_t choose(uint32_t *chosen, const struct class_counts *block, const struct tidylog_observations *step,
                       uint32_t first, uint32_t end)
{
    uint32_t count = 0;
    bool all = block->correct == NULL;
    for (uint32_t i = first; i < end; i++) {
        chosen[count] = i;
        count += (step->predicted[i] != step->labels[i] || all) & holds(block, step->samples[i]);
    }
    return count;
}

static const struct class_history *history_of(const struct class_counts *block,
                                              const struct tidylog_observations *step, uint32_t i)
{
    return &block->histories[step->samples[i] - block->first];
}

/* Fetches what predictions after chosen[k] will need. */
static void prefetch(const struct class_counts *block, const struct tidylog_observations *step,
                     const uint32_t *chosen, uint32_t count, uint32_t k)
{
    if (k + HISTORY_AHEAD < count)
        __builtin_prefetch(history_of(block, step, chosen[k + HISTORY_AHEAD]), 1);
    if (k + PIECE_AHEAD < count) {
        uint32_t last = history_of(block, step, chosen[k + PIECE_AHEAD])->last;
        if (last != 0)
            __builtin_prefetch(&block->pieces[last - 1], 1);
    }
}

int class_counts_observe(void *context, const struct tidylog_observations *step)
{
    struct class_counts *block = context;
    uint32_t chosen[CHOSEN_ROOM];
    int status = 0;
    for (uint32_t first = 0, end; first < step->count && !step->evaluated; first = end) {
        end = step->count - first < CHOSEN_ROOM ? step->count : first + CHOSEN_ROOM;
        uint32_t count = choose(chosen, block, step, first, end);
        for (uint32_t k = 0; k < count && status == 0; k++) {
            uint32_t i = chosen[k], sample = step->samples[i];
            prefetch(block, step, chosen, count, k);
            if (!holds(block, sample)) /* dropped meanwhile */
                continue;
            if (block->correct == NULL && step->labels[i] != block->given[sample])
                continue;
            if (step->predicted[i] == step->labels[i])
                block->histories[sample - block->first].correct++;
            else
                status = add_wrong(block, sample, step->predicted[i]);
        }
    }
    return status;
}

/* Adds to the sample's counts, which are kept in the order of classes. */
static void add_count(struct class_count *counts, size_t *length, uint16_t class, uint32_t count)
{
    size_t low = 0, high = *length;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (counts[middle].class < class)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == *length || counts[low].class != class) {
        memmove(counts + low + 1, counts + low, (*length - low) * sizeof *counts);
        counts[low] = (struct class_count){class, 0};
        ++*length;
    }
    counts[low].count += count;
}

int class_counts_visit(struct class_counts *block, class_counts_visitor *visit, void *context)
{
    int status = 0;
    for (size_t sample = block->first; sample < block->end && status == 0; sample++) {
        const struct class_history *history = &block->histories[sample - block->first];
        size_t length = 0;
        uint32_t correct = block->correct != NULL ? block->correct[sample].correct : history->correct;
        if (correct > 0)
            add_count(block->counts, &length, block->given[sample], correct);
        int used = history->used;
        for (uint32_t at = history->last; at != 0; at = block->pieces[at - 1].previous, used = PIECE_RUNS)
            for (int i = 0; i < used; i++)
                add_count(block->counts, &length, block->pieces[at - 1].runs[i].class,
                          block->pieces[at - 1].runs[i].count);
        status = visit(context, sample, block->counts, length);
    }
    return status;
}
