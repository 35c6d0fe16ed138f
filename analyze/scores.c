/* What each score makes of the sums, and the table of all scores. A new score is one function and one row. */
#include "analyze/scores.h"

#include <float.h>
#include <math.h>

#include "common/error.h"
#include "common/options.h"

#define NEEDS(kind) (1u << (kind))

/* ---- reading the sums ---------------------------------------------------------------------------------- */

static double count(const struct score *score, enum accumulator_kind kind, size_t sample)
{
    return ((const uint32_t *)score->sources[kind]->items)[sample];
}

static double mean(const struct score *score, enum accumulator_kind kind, size_t sample)
{
    return ((const double *)score->sources[kind]->items)[sample] / (double)score->epochs;
}

static const struct forgetting *forgetting(const struct score *score, size_t sample)
{
    return (const struct forgetting *)score->sources[COUNT_FORGETTING]->items + sample;
}

static const struct spread *confidences(const struct score *score, size_t sample)
{
    return (const struct spread *)score->sources[SPREAD_CONFIDENCE]->items + sample;
}

/* ---- from the predicted class -------------------------------------------------------------------------- */

static double correctness(const struct score *score, size_t sample)
{
    return count(score, COUNT_CORRECT, sample);
}

static double never_learned(const struct score *score, size_t sample)
{
    return count(score, COUNT_CORRECT, sample) == 0;
}

static double forgetting_events(const struct score *score, size_t sample)
{
    return forgetting(score, sample)->events;
}

/* Toneva et al. 2019 count a sample that was never learned as forgotten in every epoch. */
static double forgetting_events_rank(const struct score *score, size_t sample)
{
    return never_learned(score, sample) != 0 ? (double)score->epochs : forgetting_events(score, sample);
}

static double unforgettable(const struct score *score, size_t sample)
{
    return never_learned(score, sample) == 0 && forgetting(score, sample)->events == 0;
}

static double first_learned(const struct score *score, size_t sample)
{
    return never_learned(score, sample) != 0 ? NAN : count(score, FIRST_CORRECT, sample) - 1;
}

static double presentations_to_learn(const struct score *score, size_t sample)
{
    return count(score, LAST_WRONG, sample);
}

static double mean_correct_epoch(const struct score *score, size_t sample)
{
    double sum = (double)((const uint64_t *)score->sources[SUM_CORRECT_EPOCHS]->items)[sample];
    return sum / count(score, COUNT_CORRECT, sample); /* 0 / 0, NaN, where never learned */
}

static double mean_correct_epoch_or_never(const struct score *score, size_t sample)
{
    return never_learned(score, sample) != 0 ? (double)score->epochs : mean_correct_epoch(score, sample);
}

/* Infinite, so that the never-learned pass every threshold, and so that a rule that takes mean and spread, which
 * are of finite keys, finds the same threshold as for mean-correct-epoch. */
static double mean_correct_epoch_or_never_rank(const struct score *score, size_t sample)
{
    return never_learned(score, sample) != 0 ? INFINITY : mean_correct_epoch(score, sample);
}

uint16_t score_majority_class(const struct accumulator *counts, uint32_t classes, size_t sample)
{
    const uint32_t *of_sample = (const uint32_t *)counts->items + sample * classes;
    uint32_t best = 0;
    for (uint32_t c = 1; c < classes; c++)
        if (of_sample[c] > of_sample[best])
            best = c;
    return (uint16_t)best;
}

static double majority_disagreement(const struct score *score, size_t sample)
{
    const struct accumulator *counts = score->sources[COUNT_CLASSES];
    const uint32_t *of_sample = (const uint32_t *)counts->items + sample * score->classes;
    uint32_t majority = of_sample[score_majority_class(counts, score->classes, sample)];
    return (double)(majority - of_sample[score->labels[sample]]) / (double)score->epochs;
}

/* ---- from the given label's probability and margin ----------------------------------------------------- */

static double confidence(const struct score *score, size_t sample)
{
    return confidences(score, sample)->mean;
}

static double variability(const struct score *score, size_t sample)
{
    return sqrt(confidences(score, sample)->squares / (double)score->epochs);
}

