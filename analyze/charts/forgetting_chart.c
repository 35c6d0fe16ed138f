/* plot forgetting: how often samples were forgotten, with the never-learned as a bar of their own. */
#include <math.h>

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
    fprintf(out, "$bars << EOD\n# place\ttimes forgotten\t%s\n",
            wrong->samples > 0 ? "right label\tmislabelled" : "all\t(none)");
    for (int bar = 0; bar <= last; bar++)
        fprintf(out, "%d\t%d%s\t%.4g\t%.4g\n", bar, bar, bar == MOST_EVENTS ? "+" : "", percent(clean, bar),
                percent(wrong, bar));
    fprintf(out, "%d.5\tnever learned\t%.4g\t%.4g\n", last + 1, percent(clean, NEVER), percent(wrong, NEVER));
    fputs("EOD\n", out);
    fprintf(out, "set xrange [-0.6:%d.2]\n", last + 2);
}

/* `wrong` has no samples where right and wrong labels are not told apart. */
static void write_plot(FILE *out, const struct histogram *clean, const struct histogram *wrong)
{
    double most = 1;
    for (int bar = 0; bar < BARS; bar++)
        most = fmax(most, fmax(percent(clean, bar), percent(wrong, bar)));
    /* Room for the numbers on the bars. */
    fprintf(out, "set yrange [0:%.4g]\nset ytics %g\n", 1.08 * most, house_style_step(most, 5, false));
    fputs("set style fill solid 1 noborder\n"
          "set xlabel 'times forgotten: predicted right, then wrong in the next epoch'\n"
          "set format y '%g%%'\n"
          "set xtics scale 0\n"
          "bar(x) = x > 0 ? x : NaN\n"
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
    /* A pale fill and a full one, which grey tells apart. */
    char clean_count[COUNT_TEXT], wrong_count[COUNT_TEXT];
    fprintf(out,
            "set ylabel 'share of the group'\n"
            "set boxwidth 0.38\n"
            "plot $bars using ($1 - 0.2):(bar($3)):xtic(2) with boxes linetype 1 fillstyle transparent solid 0.35 "
            "border "
            "title '%s with the right label', \\\n"
            "     $bars using ($1 + 0.2):(bar($4)) with boxes linetype 2 title '%s mislabelled', \\\n"
            "     $bars using ($1 - 0.2):3:(share($3)) with labels font ',14' textcolor rgb ink offset 0, 0.6, \\\n"
            "     $bars using ($1 + 0.2):4:(share($4)) with labels font ',14' textcolor rgb ink offset 0, 0.6\n",
            house_style_count(clean_count, clean->samples), house_style_count(wrong_count, wrong->samples));
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

    char title[256], of_wrong[PERCENT_TEXT], of_clean[PERCENT_TEXT];
    house_style_percent(of_wrong, percent_unstable(&wrong), 0);
    house_style_percent(of_clean, percent_unstable(&clean), wrong.samples > 0 ? 0 : 1);
    if (wrong.samples > 0)
        snprintf(title, sizeof title, "%s of the mislabelled %s were forgotten or never learned, %s of the others",
                 of_wrong, house_style_noun(analysis), of_clean);
    else
        snprintf(title, sizeof title, "%s of the %s were forgotten or never learned", of_clean,
                 house_style_noun(analysis));
    house_style_begin(out, chart, title,
                      wrong.samples > 0 ? "Numbers on the bars: percent of the group."
                                        : "Numbers on the bars: percent.");
    write_data(out, &clean, &wrong);
    write_plot(out, &clean, &wrong);
    return 0;
}
