/* What each score makes of a sample's dynamics or class sums, and the table of all scores. A new score is one
 * function and one row. */
#include "analyze/scores.h"

#include <float.h>
#include <math.h>

#include "analyze/confident_suspects.h"
#include "analyze/ctrl.h"
#include "analyze/label_posterior_score.h"
#include "common/error.h"
#include "common/options.h"

static const struct dynamics *of(const struct score *score, size_t sample)
{
    return &score->sources->dynamics.samples[sample];
}

/* ---- from the predicted class -------------------------------------------------------------------------- */

static double correctness(const struct score *score, size_t sample)
{
    return (double)of(score, sample)->correct;
}

static double never_learned(const struct score *score, size_t sample)
{
    return of(score, sample)->correct == 0;
}

static double forgetting_events(const struct score *score, size_t sample)
{
    return (double)of(score, sample)->forgetting_events;
}

/* Toneva et al. 2019 count a sample that was never learned as forgotten in every epoch. */
static double forgetting_events_rank(const struct score *score, size_t sample)
{
    const struct window *window = &score->sources->window;
    return never_learned(score, sample) != 0 ? (double)(window->end - window->first)
                                             : forgetting_events(score, sample);
}

static double unforgettable(const struct score *score, size_t sample)
{
    return never_learned(score, sample) == 0 && of(score, sample)->forgetting_events == 0;
}

static double first_learned(const struct score *score, size_t sample)
{
    return never_learned(score, sample) != 0 ? NAN : (double)of(score, sample)->first_correct - 1;
}

static double presentations_to_learn(const struct score *score, size_t sample)
{
    uint64_t last_wrong = of(score, sample)->last_wrong;
    return last_wrong == 0 ? 0 : (double)(last_wrong - score->sources->window.first);
}

static double mean_correct_epoch(const struct score *score, size_t sample)
{
    /* 0 / 0, NaN, where never learned. */
    return (double)of(score, sample)->correct_epochs / (double)of(score, sample)->correct;
}

static double mean_correct_epoch_or_never(const struct score *score, size_t sample)
{
    return never_learned(score, sample) != 0 ? (double)score->sources->window.end
                                             : mean_correct_epoch(score, sample);
}

/* Infinite, so that the never-learned pass every threshold, and so that a rule that takes mean and spread, which
 * are of finite keys, finds the same threshold as for mean-correct-epoch. */
static double mean_correct_epoch_or_never_rank(const struct score *score, size_t sample)
{
    return never_learned(score, sample) != 0 ? INFINITY : mean_correct_epoch(score, sample);
}

static double majority_disagreement(const struct score *score, size_t sample, const struct class_count *counts,
                                    size_t count)
{
    uint32_t presentations = 0, majority = 0, given = 0;
    for (size_t i = 0; i < count; i++) {
        presentations += counts[i].count;
        majority = counts[i].count > majority ? counts[i].count : majority;
        if (counts[i].class == score->sources->given[sample])
            given = counts[i].count;
    }
    return (double)(majority - given) / (double)presentations;
}

/* The epoch of the second phase, counted from 1, from which on the sample is wrong: the one after the last in which
 * it was right. Maini et al. 2022 call that its second-split forgetting time. */
static double second_split_forgetting(const struct score *score, size_t sample)
{
    const struct score_sources *sources = score->sources;
    uint64_t start = sources->second_split, first = sources->window.first > start ? sources->window.first : start;
    bool in_first_split = sources->parts == NULL || sources->parts[sample] == TIDYLOG_FIRST_SPLIT;
    if (start == 0 || !in_first_split || first >= sources->window.end)
        return NAN;
    uint64_t last_correct = of(score, sample)->last_evaluated_correct;
    return (double)((last_correct > first ? last_correct : first) - start + 1);
}

/* ---- from the given label's probability and margin ----------------------------------------------------- */

static double mean(double sum, const struct score *score, size_t sample)
{
    return sum / (double)of(score, sample)->presentations;
}

static double confidence(const struct score *score, size_t sample)
{
    return of(score, sample)->confidence_mean;
}

static double variability(const struct score *score, size_t sample)
{
    return sqrt(mean(of(score, sample)->confidence_deviations, score, sample));
}

static double threshold_closeness(const struct score *score, size_t sample)
{
    return confidence(score, sample) * (1 - confidence(score, sample));
}

static double mean_loss(const struct score *score, size_t sample)
{
    return mean(of(score, sample)->loss_sum, score, sample);
}

