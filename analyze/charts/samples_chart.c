/* plot samples: what one sample was taken for, epoch by epoch, and how far its label was ahead. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/chart_images.h"
#include "analyze/charts/charts.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/label_places.h"
#include "analyze/charts/text_layout.h"
#include "analyze/charts/trajectory.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/progress.h"

/* In pixels of 1280 x 720, y upwards. */
enum {
    LEFT = 30,
    RIGHT = 1240,
    BOTTOM = 136,
    TOP = 632,
    NAME_PIXELS = 210,
    NAME_FONT = 14,
    NAME_GAP = 12,
    IMAGE = 210,
    IMAGE_GAP = 30,
    PANEL_GAP = 26,
    MOST_ROW = 56,
    CLASS_PANEL = 250 /* at most, above a margin's */
};

/* Rows: classes, the rest of them, "forgotten". */
enum { MOST_CLASSES = 8, REST = MOST_CLASSES, MOST_ROWS = MOST_CLASSES + 2 };

/* A point a column of this many is all that can be seen of a longer run. */
enum { COLUMNS = 1000 };

struct sample_chart {
    const struct chart *chart;
    struct analysis *analysis;
    uint32_t sample;
    uint16_t given, trained; /* the latter differs in the first run of a control */
    bool has_truth;
    uint16_t truth;
    struct sample_trajectory trajectory;
    size_t *counts;      /* [classes] how often each was predicted */
    uint32_t most_often; /* class */
    size_t forgotten;
    struct window window; /* of all runs */

    uint16_t classes[MOST_CLASSES]; /* [class_rows] from the top: given, trained on, true, and by count */
    int class_rows;
    bool has_rest;
    bool has_margin;
    double least, most; /* margins, and 0 */

    struct images images;
    bool has_image;
    double plot_left, plot_right;
};

/* ---- what was predicted ----------------------------------------------------------------------------------- */

static bool has_row(const struct sample_chart *sample, uint32_t class)
{
    for (int row = 0; row < sample->class_rows; row++)
        if (sample->classes[row] == class)
            return true;
    return false;
}

static void add_row(struct sample_chart *sample, uint32_t class)
{
    if (!has_row(sample, class))
        sample->classes[sample->class_rows++] = (uint16_t) class;
}

/* The class predicted most often of those without a row; false: there is none. */
static bool next_class(const struct sample_chart *sample, uint32_t *out)
{
    bool found = false;
    for (uint32_t class = 0; class < sample->analysis->run->classes; class ++)
        if (sample->counts[class] > (found ? sample->counts[*out] : 0) && !has_row(sample, class)) {
            *out = class;
            found = true;
        }
    return found;
}

static int row_of(const struct sample_chart *sample, uint32_t class)
{
    int row = 0;
    while (row < sample->class_rows && sample->classes[row] != class)
        row++;
    return row; /* the rest's where it has none */
}

static void choose_rows(struct sample_chart *sample)
{
    uint32_t class = 0;
    add_row(sample, sample->given);
    add_row(sample, sample->trained);
    if (sample->has_truth)
        add_row(sample, sample->truth);
    while (next_class(sample, &class) && sample->class_rows < MOST_CLASSES)
        add_row(sample, class);
    sample->has_rest = next_class(sample, &class);
}

static void count(struct sample_chart *sample)
{
    const struct sample_trajectory *trajectory = &sample->trajectory;
    sample->window.first = UINT64_MAX;
    for (size_t i = 0; i < trajectory->count; i++) {
        const struct trajectory_point *point = &trajectory->points[i];
        sample->counts[point->predicted]++;
        sample->forgotten += point->forgotten;
        sample->window.first = point->epoch < sample->window.first ? point->epoch : sample->window.first;
        sample->window.end = point->epoch >= sample->window.end ? point->epoch + 1 : sample->window.end;
        if (isfinite(point->margin)) {
            sample->has_margin = true;
            sample->least = fmin(sample->least, (double)point->margin);
            sample->most = fmax(sample->most, (double)point->margin);
        }
    }
    for (uint32_t class = 0; class < sample->analysis->run->classes; class ++)
        if (sample->counts[class] > sample->counts[sample->most_often])
            sample->most_often = class;
    if (sample->counts[sample->trained] == sample->counts[sample->most_often])
        sample->most_often = sample->trained;
}

