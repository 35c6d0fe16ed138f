/* plot map: the data map of Swayamdipta et al. 2020, "Dataset Cartography: Mapping and Diagnosing Datasets with
 * Training Dynamics" (EMNLP): variability against confidence, coloured by correctness.
 *
 * Many samples are binned to a lattice of hexagons, each drawn as a disc: its width grows with the logarithm of how
 * many they are, its colour is their mean correctness. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/charts.h"
#include "analyze/charts/house_style.h"
#include "analyze/evaluation.h"
#include "analyze/ranking.h"
#include "analyze/thresholds.h"
#include "common/error.h"
#include "common/memory.h"

static const char scores[] = "confidence,variability,correctness";
enum { CONFIDENCE, VARIABILITY, CORRECTNESS };

/* What is called the hardest to learn in the title: the tenth of the least confidence. */
static const char hardest[] = "top:0.1";

/* The axes: a deviation of numbers from 0 to 1 is at most 0.5, and right of that is room for a name. */
static const double least_x = -0.012, most_x = 0.55, least_y = -0.02, most_y = 1.02;

/* The places of the picture, 1280 x 720 pixels, as shares of it. */
enum {
    WIDTH = 1280,
    HEIGHT = 720,
    SPACING = 13 /* of discs, in pixels */,
    MOST_POINTS = 1000 /* drawn one by one */
};
static const double left = 0.105, right = 0.83, gap = 0.035, bottom = 0.18, top = 0.8;

/* Samples of one kind, in a plot of their own. */
struct group {
    const char *name;
    uint64_t samples;
    struct cell {
        uint64_t samples;
        double correctness; /* sum */
    } * cells;              /* [rows][columns] */
};

struct map {
    struct analysis *analysis;
    struct truth truth;     /* empty where it is not known */
    struct group groups[2]; /* the second: the mislabelled */
    size_t group_count;
    double plot_width; /* share of the picture that one plot is wide */
    double step_x, step_y;
    size_t rows, columns;
    uint64_t most;     /* samples in a cell */
    uint64_t unscored; /* never presented */
    uint64_t half;     /* predicted right in less than half of the epochs */
    double epochs;     /* the most that a sample can be predicted right in */
};

static double value(const struct map *map, int score, size_t sample)
{
    return score_value(&map->analysis->scores.scores[score], sample);
}

/* ---- the lattice ---------------------------------------------------------------------------------------- */

/* Odd rows are shifted by half a step. */
static double column_x(const struct map *map, size_t row, size_t column)
{
    return ((double)column + (row % 2 != 0 ? 0.5 : 0)) * map->step_x;
}

/* The hexagon that a point lies in is that of the nearest centre, which is in one of the two rows around it. */
static size_t cell_at(const struct map *map, double x, double y)
{
    size_t below = (size_t)(y / map->step_y), best = 0;
    double least = INFINITY;
    for (size_t row = below; row <= below + 1; row++) {
        double shift = row % 2 != 0 ? 0.5 : 0;
        size_t column = (size_t)fmax(round(x / map->step_x - shift), 0);
        double across = (x - column_x(map, row, column)) / map->step_x;
        double up = (y - (double)row * map->step_y) / map->step_y * sqrt(0.75); /* in steps across */
        if (across * across + up * up >= least)
            continue;
        least = across * across + up * up;
        best = row * map->columns + column;
    }
    return best;
}

static int make_lattice(struct map *map)
{
    int status = 0;
    map->plot_width = (right - left - gap * (double)(map->group_count - 1)) / (double)map->group_count;
    map->step_x = SPACING / (map->plot_width * WIDTH) * (most_x - least_x);
    map->step_y = sqrt(0.75) * SPACING / ((top - bottom) * HEIGHT) * (most_y - least_y);
    map->columns = (size_t)(0.5 / map->step_x) + 3;
    map->rows = (size_t)(1 / map->step_y) + 3;
    for (size_t g = 0; g < map->group_count && status == 0; g++)
        status = memory_allocate(&map->groups[g].cells, map->rows * map->columns, sizeof *map->groups[g].cells,
                                 "a chart");
    return status;
}

static size_t group_of(const struct map *map, size_t sample)
{
    return map->group_count > 1 && map->truth.mislabelled[sample];
}

static int bin(struct map *map)
{
    int status = make_lattice(map);
    for (size_t i = 0; i < map->analysis->run->samples && status == 0; i++) {
        struct group *group = &map->groups[group_of(map, i)];
        double confidence = value(map, CONFIDENCE, i), correctness = value(map, CORRECTNESS, i);
        if (isnan(confidence)) {
            map->unscored++;
            continue;
        }
        struct cell *cell = &group->cells[cell_at(map, value(map, VARIABILITY, i), confidence)];
        group->samples++;
        cell->samples++;
        cell->correctness += correctness;
        map->most = cell->samples > map->most ? cell->samples : map->most;
        map->epochs = fmax(map->epochs, correctness);
        map->half += correctness < 0.5 * (double)(map->analysis->window.end - map->analysis->window.first);
    }
    map->epochs = fmax(map->epochs, (double)(map->analysis->window.end - map->analysis->window.first));
    return status;
}

