/* The fit of three numbers, as logarithms. */
#include "analyze/control_mixture.h"

#include <math.h>
#include <stdbool.h>

enum { MISTAKES, CLEAN, DECAY, NUMBERS, STEPS = 60, TRIES = 10 };

/* Bounds of the logarithms: nothing is seen of a share of e^-16, and a decay beyond them is no log odds. */
static const double least[NUMBERS] = {-16, -30, -1.5}, most[NUMBERS] = {0, 8, 1.5};
static const double decay_deviation = 0.35; /* of log decay, as a log odds from a network may be off */
static const double longest_step = 2, converged = 1e-9;

/* Where the two starts are, from the logarithm of the mean of h: mostly mistakes, or mostly clean samples. */
static const double starts[2][2] = {{-0.3, -1}, {-1.5, 0}};

struct histograms {
    const double *ordinary, *controls; /* [bins] */
    size_t bins;
    double width, ratio;
};

static double middle(const struct histograms *of, size_t bin)
{
    return ((double)bin + 0.5) * of->width;
}

static double square(double value)
{
    return value * value;
}

/* What is minimised. */
static double surprise(const struct histograms *of, const double logs[NUMBERS])
{
    double sum = square(logs[DECAY] / decay_deviation) / 2, mistakes = exp(logs[MISTAKES]),
           decay = exp(logs[DECAY]);
    for (size_t b = 0; b < of->bins; b++) {
        double h = mistakes + exp(logs[CLEAN] - decay * middle(of, b));
        sum -= of->ordinary[b] * log(h) + of->controls[b] * log(of->ratio) -
               (of->ordinary[b] + of->controls[b]) * log(h + of->ratio);
    }
    return sum;
}

/* Its slope, and its curvature as it is to be expected. */
static void differentiate(double slope[NUMBERS], double curvature[NUMBERS][NUMBERS], const struct histograms *of,
                          const double logs[NUMBERS])
{
    double mistakes = exp(logs[MISTAKES]), decay = exp(logs[DECAY]);
    for (size_t r = 0; r < NUMBERS; r++) {
        slope[r] = 0;
        for (size_t c = 0; c < NUMBERS; c++)
            curvature[r][c] = 0;
    }
    slope[DECAY] = logs[DECAY] / square(decay_deviation);
    curvature[DECAY][DECAY] = 1 / square(decay_deviation);
    for (size_t b = 0; b < of->bins; b++) {
        double x = middle(of, b), h = mistakes + exp(logs[CLEAN] - decay * x);
        double all = of->ordinary[b] + of->controls[b], share = h / (h + of->ratio), wrong = mistakes / h;
        double change[NUMBERS] = {wrong, 1 - wrong, -(1 - wrong) * decay * x}; /* of log h */
        for (size_t r = 0; r < NUMBERS; r++) {
            slope[r] += change[r] * (all * share - of->ordinary[b]);
            for (size_t c = 0; c < NUMBERS; c++)
                curvature[r][c] += change[r] * change[c] * all * share * (1 - share);
        }
    }
}

/* Cholesky's method; the damping makes `matrix` positive. */
static void solve(double out[NUMBERS], const double matrix[NUMBERS][NUMBERS], const double right[NUMBERS])
{
    double lower[NUMBERS][NUMBERS] = {0};
    for (size_t r = 0; r < NUMBERS; r++) {
        for (size_t c = 0; c <= r; c++) {
            double rest = matrix[r][c];
            for (size_t k = 0; k < c; k++)
                rest -= lower[r][k] * lower[c][k];
            lower[r][c] = r == c ? sqrt(fmax(rest, 1e-300)) : rest / lower[c][c];
        }
        out[r] = right[r];
        for (size_t k = 0; k < r; k++)
            out[r] -= lower[r][k] * out[k];
        out[r] /= lower[r][r];
    }
    for (size_t r = NUMBERS; r-- > 0;) {
        for (size_t k = r + 1; k < NUMBERS; k++)
            out[r] -= lower[k][r] * out[k];
        out[r] /= lower[r][r];
    }
}

/* One step down, with more and more damping until it is one. False: there is none. */
static bool step(double logs[NUMBERS], double *value, double *damping, const struct histograms *of)
{
    double slope[NUMBERS], curvature[NUMBERS][NUMBERS], damped[NUMBERS][NUMBERS], move[NUMBERS], to[NUMBERS];
    differentiate(slope, curvature, of, logs);
    for (int tried = 0; tried < TRIES; tried++) {
        for (size_t r = 0; r < NUMBERS; r++)
            for (size_t c = 0; c < NUMBERS; c++)
                damped[r][c] = curvature[r][c] + (r == c ? *damping * (curvature[r][r] + 1e-3) : 0);
        solve(move, (const double(*)[NUMBERS])damped, slope);
        for (size_t r = 0; r < NUMBERS; r++)
            to[r] = fmin(fmax(logs[r] - fmin(fmax(move[r], -longest_step), longest_step), least[r]), most[r]);
        double there = surprise(of, to);
        if (there < *value) {
            bool goes_on = *value - there > converged;
            for (size_t r = 0; r < NUMBERS; r++)
                logs[r] = to[r];
            *value = there;
            *damping = fmax(*damping / 6, 1e-6);
            return goes_on;
        }
        *damping *= 8;
    }
    return false;
}

struct control_mixture control_mixture_fit(const double *ordinary, const double *controls, size_t bins,
                                           double width, double ratio)
{
    const struct histograms of = {ordinary, controls, bins, width, ratio};
    struct control_mixture out = {0, 0, 1};
    double all = 0, all_controls = 0, best = INFINITY;
    for (size_t b = 0; b < bins; b++) {
        all += ordinary[b];
        all_controls += controls[b];
    }
    double mean = log(fmax(ratio * all / fmax(all_controls, 1e-300), 1e-7));
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        double logs[NUMBERS] = {fmin(fmax(mean + starts[s][0], least[MISTAKES]), most[MISTAKES]),
                                fmin(fmax(mean + starts[s][1], least[CLEAN]), most[CLEAN]), 0};
        double value = surprise(&of, logs), damping = 1e-3;
        for (int i = 0; i < STEPS && step(logs, &value, &damping, &of); i++)
            ;
        if (value < best) {
            best = value;
            out = (struct control_mixture){exp(logs[MISTAKES]), exp(logs[CLEAN]), exp(logs[DECAY])};
        }
    }
    return out;
}

double control_mixture_wrong(const struct control_mixture *mixture, double x)
{
    return mixture->mistakes / (mixture->mistakes + mixture->clean * exp(-mixture->decay * x));
}
