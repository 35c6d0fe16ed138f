/* A struct class_counts whose samples are the places in the block. */
#include "analyze/class_counts_blocks.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/class_counts.h"
#include "common/columns.h"
#include "common/error.h"
#include "common/memory.h"

/* Lists of wrong predictions are short, but nobody says so: what a block's may take. */
static const size_t block_bytes = (size_t)1 << 33;

struct room {
    const struct class_counts_visits *visits;
    struct class_counts counts;
    uint32_t samples[COLUMNS_BLOCK], places[COLUMNS_BLOCK];
    uint16_t given[COLUMNS_BLOCK];
    uint32_t count; /* 0: between blocks */
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

static int observe(void *context, const struct tidylog_observations *epoch)
{
    struct room *room = context;
    if (room->count == 0)
        begin_block(room, epoch);
    room->epochs++;
    struct tidylog_observations placed = *epoch;
    placed.samples = room->places;
    /* Only wrong ones, where the number of presentations tells that of the right ones. */
    room->counts.presentations = room->visits->run->given == NULL ? room->epochs : 0;
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