static double threshold_closeness(const struct score *score, size_t sample)
{
    return confidence(score, sample) * (1 - confidence(score, sample));
}

static double mean_loss(const struct score *score, size_t sample)
{
    return mean(score, SUM_LOSS, sample);
}

static double loss_at(const struct score *score, size_t sample)
{
    return (double)((const float *)score->sources[LOSS_AT]->items)[sample];
}

static double loss_ema(const struct score *score, size_t sample)
{
    return ((const double *)score->sources[LOSS_EMA]->items)[sample];
}

static double aum(const struct score *score, size_t sample)
{
    return mean(score, SUM_MARGIN, sample);
}

static double data_iq_aleatoric(const struct score *score, size_t sample)
{
    return mean(score, SUM_ALEATORIC, sample);
}

/* ---- from the whole probability vector; the last three after cleanlab's rank.py ------------------------- */

static double el2n(const struct score *score, size_t sample)
{
    return mean(score, SUM_EL2N, sample);
}

static double mean_probability(const struct score *score, size_t sample, uint32_t class)
{
    return mean(score, SUM_PROBABILITIES, sample * score->classes + class);
}

static double self_confidence(const struct score *score, size_t sample)
{
    return mean_probability(score, sample, score->labels[sample]);
}

static double normalized_margin(const struct score *score, size_t sample)
{
    double largest_other = 0;
    for (uint32_t c = 0; c < score->classes; c++)
        if (c != score->labels[sample])
            largest_other = fmax(largest_other, mean_probability(score, sample, c));
    return (self_confidence(score, sample) - largest_other + 1) / 2;
}

static double confidence_weighted_entropy(const struct score *score, size_t sample)
{
    const double least = 1e-6; /* cleanlab's MIN_ALLOWED */
    double entropy = 0;
    for (uint32_t c = 0; c < score->classes; c++) {
        double p = mean_probability(score, sample, c);
        entropy -= p == 0 ? 0 : p * log(p);
    }
    double weighted = entropy / log(score->classes) / fmax(self_confidence(score, sample), least);
    return log(weighted + 1) / fmax(weighted, least);
}

/* ---- parameters ---------------------------------------------------------------------------------------- */

static int epoch_parameter(const char *text, uint64_t epochs, double *out)
{
    uint64_t last = epochs == 0 ? 0 : epochs - 1, epoch = last;
    int status = text == NULL ? 0 : options_parse_count(text, 0, last, "score 'loss-at:EPOCH'", &epoch);
    *out = (double)epoch;
    return status;
}

static int ema_parameter(const char *text, uint64_t epochs, double *out)
{
    (void)epochs;
    *out = 0.9;
    return text == NULL ? 0 : options_parse_real(text, DBL_MIN, 1, "score 'loss-ema:WEIGHT'", out);
}

/* ---- the table ----------------------------------------------------------------------------------------- */

