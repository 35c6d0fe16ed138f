/* Rows are written a cache line at a time where epochs come by blocks of samples. */
#include "analyze/ctrl_losses.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/columns.h"
#include "common/memory.h"

static const char what[] = "losses of a class";

static void sort_by_class(struct ctrl_losses *losses)
{
    const struct tidylog_run *run = losses->run;
    size_t *starts = losses->starts;
    for (size_t i = 0; i < run->samples; i++)
        starts[losses->given[i] + 1]++;
    for (uint32_t c = 0; c < run->classes; c++)
        starts[c + 1] += starts[c];
    for (size_t i = 0; i < run->samples; i++)
        losses->by_class[starts[losses->given[i]]++] = (uint32_t)i;
    for (uint32_t c = run->classes; c > 0; c--)
        starts[c] = starts[c - 1];
    starts[0] = 0;
}

int ctrl_losses_create(struct ctrl_losses *out, const struct tidylog_run *run, const uint16_t *given,
                       struct window window)
{
    *out = (struct ctrl_losses){.run = run, .given = given, .window = window, .epochs = window.end - window.first};
    int status = memory_allocate(&out->rows, run->samples, sizeof *out->rows, "rows of samples");
    if (status == 0)
        status = memory_allocate(&out->by_class, run->samples, sizeof *out->by_class, "samples by class");
    if (status == 0)
        status =
            memory_allocate(&out->starts, (size_t)run->classes + 1, sizeof *out->starts, "sizes of the classes");
    if (status == 0)
        sort_by_class(out);
    return status;
}

static void forget(struct ctrl_losses *losses)
{
    if (losses->losses != NULL)
        memory_unmap(losses->losses, ctrl_losses_bytes(losses, losses->first, losses->end), 1);
    losses->losses = NULL;
}

void ctrl_losses_destroy(struct ctrl_losses *losses)
{
    forget(losses);
    free(losses->starts);
    free(losses->by_class);
    free(losses->rows);
}

size_t ctrl_losses_bytes(const struct ctrl_losses *losses, uint32_t first, uint32_t end)
{
    return (losses->starts[end] - losses->starts[first]) * losses->epochs * sizeof *losses->losses;
}

int ctrl_losses_begin(struct ctrl_losses *losses, uint32_t first, uint32_t end)
{
    forget(losses);
    losses->first = first;
    losses->end = end;
    for (size_t i = 0; i < losses->run->samples; i++)
        losses->rows[i] = CTRL_NO_ROW;
    for (size_t at = losses->starts[first]; at < losses->starts[end]; at++)
        losses->rows[losses->by_class[at]] = (uint32_t)(at - losses->starts[first]);
    return memory_map(&losses->losses, ctrl_losses_bytes(losses, first, end), 1, what);
}

static float *row_of(const struct ctrl_losses *losses, uint32_t sample)
{
    uint32_t row = losses->rows[sample];
    return row == CTRL_NO_ROW ? NULL : losses->losses + row * losses->epochs;
}

int ctrl_losses_observe(void *context, const struct tidylog_observations *step)
{
    const struct ctrl_losses *losses = context;
    size_t epoch = step->epoch - losses->window.first;
    for (uint32_t i = 0; i < step->count && !step->evaluated; i++) {
        float *row = row_of(losses, step->samples[i]);
        if (row != NULL && step->labels[i] == losses->given[step->samples[i]])
            row[epoch] = -step->loss[i];
    }
    return 0;
}

bool ctrl_losses_complete(float *row, size_t epochs)
{
    static const float none = 0;
    size_t first = 0;
    while (first < epochs && memcmp(&row[first], &none, sizeof none) == 0)
        first++;
    if (first == epochs)
        return false;
    float last = -row[first];
    bool all_numbers = true;
    for (size_t t = 0; t < epochs; t++) {
        row[t] = memcmp(&row[t], &none, sizeof none) == 0 ? last : -row[t];
        all_numbers = all_numbers && !isnan(row[t]);
        last = row[t];
    }
    return all_numbers;
}

/* ---- blocks -------------------------------------------------------------------------------------------------- */

enum { LINE = 16 }; /* losses of a cache line: epochs that are kept back */

struct room {
    struct ctrl_losses *losses;
    uint32_t samples[COLUMNS_BLOCK];
    bool is_probe[COLUMNS_BLOCK];
    uint32_t count; /* 0: between blocks */
    uint64_t first; /* epoch that is kept back */
    size_t epochs;  /* that are */
    float kept[LINE][COLUMNS_BLOCK];
};

static int open_room(void **out, void *context)
{
    struct room *room = NULL;
    int status = memory_allocate(&room, 1, sizeof *room, what);
    if (status == 0)
        room->losses = context;
    *out = room;
    return status;
}

static void flush(struct room *room)
{
    size_t epoch = room->first - room->losses->window.first;
    for (uint32_t i = 0; i < room->count; i++) {
        float *row = row_of(room->losses, room->samples[i]);
        for (size_t t = 0; t < room->epochs && row != NULL && !room->is_probe[i]; t++)
            row[epoch + t] = -room->kept[t][i];
    }
    room->epochs = 0;
}

static int observe(void *context, const struct tidylog_observations *epoch)
{
    struct room *room = context;
    if (room->count == 0) {
        room->count = epoch->count;
        memcpy(room->samples, epoch->samples, epoch->count * sizeof *room->samples);
        for (uint32_t i = 0; i < room->count; i++)
            room->is_probe[i] = epoch->labels[i] != room->losses->given[room->samples[i]];
    }
    if (room->epochs == 0)
        room->first = epoch->epoch;
    memcpy(room->kept[room->epochs++], epoch->loss, epoch->count * sizeof(float));
    if (room->epochs == LINE)
        flush(room);
    return 0;
}

static int end_block(void *context)
{
    struct room *room = context;
    flush(room);
    room->count = 0;
    return 0;
}

const struct replay_of_blocks ctrl_losses_of_blocks = {open_room, observe, end_block, free};
