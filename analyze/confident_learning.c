/* The filters: each a selection from what the joint knows of the samples, and of each two classes. */
#include "analyze/confident_learning.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/lowest.h"
#include "common/memory.h"

/* ---- which to prune --------------------------------------------------------------------------------------- */

/* The most suspicious of several groups of samples, so and so many of each. */
struct selections {
    const struct confident_joint *joint;
    struct lowest *groups; /* [count] */
    size_t count;
};

static int selections_create(struct selections *out, const struct confident_joint *joint, size_t count)
{
    *out = (struct selections){.joint = joint, .count = count};
    return memory_allocate(&out->groups, count, sizeof *out->groups, "selections of samples");
}

static int want(struct selections *selections, size_t group, double wanted)
{
    return wanted < 1 ? 0 : lowest_create(&selections->groups[group], (size_t)wanted);
}

static void selections_flag(const struct selections *selections, bool *flagged)
{
    for (size_t g = 0; g < selections->count; g++)
        lowest_flag(&selections->groups[g], flagged);
}

static void selections_destroy(struct selections *selections)
{
    for (size_t g = 0; g < selections->count && selections->groups != NULL; g++)
        lowest_destroy(&selections->groups[g]);
    free(selections->groups);
}

/* By self-confidence, as many of each class as the joint says are of another. */
static int prune_by_class(bool *flagged, const struct confident_joint *joint, const double *counts)
{
    uint32_t classes = joint->vectors->classes;
    struct selections selections;
    int status = selections_create(&selections, joint, classes);
    for (uint32_t k = 0; k < classes && status == 0; k++)
        status = want(&selections, k, (double)joint->labelled[k] - counts[(size_t)k * classes + k]);
    for (size_t i = 0; i < joint->vectors->samples && status == 0; i++)
        if (joint->marks[i] != 0)
            lowest_offer(&selections.groups[joint->vectors->labels[i]], joint->self[i], (uint32_t)i);
    if (status == 0)
        selections_flag(&selections, flagged);
    selections_destroy(&selections);
    return status;
}

static int see_margins(void *visitor, size_t sample, const double *probabilities)
{
    struct selections *selections = visitor;
    const struct confident_joint *joint = selections->joint;
    uint16_t label = joint->vectors->labels[sample];
    struct lowest *groups = selections->groups + (size_t)label * joint->vectors->classes;
    for (uint32_t j = 0; j < joint->vectors->classes && joint->marks[sample] != 0; j++)
        lowest_offer(&groups[j], probabilities[label] - probabilities[j], (uint32_t)sample);
    return 0;
}

/* By the margin between a pair of classes, as many as the joint says of the pair. */
static int prune_by_noise_rate(bool *flagged, const struct confident_joint *joint, const double *counts)
{
    uint32_t classes = joint->vectors->classes;
    struct selections selections;
    int status = selections_create(&selections, joint, (size_t)classes * classes);
    for (uint32_t k = 0; k < classes; k++)
        for (uint32_t j = 0; j < classes && status == 0; j++)
            if (j != k)
                status = want(&selections, (size_t)k * classes + j, counts[(size_t)k * classes + j]);
    if (status == 0)
        status = joint->vectors->each(joint->vectors->context, see_margins, &selections);
    if (status == 0)
        selections_flag(&selections, flagged);
    selections_destroy(&selections);
    return status;
}

static int flag_by_counts(bool *flagged, const struct confident_joint *joint,
                          int (*prune)(bool *flagged, const struct confident_joint *joint, const double *counts))
{
    double *counts;
    int status = confident_joint_calibrate(&counts, joint);
    if (status == 0)
        status = prune(flagged, joint, counts);
    free(counts);
    return status;
}

/* ---- the filters ------------------------------------------------------------------------------------------ */

static int flag_off_diagonal(bool *flagged, const struct confident_joint *joint)
{
    for (size_t i = 0; i < joint->vectors->samples; i++)
        flagged[i] = (joint->marks[i] & OFF_DIAGONAL) != 0;
    return 0;
}

static int flag_predicted_neq(bool *flagged, const struct confident_joint *joint)
{
    for (size_t i = 0; i < joint->vectors->samples; i++)
        flagged[i] = (joint->marks[i] & PREDICTED_NEQ) != 0;
    return 0;
}

static int flag_by_class(bool *flagged, const struct confident_joint *joint)
{
    return flag_by_counts(flagged, joint, prune_by_class);
}

static int flag_by_noise_rate(bool *flagged, const struct confident_joint *joint)
{
    return flag_by_counts(flagged, joint, prune_by_noise_rate);
}

static int flag_by_both(bool *flagged, const struct confident_joint *joint)
{
    bool *by_class = NULL;
    int status = memory_allocate(&by_class, joint->vectors->samples, sizeof *by_class, "suspects");
    if (status == 0)
        status = flag_by_class(by_class, joint);
    if (status == 0)
        status = flag_by_noise_rate(flagged, joint);
    for (size_t i = 0; i < joint->vectors->samples && status == 0; i++)
        flagged[i] = flagged[i] && by_class[i];
    free(by_class);
    return status;
}

/* As many as confident learning flags, those of the lowest values. */
static int flag_lowest(bool *flagged, const struct confident_joint *joint, const double *values)
{
    struct lowest lowest;
    size_t count = 0;
    for (size_t i = 0; i < joint->vectors->samples; i++)
        count += (joint->marks[i] & (OFF_DIAGONAL | NEARLY_LARGEST)) == OFF_DIAGONAL;
    int status = lowest_create(&lowest, count);
    for (size_t i = 0; i < joint->vectors->samples && status == 0; i++)
        if (joint->marks[i] != 0)
            lowest_offer(&lowest, values[i], (uint32_t)i);
    if (status == 0)
        lowest_flag(&lowest, flagged);
    lowest_destroy(&lowest);
    return status;
}

static int flag_low_self_confidence(bool *flagged, const struct confident_joint *joint)
{
    return flag_lowest(flagged, joint, joint->self);
}

static int flag_low_normalized_margin(bool *flagged, const struct confident_joint *joint)
{
    return flag_lowest(flagged, joint, joint->margins);
}

static const struct filter_row {
    int (*flag)(bool *flagged, const struct confident_joint *joint);
    bool spares_largest; /* a label that is as good as the largest probability is not flagged */
} rows[CONFIDENT_FILTERS] = {
    [CONFIDENT_LEARNING] = {flag_off_diagonal, true},
    [PRUNE_BY_CLASS] = {flag_by_class, true},
    [PRUNE_BY_NOISE_RATE] = {flag_by_noise_rate, true},
    [PRUNE_BY_BOTH] = {flag_by_both, true},
    [PREDICTED_NEQ_GIVEN] = {flag_predicted_neq, true},
    [LOW_SELF_CONFIDENCE] = {flag_low_self_confidence, false},
    [LOW_NORMALIZED_MARGIN] = {flag_low_normalized_margin, false},
};

int confident_learning_flag(bool *flagged, enum confident_filter filter, const struct probability_vectors *vectors)
{
    struct confident_joint joint;
    memset(flagged, 0, vectors->samples * sizeof *flagged);
    int status = confident_joint_create(&joint, vectors, filter == LOW_NORMALIZED_MARGIN);
    if (status == 0)
        status = rows[filter].flag(flagged, &joint);
    for (size_t i = 0; i < vectors->samples && status == 0 && rows[filter].spares_largest; i++)
        flagged[i] = flagged[i] && (joint.marks[i] & NEARLY_LARGEST) == 0;
    confident_joint_destroy(&joint);
    return status;
}