static double loss_at(const struct score *score, size_t sample)
{
    return (double)dynamics_loss_at(of(score, sample));
}

static double loss_ema(const struct score *score, size_t sample)
{
    return (double)of(score, sample)->loss_average;
}

static double aum(const struct score *score, size_t sample)
{
    return mean(of(score, sample)->margin_sum, score, sample);
}

/* The mean of q (1 - q) is c (1 - c) less the variance of q, c being the mean of q. Not below 0, whatever rounding
 * does; NaN stays. */
static double data_iq_aleatoric(const struct score *score, size_t sample)
{
    double value =
        threshold_closeness(score, sample) - mean(of(score, sample)->confidence_deviations, score, sample);
    return value < 0 ? 0 : value;
}

/* ---- from the whole probability vector; the last three after cleanlab's rank.py ------------------------- */

static double el2n(const struct score *score, const struct class_means *means)
{
    (void)score;
    return means->el2n;
}

static double self_confidence(const struct score *score, const struct class_means *means)
{
    return means->probabilities[score->sources->given[means->sample]];
}

static double normalized_margin(const struct score *score, const struct class_means *means)
{
    double largest_other = 0;
    for (uint32_t c = 0; c < score->sources->classes; c++)
        if (c != score->sources->given[means->sample])
            largest_other = fmax(largest_other, means->probabilities[c]);
    return (self_confidence(score, means) - largest_other + 1) / 2;
}

static double confidence_weighted_entropy(const struct score *score, const struct class_means *means)
{
    const double least = 1e-6; /* cleanlab's MIN_ALLOWED */
    double entropy = 0;
    for (uint32_t c = 0; c < score->sources->classes; c++) {
        double p = means->probabilities[c];
        entropy -= p == 0 ? 0 : p * log(p);
    }
    double weighted = entropy / log(score->sources->classes) / fmax(self_confidence(score, means), least);
    return log(weighted + 1) / fmax(weighted, least);
}

/* ---- parameters ---------------------------------------------------------------------------------------- */

static int epoch_parameter(const char *text, struct window window, double *out)
{
    *out = NAN;
    if (text == NULL)
        return 0;
    uint64_t epoch = 0;
    int status = options_parse_count(text, window.first, window.end - 1, "score 'loss-at:EPOCH'", &epoch);
    *out = (double)epoch;
    return status;
}

static uint64_t epoch_of(const struct score *score)
{
    return isnan(score->parameter) ? score->sources->window.end - 1 : (uint64_t)score->parameter;
}

static void keep_loss_at(const struct score *score, struct dynamics_set *dynamics)
{
    dynamics->loss_epoch = epoch_of(score);
}

static float observe_loss_at(const struct score *score, float item, uint64_t epoch, float loss)
{
    return epoch == epoch_of(score) ? loss : item;
}

static int ema_parameter(const char *text, struct window window, double *out)
{
    (void)window;
    *out = 0.9;
    return text == NULL ? 0 : options_parse_real(text, DBL_MIN, 1, "score 'loss-ema:WEIGHT'", out);
}

static void keep_loss_ema(const struct score *score, struct dynamics_set *dynamics)
{
    dynamics->loss_weight = score->parameter;
}

static float observe_loss_ema(const struct score *score, float item, uint64_t epoch, float loss)
{
    (void)epoch;
    return item < 0 ? loss : (float)((1 - score->parameter) * (double)item + score->parameter * (double)loss);
}

/* ---- the table ----------------------------------------------------------------------------------------- */

