/* Blocks of whole classes, a row of losses for each of their samples. */
#include "analyze/ctrl.h"

#include <math.h>
#include <stdlib.h>

#include "analyze/analysis.h"
#include "analyze/loss_clusters.h"
#include "common/error.h"
#include "common/memory.h"

static const float missing = -1; /* losses are not negative */
static const uint32_t no_row = UINT32_MAX;

struct block {
    const uint16_t *given;
    struct window window;
    size_t epochs;
    uint32_t *rows; /* [samples] the sample's row; no_row outside the block */
    float *losses;  /* [rows][epochs] */
};

static int observe(void *context, const struct tidylog_observations *step)
{
    struct block *block = context;
    for (uint32_t i = 0; i < step->count && !step->evaluated; i++) {
        uint32_t sample = step->samples[i], row = block->rows[sample];
        if (row != no_row && step->labels[i] == block->given[sample])
            block->losses[row * block->epochs + (step->epoch - block->window.first)] = step->loss[i];
    }
    return 0;
}

/* Gives epochs without a loss one. False: there is none at all, or one that is not a number. */
static bool complete(float *losses, size_t epochs)
{
    size_t first = 0;
    while (first < epochs && losses[first] == missing)
        first++;
    if (first == epochs)
        return false;
    float last = losses[first];
    for (size_t t = 0; t < epochs; t++) {
        if (losses[t] == missing)
            losses[t] = last;
        if (isnan(losses[t]))
            return false;
        last = losses[t];
    }
    return true;
}

/* Clusters the samples of one class: `samples` in the order of their rows, from `losses` on. */
static int cluster(float *column, const struct block *block, uint32_t classes, const uint32_t *samples,
                   float *losses, size_t count)
{
    bool *flagged = NULL;
    uint32_t *kept = NULL;
    size_t rows = 0;
    int status = memory_allocate(&flagged, count, sizeof *flagged, "clusters of losses");
    if (status == 0)
        status = memory_allocate(&kept, count, sizeof *kept, "clusters of losses");
    for (size_t i = 0; i < count && status == 0; i++) {
        float *row = losses + i * block->epochs;
        if (!complete(row, block->epochs))
            continue;
        loss_clusters_smooth(row, block->epochs, classes);
        for (size_t t = 0; t < block->epochs; t++)
            losses[rows * block->epochs + t] = row[t];
        kept[rows++] = samples[i];
    }
    if (status == 0)
        status = loss_clusters_flag(flagged, losses, rows, block->epochs);
    for (size_t i = 0; i < rows && status == 0; i++)
        column[kept[i]] = flagged[i];
    free(kept);
    free(flagged);
    return status;
}

/* The class after the last of those from `first` on that `most` rows have room for; at least one. */
static uint32_t block_end(const size_t *starts, uint32_t classes, uint32_t first, size_t most)
{
    uint32_t end = first + 1;
    while (end < classes && starts[end + 1] - starts[first] <= most)
        end++;
    return end;
}

/* Replays for classes first..end-1. by_class: [samples] all samples, those of class c from starts[c] on. */
static int fill_block(float *column, struct analysis *analysis, struct block *block, const uint32_t *by_class,
                      const size_t *starts, uint32_t first, uint32_t end)
{
    size_t rows = starts[end] - starts[first];
    int status = memory_allocate(&block->losses, rows, block->epochs * sizeof *block->losses, "losses of a class");
    if (status != 0)
        return status;
    for (size_t i = 0; i < rows * block->epochs; i++)
        block->losses[i] = missing;
    for (size_t i = 0; i < analysis->run->samples; i++)
        block->rows[i] = no_row;
    for (size_t row = 0; row < rows; row++)
        block->rows[by_class[starts[first] + row]] = (uint32_t)row;
    status = replay_epochs(analysis->reader, analysis->window,
                           &(struct replay_observer){.observe = observe, .context = block, .apart = true}, 1);
    for (uint32_t c = first; c < end && status == 0; c++)
        status = cluster(column, block, analysis->run->classes, by_class + starts[c],
                         block->losses + (starts[c] - starts[first]) * block->epochs, starts[c + 1] - starts[c]);
    free(block->losses);
    return status;
}

/* starts[classes + 1] and by_class[samples] from the labels. */
static void sort_by_class(uint32_t *by_class, size_t *starts, const uint16_t *labels, size_t samples,
                          uint32_t classes)
{
    for (size_t i = 0; i < samples; i++)
        starts[labels[i] + 1]++;
    for (uint32_t c = 0; c < classes; c++)
        starts[c + 1] += starts[c];
    for (size_t i = 0; i < samples; i++)
        by_class[starts[labels[i]]++] = (uint32_t)i;
    for (uint32_t c = classes; c > 0; c--)
        starts[c] = starts[c - 1];
    starts[0] = 0;
}

static int check_room(const struct analysis *analysis, const size_t *starts, size_t epochs)
{
    double room = (double)analysis->block_bytes;
    for (uint32_t c = 0; c < analysis->run->classes; c++) {
        double bytes = (double)(starts[c + 1] - starts[c]) * (double)epochs * sizeof(float);
        if (bytes > room)
            return tidy_fail(
                "%s: ctrl keeps the losses of a whole class in all epochs, %.1f GB for the %zu samples of "
                "class %u, and may take %.1f GB here; fewer epochs (--last N) take less",
                analysis->path, bytes / 1e9, starts[c + 1] - starts[c], c, room / 1e9);
    }
    return 0;
}

int ctrl_fill(float *column, struct analysis *analysis)
{
    const struct tidylog_run *run = analysis->run;
    struct block block = {.given = analysis->given, .window = analysis->window};
    block.epochs = analysis->window.end - analysis->window.first;
    uint32_t *by_class = NULL;
    size_t *starts = NULL;
    for (size_t i = 0; i < run->samples; i++)
        column[i] = NAN;
    int status = memory_allocate(&block.rows, run->samples, sizeof *block.rows, "rows of samples");
    if (status == 0)
        status = memory_allocate(&by_class, run->samples, sizeof *by_class, "samples by class");
    if (status == 0)
        status = memory_allocate(&starts, (size_t)run->classes + 1, sizeof *starts, "sizes of the classes");
    if (status == 0) {
        sort_by_class(by_class, starts, block.given, run->samples, run->classes);
        status = check_room(analysis, starts, block.epochs);
    }
    size_t most = analysis->block_bytes / (block.epochs * sizeof *block.losses);
    for (uint32_t first = 0, end; first < run->classes && status == 0; first = end) {
        end = block_end(starts, run->classes, first, most);
        if (starts[end] > starts[first])
            status = fill_block(column, analysis, &block, by_class, starts, first, end);
    }
    free(starts);
    free(by_class);
    free(block.rows);
    return status;
}
