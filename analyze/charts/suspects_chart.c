/* plot suspects: the most suspicious images in a grid, each with its given and its suggested label. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "analyze/charts/chart_images.h"
#include "analyze/charts/charts.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/label_places.h"
#include "analyze/charts/text_layout.h"
#include "analyze/suspects.h"
#include "common/error.h"

/* In pixels of 1280 x 720, y upwards. */
enum {
    LEFT = 30,
    RIGHT = 1250,
    BOTTOM = 72,
    TOP = 640,
    GAP = 10,       /* between cells */
    TEXT_GAP = 4,   /* between an image and the text below it */
    FEW = 24,       /* shown where nobody says how many */
    LEAST_SIDE = 48 /* of an image that has text below it */
};
static const char right_mark[] = "\xe2\x9c\x93", wrong_mark[] = "\xe2\x9c\x97", arrow[] = "\xe2\x86\x92";

/* Texts below an image; the first that leave it large enough are taken. In narrower cells names would be cut. */
static const struct texts {
    int lines, font;
    double line_height, least_width;
} choices[] = {{3, 13, 19, 130}, {3, 11, 17, 110}, {2, 10, 16, 100}, {0, 0, 0, 0}};

struct grid {
    size_t columns, rows;
    double cell_width, cell_height;
    double side; /* of an image's pixel */
    const struct texts *texts;
};

struct suspects_grid {
    const struct chart *chart;
    struct suspects suspects;
    struct images images;
    size_t count;    /* shown: the first of the ranking */
    size_t wrong;    /* of them: their label is not the true one, where that is known */
    double expected; /* sum of what they are listed with */
    struct grid grid;
};

/* ---- the grid --------------------------------------------------------------------------------------------- */

/* The columns that make images largest. Images that are not too small are scaled by whole numbers, so that all
 * their pixels are of one size. */
static struct grid arrange(size_t count, struct chart_images size, const struct texts *texts)
{
    struct grid best = {.texts = texts};
    for (size_t columns = 1; columns <= count; columns++) {
        struct grid grid = {.columns = columns, .rows = (count + columns - 1) / columns, .texts = texts};
        grid.cell_width = (double)(RIGHT - LEFT) / (double)grid.columns;
        grid.cell_height = (double)(TOP - BOTTOM) / (double)grid.rows;
        double below = texts->lines > 0 ? texts->lines * texts->line_height + TEXT_GAP : 0;
        grid.side = fmin((grid.cell_width - GAP) / size.width, (grid.cell_height - GAP - below) / size.height);
        if (grid.side > 2)
            grid.side = floor(grid.side);
        if (grid.side > best.side && grid.cell_width >= texts->least_width)
            best = grid;
    }
    return best;
}

static struct grid choose_grid(size_t count, struct chart_images size)
{
    const uint32_t smaller = size.height < size.width ? size.height : size.width;
    struct grid grid;
    size_t i = 0;
    do
        grid = arrange(count, size, &choices[i]);
    while (grid.side * smaller < LEAST_SIDE && choices[i++].lines > 0);
    return grid;
}

/* ---- texts ------------------------------------------------------------------------------------------------ */

static void write_text(FILE *out, const struct grid *grid, double x, double y, const char *text, const char *colour)
{
    char fitted[256];
    fputs("set label ", out);
    house_style_quote(out, text_fit(fitted, sizeof fitted, text, grid->texts->font, grid->cell_width - TEXT_GAP));
    fprintf(out, " at %g, %g center font ',%d' textcolor %s\n", x, y, grid->texts->font, colour);
}

