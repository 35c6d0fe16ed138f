/* The page's first parts: what was found, in which run, by which rule, and how sure that is. */
#include <inttypes.h>
#include <math.h>

#include "analyze/charts/house_style.h"
#include "analyze/noise_estimate.h"
#include "analyze/report/html.h"
#include "analyze/report/report.h"

static void write_count(FILE *out, uint64_t count)
{
    char room[COUNT_TEXT];
    fputs(house_style_count(room, count), out);
}

static bool has_probabilities(const struct report *report)
{
    return score_is_probability(&report->analysis.scores.scores[0]);
}

void report_write_finding(FILE *out, const struct report *report)
{
    const struct suspects *suspects = &report->suspects;
    if (report->truth.mislabelled != NULL) {
        write_count(out, report->quality.hits);
        fputs(" of ", out);
        write_count(out, report->truth.count);
        fprintf(out, " mislabelled %s found, among ", report_noun(report));
        write_count(out, suspects->count);
        fputs(" suspects", out);
        return;
    }
    write_count(out, suspects->count);
    fputs(" of ", out);
    write_count(out, report->analysis.run->samples);
    fprintf(out, " %s are suspects", report_noun(report));
    if (!has_probabilities(report) || suspects->count == 0)
        return;
    struct expected_count wrong =
        review_expect(&suspects->review, suspects->keys, suspects->flagged, report->analysis.run->samples);
    fputs(", of which about ", out);
    write_count(out, (uint64_t)llround(wrong.value));
    fputs(" have a wrong label", out);
}

/* ---- the run ------------------------------------------------------------------------------------------------ */

static void write_term(FILE *out, const char *name, const char *value)
{
    if (value == NULL || *value == 0)
        return;
    fprintf(out, "<div><dt>%s</dt><dd>", name);
    html_text(out, value);
    fputs("</dd></div>\n", out);
}

static void write_sizes(FILE *out, const struct tidylog_run *run)
{
    fputs("<div><dt>samples</dt><dd>", out);
    write_count(out, run->samples);
    fputs(" in ", out);
    write_count(out, tidylog_data_classes(run));
    fputs(" classes", out);
    if (run->height > 0)
        fprintf(out, ", images of %" PRIu32 "x%" PRIu32 "x%" PRIu32, run->height, run->width, run->channels);
    fputs("</dd></div>\n", out);
}

static void write_progress(FILE *out, const struct analysis *analysis)
{
    const struct tidylog_run *run = analysis->run;
    char text[128];
    snprintf(text, sizeof text, "%" PRIu64 " of %" PRIu64, analysis->epochs, run->epochs);
    write_term(out, "epochs", text);
    if (analysis->runs > 1) {
        snprintf(text, sizeof text, "%" PRIu32 "; this is of the first", analysis->runs);
        write_term(out, "runs in the log", text);
    }
    if (run->network != NULL || run->shuffle) {
        snprintf(text, sizeof text, "%" PRIu64, run->seed);
        write_term(out, "seed", text);
    }
}

void report_write_run(FILE *out, const struct report *report)
{
    const struct tidylog_run *run = report->analysis.run;
    fputs("<dl>\n", out);
    write_term(out, "log", report->request->path);
    write_term(out, "data set", run->data_name);
    write_sizes(out, run);
    write_term(out, "network", run->network);
    write_progress(out, &report->analysis);
    write_term(out, "noise", run->noise);
    write_term(out, "controls", run->probes);
    write_term(out, "recorded", run->started);
    write_term(out, "versions", run->versions);
    write_term(out, "command", run->command_line);
    fputs("</dl>\n", out);
}

/* ---- what was flagged ----------------------------------------------------------------------------------------- */

/* A line of the table of how sure it is, with these decimals. low is NaN where there is no interval. */
static void write_number(FILE *out, const char *name, int decimals, struct estimated number, const char *source)
{
    if (isnan(number.value))
        return;
    fprintf(out, "<tr><th scope=row>%s</th><td>%.*f</td><td>", name, decimals, number.value);
    if (!isnan(number.low))
        fprintf(out, "%.*f to %.*f", decimals, number.low, decimals, number.high);
    fprintf(out, "</td><td>%s</td></tr>\n", source);
}

static void write_truth(FILE *out, const struct report *report)
{
    static const char source[] = "the labels before wrong ones were planted";
    const struct set_quality *quality = &report->quality;
    if (report->truth.mislabelled == NULL)
        return;
    write_number(out, "precision", 3, (struct estimated){quality->precision, NAN, NAN}, source);
    write_number(out, "recall", 3, (struct estimated){quality->recall, NAN, NAN}, source);
    write_number(out, "F1", 3, (struct estimated){quality->f1, NAN, NAN}, source);
}

static void write_expected(FILE *out, const struct report *report)
{
    static const char source[] = PROBABILITY_SCORE;
    const struct suspects *suspects = &report->suspects;
    if (!has_probabilities(report))
        return;
    size_t samples = report->analysis.run->samples;
    struct expected_count found = review_expect(&suspects->review, suspects->keys, suspects->flagged, samples);
    struct expected_count all = review_expect(&suspects->review, suspects->keys, NULL, samples);
    write_number(out, "wrong labels expected among the suspects", 0,
                 (struct estimated){found.value, found.low, found.high}, source);
    write_number(out, "wrong labels expected in all", 0, (struct estimated){all.value, all.low, all.high}, source);
}

void report_write_flagged(FILE *out, const struct report *report)
{
    const struct suspects *suspects = &report->suspects;
    const struct score *score = &report->analysis.scores.scores[0];
    fputs("<p><b>", out);
    write_count(out, suspects->count);
    fputs("</b> of ", out);
    write_count(out, report->analysis.run->samples);
    fprintf(out, " %s are suspects by the score <b>", report_noun(report));
    html_text(out, score->name);
    fputs("</b> (", out);
    html_text(out, score->row->summary);
    fputs("), cut by the rule <b>", out);
    html_text(out, suspects->rule);
    fputs("</b>.</p>\n<table>\n<caption>How sure that is</caption>\n"
          "<thead><tr><th scope=col>what</th><th scope=col>value</th><th scope=col>95% interval</th>"
          "<th scope=col>known from</th></tr></thead>\n<tbody>\n",
          out);
    write_expected(out, report);
    write_truth(out, report);
    fputs("</tbody>\n</table>\n", out);
}
