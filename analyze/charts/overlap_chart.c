/* plot overlap: how far scores, or the same scores of several runs, agree in what they flag. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/agreement.h"
#include "analyze/charts/charts.h"
#include "analyze/charts/heat_map.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/text_layout.h"
#include "analyze/evaluation.h"
#include "analyze/verdict.h"
#include "common/error.h"
#include "common/memory.h"

enum { MOST_JUDGES = 10, NAME_BYTES = 128 };

/* The panels, in pixels of 1280 x 720. */
enum {
    MAP_LEFT = 30,
    MAP_RIGHT = 735,
    MAP_BOTTOM = 66,
    MAP_TOP = 578,
    BARS_LEFT = 880,
    BARS_RIGHT = 1240,
    BARS_BOTTOM = 130
};
enum { COUNT_FONT = 14, SHARE_FONT = 12, SMALLEST_FONT = 9 };

/* One score of one log. */
struct judge {
    struct verdict verdict;
    struct analysis *log;
    char name[NAME_BYTES];
};

/* Samples that so many judges flag. */
struct votes {
    size_t samples, mislabelled;
};

struct overlap {
    const struct chart *chart;
    struct threshold_list rules; /* one */
    struct truth truth;          /* of the first log, where it is known */
    struct judge judges[MOST_JUDGES];
    size_t count;
    struct rank_correlation ranks[MOST_JUDGES][MOST_JUDGES]; /* of the first with a later one, as are these */
    struct set_overlap sets[MOST_JUDGES][MOST_JUDGES];
    struct votes votes[MOST_JUDGES + 1];
};

/* ---- figures --------------------------------------------------------------------------------------------- */

/* The file's name where there are several, and the score's where there are several of these. */
static void name_judge(struct judge *judge, const struct chart *chart, const struct score *score)
{
    const char *path = house_style_file_name(judge->log->path);
    if (chart->request->path_count == 1)
        snprintf(judge->name, NAME_BYTES, "%s", score->name);
    else if (judge->log->scores.count == 1)
        snprintf(judge->name, NAME_BYTES, "%s", path);
    else
        snprintf(judge->name, NAME_BYTES, "%.60s, %.60s", path, score->name);
}

static int add_judge(struct overlap *overlap, struct analysis *log, const struct score *score)
{
    struct judge *judge = &overlap->judges[overlap->count++];
    judge->log = log;
    name_judge(judge, overlap->chart, score);
    int status = verdict_create(&judge->verdict, log->run->samples, 1);
    return status != 0 ? status : verdict_set(&judge->verdict, &overlap->rules, log, score);
}

static int add_judges(struct overlap *overlap)
{
    int status = 0;
    for (size_t l = 0; l < overlap->chart->request->path_count; l++)
        for (size_t s = 0; s < overlap->chart->logs[l].scores.count && status == 0; s++) {
            struct analysis *log = &overlap->chart->logs[l];
            status = add_judge(overlap, log, &log->scores.scores[s]);
        }
    return status;
}

static int compare_judges(struct overlap *overlap)
{
    const size_t samples = overlap->chart->log->run->samples;
    int status = 0;
    for (size_t i = 0; i < overlap->count; i++)
        for (size_t j = i + 1; j < overlap->count && status == 0; j++) {
            const struct verdict *a = &overlap->judges[i].verdict, *b = &overlap->judges[j].verdict;
            status = rank_correlation_of(&overlap->ranks[i][j], a->keys, b->keys, samples);
            overlap->sets[i][j] = set_overlap_of(a->flagged[0], b->flagged[0], samples);
        }
    return status;
}

static void count_votes(struct overlap *overlap)
{
    for (size_t sample = 0; sample < overlap->chart->log->run->samples; sample++) {
        size_t votes = 0;
        for (size_t i = 0; i < overlap->count; i++)
            votes += overlap->judges[i].verdict.flagged[0][sample];
        overlap->votes[votes].samples++;
        overlap->votes[votes].mislabelled += overlap->truth.count > 0 && overlap->truth.mislabelled[sample];
    }
}

