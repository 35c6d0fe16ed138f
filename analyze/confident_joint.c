/* One pass for the thresholds, and one that counts the joint and marks the samples; then how many are to be
 * pruned. */
#include "analyze/confident_joint.h"

#include <math.h>
#include <stdlib.h>

#include "common/memory.h"

static const double tolerance = 1e-6;       /* cleanlab's FLOATING_POINT_COMPARISON */
static const double least_threshold = 2e-6; /* its CONFIDENT_THRESHOLDS_LOWER_BOUND */
static const double never_reached = 2;

/* ---- the first pass: thresholds ------------------------------------------------------------------------- */

static int see_label(void *visitor, size_t sample, const double *probabilities)
{
    struct confident_joint *joint = visitor;
    uint16_t label = joint->vectors->labels[sample];
    if (isnan(probabilities[0]))
        return 0;
    joint->marks[sample] = HAS_VECTOR;
    joint->self[sample] = probabilities[label];
    joint->labelled[label]++;
    return 0;
}

/* By sample, so that the sums do not depend on the order of the visits. */
static void set_thresholds(struct confident_joint *joint)
{
    double *thresholds = joint->thresholds;
    for (size_t i = 0; i < joint->vectors->samples; i++)
        if (joint->marks[i] != 0)
            thresholds[joint->vectors->labels[i]] += joint->self[i];
    for (uint32_t k = 0; k < joint->vectors->classes; k++)
        thresholds[k] = joint->labelled[k] == 0 ? never_reached
                                                : fmax(thresholds[k] / (double)joint->labelled[k], least_threshold);
}

/* ---- the second pass: the joint, and marks --------------------------------------------------------------- */

/* The class of the largest probability, the smallest of several, where the label's is larger by `bonus`. */
static uint32_t largest(const double *probabilities, uint32_t classes, uint16_t label, double bonus)
{
    uint32_t best = 0;
    double most = -INFINITY;
    for (uint32_t k = 0; k < classes; k++) {
        double p = probabilities[k] + (k == label ? bonus : 0);
        if (p > most) {
            most = p;
            best = k;
        }
    }
    return best;
}

static double normalized_margin(const double *probabilities, uint32_t classes, uint16_t label)
{
    double largest_other = 0;
    for (uint32_t k = 0; k < classes; k++)
        if (k != label)
            largest_other = fmax(largest_other, probabilities[k]);
    return (probabilities[label] - largest_other + 1) / 2;
}

static int see_vector(void *visitor, size_t sample, const double *probabilities)
{
    struct confident_joint *joint = visitor;
    uint32_t classes = joint->vectors->classes, confident = 0, reached = 0;
    uint16_t label = joint->vectors->labels[sample];
    if (joint->marks[sample] == 0)
        return 0;
    for (uint32_t k = 0; k < classes; k++)
        if (probabilities[k] >= joint->thresholds[k] - tolerance) {
            confident = k;
            reached++;
        }
    uint32_t predicted = largest(probabilities, classes, label, 0);
    if (reached > 1)
        confident = predicted;
    if (reached > 0) {
        joint->counts[(size_t)label * classes + confident]++;
        if (confident != label)
            joint->marks[sample] |= OFF_DIAGONAL;
    }
    if (predicted != label)
        joint->marks[sample] |= PREDICTED_NEQ;
    if (largest(probabilities, classes, label, tolerance) == label)
        joint->marks[sample] |= NEARLY_LARGEST;
    if (joint->margins != NULL)
        joint->margins[sample] = normalized_margin(probabilities, classes, label);
    return 0;
}

