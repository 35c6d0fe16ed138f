/* Keeps each sample's sums over the log's epochs, and how long the top of their order has stayed the same. */
#include "record/stability.h"

#include <math.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/suspect_overlap.h"

/* How they were chosen: docs/recording.md. */
static const double top_share = 0.01, stable_overlap = 0.95;
enum { STABLE_EPOCHS = 3 };

struct stability {
    const char *path;
    const struct tidylog_run *run;
    struct suspect_overlap overlap;
    double *sums;     /* [samples] of what is suspicious where it is high: -margin, or 1 for a wrong prediction */
    uint32_t *counts; /* [samples] observations */
    float *keys;      /* [samples] their means; NaN: no candidate */
    uint64_t epochs;  /* seen */
    unsigned in_a_row;
};

/* Probes are suspicious on purpose. */
static bool is_candidate(const struct tidylog_run *run, uint64_t sample)
{
    return !tidylog_is_left_out(run, sample) && !tidylog_is_probe(run, sample);
}

int stability_create(struct stability **out, const char *path, const struct tidylog_run *run)
{
    struct stability *s;
    int status = memory_allocate(&s, 1, sizeof *s, "the suspects");
    *out = s;
    if (status != 0)
        return status;
    *s = (struct stability){.path = path, .run = run};
    uint64_t candidates = 0;
    for (uint64_t i = 0; i < run->samples; i++)
        candidates += is_candidate(run, i);
    size_t top = (size_t)llround(top_share * (double)candidates);
    status = suspect_overlap_create(&s->overlap, run->samples, top > 0 ? top : 1);
    if (status == 0)
        status = memory_allocate(&s->sums, run->samples, sizeof *s->sums, "the suspects' sums");
    if (status == 0)
        status = memory_allocate(&s->counts, run->samples, sizeof *s->counts, "the suspects' counts");
    if (status == 0)
        status = memory_allocate(&s->keys, run->samples, sizeof *s->keys, "the suspects' keys");
    if (status != 0) {
        stability_destroy(s);
        *out = NULL;
    }
    return status;
}

void stability_destroy(struct stability *s)
{
    if (s == NULL)
        return;
    free(s->keys);
    free(s->counts);
    free(s->sums);
    suspect_overlap_destroy(&s->overlap);
    free(s);
}

static void observe(struct stability *s, const struct tidylog_observations *seen)
{
    for (uint32_t i = 0; i < seen->count; i++) {
        bool wrong = seen->predicted[i] != seen->labels[i];
        s->sums[seen->samples[i]] += seen->margin != NULL ? -(double)seen->margin[i] : wrong;
        s->counts[seen->samples[i]]++;
    }
}

static void end_epoch(struct stability *s)
{
    for (uint64_t i = 0; i < s->run->samples; i++)
        s->keys[i] = is_candidate(s->run, i) ? (float)(s->sums[i] / s->counts[i]) : NAN;
    s->in_a_row = suspect_overlap_next(&s->overlap, s->keys) >= stable_overlap ? s->in_a_row + 1 : 0;
    s->epochs++;
}

int stability_look(struct stability *s, bool *stable)
{
    struct tidylog_reader *reader;
    struct tidylog_replay *replay = NULL;
    uint64_t finished;
    int status = tidylog_open(&reader, s->path);
    if (status != 0)
        return status;
    tidylog_reader_epochs(reader, &finished);
    while (status == 0 && s->epochs < finished) {
        struct tidylog_observations seen;
        int more = 1;
        status = tidylog_replay_begin(&replay, reader, s->epochs, s->epochs + 1);
        while (status == 0 && (more = tidylog_replay_next(replay, &seen)) == 1)
            observe(s, &seen);
        tidylog_replay_end(replay);
        replay = NULL;
        status = status == 0 && more < 0 ? more : status;
        if (status == 0)
            end_epoch(s);
    }
    tidylog_close_reader(reader);
    *stable = s->in_a_row >= STABLE_EPOCHS;
    return status;
}
