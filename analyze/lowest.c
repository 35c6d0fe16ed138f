/* A binary heap with the highest of those kept on top, where the next lower one replaces it. */
#include "analyze/lowest.h"

#include <stdlib.h>

#include "common/memory.h"

int lowest_create(struct lowest *out, size_t wanted)
{
    *out = (struct lowest){.capacity = wanted};
    return memory_allocate(&out->items, wanted, sizeof *out->items, "a selection of samples");
}

void lowest_destroy(struct lowest *lowest)
{
    free(lowest->items);
}

static bool above(const struct lowest_item *a, const struct lowest_item *b)
{
    return a->value != b->value ? a->value > b->value : a->sample > b->sample;
}

static void swap(struct lowest_item *a, struct lowest_item *b)
{
    struct lowest_item held = *a;
    *a = *b;
    *b = held;
}

void lowest_offer(struct lowest *lowest, double value, uint32_t sample)
{
    struct lowest_item *items = lowest->items, item = {value, sample};
    if (lowest->count < lowest->capacity) {
        size_t at = lowest->count++;
        items[at] = item;
        for (; at > 0 && above(&items[at], &items[(at - 1) / 2]); at = (at - 1) / 2)
            swap(&items[at], &items[(at - 1) / 2]);
        return;
    }
    if (lowest->capacity == 0 || !above(&items[0], &item))
        return;
    items[0] = item;
    for (size_t at = 0, child; (child = 2 * at + 1) < lowest->count; at = child) {
        if (child + 1 < lowest->count && above(&items[child + 1], &items[child]))
            child++;
        if (!above(&items[child], &items[at]))
            break;
        swap(&items[child], &items[at]);
    }
}

void lowest_flag(const struct lowest *lowest, bool *flagged)
{
    for (size_t i = 0; i < lowest->count; i++)
        flagged[lowest->items[i].sample] = true;
}
