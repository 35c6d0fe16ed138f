/* Samples by how suspicious they are. */
#ifndef TIDY_ANALYZE_RANKING_H
#define TIDY_ANALYZE_RANKING_H

#include <stddef.h>
#include <stdint.h>

struct ranking {
    const float *keys; /* [samples] high = suspicious; NaN = not scored */
    uint32_t *order;   /* [samples] most suspicious first; ties by sample index; the unscored last, by index */
    size_t samples;
    size_t scored; /* the first `scored` of order have a key */
};

/* Samples from which on a ranking takes several threads by itself. */
enum { RANKING_THREADED = 1 << 17 };

/* Ranks; `keys` must live as long as the ranking. Freed with ranking_destroy, also after a failure. */
int ranking_create(struct ranking *out, const float *keys, size_t samples);
void ranking_destroy(struct ranking *ranking);

#endif
