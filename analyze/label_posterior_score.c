/* From a log to the score label-posterior: one replay into rebuilt means. */
#include "analyze/label_posterior_score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "common/memory.h"

/* Of a sample that several runs judge, the suggestion of the run that is surest of it. */
static void keep_surer(struct suggestion *suggestions, const struct suggestion *earlier, size_t samples)
{
    for (size_t i = 0; i < samples; i++)
        if (isnan(suggestions[i].probability) || suggestions[i].probability <= earlier[i].probability)
            suggestions[i] = earlier[i];
}

void label_posterior_forget(void *means)
{
    rebuilt_means_destroy(means);
    free(means);
}

int label_posterior_ahead(void **kept, struct replay_observer *out, struct analysis *analysis)
{
    const struct tidylog_run *run = analysis->run;
    struct rebuilt_means *means;
    int status = memory_allocate(&means, 1, sizeof *means, "rebuilt probabilities");
    if (status != 0)
        return status;
    status =
        rebuilt_means_create(means, run->labels, run->samples, tidylog_data_classes(run), analysis->window.first);
    means->unchanged = analysis->given;
    *kept = means;
    *out = (struct replay_observer){
        .observe = rebuilt_means_observe, .context = means, .apart = true, .of_blocks = &rebuilt_means_of_blocks};
    return status;
}

/* Makes analysis->posterior of the selected run's means. */
static int make(struct analysis *analysis, struct rebuilt_means *means)
{
    struct label_posterior *posterior;
    int status = memory_allocate(&posterior, 1, sizeof *posterior, "posteriors of labels");
    if (status != 0)
        return status;
    status = label_posterior_create(posterior, means);
    if (status == 0 && analysis->posterior != NULL)
        keep_surer(posterior->suggestions, analysis->posterior->suggestions, analysis->run->samples);
    analysis_forget_posterior(analysis);
    analysis->posterior = posterior;
    return status;
}

int label_posterior_replay(struct analysis *analysis)
{
    void *means = NULL;
    struct replay_observer observer;
    int status = label_posterior_ahead(&means, &observer, analysis);
    if (status == 0)
        status = replay_epochs(analysis->reader, analysis->window, &observer, 1);
    if (status == 0)
        status = make(analysis, means);
    if (means != NULL)
        label_posterior_forget(means);
    return status;
}

int label_posterior_fill(float *column, void *means, struct analysis *analysis)
{
    int status = means != NULL ? make(analysis, means) : label_posterior_replay(analysis);
    if (status == 0)
        memcpy(column, analysis->posterior->wrong, analysis->posterior->samples * sizeof *column);
    return status;
}
