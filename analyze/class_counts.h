/* A block of samples with the classes predicted for each. Most samples are predicted few classes, so what is kept
 * are lists of those that were wrong, not a table of all classes. For class_sums.h. */
#ifndef TIDY_ANALYZE_CLASS_COUNTS_H
#define TIDY_ANALYZE_CLASS_COUNTS_H

#include "analyze/class_sums.h"
#include "analyze/dynamics.h"
#include "common/tidylog.h"

/* Wrong predictions of one sample, in order: a class and how often in a row. */
enum { PIECE_RUNS = 7 };
struct class_piece {
    uint32_t previous; /* 1 + index of the sample's piece before, or 0 */
    struct {
        uint16_t class, count;
    } runs[PIECE_RUNS];
};
_Static_assert(sizeof(struct class_piece) == 32, "half a cache line");

struct class_history {
    uint32_t last : 29; /* 1 + index of its last piece, or 0 */
    uint32_t used : 3;  /* runs of that piece; all pieces before are full */
    uint32_t correct;   /* presentations in which the given label was predicted, where dynamics do not count them */
};

struct class_counts {
    const uint16_t *given;          /* [samples] */
    const struct dynamics *correct; /* [samples] count right predictions in the same pass, and no sample is a
                                    * probe; NULL: the histories do, and leave probes out */
    uint32_t classes;
    size_t first, end;               /* the block's samples; the end moves down where the pieces need more memory */
    struct class_history *histories; /* [end - first] */
    struct class_piece *pieces;      /* [used of capacity], at most `most` */
    size_t used, capacity, most;
    uint32_t unused;            /* 1 + index of a piece of a sample that was dropped, or 0; `previous` leads on */
    struct class_count *counts; /* [classes] of the sample visited */
};

/* Starts a block at sample `first` that takes about `bytes` bytes, of a log of `samples`. `given` must outlive it,
 * and so must `correct`, which is set afterwards. Freed with class_counts_destroy, also after a failure. */
int class_counts_begin(struct class_counts *out, const uint16_t *given, uint32_t classes, size_t samples,
                       size_t first, size_t bytes);
void class_counts_destroy(struct class_counts *block);

/* Adds one step: a replay_observer's function. Error: one sample alone needs more memory than the block may
 * take. */
int class_counts_observe(void *block, const struct tidylog_observations *step);

/* Visits the block's samples in order. */
int class_counts_visit(struct class_counts *block, class_counts_visitor *visit, void *context);

#endif
