/* plot sweep: precision, recall and F1 of every threshold of a score, by how many it flags: true ones, and what is
 * known without the truth. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "analyze/charts/charts.h"
#include "analyze/charts/end_labels.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/rule_marks.h"
#include "analyze/charts/thin_curve.h"
#include "analyze/expected_quality.h"
#include "analyze/threshold_curve.h"
#include "common/error.h"
#include "common/memory.h"

enum { PRECISION, RECALL, F1, CURVES };
static const struct {
    const char *name;
    int linetype; /* its colour */
} curves[CURVES] = {{"precision", 3}, {"recall", 4}, {"F1", 7}};

/* How curves are known: by the truth, or what stands in for it. */
enum { TRUE_ONES, EXPECTED_ONES, KINDS };
static const char *const blocks[KINDS] = {"true", "expected"};

/* The plot leaves room for names at the curves' ends; its height is about that with the default rules. */
static const double right = 0.87, plot_height = 340;
enum { NAME_PIXELS = 115, TEXT_BYTES = 256 };

/* What the eye can tell apart: columns of half a pixel, and a tenth of a pixel in percent. Estimates, which take
 * longer, have one point in four pixels. */
enum { COLUMNS = 2000, ESTIMATES = 240 };
static const double tolerance = 0.02;

struct picture {
    struct threshold_curve curve;
    struct rule_marks marks;
    bool has_estimate, has_expected;
    double least, most; /* of the x axis: a power of ten, and the samples of the last threshold */
    double decades;     /* between them */

    /* Data of each curve, and of the estimate. */
    char *data[KINDS][CURVES], *estimates;
    size_t bytes[KINDS][CURVES], estimates_bytes;
    double last[CURVES]; /* percent, of what is drawn first */

    double best_f1; /* of the truth, or expected; 0: none */
    size_t best_flagged;
};

/* ---- curves ---------------------------------------------------------------------------------------------- */

/* One kind of curves while they are written. */
struct writer {
    FILE *files[CURVES];
    struct thin_curve thin[CURVES];
};

static void close_files(struct writer *writer)
{
    for (int c = 0; c < CURVES; c++)
        if (writer->files[c] != NULL)
            fclose(writer->files[c]);
}

static int open_files(struct writer *writer, struct picture *picture, int kind)
{
    for (int c = 0; c < CURVES; c++) {
        writer->files[c] = open_memstream(&picture->data[kind][c], &picture->bytes[kind][c]);
        if (writer->files[c] == NULL)
            return tidy_fail_memory("a chart", 1);
        thin_curve_begin(&writer->thin[c], writer->files[c], picture->decades / COLUMNS, tolerance);
        writer->thin[c].logarithmic = true;
    }
    return 0;
}

static void add(struct writer *writer, size_t flagged, double precision, double recall, double f1)
{
    const double values[CURVES] = {precision, recall, f1};
    for (int c = 0; c < CURVES; c++)
        if (!isnan(values[c]))
            thin_curve_add(&writer->thin[c], log10((double)flagged), 100 * values[c]);
}

static void note(struct picture *picture, size_t flagged, double precision, double recall, double f1)
{
    const double values[CURVES] = {precision, recall, f1};
    for (int c = 0; c < CURVES; c++)
        picture->last[c] = 100 * values[c];
    if (f1 <= picture->best_f1 || isnan(f1))
        return;
    picture->best_f1 = f1;
    picture->best_flagged = flagged;
}

/* Columns: flagged; precision, low, high; recall, low, high; F1, which follows from precision and recall. */
static void add_estimate(FILE *out, struct picture *picture)
{
    const struct estimated_quality quality = threshold_curve_estimate(&picture->curve);
    const struct estimated p = quality.precision, r = quality.recall;
    const double f1 = 2 * p.value * r.value / (p.value + r.value);
    fprintf(out, "%zu\t%.4g\t%.4g\t%.4g\t%.4g\t%.4g\t%.4g\t%.4g\n", quality.flagged, 100 * p.value, 100 * p.low,
            100 * p.high, 100 * r.value, 100 * r.low, 100 * r.high, 100 * f1);
    if (!picture->curve.has_truth)
        note(picture, quality.flagged, p.value, r.value, f1);
}

