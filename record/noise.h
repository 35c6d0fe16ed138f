/* Label noise: wrong labels planted on purpose, so that what finds wrong labels can be evaluated.
 *
 * Which samples get one: `every:K` (sample index divisible by K) or a rate R (exactly round(R * samples) of
 * them, drawn without replacement); samples that are left out do not count and get none. Which wrong class:
 *   uniform      any of the others, evenly
 *   pair         class c becomes (c + 1) mod C
 *   matrix:FILE  a row of transition probabilities for each true class. With every:K each sample draws from its
 *                row without the diagonal; with a rate the count of each cell (true, given) is exact: in
 *                proportion to n_true * T[true][given], by largest remainder. */
#ifndef TIDY_RECORD_NOISE_H
#define TIDY_RECORD_NOISE_H

#include <stddef.h>
#include <stdint.h>

enum noise_kind { NOISE_UNIFORM, NOISE_PAIR, NOISE_MATRIX };

struct noise {
    uint64_t every; /* K, or 0 where the rate counts */
    double rate;    /* in 0..1 */
    enum noise_kind kind;
    double *matrix; /* [matrix_classes][matrix_classes], rows sum to 1; NULL but for NOISE_MATRIX */
    size_t matrix_classes;
};

/* Parses "every:100" or "0.01", then ",uniform" (the default), ",pair" or ",matrix:FILE", and reads the file: C
 * rows of C numbers separated by white space, `#` starts a comment, empty lines do not count.
 * Errors: TIDY_USAGE for the text; TIDY_FAILED for a file that cannot be read, is not square, or has a row with an
 * entry that is negative or not finite, or that does not sum to 1 within 1e-6.
 * On success the caller frees with noise_destroy. */
int noise_parse(struct noise *out, const char *text);
void noise_destroy(struct noise *noise);

/* Replaces labels in place, where they are not LABEL_LEFT_OUT, and sets *planted to how many. Draws from
 * random_open(seed, RANDOM_NOISE, 0). Errors: one class only, a matrix of another size, a selected sample whose row
 * has nothing off the diagonal, a cell that asks for more samples than the class has. Labels are then as they
 * were. */
int noise_plant(const struct noise *noise, uint16_t *labels, uint64_t samples, uint32_t classes, uint64_t seed,
                uint64_t *planted);

#endif
