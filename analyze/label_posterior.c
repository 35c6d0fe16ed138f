/* Rounds of: taking the noise out of the means, a temperature, class weights, and the rate of the noise. */
#include "analyze/label_posterior.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "analyze/posterior_rows.h"
#include "common/memory.h"
#include "common/parallel.h"

enum {
    ROUNDS = 8,
    WEIGHT_ROUNDS = 3,
    TEMPERATURE_PASSES = 30,
    TEMPERATURE_SAMPLES = 20000, /* that the temperature is fitted to, at most */
    JUDGE_SHARES = 64
};
static const double coldest = 0.25, hottest = 8, temperature_error = 1e-4,
                    flat = 1e-6; /* a slope per sample that rounding makes where labels say nothing */
static const char what[] = "posteriors of labels";

struct estimate {
    const struct rebuilt_means *means;
    struct label_posterior *out;
    struct parallel *parallel;
    struct posterior_rows rows;
    struct row_totals totals;
    size_t fitted; /* samples that the temperature is fitted to */
};

/* The temperature at which the given labels are least surprising, by Newton's method from the one before; by bisection
 * where that leads out of where the least is known to lie. */
static double fit_temperature(struct estimate *e)
{
    double low = coldest, high = hottest, at = e->out->temperature, step = high - low;
    for (int pass = 0; pass < TEMPERATURE_PASSES && fabs(step) > temperature_error; pass++) {
        const struct surprise_slopes slopes = posterior_rows_slopes(&e->rows, e->out->class_weights, at);
        if (fabs(slopes.first) <= flat * (double)e->fitted)
            break;
        *(slopes.first > 0 ? &high : &low) = at;
        double next = slopes.second > 0 ? at - slopes.first / slopes.second : NAN;
        if (!(next >= low && next <= high))
            next = (low + high) / 2;
        step = next - at;
        at = next;
    }
    return at;
}

/* One round of expectation-maximisation of the classes' frequencies. */
static void fit_weights(struct estimate *e)
{
    const double least = 1e-9; /* a class that nothing speaks for keeps a weight */
    posterior_rows_sum(&e->totals, &e->rows, e->out->class_weights);
    for (uint32_t c = 0; c < e->means->classes; c++) {
        double before = e->totals.sums[c].before + e->totals.rest.before;
        double after = e->totals.sums[c].after + e->totals.rest.after, *weight = &e->out->class_weights[c];
        if (before > 0)
            *weight = fmax(*weight * after / before, least);
    }
}

/* Samples of a true class. */
static double expect_class(const struct estimate *e, uint32_t class)
{
    return e->out->class_weights[class] * (e->totals.sums[class].after + e->totals.rest.after);
}

/* The rate of pairs that do not stand out: their expected wrong labels over the chances for one. */
static void fit_other(struct estimate *e)
{
    struct noise_transition *transition = &e->out->transition;
    double chances = 0;
    posterior_rows_sum(&e->totals, &e->rows, e->out->class_weights);
    for (uint32_t c = 0; c < e->means->classes; c++)
        chances += expect_class(e, c) * (transition->classes - 1 - transition->pairs_of[c]);
    if (chances > 0)
        noise_transition_set_other(transition, e->totals.wrong / chances);
}

/* One round, but for the rate. */
static void fit(struct estimate *e)
{
    posterior_rows_begin(&e->rows, e->out->class_weights);
    e->out->temperature = fit_temperature(e);
    posterior_rows_raise(&e->rows, e->out->temperature);
    for (int round = 0; round < WEIGHT_ROUNDS; round++)
        fit_weights(e);
}

/* ---- each sample ------------------------------------------------------------------------------------------ */

