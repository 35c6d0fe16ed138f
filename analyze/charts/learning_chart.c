/* plot learning: how accuracy, loss and learning rate went. Of one run also what became of the wrong labels; of
 * several, each run's curves beside the others'. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "analyze/charts/charts.h"
#include "analyze/charts/end_labels.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/learning_runs.h"
#include "common/error.h"

/* ---- what is said of them --------------------------------------------------------------------------------- */

/* The accuracy that counts: of the test set, where all runs have one. */
static int accuracy_of(const struct learning *learning)
{
    for (size_t i = 0; i < learning->count; i++)
        if (isnan(learning->runs[i].ends[LEARNING_TEST]))
            return LEARNING_TRAINING;
    return LEARNING_TEST;
}

static void write_title(char *title, size_t room, const struct learning *learning)
{
    const int column = accuracy_of(learning);
    const char *which = column == LEARNING_TEST ? "test" : "training";
    const struct learning_run *best = &learning->runs[0];
    for (size_t i = 1; i < learning->count; i++)
        if (learning->runs[i].ends[column] > best->ends[column] || isnan(best->ends[column]))
            best = &learning->runs[i];
    const uint64_t epochs = (uint64_t)best->ends[LEARNING_EPOCHS];
    const char *plural = epochs == 1 ? "" : "s";
    char accuracy[PERCENT_TEXT], repeated[PERCENT_TEXT];
    house_style_percent(accuracy, best->ends[column], 1);
    house_style_percent(repeated, best->ends[LEARNING_REPEATED], 0);
    if (learning->count > 1)
        snprintf(title, room, "Best of %zu runs, with %s %s accuracy after %" PRIu64 " epoch%s: %s",
                 learning->count, accuracy, which, epochs, plural, best->name);
    else if (learning->apart)
        snprintf(title, room,
                 "After %" PRIu64 " epoch%s the network repeats %s of the wrong labels; %s accuracy %s", epochs,
                 plural, repeated, which, accuracy);
    else
        snprintf(title, room, "%s %s accuracy after %" PRIu64 " epoch%s", accuracy, which, epochs, plural);
}

/* ---- panels ----------------------------------------------------------------------------------------------- */

/* Where all plots are, as house_style_begin has it. */
static const double bottom = 0.18, top = 0.82;

/* A panel's place, in shares of the picture, and its axis. */
struct panel {
    double left, right, bottom, top;
    const char *heading, *format;
    double lowest, highest, tick;
};

static void write_panel(FILE *out, const struct panel *panel)
{
    fprintf(
        out,
        "set lmargin at screen %g\nset rmargin at screen %g\nset bmargin at screen %g\nset tmargin at screen %g\n"
        "set yrange [%g:%g]\nset ytics %g\nset format y '%s'\n"
        "set label 3 '%s' at graph 0, graph 1 left offset 0, 1 font ',14' textcolor rgb ink\n",
        panel->left, panel->right, panel->bottom, panel->top, panel->lowest, panel->highest, panel->tick,
        panel->format, panel->heading);
}

/* From 0, or from nearer where the rest would be empty. */
static void choose_accuracies(struct panel *panel, const struct learning *learning)
{
    double least = 100;
    for (int column = LEARNING_TRAINING; column < LEARNING_COLUMNS; column++)
        if (learning->has[column] && column != LEARNING_RATE)
            least = fmin(least, learning->least[column]);
    panel->tick = house_style_step(least < 50 ? 100 : fmax(100 - least, 0.5), 5, false);
    panel->lowest = least < 50 ? 0 : 100 - panel->tick * ceil((100 - least) / panel->tick - 1e-9);
    if (panel->lowest >= 100)
        panel->lowest = 100 - panel->tick;
    panel->highest = 100;
}

static void choose_from_zero(struct panel *panel, const struct learning *learning, int column)
{
    panel->lowest = 0;
    panel->highest = learning->most[column] > 0 ? 1.05 * learning->most[column] : 1;
    panel->tick = house_style_step(panel->highest, 4, false);
}

