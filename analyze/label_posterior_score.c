/* From a log to the score label-posterior: one replay into rebuilt means. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/label_posterior.h"
#include "common/memory.h"

/* Of a sample that several runs judge, the suggestion of the run that is surest of it. */
static void keep_surer(struct suggestion *suggestions, const struct suggestion *earlier, size_t samples)
{
    for (size_t i = 0; i < samples; i++)
        if (isnan(suggestions[i].probability) || suggestions[i].probability <= earlier[i].probability)
            suggestions[i] = earlier[i];
}

int label_posterior_replay(struct analysis *analysis)
{
    const struct tidylog_run *run = analysis->run;
    struct rebuilt_means means;
    struct label_posterior *posterior = NULL;
    int status =
        rebuilt_means_create(&means, run->labels, run->samples, tidylog_data_classes(run), analysis->window.first);
    means.unchanged = analysis->given;
    if (status == 0)
        status = replay_epochs(
            analysis->reader, analysis->window,
            &(struct replay_observer){.observe = rebuilt_means_observe, .context = &means, .apart = true}, 1);
    if (status == 0)
        status = memory_allocate(&posterior, 1, sizeof *posterior, "posteriors of labels");
    if (status == 0)
        status = label_posterior_create(posterior, &means);
    rebuilt_means_destroy(&means);
    if (status == 0 && analysis->posterior != NULL)
        keep_surer(posterior->suggestions, analysis->posterior->suggestions, run->samples);
    analysis_forget_posterior(analysis);
    analysis->posterior = posterior;
    return status;
}

int label_posterior_fill(float *column, struct analysis *analysis)
{
    int status = label_posterior_replay(analysis);
    if (status == 0)
        memcpy(column, analysis->posterior->wrong, analysis->posterior->samples * sizeof *column);
    return status;
}
