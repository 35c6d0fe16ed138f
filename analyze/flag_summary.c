/* One line of prose: from the posterior's probabilities, or from planted controls. */
#include "analyze/flag_summary.h"

#include "analyze/analysis.h"
#include "analyze/estimated_quality.h"
#include "common/progress.h"

/* How many wrong labels to expect among the suspects, and among all that were not reviewed. */
static void say_expected_count(const struct suspects *suspects)
{
    size_t flagged = suspects->count;
    const struct ranking *ranking = &suspects->ranking;
    size_t samples = ranking->samples;
    struct expected_count found = review_expect(&suspects->review, suspects->keys, suspects->flagged, samples);
    struct expected_count all = review_expect(&suspects->review, suspects->keys, NULL, samples);
    if (suspects->review.decisions > 0)
        progress_line("%zu labels reviewed, %zu of them wrong", suspects->review.decisions, suspects->review.wrong);
    if (review_surprises(&suspects->review))
        progress_line("%zu suspects, of which %.0f (%.0f to %.0f) are expected to have a wrong label; of all %zu "
                      "samples nothing can be said: the review found far %s than was expected, as where mistakes "
                      "follow the image",
                      flagged, found.value, found.low, found.high, ranking->scored,
                      suspects->review.offset > 0 ? "more" : "less");
    else
        progress_line(
            "%zu suspects, of which %.0f (%.0f to %.0f) are expected to have a wrong label, of %.0f (%.0f to "
            "%.0f) among %zu samples",
            flagged, found.value, found.low, found.high, all.value, all.low, all.high, ranking->scored);
}

/* The same as planted controls say, which tells more of the recall; or why they do not. */
static int say_estimate(struct suspects *suspects)
{
    size_t flagged = suspects->count;
    struct analysis *analysis = suspects->analysis;
    struct noise_estimate estimate;
    int status = noise_estimate_of(&estimate, analysis);
    if (status != 0)
        goto end;
    const struct estimated rate = estimate.rate;
    const struct estimated_quality quality =
        estimated_quality_of(&estimate, &analysis->scores.scores[0], suspects->flagged, analysis->run->samples);
    const struct estimated precision = quality.precision, recall = quality.recall;
    switch (estimate.verdict) {
    case NOISE_APPLIES:
        progress_line(
            "%zu suspects: precision %.3f (%.3f to %.3f), recall %.3f (%.3f to %.3f), where %.2f%% (%.2f to "
            "%.2f) of all labels are wrong; estimated from %zu controls, with 95%% intervals",
            flagged, precision.value, precision.low, precision.high, recall.value, recall.low, recall.high,
            100 * rate.value, 100 * rate.low, 100 * rate.high, estimate.control_count);
        break;
    case NOISE_NONE_FOUND:
        progress_line(
            "%zu suspects; the %zu controls find no labels that are wrong at random, at most %.3f%% of all: what "
            "is suspicious is hard, or wrong because of its image, which controls cannot tell apart; look at "
            "some",
            flagged, estimate.control_count, 100 * rate.high);
        break;
    case NOISE_FEW_CONTROLS:
        progress_line(
            "%zu suspects; no estimate: the %zu controls tell as much as %.0f of the pairs of classes that "
            "are confused, and %d are needed; record with more (train --controls)",
            flagged, estimate.control_count, estimate.effective_controls, ESTIMATE_CONTROLS);
        break;
    case NOISE_MISFIT:
        progress_line("%zu suspects; no estimate: controls say that %.2f%% to %.2f%% of all labels are wrong, and "
                      "label-posterior %.2f%%; record more epochs, or review some (flag --budget)",
                      flagged, 100 * rate.low, 100 * rate.high, 100 * estimate.posterior_rate);
    }
end:
    noise_estimate_destroy(&estimate);
    return status;
}

int flag_say_what_to_expect(struct suspects *suspects, const struct suspects_request *request)
{
    const struct analysis *analysis = suspects->analysis;
    if (request->budget == 0 && request->review == NULL && noise_estimate_is_possible(analysis))
        return say_estimate(suspects);
    if (score_is_probability(&analysis->scores.scores[0]))
        say_expected_count(suspects);
    return 0;
}