/* ---- texts ----------------------------------------------------------------------------------------------- */

static const char *noun_of(const struct overlap *overlap)
{
    return overlap->chart->request->path_count == 1 ? "scores"
           : overlap->chart->log->scores.count == 1 ? "runs"
                                                    : "rankings";
}

static double percent_mislabelled(const struct votes *votes)
{
    return 100 * (double)votes->mislabelled / (double)votes->samples;
}

static void make_title(char *title, size_t room, const struct overlap *overlap)
{
    const struct votes *all = &overlap->votes[overlap->count], *one = &overlap->votes[1];
    const size_t flagged = overlap->chart->log->run->samples - overlap->votes[0].samples;
    const char *images = house_style_noun(overlap->chart->log), *noun = noun_of(overlap);
    char who[32], some[COUNT_TEXT], any[COUNT_TEXT], of_all[PERCENT_TEXT], of_one[PERCENT_TEXT];
    if (overlap->count == 2)
        strcpy(who, "both");
    else
        snprintf(who, sizeof who, "all %zu", overlap->count);
    house_style_count(any, flagged);
    if (all->samples == 0)
        snprintf(title, room, "Of the %s %s that are flagged, %s %s flag none", any, images, who, noun);
    else if (overlap->truth.count > 0 && one->samples > 0)
        snprintf(title, room, "Flagged by %s %s: %s are mislabelled; by one alone: %s", who, noun,
                 house_style_percent(of_all, percent_mislabelled(all), 0),
                 house_style_percent(of_one, percent_mislabelled(one), 0));
    else if (overlap->truth.count > 0)
        snprintf(title, room, "Flagged by %s %s: %s are mislabelled", who, noun,
                 house_style_percent(of_all, percent_mislabelled(all), 0));
    else
        snprintf(title, room, "Of the %s %s that are flagged, %s %s flag %s", any, images, who, noun,
                 house_style_count(some, all->samples));
}

static void make_caption(char *caption, size_t room, const struct overlap *overlap)
{
    const struct chart *chart = overlap->chart;
    if (chart->request->path_count > 1 && chart->log->scores.count == 1)
        snprintf(caption, room, "Flagged: by %.60s of %.60s.", overlap->rules.rules[0].text,
                 chart->log->scores.scores[0].name);
    else
        snprintf(caption, room, "Flagged: by %.60s of each score.", overlap->rules.rules[0].text);
}

/* ---- panels ---------------------------------------------------------------------------------------------- */

static void fill_cell(struct heat_cell *cell, double value)
{
    cell->shade = isnan(value) ? NAN : fmax(value, 0);
    if (isnan(value))
        strcpy(cell->text, "-");
    else
        snprintf(cell->text, HEAT_TEXT, "%.2f", value);
}

/* How many each flags on the diagonal. */
static void fill_cells(struct heat_cell *cells, const struct overlap *overlap)
{
    const size_t side = overlap->count, samples = overlap->chart->log->run->samples;
    for (size_t i = 0; i < side; i++) {
        struct heat_cell *own = &cells[i * side + i];
        size_t flagged = 0;
        char digits[COUNT_TEXT];
        for (size_t sample = 0; sample < samples; sample++)
            flagged += overlap->judges[i].verdict.flagged[0][sample];
        own->shade = NAN;
        snprintf(own->text, HEAT_TEXT, "%s", house_style_count(digits, flagged));
        for (size_t j = i + 1; j < side; j++) {
            fill_cell(&cells[i * side + j], overlap->ranks[i][j].rho);
            fill_cell(&cells[j * side + i], overlap->sets[i][j].jaccard);
        }
    }
}

static void write_heading(FILE *out, int left, int y, const char *text)
{
    fputs("set label ", out);
    house_style_quote(out, text);
    fprintf(out, " at screen %.4f, %.4f left font ',13' textcolor rgb ink\n", left / 1280.0, y / 720.0);
}

