/* plot forgetting: how often samples were forgotten, with the never-learned as a bar of their own. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/charts.h"
#include "analyze/charts/house_style.h"
#include "analyze/evaluation.h"

/* Bars: 0 to MOST_EVENTS - 1 events, MOST_EVENTS or more, never learned. */
enum { MOST_EVENTS = 10, NEVER = MOST_EVENTS + 1, BARS };

struct histogram {
    uint64_t bars[BARS];
    uint64_t samples;
};

static void add(struct histogram *to, const struct dynamics *of)
{
    int events = of->forgetting_events < MOST_EVENTS ? (int)of->forgetting_events : MOST_EVENTS;
    to->bars[of->correct == 0 ? NEVER : events]++;
    to->samples++;
}

/* Those that were presented, but no probes. */
static void add_run(struct histogram *clean, struct histogram *wrong, const struct analysis *analysis)
{
    const struct tidylog_run *run = analysis->run;
    const struct dynamics *samples = analysis->sources.dynamics.samples;
    for (uint64_t i = 0; i < run->samples; i++)
        if (samples[i].presentations > 0 && run->labels[i] == analysis->given[i])
            add(run->truth != NULL && run->truth[i] != analysis->given[i] ? wrong : clean, &samples[i]);
}

static double percent(const struct histogram *histogram, int bar)
{
    return histogram->samples == 0 ? 0 : 100 * (double)histogram->bars[bar] / (double)histogram->samples;
}

/* Forgotten at least once, or never learned. */
static double percent_unstable(const struct histogram *histogram)
{
    return 100 - percent(histogram, 0);
}

/* The bars that someone is in, up to the last, then the never-learned. Columns: place, name, percent of each. */
static void write_data(FILE *out, const struct histogram *clean, const struct histogram *wrong)
{
    int last = MOST_EVENTS;
    while (last > 0 && clean->bars[last] + wrong->bars[last] == 0)
        last--;
    fputs("$bars << EOD\n", out);
    for (int bar = 0; bar <= last; bar++)
        fprintf(out, "%d\t%d%s\t%.4g\t%.4g\n", bar, bar, bar == MOST_EVENTS ? "+" : "", percent(clean, bar),
                percent(wrong, bar));
    fprintf(out, "%d.4\tnever learned\t%.4g\t%.4g\n", last + 1, percent(clean, NEVER), percent(wrong, NEVER));
    fputs("EOD\n", out);
    fprintf(out, "set xrange [-0.6:%d]\n", last + 2);
}

/* `wrong` has no samples where right and wrong labels are not told apart. */
static void write_plot(FILE *out, const struct histogram *clean, const struct histogram *wrong)
{
    fputs("set style fill solid 1 noborder\n"
          "set xlabel 'times forgotten: predicted right, then wrong in the next epoch'\n"
          "set yrange [0:108]\n"
          "set ytics 0, 20, 100\n"
          "set format y '%g%%'\n"
          "set xtics scale 0\n"
          "share(x) = x < 0.05 ? '' : sprintf(x < 10 ? '%.1f' : '%.0f', x)\n",
          out);
    house_style_key(out);
    if (wrong->samples == 0) {
        fputs("set ylabel 'share of all'\n"
              "set boxwidth 0.7\n"
              "plot $bars using 1:3:xtic(2) with boxes linetype 1, \\\n"
              "     $bars using 1:3:(share($3)) with labels font ',14' textcolor rgb ink offset 0, 0.6\n",
              out);
        return;
    }
    fprintf(out,
            "set ylabel 'share of the group'\n"
            "set boxwidth 0.38\n"
            "plot $bars using ($1 - 0.2):3:xtic(2) with boxes linetype 1 title '%" PRIu64
            " with the right label', \\\n"
            "     $bars using ($1 + 0.2):4 with boxes linetype 2 title '%" PRIu64 " mislabelled', \\\n"
            "     $bars using ($1 - 0.2):3:(share($3)) with labels font ',14' textcolor rgb ink offset 0, 0.6, \\\n"
            "     $bars using ($1 + 0.2):4:(share($4)) with labels font ',14' textcolor rgb ink offset 0, 0.6\n",
            clean->samples, wrong->samples);
}

int forgetting_chart(FILE *out, struct chart *chart)
{
    struct analysis *analysis = chart->log;
    struct histogram clean = {0}, wrong = {0};
    for (uint32_t run = 0; run < analysis->runs; run++) {
        int status = analysis_replay_run(analysis, run, NULL);
        if (status != 0)
            return status;
        add_run(&clean, &wrong, analysis);
    }

    char title[256];
    if (wrong.samples > 0)
        snprintf(title, sizeof title,
                 "%.0f%% of the mislabelled %s were forgotten or never learned, %.0f%% of the others",
                 percent_unstable(&wrong), house_style_noun(analysis), percent_unstable(&clean));
    else
        snprintf(title, sizeof title, "%.1f%% of the %s were forgotten or never learned", percent_unstable(&clean),
                 house_style_noun(analysis));
    house_style_begin(out, chart, title,
                      wrong.samples > 0 ? "Numbers on the bars: percent of the group."
                                        : "Numbers on the bars: percent.");
    write_data(out, &clean, &wrong);
    write_plot(out, &clean, &wrong);
    return 0;
}