const struct score_row score_rows[] = {
    {"correctness", TIDYLOG_CLASS, SUSPICIOUS_LOW, .value = correctness,
     .summary = "presentations in which the given label was predicted"},
    {"forgetting-events", TIDYLOG_CLASS, SUSPICIOUS_HIGH, .value = forgetting_events,
     .rank = forgetting_events_rank,
     .summary =
         "times a right prediction was followed by a wrong one; 0 where never learned, which is ranked first"},
    {"never-learned", TIDYLOG_CLASS, SUSPICIOUS_HIGH, .value = never_learned,
     .summary = "1 where the given label was never predicted, else 0"},
    {"unforgettable", TIDYLOG_CLASS, SUSPICIOUS_LOW, .value = unforgettable,
     .summary = "1 where learned and never forgotten, else 0"},
    {"first-learned", TIDYLOG_CLASS, SUSPICIOUS_HIGH, .value = first_learned,
     .summary = "first epoch, from 0, in which the given label was predicted; nan where never"},
    {"presentations-to-learn", TIDYLOG_CLASS, SUSPICIOUS_HIGH, .value = presentations_to_learn,
     .summary = "epochs up to and including the last wrong prediction; 0 where never wrong"},
    {"mean-correct-epoch", TIDYLOG_CLASS, SUSPICIOUS_HIGH, .value = mean_correct_epoch,
     .summary = "mean of the epochs, from 0, with a right prediction; nan where never"},
    {"mean-correct-epoch-or-never", TIDYLOG_CLASS, SUSPICIOUS_HIGH, .value = mean_correct_epoch_or_never,
     .rank = mean_correct_epoch_or_never_rank,
     .summary = "the same, with the never-learned first: the epoch after the last, and past every threshold"},
    {"majority-disagreement", TIDYLOG_CLASS, SUSPICIOUS_HIGH, .value_of_counts = majority_disagreement,
     .summary = "share of presentations by which the most predicted class leads over the given label"},
    {"second-split-forgetting", TIDYLOG_CLASS, SUSPICIOUS_LOW, .value = second_split_forgetting,
     .of_second_split = true,
     .summary = "epoch of the second phase, from 1, from which on a sample of the first split is wrong"},

    {"confidence", TIDYLOG_MARGIN, SUSPICIOUS_LOW, .value = confidence,
     .summary = "mean probability of the given label"},
    {"variability", TIDYLOG_MARGIN, SUSPICIOUS_LOW, .value = variability,
     .summary = "standard deviation of the given label's probability"},
    {"threshold-closeness", TIDYLOG_MARGIN, SUSPICIOUS_LOW, .value = threshold_closeness,
     .summary = "confidence (1 - confidence)"},
    {"mean-loss", TIDYLOG_MARGIN, SUSPICIOUS_HIGH, .value = mean_loss,
     .summary = "mean of -log of the given label's probability"},
    {"loss-at", TIDYLOG_MARGIN, SUSPICIOUS_HIGH, .value = loss_at, .parameter = epoch_parameter,
     .keep = keep_loss_at, .observe = observe_loss_at,
     .summary = "the loss in one epoch: loss-at:EPOCH, from 0; the last where not given"},
    {"loss-ema", TIDYLOG_MARGIN, SUSPICIOUS_HIGH, .value = loss_ema, .parameter = ema_parameter,
     .keep = keep_loss_ema, .observe = observe_loss_ema,
     .summary = "running mean of the loss: loss-ema:WEIGHT of the newest; 0.9 where not given"},
    {"aum", TIDYLOG_MARGIN, SUSPICIOUS_LOW, .value = aum,
     .summary = "area under the margin: mean of the given label's logit minus the largest other"},
    {"data-iq-aleatoric", TIDYLOG_MARGIN, SUSPICIOUS_LOW, .value = data_iq_aleatoric,
     .summary = "mean of q (1 - q), q the given label's probability"},
    {"ctrl", TIDYLOG_MARGIN, SUSPICIOUS_HIGH, .fill = ctrl_fill, .ahead = ctrl_ahead, .forget = ctrl_forget,
     .summary = "1 in the cluster of its class whose losses stay high, else 0"},
    {PROBABILITY_SCORE, TIDYLOG_MARGIN, SUSPICIOUS_HIGH, .fill = label_posterior_fill,
     .ahead = label_posterior_ahead, .forget = label_posterior_forget,
     .summary = "probability that the given label is wrong, under an estimated transition of the noise"},

    {"el2n", TIDYLOG_PROBS, SUSPICIOUS_HIGH, .value_of_means = el2n,
     .summary = "mean length of the error vector, probabilities minus one-hot label"},
    {"self-confidence", TIDYLOG_PROBS, SUSPICIOUS_LOW, .value_of_means = self_confidence,
     .summary = "cleanlab's quality: the given label's entry of the mean probabilities"},
    {"normalized-margin", TIDYLOG_PROBS, SUSPICIOUS_LOW, .value_of_means = normalized_margin,
     .summary = "cleanlab's quality: that entry minus the largest other, scaled to 0..1"},
    {"confidence-weighted-entropy", TIDYLOG_PROBS, SUSPICIOUS_LOW, .value_of_means = confidence_weighted_entropy,
     .summary = "cleanlab's quality: from the entropy over that entry, scaled to 0..1"},
    {"confident-learning", TIDYLOG_PROBS, SUSPICIOUS_HIGH, .fill = confident_suspects_fill,
     .summary = "1 where confident learning takes the label for wrong, else 0"},
};
const size_t score_row_count = sizeof score_rows / sizeof *score_rows;
