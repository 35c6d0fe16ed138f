/* Events are kept in one list, each pointing back to its sample's last, since most samples have none. */
#include "analyze/forgotten_at.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"

static const char what[] = "forgetting events";

int forgotten_at_create(struct forgotten_at *out, uint64_t samples)
{
    *out = (struct forgotten_at){0};
    int status = memory_allocate(&out->last, samples, sizeof *out->last, what);
    if (status == 0)
        status = memory_allocate(&out->was_correct, samples, sizeof *out->was_correct, what);
    return status;
}

void forgotten_at_destroy(struct forgotten_at *forgotten)
{
    free(forgotten->text);
    free(forgotten->events);
    free(forgotten->was_correct);
    free(forgotten->last);
}

int forgotten_at_observe(void *context, const struct tidylog_observations *step)
{
    struct forgotten_at *f = context;
    if (step->evaluated)
        return 0;
    if (f->count + step->count > UINT32_MAX - 1)
        return tidy_fail("forgotten-at: more than 4 thousand million forgetting events");
    int status = memory_grow(&f->events, &f->capacity, f->count + step->count, sizeof *f->events, what);
    if (status != 0)
        return status;
    for (uint32_t i = 0; i < step->count; i++) {
        uint32_t sample = step->samples[i];
        bool correct = step->predicted[i] == step->labels[i];
        if (f->was_correct[sample] && !correct) {
            f->events[f->count++] =
                (struct forgotten_event){f->last[sample], (uint32_t)step->epoch + 1, step->predicted[i]};
            f->last[sample] = (uint32_t)f->count;
        }
        f->was_correct[sample] = correct;
    }
    return 0;
}

int forgotten_at_text(struct forgotten_at *f, size_t sample, const char **out)
{
    enum { ROOM = 20 }; /* "4294967295:65535," and the 0 */
    size_t events = 0;
    for (uint32_t at = f->last[sample]; at != 0; at = f->events[at - 1].previous)
        events++;
    int status = memory_grow(&f->text, &f->text_capacity, events * ROOM + 1, 1, what);
    if (status != 0)
        return status;

    /* The list leads backwards, so each event is put in front of what is there. */
    char *start = f->text + events * ROOM;
    *start = 0;
    for (uint32_t at = f->last[sample]; at != 0; at = f->events[at - 1].previous) {
        const struct forgotten_event *event = &f->events[at - 1];
        char text[ROOM + 4];
        int length = snprintf(text, sizeof text, "%" PRIu32 ":%u%s", event->epoch, (unsigned)event->predicted,
                              *start == 0 ? "" : ",");
        start -= length;
        memcpy(start, text, (size_t)length);
    }
    *out = start;
    return 0;
}