static void write_map(FILE *out, const struct overlap *overlap, struct heat_cell *cells)
{
    const char *names[MOST_JUDGES];
    for (size_t i = 0; i < overlap->count; i++)
        names[i] = overlap->judges[i].name;
    const struct heat_map map = {.side = overlap->count,
                                 .cells = cells,
                                 .names = names,
                                 .left = MAP_LEFT,
                                 .right = MAP_RIGHT,
                                 .bottom = MAP_BOTTOM,
                                 .top = MAP_TOP,
                                 .most_name = 300};
    write_heading(out, 40, 628, "above the diagonal: rank correlation (Spearman); on it: flagged");
    write_heading(out, 40, 602, "below: flagged by both, as a share of what either flags (Jaccard)");
    heat_map_write(out, &map, overlap->chart->request->theme);
}

/* The bars' panel. */
struct bars {
    size_t most;                /* samples of the highest */
    int count_font, share_font; /* of the texts on them */
    const char *word;           /* that follows a share, where there is room */
};

/* The largest font in which a text fits on a bar. */
static int fitting_font(const char *text, double bar, int largest)
{
    int font = largest;
    while (font > SMALLEST_FONT && text_width(text, font) > bar)
        font--;
    return font;
}

static struct bars lay_out_bars(const struct overlap *overlap)
{
    const double bar = 0.95 * (BARS_RIGHT - BARS_LEFT) / (double)overlap->count;
    struct bars bars = {.word = text_width("99.9% wrong", SHARE_FONT) < bar ? " wrong" : ""};
    char digits[COUNT_TEXT];
    for (size_t i = 1; i <= overlap->count; i++)
        bars.most = overlap->votes[i].samples > bars.most ? overlap->votes[i].samples : bars.most;
    bars.count_font = fitting_font(house_style_count(digits, bars.most), bar, COUNT_FONT);
    bars.share_font = fitting_font("99.9%", bar, SHARE_FONT);
    return bars;
}

static void write_votes(FILE *out, const struct overlap *overlap, const struct bars *bars)
{
    fprintf(out, "$votes << EOD\n# %s\tright label\tmislabelled\tall\tshare mislabelled\n", noun_of(overlap));
    for (size_t i = 1; i <= overlap->count; i++) {
        const struct votes *votes = &overlap->votes[i];
        char digits[COUNT_TEXT], share[PERCENT_TEXT];
        fprintf(out, "%zu\t%zu\t%zu\t%s\t", i, votes->samples - votes->mislabelled, votes->mislabelled,
                house_style_count(digits, votes->samples));
        if (overlap->truth.count > 0 && votes->samples > 0)
            fprintf(out, "%s%s", house_style_percent(share, percent_mislabelled(votes), 0), bars->word);
        fputs("\n", out);
    }
    fputs("EOD\n", out);
}

static void write_bars(FILE *out, const struct overlap *overlap)
{
    const bool has_truth = overlap->truth.count > 0;
    const struct bars bars = lay_out_bars(overlap);
    const double height = 1.16 * (double)bars.most; /* with the texts on the highest */
    write_votes(out, overlap, &bars);
    fprintf(out,
            "unset label\n"
            "set lmargin at screen %.4f\n"
            "set rmargin at screen %.4f\n"
            "set bmargin at screen %.4f\n"
            "set tmargin at screen %.4f\n"
            "set border 3 linecolor rgb faint\n"
            "set xrange [0.4:%zu.6]\n"
            "set yrange [0:%g]\n"
            "unset xtics\n"
            "unset ytics\n"
            "set xtics 1, 1, %zu nomirror scale 0 norotate center font ',14' textcolor rgb axis\n"
            "set ytics 0, %g nomirror out scale 0.5 font ',14' textcolor rgb axis\n"
            "set xlabel 'flagged by so many %s' font ',14'\n"
            "set ylabel '%s' font ',14'\n"
            "set boxwidth 0.8\n",
            BARS_LEFT / 1280.0, BARS_RIGHT / 1280.0, BARS_BOTTOM / 720.0, MAP_TOP / 720.0, overlap->count, height,
            overlap->count, house_style_step(height, 6, true), noun_of(overlap),
            house_style_noun(overlap->chart->log));
    fputs(has_truth
              ? "set key at screen 0.69, 0.895 left top vertical Left reverse samplen 2 width 1 font ',14'\n"
                "plot $votes using 1:($2 + $3) with boxes fillstyle solid 0.35 noborder linetype 1 title 'right "
                "label', \\\n"
                "     $votes using 1:3 with boxes fillstyle solid noborder linetype 2 title 'mislabelled'"
              : "unset key\n"
                "plot $votes using 1:($2 + $3) with boxes fillstyle solid 0.35 noborder linetype 1",
          out);
    fprintf(out, ", \\\n     $votes using 1:($2 + $3):4 with labels font ',%d' textcolor rgb ink offset 0, %g",
            bars.count_font, has_truth ? 1.6 : 0.7);
    if (has_truth)
        fprintf(out,
                ", \\\n     $votes using 1:($2 + $3):5 with labels font ',%d' textcolor rgb axis offset 0, 0.6",
                bars.share_font);
    fputs("\n", out);
}

