/* The one block that has the sample, then steps that are not packed. */
#include "analyze/charts/trajectory.h"

#include <math.h>

#include "analyze/analysis.h"
#include "common/memory.h"

/* What is read of one run. */
struct reading {
    struct sample_trajectory *to;
    uint32_t sample, run;
    bool was_right;
};

/* A replay_observer's function. */
static int observe(void *context, const struct tidylog_observations *step)
{
    struct reading *reading = context;
    struct sample_trajectory *to = reading->to;
    if (step->evaluated)
        return 0;
    for (uint32_t i = 0; i < step->count; i++) {
        if (step->samples[i] != reading->sample)
            continue;
        int status = memory_grow(&to->points, &to->capacity, to->count + 1, sizeof *to->points, "a trajectory");
        if (status != 0)
            return status;
        bool right = step->predicted[i] == step->labels[i];
        to->points[to->count++] = (struct trajectory_point){
            .run = reading->run,
            .epoch = (uint32_t)step->epoch,
            .trained = step->labels[i],
            .predicted = step->predicted[i],
            .forgotten = reading->was_right && !right,
            .margin = step->margin != NULL ? step->margin[i] : NAN,
        };
        reading->was_right = right;
    }
    return 0;
}

/* Blocks have their samples in rising order, so the sample's is found by halving, of each the first epoch alone. */
static int find_block(struct tidylog_blocks *blocks, uint32_t count, uint32_t sample, uint32_t *out)
{
    uint32_t first = 0, end = count;
    while (first + 1 < end) {
        struct tidylog_observations epoch;
        uint32_t middle = first + (end - first) / 2;
        int status = tidylog_blocks_seek(blocks, middle);
        if (status == 0)
            status = tidylog_blocks_next(blocks, &epoch);
        if (status < 0)
            return status;
        if (status > 0 && epoch.count > 0 && epoch.samples[0] <= sample)
            first = middle;
        else
            end = middle;
    }
    *out = first;
    return 0;
}

static int read_blocks(struct reading *reading, struct tidylog_reader *reader, struct window window)
{
    struct tidylog_blocks *blocks;
    struct tidylog_observations epoch;
    uint32_t block = 0;
    int status = tidylog_blocks_begin(&blocks, reader, window.first, window.end);
    if (status == 0)
        status = find_block(blocks, tidylog_block_count(reader), reading->sample, &block);
    if (status == 0)
        status = tidylog_blocks_seek(blocks, block);
    while (status == 0 && (status = tidylog_blocks_next(blocks, &epoch)) > 0)
        status = observe(reading, &epoch);
    tidylog_blocks_end(blocks);
    return status;
}

int sample_trajectory_read(struct sample_trajectory *out, struct analysis *analysis, uint32_t sample)
{
    int status = 0;
    *out = (struct sample_trajectory){0};
    for (uint32_t run = 0; run < analysis->runs && status == 0; run++) {
        struct reading reading = {.to = out, .sample = sample, .run = run};
        const struct replay_observer observer = {.observe = observe, .context = &reading};
        status = analysis_select_run(analysis, run);
        if (status != 0)
            break;
        struct window rest = analysis->window, packed = rest;
        uint64_t end = tidylog_reader_packed_end(analysis->reader, packed.first);
        packed.end = rest.first = end < packed.end ? end : packed.end;
        if (packed.first < packed.end)
            status = read_blocks(&reading, analysis->reader, packed);
        if (status == 0 && rest.first < rest.end)
            status = replay_epochs(analysis->reader, rest, &observer, 1);
    }
    return status == 0 && analysis->runs > 1 ? analysis_select_run(analysis, 0) : status;
}