/* ---- the script ------------------------------------------------------------------------------------------ */

/* Columns: variability, confidence, mean correctness, samples. */
static void write_data(FILE *out, const struct map *map, size_t g)
{
    const struct group *group = &map->groups[g];
    fprintf(out, "$samples%zu << EOD\n# variability\tconfidence\tepochs predicted right\tsamples\n", g + 1);
    for (size_t i = 0; i < map->analysis->run->samples && group->samples <= MOST_POINTS; i++)
        if (group_of(map, i) == g && !isnan(value(map, CONFIDENCE, i)))
            fprintf(out, "%.4g\t%.4g\t%.4g\t1\n", value(map, VARIABILITY, i), value(map, CONFIDENCE, i),
                    value(map, CORRECTNESS, i));
    for (size_t i = 0; i < map->rows * map->columns && group->samples > MOST_POINTS; i++)
        if (group->cells[i].samples > 0)
            fprintf(out, "%.4g\t%.4g\t%.4g\t%" PRIu64 "\n", column_x(map, i / map->columns, i % map->columns),
                    (double)(i / map->columns) * map->step_y,
                    group->cells[i].correctness / (double)group->cells[i].samples, group->cells[i].samples);
    fputs("EOD\n", out);
}

/* What discs of several sizes stand for: powers of ten, four at most. */
static void write_sizes(FILE *out, const struct map *map)
{
    enum { LARGEST = 3 };
    const int last = (int)log10((double)map->most), step = last > LARGEST ? (last + LARGEST - 1) / LARGEST : 1;
    const char *noun = house_style_noun(map->analysis);
    double height = 0.33;
    fprintf(out, "set label 10 '%s in a disc' at screen 0.855, 0.39 left font ',13' textcolor rgb ink\n", noun);
    for (int power = 0; power <= last; power += step, height -= 0.047) {
        char count[COUNT_TEXT];
        uint64_t samples = (uint64_t)pow(10, power);
        fprintf(out,
                "set label %d '%s' at screen 0.868, %.3g left offset 1.5, 0 font ',13' textcolor rgb ink "
                "point pointtype 7 pointsize size(%" PRIu64 ") linecolor rgb axis\n",
                11 + power, house_style_count(count, samples), height, samples);
    }
}

static void write_style(FILE *out, const struct map *map, enum chart_theme theme)
{
    /* Lightness alone tells the order, too; what is hard stands out from the background. */
    static const char *const palettes[] = {
        [CHART_LIGHT] = "0 '#2d0b59', 0.35 '#8c2981', 0.7 '#e75263', 1 '#fb9f6a'",
        [CHART_DARK] = "0 '#fcfdbf', 0.35 '#fe9f6d', 0.7 '#de4968', 1 '#8c2981'",
    };
    fprintf(out,
            "set palette defined (%s)\n"
            "set cbrange [0:%g]\n"
            "set colorbox user origin screen 0.86, 0.47 size screen 0.018, 0.25\n"
            "set cbtics 0, %g font ',13' scale 0\n"
            "set label 9 \"epochs\\npredicted right\" at screen 0.855, 0.785 left font ',13' textcolor rgb ink\n"
            "set xrange [%g:%g]\n"
            "set yrange [%g:%g]\n"
            "set xtics 0, 0.1, 0.5\n"
            "set ytics 0, 0.2, 1\n"
            "size(n) = 0.6 + 1.1 * log(n) / log(%" PRIu64 ")\n"
            "edge(c) = sqrt(c * (1 - c)) # of a mean c, the largest deviation that there can be\n",
            palettes[theme], map->epochs, map->epochs <= 5 ? 1 : ceil(map->epochs / 5), least_x, most_x, least_y,
            most_y, map->most > 1 ? map->most : 2);
    fputs("set parametric\n"
          "set trange [0:1]\n"
          "set samples 200\n",
          out);
}