/* ---- all of it ------------------------------------------------------------------------------------------- */

static int prepare(struct overlap *overlap)
{
    const struct chart *chart = overlap->chart;
    const size_t logs = chart->request->path_count;
    size_t judges = 0;
    int status = threshold_list_parse(&overlap->rules, chart->rules, NULL);
    if (status == 0 && (overlap->rules.count > 1 || threshold_ignores_score(&overlap->rules.rules[0])))
        status = tidy_fail_usage("plot overlap: --threshold '%s' is not one rule that cuts scores, as top:0.01 is",
                                 chart->rules);
    for (size_t l = 0; l < logs && status == 0; l++) {
        struct analysis *log = &chart->logs[l];
        status = analysis_check_same_samples(log, chart->log);
        if (status == 0)
            status = analysis_choose(log, chart->scores);
        if (status == 0)
            status = threshold_list_announce(&overlap->rules, log);
        judges += log->scores.count;
    }
    if (status == 0 && (judges < 2 || judges > MOST_JUDGES))
        status = tidy_fail_usage("plot overlap: it has room for 2 to %d scores of all logs, not %zu", MOST_JUDGES,
                                 judges);
    for (size_t l = 0; l < logs && status == 0; l++)
        status = analysis_replay(&chart->logs[l], NULL);
    if (status == 0 && chart->log->run->truth != NULL)
        status = truth_create(&overlap->truth, chart->log->run, chart->log->path);
    return status;
}

static int draw(FILE *out, const struct overlap *overlap)
{
    struct heat_cell *cells;
    char title[256], caption[256];
    int status = memory_allocate(&cells, overlap->count * overlap->count, sizeof *cells, "a chart");
    if (status != 0)
        return status;
    fill_cells(cells, overlap);
    make_title(title, sizeof title, overlap);
    make_caption(caption, sizeof caption, overlap);
    house_style_begin(out, overlap->chart, title, caption);
    fputs("set multiplot\n", out);
    write_map(out, overlap, cells);
    write_bars(out, overlap);
    fputs("unset multiplot\n", out);
    free(cells);
    return 0;
}

int overlap_chart(FILE *out, struct chart *chart)
{
    struct overlap *overlap;
    int status = memory_allocate(&overlap, 1, sizeof *overlap, "a chart");
    if (status != 0)
        return status;
    overlap->chart = chart;
    status = prepare(overlap);
    if (status == 0)
        status = add_judges(overlap);
    if (status == 0)
        status = compare_judges(overlap);
    if (status == 0)
        count_votes(overlap);
    if (status == 0 && overlap->votes[0].samples == chart->log->run->samples)
        status = tidy_fail("%s: no score flags anything by %s, so there is no overlap to draw; another --threshold "
                           "may flag more",
                           chart->log->path, chart->rules);
    if (status == 0)
        status = draw(out, overlap);
    for (size_t i = 0; i < overlap->count; i++)
        verdict_destroy(&overlap->judges[i].verdict);
    threshold_list_destroy(&overlap->rules);
    truth_destroy(&overlap->truth);
    free(overlap);
    return status;
}
