/* A score's keys, ranked once for all rules. */
#include "analyze/verdict.h"

#include <stdlib.h>

#include "analyze/analysis.h"
#include "analyze/ranking.h"
#include "common/memory.h"

int verdict_create(struct verdict *out, size_t samples, size_t rules)
{
    *out = (struct verdict){.rules = rules};
    int status = memory_allocate(&out->keys, samples, sizeof *out->keys, "the ranking");
    if (status == 0)
        status = memory_allocate(&out->flagged, rules, sizeof *out->flagged, "suspects");
    for (size_t rule = 0; rule < rules && status == 0; rule++)
        status = memory_allocate(&out->flagged[rule], samples, sizeof **out->flagged, "suspects");
    return status;
}

void verdict_destroy(struct verdict *verdict)
{
    for (size_t rule = 0; rule < verdict->rules && verdict->flagged != NULL; rule++)
        free(verdict->flagged[rule]);
    free(verdict->flagged);
    free(verdict->keys);
}

int verdict_set(struct verdict *verdict, const struct threshold_list *list, struct analysis *analysis,
                const struct score *score)
{
    if (verdict->score == score)
        return 0;
    size_t samples = analysis->run->samples, count;
    struct ranking ranking;
    verdict->score = score;
    score_keys(score, verdict->keys, samples);
    int status = ranking_create(&ranking, verdict->keys, samples);
    for (size_t rule = 0; rule < list->count && status == 0; rule++)
        status = threshold_apply(&list->rules[rule], analysis, score, &ranking, verdict->flagged[rule], &count);
    ranking_destroy(&ranking);
    return status;
}