/* What `flag` lists of a sample, and whether it is right where that is known. */
static void write_texts(FILE *out, const struct suspects_grid *shown, size_t place, double image_height)
{
    const struct grid *grid = &shown->grid;
    const struct analysis *analysis = shown->suspects.analysis;
    const uint16_t *truth = analysis->run->truth;
    const uint32_t sample = shown->suspects.ranking.order[place];
    const uint16_t given = analysis->given[sample], suggested = shown->suspects.suggestions[sample].label;
    char room[CLASS_TEXT], text[256];
    double x = LEFT + grid->cell_width * ((double)(place % grid->columns) + 0.5);
    double y = TOP - grid->cell_height * (double)(place / grid->columns) - image_height - TEXT_GAP -
               grid->texts->line_height / 2;
    write_text(out, grid, x, y, chart_class(shown->chart, given, room), "rgb ink");
    y -= grid->texts->line_height;
    if (suggested == given)
        snprintf(text, sizeof text, "%s no other", arrow);
    else
        snprintf(text, sizeof text, "%s %.200s", arrow, chart_class(shown->chart, suggested, room));
    write_text(out, grid, x, y, text, "rgb ink");
    if (grid->texts->lines < 3)
        return;
    double value = suspects_value(&shown->suspects, sample);
    snprintf(text, sizeof text, score_is_probability(&analysis->scores.scores[0]) ? "%.3f%s%s" : "%.3g%s%s", value,
             truth != NULL ? "  " : "",
             truth == NULL            ? ""
             : truth[sample] != given ? right_mark
                                      : wrong_mark);
    write_text(out, grid, x, y - grid->texts->line_height, text,
               truth == NULL            ? "rgb axis"
               : truth[sample] != given ? "linetype 1"
                                        : "linetype 2");
}

static void make_title(char *title, size_t room, const struct suspects_grid *shown)
{
    const struct analysis *analysis = shown->suspects.analysis;
    const char *noun = house_style_noun(analysis);
    char count[COUNT_TEXT], other[COUNT_TEXT];
    house_style_count(count, shown->count);
    if (shown->count == 1)
        snprintf(title, room, "The most suspicious of %s %s%s", house_style_count(other, analysis->run->samples),
                 noun,
                 analysis->run->truth == NULL ? ""
                 : shown->wrong == 1          ? " is mislabelled"
                                              : " has the right label");
    else if (analysis->run->truth != NULL && shown->wrong == shown->count)
        snprintf(title, room, "All of the %s most suspicious %s are mislabelled", count, noun);
    else if (analysis->run->truth != NULL)
        snprintf(title, room, "Of the %s most suspicious %s %s %s mislabelled", count, noun,
                 house_style_count(other, shown->wrong), shown->wrong == 1 ? "is" : "are");
    else if (score_is_probability(&analysis->scores.scores[0]))
        snprintf(title, room, "Of the %s most suspicious %s %.*f are expected to be mislabelled", count, noun,
                 shown->expected < 100 ? 1 : 0, shown->expected);
    else
        snprintf(title, room, "The %s most suspicious of %s %s", count,
                 house_style_count(other, analysis->run->samples), noun);
}

static void make_caption(char *caption, size_t room, const struct suspects_grid *shown)
{
    const int lines = shown->grid.texts->lines;
    int used = snprintf(caption, room, "By %.60s, from the top left on", shown->suspects.score);
    if (lines >= 2)
        used += snprintf(caption + used, room - (size_t)used, "; given label, %s suggested label%s", arrow,
                         lines >= 3 ? ", score" : "");
    if (lines >= 3 && shown->suspects.analysis->run->truth != NULL)
        used += snprintf(caption + used, room - (size_t)used, "; %s mislabelled, %s labelled right", right_mark,
                         wrong_mark);
    snprintf(caption + used, room - (size_t)used, ".");
}

/* ---- the chart -------------------------------------------------------------------------------------------- */

/* What the grid shows, for who wants it as figures. */
static void write_table(FILE *out, const struct suspects_grid *shown)
{
    const struct analysis *analysis = shown->suspects.analysis;
    const uint16_t *truth = analysis->run->truth;
    fprintf(out, "$suspects << EOD\n# sample\tlabel\tsuggested\t%s%s\n", shown->suspects.score,
            truth != NULL ? "\ttruth" : "");
    for (size_t i = 0; i < shown->count; i++) {
        const uint32_t sample = shown->suspects.ranking.order[i];
        fprintf(out, "%" PRIu32 "\t%u\t%u\t%.6g", sample, (unsigned)analysis->given[sample],
                (unsigned)shown->suspects.suggestions[sample].label, suspects_value(&shown->suspects, sample));
        if (truth != NULL)
            fprintf(out, "\t%u", (unsigned)truth[sample]);
        fputc('\n', out);
    }
    fputs("EOD\n", out);
}

