/* plot scores: how many samples have which score, where rules cut it, and the mixtures that some of these fit.
 *
 * Counts are on a logarithmic axis, because wrong labels are few: there the bars of the mislabelled, which are
 * narrower, stand in those of the others, and both are seen. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/charts.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/rule_marks.h"
#include "analyze/evaluation.h"
#include "analyze/key_groups.h"
#include "analyze/ranking.h"
#include "common/error.h"
#include "common/memory.h"

enum { BINS = 96 /* of a score of any value */, MOST_BINS = 128 /* of one whose values are evenly spread */ };
/* More steps of the least difference than these, and values are as good as any. */
static const double most_steps = 2000;
/* How far past the last bar that of the infinite stands, in bins. */
static const double beyond = 3;

struct bin {
    uint64_t right, wrong;
};

struct histogram {
    const struct score *score;
    float *keys;
    struct ranking ranking;
    struct truth truth;  /* empty where it is not known */
    double first, width; /* centre of the first bin, on the score's scale */
    size_t bins;
    struct bin counts[MOST_BINS], infinite;
    uint64_t right, wrong, unscored;
    uint64_t least_suspicious; /* infinitely so */
};

/* ---- bins ------------------------------------------------------------------------------------------------ */

/* Places in the ranking between which keys are finite. */
static void find_finite(const struct ranking *ranking, size_t *from, size_t *to)
{
    for (*from = 0; *from < ranking->scored && isinf(ranking->keys[ranking->order[*from]]);)
        ++*from;
    for (*to = ranking->scored; *to > *from && isinf(ranking->keys[ranking->order[*to - 1]]);)
        --*to;
}

/* The least difference between finite keys; infinite where all are equal. */
static double least_step(const struct ranking *ranking, size_t from, size_t to)
{
    double least = INFINITY;
    for (size_t i = from; i + 1 < to; i++) {
        const double step = (double)ranking->keys[ranking->order[i]] - (double)ranking->keys[ranking->order[i + 1]];
        least = step > 0 ? fmin(least, step) : least;
    }
    return least;
}

/* Where values are evenly spread, as counts are, each bin has as many of them; else bins are as many as can be
 * seen. */
static void choose_bins(struct histogram *histogram)
{
    const struct ranking *ranking = &histogram->ranking;
    size_t from, to;
    histogram->width = 1;
    find_finite(ranking, &from, &to);
    if (from >= to)
        return;
    const float most = ranking->keys[ranking->order[from]], least = ranking->keys[ranking->order[to - 1]];
    const double range = (double)most - (double)least, step = least_step(ranking, from, to);
    histogram->first = fmin(score_from_key(histogram->score, most), score_from_key(histogram->score, least));
    histogram->bins = 1;
    if (range == 0)
        return;
    if (range / step < most_steps) {
        const double steps = round(range / step), each = ceil((steps + 1) / MOST_BINS);
        histogram->bins = (size_t)ceil((steps + 1) / each);
        histogram->width = each * step;
        histogram->first += (each - 1) / 2 * step;
    } else {
        histogram->bins = BINS;
        histogram->width = range / BINS;
        histogram->first += histogram->width / 2;
    }
}

static void count(struct histogram *histogram)
{
    for (size_t i = 0; i < histogram->ranking.samples; i++) {
        const float key = histogram->keys[i];
        const bool is_wrong = histogram->truth.count > 0 && histogram->truth.mislabelled[i];
        struct bin *bin = &histogram->infinite;
        if (isnan(key)) {
            histogram->unscored++;
            continue;
        }
        if (isfinite(key)) {
            const double value = score_from_key(histogram->score, key);
            const double place = floor((value - histogram->first) / histogram->width + 0.5);
            bin = &histogram->counts[(size_t)fmin(fmax(place, 0), (double)histogram->bins - 1)];
        } else if (key < 0) {
            histogram->least_suspicious++;
            continue;
        }
        *(is_wrong ? &bin->wrong : &bin->right) += 1;
        *(is_wrong ? &histogram->wrong : &histogram->right) += 1;
    }
}

/* ---- the script ------------------------------------------------------------------------------------------ */

