/* plot pr: precision against recall, a curve a score and a mark a rule. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/charts.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/label_places.h"
#include "analyze/charts/text_layout.h"
#include "analyze/charts/thin_curve.h"
#include "analyze/evaluation.h"
#include "analyze/threshold_list.h"
#include "common/error.h"
#include "common/memory.h"

/* What a title tells: the most hits at a precision that a person would still check by hand. */
static const double wanted_precision = 0.9;

/* What the eye can tell apart, in percent: of the chart's 800 x 500 pixels a column is less than half of one wide,
 * and the tolerance is a tenth of one high. */
static const double column_width = 0.05, tolerance = 0.02;

/* The axes, in pixels but for the right end, which leaves room for the table of scores, and their ends, in
 * percent. */
static const struct box axes = {115, 130, 0, 630};
static const double most_recall = 100, most_precision = 102;

/* The table, in pixels: a line's sample, then text; and the names of lines of equal F1 between it and the axes. */
enum { TABLE_TOP = 618, TABLE_STEP = 56, TABLE_SAMPLE = 46, TABLE_GAP = 12, TABLE_MARGIN = 20, EQUAL_NAMES = 72 };
enum {
    NAME_FONT = 14,
    FIGURES_FONT = 12,
    MARK_FONT = 13,
    MARK_SIZE = 20,
    SAME_PLACE = 3,
    NO_CURVE = HOUSE_COLOURS
};

struct curve {
    const struct score *score;
    struct rank_quality ranks;
    size_t best_hits; /* most hits of a threshold with the wanted precision; 0: none has it */
    size_t points;    /* thresholds */
    size_t place;     /* among all curves by average precision: its linetype is one more */
    char *data;
    size_t bytes;
};

/* What a rule flags. */
struct mark {
    const char *rule;
    size_t curve; /* NO_CURVE: the rule ignores scores */
    struct set_quality quality;
};

struct picture {
    struct analysis *analysis;
    struct truth truth;
    struct threshold_list rules;
    struct curve curves[HOUSE_COLOURS];
    size_t count;
    struct mark *marks;
    size_t mark_count, mark_capacity;
    struct label_places *places; /* its area is the axes */
    double text_left;            /* of the table */
    float *keys;
    bool *flagged;
};

static double pixel_x(const struct label_places *places, double recall)
{
    return places->area.left + (places->area.right - places->area.left) * 100 * recall / most_recall;
}

static double pixel_y(const struct label_places *places, double precision)
{
    return places->area.bottom + (places->area.top - places->area.bottom) * 100 * precision / most_precision;
}

/* ---- curves and marks ------------------------------------------------------------------------------------ */

struct drawing {
    struct thin_curve thin;
    struct label_places *places;
    double x, y; /* pixels of the point before */
    size_t points;
};

static void add_point(struct drawing *drawing, const struct set_quality *quality)
{
    double x = pixel_x(drawing->places, quality->recall), y = pixel_y(drawing->places, quality->precision);
    thin_curve_add(&drawing->thin, 100 * quality->recall, 100 * quality->precision);
    if (drawing->points++ > 0)
        label_places_take_line(drawing->places, drawing->x, drawing->y, x, y);
    drawing->x = x;
    drawing->y = y;
}

/* Points where hits are won, and those just before: what lies between has the same recall, and so has what comes
 * after the last. Of them, those that show. */
static void draw_curve(FILE *out, struct picture *picture, struct curve *curve, const struct ranking *ranking)
{
    struct sweep sweep = {.ranking = ranking, .truth = &picture->truth};
    struct set_quality quality, last = {0};
    struct drawing drawing = {.places = picture->places};
    bool last_written = true;
    float key;
    thin_curve_begin(&drawing.thin, out, column_width, tolerance);
    while (sweep_next(&sweep, &key, &quality)) {
        bool gain = quality.hits > last.hits;
        if (gain && !last_written)
            add_point(&drawing, &last);
        if (gain)
            add_point(&drawing, &quality);
        last_written = gain;
        last = quality;
        if (quality.precision >= wanted_precision)
            curve->best_hits = quality.hits;
    }
    thin_curve_end(&drawing.thin);
    curve->points = drawing.points;
}

static int add_mark(struct picture *picture, const struct threshold *rule, size_t curve,
                    const struct ranking *ranking)
{
    size_t flagged;
    int status =
        threshold_apply(rule, picture->analysis, picture->curves[curve].score, ranking, picture->flagged, &flagged);
    if (status == 0)
        status = memory_grow(&picture->marks, &picture->mark_capacity, picture->mark_count + 1,
                             sizeof *picture->marks, "a chart");
    if (status != 0 || flagged == 0)
        return status;
    picture->marks[picture->mark_count++] =
        (struct mark){rule->text, threshold_ignores_score(rule) ? NO_CURVE : curve,
                      set_quality_of_flags(picture->flagged, &picture->truth)};
    return 0;
}