/* Walks all thresholds once. */
static void walk(struct picture *picture, struct writer writers[KINDS], FILE *estimates)
{
    struct threshold_curve *curve = &picture->curve;
    struct threshold_point point;
    struct expected_walk expected;
    double column = -1;
    expected_walk_begin(&expected, &curve->ranking);
    while (threshold_curve_next(curve, &point)) {
        const struct set_quality *quality = &point.quality;
        if (curve->has_truth) {
            add(&writers[TRUE_ONES], quality->flagged, quality->precision, quality->recall, quality->f1);
            note(picture, quality->flagged, quality->precision, quality->recall, quality->f1);
        }
        if (picture->has_expected) {
            const struct expected_quality e = expected_walk_to(&expected, quality->flagged);
            add(&writers[EXPECTED_ONES], quality->flagged, e.precision, e.recall, e.f1);
            if (!curve->has_truth)
                note(picture, quality->flagged, e.precision, e.recall, e.f1);
        }
        const double at = floor(log10((double)quality->flagged / picture->least) / picture->decades * ESTIMATES);
        if (picture->has_estimate && (at > column || quality->flagged == curve->ranking.scored)) {
            add_estimate(estimates, picture);
            column = at;
        }
    }
    for (int kind = 0; kind < KINDS; kind++)
        for (int c = 0; c < CURVES; c++)
            if (writers[kind].files[c] != NULL)
                thin_curve_end(&writers[kind].thin[c]);
}

static int make_curves(struct picture *picture)
{
    struct writer writers[KINDS] = {0};
    FILE *estimates = open_memstream(&picture->estimates, &picture->estimates_bytes);
    int status = estimates == NULL ? tidy_fail_memory("a chart", 1) : 0;
    if (status == 0 && picture->curve.has_truth)
        status = open_files(&writers[TRUE_ONES], picture, TRUE_ONES);
    if (status == 0 && picture->has_expected)
        status = open_files(&writers[EXPECTED_ONES], picture, EXPECTED_ONES);
    if (status == 0)
        walk(picture, writers, estimates);
    for (int kind = 0; kind < KINDS; kind++)
        close_files(&writers[kind]);
    if (estimates != NULL)
        fclose(estimates);
    return status;
}

/* ---- texts ----------------------------------------------------------------------------------------------- */

/* "87% (80% to 93%)". */
static const char *write_estimated(char room[TEXT_BYTES], struct estimated estimated)
{
    char value[PERCENT_TEXT], low[PERCENT_TEXT], high[PERCENT_TEXT];
    snprintf(room, TEXT_BYTES, "%s (%s to %s)", house_style_percent(value, 100 * estimated.value, 0),
             house_style_percent(low, 100 * estimated.low, 0), house_style_percent(high, 100 * estimated.high, 0));
    return room;
}

static void write_title(char title[TEXT_BYTES], const struct picture *picture)
{
    const struct rule_mark *mark = picture->marks.count > 0 ? &picture->marks.marks[0] : NULL;
    const bool flags = mark != NULL && mark->quality.flagged > 0;
    char best[COUNT_TEXT], some[COUNT_TEXT] = "", f1[PERCENT_TEXT], reached[PERCENT_TEXT];
    char precision[TEXT_BYTES], recall[TEXT_BYTES];
    house_style_percent(f1, 100 * picture->best_f1, 1);
    house_style_count(best, picture->best_flagged);
    if (flags)
        house_style_count(some, mark->quality.flagged);
    if (picture->curve.has_truth && flags)
        snprintf(title, TEXT_BYTES, "Best F1: %s with %s flagged; %.100s flags %s and reaches %s", f1, best,
                 mark->rule, some, house_style_percent(reached, 100 * mark->quality.f1, 1));
    else if (picture->has_estimate && !picture->curve.has_truth && flags)
        snprintf(title, TEXT_BYTES, "%.100s flags %s: precision %.40s, recall %.40s", mark->rule, some,
                 write_estimated(precision, mark->estimated.precision),
                 write_estimated(recall, mark->estimated.recall));
    else
        snprintf(title, TEXT_BYTES, "Best F1%s: %s with %s flagged",
                 picture->curve.has_truth ? ""
                 : picture->has_estimate  ? ", as estimated"
                                          : " to expect",
                 f1, best);
}