static int read(struct sample_chart *sample)
{
    struct analysis *analysis = sample->analysis;
    const struct tidylog_run *run = analysis->run;
    const uint64_t number = sample->chart->request->sample;
    if (number >= run->samples)
        return tidy_fail("%s: there is no sample %" PRIu64 "; the last of its %" PRIu64 " is --sample %" PRIu64,
                         analysis->path, number, run->samples, run->samples - 1);
    sample->sample = (uint32_t)number;
    int status = memory_allocate(&sample->counts, run->classes, sizeof *sample->counts, "a chart");
    if (status == 0)
        status = sample_trajectory_read(&sample->trajectory, analysis, sample->sample);
    if (status == 0 && sample->trajectory.count == 0)
        return tidy_fail("%s: sample %" PRIu64 " was not trained on in these epochs, so nothing was predicted for "
                         "it; 'tidy-analyze samples' has a line of every sample",
                         analysis->path, number);
    if (status != 0)
        return status;
    run = analysis->run;
    sample->given = analysis->given[number];
    sample->trained = sample->trajectory.points[0].trained;
    sample->has_truth = run->truth != NULL;
    sample->truth = sample->has_truth ? run->truth[number] : 0;
    count(sample);
    choose_rows(sample);
    return 0;
}

/* The image is shown where it is at hand; only one that was asked for must be. */
static int open_image(struct sample_chart *sample)
{
    const struct chart_request *request = sample->chart->request;
    const struct tidylog_run *run = sample->analysis->run;
    if (request->data == NULL && !images_are_known(run))
        return 0;
    int status = images_open(&sample->images, run, request->data, sample->analysis->path);
    sample->has_image = status == 0;
    if (status == 0 || request->data != NULL)
        return status;
    progress_line("drawn without the image: %s", tidy_error_message());
    return 0;
}

/* ---- texts ------------------------------------------------------------------------------------------------ */

/* "14 of 20 epochs", "all 40 epochs of 2 runs". */
static void make_share(char *text, size_t room, const struct sample_chart *sample)
{
    char times[COUNT_TEXT], all[COUNT_TEXT];
    const size_t points = sample->trajectory.count, most = sample->counts[sample->most_often];
    int used = most < points ? snprintf(text, room, "%s of ", house_style_count(times, most))
                             : snprintf(text, room, "%s",
                                        points == 1   ? "its only epoch"
                                        : points == 2 ? "both "
                                                      : "all ");
    if (points > 2 || most < points)
        used += snprintf(text + used, room - (size_t)used, "%s ", house_style_count(all, points));
    if (points > 1)
        used += snprintf(text + used, room - (size_t)used, "epochs");
    if (sample->analysis->runs > 1)
        snprintf(text + used, room - (size_t)used, " of %" PRIu32 " runs", sample->analysis->runs);
}

static void make_title(char *title, size_t room, const struct sample_chart *sample)
{
    char given[CLASS_TITLE], trained[CLASS_TITLE], other[CLASS_TITLE], share[96], forgotten[48] = "";
    const bool is_taken_for_it = sample->most_often == sample->trained;
    make_share(share, sizeof share, sample);
    if (is_taken_for_it && sample->forgotten > 0)
        snprintf(forgotten, sizeof forgotten, ", and forgotten %zu time%s", sample->forgotten,
                 sample->forgotten == 1 ? "" : "s");
    snprintf(title, room, "Sample %" PRIu32 ", labelled '%s'%s%s%s, was taken for %s%s%s in %s%s", sample->sample,
             chart_class_in_title(sample->chart, sample->given, given),
             sample->trained != sample->given ? " and trained as '" : "",
             sample->trained != sample->given ? chart_class_in_title(sample->chart, sample->trained, trained) : "",
             sample->trained != sample->given ? "'" : "", is_taken_for_it ? "" : "'",
             is_taken_for_it ? "it" : chart_class_in_title(sample->chart, sample->most_often, other),
             is_taken_for_it ? "" : "'", share, forgotten);
}

static void make_caption(char *caption, size_t room, const struct sample_chart *sample)
{
    snprintf(caption, room, "%s%s%s", "Discs: its label was predicted; squares: another class.",
             sample->has_margin ? " Margin: the label's logit minus the largest other one." : "",
             sample->forgotten > 0 ? " Forgotten: its label was predicted the time before." : "");
}

