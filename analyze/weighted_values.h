/* Very many values in 0..1 as fewer ones that stand for them, so that fitting to all costs no more than to few. */
#ifndef TIDY_ANALYZE_WEIGHTED_VALUES_H
#define TIDY_ANALYZE_WEIGHTED_VALUES_H

#include <stddef.h>

enum {
    WEIGHTED_VALUES_FROM = 1 << 16,  /* up to this many stay as they are */
    WEIGHTED_VALUES_STEPS = 1 << 15, /* of equal width from 0 to 1; the values in each become their mean */
};

struct weighted_values {
    const double *values; /* [count] */
    size_t count;
    double total; /* how many values there were */

    /* [count] of those that each stands for: how many, the smallest and the largest. All NULL where each stands for
     * itself. */
    double *weights, *least, *most;
    double *gathered; /* where all lie then */
};

/* Of values[count] in 0..1, which live as long as *out. Error: no memory. Freed with weighted_values_destroy, also
 * after a failure. */
int weighted_values_create(struct weighted_values *out, const double *values, size_t count);
void weighted_values_destroy(struct weighted_values *values);

static inline double weight_of(const struct weighted_values *values, size_t place)
{
    return values->weights == NULL ? 1 : values->weights[place];
}

/* The weight of those up to `border`: of those that one value stands for, in proportion. */
double weighted_values_up_to(const struct weighted_values *values, size_t place, double border);

#endif