/* The marks of one curve; those of rules that ignore scores come with the first. */
static int add_marks(struct picture *picture, size_t curve, const struct ranking *ranking)
{
    int status = 0;
    for (size_t i = 0; i < picture->rules.count && status == 0; i++) {
        const struct threshold *rule = &picture->rules.rules[i];
        if (threshold_suits(rule, picture->curves[curve].score) && (curve == 0 || !threshold_ignores_score(rule)))
            status = add_mark(picture, rule, curve, ranking);
    }
    return status;
}

static int make_curve(struct picture *picture, size_t number)
{
    struct curve *curve = &picture->curves[number];
    struct ranking ranking = {0};
    size_t samples = picture->truth.samples;
    FILE *out = open_memstream(&curve->data, &curve->bytes);
    if (out == NULL)
        return tidy_fail_memory("a chart", 1);
    curve->score = &picture->analysis->scores.scores[number];
    score_keys(curve->score, picture->keys, samples);
    int status = ranking_create(&ranking, picture->keys, samples);
    if (status == 0) {
        draw_curve(out, picture, curve, &ranking);
        curve->ranks = rank_quality_of(&ranking, &picture->truth);
        status = add_marks(picture, number, &ranking);
    }
    ranking_destroy(&ranking);
    if (fclose(out) != 0 && status == 0)
        status = tidy_fail_memory("a chart", curve->bytes);
    return status;
}

/* The best on top, as the curves lie. */
static void place_curves(struct picture *picture)
{
    for (size_t i = 0; i < picture->count; i++)
        for (size_t j = 0; j < picture->count; j++) {
            double other = picture->curves[j].ranks.average_precision,
                   own = picture->curves[i].ranks.average_precision;
            picture->curves[i].place += other > own || (other == own && j < i);
        }
}

/* ---- the script ------------------------------------------------------------------------------------------ */

static void make_title(char *title, size_t room, const struct picture *picture)
{
    const struct curve *most = &picture->curves[0], *best = &picture->curves[0];
    char hits[COUNT_TEXT], all[COUNT_TEXT];
    for (size_t i = 1; i < picture->count; i++) {
        const struct curve *curve = &picture->curves[i];
        most = curve->best_hits > most->best_hits ? curve : most;
        best = curve->ranks.average_precision > best->ranks.average_precision ? curve : best;
    }
    if (most->best_hits > 0)
        snprintf(title, room, "%s of %s mislabelled %s found at %.0f%% precision by %s",
                 house_style_count(hits, most->best_hits), house_style_count(all, picture->truth.count),
                 house_style_noun(picture->analysis), 100 * wanted_precision, most->score->name);
    else
        snprintf(title, room, "No threshold reaches %.0f%% precision; the best ranking is by %s",
                 100 * wanted_precision, best->score->name);
}

/* 0 for the marks of rules that ignore scores. */
static size_t linetype_of_mark(const struct picture *picture, const struct mark *mark)
{
    return mark->curve == NO_CURVE ? 0 : picture->curves[mark->curve].place + 1;
}

/* A block $curve<linetype> for each curve that has points, and $marks. */
static void write_data(FILE *out, const struct picture *picture)
{
    for (size_t i = 0; i < picture->count; i++) {
        const struct curve *curve = &picture->curves[i];
        if (curve->points == 0)
            continue;
        fprintf(out, "$curve%zu << EOD\n# recall\tprecision by %s\n", curve->place + 1, curve->score->name);
        fwrite(curve->data, 1, curve->bytes, out);
        fputs("EOD\n", out);
    }
    fputs("$marks << EOD\n# recall\tprecision\tlinetype\trule\tscore\n", out);
    for (size_t i = 0; i < picture->mark_count; i++) {
        const struct mark *mark = &picture->marks[i];
        fprintf(out, "%.6g\t%.6g\t%zu\t%s\t%s\n", 100 * mark->quality.recall, 100 * mark->quality.precision,
                linetype_of_mark(picture, mark), mark->rule,
                mark->curve == NO_CURVE ? "-" : picture->curves[mark->curve].score->name);
    }
    fputs("EOD\n", out);
}

