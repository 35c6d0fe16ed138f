/* Precision, recall and what is made of them. */
#include "analyze/evaluation.h"

#include <math.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"

int truth_check(const struct tidylog_run *run, const char *path)
{
    if (run->truth != NULL)
        return 0;
    return tidy_fail("%s: the true labels are not known, so there is nothing to evaluate against; "
                     "they are where wrong labels were planted (tidy-record train --noise), or given (--truth)",
                     path);
}

int truth_create(struct truth *out, const struct tidylog_run *run, const char *path)
{
    *out = (struct truth){.samples = run->samples};
    int status = truth_check(run, path);
    if (status != 0)
        return status;
    const uint16_t *given = tidylog_given_labels(run);
    status = memory_allocate(&out->mislabelled, run->samples, sizeof *out->mislabelled, "the true labels");
    for (size_t i = 0; i < out->samples && status == 0; i++) {
        out->mislabelled[i] = given[i] != run->truth[i];
        out->count += out->mislabelled[i];
    }
    return status;
}

void truth_destroy(struct truth *truth)
{
    free(truth->mislabelled);
}

struct set_quality set_quality_of(size_t flagged, size_t hits, const struct truth *truth)
{
    /* 0 / 0 is NaN, which is what is meant. */
    return (struct set_quality){
        .flagged = flagged,
        .hits = hits,
        .precision = (double)hits / (double)flagged,
        .recall = (double)hits / (double)truth->count,
        .f1 = 2 * (double)hits / (double)(flagged + truth->count),
    };
}

struct set_quality set_quality_of_flags(const bool *flagged, const struct truth *truth)
{
    size_t count = 0, hits = 0;
    for (size_t i = 0; i < truth->samples; i++) {
        count += flagged[i];
        hits += flagged[i] && truth->mislabelled[i];
    }
    return set_quality_of(count, hits, truth);
}

bool sweep_next(struct sweep *sweep, float *key, struct set_quality *out)
{
    const struct ranking *ranking = sweep->ranking;
    if (sweep->flagged == ranking->scored)
        return false;
    *key = ranking->keys[ranking->order[sweep->flagged]];
    bool known = sweep->truth != NULL;
    for (; sweep->flagged < ranking->scored && ranking->keys[ranking->order[sweep->flagged]] == *key;
         sweep->flagged++)
        sweep->hits += known && sweep->truth->mislabelled[ranking->order[sweep->flagged]];
    *out = known ? set_quality_of(sweep->flagged, sweep->hits, sweep->truth)
                 : (struct set_quality){sweep->flagged, 0, NAN, NAN, NAN};
    return true;
}

/* All three in one walk. Average precision is summed sample by sample; of the pairs of a mislabelled and a clean
 * sample that are in the right order, tie by tie; and the unscored are one tie. */
struct rank_quality rank_quality_of(const struct ranking *ranking, const struct truth *truth)
{
    size_t hits = 0, misses = 0;
    double precisions = 0, pairs = 0, best_f1 = 0;
    for (size_t first = 0, next = 0; first < ranking->samples; first = next) {
        size_t hits_before = hits;
        bool scored = first < ranking->scored;
        float key = ranking->keys[ranking->order[first]];
        for (; scored ? next < ranking->scored && ranking->keys[ranking->order[next]] == key
                      : next < ranking->samples;
             next++)
            if (truth->mislabelled[ranking->order[next]])
                precisions += (double)++hits / (double)(next + 1);
        double new_misses = (double)(next - hits - misses);
        pairs += new_misses * ((double)hits_before + (double)(hits - hits_before) / 2);
        misses = next - hits;
        double f1 = 2 * (double)hits / (double)(next + truth->count);
        if (scored && f1 > best_f1)
            best_f1 = f1;
    }
    return (struct rank_quality){
        .average_precision = precisions / (double)hits,
        .auroc = pairs / ((double)(truth->samples - truth->count) * (double)truth->count),
        .best_f1 = truth->count == 0 ? NAN : best_f1,
    };
}