static void write_rule(char rule[TEXT_BYTES], const struct picture *picture)
{
    const struct noise_estimate *estimate = &picture->curve.estimate;
    int used = snprintf(rule, TEXT_BYTES, "Every threshold of %.100s.", picture->curve.score->name);
    if (picture->has_estimate)
        snprintf(rule + used, TEXT_BYTES - (size_t)used, " Estimated from %zu controls, with 95%% intervals.",
                 estimate->control_count);
    else if (picture->curve.has_estimate)
        used += snprintf(rule + used, TEXT_BYTES - (size_t)used, " The controls give no estimate: %s.",
                         noise_verdict_names[estimate->verdict]);
    if (picture->has_expected)
        snprintf(rule + used, TEXT_BYTES - (size_t)used, " Expected: by its probabilities.");
}

/* ---- the script ------------------------------------------------------------------------------------------ */

static void write_data(FILE *out, const struct picture *picture)
{
    for (int kind = 0; kind < KINDS; kind++)
        for (int c = 0; c < CURVES; c++)
            if (picture->data[kind][c] != NULL) {
                fprintf(out, "$%s_%s << EOD\n# flagged\t%s %s, percent\n", blocks[kind], curves[c].name,
                        blocks[kind], curves[c].name);
                fwrite(picture->data[kind][c], 1, picture->bytes[kind][c], out);
                fputs("EOD\n", out);
            }
    if (picture->has_estimate)
        fprintf(out,
                "$estimated << EOD\n"
                "# flagged\tprecision, percent\tlow\thigh\trecall, percent\tlow\thigh\tF1, percent\n%sEOD\n",
                picture->estimates);
}

/* Powers of ten, each with the score that the last of so many has. */
static void write_ticks(FILE *out, const struct picture *picture)
{
    const struct ranking *ranking = &picture->curve.ranking;
    fputs("set xtics font ',14' (", out);
    const size_t first = (size_t)picture->least;
    for (size_t power = first; power <= ranking->scored; power *= 10) {
        char count[COUNT_TEXT];
        fprintf(out, "%s\"%s\\n%.3g\" %zu", power > first ? ", " : "", house_style_count(count, power),
                threshold_curve_value(&picture->curve, power - 1), power);
    }
    fputs(")\n", out);
}

static void write_axes(FILE *out, const struct picture *picture, const char *noun)
{
    struct end_label names[CURVES];
    fprintf(out,
            "set logscale x\n"
            "set xrange [%.12g:%.12g]\n"
            "set yrange [0:103]\n"
            "set ytics 0, 20, 100\n"
            "set format y '%%g%%%%'\n"
            "set bmargin at screen 0.21\n"
            "set rmargin at screen %.4g\n"
            "set xlabel '%s flagged, and the score of the last' font ',14' offset 0, -0.9\n",
            picture->least * (1 - 1e-9) /* with its tick */, picture->most, right, noun);
    write_ticks(out, picture);
    for (int c = 0; c < CURVES; c++)
        names[c] = (struct end_label){
            .height = picture->last[c] / 103, .text = curves[c].name, .linetype = curves[c].linetype, .missing = 0};
    end_labels_write(out, names, CURVES, 20, plot_height, NAME_PIXELS);
}

static const char *separator(bool *started)
{
    const char *text = *started ? ", \\\n     " : "plot ";
    *started = true;
    return text;
}

static void write_plot(FILE *out, const struct picture *picture)
{
    static const char *const looks[KINDS] = {"dashtype solid linewidth 3", "dashtype (6,5) linewidth 2"};
    static const char *const titles[KINDS] = {"true", "expected"};
    bool started = false;
    house_style_key(out);
    if (picture->has_estimate) {
        fputs("set style fill transparent solid 0.25 noborder\n", out);
        for (int c = 0; c < F1; c++)
            fprintf(out, "%s$estimated using 1:%d:%d with filledcurves linetype %d", separator(&started), 3 * c + 3,
                    3 * c + 4, curves[c].linetype);
        fprintf(out, "%sNaN with filledcurves linecolor rgb axis title '95%% interval'", separator(&started));
        for (int c = 0; c < CURVES; c++)
            fprintf(out, "%s$estimated using 1:%d with lines linetype %d dashtype (6,5) linewidth 2",
                    separator(&started), 3 * c + 2, curves[c].linetype);
        fprintf(out, "%sNaN with lines linecolor rgb axis dashtype (6,5) linewidth 2 title 'estimated'",
                separator(&started));
    }
    for (int kind = KINDS - 1; kind >= 0; kind--)
        for (int c = 0; c < CURVES && picture->data[kind][PRECISION] != NULL; c++) {
            fprintf(out, "%s$%s_%s using 1:2 with lines linetype %d %s", separator(&started), blocks[kind],
                    curves[c].name, curves[c].linetype, looks[kind]);
            if (c == CURVES - 1)
                fprintf(out, "%sNaN with lines linecolor rgb axis %s title '%s'", separator(&started), looks[kind],
                        titles[kind]);
        }
    fputs("\n", out);
}

