/* Rank correlation and overlap, of what both sides have. */
#include "analyze/agreement.h"

#include <math.h>
#include <stdlib.h>

#include "analyze/ranking.h"
#include "common/memory.h"

/* Gives each of the `samples` keys its rank, from 0 on; equal keys share the mean of theirs. None is NaN. */
static int mean_ranks(double *ranks, const float *keys, size_t samples)
{
    struct ranking ranking;
    int status = ranking_create(&ranking, keys, samples);
    for (size_t first = 0, next; first < samples && status == 0; first = next) {
        for (next = first + 1; next < samples && keys[ranking.order[next]] == keys[ranking.order[first]];)
            next++;
        for (size_t place = first; place < next; place++)
            ranks[ranking.order[place]] = (double)(first + next - 1) / 2;
    }
    ranking_destroy(&ranking);
    return status;
}

/* Pearson's correlation of ranks, whose mean is known. */
static double correlation(const double *a, const double *b, size_t samples)
{
    double mean = ((double)samples - 1) / 2, products = 0, squares_a = 0, squares_b = 0;
    for (size_t i = 0; i < samples; i++) {
        products += (a[i] - mean) * (b[i] - mean);
        squares_a += (a[i] - mean) * (a[i] - mean);
        squares_b += (b[i] - mean) * (b[i] - mean);
    }
    return products / sqrt(squares_a * squares_b); /* 0 / 0, NaN, where all are equal */
}

int rank_correlation_of(struct rank_correlation *out, const float *a, const float *b, size_t samples)
{
    float *keys[2] = {NULL, NULL};
    double *ranks[2] = {NULL, NULL};
    int status = 0;
    *out = (struct rank_correlation){.rho = NAN};
    for (int side = 0; side < 2 && status == 0; side++) {
        status = memory_allocate(&keys[side], samples, sizeof **keys, "keys to correlate");
        if (status == 0)
            status = memory_allocate(&ranks[side], samples, sizeof **ranks, "ranks to correlate");
    }
    for (size_t i = 0; i < samples && status == 0; i++)
        if (!isnan(a[i]) && !isnan(b[i])) {
            keys[0][out->samples] = a[i];
            keys[1][out->samples++] = b[i];
        }
    for (int side = 0; side < 2 && status == 0; side++)
        status = mean_ranks(ranks[side], keys[side], out->samples);
    if (status == 0)
        out->rho = correlation(ranks[0], ranks[1], out->samples);
    for (int side = 0; side < 2; side++) {
        free(keys[side]);
        free(ranks[side]);
    }
    return status;
}

struct set_overlap set_overlap_of(const bool *a, const bool *b, size_t samples)
{
    struct set_overlap overlap = {0};
    for (size_t i = 0; i < samples; i++) {
        overlap.a += a[i];
        overlap.b += b[i];
        overlap.both += a[i] && b[i];
    }
    size_t smaller = overlap.a < overlap.b ? overlap.a : overlap.b;
    overlap.jaccard = (double)overlap.both / (double)(overlap.a + overlap.b - overlap.both);
    overlap.share = (double)overlap.both / (double)smaller;
    return overlap;
}
