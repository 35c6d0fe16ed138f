/* Wrong predictions are listed as they come, sorted by sample once the block is over, and counted sample by sample. */
#include "analyze/class_counts_blocks.h"

#include <stdlib.h>
#include <string.h>

#include "common/columns.h"
#include "common/little_endian.h"
#include "common/memory.h"
#include "common/vector_clones.h"

static const char what[] = "counts of the classes predicted";

/* A wrong prediction. */
struct wrong {
    uint16_t place, class; /* of the sample in the block */
};

struct room {
    const struct class_counts_visits *visits;
    uint32_t count; /* 0: between blocks */
    uint32_t epochs;
    uint32_t samples[COLUMNS_BLOCK];
    bool is_probe[COLUMNS_BLOCK];
    uint8_t is_wrong[COLUMNS_BLOCK]; /* 1: the prediction was, in the epoch in hand; 0 after the last sample */

    struct wrong *wrongs; /* [length of capacity] of the block, by epoch */
    size_t length, capacity;
    uint16_t *classes; /* [length of classes_capacity] the same by sample */
    size_t classes_capacity;
    size_t ends[COLUMNS_BLOCK]; /* of each sample's classes */

    /* Of the sample visited. */
    uint32_t *counts;           /* [classes] 0 before and after */
    struct class_count *listed; /* [classes + 1] */
};

static void close_room(void *context)
{
    struct room *room = context;
    free(room->listed);
    free(room->counts);
    free(room->classes);
    free(room->wrongs);
    free(room);
}

static int open_room(void **out, void *context)
{
    const struct class_counts_visits *visits = context;
    struct room *room = NULL;
    int status = memory_allocate(&room, 1, sizeof *room, what);
    if (status != 0)
        return status;
    *out = room;
    room->visits = visits;
    status = memory_allocate(&room->counts, visits->run->classes, sizeof *room->counts, what);
    return status != 0
               ? status
               : memory_allocate(&room->listed, visits->run->classes + (size_t)1, sizeof *room->listed, what);
}

static void begin_block(struct room *room, const struct tidylog_observations *epoch)
{
    const uint16_t *given = tidylog_given_labels(room->visits->run);
    memcpy(room->samples, epoch->samples, epoch->count * sizeof *room->samples);
    for (uint32_t i = 0; i < epoch->count; i++)
        room->is_probe[i] = given[room->samples[i]] != epoch->labels[i];
    room->count = epoch->count;
    room->epochs = 0;
    room->length = 0;
}

VECTOR_CLONES static void mark_wrong(uint8_t *restrict is_wrong, const uint16_t *restrict predicted,
                                     const uint16_t *restrict labels, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        is_wrong[i] = predicted[i] != labels[i];
}

static int observe(void *context, const struct tidylog_observations *epoch)
{
    struct room *room = context;
    if (room->count == 0)
        begin_block(room, epoch);
    room->epochs++;
    int status =
        memory_grow(&room->wrongs, &room->capacity, room->length + room->count, sizeof *room->wrongs, what);
    if (status != 0)
        return status;
    mark_wrong(room->is_wrong, epoch->predicted, epoch->labels, epoch->count);
    memset(room->is_wrong + epoch->count, 0, (8 - epoch->count % 8) % 8);
    /* Most are right: eight at a time are passed over. */
    struct wrong *to = room->wrongs + room->length;
    for (uint32_t first = 0; first < epoch->count; first += 8)
        for (uint64_t eight = load_u64(room->is_wrong + first); eight != 0; eight &= eight - 1) {
            uint32_t place = first + (uint32_t)__builtin_ctzll(eight) / 8;
            *to++ = (struct wrong){(uint16_t)place, epoch->predicted[place]};
        }
    room->length = (size_t)(to - room->wrongs);
    return 0;
}

/* Sorts the classes of wrong predictions by sample. */
static int sort_by_sample(struct room *room)
{
    int status = memory_grow(&room->classes, &room->classes_capacity, room->length, sizeof *room->classes, what);
    if (status != 0)
        return status;
    memset(room->ends, 0, room->count * sizeof *room->ends);
    for (size_t i = 0; i < room->length; i++)
        room->ends[room->wrongs[i].place]++;
    size_t start = 0;
    for (uint32_t i = 0; i < room->count; i++) {
        size_t count = room->ends[i];
        room->ends[i] = start; /* moves on to the end below */
        start += count;
    }
    for (size_t i = 0; i < room->length; i++)
        room->classes[room->ends[room->wrongs[i].place]++] = room->wrongs[i].class;
    return 0;
}

/* Adds `count` times a class to those listed, which are `length` so far. Returns how many there are then. Without a
 * branch, which would be guessed wrong: it is written down in any case, and stays where it is new. */
static size_t add(struct room *room, size_t length, uint16_t class, uint32_t count)
{
    room->listed[length].class = class;
    length += room->counts[class] == 0;
    room->counts[class] += count;
    return length;
}

enum { FEWEST = 3, FEW = 16 }; /* classes that a sample has mostly */

/* The place of each of the first FEW classes listed in their order: how many are smaller. */
VECTOR_CLONES static void find_places(uint16_t places[FEW], const struct class_count *listed, size_t length)
{
    uint16_t classes[FEW];
    for (size_t i = 0; i < FEW; i++) {
        classes[i] = i < length ? listed[i].class : UINT16_MAX;
        places[i] = 0;
    }
    for (size_t i = 0; i < length; i++)
        for (size_t j = 0; j < FEW; j++)
            places[j] = (uint16_t)(places[j] + (classes[i] < classes[j]));
}

static void order_few(struct room *room, size_t length)
{
    struct class_count items[FEW];
    uint16_t places[FEW];
    find_places(places, room->listed, length);
    for (size_t i = 0; i < length; i++) {
        uint16_t class = room->listed[i].class;
        items[places[i]] = (struct class_count){class, room->counts[class]};
        room->counts[class] = 0;
    }
    memcpy(room->listed, items, length * sizeof *items);
}

/* Brings the classes listed into order, with their counts. */
static void order(struct room *room, size_t length)
{
    if (length > FEWEST && length <= FEW) {
        order_few(room, length);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        struct class_count item = {room->listed[i].class, room->counts[room->listed[i].class]};
        size_t at = i;
        room->counts[item.class] = 0;
        for (; at > 0 && room->listed[at - 1].class > item.class; at--)
            room->listed[at] = room->listed[at - 1];
        room->listed[at] = item;
    }
}

static int end_block(void *context)
{
    struct room *room = context;
    const struct class_counts_visits *visits = room->visits;
    int status = sort_by_sample(room);
    size_t start = 0;
    for (uint32_t i = 0; i < room->count && status == 0; i++) {
        size_t end = room->ends[i], length = 0;
        uint32_t right = room->epochs - (uint32_t)(end - start);
        if (right > 0 && !room->is_probe[i])
            length = add(room, 0, tidylog_given_labels(visits->run)[room->samples[i]], right);
        for (size_t at = start; at < end && !room->is_probe[i]; at++)
            length = add(room, length, room->classes[at], 1);
        order(room, length);
        status = visits->visit(visits->context, room->samples[i], room->listed, length);
        start = end;
    }
    room->count = 0;
    return status;
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
