/* The joint of given labels and of what samples are confident for, the heart of confident learning (Northcutt et
 * al. 2021, JAIR). docs/scores.md has the definitions; the numbers are those of the package cleanlab. */
#ifndef TIDY_ANALYZE_CONFIDENT_JOINT_H
#define TIDY_ANALYZE_CONFIDENT_JOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One probability vector a sample. They are visited one by one and never kept: memory stays O(samples +
 * classes^2). */
struct probability_vectors {
    size_t samples;
    uint32_t classes;
    const uint16_t *labels; /* [samples] as given */

    /* Calls visit once for each sample, in any order, with the same vector [classes] in every call. NaN in its
     * first entry: the sample has none, and takes no part. Ends where visit fails, with what that returned. */
    int (*each)(void *context, int (*visit)(void *visitor, size_t sample, const double *probabilities),
                void *visitor);
    void *context;
};

enum confident_mark {
    HAS_VECTOR = 1,
    OFF_DIAGONAL = 2,   /* confident for another class than its label's */
    PREDICTED_NEQ = 4,  /* its largest probability is another class's */
    NEARLY_LARGEST = 8, /* its label's probability is the largest, or within 1e-6 of it */
};

struct confident_joint {
    const struct probability_vectors *vectors;
    /* [classes][classes] samples by given label and by the class that they are confident for; at least 1 on the
     * diagonal */
    uint32_t *counts;
    double *thresholds; /* [classes] from where on (less 1e-6) a sample is confident for the class */
    size_t *labelled;   /* [classes] samples with that given label, and a vector */
    double *self;       /* [samples] the given label's probability */
    double *margins;    /* [samples] (that - the largest other + 1) / 2; NULL where not asked for */
    uint8_t *marks;     /* [samples] of enum confident_mark; 0 where there is no vector */
};

/* Visits the vectors twice; they must outlive *out. Freed with confident_joint_destroy, also after a failure. */
int confident_joint_create(struct confident_joint *out, const struct probability_vectors *vectors,
                           bool with_margins);
void confident_joint_destroy(struct confident_joint *joint);

/* *out: [classes][classes] whole numbers: of the samples with each given label, how many belong to each class.
 * At least one of each class is its own. Freed by the caller. */
int confident_joint_calibrate(double **out, const struct confident_joint *joint);

#endif
