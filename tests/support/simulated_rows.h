/* Rows of predictions as training gives them, made from a seed: for what packs, replays and measures epochs. */
#ifndef TIDY_TESTS_SIMULATED_ROWS_H
#define TIDY_TESTS_SIMULATED_ROWS_H

#include "common/columns.h"

enum simulated_kind {
    SIMULATED_LEARNING, /* most samples become right and sure; margins are near those of the epoch before */
    SIMULATED_NOISE,    /* all codes and classes, evenly; classes do not agree with margins */
    SIMULATED_CONSTANT, /* all are right, with one margin */
    SIMULATED_WRONG,    /* all are wrong, half of them with the class of the epoch before */
    SIMULATED_KINDS
};

/* The arrays are owned; freed by simulated_rows_destroy. */
struct simulated_rows {
    struct columns_shape shape;
    enum simulated_kind kind;
    uint32_t count;
    uint64_t seed;
    uint16_t *labels;       /* [count] */
    struct columns_row row; /* of the epoch last made */
};

void simulated_rows_create(struct simulated_rows *rows, const struct columns_shape *shape, enum simulated_kind kind,
                           uint32_t count, uint64_t seed);
void simulated_rows_destroy(struct simulated_rows *rows);

/* Makes the row of this epoch. Those of SIMULATED_WRONG are to be made in order. */
void simulated_rows_epoch(struct simulated_rows *rows, uint64_t epoch);

#endif
