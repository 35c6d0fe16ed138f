#include "analyze/report/trajectories.h"

#include <math.h>
#include <stdlib.h>

#include "analyze/analysis.h"
#include "analyze/percentile.h"
#include "common/memory.h"

/* A replay_observer's function. It changes rows of the step's samples only, so it may be called on several
 * threads. */
static int observe(void *context, const struct tidylog_observations *step)
{
    struct trajectories *trajectories = context;
    if (step->evaluated)
        return 0;
    uint64_t bin = (step->epoch - trajectories->first) * (uint64_t)trajectories->bins / trajectories->epochs;
    for (uint32_t i = 0; i < step->count; i++) {
        uint32_t row = trajectories->row_of[step->samples[i]];
        if (row == 0)
            continue;
        struct trajectory *trajectory = &trajectories->rows[row - 1];
        bool right = step->predicted[i] == step->labels[i];
        trajectory->forgotten[bin] |= trajectory->was_right && !right;
        trajectory->was_right = right;
        double shown = step->margin != NULL ? (double)step->margin[i] : right;
        if (!isfinite(shown))
            continue;
        trajectory->sum[bin] += shown;
        trajectory->count[bin]++;
    }
    return 0;
}

/* A bin an epoch of the longest run, where these are not too many. */
static int choose_bins(struct trajectories *trajectories, struct analysis *analysis)
{
    int status = 0;
    for (uint32_t run = 0; run < analysis->runs && status == 0; run++) {
        status = analysis_select_run(analysis, run);
        uint64_t epochs = analysis->window.end - analysis->window.first;
        if (status == 0 && epochs > (uint64_t)trajectories->bins)
            trajectories->bins = epochs < SPARKLINE_BINS ? (int)epochs : SPARKLINE_BINS;
    }
    return status;
}

static int replay(struct trajectories *trajectories, struct analysis *analysis)
{
    const struct replay_observer observer = {.observe = observe, .context = trajectories, .apart = true};
    int status = choose_bins(trajectories, analysis);
    for (uint32_t run = 0; run < analysis->runs && status == 0; run++) {
        status = analysis_select_run(analysis, run);
        if (status != 0)
            break;
        trajectories->first = analysis->window.first;
        trajectories->epochs = analysis->window.end - analysis->window.first;
        for (size_t row = 0; row < trajectories->count; row++)
            trajectories->rows[row].was_right = false;
        status = replay_epochs(analysis->reader, analysis->window, &observer, 1);
    }
    return status == 0 && analysis->runs > 1 ? analysis_select_run(analysis, 0) : status;
}

/* Margins differ by run and network, so what is usual in this one is what the curve's height is for. */
static int measure(struct trajectories *trajectories)
{
    double *margins;
    size_t count = 0;
    int status = memory_allocate(&margins, trajectories->count * (size_t)trajectories->bins, sizeof *margins,
                                 "trajectories");
    if (status != 0)
        return status;
    for (size_t row = 0; row < trajectories->count; row++)
        for (int bin = 0; bin < trajectories->bins; bin++) {
            const struct trajectory *trajectory = &trajectories->rows[row];
            if (trajectory->count[bin] > 0)
                margins[count++] = fabs(trajectory->sum[bin] / trajectory->count[bin]);
        }
    trajectories->margin = count > 0 ? percentile_select(margins, count, 95) : 0;
    if (trajectories->margin <= 0)
        trajectories->margin = 1;
    free(margins);
    return 0;
}

int trajectories_create(struct trajectories *out, struct analysis *analysis, const uint32_t *samples, size_t count)
{
    *out = (struct trajectories){.count = count};
    int status = memory_allocate(&out->rows, count, sizeof *out->rows, "trajectories");
    if (status == 0)
        status = memory_allocate(&out->row_of, analysis->run->samples, sizeof *out->row_of, "trajectories");
    if (status != 0)
        return status;
    for (size_t row = 0; row < count; row++)
        out->row_of[samples[row]] = (uint32_t)row + 1;
    status = replay(out, analysis);
    if (status == 0 && analysis->run->detail != TIDYLOG_CLASS)
        status = measure(out);
    return status;
}

void trajectories_destroy(struct trajectories *trajectories)
{
    free(trajectories->row_of);
    free(trajectories->rows);
}

void trajectories_bins(const struct trajectories *trajectories, size_t row, struct sparkline_bin *bins)
{
    const struct trajectory *trajectory = &trajectories->rows[row];
    for (int bin = 0; bin < trajectories->bins; bin++) {
        double mean = trajectory->sum[bin] / trajectory->count[bin];
        double height = trajectories->margin > 0 ? (mean / trajectories->margin + 1) / 2 : mean;
        bins[bin].level =
            trajectory->count[bin] == 0 ? -1 : (int)lround(SPARKLINE_LOW * (1 - fmin(fmax(height, 0), 1)));
        bins[bin].forgotten = trajectory->forgotten[bin];
    }
}
