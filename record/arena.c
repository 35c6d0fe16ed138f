/* Plans the memory of a training step by first fit, largest first. */
#include "record/arena.h"

#include <stdbool.h>

enum { ALIGNMENT = 64 };

static bool overlap_in_time(const struct arena_request *a, const struct arena_request *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which `request` is clear of all placed ones that live at the same time. */
static size_t lowest_offset(const struct arena_request *request, const struct arena_request *requests,
                            const bool *placed, size_t count)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < count; i++) {
            const struct arena_request *other = &requests[i];
            if (placed[i] && overlap_in_time(request, other) && offset < other->offset + other->bytes &&
                other->offset < offset + request->bytes) {
                offset = (other->offset + other->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
                moved = true;
            }
        }
    }
    return offset;
}

size_t arena_plan(struct arena_request *requests, size_t count)
{
    bool placed[count + 1];
    for (size_t i = 0; i < count; i++)
        placed[i] = false;
    size_t total = 0;
    for (size_t round = 0; round < count; round++) {
        size_t largest = count;
        for (size_t i = 0; i < count; i++)
            if (!placed[i] && (largest == count || requests[i].bytes > requests[largest].bytes))
                largest = i;
        struct arena_request *request = &requests[largest];
        request->offset = lowest_offset(request, requests, placed, count);
        placed[largest] = true;
        if (request->offset + request->bytes > total)
            total = request->offset + request->bytes;
    }
    return total;
}