static void write_plot(FILE *out, const struct map *map, size_t g)
{
    const struct group *group = &map->groups[g];
    double from = left + (double)g * (map->plot_width + gap);
    fprintf(out,
            "set lmargin at screen %.4g\n"
            "set rmargin at screen %.4g\n"
            "set tmargin at screen %.4g\n",
            from, from + map->plot_width, top);
    if (g == 0)
        fputs("set ylabel 'confidence: mean probability of the given label' font ',14'\n", out);
    else
        fputs("unset label\nunset ylabel\nunset colorbox\nset format y ''\n", out);
    fputs("set xlabel 'variability: standard deviation of that probability' font ',14'\n"
          "set label 3 'easy to learn' at first 0.25, 0.97 left font ',14' textcolor rgb faint\n"
          "set label 4 'hard to learn' at first 0.25, 0.03 left font ',14' textcolor rgb faint\n"
          "set label 5 'ambiguous' at first 0.525, 0.5 center rotate by 90 font ',14' textcolor rgb faint\n",
          out);
    char count[COUNT_TEXT];
    if (map->group_count > 1)
        fprintf(out, "set label 6 '%s %s' at graph 0, 1.04 left font ',14' textcolor rgb ink\n",
                house_style_count(count, group->samples), group->name);
    fprintf(
        out,
        "plot edge(t), t with lines linecolor rgb grid linewidth 2, \\\n"
        "     $samples%zu using 1:2:(size($4)):3 with points pointtype 7 pointsize variable linecolor palette\n",
        g + 1);
}

/* Of the mislabelled, the share in the tenth of the least confidence. */
static int share_hardest(double *out, const struct map *map)
{
    const struct score *score = &map->analysis->scores.scores[CONFIDENCE];
    size_t samples = map->analysis->run->samples, count;
    struct ranking ranking = {0};
    struct threshold rule;
    float *keys = NULL;
    bool *flagged = NULL;
    int status = memory_allocate(&keys, samples, sizeof *keys, "the ranking");
    if (status == 0)
        status = memory_allocate(&flagged, samples, sizeof *flagged, "a chart");
    if (status == 0)
        status = threshold_parse(&rule, hardest);
    if (status == 0) {
        score_keys(score, keys, samples);
        status = ranking_create(&ranking, keys, samples);
    }
    if (status == 0)
        status = threshold_apply(&rule, map->analysis, score, &ranking, flagged, &count);
    if (status == 0)
        *out = set_quality_of_flags(flagged, &map->truth).recall;
    ranking_destroy(&ranking);
    free(flagged);
    free(keys);
    return status;
}

static int write_script(FILE *out, const struct chart *chart, const struct map *map)
{
    const char *noun = house_style_noun(map->analysis);
    uint64_t drawn = map->groups[0].samples + map->groups[1].samples;
    char title[256], rule[256] = "Data map of Swayamdipta et al. 2020.";
    char percent[PERCENT_TEXT];
    double share = 0;
    int status = map->group_count > 1 ? share_hardest(&share, map) : 0;
    if (status != 0)
        return status;
    if (map->group_count > 1)
        snprintf(title, sizeof title, "%s of the mislabelled %s lie in the tenth hardest to learn",
                 house_style_percent(percent, 100 * share, 0), noun);
    else
        snprintf(title, sizeof title, "%.1f%% of the %s were predicted right in less than half of the epochs",
                 100 * (double)map->half / (double)drawn, noun);
    if (map->unscored > 0)
        snprintf(rule, sizeof rule,
                 "Data map of Swayamdipta et al. 2020; %" PRIu64 " without a score are left out.", map->unscored);
    house_style_begin(out, chart, title, rule);
    for (size_t g = 0; g < map->group_count; g++)
        write_data(out, map, g);
    write_style(out, map, chart->request->theme);
    if (map->groups[0].samples > MOST_POINTS || map->groups[1].samples > MOST_POINTS)
        write_sizes(out, map);
    fputs("set multiplot\n", out);
    for (size_t g = 0; g < map->group_count; g++)
        write_plot(out, map, g);
    fputs("unset multiplot\n", out);
    return 0;
}

int map_chart(FILE *out, struct chart *chart)
{
    struct analysis *analysis = chart->log;
    struct map map = {
        .analysis = analysis, .groups = {{"with the right label"}, {"mislabelled"}}, .group_count = 1};
    int status = 0;
    if (analysis->run->detail < TIDYLOG_MARGIN)
        return tidy_fail("%s: a data map needs probabilities, and this log was recorded with --detail class; 'plot "
                         "forgetting' shows what it knows, 'tidy-record train --detail margin' records more",
                         analysis->path);
    if (analysis->run->truth != NULL)
        status = truth_create(&map.truth, analysis->run, analysis->path);
    if (map.truth.count > 0)
        map.group_count = 2;
    if (status == 0)
        status = analysis_choose(analysis, scores);
    if (status == 0)
        status = analysis_replay(analysis, NULL);
    if (status == 0)
        status = bin(&map);
    if (status == 0 && map.most == 0)
        status = tidy_fail("%s: no sample was presented in these epochs, so there is no map", analysis->path);
    if (status == 0)
        status = write_script(out, chart, &map);
    free(map.groups[0].cells);
    free(map.groups[1].cells);
    truth_destroy(&map.truth);
    return status;
}
