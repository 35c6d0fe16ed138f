/* How far two scores, or two runs, agree on which samples are suspicious. */
#ifndef TIDY_ANALYZE_AGREEMENT_H
#define TIDY_ANALYZE_AGREEMENT_H

#include <stdbool.h>
#include <stddef.h>

/* The rule that sets are cut by where none is asked for. */
#define AGREEMENT_RULE "top:0.01"

/* Spearman's rank correlation of two lists of keys: Pearson's correlation of their ranks, where equal keys have the
 * mean of the ranks that they take up (Spearman 1904; Kendall 1948 for ties). */
struct rank_correlation {
    size_t samples; /* that have a key in both; the others are left out */
    double rho;     /* -1 to 1; NaN for less than two samples, or where all keys of one list are equal */
};

/* Error: no memory. */
int rank_correlation_of(struct rank_correlation *out, const float *a, const float *b, size_t samples);

/* How much two sets of suspects have in common. */
struct set_overlap {
    size_t a, b, both;
    double jaccard; /* both / in any; NaN where both sets are empty */
    double share;   /* both / the smaller one; NaN where that is empty */
};
struct set_overlap set_overlap_of(const bool *a, const bool *b, size_t samples);

#endif
