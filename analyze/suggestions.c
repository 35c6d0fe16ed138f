/* The largest entry of each sample's class sums. */
#include "analyze/suggestions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "common/memory.h"

struct suggesting {
    struct suggestion *out;
    uint32_t classes; /* that may be suggested */
};

static int suggest_most_predicted(void *context, size_t sample, const struct class_count *counts, size_t count)
{
    const struct suggesting *to = context;
    uint32_t presentations = 0, most = 0;
    for (size_t i = 0; i < count; i++) {
        presentations += counts[i].count;
        if (counts[i].count <= most || counts[i].class >= to->classes)
            continue;
        most = counts[i].count;
        to->out[sample].label = counts[i].class;
    }
    to->out[sample].probability = (float)most / (float)presentations;
    return 0;
}

static int suggest_most_probable(void *context, const struct class_means *means)
{
    const struct suggesting *to = context;
    uint32_t best = 0;
    for (uint32_t c = 1; c < to->classes; c++)
        if (means->probabilities[c] > means->probabilities[best])
            best = c;
    if (isnan(means->probabilities[best]))
        return 0;
    to->out[means->sample] = (struct suggestion){(uint16_t)best, (float)means->probabilities[best]};
    return 0;
}

static bool from_posterior(const struct analysis *analysis)
{
    for (size_t s = 0; s < analysis->scores.count; s++)
        if (score_is_probability(&analysis->scores.scores[s]))
            return true;
    return false;
}

static bool from_means(const struct analysis *analysis)
{
    return analysis->run->detail >= TIDYLOG_PROBS;
}

void suggestions_announce(struct analysis *analysis)
{
    if (!from_posterior(analysis))
        *(from_means(analysis) ? &analysis->keeps_means : &analysis->keeps_counts) = true;
}

int suggestions_create(struct suggestion **out, struct analysis *analysis)
{
    const struct tidylog_run *run = analysis->run;
    int status = memory_allocate(out, run->samples, sizeof **out, "suggested labels");
    if (status != 0)
        return status;
    if (from_posterior(analysis)) {
        memcpy(*out, analysis->posterior->suggestions, run->samples * sizeof **out);
        return 0;
    }
    struct suggesting to = {*out, tidylog_data_classes(run)};
    for (size_t i = 0; i < run->samples; i++)
        (*out)[i] = (struct suggestion){analysis->given[i], NAN};
    status = from_means(analysis) ? class_means_each(analysis, suggest_most_probable, &to)
                                  : class_counts_each(analysis, suggest_most_predicted, &to);
    if (status != 0) {
        free(*out);
        *out = NULL;
    }
    return status;
}
