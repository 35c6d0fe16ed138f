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

void label_posterior_forget(struct analysis *analysis)
{
    if (analysis->rebuilt != NULL)
        rebuilt_means_destroy(analysis->rebuilt);
    free(analysis->rebuilt);
    analysis->rebuilt = NULL;
}

int label_posterior_ahead(struct replay_observer *out, struct analysis *analysis)
{
    const struct tidylog_run *run = analysis->run;
    label_posterior_forget(analysis);
    *out = (struct replay_observer){0};
    int status = memory_allocate(&analysis->rebuilt, 1, sizeof *analysis->rebuilt, "rebuilt probabilities");
    if (status == 0)
        status = rebuilt_means_create(analysis->rebuilt, run->labels, run->samples, tidylog_data_classes(run),
                                      analysis->window.first);
    if (status != 0)
        return status;
    analysis->rebuilt->unchanged = analysis->given;
    *out = (struct replay_observer){.observe = rebuilt_means_observe,
                                    .context = analysis->rebuilt,
                                    .apart = true,
                                    .of_blocks = &rebuilt_means_of_blocks};
    return 0;
}

int label_posterior_replay(struct analysis *analysis)
{
    struct label_posterior *posterior = NULL;
    struct replay_observer observer;
    int status = 0;
    if (analysis->rebuilt == NULL) {
        status = label_posterior_ahead(&observer, analysis);
        if (status == 0)
            status = replay_epochs(analysis->reader, analysis->window, &observer, 1);
    }
    if (status == 0)
        status = memory_allocate(&posterior, 1, sizeof *posterior, "posteriors of labels");
    if (status == 0)
        status = label_posterior_create(posterior, analysis->rebuilt);
    label_posterior_forget(analysis);
    if (status == 0 && analysis->posterior != NULL)
        keep_surer(posterior->suggestions, analysis->posterior->suggestions, analysis->run->samples);
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
