/* From a score and a rule, or a budget, to flags. */
#include "analyze/suspects.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/automatic.h"
#include "analyze/sample_list.h"
#include "common/error.h"
#include "common/memory.h"

/* Chooses what was not asked for. */
static int choose(struct suspects *suspects, const struct suspects_request *request)
{
    suspects->score = request->score;
    suspects->rule = request->rule != NULL ? request->rule : "auto";
    if (request->budget > 0)
        suspects->rule = NULL;
    int status =
        suspects->rule != NULL ? automatic_resolve(&suspects->score, &suspects->rule, suspects->analysis) : 0;
    if (status == 0 && suspects->score == NULL)
        suspects->score = DEFAULT_SCORE;
    if (status == 0 && request->budget > 0 && strcmp(suspects->score, PROBABILITY_SCORE) != 0)
        return tidy_fail_usage("--budget ranks by %s, which says how much a review finds: leave --score %s out",
                               PROBABILITY_SCORE, suspects->score);
    if (status == 0 && request->review != NULL && strcmp(suspects->score, PROBABILITY_SCORE) != 0)
        return tidy_fail_usage("--review updates %s: leave --score %s out", PROBABILITY_SCORE, suspects->score);
    return status;
}

/* Updates the keys by what was reviewed. */
static int apply_review(struct suspects *suspects, const char *path)
{
    const struct tidylog_run *run = suspects->analysis->run;
    struct sample_list decisions = {0};
    int status = sample_list_open_labels(&decisions, path, run);
    if (status == 0)
        status = review_apply(&suspects->review, suspects->keys, suspects->analysis->given, suspects->suggestions,
                              run->samples, &decisions, path);
    sample_list_destroy(&decisions);
    return status;
}

/* The samples whose review finds most wrong labels are those whose labels are most probably wrong. */
static void flag_budget(struct suspects *suspects, uint64_t budget)
{
    const struct ranking *ranking = &suspects->ranking;
    suspects->count = budget < ranking->scored ? (size_t)budget : ranking->scored;
    for (size_t i = 0; i < suspects->count; i++)
        suspects->flagged[ranking->order[i]] = true;
}

/* Replays, ranks by what was reviewed, and flags. `threshold` is NULL with a budget. */
static int find(struct suspects *suspects, const struct suspects_request *request,
                const struct threshold *threshold)
{
    struct analysis *analysis = suspects->analysis;
    size_t samples = analysis->run->samples;
    int status = analysis_choose_one(analysis, suspects->score);
    if (status == 0 && threshold != NULL)
        status = threshold_announce(threshold, analysis);
    if (status != 0)
        return status;
    suggestions_announce(analysis);
    status = analysis_replay(analysis, NULL);
    if (status == 0)
        status = memory_allocate(&suspects->keys, samples, sizeof *suspects->keys, "the ranking");
    if (status == 0)
        status = memory_allocate(&suspects->flagged, samples, sizeof *suspects->flagged, "suspects");
    if (status == 0)
        status = suggestions_create(&suspects->suggestions, analysis);
    if (status == 0)
        score_keys(&analysis->scores.scores[0], suspects->keys, samples);
    if (status == 0 && request->review != NULL)
        status = apply_review(suspects, request->review);
    if (status == 0)
        status = ranking_create(&suspects->ranking, suspects->keys, samples);
    if (status == 0 && threshold != NULL)
        status = threshold_apply(threshold, analysis, &analysis->scores.scores[0], &suspects->ranking,
                                 suspects->flagged, &suspects->count);
    else if (status == 0)
        flag_budget(suspects, request->budget);
    return status;
}

int suspects_find(struct suspects *out, struct analysis *analysis, const struct suspects_request *request)
{
    struct threshold threshold;
    *out = (struct suspects){.analysis = analysis, .review = review_none()};
    int status = choose(out, request);
    if (status == 0 && out->rule != NULL)
        status = threshold_parse(&threshold, out->rule);
    return status != 0 ? status : find(out, request, out->rule != NULL ? &threshold : NULL);
}

void suspects_destroy(struct suspects *suspects)
{
    free(suspects->flagged);
    ranking_destroy(&suspects->ranking);
    review_destroy(&suspects->review);
    free(suspects->suggestions);
    free(suspects->keys);
}

double suspects_value(const struct suspects *suspects, size_t sample)
{
    if (suspects->review.decisions > 0)
        return (double)suspects->keys[sample];
    return score_value(&suspects->analysis->scores.scores[0], sample);
}
