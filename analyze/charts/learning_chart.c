/* plot learning: how accuracy and loss went, and what became of the wrong labels. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "analyze/charts/charts.h"
#include "analyze/charts/house_style.h"
#include "analyze/evaluation.h"
#include "common/memory.h"

/* What one epoch predicted, by kind of sample. Probes are of neither kind: their wrong label is not the given one. */
struct tally {
    uint64_t clean, wrong;       /* predictions of samples with a right label, with a wrong one */
    uint64_t clean_right;        /* right label, predicted */
    uint64_t wrong_repeated;     /* wrong label, predicted: learnt by heart */
    uint64_t wrong_seen_through; /* wrong label, the true class predicted */
};

struct tallies {
    const struct tidylog_run *run;
    struct tally *epochs; /* [finished epochs] */
};

static int observe(void *context, const struct tidylog_observations *step)
{
    struct tallies *tallies = context;
    if (step->evaluated)
        return 0;
    struct tally *tally = &tallies->epochs[step->epoch];
    for (uint32_t i = 0; i < step->count; i++) {
        uint16_t truth = tallies->run->truth[step->samples[i]];
        if (tidylog_is_probe(tallies->run, step->samples[i]))
            continue;
        bool wrong = truth != step->labels[i], predicted = step->predicted[i] == step->labels[i];
        tally->clean += !wrong;
        tally->wrong += wrong;
        tally->clean_right += !wrong && predicted;
        tally->wrong_repeated += wrong && predicted;
        tally->wrong_seen_through += wrong && step->predicted[i] == truth;
    }
    return 0;
}

/* Columns: epochs trained, loss, training, test, clean, repeated and seen-through, all but loss in percent. */
static void write_data(FILE *out, const struct tidylog_epoch *epochs, uint64_t count, const struct tally *tallies)
{
    fputs("$epochs << EOD\n", out);
    for (uint64_t i = 0; i < count; i++) {
        struct tally t = tallies != NULL ? tallies[i] : (struct tally){0};
        double clean = (double)t.clean, wrong = (double)t.wrong; /* 0 / 0 is NaN, of which no point is drawn */
        fprintf(out, "%" PRIu64 "\t%.6g\t%.6g\t%.6g\t%.6g\t%.6g\t%.6g\n", i + 1, epochs[i].loss,
                100 * epochs[i].accuracy, 100 * epochs[i].test_accuracy, 100 * (double)t.clean_right / clean,
                100 * (double)t.wrong_repeated / wrong, 100 * (double)t.wrong_seen_through / wrong);
    }
    fputs("EOD\n", out);
}

static void write_title(char *title, size_t room, const struct tidylog_epoch *last, uint64_t count,
                        const struct tally *tally)
{
    const char *plural = count == 1 ? "" : "s";
    bool has_test = !isnan(last->test_accuracy);
    double accuracy = 100 * (has_test ? last->test_accuracy : last->accuracy);
    const char *which = has_test ? "test" : "training";
    if (tally != NULL)
        snprintf(title, room,
                 "After %" PRIu64 " epoch%s the network repeats %.0f%% of the wrong labels; %s accuracy %.1f%%",
                 count, plural, 100 * (double)tally->wrong_repeated / (double)tally->wrong, which, accuracy);
    else
        snprintf(title, room, "%.1f%% %s accuracy after %" PRIu64 " epoch%s", accuracy, which, count, plural);
}

/* Whole epochs between two marks on the axis, so that there are at most six. */
static uint64_t tick_step(uint64_t count)
{
    uint64_t step = 1;
    for (int i = 0; count / step > 6; i++)
        step = i % 3 == 1 ? step / 2 * 5 : step * 2; /* 1, 2, 5, 10, 20, 50, ... */
    return step;
}

static void write_curve(FILE *out, bool first, int column, int linetype, bool points, const char *title)
{
    fprintf(out, "%s$epochs using 1:%d with %s linetype %d title '%s'", first ? "plot " : ", \\\n     ", column,
            points ? "linespoints pointtype 7 pointsize 0.7" : "lines", linetype, title);
}

/* One panel for accuracies, one for the loss, side by side. */
static void write_panels(FILE *out, uint64_t count, bool has_test, bool has_truth)
{
    bool points = count <= 30;
    fprintf(out,
            "set xrange [%g:%g]\n"
            "set xtics %" PRIu64 "\n"
            "set xlabel 'epochs trained'\n"
            "set multiplot\n"
            "set tmargin at screen %g\n"
            "set rmargin at screen 0.6\n"
            "set ylabel 'share of predictions'\n"
            "set yrange [0:100]\n"
            "set format y '%%g%%%%'\n"
            "set key at screen 0.1, 0.885 left top vertical Left reverse samplen 2 font ',14'\n",
            count == 1 ? 0.0 : 1.0, count == 1 ? 2.0 : (double)count, tick_step(count), has_truth ? 0.75 : 0.81);
    if (has_truth) {
        write_curve(out, true, 5, 1, points, "right labels: predicted");
        write_curve(out, false, 6, 2, points, "wrong labels: predicted");
        write_curve(out, false, 7, 3, points, "wrong labels: true class predicted");
    } else {
        write_curve(out, true, 3, 1, points, "training, before the update");
    }
    if (has_test)
        write_curve(out, false, 4, 7, points, "test set");
    fputs("\n"
          "unset label 1\n"
          "unset label 2\n"
          "set lmargin at screen 0.71\n"
          "set rmargin at screen 0.97\n"
          "set ylabel 'mean training loss'\n"
          "set yrange [0:*]\n"
          "set format y '%g'\n"
          "unset key\n",
          out);
    write_curve(out, true, 2, 1, points, "");
    fputs("\nunset multiplot\n", out);
}

int learning_chart(FILE *out, struct chart *chart)
{
    struct analysis *analysis = chart->log;
    const struct tidylog_run *run = analysis->run;
    uint64_t count;
    const struct tidylog_epoch *epochs = tidylog_reader_epochs(analysis->reader, &count);
    struct truth truth = {0};
    struct tallies tallies = {.run = run};

    int status = run->truth == NULL ? 0 : truth_create(&truth, run, analysis->path);
    bool apart = truth.count > 0 && truth.count < truth.samples;
    if (status == 0)
        status = memory_allocate(&tallies.epochs, count, sizeof *tallies.epochs, "a chart");
    const struct replay_observer observer = {.observe = observe, .context = &tallies};
    if (status == 0)
        status = analysis_select_run(analysis, 0); /* also says so where no epoch is finished */
    if (status == 0 && apart)
        status = replay_epochs(analysis->reader, analysis->window, &observer, 1);
    if (status != 0)
        goto end;

    char title[256];
    write_title(title, sizeof title, &epochs[count - 1], count, apart ? &tallies.epochs[count - 1] : NULL);
    house_style_begin(out, chart, title, "Training predictions are made before the update of their step.");
    write_data(out, epochs, count, apart ? tallies.epochs : NULL);
    write_panels(out, count, !isnan(epochs[count - 1].test_accuracy), apart);
end:
    free(tallies.epochs);
    truth_destroy(&truth);
    return status;
}
