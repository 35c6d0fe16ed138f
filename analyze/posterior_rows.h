/* The samples' mean probabilities as short rows, from which label-posterior is estimated: a row is the sample's named
 * classes, its given label, and one place for all other classes, which are taken for classes that no pair stands out
 * with. Where there are few enough classes each has the place of its number. Rows of LANES samples lie side by side.
 * Whatever the number of threads, the results are the same. */
#ifndef TIDY_ANALYZE_POSTERIOR_ROWS_H
#define TIDY_ANALYZE_POSTERIOR_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/lanes.h"
#include "analyze/noise_transition.h"
#include "analyze/rebuilt_means.h"
#include "common/parallel.h"

enum {
    PLACES = NAMED_CLASSES + 1, /* that have a class of their own */
    REST = PLACES,              /* that of each class without one */
    ROW,
    ROW_SHARES = 32, /* that rows are divided into, for threads to take */
};

struct row_block {
    lanes row[ROW];     /* log-probabilities without the noise, then their powers; of unused places -inf, 0 */
    lanes chances[ROW]; /* of the given label, by true class: set where the noise is taken out */
    lanes_mask counts;  /* 0: a probe, or nobody */
    lanes_mask given;   /* place of the given label */
    uint32_t samples[LANES];
    uint32_t filled;                 /* lanes that are samples; the others repeat the first */
    uint16_t classes[PLACES][LANES]; /* at each place; of unused ones nothing */
    size_t pairs, pairs_end;         /* in `pairs`, of its lanes */
};

/* A pair that stands out between two places of a lane's row; where places are the classes', of all rows. */
struct placed_pair {
    uint8_t lane, from, to;
    uint32_t pair; /* of the transition */
};

/* Sums of a class over its weight: how much of it the network sees, and how much of it the given labels leave. */
struct class_sum {
    double before, after;
};

struct row_totals {
    struct class_sum *sums; /* [classes] what each has above `rest` */
    struct class_sum rest;  /* of a class that has no place in any row */
    double wrong;           /* expected wrong labels of pairs that do not stand out */
};

/* First and second derivative of the rows' surprise, the sum of -log P(given label), by the temperature. */
struct surprise_slopes {
    double first, second;
};

/* What one share of the rows sums to. */
struct row_share {
    struct surprise_slopes slopes;
    struct row_totals totals;
};

struct posterior_rows {
    const struct rebuilt_means *means;
    const struct noise_transition *transition;
    struct parallel *parallel;
    bool by_class;            /* place k is class k */
    float many[ROW];          /* classes that share each place; 0: unused */
    struct row_block *blocks; /* [count of capacity] */
    size_t capacity;
    size_t count, chosen; /* those from 0 to chosen - 1 have the samples that a temperature is fitted to */
    struct placed_pair *pairs;
    size_t pair_count, pair_capacity;

    /* What a pass over the rows takes, by class: made anew for each. */
    float *above;   /* [classes] what a class' label keeps above `other` */
    float *weights; /* [classes] */
    float other;
    double weights_sum;
    struct row_share *shares; /* [ROW_SHARES] */
};

/* Rows of the samples that have a vector; the temperature is fitted to every `stride`-th that counts. The names of
 * the means are completed. Means, transition and `parallel` must outlive it. Freed with posterior_rows_destroy, also
 * after a failure. */
int posterior_rows_create(struct posterior_rows *out, struct rebuilt_means *means,
                          const struct noise_transition *transition, size_t stride, struct parallel *parallel);
void posterior_rows_destroy(struct posterior_rows *rows);

/* Sets what passes take of the transition and of these weights; the functions below do. */
void posterior_rows_prepare(struct posterior_rows *rows, const double *class_weights);

/* Takes the noise out of the means (Richardson 1972; Lucy 1974): rows of log-probabilities. */
void posterior_rows_begin(struct posterior_rows *rows, const double *class_weights);

/* How the surprise changes at a temperature, over rows of log-probabilities of the samples chosen. */
struct surprise_slopes posterior_rows_slopes(struct posterior_rows *rows, const double *class_weights,
                                             double temperature);

/* Log-probabilities to powers, over the largest of the row. */
void posterior_rows_raise(struct posterior_rows *rows, double temperature);

/* Sums over all rows of powers that count; out->sums has room for all classes. */
void posterior_rows_sum(struct row_totals *out, struct posterior_rows *rows, const double *class_weights);

/* The joint of true classes and the given label, of one lane: weights of the places' classes, and chances of the
 * given label by true class; both 0 at unused places. Needs what posterior_rows_sum left. */
struct row_joint {
    double weights[ROW], chances[ROW];
};
void posterior_rows_join(struct row_joint *out, const struct posterior_rows *rows, const double *class_weights,
                         const struct row_block *block, size_t lane);

#endif