static bool is_high_suspicious(const struct histogram *histogram)
{
    return histogram->score->row->suspicious == SUSPICIOUS_HIGH;
}

static bool has_infinite(const struct histogram *histogram)
{
    return histogram->infinite.right + histogram->infinite.wrong > 0;
}

/* Where the bar of the infinite stands. */
static double infinite_place(const struct histogram *histogram)
{
    const double last = histogram->first + histogram->width * ((double)histogram->bins - 1);
    return is_high_suspicious(histogram) ? last + beyond * histogram->width
                                         : histogram->first - beyond * histogram->width;
}

/* A logarithm has no 0. */
static void write_count(FILE *out, uint64_t count)
{
    if (count > 0)
        fprintf(out, "\t%" PRIu64, count);
    else
        fputs("\tnan", out);
}

static void write_bar(FILE *out, double x, const struct bin *bin, bool apart)
{
    if (bin->right + bin->wrong == 0)
        return;
    fprintf(out, "%.9g", x);
    write_count(out, bin->right);
    if (apart)
        write_count(out, bin->wrong);
    fputs("\n", out);
}

/* Columns: the bin's middle, samples, mislabelled samples. Sets the axes around them. */
static void write_data(FILE *out, const struct histogram *histogram)
{
    const bool apart = histogram->truth.count > 0;
    double low = histogram->first - histogram->width / 2;
    double high = low + histogram->width * (double)histogram->bins;
    uint64_t most = histogram->infinite.right + histogram->infinite.wrong;
    fprintf(out, "$bins << EOD\n# %s\t%s\n", histogram->score->name,
            apart ? "right label\tmislabelled" : "samples");
    for (size_t i = 0; i < histogram->bins; i++) {
        const struct bin *bin = &histogram->counts[i];
        write_bar(out, histogram->first + histogram->width * (double)i, bin, apart);
        most = bin->right > most ? bin->right : most;
        most = bin->wrong > most ? bin->wrong : most;
    }
    if (has_infinite(histogram)) {
        write_bar(out, infinite_place(histogram), &histogram->infinite, apart);
        low = fmin(low, infinite_place(histogram) - histogram->width / 2);
        high = fmax(high, infinite_place(histogram) + histogram->width / 2);
    }
    const double edge = 0.01 * (high - low);
    fprintf(out,
            "EOD\n"
            "width = %.9g # of a bin\n"
            "set xrange [%.9g:%.9g]\n"
            "set yrange [0.7:%.4g]\n",
            histogram->width, low - edge, high + edge, 1.6 * (double)most);
    fputs("set ytics font ',14' (", out);
    for (uint64_t power = 1, millions = 0; power <= most; power *= 10, millions = power / 1000000) {
        char text[COUNT_TEXT];
        house_style_count(text, millions > 0 ? millions : power);
        fprintf(out, "%s'%s%s' %" PRIu64, power > 1 ? ", " : "", text, millions > 0 ? "M" : "", power);
    }
    fputs(")\n", out);
    if (has_infinite(histogram))
        fprintf(out, "set xtics add ('\xe2\x88\x9e' %.9g)\n", infinite_place(histogram));
}

/* Components, scaled to counts in a bin. Low scores are suspicious: keys are turned. */
static void write_gaussians(FILE *out, const struct histogram *histogram, const struct key_gaussians *fit)
{
    const struct gaussian *const parts[] = {&fit->pair.low, &fit->pair.high};
    fputs("normal(x, n, mean, deviation) = width * n * exp(-0.5 * ((x - mean) / deviation)**2) / "
          "(deviation * sqrt(2 * pi))\n",
          out);
    for (int i = 0; i < 2; i++) {
        const double key = fit->scale.least + fit->scale.width * parts[i]->mean;
        fprintf(out, "gmm%d(x) = normal(x, %.6g, %.6g, %.6g)\n", i + 1, (double)fit->count * parts[i]->weight,
                is_high_suspicious(histogram) ? key : -key, fit->scale.width * sqrt(parts[i]->variance));
    }
}