int confident_joint_create(struct confident_joint *out, const struct probability_vectors *vectors,
                           bool with_margins)
{
    size_t classes = vectors->classes, samples = vectors->samples;
    *out = (struct confident_joint){.vectors = vectors};
    int status =
        memory_allocate(&out->counts, classes * classes, sizeof *out->counts, "a count for each two classes");
    if (status == 0)
        status = memory_allocate(&out->thresholds, classes, sizeof *out->thresholds, "thresholds of the classes");
    if (status == 0)
        status = memory_allocate(&out->labelled, classes, sizeof *out->labelled, "sizes of the classes");
    if (status == 0)
        status = memory_allocate(&out->self, samples, sizeof *out->self, "self-confidences");
    if (status == 0)
        status = memory_allocate(&out->marks, samples, sizeof *out->marks, "marks of samples");
    if (status == 0 && with_margins)
        status = memory_allocate(&out->margins, samples, sizeof *out->margins, "normalised margins");
    if (status == 0)
        status = vectors->each(vectors->context, see_label, out);
    if (status != 0)
        return status;
    set_thresholds(out);
    status = vectors->each(vectors->context, see_vector, out);
    for (size_t k = 0; k < classes; k++)
        if (out->counts[k * classes + k] == 0)
            out->counts[k * classes + k] = 1;
    return status;
}

void confident_joint_destroy(struct confident_joint *joint)
{
    free(joint->counts);
    free(joint->thresholds);
    free(joint->labelled);
    free(joint->self);
    free(joint->margins);
    free(joint->marks);
}

/* ---- how many to prune ------------------------------------------------------------------------------------ */

struct remainder {
    double value; /* what rounding took away */
    size_t index;
};

static int compare_remainders(const void *left, const void *right)
{
    const struct remainder *a = left, *b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Rounds values[count] to whole numbers that keep their (rounded) sum: half to even, then those move by one that
 * rounding moved most. Of equal ones the last move up and the first move down, as a stable sort read from that
 * end has them. */
static void round_keeping_sum(double *values, size_t count, struct remainder *room)
{
    double sum = 0, rounded = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
        rounded += rint(values[i]);
    }
    double off = rint(sum) - rounded, step = off < 0 ? -1 : 1;
    for (size_t i = 0; i < count; i++) {
        if (off != 0)
            room[i] = (struct remainder){values[i] - rint(values[i]), i};
        values[i] = rint(values[i]);
    }
    if (off == 0)
        return;
    qsort(room, count, sizeof *room, compare_remainders);
    for (size_t i = 0; i < (size_t)fabs(off); i++)
        values[room[off < 0 ? i : count - 1 - i].index] += step;
}

/* Each row of the joint scaled to the samples with that label. cleanlab then scales all of it to the number of
 * samples, which changes nothing but the last bits. */
static void calibrate(double *out, const struct confident_joint *joint, size_t classes, struct remainder *room)
{
    for (size_t k = 0; k < classes; k++) {
        const uint32_t *row = joint->counts + k * classes;
        double sum = 0;
        for (size_t j = 0; j < classes; j++)
            sum += row[j];
        for (size_t j = 0; j < classes; j++)
            out[k * classes + j] = (double)row[j] * (double)joint->labelled[k] / sum;
        round_keeping_sum(out + k * classes, classes, room);
    }
}

/* A class that would lose all its samples keeps one, and its other counts are one less each: cleanlab takes a
 * fraction of 1 from each and cuts off what is behind the point. */
static void keep_one_of_each_class(double *counts, size_t classes)
{
    for (size_t k = 0; k < classes; k++) {
        double *row = counts + k * classes;
        if (row[k] >= 1)
            continue;
        for (size_t j = 0; j < classes; j++)
            row[j] = fmax(row[j] - 1, 0);
        row[k] = 1;
    }
}

int confident_joint_calibrate(double **out, const struct confident_joint *joint)
{
    size_t classes = joint->vectors->classes;
    struct remainder *room = NULL;
    int status = memory_allocate(out, classes * classes, sizeof **out, "a count for each two classes");
    if (status == 0)
        status = memory_allocate(&room, classes, sizeof *room, "rounding");
    if (status == 0) {
        calibrate(*out, joint, classes, room);
        keep_one_of_each_class(*out, classes);
    }
    free(room);
    return status;
}