static void judge(const struct estimate *e, const struct row_block *block, size_t lane)
{
    struct label_posterior *out = e->out;
    size_t sample = block->samples[lane], given = (size_t)block->given[lane];
    struct suggestion *suggestion = &out->suggestions[sample];
    struct row_joint joint;
    double parts[ROW], all = 0, wrong = 0, odds = 0;
    posterior_rows_join(&joint, &e->rows, out->class_weights, block, lane);
    for (size_t k = 0; k < ROW; k++)
        all += parts[k] = joint.weights[k] * (double)block->row[k][lane] * joint.chances[k];
    for (size_t k = 0; k < ROW; k++) {
        float posterior = (float)(parts[k] / all);
        if (k == given)
            continue;
        wrong += (double)posterior;
        odds += parts[k];
        if (k == REST || e->rows.many[k] == 0 || !block->counts[lane])
            continue;
        uint16_t class = block->classes[k][lane];
        if (isnan(suggestion->probability) || posterior > suggestion->probability ||
            (posterior == suggestion->probability && class < suggestion->label))
            *suggestion = (struct suggestion){class, posterior};
    }
    out->wrong[sample] = (float)fmin(wrong, 1);
    out->log_odds[sample] = (float)(log(odds) - log(parts[given]));
}

static void judge_share(void *context, size_t share, unsigned thread)
{
    const struct estimate *e = context;
    size_t first = e->rows.count * share / JUDGE_SHARES, end = e->rows.count * (share + 1) / JUDGE_SHARES;
    (void)thread;
    for (size_t b = first; b < end; b++)
        for (size_t lane = 0; lane < e->rows.blocks[b].filled; lane++)
            judge(e, &e->rows.blocks[b], lane);
}

int label_posterior_create(struct label_posterior *out, struct rebuilt_means *means)
{
    struct estimate e = {.means = means, .out = out};
    const uint16_t *unchanged = means->unchanged != NULL ? means->unchanged : means->given;
    *out = (struct label_posterior){.samples = means->samples, .temperature = 1};
    rebuilt_means_discount(means);
    int status = noise_transition_create(&out->transition, means);
    if (status == 0)
        status = memory_allocate(&out->wrong, means->samples, sizeof *out->wrong, what);
    if (status == 0)
        status = memory_allocate(&out->log_odds, means->samples, sizeof *out->log_odds, what);
    if (status == 0)
        status = memory_allocate(&out->suggestions, means->samples, sizeof *out->suggestions, what);
    if (status == 0)
        status = memory_allocate(&out->class_weights, means->classes, sizeof *out->class_weights, what);
    if (status == 0)
        status = memory_allocate(&out->true_counts, means->classes, sizeof *out->true_counts, what);
    if (status == 0)
        status = memory_allocate(&e.totals.sums, means->classes, sizeof *e.totals.sums, what);
    if (status == 0)
        status = parallel_create(&e.parallel, ROW_SHARES);
    if (status != 0)
        goto end;
    for (uint32_t c = 0; c < means->classes; c++)
        out->class_weights[c] = 1;
    for (size_t i = 0; i < means->samples; i++) {
        out->wrong[i] = out->log_odds[i] = NAN;
        out->suggestions[i] = (struct suggestion){unchanged[i], NAN};
        out->judged += rebuilt_means_counts(means, i);
    }
    size_t stride = (out->judged + TEMPERATURE_SAMPLES - 1) / TEMPERATURE_SAMPLES;
    e.fitted = stride > 0 ? (out->judged + stride - 1) / stride : 0;
    status = posterior_rows_create(&e.rows, means, &out->transition, stride, e.parallel);
    if (status != 0)
        goto end;
    for (int round = 0; round < ROUNDS; round++) {
        fit(&e);
        fit_other(&e);
    }
    fit(&e);
    posterior_rows_sum(&e.totals, &e.rows, out->class_weights);
    for (uint32_t c = 0; c < means->classes; c++)
        out->true_counts[c] = expect_class(&e, c);
    parallel_run(e.parallel, JUDGE_SHARES, judge_share, &e);
    for (size_t i = 0; i < means->samples; i++)
        if (rebuilt_means_counts(means, i))
            out->expected_wrong += (double)out->wrong[i];
end:
    posterior_rows_destroy(&e.rows);
    parallel_destroy(e.parallel);
    free(e.totals.sums);
    return status;
}

void label_posterior_destroy(struct label_posterior *posterior)
{
    free(posterior->true_counts);
    free(posterior->class_weights);
    free(posterior->suggestions);
    free(posterior->log_odds);
    free(posterior->wrong);
    noise_transition_destroy(&posterior->transition);
}
