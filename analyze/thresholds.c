/* The rules and their table: those on keys, where high is suspicious, and those that ask the log. */
#include "analyze/thresholds.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/confident_suspects.h"
#include "analyze/ctrl.h"
#include "analyze/expected_quality.h"
#include "analyze/key_groups.h"
#include "analyze/threshold_samples.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"

/* What a rule works on. */
struct question {
    const struct threshold *threshold;
    struct analysis *analysis;
    const struct score *score;
    const struct ranking *ranking;
    bool *flagged;
};

struct threshold_row {
    const char *form;           /* for messages */
    const char *before, *after; /* what stands around the number; no number where `after` is NULL */
    bool whole;                 /* the number is */
    double least, most;
    int (*flag)(const struct question *question);
    const char *score; /* the only one that it goes with; NULL: any */

    /* Of a rule that asks the log, and ignores the score; else 0. */
    enum tidylog_detail detail;                                /* the least that feeds it, above TIDYLOG_CLASS */
    enum confident_filter filter;                              /* of flag_confident */
    int (*fill)(float *column, struct analysis *analysis);     /* of flag_in_every_run */
    int (*check)(const char *rule, struct analysis *analysis); /* can the log feed it? NULL: the detail says */
};

/* ---- rules on places ----------------------------------------------------------------------------------- */

/* Not those that were probes in all runs, which have no score and come last. */
static void flag_first(const struct question *q, size_t count)
{
    const struct ranking *ranking = q->ranking;
    for (size_t i = 0; i < count; i++) {
        uint32_t sample = ranking->order[i];
        q->flagged[sample] = i < ranking->scored || !tidylog_is_probe(q->analysis->run, sample);
    }
}

static int flag_share(const struct question *q)
{
    flag_first(q, (size_t)round(q->threshold->number * (double)q->ranking->samples));
    return 0;
}

static int flag_count(const struct question *q)
{
    if (q->threshold->number > (double)q->ranking->samples)
        return tidy_fail_usage("threshold '%s': %s has only %zu samples", q->threshold->text, q->analysis->path,
                               q->ranking->samples);
    flag_first(q, (size_t)q->threshold->number);
    return 0;
}

/* ---- rules on values; a comparison with NaN is false, so the unscored are never flagged ---------------- */

static int flag_value(const struct question *q)
{
    float least = (float)score_from_key(q->score, (float)q->threshold->number);
    for (size_t i = 0; i < q->ranking->samples; i++)
        q->flagged[i] = q->ranking->keys[i] >= least;
    return 0;
}

/* Strictly beyond, as InterpretDL's find_noisy_labels. Infinite keys pass every threshold and set none. */
static int flag_deviation(const struct question *q)
{
    const float *keys = q->ranking->keys;
    double sum = 0, squares = 0, count = 0;
    for (size_t i = 0; i < q->ranking->samples; i++)
        if (isfinite(keys[i])) {
            sum += (double)keys[i];
            count++;
        }
    double mean = sum / count;
    for (size_t i = 0; i < q->ranking->samples; i++)
        if (isfinite(keys[i]))
            squares += ((double)keys[i] - mean) * ((double)keys[i] - mean);
    double threshold = mean + q->threshold->number * sqrt(squares / count);
    if (count == 0)
        threshold = FLT_MAX;
    for (size_t i = 0; i < q->ranking->samples; i++)
        q->flagged[i] = (double)keys[i] > threshold;
    return 0;
}

/* Flags by a predicate of the scaled key; infinite keys are beyond both groups, each on its side. */
static void flag_scaled(const struct question *q, const struct key_scale *scale,
                        bool (*suspicious)(const void *context, double value), const void *context)
{
    for (size_t i = 0; i < q->ranking->samples; i++) {
        double key = (double)q->ranking->keys[i];
        if (isfinite(key))
            q->flagged[i] = scale->width > 0 && suspicious(context, (key - scale->least) / scale->width);
        else
            q->flagged[i] = key > 0;
    }
}

/* Only on the suspicious side of the clean mean: where the suspicious Gaussian is the broader one, it wins
 * again in the far tail on the clean side, where the least suspicious samples of all lie. */
static bool more_likely_suspicious(const void *context, double value)
{
    const struct gaussian_pair *pair = context;
    return value > pair->low.mean && two_groups_is_high(pair, value);
}

