/* Rounds of: taking the noise out of the means, a temperature, class weights, and the rate of the noise. A
 * sample is a short row: its named classes, its given label, and one place for all other classes, which are
 * taken for classes that no pair stands out with. */
#include "analyze/label_posterior.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "common/memory.h"

enum {
    GIVEN = NAMED_CLASSES, /* the row's place of the given label */
    REST,                  /* that of each class without a place of its own */
    ROW,
    ROUNDS = 8,
    UNMIXING_ROUNDS = 10,
    WEIGHT_ROUNDS = 3,
    TEMPERATURE_STEPS = 12,
    TEMPERATURE_SAMPLES = 20000, /* that the temperature is fitted to, at most */
    UNPLACED = UINT8_MAX
};
static const double coldest = 0.25, hottest = 8, least_of_even_share = 0.01;
static const char what[] = "posteriors of labels";

struct estimate {
    const struct rebuilt_means *means;
    struct label_posterior *out;
    float (*rows)
        [ROW];   /* [samples] log-probabilities without the noise, then their powers; of unused places -inf, 0 */
    double rest; /* classes that share the place REST */
    double weights_sum;
    size_t stride;          /* from one sample that the temperature is fitted to to the next */
    uint8_t *places;        /* [classes] of the sample in hand */
    struct class_sum *sums; /* [classes] */
};

/* ---- rows ------------------------------------------------------------------------------------------------ */

static uint16_t class_at(const struct estimate *e, size_t sample, size_t place)
{
    return place == GIVEN ? e->means->given[sample] : e->means->means[sample].named[place];
}

/* Has the place a class of its own? Free ones hold the given label. */
static bool is_used(const struct estimate *e, size_t sample, size_t place)
{
    return place == GIVEN || e->means->means[sample].named[place] != e->means->given[sample];
}

static bool names(const struct rebuilt_mean *mean, uint32_t class)
{
    for (size_t k = 0; k < NAMED_CLASSES; k++)
        if (mean->named[k] == class)
            return true;
    return false;
}

/* Fills free places: with true classes that are often given this label, then with any. */
static void complete_names(struct rebuilt_mean *mean, uint16_t given, const struct noise_transition *transition)
{
    size_t pair = transition->starts[given], end = transition->starts[given + 1];
    uint32_t class = 0;
    for (size_t k = 0; k < NAMED_CLASSES; k++) {
        if (mean->named[k] != given)
            continue;
        while (pair < end && names(mean, transition->pairs[pair].true_class))
            pair++;
        while (class < transition->classes && (class == given || names(mean, class)))
            class ++;
        if (pair < end)
            mean->named[k] = transition->pairs[pair].true_class;
        else if (class < transition->classes)
            mean->named[k] = (uint16_t) class;
    }
}

/* A pair that stands out between two places of a row. */
struct placed_pair {
    uint8_t from, to;
    float above; /* what its probability is above that of the others */
};

/* Lists them; `out` has room for one from each place to each. */
static size_t place_pairs(struct placed_pair *out, struct estimate *e, size_t sample)
{
    const struct noise_transition *transition = &e->out->transition;
    size_t count = 0;
    if (transition->count == 0)
        return 0;
    for (uint8_t k = 0; k < REST; k++)
        if (is_used(e, sample, k))
            e->places[class_at(e, sample, k)] = k;
    for (uint8_t k = 0; k < REST; k++) {
        uint16_t class = class_at(e, sample, k);
        for (size_t p = transition->starts[class]; p < transition->starts[class + 1] && is_used(e, sample, k);
             p++) {
            const struct noise_pair *pair = &transition->pairs[p];
            uint8_t from = e->places[pair->true_class];
            if (from != UNPLACED)
                out[count++] = (struct placed_pair){from, k, (float)(pair->probability - transition->other)};
        }
    }
    for (size_t k = 0; k < REST; k++)
        e->places[class_at(e, sample, k)] = UNPLACED;
    return count;
}

