/* Precision and recall of suspects without the truth, estimated from planted controls. docs/scores.md has the
 * definition. */
#ifndef TIDY_ANALYZE_ESTIMATED_QUALITY_H
#define TIDY_ANALYZE_ESTIMATED_QUALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/noise_estimate.h"
#include "analyze/scores.h"
#include "common/table.h"

struct estimated_quality {
    size_t flagged;
    struct estimated precision,
        recall; /* NaN where nothing is flagged (precision), or the estimate does not hold */
};

/* A set of samples that grows. */
struct estimated_set {
    const struct noise_estimate *estimate;
    bool knows_controls; /* which of them it would have; else mistakes before the start may be in it or not */
    bool has_both;       /* the controls in it are an estimate of their own */
    size_t flagged;
    size_t count; /* of those that the estimate is about */
    double share; /* of the controls, unweighted */
    double found[ESTIMATE_DRAWS], variance[ESTIMATE_DRAWS];
    double before[ESTIMATE_DRAWS];   /* samples before the start */
    double controls[ESTIMATE_DRAWS]; /* their weight */
    double late[ESTIMATE_DRAWS];     /* that of those before the start */
};

/* Empty. `score` is what the set is cut from, NULL: something else, which says nothing of controls. */
void estimated_set_begin(struct estimated_set *out, const struct noise_estimate *estimate,
                         const struct score *score);

/* Adds a sample; and the share, mostly 1, of a control, by its place in estimate->controls. */
void estimated_set_add(struct estimated_set *set, size_t sample);
void estimated_set_add_control(struct estimated_set *set, size_t control, double share);

struct estimated_quality estimated_set_quality(const struct estimated_set *set);

/* Of the samples with flagged[sample], cut from `score` or, where it is NULL, not. What has the lowest key of
 * all flagged is flagged in part, and so are controls with that key; where a sample of a higher key is not
 * flagged, the rule asked for more than the score. */
struct estimated_quality estimated_quality_of(const struct noise_estimate *estimate, const struct score *score,
                                              const bool *flagged, size_t samples);

/* Adds value, low and high to a line of a table. */
void estimated_add_to(struct table *table, struct estimated estimated);

#endif