/* A row's name with what the class is to the sample. */
static void make_row_name(char *name, size_t room, const struct sample_chart *sample, int row)
{
    char number[CLASS_TEXT], fitted[256], role[64] = "";
    if (row == sample->class_rows) {
        snprintf(name, room, "other classes");
        return;
    }
    const uint16_t class = sample->classes[row];
    const struct {
        bool is;
        const char *name;
    } roles[] = {{class == sample->given, "given"},
                 {class == sample->trained && sample->trained != sample->given, "trained"},
                 {sample->has_truth && class == sample->truth, "true"}};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (roles[i].is)
            snprintf(role + strlen(role), sizeof role - strlen(role), "%s%s", role[0] == 0 ? " (" : ", ",
                     roles[i].name);
    if (role[0] != 0)
        strcat(role, ")");
    text_fit(fitted, sizeof fitted, chart_class(sample->chart, class, number), NAME_FONT,
             NAME_PIXELS - text_width(role, NAME_FONT));
    snprintf(name, room, "%s%s", fitted, role);
}

/* ---- panels ----------------------------------------------------------------------------------------------- */

static int rows(const struct sample_chart *sample)
{
    return sample->class_rows + sample->has_rest + (sample->forgotten > 0);
}

/* A data block of all runs. In a run of more epochs than COLUMNS only the first of the same row in a column is
 * kept, and those that were forgotten. */
static void write_data(FILE *out, const struct sample_chart *sample)
{
    const struct sample_trajectory *trajectory = &sample->trajectory;
    const uint64_t epochs = sample->window.end - sample->window.first;
    const double runs = sample->analysis->runs;
    uint64_t seen[MOST_ROWS] = {0};
    fputs("$epochs << EOD\n# epoch\tpredicted\trow\tis label\tforgotten\tmargin\trun\n", out);
    for (size_t i = 0; i < trajectory->count; i++) {
        const struct trajectory_point *point = &trajectory->points[i];
        const int row = row_of(sample, point->predicted);
        const uint64_t column = (point->epoch - sample->window.first) * COLUMNS / epochs + 1;
        if (i > 0 && point->run != point[-1].run)
            memset(seen, 0, sizeof seen);
        if (epochs > COLUMNS && column == seen[row] && !point->forgotten)
            continue;
        seen[row] = column;
        /* Runs stand above one another in a row. */
        fprintf(out, "%" PRIu32 "\t%u\t%.4g\t%d\t%d\t%.6g\t%" PRIu32 "\n", point->epoch + 1,
                (unsigned)point->predicted, row + (point->run - (runs - 1) / 2) * 0.6 / runs,
                point->predicted == point->trained, point->forgotten, (double)point->margin, point->run + 1);
    }
    fputs("EOD\n", out);
}

static void write_margins(FILE *out, double left, double right, double bottom, double top)
{
    fprintf(out,
            "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset bmargin at screen %.4f\n"
            "set tmargin at screen %.4f\n",
            left / PICTURE_WIDTH, right / PICTURE_WIDTH, bottom / PICTURE_HEIGHT, top / PICTURE_HEIGHT);
}

static void write_image(FILE *out, const struct sample_chart *sample)
{
    const struct chart_images size = chart_images_size(&sample->images.set.train, IMAGE);
    double side = fmin((double)IMAGE / size.width, (double)IMAGE / size.height);
    side = side > 2 ? floor(side) : side;
    chart_images_write(out, &sample->images, &sample->sample, 1, IMAGE);
    write_margins(out, 0, PICTURE_WIDTH, 0, PICTURE_HEIGHT);
    fprintf(out,
            "unset border\nunset xtics\nunset ytics\nunset xlabel\nunset ylabel\nunset arrow\nset xrange "
            "[0:%d]\nset yrange [0:%d]\nplot ",
            PICTURE_WIDTH, PICTURE_HEIGHT);
    char x[16], y[16];
    snprintf(x, sizeof x, "%g", RIGHT - side * size.width);
    snprintf(y, sizeof y, "%d", TOP);
    chart_images_write_plot(out, "0", x, y, side);
    fputs("\n", out);
}

/* Writes curves of points in this column, of those whose label was predicted and the others. */
static void write_points(FILE *out, const struct sample_chart *sample, int column)
{
    const size_t points = sample->trajectory.count, right = sample->counts[sample->trained];
    const double size = points <= 40 ? 1.3 : points <= 150 ? 0.9 : 0.5;
    const char *sign = "";
    for (int predicted = 1; predicted >= 0; predicted--) {
        if ((predicted == 1 ? right : points - right) == 0)
            continue;
        fprintf(out, "%s$epochs using 1:($4 == %d ? $%d : NaN) with points linetype %d pointsize %g", sign,
                predicted, column, predicted == 1 ? 1 : 2, size);
        sign = ", \\\n     ";
    }
}