/* More runs than there are colours are one kind of curve. */
static int linetype_of(const struct learning *learning, size_t run)
{
    return learning->count <= HOUSE_COLOURS ? (int)run + 1 : 1;
}

/* Starts a plot command or goes on with it. */
static void write_curve(FILE *out, bool *first, const char *block, size_t run, int column, const char *style)
{
    fprintf(out, "%s$%s%zu using 1:%d with %s", *first ? "plot " : ", \\\n     ", block, run + 1, column, style);
    *first = false;
}

/* A curve with its name at the end. */
struct named {
    int column, linetype;
    const char *name;
};
static const struct named named_apart[] = {{LEARNING_RIGHT, 1, "right labels"},
                                           {LEARNING_REPEATED, 2, "wrong labels"},
                                           {LEARNING_SEEN_THROUGH, 3, "true class of the wrong"},
                                           {LEARNING_TEST, 7, "labels of the test set"}};
static const struct named named_alone[] = {{LEARNING_TRAINING, 1, "training"}, {LEARNING_TEST, 7, "test set"}};

static void write_names(FILE *out, const struct panel *panel, struct end_label *labels, size_t count)
{
    enum { FIRST_NUMBER = 10, PIXELS = 250 };
    for (size_t i = 0; i < count; i++)
        labels[i].height = (labels[i].height - panel->lowest) / (panel->highest - panel->lowest);
    end_labels_write(out, labels, count, FIRST_NUMBER, 720 * (panel->top - panel->bottom), PIXELS);
}

static void write_accuracies_of_one(FILE *out, const struct learning *learning, const struct panel *panel,
                                    const char *points)
{
    const struct named *named = learning->apart ? named_apart : named_alone;
    const size_t count = learning->apart ? sizeof named_apart / sizeof *named : sizeof named_alone / sizeof *named;
    struct end_label labels[sizeof named_apart / sizeof *named_apart];
    size_t label_count = 0;
    for (size_t i = 0; i < count; i++)
        if (learning->has[named[i].column])
            labels[label_count++] = (struct end_label){.height = learning->runs[0].ends[named[i].column],
                                                       .text = named[i].name,
                                                       .linetype = named[i].linetype};
    write_names(out, panel, labels, label_count);
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        char style[64];
        snprintf(style, sizeof style, "%s linetype %d", points, named[i].linetype);
        if (learning->has[named[i].column])
            write_curve(out, &first, "run", 0, named[i].column, style);
    }
}

static void write_accuracies_of_several(FILE *out, const struct learning *learning, const struct panel *panel,
                                        const char *points)
{
    struct end_label labels[HOUSE_COLOURS];
    char all[32];
    const int column = accuracy_of(learning);
    const size_t label_count = learning->count <= HOUSE_COLOURS ? learning->count : 1;
    snprintf(all, sizeof all, "%zu runs", learning->count);
    for (size_t i = 0; i < label_count; i++)
        labels[i] =
            (struct end_label){.height = learning->runs[i].ends[column],
                               .text = label_count > 1 ? learning->runs[i].name : all,
                               .linetype = linetype_of(learning, i),
                               .missing = 1 - learning->runs[i].ends[LEARNING_EPOCHS] / (double)learning->epochs};
    write_names(out, panel, labels, label_count);
    bool first = true;
    for (size_t i = 0; i < learning->count; i++) {
        char style[64];
        const int linetype = linetype_of(learning, i);
        snprintf(style, sizeof style, "lines linetype %d linewidth 1", linetype);
        if (column == LEARNING_TEST)
            write_curve(out, &first, "run", i, LEARNING_TRAINING, style);
        snprintf(style, sizeof style, "%s linetype %d", points, linetype);
        write_curve(out, &first, "run", i, column, style);
    }
}