static void write_betas(FILE *out, const struct histogram *histogram, const struct key_betas *fit)
{
    fprintf(
        out,
        "scaled(x) = (%sx - %.9g) / %.9g # from the 5th to the 95th percentile, which bmm fits to\n"
        "beta(x, n, a, b) = x <= 0 || x >= 1 ? NaN : width / %.9g * n * exp(lgamma(a + b) - lgamma(a) - lgamma(b) "
        "+ (a - 1) * log(x) + (b - 1) * log(1 - x))\n",
        is_high_suspicious(histogram) ? "" : "-", fit->scale.least, fit->scale.width, fit->scale.width);
    for (int i = 0; i < 2; i++)
        fprintf(out, "bmm%d(x) = beta(scaled(x), %.6g, %.6g, %.6g)\n", i + 1,
                (double)fit->count * fit->mixture.weight[i], fit->mixture.alpha[i], fit->mixture.beta[i]);
}

/* The mixtures of the rules that fit some. */
struct mixtures {
    bool has_gaussians, has_betas;
};

static int write_mixtures(FILE *out, const struct histogram *histogram, const struct rule_marks *marks,
                          struct mixtures *has)
{
    struct key_gaussians gaussians;
    struct key_betas betas;
    int status = 0;
    *has = (struct mixtures){0};
    for (size_t i = 0; i < marks->count; i++) {
        has->has_gaussians = has->has_gaussians || strcmp(marks->marks[i].rule, "gmm") == 0;
        has->has_betas = has->has_betas || strcmp(marks->marks[i].rule, "bmm") == 0;
    }
    if (has->has_gaussians) {
        status = key_gaussians_fit(&gaussians, &histogram->ranking);
        has->has_gaussians = status == 0 && gaussians.scale.width > 0;
    }
    if (status == 0 && has->has_betas) {
        status = key_betas_fit(&betas, &histogram->ranking);
        has->has_betas = status == 0 && betas.scale.width > 0;
    }
    if (has->has_gaussians)
        write_gaussians(out, histogram, &gaussians);
    if (has->has_betas)
        write_betas(out, histogram, &betas);
    return status;
}

static void write_plot(FILE *out, const struct histogram *histogram, const char *noun, const struct mixtures *has)
{
    const bool apart = histogram->truth.count > 0;
    fprintf(
        out,
        "set logscale y\n"
        "set style fill solid 1 noborder\n"
        "set samples 800\n"
        "set xlabel \"%s%s%s\" font ',14'\n"
        "set label 3 '%s in a bar' at screen 0.016, graph 0.5 center rotate by 90 font ',14' textcolor rgb ink\n",
        is_high_suspicious(histogram) ? "" : "\xe2\x86\x90 more suspicious      ", histogram->score->name,
        is_high_suspicious(histogram) ? "      more suspicious \xe2\x86\x92" : "", noun);
    house_style_key(out);
    fprintf(out, "plot $bins using 1:2:(0.92 * width) with boxes linetype 1 title '%s'",
            apart ? "right label" : noun);
    if (apart)
        fputs(", \\\n     $bins using 1:3:(0.46 * width) with boxes linetype 2 title 'mislabelled'", out);
    if (has->has_gaussians)
        fputs(", \\\n     gmm1(x) with lines linetype 3 title \"gmm's Gaussians\", \\\n"
              "     gmm2(x) with lines linetype 3",
              out);
    if (has->has_betas)
        fputs(", \\\n     bmm1(x) with lines linetype 4 title \"bmm's betas\", \\\n"
              "     bmm2(x) with lines linetype 4",
              out);
    fputs("\n", out);
}

/* Lines stand in the middle between what is flagged and what is not. */
static void place_marks(struct rule_marks *marks, const struct histogram *histogram)
{
    const double edge = has_infinite(histogram) ? infinite_place(histogram) : NAN;
    double low = histogram->first - histogram->width / 2;
    double high = low + histogram->width * (double)histogram->bins;
    low = fmin(low, edge - histogram->width / 2);
    high = fmax(high, edge + histogram->width / 2);
    for (size_t i = 0; i < marks->count; i++) {
        struct rule_mark *mark = &marks->marks[i];
        const double last = score_from_key(histogram->score, mark->last);
        const double next = score_from_key(histogram->score, mark->next);
        mark->x = isnan(next) ? (is_high_suspicious(histogram) ? low : high) : (last + next) / 2;
        if (isinf(mark->x)) /* between the infinite and the others */
            mark->x = edge + (is_high_suspicious(histogram) ? -beyond : beyond) / 2 * histogram->width;
        mark->place = isnan(last) ? NAN : (mark->x - low) / (high - low);
    }
}