static void write_class_panel(FILE *out, const struct sample_chart *sample, double bottom)
{
    const int count = rows(sample);
    write_margins(out, sample->plot_left, sample->plot_right, bottom, TOP);
    fprintf(out, "set xrange [%" PRIu64 ".5:%" PRIu64 ".5]\nset yrange [%d.5:-0.5]\nset xtics %g\n",
            sample->window.first, sample->window.end, count - 1,
            house_style_step((double)(sample->window.end - sample->window.first), 12, true));
    fputs("set ytics 1 format '' scale 0\n", out);
    for (int row = 0; row < count; row++) {
        char name[512] = "forgotten";
        if (row < count - (sample->forgotten > 0))
            make_row_name(name, sizeof name, sample, row);
        fputs("set label ", out);
        house_style_quote(out, name);
        fprintf(out, " at screen %.4f, first %d right font ',%d' textcolor rgb %s\n",
                (sample->plot_left - NAME_GAP) / PICTURE_WIDTH, row, NAME_FONT, row == 0 ? "ink" : "axis");
    }
    fprintf(out, "set arrow 1 from graph 0, first %d to graph 1, first %d nohead back linecolor rgb axis\n",
            row_of(sample, sample->trained), row_of(sample, sample->trained));
    if (sample->has_margin)
        fputs("set format x ''\n", out);
    else
        fputs("set format x '%g'\nset xlabel 'epoch'\n", out);
    fputs("plot ", out);
    write_points(out, sample, 3);
    if (sample->forgotten > 0)
        fprintf(out,
                ", \\\n     $epochs using 1:($5 == 1 ? %d : NaN) with points linetype 2 pointtype 11 pointsize 1",
                count - 1);
    fputs("\nunset label\nunset arrow\n", out);
}

static void write_margin_panel(FILE *out, const struct sample_chart *sample, double top)
{
    static const char *const dashes[] = {"solid", "(10,5)", "(3,4)"}; /* of runs */
    const double pad = fmax(0.08 * (sample->most - sample->least), 1e-6);
    write_margins(out, sample->plot_left, sample->plot_right, BOTTOM, top);
    fprintf(out, "set yrange [%.4g:%.4g]\nset ytics %g format '%%g' scale 0.5\n", sample->least - pad,
            sample->most + pad, house_style_step(sample->most - sample->least, 5, false));
    fputs("set format x '%g'\nset xlabel 'epoch'\nset ylabel 'margin'\n"
          "set arrow 1 from graph 0, first 0 to graph 1, first 0 nohead back linecolor rgb axis\n"
          "plot ",
          out);
    for (uint32_t run = 0; run < sample->analysis->runs; run++)
        fprintf(out,
                "$epochs using 1:($7 == %" PRIu32 " ? $6 : NaN) with lines linecolor rgb faint linewidth 1.5 "
                "dashtype %s, \\\n     ",
                run + 1, dashes[run < 2 ? run : 2]);
    write_points(out, sample, 6);
    fputs("\n", out);
}

/* ---- the chart -------------------------------------------------------------------------------------------- */

static void draw(FILE *out, struct sample_chart *sample)
{
    char title[768], caption[256], name[512];
    double widest = sample->forgotten > 0 ? text_width("forgotten", NAME_FONT) : 0;
    for (int row = 0; row < sample->class_rows + sample->has_rest; row++) {
        make_row_name(name, sizeof name, sample, row);
        widest = fmax(widest, text_width(name, NAME_FONT));
    }
    sample->plot_left = LEFT + fmax(widest, 80) + NAME_GAP;
    sample->plot_right = sample->has_image ? RIGHT - IMAGE - IMAGE_GAP : RIGHT;
    double class_height = sample->has_margin ? CLASS_PANEL : TOP - BOTTOM;
    class_height = fmin(class_height, rows(sample) * MOST_ROW);

    make_title(title, sizeof title, sample);
    make_caption(caption, sizeof caption, sample);
    house_style_begin(out, sample->chart, title, caption);
    write_data(out, sample);
    fputs("set multiplot\n", out);
    fputs("set tics font ',14'\n", out);
    write_class_panel(out, sample, TOP - class_height);
    if (sample->has_margin)
        write_margin_panel(out, sample, TOP - class_height - PANEL_GAP);
    if (sample->has_image)
        write_image(out, sample);
    fputs("unset multiplot\n", out);
}

int samples_chart(FILE *out, struct chart *chart)
{
    struct sample_chart sample = {.chart = chart, .analysis = chart->log};
    int status = read(&sample);
    if (status == 0)
        status = open_image(&sample);
    if (status == 0)
        draw(out, &sample);
    images_close(&sample.images);
    free(sample.counts);
    free(sample.trajectory.points);
    return status;
}