/* Rounds of expectation-maximisation on row[ROW], so that row, with the noise put in, comes near to what it was. */
static void unmix(float row[ROW], const float above[ROW], const float many[ROW], float other,
                  const struct placed_pair *pairs, size_t count)
{
    float mean[ROW], mixed[ROW], ratio[ROW], back[ROW], sum = 0;
    for (size_t k = 0; k < ROW; k++)
        sum += many[k] * row[k];
    for (size_t k = 0; k < ROW; k++) {
        mean[k] = row[k];
        row[k] /= sum;
    }
    for (int round = 0; round < UNMIXING_ROUNDS; round++) {
        for (size_t k = 0; k < ROW; k++)
            mixed[k] = other + row[k] * above[k];
        for (size_t p = 0; p < count; p++)
            mixed[pairs[p].to] += row[pairs[p].from] * pairs[p].above;
        float ratios = 0;
        for (size_t k = 0; k < ROW; k++) {
            ratio[k] = mean[k] / mixed[k];
            ratios += many[k] * ratio[k];
        }
        for (size_t k = 0; k < ROW; k++)
            back[k] = other * ratios + ratio[k] * above[k];
        for (size_t p = 0; p < count; p++)
            back[pairs[p].from] += ratio[pairs[p].to] * pairs[p].above;
        sum = 0;
        for (size_t k = 0; k < ROW; k++)
            sum += many[k] * (row[k] *= back[k]);
        for (size_t k = 0; k < ROW; k++)
            row[k] /= sum;
    }
}

/* Makes the sample's row of log-probabilities without the noise. */
static void begin_row(struct estimate *e, size_t sample)
{
    const struct noise_transition *transition = &e->out->transition;
    const struct rebuilt_mean *mean = &e->means->means[sample];
    const float least = (float)(least_of_even_share / transition->classes);
    struct placed_pair pairs[REST * REST];
    float above[ROW], many[ROW], *row = e->rows[sample];
    for (size_t k = 0; k < REST; k++) {
        many[k] = is_used(e, sample, k);
        above[k] = (float)(transition->kept[class_at(e, sample, k)] - transition->other);
        row[k] = many[k] * (k == GIVEN ? mean->given : mean->even + mean->extra[k]) / mean->weight;
    }
    many[REST] = (float)e->rest;
    above[REST] = (float)(1 - transition->other * transition->classes);
    row[REST] = e->rest > 0 ? mean->even / mean->weight : 0;
    unmix(row, above, many, (float)transition->other, pairs, place_pairs(pairs, e, sample));
    for (size_t k = 0; k < ROW; k++)
        row[k] = many[k] > 0 ? logf(fmaxf(row[k], least)) : -INFINITY;
}

static void raise_to(float power[ROW], const float row[ROW], double temperature)
{
    float largest = row[0];
    for (size_t k = 1; k < ROW; k++)
        largest = fmaxf(largest, row[k]);
    for (size_t k = 0; k < ROW; k++)
        power[k] = expf((float)temperature * (row[k] - largest));
}

/* ---- a sample's joint of true classes and the given label ------------------------------------------------- */

struct joint {
    double weights[ROW]; /* of the places' classes */
    double chances[ROW]; /* of the given label, by true class */
    double all, given;   /* what weights * powers, and that times chances, sum to */
};

static void join(struct joint *out, const struct estimate *e, size_t sample, const float power[ROW])
{
    const struct noise_transition *transition = &e->out->transition;
    uint16_t given = e->means->given[sample];
    double placed = 0;
    for (size_t k = 0; k < REST; k++) {
        out->weights[k] = is_used(e, sample, k) ? e->out->class_weights[class_at(e, sample, k)] : 0;
        out->chances[k] = noise_transition_probability(transition, class_at(e, sample, k), given);
        placed += out->weights[k];
    }
    out->weights[REST] = e->rest > 0 ? fmax(e->weights_sum - placed, 0) : 0;
    out->chances[REST] = transition->other;
    out->all = out->given = 0;
    for (size_t k = 0; k < ROW; k++) {
        out->all += out->weights[k] * (double)power[k];
        out->given += out->weights[k] * (double)power[k] * out->chances[k];
    }
}

