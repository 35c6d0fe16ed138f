/* A running sum of probabilities. */
#include "analyze/expected_quality.h"

void expected_walk_begin(struct expected_walk *out, const struct ranking *ranking)
{
    *out = (struct expected_walk){.ranking = ranking};
    for (size_t i = 0; i < ranking->scored; i++)
        out->wrong += (double)ranking->keys[ranking->order[i]];
}

struct expected_quality expected_walk_to(struct expected_walk *walk, size_t flagged)
{
    for (; walk->flagged < flagged; walk->flagged++)
        walk->hits += (double)walk->ranking->keys[walk->ranking->order[walk->flagged]];
    /* 0 / 0 is NaN, which is what is meant. */
    return (struct expected_quality){
        .precision = walk->hits / (double)flagged,
        .recall = walk->hits / walk->wrong,
        .f1 = 2 * walk->hits / ((double)flagged + walk->wrong),
    };
}
