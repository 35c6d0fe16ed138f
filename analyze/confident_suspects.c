/* Hands a log's mean probabilities to confident learning, one by one. */
#include "analyze/confident_suspects.h"

#include <math.h>
#include <stdlib.h>

#include "analyze/analysis.h"
#include "common/memory.h"

struct visitor {
    int (*visit)(void *visitor, size_t sample, const double *probabilities);
    void *context;
    float *column; /* gets 0 for each sample that has a vector; or NULL */
};

static int pass_on(void *context, const struct class_means *means)
{
    const struct visitor *to = context;
    if (to->column != NULL && !isnan(means->probabilities[0]))
        to->column[means->sample] = 0;
    return to->visit(to->context, means->sample, means->probabilities);
}

/* What a probability_vectors' context is here. */
struct source {
    struct analysis *analysis;
    int (*means_each)(struct analysis *analysis, class_means_visitor *visit, void *context);
    float *column;
};

static int each(void *context, int (*visit)(void *visitor, size_t sample, const double *probabilities),
                void *visitor)
{
    const struct source *source = context;
    struct visitor to = {visit, visitor, source->column};
    return source->means_each(source->analysis, pass_on, &to);
}

static int flag(bool *flagged, struct source *source, enum confident_filter filter)
{
    const struct analysis *analysis = source->analysis;
    const struct probability_vectors vectors = {analysis->run->samples, analysis->run->classes, analysis->given,
                                                each, source};
    return confident_learning_flag(flagged, filter, &vectors);
}

int confident_suspects_flag(bool *flagged, struct analysis *analysis, enum confident_filter filter)
{
    return flag(flagged, &(struct source){analysis, class_means_each, NULL}, filter);
}

int confident_suspects_fill(float *column, void *kept, struct analysis *analysis)
{
    (void)kept;
    bool *flagged = NULL;
    size_t samples = analysis->run->samples;
    int status = memory_allocate(&flagged, samples, sizeof *flagged, "suspects");
    if (status == 0)
        status = flag(flagged, &(struct source){analysis, class_means_each_of_run, column}, CONFIDENT_LEARNING);
    for (size_t i = 0; i < samples && status == 0; i++)
        if (flagged[i])
            column[i] = 1;
    free(flagged);
    return status;
}