/* Where several curves meet, one name of a rule says it of all marks there. */
static bool is_named_already(const struct picture *picture, size_t number)
{
    const struct mark *mark = &picture->marks[number];
    for (size_t i = 0; i < number; i++) {
        const struct mark *other = &picture->marks[i];
        double x = pixel_x(picture->places, other->quality.recall) - pixel_x(picture->places, mark->quality.recall);
        double y =
            pixel_y(picture->places, other->quality.precision) - pixel_y(picture->places, mark->quality.precision);
        if (strcmp(mark->rule, other->rule) == 0 && hypot(x, y) < SAME_PLACE)
            return true;
    }
    return false;
}

/* The rules' names beside their marks. */
static void write_names(FILE *out, struct picture *picture)
{
    struct label_places *places = picture->places;
    const double half = MARK_SIZE / 2.0;
    for (size_t i = 0; i < picture->mark_count; i++) {
        const struct set_quality *quality = &picture->marks[i].quality;
        double x = pixel_x(places, quality->recall), y = pixel_y(places, quality->precision);
        label_places_take_box(places, (struct box){x - half, y - half, x + half, y + half});
    }
    for (size_t i = 0; i < picture->mark_count; i++) {
        const struct mark *mark = &picture->marks[i];
        if (!is_named_already(picture, i))
            label_places_write(out, places, pixel_x(places, mark->quality.recall),
                               pixel_y(places, mark->quality.precision), mark->rule, MARK_FONT);
    }
}

/* Gives the table the room that its texts need, and the axes the rest. */
static void divide_width(struct picture *picture)
{
    double width = text_width("AP 0.000, best F1 0.000", FIGURES_FONT);
    for (size_t i = 0; i < picture->count; i++)
        width = fmax(width, text_width(picture->analysis->scores.scores[i].name, NAME_FONT));
    picture->text_left = PICTURE_WIDTH - TABLE_MARGIN - width;
    picture->places->area = axes;
    picture->places->area.right = picture->text_left - TABLE_GAP - TABLE_SAMPLE - EQUAL_NAMES;
}

/* A line and a shape for each score, its name, and what its ranking is worth. */
static void write_table(FILE *out, const struct picture *picture)
{
    double text = picture->text_left / PICTURE_WIDTH, end = (picture->text_left - TABLE_GAP) / PICTURE_WIDTH;
    double begin = end - (double)TABLE_SAMPLE / PICTURE_WIDTH;
    for (size_t i = 0; i < picture->count; i++) {
        const struct curve *curve = &picture->curves[i];
        double y = (TABLE_TOP - (double)curve->place * TABLE_STEP) / PICTURE_HEIGHT;
        fprintf(out,
                "set arrow from screen %.4f, %.4f to screen %.4f, %.4f nohead linetype %zu\n"
                "set label '' at screen %.4f, %.4f point linetype %zu pointsize 1.2\n"
                "set label ",
                begin, y, end, y, curve->place + 1, (begin + end) / 2, y, curve->place + 1);
        house_style_quote(out, curve->score->name);
        fprintf(out,
                " at screen %.4f, %.4f left font ',%d' textcolor rgb ink\n"
                "set label 'AP %.3f, best F1 %.3f' at screen %.4f, %.4f left font ',%d' textcolor rgb axis\n",
                text, y, NAME_FONT, curve->ranks.average_precision, curve->ranks.best_f1, text,
                y - 22.0 / PICTURE_HEIGHT, FIGURES_FONT);
    }
}

static void write_axes(FILE *out, const struct box *area)
{
    fprintf(out,
            "set xlabel 'recall: share of the mislabelled that is flagged' font ',14'\n"
            "set ylabel 'precision: share of the flagged that is mislabelled' font ',14'\n"
            "set xrange [0:%g]\n"
            "set yrange [0:%g]\n"
            "set xtics 0, 20, 100\n"
            "set ytics 0, 20, 100\n"
            "set format x '%%g%%%%'\n"
            "set format y '%%g%%%%'\n"
            "set lmargin at screen %.4f\n"
            "set rmargin at screen %.4f\n"
            "set bmargin at screen %.4f\n"
            "set tmargin at screen %.4f\n"
            "unset grid\n"
            "unset key\n"
            "set samples 1000\n"
            "# the precision that has F1 f at recall r, all in percent\n"
            "equal(r, f) = r > f / 2.0 ? 1.0 * f * r / (2 * r - f) : NaN\n"
            "do for [f = 20:80:20] {\n"
            "    set label sprintf('F1 .%%d', f / 10) at first %g, first equal(100, f) left offset 0.6, 0 "
            "font ',12' textcolor rgb faint\n"
            "}\n",
            most_recall, most_precision, area->left / PICTURE_WIDTH, area->right / PICTURE_WIDTH,
            area->bottom / PICTURE_HEIGHT, area->top / PICTURE_HEIGHT, most_recall);
}