static int flag_gaussians(const struct question *q)
{
    struct key_gaussians groups;
    int status = key_gaussians_fit(&groups, q->ranking);
    if (status == 0)
        flag_scaled(q, &groups.scale, more_likely_suspicious, &groups.pair);
    return status;
}

static bool above_split(const void *context, double value)
{
    return two_groups_otsu_bin(value) > *(const size_t *)context;
}

static int flag_otsu(const struct question *q)
{
    struct key_values keys;
    size_t split = 0;
    int status = key_values_create(&keys, q->ranking);
    if (status == 0 && keys.scale.width > 0)
        split = two_groups_otsu(keys.values, keys.count);
    if (status == 0)
        flag_scaled(q, &keys.scale, above_split, &split);
    key_values_destroy(&keys);
    return status;
}

static bool in_beta_mixture(const void *context, double value)
{
    return beta_mixture_suspects(context, value);
}

static int flag_betas(const struct question *q)
{
    struct key_betas groups;
    int status = key_betas_fit(&groups, q->ranking);
    if (status == 0)
        flag_scaled(q, &groups.scale, in_beta_mixture, &groups.mixture);
    return status;
}

static int flag_expected(const struct question *q)
{
    const struct ranking *ranking = q->ranking;
    struct expected_walk walk;
    double best = 0;
    float least = INFINITY;
    if (!threshold_suits(q->threshold, q->score))
        return tidy_fail_usage("threshold '%s' needs probabilities: it goes with --score " PROBABILITY_SCORE
                               ", not %s",
                               q->threshold->text, q->score->name);
    expected_walk_begin(&walk, ranking);
    for (size_t i = 0; i < ranking->scored; i++) {
        const double expected = expected_walk_to(&walk, i + 1).f1;
        if (expected > best) {
            best = expected;
            least = ranking->keys[ranking->order[i]];
        }
    }
    for (size_t i = 0; i < ranking->samples; i++)
        q->flagged[i] = ranking->keys[i] >= least;
    return 0;
}

/* ---- rules that ask the log ------------------------------------------------------------------------------ */

static int flag_confident(const struct question *q)
{
    return confident_suspects_flag(q->flagged, q->analysis, q->threshold->row->filter);
}

/* Flags what is a suspect in every run that judges it, as Pleiss et al.'s code does for the runs in which a
 * sample is no threshold sample. */
static int flag_in_every_run(const struct question *q)
{
    struct analysis *analysis = q->analysis;
    size_t samples = analysis->run->samples;
    float *column = NULL;
    bool *spared = NULL;
    int status = memory_allocate(&column, samples, sizeof *column, "suspects");
    if (status == 0)
        status = memory_allocate(&spared, samples, sizeof *spared, "suspects");
    for (uint32_t run = 0; run < analysis->runs && status == 0; run++) {
        status = analysis_select_run(analysis, run);
        if (status == 0)
            status = q->threshold->row->fill(column, analysis);
        for (size_t i = 0; i < samples && status == 0; i++) {
            spared[i] = spared[i] || column[i] == 0;
            q->flagged[i] = (q->flagged[i] || column[i] == 1) && !spared[i];
        }
    }
    free(spared);
    free(column);
    return status != 0 ? status : analysis_select_run(analysis, 0);
}

/* ---- the table ----------------------------------------------------------------------------------------- */

#define CONFIDENT_RULE(name, of)                                                                                   \
    {                                                                                                              \
        name, name, NULL, .flag = flag_confident, .detail = TIDYLOG_PROBS, .filter = of                            \
    }

