/* Transition matrices of label noise: T[true][given] is the share of a class's samples that get each label. */
#ifndef TIDY_RECORD_NOISE_MATRIX_H
#define TIDY_RECORD_NOISE_MATRIX_H

#include <stddef.h>
#include <stdint.h>

/* Reads and checks a matrix as noise_parse says: *matrix is [*classes][*classes]. The caller frees it. */
int noise_matrix_read(double **matrix, size_t *classes, const char *path);

/* Shares `total` wrong labels among the cells off the diagonal in proportion to class_sizes[t] * matrix[t][g], in
 * whole numbers by largest remainder (ties: the earlier cell). counts and matrix are [classes][classes],
 * class_sizes is [classes]. Errors: nothing off the diagonal, a class asked for more samples than it has. */
int noise_matrix_counts(uint64_t *counts, const double *matrix, const uint64_t *class_sizes, uint32_t classes,
                        uint64_t total);

#endif