/* Loss above, learning rate below, at the right; one that is alone has all of the height. */
static void write_small_panels(FILE *out, const struct learning *learning, const char *points, bool has_loss,
                               bool has_rate)
{
    const struct {
        bool is_there;
        int column;
        const char *heading, *block;
        int block_column;
        const char *style;
        double bottom, top;
    } panels[] = {{has_loss, LEARNING_LOSS, "mean training loss", "run", LEARNING_LOSS, points,
                   has_rate ? 0.54 : bottom, top},
                  {has_rate, LEARNING_RATE, "learning rate", "rate", 2, "lines", bottom, has_loss ? 0.42 : top}};
    for (size_t i = 0; i < sizeof panels / sizeof *panels; i++) {
        if (!panels[i].is_there)
            continue;
        struct panel panel = {.left = 0.81,
                              .right = 0.97,
                              .bottom = panels[i].bottom,
                              .top = panels[i].top,
                              .heading = panels[i].heading,
                              .format = "%g"};
        bool first = true, is_lowest = panels[i].bottom == bottom;
        choose_from_zero(&panel, learning, panels[i].column);
        write_panel(out, &panel);
        fputs(is_lowest ? "set xlabel 'epochs trained' textcolor rgb ink\nset format x '%g'\n"
                        : "unset xlabel\nset format x ''\n",
              out);
        for (size_t run = 0; run < learning->count; run++) {
            char style[64];
            snprintf(style, sizeof style, "%s linetype %d", panels[i].style, linetype_of(learning, run));
            write_curve(out, &first, panels[i].block, run, panels[i].block_column, style);
        }
        fputc('\n', out);
    }
}

static const char *heading_of(const struct learning *learning)
{
    if (learning->apart)
        return "share of labels that the network predicts";
    if (learning->count == 1)
        return "share of right predictions";
    return accuracy_of(learning) == LEARNING_TEST ? "right predictions: test set thick, training thin"
                                                  : "share of right predictions in training";
}

static void write_panels(FILE *out, const struct learning *learning)
{
    enum { MOST_POINTS = 30, MOST_BOLD = 200 };
    const bool has_loss = learning->has[LEARNING_LOSS],
               has_rate = learning->has[LEARNING_RATE] && learning->most[LEARNING_RATE] > 0;
    const char *points = learning->epochs <= MOST_POINTS ? "linespoints pointsize 0.9"
                         : learning->epochs <= MOST_BOLD ? "lines"
                                                         : "lines linewidth 1.5";
    struct panel panel = {.left = 0.105,
                          .right = has_loss || has_rate ? 0.545 : 0.75,
                          .bottom = bottom,
                          .top = top,
                          .format = "%g%%",
                          .heading = heading_of(learning)};
    choose_accuracies(&panel, learning);
    fprintf(out, "set xrange [0:%" PRIu64 "]\nset xtics %g\nset xlabel 'epochs trained'\nset multiplot\n",
            learning->epochs, house_style_step((double)learning->epochs, 6, true));
    write_panel(out, &panel);
    if (learning->count == 1)
        write_accuracies_of_one(out, learning, &panel, points);
    else
        write_accuracies_of_several(out, learning, &panel, points);
    fprintf(out, "\nunset label\nunset arrow\nset tics font ',14'\nset xtics %g\n",
            house_style_step((double)learning->epochs, 4, true));
    write_small_panels(out, learning, points, has_loss, has_rate);
    fputs("unset multiplot\n", out);
}

/* ---- the chart -------------------------------------------------------------------------------------------- */

int learning_chart(FILE *out, struct chart *chart)
{
    struct learning learning = {0};
    char *data = NULL, title[512];
    size_t bytes = 0;
    FILE *blocks = open_memstream(&data, &bytes); /* the title is known after the data, and stands before it */
    if (blocks == NULL)
        return tidy_fail_memory("a chart", 1);
    int status = learning_runs_write(blocks, &learning, chart);
    if (fclose(blocks) != 0 && status == 0)
        status = tidy_fail_memory("a chart", bytes);
    if (status == 0) {
        write_title(title, sizeof title, &learning);
        house_style_begin(out, chart, title, "Training predictions are made before the update of their step.");
        fwrite(data, 1, bytes, out);
        write_panels(out, &learning);
    }
    free(data);
    free(learning.runs);
    return status;
}