static const struct threshold_row rows[] = {
    {"mean+Kstd", "mean+", "std", false, -1e6, 1e6, .flag = flag_deviation},
    {"top:R", "top:", "", false, 0, 1, .flag = flag_share},
    {"count:N", "count:", "", true, 0, UINT32_MAX, .flag = flag_count},
    {"value:X", "value:", "", false, -FLT_MAX, FLT_MAX, .flag = flag_value},
    {"gmm", "gmm", NULL, .flag = flag_gaussians},
    {"bmm", "bmm", NULL, .flag = flag_betas},
    {"otsu", "otsu", NULL, .flag = flag_otsu},
    {"expected-f1", "expected-f1", NULL, .flag = flag_expected, .score = PROBABILITY_SCORE},
    CONFIDENT_RULE("confident-learning", CONFIDENT_LEARNING),
    CONFIDENT_RULE("prune-by-class", PRUNE_BY_CLASS),
    CONFIDENT_RULE("prune-by-noise-rate", PRUNE_BY_NOISE_RATE),
    CONFIDENT_RULE("both", PRUNE_BY_BOTH),
    CONFIDENT_RULE("predicted-neq-given", PREDICTED_NEQ_GIVEN),
    CONFIDENT_RULE("low-self-confidence", LOW_SELF_CONFIDENCE),
    CONFIDENT_RULE("low-normalized-margin", LOW_NORMALIZED_MARGIN),
    {"ctrl", "ctrl", NULL, .flag = flag_in_every_run, .detail = TIDYLOG_MARGIN, .fill = ctrl_replay},
    {"threshold-samples", "threshold-samples", NULL, .flag = flag_in_every_run, .detail = TIDYLOG_MARGIN,
     .fill = threshold_samples_fill, .check = threshold_samples_check},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* Is `text` of this row's form? Then *number and *length are where its number stands. */
static bool matches(const struct threshold_row *row, const char *text, const char **number, size_t *length)
{
    size_t before = strlen(row->before), whole = strlen(text);
    size_t after = row->after == NULL ? 0 : strlen(row->after);
    if (row->after == NULL)
        return strcmp(text, row->before) == 0;
    if (whole < before + after || strncmp(text, row->before, before) != 0 ||
        strcmp(text + whole - after, row->after) != 0)
        return false;
    *number = text + before;
    *length = whole - before - after;
    return true;
}

static int parse_number(struct threshold *out, const char *number, size_t length)
{
    const struct threshold_row *row = out->row;
    char digits[64], what[96];
    if (length >= sizeof digits)
        return tidy_fail_usage("threshold '%.60s...': the number is too long", out->text);
    memcpy(digits, number, length);
    digits[length] = 0;
    snprintf(what, sizeof what, "threshold '%s'", out->text);
    if (!row->whole)
        return options_parse_real(digits, row->least, row->most, what, &out->number);
    uint64_t count = 0;
    int status = options_parse_count(digits, (uint64_t)row->least, (uint64_t)row->most, what, &count);
    out->number = (double)count;
    return status;
}

int threshold_parse(struct threshold *out, const char *text)
{
    const char *forms[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        const char *number = NULL;
        size_t length = 0;
        forms[i] = rows[i].form;
        if (!matches(&rows[i], text, &number, &length))
            continue;
        *out = (struct threshold){.row = &rows[i], .text = text, .score = rows[i].score};
        return rows[i].after == NULL ? 0 : parse_number(out, number, length);
    }
    const char *nearest = options_nearest(text, forms, ROWS);
    if (nearest != NULL)
        return tidy_fail_usage("unknown threshold rule '%s'; did you mean '%s'?", text, nearest);
    return tidy_fail_usage("unknown threshold rule '%s'; 'tidy-analyze flag --help' lists them", text);
}

bool threshold_suits(const struct threshold *threshold, const struct score *score)
{
    return threshold->score == NULL || strcmp(threshold->score, score->name) == 0;
}

bool threshold_ignores_score(const struct threshold *threshold)
{
    return threshold->row->detail > TIDYLOG_CLASS;
}

int threshold_announce(const struct threshold *threshold, struct analysis *analysis)
{
    const struct threshold_row *row = threshold->row;
    enum tidylog_detail recorded = analysis->run->detail;
    if (row->detail > recorded)
        return tidy_fail("%s: threshold '%s' needs --detail %s or more; this log was recorded with --detail %s",
                         analysis->path, row->form, tidylog_detail_names[row->detail],
                         tidylog_detail_names[recorded]);
    if (row->flag == flag_confident)
        analysis->keeps_means = true;
    return row->check == NULL ? 0 : row->check(row->form, analysis);
}

int threshold_apply(const struct threshold *threshold, struct analysis *analysis, const struct score *score,
                    const struct ranking *ranking, bool *flagged, size_t *count)
{
    struct question question = {threshold, analysis, score, ranking, flagged};
    memset(flagged, 0, ranking->samples * sizeof *flagged);
    *count = 0;
    int status = threshold->row->flag(&question);
    for (size_t i = 0; i < ranking->samples && status == 0; i++)
        *count += flagged[i];
    return status;
}
