/* From the posterior's probabilities, or from planted controls. */
#include "analyze/flag_summary.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyze/analysis.h"
#include "analyze/estimated_quality.h"
#include "common/error.h"

/* How many wrong labels to expect among the suspects, and among all that were not reviewed. */
static void expect(struct flag_summary *summary, const struct suspects *suspects)
{
    size_t samples = suspects->ranking.samples;
    summary->found = review_expect(&suspects->review, suspects->keys, suspects->flagged, samples);
    summary->all = review_expect(&suspects->review, suspects->keys, NULL, samples);
}

static void say_expected(FILE *out, const struct flag_summary *summary, const struct suspects *suspects)
{
    const struct expected_count found = summary->found, all = summary->all;
    const struct review *review = &suspects->review;
    size_t scored = suspects->ranking.scored;
    if (review->decisions > 0)
        fprintf(out, "%zu labels reviewed, %zu of them wrong\n", review->decisions, review->wrong);
    fprintf(out, "%zu suspects, of which %.0f (%.0f to %.0f) are expected to have a wrong label", suspects->count,
            found.value, found.low, found.high);
    if (review_surprises(review))
        fprintf(out,
                "; of all %zu samples nothing can be said: the review found far %s than was expected, as where "
                "mistakes follow the image\n",
                scored, review->offset > 0 ? "more" : "less");
    else
        fprintf(out, ", of %.0f (%.0f to %.0f) among %zu samples\n", all.value, all.low, all.high, scored);
}

/* The same as planted controls say, which tells more of the recall; or why they do not. */
static void say_estimate(FILE *out, const struct flag_summary *summary, const struct noise_estimate *estimate,
                         size_t flagged)
{
    const struct estimated precision = summary->precision, recall = summary->recall, rate = summary->rate;
    switch (summary->verdict) {
    case NOISE_APPLIES:
        fprintf(out,
                "%zu suspects: precision %.3f (%.3f to %.3f), recall %.3f (%.3f to %.3f), where %.2f%% (%.2f to "
                "%.2f) of all labels are wrong; estimated from %zu controls, with 95%% intervals\n",
                flagged, precision.value, precision.low, precision.high, recall.value, recall.low, recall.high,
                100 * rate.value, 100 * rate.low, 100 * rate.high, estimate->control_count);
        break;
    case NOISE_NONE_FOUND:
        fprintf(out,
                "%zu suspects; the %zu controls find no labels that are wrong at random, at most %.3f%% of all: "
                "what is suspicious is hard, or wrong because of its image, which controls cannot tell apart; look "
                "at some\n",
                flagged, estimate->control_count, 100 * rate.high);
        break;
    case NOISE_FEW_CONTROLS:
        fprintf(out,
                "%zu suspects; no estimate: the %zu controls tell as much as %.0f of the pairs of classes that "
                "are confused, and %d are needed; record with more (train --controls)\n",
                flagged, estimate->control_count, estimate->effective_controls, ESTIMATE_CONTROLS);
        break;
    case NOISE_MISFIT:
        fprintf(out,
                "%zu suspects; no estimate: controls say that %.2f%% to %.2f%% of all labels are wrong, and "
                "label-posterior %.2f%%; record more epochs, or review some (flag --budget)\n",
                flagged, 100 * rate.low, 100 * rate.high, 100 * estimate->posterior_rate);
    }
}

static int estimate(FILE *out, struct flag_summary *summary, struct suspects *suspects)
{
    struct analysis *analysis = suspects->analysis;
    struct noise_estimate noise;
    int status = noise_estimate_of(&noise, analysis);
    if (status == 0) {
        const struct estimated_quality quality =
            estimated_quality_of(&noise, &analysis->scores.scores[0], suspects->flagged, analysis->run->samples);
        summary->verdict = noise.verdict;
        summary->precision = quality.precision;
        summary->recall = quality.recall;
        summary->rate = noise.rate;
        summary->control_count = noise.control_count;
        say_estimate(out, summary, &noise, suspects->count);
    }
    noise_estimate_destroy(&noise);
    return status;
}

int flag_summary_create(struct flag_summary *out, struct suspects *suspects, const struct suspects_request *request)
{
    const struct analysis *analysis = suspects->analysis;
    size_t bytes = 0;
    int status = 0;
    *out = (struct flag_summary){0};
    FILE *text = open_memstream(&out->text, &bytes);
    if (text == NULL)
        return tidy_fail_memory("what to expect", 1);
    out->has_expected = score_is_probability(&analysis->scores.scores[0]);
    out->has_estimate = request->budget == 0 && request->review == NULL && noise_estimate_is_possible(analysis);
    if (out->has_expected)
        expect(out, suspects);
    if (out->has_estimate)
        status = estimate(text, out, suspects);
    else if (out->has_expected)
        say_expected(text, out, suspects);
    if (fclose(text) != 0)
        status = tidy_fail_memory("what to expect", bytes);
    return status;
}

void flag_summary_destroy(struct flag_summary *summary)
{
    free(summary->text);
}