const struct score_row score_rows[] = {
    {"correctness", TIDYLOG_CLASS, SUSPICIOUS_LOW, NEEDS(COUNT_CORRECT), correctness, NULL, NULL,
     "epochs in which the given label was predicted"},
    {"forgetting-events", TIDYLOG_CLASS, SUSPICIOUS_HIGH, NEEDS(COUNT_FORGETTING) | NEEDS(COUNT_CORRECT),
     forgetting_events, forgetting_events_rank, NULL,
     "times a right prediction was followed by a wrong one; 0 where never learned, which is ranked first"},
    {"never-learned", TIDYLOG_CLASS, SUSPICIOUS_HIGH, NEEDS(COUNT_CORRECT), never_learned, NULL, NULL,
     "1 where the given label was never predicted, else 0"},
    {"unforgettable", TIDYLOG_CLASS, SUSPICIOUS_LOW, NEEDS(COUNT_FORGETTING) | NEEDS(COUNT_CORRECT), unforgettable,
     NULL, NULL, "1 where learned and never forgotten, else 0"},
    {"first-learned", TIDYLOG_CLASS, SUSPICIOUS_HIGH, NEEDS(FIRST_CORRECT) | NEEDS(COUNT_CORRECT), first_learned,
     NULL, NULL, "first epoch, from 0, in which the given label was predicted; nan where never"},
    {"presentations-to-learn", TIDYLOG_CLASS, SUSPICIOUS_HIGH, NEEDS(LAST_WRONG), presentations_to_learn, NULL,
     NULL, "epochs up to and including the last wrong prediction; 0 where never wrong"},
    {"mean-correct-epoch", TIDYLOG_CLASS, SUSPICIOUS_HIGH, NEEDS(SUM_CORRECT_EPOCHS) | NEEDS(COUNT_CORRECT),
     mean_correct_epoch, NULL, NULL, "mean of the epochs, from 0, with a right prediction; nan where never"},
    {"mean-correct-epoch-or-never", TIDYLOG_CLASS, SUSPICIOUS_HIGH,
     NEEDS(SUM_CORRECT_EPOCHS) | NEEDS(COUNT_CORRECT), mean_correct_epoch_or_never,
     mean_correct_epoch_or_never_rank, NULL,
     "the same, with the never-learned first: the number of epochs, and past every threshold"},
    {"majority-disagreement", TIDYLOG_CLASS, SUSPICIOUS_HIGH, NEEDS(COUNT_CLASSES), majority_disagreement, NULL,
     NULL, "share of epochs by which the most predicted class leads over the given label"},

    {"confidence", TIDYLOG_MARGIN, SUSPICIOUS_LOW, NEEDS(SPREAD_CONFIDENCE), confidence, NULL, NULL,
     "mean probability of the given label"},
    {"variability", TIDYLOG_MARGIN, SUSPICIOUS_LOW, NEEDS(SPREAD_CONFIDENCE), variability, NULL, NULL,
     "standard deviation of the given label's probability"},
    {"threshold-closeness", TIDYLOG_MARGIN, SUSPICIOUS_LOW, NEEDS(SPREAD_CONFIDENCE), threshold_closeness, NULL,
     NULL, "confidence (1 - confidence)"},
    {"mean-loss", TIDYLOG_MARGIN, SUSPICIOUS_HIGH, NEEDS(SUM_LOSS), mean_loss, NULL, NULL,
     "mean of -log of the given label's probability"},
    {"loss-at", TIDYLOG_MARGIN, SUSPICIOUS_HIGH, NEEDS(LOSS_AT), loss_at, NULL, epoch_parameter,
     "the loss in one epoch: loss-at:EPOCH, from 0; the last where not given"},
    {"loss-ema", TIDYLOG_MARGIN, SUSPICIOUS_HIGH, NEEDS(LOSS_EMA), loss_ema, NULL, ema_parameter,
     "running mean of the loss: loss-ema:WEIGHT of the newest; 0.9 where not given"},
    {"aum", TIDYLOG_MARGIN, SUSPICIOUS_LOW, NEEDS(SUM_MARGIN), aum, NULL, NULL,
     "area under the margin: mean of the given label's logit minus the largest other"},
    {"data-iq-aleatoric", TIDYLOG_MARGIN, SUSPICIOUS_LOW, NEEDS(SUM_ALEATORIC), data_iq_aleatoric, NULL, NULL,
     "mean of q (1 - q), q the given label's probability"},

    {"el2n", TIDYLOG_PROBS, SUSPICIOUS_HIGH, NEEDS(SUM_EL2N), el2n, NULL, NULL,
     "mean length of the error vector, probabilities minus one-hot label"},
    {"self-confidence", TIDYLOG_PROBS, SUSPICIOUS_LOW, NEEDS(SUM_PROBABILITIES), self_confidence, NULL, NULL,
     "cleanlab's quality: the given label's entry of the mean probabilities"},
    {"normalized-margin", TIDYLOG_PROBS, SUSPICIOUS_LOW, NEEDS(SUM_PROBABILITIES), normalized_margin, NULL, NULL,
     "cleanlab's quality: that entry minus the largest other, scaled to 0..1"},
    {"confidence-weighted-entropy", TIDYLOG_PROBS, SUSPICIOUS_LOW, NEEDS(SUM_PROBABILITIES),
     confidence_weighted_entropy, NULL, NULL,
     "cleanlab's quality: from the entropy over that entry, scaled to 0..1"},
};
const size_t score_row_count = sizeof score_rows / sizeof *score_rows;
