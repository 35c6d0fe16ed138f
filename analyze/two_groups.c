/* Gaussian mixture and Otsu's method in one dimension. */
#include "analyze/two_groups.h"

#include <math.h>

static const double added_variance = 5e-4;
static const double least_gain = 1e-2;
enum { MOST_ROUNDS = 10, MOST_MEANS_ROUNDS = 300 };

/* Sums of one group's members, weighted by how much each belongs to it. */
struct moments {
    double weight, sum, squares;
};

static void add(struct moments *to, double weight, double value)
{
    to->weight += weight;
    to->sum += weight * value;
    to->squares += weight * value * value;
}

static struct gaussian from_moments(const struct moments *m, double total)
{
    double mean = m->sum / m->weight;
    double variance = fmax(m->squares / m->weight - mean * mean, 0) + added_variance;
    double weight = m->weight / total;
    return (struct gaussian){weight, mean, variance, log(weight), log(2 * M_PI * variance)};
}

/* Lloyd's two means from the two ends: in one dimension the groups are what lies below and above the middle of
 * their means. Both keep a member, because the values are not all equal and each mean stays on its side. */
static struct gaussian_pair two_means(const struct weighted_values *values)
{
    double border = 0.5, last = -1;
    struct moments low = {0}, high = {0};
    for (int round = 0; round < MOST_MEANS_ROUNDS && border != last; round++) {
        last = border;
        low = high = (struct moments){0};
        for (size_t i = 0; i < values->count; i++) {
            double below = weighted_values_up_to(values, i, border);
            add(&low, below, values->values[i]);
            add(&high, weight_of(values, i) - below, values->values[i]);
        }
        border = (low.sum / low.weight + high.sum / high.weight) / 2;
    }
    return (struct gaussian_pair){from_moments(&low, values->total), from_moments(&high, values->total)};
}

static double log_density(const struct gaussian *g, double value)
{
    double difference = value - g->mean;
    return g->log_weight - 0.5 * (g->log_norm + difference * difference / g->variance);
}

bool two_groups_is_high(const struct gaussian_pair *pair, double value)
{
    return log_density(&pair->high, value) > log_density(&pair->low, value);
}

struct gaussian_pair two_groups_fit_gaussians(const struct weighted_values *values)
{
    struct gaussian_pair pair = two_means(values);
    double likelihood = -INFINITY;
    for (int round = 0; round < MOST_ROUNDS; round++) {
        struct moments low = {0}, high = {0};
        double sum = 0;
        for (size_t i = 0; i < values->count; i++) {
            double value = values->values[i], weight = weight_of(values, i);
            double a = log_density(&pair.low, value), b = log_density(&pair.high, value);
            double total = fmax(a, b) + log1p(exp(-fabs(a - b)));
            sum += weight * total;
            add(&low, weight * exp(a - total), value);
            add(&high, weight * exp(b - total), value);
        }
        pair = (struct gaussian_pair){from_moments(&low, values->total), from_moments(&high, values->total)};
        double gain = sum / values->total - likelihood;
        likelihood = sum / values->total;
        if (fabs(gain) < least_gain)
            break;
    }
    if (pair.low.mean > pair.high.mean)
        pair = (struct gaussian_pair){pair.high, pair.low};
    return pair;
}

size_t two_groups_otsu_bin(double value)
{
    size_t bin = (size_t)(value * OTSU_BINS);
    return bin < OTSU_BINS ? bin : OTSU_BINS - 1;
}

size_t two_groups_otsu(const double *values, size_t count)
{
    double counts[OTSU_BINS] = {0}, sum = 0;
    for (size_t i = 0; i < count; i++)
        counts[two_groups_otsu_bin(values[i])]++;
    for (size_t bin = 0; bin < OTSU_BINS; bin++)
        sum += counts[bin] * (double)bin;

    size_t best = 0;
    double largest = -1, below = 0, sum_below = 0;
    for (size_t bin = 0; bin + 1 < OTSU_BINS; bin++) {
        below += counts[bin];
        sum_below += counts[bin] * (double)bin;
        double above = (double)count - below;
        double between = sum_below / below - (sum - sum_below) / above;
        double variance = below * above * between * between;
        if (variance > largest) {
            largest = variance;
            best = bin;
        }
    }
    return best;
}
