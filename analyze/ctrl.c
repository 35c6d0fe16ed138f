/* Blocks of whole classes, whose samples are clustered a class at a time, on all processors. */
#include "analyze/ctrl.h"

#include <math.h>
#include <stdlib.h>

#include "analyze/analysis.h"
#include "analyze/ctrl_losses.h"
#include "analyze/loss_clusters.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/parallel.h"

struct clustering {
    float *column; /* [samples] */
    struct ctrl_losses *losses;
    bool *out_of_memory; /* [classes] */
};

/* Clusters the samples of one class, whose rows are smoothed and moved together. */
static int cluster(const struct clustering *clustering, uint32_t class)
{
    const struct ctrl_losses *all = clustering->losses;
    const uint32_t *samples = all->by_class + all->starts[class];
    size_t count = all->starts[class + 1] - all->starts[class], epochs = all->epochs, rows = 0;
    float *losses = all->losses + (all->starts[class] - all->starts[all->first]) * epochs;
    bool *flagged = NULL;
    uint32_t *kept = NULL;
    int status = memory_allocate(&flagged, count, sizeof *flagged, "clusters of losses");
    if (status == 0)
        status = memory_allocate(&kept, count, sizeof *kept, "clusters of losses");
    for (size_t i = 0; i < count && status == 0; i++)
        if (ctrl_losses_complete(losses + i * epochs, epochs)) {
            loss_clusters_smooth(losses + rows * epochs, losses + i * epochs, epochs, all->run->classes);
            kept[rows++] = samples[i];
        }
    if (status == 0)
        status = loss_clusters_flag(flagged, losses, rows, epochs);
    for (size_t i = 0; i < rows && status == 0; i++)
        clustering->column[kept[i]] = flagged[i];
    free(kept);
    free(flagged);
    return status;
}

static void cluster_share(void *context, size_t share, unsigned thread)
{
    const struct clustering *clustering = context;
    uint32_t class = clustering->losses->first + (uint32_t)share;
    (void)thread;
    clustering->out_of_memory[class] = cluster(clustering, class) != 0;
}

/* Clusters all classes that have rows. */
static int cluster_all(float *column, struct ctrl_losses *losses, struct parallel *parallel)
{
    struct clustering clustering = {column, losses, NULL};
    int status = memory_allocate(&clustering.out_of_memory, losses->end, sizeof *clustering.out_of_memory,
                                 "clusters of losses");
    if (status == 0)
        parallel_run(parallel, losses->end - losses->first, cluster_share, &clustering);
    for (uint32_t c = losses->first; c < losses->end && status == 0; c++)
        if (clustering.out_of_memory[c])
            status = tidy_fail_memory("clusters of losses", losses->starts[c + 1] - losses->starts[c]);
    free(clustering.out_of_memory);
    return status;
}

/* The class after the last of those from `first` on that there is room for; at least one. */
static uint32_t block_end(const struct ctrl_losses *losses, uint32_t first, size_t bytes)
{
    uint32_t end = first + 1;
    while (end < losses->run->classes && ctrl_losses_bytes(losses, first, end + 1) <= bytes)
        end++;
    return end;
}

static int check_room(const struct analysis *analysis, const struct ctrl_losses *losses)
{
    for (uint32_t c = 0; c < analysis->run->classes; c++)
        if (ctrl_losses_bytes(losses, c, c + 1) > analysis->block_bytes)
            return tidy_fail(
                "%s: ctrl keeps the losses of a whole class in all epochs, %.1f GB for the %zu samples of "
                "class %u, and may take %.1f GB here; fewer epochs (--last N) take less",
                analysis->path, (double)ctrl_losses_bytes(losses, c, c + 1) / 1e9,
                losses->starts[c + 1] - losses->starts[c], c, (double)analysis->block_bytes / 1e9);
    return 0;
}

static int create(struct ctrl_losses **out, struct analysis *analysis)
{
    int status = memory_allocate(out, 1, sizeof **out, "losses of a class");
    return status != 0 ? status : ctrl_losses_create(*out, analysis->run, analysis->given, analysis->window);
}

void ctrl_forget(void *losses)
{
    ctrl_losses_destroy(losses);
    free(losses);
}

static struct replay_observer observer_of(struct ctrl_losses *losses)
{
    return (struct replay_observer){
        .observe = ctrl_losses_observe, .context = losses, .apart = true, .of_blocks = &ctrl_losses_of_blocks};
}

int ctrl_ahead(void **kept, struct replay_observer *out, struct analysis *analysis)
{
    uint32_t classes = analysis->run->classes;
    struct ctrl_losses *losses = NULL;
    int status = create(&losses, analysis);
    if (status == 0 && ctrl_losses_bytes(losses, 0, classes) <= analysis->block_bytes / 4) {
        status = ctrl_losses_begin(losses, 0, classes);
        *out = observer_of(losses);
        *kept = losses;
    } else if (losses != NULL)
        ctrl_forget(losses);
    return status;
}

/* Replays for classes first .. end - 1. */
static int fill_block(float *column, struct ctrl_losses *losses, struct analysis *analysis,
                      struct parallel *parallel, uint32_t first, uint32_t end)
{
    const struct replay_observer observer = observer_of(losses);
    int status = ctrl_losses_begin(losses, first, end);
    if (status == 0)
        status = replay_epochs(analysis->reader, analysis->window, &observer, 1);
    return status != 0 ? status : cluster_all(column, losses, parallel);
}

/* Replays once for each block of classes that there is room for. */
static int fill_by_blocks(float *column, struct analysis *analysis, struct parallel *parallel)
{
    struct ctrl_losses *losses = NULL;
    uint32_t classes = analysis->run->classes;
    int status = create(&losses, analysis);
    if (status == 0)
        status = check_room(analysis, losses);
    for (uint32_t first = 0, end; first < classes && status == 0; first = end) {
        end = block_end(losses, first, analysis->block_bytes);
        if (losses->starts[end] > losses->starts[first])
            status = fill_block(column, losses, analysis, parallel, first, end);
    }
    if (losses != NULL)
        ctrl_forget(losses);
    return status;
}

int ctrl_fill(float *column, void *losses, struct analysis *analysis)
{
    struct parallel *parallel;
    for (size_t i = 0; i < analysis->run->samples; i++)
        column[i] = NAN;
    int status = parallel_create(&parallel, analysis->run->classes);
    if (status == 0)
        status =
            losses != NULL ? cluster_all(column, losses, parallel) : fill_by_blocks(column, analysis, parallel);
    parallel_destroy(parallel);
    return status;
}

int ctrl_replay(float *column, struct analysis *analysis)
{
    return ctrl_fill(column, NULL, analysis);
}