static void write_title(char title[256], const struct chart *chart, const struct histogram *histogram,
                        const struct rule_marks *marks)
{
    const char *noun = house_style_noun(chart->log);
    const struct rule_mark *mark = &marks->marks[0];
    char all[COUNT_TEXT], some[COUNT_TEXT], precision[PERCENT_TEXT];
    house_style_count(all, histogram->ranking.samples);
    if (marks->count == 0)
        snprintf(title, 256, "%.100s of %s %s", histogram->score->name, all, noun);
    else if (mark->quality.hits > 0)
        snprintf(title, 256, "%.100s finds %s of %s mislabelled %s at %s precision", mark->rule,
                 house_style_count(some, mark->quality.hits), house_style_count(all, histogram->truth.count), noun,
                 house_style_percent(precision, 100 * mark->quality.precision, 0));
    else
        snprintf(title, 256, "%.100s flags %s of %s %s", mark->rule, house_style_count(some, mark->quality.flagged),
                 all, noun);
}

static void write_rule(char rule[256], const struct histogram *histogram)
{
    char some[COUNT_TEXT];
    int used = snprintf(rule, 256, "Bars %.3g wide; logarithmic counts.", histogram->width);
    if (has_infinite(histogram))
        used += snprintf(rule + used, 256 - (size_t)used, " \xe2\x88\x9e: past every threshold.");
    if (histogram->least_suspicious > 0)
        used += snprintf(rule + used, 256 - (size_t)used, " Infinite at the other end, not drawn: %s.",
                         house_style_count(some, histogram->least_suspicious));
    if (histogram->unscored > 0)
        snprintf(rule + used, 256 - (size_t)used, " Without a score, not drawn: %s.",
                 house_style_count(some, histogram->unscored));
}

static int write_script(FILE *out, const struct chart *chart, struct histogram *histogram, struct rule_marks *marks)
{
    char title[256], rule[256];
    struct mixtures has;
    choose_bins(histogram);
    count(histogram);
    if (histogram->right + histogram->wrong == 0)
        return tidy_fail("%s: no sample has a value of %s in these epochs, so there is nothing to draw",
                         chart->log->path, histogram->score->name);
    write_title(title, chart, histogram, marks);
    write_rule(rule, histogram);
    house_style_begin(out, chart, title, rule);
    write_data(out, histogram);
    int status = write_mixtures(out, histogram, marks, &has);
    place_marks(marks, histogram);
    rule_marks_write(out, marks, 0.97);
    write_plot(out, histogram, house_style_noun(chart->log), &has);
    return status;
}

int scores_chart(FILE *out, struct chart *chart)
{
    struct analysis *analysis = chart->log;
    struct histogram histogram = {0};
    struct rule_marks marks = {0};
    size_t samples = analysis->run->samples;
    int status = analysis_choose_one(analysis, chart->scores);
    if (status == 0 && analysis->run->truth != NULL)
        status = truth_create(&histogram.truth, analysis->run, analysis->path);
    if (status == 0)
        status = rule_marks_begin(&marks, chart);
    if (status == 0)
        status = analysis_replay(analysis, NULL);
    if (status == 0)
        status = memory_allocate(&histogram.keys, samples, sizeof *histogram.keys, "the ranking");
    if (status == 0) {
        histogram.score = &analysis->scores.scores[0];
        score_keys(histogram.score, histogram.keys, samples);
        status = ranking_create(&histogram.ranking, histogram.keys, samples);
    }
    if (status == 0)
        status = rule_marks_apply(&marks, chart, &histogram.ranking,
                                  histogram.truth.count > 0 ? &histogram.truth : NULL, NULL);
    if (status == 0)
        status = write_script(out, chart, &histogram, &marks);
    rule_marks_destroy(&marks);
    ranking_destroy(&histogram.ranking);
    truth_destroy(&histogram.truth);
    free(histogram.keys);
    return status;
}