static void draw(FILE *out, struct suspects_grid *shown)
{
    char title[256], caption[256], x[64], y[64];
    const struct dataset *set = &shown->images.set.train;
    struct grid *grid = &shown->grid;
    *grid = choose_grid(shown->count, (struct chart_images){set->height, set->width});
    /* No image has more pixels than it is drawn with; of those left, one stands for several of the screen's. */
    uint32_t larger = set->height > set->width ? set->height : set->width;
    uint32_t pixels = grid->side >= 1 ? larger : (uint32_t)fmax(1, floor(larger * grid->side));
    struct chart_images size = chart_images_size(set, pixels);
    if (grid->side < 1)
        *grid = choose_grid(shown->count, size);

    make_title(title, sizeof title, shown);
    make_caption(caption, sizeof caption, shown);
    house_style_begin(out, shown->chart, title, caption);
    fprintf(out,
            "set lmargin at screen 0\nset rmargin at screen 1\nset bmargin at screen 0\nset tmargin at screen 1\n"
            "set xrange [0:%d]\nset yrange [0:%d]\nunset border\nunset tics\nunset grid\n",
            PICTURE_WIDTH, PICTURE_HEIGHT);
    for (size_t i = 0; i < shown->count && grid->texts->lines > 0; i++)
        write_texts(out, shown, i, grid->side * size.height);
    write_table(out, shown);
    chart_images_write(out, &shown->images, shown->suspects.ranking.order, shown->count, pixels);
    snprintf(x, sizeof x, "%g + %g * (i %% %zu)", LEFT + (grid->cell_width - grid->side * size.width) / 2,
             grid->cell_width, grid->columns);
    snprintf(y, sizeof y, "%d - %g * (i / %zu)", TOP, grid->cell_height, grid->columns);
    fprintf(out, "plot for [i = 0:%zu] ", shown->count - 1);
    chart_images_write_plot(out, "i", x, y, grid->side);
    fputc('\n', out);
}

/* Ranks as `flag` does. The rule only says how many. */
static int find(struct suspects_grid *shown, struct chart *chart)
{
    const struct tidylog_run *run = chart->log->run;
    const uint64_t asked = chart->request->count > 0 ? chart->request->count : FEW;
    char rule[32];
    snprintf(rule, sizeof rule, "count:%" PRIu64, asked < run->samples ? asked : run->samples);
    const struct suspects_request request = {.score = chart->scores, .rule = rule};
    int status = suspects_find(&shown->suspects, chart->log, &request);
    if (status != 0)
        return status;
    const struct ranking *ranking = &shown->suspects.ranking;
    shown->count = asked < ranking->scored ? (size_t)asked : ranking->scored;
    if (shown->count == 0)
        return tidy_fail("%s: no sample has a %s, so none is the most suspicious; another --score may have more",
                         chart->log->path, chart->scores);
    run = chart->log->run;
    for (size_t i = 0; i < shown->count; i++) {
        uint32_t sample = ranking->order[i];
        shown->wrong += run->truth != NULL && run->truth[sample] != chart->log->given[sample];
        shown->expected += suspects_value(&shown->suspects, sample);
    }
    return 0;
}

int suspects_chart(FILE *out, struct chart *chart)
{
    struct suspects_grid shown = {.chart = chart};
    int status = images_open(&shown.images, chart->log->run, chart->request->data, chart->log->path);
    if (status == 0)
        status = find(&shown, chart);
    if (status == 0)
        draw(out, &shown);
    suspects_destroy(&shown.suspects);
    images_close(&shown.images);
    return status;
}