/* Mean of -log P(given label) at a temperature. */
static double surprise(const struct estimate *e, double temperature)
{
    double sum = 0;
    size_t at = 0;
    for (size_t i = 0; i < e->means->samples; i++) {
        if (!rebuilt_means_counts(e->means, i) || at++ % e->stride != 0)
            continue;
        float power[ROW];
        struct joint joint;
        raise_to(power, e->rows[i], temperature);
        join(&joint, e, i, power);
        sum += log(joint.all) - log(joint.given);
    }
    return sum;
}

/* Golden section (Kiefer 1953). */
static double fit_temperature(const struct estimate *e)
{
    const double share = (sqrt(5) - 1) / 2;
    double low = coldest, high = hottest, left = high - share * (high - low), right = low + share * (high - low);
    double at_left = surprise(e, left), at_right = surprise(e, right);
    for (int step = 0; step < TEMPERATURE_STEPS; step++)
        if (at_left < at_right) {
            high = right;
            right = left;
            at_right = at_left;
            left = high - share * (high - low);
            at_left = surprise(e, left);
        } else {
            low = left;
            left = right;
            at_left = at_right;
            right = low + share * (high - low);
            at_right = surprise(e, right);
        }
    return (low + high) / 2;
}

/* ---- sums over all samples -------------------------------------------------------------------------------- */

/* Of a class, over its weight: how much of it the network sees, and how much of it the given labels leave. */
struct class_sum {
    double before, after;
};

struct totals {
    struct class_sum
        rest;     /* of a class that has no place in any row; the others' sums are what they have above it */
    double wrong; /* expected wrong labels of pairs that do not stand out */
};

static void sum_up(struct totals *out, struct estimate *e)
{
    *out = (struct totals){0};
    memset(e->sums, 0, e->means->classes * sizeof *e->sums);
    for (size_t i = 0; i < e->means->samples; i++) {
        const float *power = e->rows[i];
        struct joint joint;
        if (!rebuilt_means_counts(e->means, i))
            continue;
        join(&joint, e, i, power);
        double before = (double)power[REST] / joint.all;
        double after = (double)power[REST] * joint.chances[REST] / joint.given;
        out->rest.before += before;
        out->rest.after += after;
        for (size_t k = 0; k < REST; k++) {
            struct class_sum *sum = &e->sums[class_at(e, i, k)];
            double posterior = (double)power[k] * joint.chances[k] / joint.given;
            if (!is_used(e, i, k))
                continue;
            sum->before += (double)power[k] / joint.all - before;
            sum->after += posterior - after;
            if (k != GIVEN && joint.chances[k] == e->out->transition.other)
                out->wrong += joint.weights[k] * posterior;
        }
        out->wrong += joint.weights[REST] * after;
    }
}

static void set_weights_sum(struct estimate *e)
{
    e->weights_sum = 0;
    for (uint32_t c = 0; c < e->means->classes; c++)
        e->weights_sum += e->out->class_weights[c];
}

/* One round of expectation-maximisation of the classes' frequencies. */
static void fit_weights(struct estimate *e)
{
    const double least = 1e-9; /* a class that nothing speaks for keeps a weight */
    struct totals totals;
    sum_up(&totals, e);
    for (uint32_t c = 0; c < e->means->classes; c++) {
        double before = e->sums[c].before + totals.rest.before, after = e->sums[c].after + totals.rest.after;
        double *weight = &e->out->class_weights[c];
        if (before > 0)
            *weight = fmax(*weight * after / before, least);
    }
    set_weights_sum(e);
}

/* Samples of a true class. */
static double expect_class(const struct estimate *e, const struct totals *totals, uint32_t class)
{
    return e->out->class_weights[class] * (e->sums[class].after + totals->rest.after);
}