static void place_marks(struct picture *picture)
{
    for (size_t i = 0; i < picture->marks.count; i++) {
        struct rule_mark *mark = &picture->marks.marks[i];
        mark->x = (double)mark->quality.flagged;
        mark->place = mark->quality.flagged > 0 ? log10(mark->x / picture->least) / picture->decades : NAN;
    }
}

/* From the power of ten below the first threshold. */
static void set_range(struct picture *picture)
{
    const struct ranking *ranking = &picture->curve.ranking;
    size_t first = 1;
    while (first < ranking->scored && ranking->keys[ranking->order[first]] == ranking->keys[ranking->order[0]])
        first++;
    picture->least = pow(10, floor(log10((double)first)));
    picture->most = fmax((double)ranking->scored, 2 * picture->least);
    picture->decades = log10(picture->most / picture->least);
}

static int write_script(FILE *out, const struct chart *chart, struct picture *picture)
{
    char title[TEXT_BYTES], rule[TEXT_BYTES];
    set_range(picture);
    int status = make_curves(picture);
    if (status != 0)
        return status;
    write_title(title, picture);
    write_rule(rule, picture);
    house_style_begin(out, chart, title, rule);
    write_data(out, picture);
    place_marks(picture);
    rule_marks_write(out, &picture->marks, right);
    write_axes(out, picture, house_style_noun(chart->log));
    write_plot(out, picture);
    return 0;
}

/* Is there anything to draw? */
static int check(struct picture *picture, const struct analysis *analysis)
{
    const struct threshold_curve *curve = &picture->curve;
    picture->has_estimate = curve->has_estimate && curve->estimate.verdict == NOISE_APPLIES;
    picture->has_expected = !picture->has_estimate && score_is_probability(curve->score);
    if (curve->ranking.scored == 0)
        return tidy_fail("%s: no sample has a value of %s in these epochs, so there is nothing to draw",
                         analysis->path, curve->score->name);
    if (curve->has_truth && curve->truth.count == 0)
        return tidy_fail("%s: no label is wrong, so there is no recall to draw", analysis->path);
    if (!curve->has_truth && !picture->has_estimate && !picture->has_expected)
        return tidy_fail(
            "%s: the true labels are not known, and the controls give no estimate (%s); --score " PROBABILITY_SCORE
            " says what to expect",
            analysis->path, noise_verdict_names[curve->estimate.verdict]);
    return 0;
}

int sweep_chart(FILE *out, struct chart *chart)
{
    struct analysis *analysis = chart->log;
    struct picture picture = {0};
    struct threshold_curve *curve = &picture.curve;
    int status = analysis_choose_one(analysis, chart->scores);
    if (status == 0 && !noise_estimate_is_possible(analysis) && !score_is_probability(&analysis->scores.scores[0]))
        status = truth_check(analysis->run, analysis->path);
    if (status == 0)
        status = rule_marks_begin(&picture.marks, chart);
    if (status == 0)
        status = analysis_replay(analysis, NULL);
    if (status == 0)
        status = threshold_curve_create(curve, analysis);
    if (status == 0)
        status = check(&picture, analysis);
    if (status == 0)
        status = rule_marks_apply(&picture.marks, chart, &curve->ranking, curve->has_truth ? &curve->truth : NULL,
                                  picture.has_estimate ? &curve->estimate : NULL);
    if (status == 0)
        status = write_script(out, chart, &picture);
    for (int kind = 0; kind < KINDS; kind++)
        for (int c = 0; c < CURVES; c++)
            free(picture.data[kind][c]);
    free(picture.estimates);
    rule_marks_destroy(&picture.marks);
    threshold_curve_destroy(curve);
    return status;
}
