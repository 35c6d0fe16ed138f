/* plot pr: precision against recall, a curve a score. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/charts.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/thin_curve.h"
#include "analyze/evaluation.h"
#include "common/error.h"
#include "common/memory.h"

/* What a title tells: the most hits at a precision that a person would still check by hand. */
static const double wanted_precision = 0.9;

struct curve {
    const struct score *score;
    double average_precision;
    size_t best_hits; /* most hits of a threshold with the wanted precision; 0: none has it */
};

/* What the eye can tell apart, in percent: of the chart's 670 x 460 pixels a column is a seventh of one wide, and the
 * tolerance is a twentieth of one high. */
static const double column_width = 0.02, tolerance = 0.01;

static void add_point(struct thin_curve *points, const struct set_quality *quality)
{
    thin_curve_add(points, 100 * quality->recall, 100 * quality->precision);
}

/* Points where hits are won, and those just before: what lies between has the same recall, and so has what comes
 * after the last. Of them, those that show. */
static void write_points(FILE *out, struct curve *curve, const struct ranking *ranking, const struct truth *truth)
{
    struct sweep sweep = {.ranking = ranking, .truth = truth};
    struct set_quality quality, last = {0};
    struct thin_curve points;
    bool last_written = true;
    float key;
    thin_curve_begin(&points, out, column_width, tolerance);
    while (sweep_next(&sweep, &key, &quality)) {
        bool gain = quality.hits > last.hits;
        if (gain && !last_written)
            add_point(&points, &last);
        if (gain)
            add_point(&points, &quality);
        last_written = gain;
        last = quality;
        if (quality.precision >= wanted_precision)
            curve->best_hits = quality.hits;
    }
    thin_curve_end(&points);
}

/* Writes the data block $curve<number>. */
static int write_curve(FILE *out, struct curve *curve, size_t number, const struct truth *truth)
{
    struct ranking ranking = {0};
    float *keys;
    int status = memory_allocate(&keys, truth->samples, sizeof *keys, "the ranking");
    if (status != 0)
        return status;
    score_keys(curve->score, keys, truth->samples);
    if ((status = ranking_create(&ranking, keys, truth->samples)) == 0) {
        fprintf(out, "$curve%zu << EOD\n", number);
        write_points(out, curve, &ranking, truth);
        fputs("EOD\n", out);
        curve->average_precision = rank_quality_of(&ranking, truth).average_precision;
    }
    ranking_destroy(&ranking);
    free(keys);
    return status;
}

static void make_title(char *title, size_t room, const struct analysis *analysis, const struct curve *curves,
                       size_t count, const struct truth *truth)
{
    const struct curve *most = &curves[0], *best = &curves[0];
    for (size_t i = 1; i < count; i++) {
        most = curves[i].best_hits > most->best_hits ? &curves[i] : most;
        best = curves[i].average_precision > best->average_precision ? &curves[i] : best;
    }
    if (most->best_hits > 0)
        snprintf(title, room, "%zu of %zu mislabelled %s found at %.0f%% precision by %s", most->best_hits,
                 truth->count, house_style_noun(analysis), 100 * wanted_precision, most->score->name);
    else
        snprintf(title, room, "No threshold reaches %.0f%% precision; the best ranking is by %s",
                 100 * wanted_precision, best->score->name);
}

static void write_plot(FILE *out, const struct curve *curves, size_t count)
{
    fputs("set xlabel 'recall: share of the mislabelled that is flagged' font ',14'\n"
          "set ylabel 'precision: share of the flagged that is mislabelled' font ',14'\n"
          "set xrange [0:100]\n"
          "set yrange [0:102]\n"
          "set xtics 0, 20, 100\n"
          "set ytics 0, 20, 100\n"
          "set format x '%g%%'\n"
          "set format y '%g%%'\n"
          "set rmargin at screen 0.63\n"
          "set key at screen 0.64, 0.81 left top vertical Left reverse samplen 2 spacing 1.5 font ',14'\n"
          "plot ",
          out);
    for (size_t i = 0; i < count; i++) {
        char text[128];
        snprintf(text, sizeof text, "%.80s, AP %.3f", curves[i].score->name, curves[i].average_precision);
        fprintf(out, "%s$curve%zu using 1:2 with lines linetype %zu title ", i > 0 ? ", \\\n     " : "", i + 1,
                i + 1);
        house_style_quote(out, text);
    }
    fputs("\n", out);
}

int precision_recall_chart(FILE *out, struct chart *chart)
{
    struct analysis *analysis = chart->log;
    struct truth truth = {0};
    struct curve curves[HOUSE_COLOURS] = {0};
    size_t count = 0, bytes = 0;
    char *data = NULL, title[256];
    FILE *blocks = NULL;

    int status = truth_create(&truth, analysis->run, analysis->path);
    if (status == 0 && truth.count == 0)
        status = tidy_fail("%s: no label is wrong, so there is no recall to draw", analysis->path);
    if (status == 0)
        status = analysis_choose(analysis, chart->scores);
    if (status == 0 && (count = analysis->scores.count) > HOUSE_COLOURS)
        status = tidy_fail_usage("--score: a chart has room for %d scores, not %zu", HOUSE_COLOURS, count);
    if (status == 0)
        status = analysis_replay(analysis, NULL);
    if (status != 0)
        goto end;

    /* The title is known after the curves, and stands before them. */
    if ((blocks = open_memstream(&data, &bytes)) == NULL) {
        status = tidy_fail_memory("a chart", 1);
        goto end;
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        curves[i].score = &analysis->scores.scores[i];
        status = write_curve(blocks, &curves[i], i + 1, &truth);
    }
    if (fclose(blocks) != 0 && status == 0)
        status = tidy_fail_memory("a chart", bytes);
    if (status != 0)
        goto end;
    make_title(title, sizeof title, analysis, curves, count, &truth);
    house_style_begin(out, chart, title, "Every threshold of each score; AP: average precision.");
    fwrite(data, 1, bytes, out);
    write_plot(out, curves, count);
end:
    free(data);
    truth_destroy(&truth);
    return status;
}