/* The rate of pairs that do not stand out: their expected wrong labels over the chances for one. */
static void fit_other(struct estimate *e)
{
    struct noise_transition *transition = &e->out->transition;
    struct totals totals;
    double chances = 0;
    sum_up(&totals, e);
    for (uint32_t c = 0; c < e->means->classes; c++)
        chances += expect_class(e, &totals, c) * (transition->classes - 1 - transition->pairs_of[c]);
    if (chances > 0)
        noise_transition_set_other(transition, totals.wrong / chances);
}

/* One round, but for the rate. */
static void fit(struct estimate *e)
{
    for (size_t i = 0; i < e->means->samples; i++)
        if (rebuilt_means_has(e->means, i))
            begin_row(e, i);
    e->out->temperature = fit_temperature(e);
    for (size_t i = 0; i < e->means->samples; i++)
        if (rebuilt_means_has(e->means, i))
            raise_to(e->rows[i], e->rows[i], e->out->temperature);
    for (int round = 0; round < WEIGHT_ROUNDS; round++)
        fit_weights(e);
}

static void judge(struct estimate *e, size_t sample)
{
    const float *power = e->rows[sample];
    struct label_posterior *out = e->out;
    struct suggestion *suggestion = &out->suggestions[sample];
    struct joint joint;
    double wrong = 0, odds = 0;
    bool counts = rebuilt_means_counts(e->means, sample);
    join(&joint, e, sample, power);
    for (size_t k = 0; k < ROW; k++) {
        double part = joint.weights[k] * (double)power[k] * joint.chances[k];
        float posterior = (float)(part / joint.given);
        if (k == GIVEN)
            continue;
        wrong += (double)posterior;
        odds += part;
        if (k == REST || !is_used(e, sample, k) || !counts)
            continue;
        uint16_t class = class_at(e, sample, k);
        if (isnan(suggestion->probability) || posterior > suggestion->probability ||
            (posterior == suggestion->probability && class < suggestion->label))
            *suggestion = (struct suggestion){class, posterior};
    }
    out->wrong[sample] = (float)fmin(wrong, 1);
    out->log_odds[sample] =
        (float)(log(odds) - log(joint.weights[GIVEN] * (double)power[GIVEN] * joint.chances[GIVEN]));
    if (counts)
        out->expected_wrong += (double)out->wrong[sample];
}

int label_posterior_create(struct label_posterior *out, struct rebuilt_means *means)
{
    struct estimate e = {.means = means, .out = out};
    struct totals totals;
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
        status = memory_allocate(&e.rows, means->samples, sizeof *e.rows, what);
    if (status == 0)
        status = memory_allocate(&e.places, means->classes, sizeof *e.places, what);
    if (status == 0)
        status = memory_allocate(&e.sums, means->classes, sizeof *e.sums, what);
    if (status != 0)
        goto end;
    for (uint32_t c = 0; c < means->classes; c++) {
        out->class_weights[c] = 1;
        e.places[c] = UNPLACED;
    }
    set_weights_sum(&e);
    for (size_t i = 0; i < means->samples; i++) {
        out->wrong[i] = out->log_odds[i] = NAN;
        out->suggestions[i] = (struct suggestion){unchanged[i], NAN};
        out->judged += rebuilt_means_counts(means, i);
        if (rebuilt_means_has(means, i)) /* a threshold sample's label is none of the data set's */
            complete_names(&means->means[i], means->given[i], &out->transition);
    }
    e.rest = fmax((double)means->classes - 1 - NAMED_CLASSES, 0);
    e.stride = (out->judged + TEMPERATURE_SAMPLES - 1) / TEMPERATURE_SAMPLES;
    for (int round = 0; round < ROUNDS; round++) {
        fit(&e);
        fit_other(&e);
    }
    fit(&e);
    sum_up(&totals, &e);
    for (uint32_t c = 0; c < means->classes; c++)
        out->true_counts[c] = expect_class(&e, &totals, c);
    for (size_t i = 0; i < means->samples; i++)
        if (rebuilt_means_has(means, i))
            judge(&e, i);
end:
    free(e.sums);
    free(e.places);
    free(e.rows);
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