static void write_plot(FILE *out, const struct picture *picture)
{
    size_t marks[HOUSE_COLOURS + 1] = {0}; /* by linetype */
    for (size_t i = 0; i < picture->mark_count; i++)
        marks[linetype_of_mark(picture, &picture->marks[i])]++;
    fputs("plot for [f = 20:80:20] equal(x, f) with lines linecolor rgb faint linewidth 1 dashtype (2,4)", out);
    for (size_t i = 0; i < picture->count; i++)
        if (picture->curves[i].points > 0)
            fprintf(out, ", \\\n     $curve%zu using 1:2 with %s linetype %zu", picture->curves[i].place + 1,
                    picture->curves[i].points == 1 ? "points" : "lines", picture->curves[i].place + 1);
    for (size_t linetype = 1; linetype <= picture->count; linetype++)
        if (marks[linetype] > 0)
            fprintf(out, ", \\\n     $marks using ($3 == %zu ? $1 : NaN):2 with points linetype %zu pointsize 1.2",
                    linetype, linetype);
    if (marks[0] > 0)
        fputs(", \\\n     $marks using ($3 == 0 ? $1 : NaN):2 with points pointtype 3 linecolor rgb ink", out);
    fputs("\n", out);
}

/* ---- all of it ------------------------------------------------------------------------------------------- */

/* A rule that was asked for goes with one of the scores. */
static int check_rules(const struct picture *picture)
{
    const struct score_set *scores = &picture->analysis->scores;
    for (size_t i = 0; i < picture->rules.count; i++) {
        const struct threshold *rule = &picture->rules.rules[i];
        size_t suited = 0;
        for (size_t s = 0; s < scores->count; s++)
            suited += threshold_suits(rule, &scores->scores[s]);
        if (suited == 0)
            return tidy_fail_usage("threshold '%s' goes with --score %s, which is not drawn", rule->text,
                                   rule->score);
    }
    return 0;
}

static int prepare(struct picture *picture, const struct chart *chart)
{
    struct analysis *analysis = picture->analysis;
    int status = truth_create(&picture->truth, analysis->run, analysis->path);
    if (status == 0 && picture->truth.count == 0)
        status = tidy_fail("%s: no label is wrong, so there is no recall to draw", analysis->path);
    if (status == 0)
        status = analysis_choose(analysis, chart->scores);
    picture->count = analysis->scores.count;
    if (status == 0 && picture->count > HOUSE_COLOURS)
        status = tidy_fail_usage("--score: a chart has room for %d scores, not %zu", HOUSE_COLOURS, picture->count);
    if (status == 0)
        status = threshold_list_parse(&picture->rules, chart->rules, analysis);
    if (status == 0 && chart->request->rules != NULL)
        status = check_rules(picture);
    if (status == 0)
        status = threshold_list_announce(&picture->rules, analysis);
    if (status == 0)
        status = analysis_replay(analysis, NULL);
    if (status == 0)
        status = memory_allocate(&picture->keys, analysis->run->samples, sizeof *picture->keys, "the ranking");
    if (status == 0)
        status = memory_allocate(&picture->flagged, analysis->run->samples, sizeof *picture->flagged, "suspects");
    if (status == 0)
        status = memory_allocate(&picture->places, 1, sizeof *picture->places, "a chart");
    if (status == 0)
        divide_width(picture);
    return status;
}

int precision_recall_chart(FILE *out, struct chart *chart)
{
    struct picture picture = {.analysis = chart->log};
    char title[256];
    int status = prepare(&picture, chart);
    for (size_t i = 0; i < picture.count && status == 0; i++)
        status = make_curve(&picture, i);
    if (status == 0) {
        place_curves(&picture);
        make_title(title, sizeof title, &picture);
        house_style_begin(out, chart, title, "AP: average precision; thin lines: equal F1.");
        write_data(out, &picture);
        write_axes(out, &picture.places->area);
        write_names(out, &picture);
        write_table(out, &picture);
        write_plot(out, &picture);
    }
    for (size_t i = 0; i < HOUSE_COLOURS; i++)
        free(picture.curves[i].data);
    free(picture.flagged);
    free(picture.keys);
    free(picture.places);
    free(picture.marks);
    threshold_list_destroy(&picture.rules);
    truth_destroy(&picture.truth);
    return status;
}
