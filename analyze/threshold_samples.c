/* Margins are summed anew, because scores keep none of samples that are probes. */
#include "analyze/threshold_samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/percentile.h"
#include "common/error.h"
#include "common/memory.h"

static const double percent = 99;

struct margins {
    double *sums;     /* [samples] */
    uint32_t *counts; /* [samples] presentations */
};

static int observe(void *context, const struct tidylog_observations *step)
{
    struct margins *margins = context;
    for (uint32_t i = 0; i < step->count && !step->evaluated; i++) {
        margins->sums[step->samples[i]] += (double)step->margin[i];
        margins->counts[step->samples[i]]++;
    }
    return 0;
}

/* As the score has it, in float's precision; 0 / 0, NaN, where never presented. */
static double area(const struct margins *margins, size_t sample)
{
    return (double)(float)(margins->sums[sample] / margins->counts[sample]);
}

/* *out: the 99th percentile of the probes' areas; NaN where none has one. */
static int find_threshold(double *out, const struct analysis *analysis, const struct margins *margins)
{
    const struct tidylog_run *run = analysis->run;
    double *areas = NULL;
    size_t count = 0;
    int status = memory_allocate(&areas, run->samples, sizeof *areas, "threshold samples");
    for (size_t i = 0; i < run->samples && status == 0; i++)
        if (run->labels[i] != analysis->given[i] && !isnan(area(margins, i)))
            areas[count++] = area(margins, i);
    *out = NAN;
    if (count > 0) {
        percentile_sort(areas, count);
        *out = percentile_of(areas, count, percent);
    }
    free(areas);
    return status;
}

int threshold_samples_fill(float *column, struct analysis *analysis)
{
    const struct tidylog_run *run = analysis->run;
    struct margins margins = {0};
    double threshold = NAN;
    for (size_t i = 0; i < run->samples; i++)
        column[i] = NAN;
    if (!tidylog_has_probes(run, "threshold-samples"))
        return 0;
    int status = memory_allocate(&margins.sums, run->samples, sizeof *margins.sums, "margins");
    if (status == 0)
        status = memory_allocate(&margins.counts, run->samples, sizeof *margins.counts, "margins");
    if (status == 0)
        status =
            replay_epochs(analysis->reader, analysis->window,
                          &(struct replay_observer){.observe = observe, .context = &margins, .apart = true}, 1);
    if (status == 0)
        status = find_threshold(&threshold, analysis, &margins);
    for (size_t i = 0; i < run->samples && status == 0; i++)
        if (run->labels[i] == analysis->given[i] && !isnan(area(&margins, i)) && !isnan(threshold))
            column[i] = area(&margins, i) <= threshold;
    free(margins.counts);
    free(margins.sums);
    return status;
}

int threshold_samples_check(const char *rule, struct analysis *analysis)
{
    bool any = false;
    int status = 0;
    for (uint32_t run = 0; run < analysis->runs && status == 0; run++) {
        status = analysis_select_run(analysis, run);
        any = any || tidylog_has_probes(analysis->run, "threshold-samples");
    }
    if (status == 0)
        status = analysis_select_run(analysis, 0);
    if (status != 0 || any)
        return status;
    return tidy_fail("%s: threshold '%s' needs samples that were trained on a made-up class; "
                     "'tidy-record train --threshold-samples 1' records a run with them",
                     analysis->path, rule);
}
