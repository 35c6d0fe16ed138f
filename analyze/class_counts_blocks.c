/* A struct class_counts whose samples are the places in the block. */
#include "analyze/class_counts_blocks.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/class_counts.h"
#include "common/columns.h"
#include "common/error.h"
#include "common/little_endian.h"
#include "common/memory.h"
#include "common/vector_clones.h"

/* Lists of wrong predictions are short, but nobody says so: what a block's may take. */
static const size_t block_bytes = (size_t)1 << 33;

struct room {
    const struct class_counts_visits *visits;
    struct class_counts counts;
    uint32_t samples[COLUMNS_BLOCK], places[COLUMNS_BLOCK];
    uint16_t given[COLUMNS_BLOCK];
    uint8_t wrong[COLUMNS_BLOCK]; /* 1: the prediction was, in the epoch in hand; 0 after the last sample */
    uint32_t count;               /* 0: between blocks */
    uint32_t epochs;
};

static int open_room(void **out, void *context)
{
    struct room *room = NULL;
    int status = memory_allocate(&room, 1, sizeof *room, "counts of the classes predicted");
    if (status != 0)
        return status;
    *out = room;
    room->visits = context;
    for (uint32_t i = 0; i < COLUMNS_BLOCK; i++)
        room->places[i] = i;
    return class_counts_begin(&room->counts, room->given, room->visits->run->classes, COLUMNS_BLOCK, 0,
                              block_bytes);
}

static void close_room(void *context)
{
    struct room *room = context;
    class_counts_destroy(&room->counts);
    free(room);
}

static void begin_block(struct room *room, const struct tidylog_observations *epoch)
{
    const uint16_t *given = tidylog_given_labels(room->visits->run);
    memcpy(room->samples, epoch->samples, epoch->count * sizeof *room->samples);
    for (uint32_t i = 0; i < epoch->count; i++)
        room->given[i] = given[room->samples[i]];
    class_counts_reset(&room->counts, epoch->count);
    room->count = epoch->count;
    room->epochs = 0;
}

VECTOR_CLONES static void mark_wrong(uint8_t *wrong, const uint16_t *predicted, const uint16_t *labels,
                                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        wrong[i] = predicted[i] != labels[i];
}

/* Most predictions are right: eight at a time are passed over. */
static int add_wrong(struct room *room, const struct tidylog_observations *epoch)
{
    int status = 0;
    mark_wrong(room->wrong, epoch->predicted, epoch->labels, epoch->count);
    memset(room->wrong + epoch->count, 0, (8 - epoch->count % 8) % 8);
    for (uint32_t first = 0; first < epoch->count; first += 8) {
        uint64_t eight = load_u64(room->wrong + first);
        for (; eight != 0 && status == 0; eight &= eight - 1) {
            uint32_t place = first + (uint32_t)__builtin_ctzll(eight) / 8;
            status = class_counts_add_wrong(&room->counts, place, epoch->predicted[place]);
        }
    }
    return status;
}

static int observe(void *context, const struct tidylog_observations *epoch)
{
    struct room *room = context;
    if (room->count == 0)
        begin_block(room, epoch);
    room->epochs++;
    if (room->visits->run->given == NULL) {
        room->counts.presentations = room->epochs; /* which tells the number of right ones */
        return add_wrong(room, epoch);
    }
    struct tidylog_observations placed = *epoch;
    placed.samples = room->places;
    return class_counts_observe(&room->counts, &placed);
}

static int visit_sample(void *context, size_t place, const struct class_count *counts, size_t count)
{
    const struct room *room = context;
    return room->visits->visit(room->visits->context, room->samples[place], counts, count);
}

static int end_block(void *context)
{
    struct room *room = context;
    if (room->counts.end < room->count)
        return tidy_fail_memory("counts of the classes predicted", block_bytes);
    room->count = 0;
    return class_counts_visit(&room->counts, visit_sample, room);
}

const struct replay_of_blocks class_counts_of_blocks = {open_room, observe, end_block, close_room};

int class_counts_visit_others(const struct class_counts_visits *visits)
{
    const struct tidylog_run *run = visits->run;
    int status = 0;
    for (size_t i = 0; run->parts != NULL && i < run->samples && status == 0; i++)
        if (run->parts[i] != TIDYLOG_FIRST_SPLIT)
            status = visits->visit(visits->context, i, NULL, 0);
    return status;
}
