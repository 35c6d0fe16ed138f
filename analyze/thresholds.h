/* Threshold rules: from a ranking to the set of suspects. A table, one row a rule; docs/scores.md defines them. */
#ifndef TIDY_ANALYZE_THRESHOLDS_H
#define TIDY_ANALYZE_THRESHOLDS_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/ranking.h"
#include "analyze/scores.h"

struct threshold_row;

struct threshold {
    const struct threshold_row *row;
    double number;    /* K, R, N or X of the rule */
    const char *text; /* as given */
};

/* Lines for a --help: every rule with what it flags. */
#define THRESHOLD_HELP                                                                                             \
    "Rules for --threshold:\n"                                                                                     \
    "  mean+Kstd  past the mean by more than K population standard deviations, towards\n"                          \
    "             the score's suspicious end: mean+5std, mean+2.5std\n"                                            \
    "  top:R      the most suspicious share R of all samples, rounded: top:0.01\n"                                 \
    "  count:N    the N most suspicious samples: count:600\n"                                                      \
    "  value:X    the score X and what is more suspicious: value:-0.5\n"                                           \
    "  gmm        a mixture of two Gaussians, the suspicious one more likely than not\n"                           \
    "  otsu       Otsu's split of the histogram\n"                                                                 \
    "All but top and count compare values, and never flag a sample that has none (nan).\n"

/* Reads a rule: "mean+5std", "top:0.01", "gmm". Returns 0 or TIDY_USAGE. `text` must outlive *out. */
int threshold_parse(struct threshold *out, const char *text);

/* Sets flagged[i] for each sample and *count of them. `ranking` is of the score's keys; `path` is for messages.
 * Errors: count:N with N above the number of samples. */
int threshold_apply(const struct threshold *threshold, const struct score *score, const struct ranking *ranking,
                    const char *path, bool *flagged, size_t *count);

#endif
