/* How many wrong labels to expect among suspects: numbers, and what `flag` says of them on stderr. */
#ifndef TIDY_ANALYZE_FLAG_SUMMARY_H
#define TIDY_ANALYZE_FLAG_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/noise_estimate.h"
#include "analyze/suspects.h"

struct flag_summary {
    /* By the probabilities of PROBABILITY_SCORE, where the score is that: among the suspects, and among all samples
     * that were not reviewed. */
    bool has_expected;
    struct expected_count found, all;

    /* By planted controls, where the log has them and neither a budget nor a review is given. Only the verdict
     * NOISE_APPLIES has precision and recall; `rate` of all labels are wrong. */
    bool has_estimate;
    enum noise_verdict verdict;
    struct estimated precision, recall, rate;
    size_t control_count;

    char *text; /* a line each, of controls where there are; "" where nothing is known */
};

/* Freed with flag_summary_destroy, also after a failure. Errors: the estimate's, no memory. */
int flag_summary_create(struct flag_summary *out, struct suspects *suspects,
                        const struct suspects_request *request);
void flag_summary_destroy(struct flag_summary *summary);

#endif
