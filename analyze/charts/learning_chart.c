/* plot learning: how accuracy and loss went, and what became of the wrong labels. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "analyze/charts/charts.h"
#include "analyze/charts/house_style.h"
#include "analyze/evaluation.h"
#include "common/memory.h"

/* What one epoch predicted, by kind of sample. */
struct tally {
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
    struct tally *tally = &tallies->epochs[step->epoch];
    for (uint32_t i = 0; i < step->count; i++) {
        uint16_t truth = tallies->run->truth[step->samples[i]];
        bool wrong = truth != step->labels[i], predicted = step->predicted[i] == step->labels[i];
        tally->clean_right += !wrong && predicted;
        tally->wrong_repeated += wrong && predicted;
        tally->wrong_seen_through += wrong && step->predicted[i] == truth;
    }
    return 0;
}

/* Columns: epochs trained, loss, training, test, clean, repeated and seen-through, all but loss in percent. */
static void write_data(FILE *out, const struct tidylog_epoch *epochs, uint64_t count, const struct tally *tallies,
                       double clean, double wrong)
{
    fputs("$epochs << EOD\n", out);
    for (uint64_t i = 0; i < count; i++) {
        struct tally t = tallies != NULL ? tallies[i] : (struct tally){0};
        fprintf(out, "%" PRIu64 "\t%.6g\t%.6g\t%.6g\t%.6g\t%.6g\t%.6g\n", i + 1, epochs[i].loss,
                100 * epochs[i].accuracy, 100 * epochs[i].test_accuracy, 100 * (double)t.clean_right / clean,
                100 * (double)t.wrong_repeated / wrong, 100 * (double)t.wrong_seen_through / wrong);
    }
    fputs("EOD\n", out);
}

static void write_title(char *title, size_t room, const struct tidylog_epoch *last, uint64_t count,
                        const struct tally *tally, uint64_t wrong)
{
    const char *plural = count == 1 ? "" : "s";
    bool has_test = !isnan(last->test_accuracy);
    double accuracy = 100 * (has_test ? last->test_accuracy : last->accuracy);
    const char *which = has_test ? "test" : "training";
    if (tally != NULL)
        snprintf(title, room,
                 "After %" PRIu64 " epoch%s the network repeats %.0f%% of the wrong labels; %s accuracy %.1f%%",
                 count, plural, 100 * (double)tally->wrong_repeated / (double)wrong, which, accuracy);
    else
        snprintf(title, room, "%.1f%% %s accuracy after %" PRIu64 " epoch%s", accuracy, which, count, plural);
}

/* One panel for accuracies, one for the loss, side by side. */
static void write_panels(FILE *out, uint64_t count, bool has_test, bool has_truth)
{
    const char *style = count <= 30 ? "linespoints pointtype 7 pointsize 0.7" : "lines";
    fprintf(out,
            "set xrange [%g:%g]\n"
            "set xlabel 'epochs trained'\n"
            "set multiplot\n"
            "set rmargin at screen 0.585\n"
            "set ylabel 'share of predictions' offset -0.5\n"
            "set yrange [0:100]\n"
            "set format y '%%g%%%%'\n"
            "set key at screen 0.085, 0.9 left top horizontal Left reverse samplen 1.5 width 1 maxrows 2\n"
            "plot ",
            count == 1 ? 0.0 : 1.0, count == 1 ? 2.0 : (double)count);
    if (has_truth)
        fprintf(out,
                "$epochs using 1:5 with %s linetype 1 title 'right labels: predicted', \\\n"
                "     $epochs using 1:6 with %s linetype 2 title 'wrong labels: predicted', \\\n"
                "     $epochs using 1:7 with %s linetype 3 title 'wrong labels: true class predicted'",
                style, style, style);
    else
        fprintf(out, "$epochs using 1:3 with %s linetype 1 title 'training, before the update'", style);
    if (has_test)
        fprintf(out, ", \\\n     $epochs using 1:4 with %s linetype 7 dashtype 2 title 'test set'", style);
    fprintf(out,
            "\n"
            "unset label 1\n"
            "unset label 2\n"
            "set lmargin at screen 0.68\n"
            "set rmargin at screen 0.97\n"
            "set ylabel 'mean training loss' offset -0.5\n"
            "set yrange [0:*]\n"
            "set format y '%%g'\n"
            "plot $epochs using 1:2 with %s linetype 1\n"
            "unset multiplot\n",
            style);
}

int learning_chart(FILE *out, struct analysis *analysis, const char *scores)
{
    (void)scores;
    const struct tidylog_run *run = analysis->run;
    uint64_t count;
    const struct tidylog_epoch *epochs = tidylog_reader_epochs(analysis->reader, &count);
    struct truth truth = {0};
    struct tallies tallies = {.run = run};

    int status = run->truth == NULL ? 0 : truth_create(&truth, run, analysis->path);
    bool apart = truth.count > 0 && truth.count < truth.samples;
    if (status == 0)
        status = memory_allocate(&tallies.epochs, count, sizeof *tallies.epochs, "a chart");
    const struct replay_observer observer = {observe, &tallies};
    if (status == 0)
        status = analysis_replay(analysis, apart ? &observer : NULL);
    if (status != 0)
        goto end;

    char title[256];
    write_title(title, sizeof title, &epochs[count - 1], count, apart ? &tallies.epochs[count - 1] : NULL,
                truth.count);
    house_style_begin(out, analysis, title, "Training predictions are made before the update of their step.");
    write_data(out, epochs, count, apart ? tallies.epochs : NULL, (double)(truth.samples - truth.count),
               (double)truth.count);
    write_panels(out, count, !isnan(epochs[count - 1].test_accuracy), apart);
end:
    free(tallies.epochs);
    truth_destroy(&truth);
    return status;
}
