/* Threshold rules: from a ranking to the set of suspects. A table, one row a rule; docs/scores.md defines them. */
#ifndef TIDY_ANALYZE_THRESHOLDS_H
#define TIDY_ANALYZE_THRESHOLDS_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/ranking.h"
#include "analyze/scores.h"

struct analysis;
struct threshold_row;

struct threshold {
    const struct threshold_row *row;
    double number;     /* K, R, N or X of the rule */
    const char *text;  /* as given */
    const char *score; /* the only one that it goes with; NULL: any */
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
    "  bmm        the same with two beta distributions\n"                                                          \
    "  otsu       Otsu's split of the histogram\n"                                                                 \
    "  expected-f1\n"                                                                                              \
    "             of label-posterior: the cut of the largest F1 to be expected\n"                                  \
    "All but top and count compare values, and never flag a sample that has none (nan).\n"                         \
    "Rules that flag the same samples whatever the score is, which only orders them:\n"                            \
    "  confident-learning, prune-by-class, prune-by-noise-rate, both, predicted-neq-given,\n"                      \
    "  low-self-confidence, low-normalized-margin\n"                                                               \
    "             cleanlab's filters, on the mean probabilities (--detail probs or full)\n"                        \
    "  ctrl       in each class the cluster of samples whose losses stay high\n"                                   \
    "  threshold-samples\n"                                                                                        \
    "             margins like those of samples of a made-up class (train --threshold-samples)"

/* Reads a rule: "mean+5std", "top:0.01", "gmm". Returns 0 or TIDY_USAGE. `text` must outlive *out. */
int threshold_parse(struct threshold *out, const char *text);

/* Does the rule flag the same samples whatever the score is? */
bool threshold_ignores_score(const struct threshold *threshold);

/* May it cut that score? */
bool threshold_suits(const struct threshold *threshold, const struct score *score);

/* After analysis_choose, before analysis_replay: has it keep what the rule needs. Errors: the log lacks that. */
int threshold_announce(const struct threshold *threshold, struct analysis *analysis);

/* Sets flagged[i] for each sample and *count of them; a probe without a value is never flagged. `ranking` is of the
 * score's keys. May replay the log. Errors: count:N with N above the number of samples; what a replay can fail
 * with. */
int threshold_apply(const struct threshold *threshold, struct analysis *analysis, const struct score *score,
                    const struct ranking *ranking, bool *flagged, size_t *count);

#endif
